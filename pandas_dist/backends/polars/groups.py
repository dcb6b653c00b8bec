"""Groups are added up once: Polars adds floats in another order each time.

Two executions would give sums that differ in their last bits, and a script that compares
them (``totals == totals.max()``) another answer than pandas.
"""

from __future__ import annotations

from typing import Any

from pandas_dist.backends.polars import lower
from pandas_dist.backends.polars.columns import settled
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.relations import Aggregate, Relation
from pandas_dist.plan.reuse import COSTLY, KEPT_BYTES
from pandas_dist.plan.rewrites import Need, optimise, requirements, satisfied, topological

ADDED = frozenset({"sum", "mean", "std", "var", "sem", "prod"})


def hold_groups(relation: Relation, ids: set[str], ordered: bool) -> None:
    """Compute and keep the groups with sums of floats that a plan is going to read."""
    groups = [n for n in topological(relation) if isinstance(n, Aggregate) and is_added(n)]
    if not groups:
        return
    plan = optimise(relation, ids, ordered)
    needs = requirements(plan, ids, ordered)
    read = {
        id(node.state)
        for node in topological(plan)
        if (node is plan or needs[id(node)].parents)
        and not satisfied(node, needs[id(node)].columns, needs[id(node)].ordered)
    }
    # Those that others are made of come first.
    chosen = [n for n in reversed(groups) if id(n.state) in read and worth_holding(n)]
    hold_shared(plan, needs, {id(node.state) for node in chosen})
    for node in chosen:
        hold(node, set(node.fields), ordered=not node.sort)


def is_added(node: Aggregate) -> bool:
    """Whether a node's values depend on the order in which floats are added."""
    fields = node.child.fields
    return any(
        a.func in ADDED and a.column is not None and fields[a.column].kind not in "mM"
        for a in node.aggs.values()
    )


def worth_holding(node: Relation, columns: set[str] | None = None) -> bool:
    return likely_rows(node) * node.bytes_per_row(columns) < KEPT_BYTES


def hold_shared(plan: Relation, needs: dict[int, Need], groups: set[int]) -> None:
    """Keep the costly steps that groups, computed on their own, share with the rest of a plan."""
    for root in topological(plan):
        if id(root.state) not in groups:
            continue
        for node in reversed(topological(root)):
            need = needs[id(node)]
            shared = need.parents > 1 and isinstance(node, COSTLY) and node is not root
            done = satisfied(node, need.columns, need.ordered)
            if shared and not done and worth_holding(node, need.columns):
                hold(node, need.columns, need.ordered)


def hold(node: Relation, ids: set[str], ordered: bool) -> None:
    """Compute columns of a node and keep them on it."""
    state = node.state
    with state.lock:
        if satisfied(node, ids, ordered):
            return
        held, state.count = computed(node, ids, ordered)
        if ordered:
            state.persisted = held
        else:
            state.unordered = held
        state.engine = "polars"


def computed(relation: Relation, ids: set[str], ordered: bool) -> tuple[dict[str, Any], int]:
    """Some columns as Polars holds them, and the number of rows."""
    order = [i for i in relation.fields if i in ids]
    frame = lower.lowered(relation, ids, ordered).select(order)
    data, widened = lower.with_widened(frame)
    fields = relation.fields
    held = {i: settled(data[i], frame.columns[i], fields[i], i in widened) for i in order}
    return held, data.height
