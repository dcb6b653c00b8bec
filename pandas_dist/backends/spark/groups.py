"""Groups are added up once: Spark adds floats in another order each time.

Two executions would give sums that differ in their last bits, and a script that compares
them (``totals == totals.max()``) another answer than pandas.
"""

from __future__ import annotations

from pandas_dist.backends.spark import lower
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.relations import Aggregate, Relation
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import optimise, requirements, satisfied, topological

ADDED = frozenset({"sum", "mean", "std", "var", "sem", "prod"})


def hold_groups(relation: Relation, ids: set[str], ordered: bool, whole: bool) -> None:
    """Compute and keep the groups with sums of floats that a plan is going to read.

    ``whole``: the rows of ``relation`` come here and are kept by that.
    """
    groups = [n for n in topological(relation) if is_added(n) and not (whole and n is relation)]
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
    """All columns of a node, kept by Spark once they are computed."""
    state = node.state
    with state.lock:
        if not satisfied(node, set(node.fields)):
            frame = lower.lowered(node, set(node.fields), True).select(node.fields)
            state.persisted = dict.fromkeys(node.fields, frame.persist())
            state.engine = "spark"
