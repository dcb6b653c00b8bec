"""Steps that are computed once, and kept as Polars holds them: above all groups with float sums."""

from __future__ import annotations

from typing import Any

from pandas_dist.backends.lowering import added_groups
from pandas_dist.backends.polars import lower
from pandas_dist.backends.polars.columns import settled
from pandas_dist.plan import reuse
from pandas_dist.plan.bounds import guessed_rows, likely_rows
from pandas_dist.plan.relations import Extend, Filter, Position, Relation
from pandas_dist.plan.reuse import COSTLY, KEPT_BYTES
from pandas_dist.plan.rewrites import Need, requirements, satisfied, topological


def hold_groups(relation: Relation, ids: set[str], ordered: bool) -> None:
    """Compute and keep the groups with sums of floats that a plan is going to read."""
    added = added_groups(relation, ids, ordered)
    if added is None:
        return
    chosen = [n for n in added.groups if worth_holding(n)]
    hold_shared(added.plan, added.needs, {id(node.state) for node in chosen})
    for node in chosen:
        hold(node, set(node.fields), ordered=not node.sort)


def hold_reduced(relation: Relation, ids: set[str], ordered: bool) -> None:
    """Keep the costly step that a reduction takes its rows from, if they are probably few.

    A script seldom reduces rows once: a share or a mean asks for them again.
    """
    node = relation
    while isinstance(node, (Extend, Filter, Position)):
        node = node.child
    if not isinstance(node, COSTLY):
        return
    need = requirements(relation, ids, ordered)[id(node)]
    probable = guessed_rows(node) * node.bytes_per_row(need.columns)
    if need.columns and probable < reuse.LEAST_BYTES and worth_holding(node, need.columns):
        hold(node, need.columns, need.ordered)


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
