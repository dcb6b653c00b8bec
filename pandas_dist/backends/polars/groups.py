"""Groups are added up once: Polars adds floats in another order each time.

Two executions would give sums that differ in their last bits, and a script that compares
them (``totals == totals.max()``) another answer than pandas.
"""

from __future__ import annotations

from pandas_dist.backends.polars import lower
from pandas_dist.backends.polars.columns import settled, to_pandas
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.relations import Aggregate, Relation
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import optimise, requirements, satisfied, topological

ADDED = frozenset({"sum", "mean", "std", "var", "sem", "prod"})


def hold_groups(relation: Relation, ids: set[str], ordered: bool) -> None:
    """Compute and keep the groups with sums of floats that a plan is going to read."""
    groups = [node for node in topological(relation) if is_added(node)]
    if not groups:
        return
    plan = optimise(relation, ids, ordered)
    needs = requirements(plan, ids, ordered)
    read = {
        id(node.state)
        for node in topological(plan)
        if (node is plan or needs[id(node)].parents)
        and not satisfied(node, needs[id(node)].columns)
    }
    for node in reversed(groups):  # those that others are made of come first
        if id(node.state) in read and likely_rows(node) * node.bytes_per_row() < KEPT_BYTES:
            hold(node)


def is_added(node: Relation) -> bool:
    """Whether a node's values depend on the order in which floats are added."""
    if not isinstance(node, Aggregate):
        return False
    fields = node.child.fields
    return any(
        a.func in ADDED and a.column is not None and fields[a.column].kind not in "mM"
        for a in node.aggs.values()
    )


def hold(node: Relation) -> None:
    """All columns of a node, kept on it."""
    with node.state.lock:
        if node.fields.keys() <= node.state.columns.keys():
            return
        frame = lower.lowered(node, set(node.fields), True).select(list(node.fields))
        data, widened = lower.with_widened(frame)
        for i, field in node.fields.items():
            column = frame.columns[i]
            node.state.columns[i] = to_pandas(data[i], column, field, i in widened)
            node.state.converted[i] = settled(data[i], column, field, i in widened)
        node.state.count = data.height
