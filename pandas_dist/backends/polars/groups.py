"""Steps that are computed once, and kept as Polars holds them: above all groups with float sums."""

from __future__ import annotations

from typing import Any

from pandas_dist.backends.lowering import added_groups
from pandas_dist.backends.polars import lower
from pandas_dist.backends.polars.columns import settled
from pandas_dist.backends.polars.frames import with_widened
from pandas_dist.plan import reuse
from pandas_dist.plan.bounds import guessed_rows, likely_rows
from pandas_dist.plan.relations import Extend, Filter, Position, Relation
from pandas_dist.plan.reuse import COSTLY, KEPT_BYTES
from pandas_dist.plan.rewrites import Need, planned, requirements, satisfied, topological


def prepared(relation: Relation, ids: set[str], ordered: bool) -> tuple[Relation, dict[int, Need]]:
    """The plan after the passes, of which the groups with sums of floats are computed and kept."""
    added = added_groups(relation, ids, ordered)
    if added is None:
        return planned(relation, ids, ordered)
    chosen = {id(n.state): n for n in added.groups if worth_holding(n)}
    if not chosen:
        return added.plan, added.needs
    hold_shared(added.plan, added.needs, set(chosen))
    nodes = {id(n.state): n for n in topological(added.plan)}
    for state, node in chosen.items():
        whole, ordered_by_rows = set(node.fields), not node.sort
        if node.aggs.keys() <= added.needs[id(nodes[state])].columns:
            hold_planned(nodes[state], whole, ordered_by_rows)
        else:
            hold(node, whole, ordered_by_rows)
    return added.plan, requirements(added.plan, ids, ordered)


def hold_reduced(relation: Relation, ids: set[str], ordered: bool) -> bool:
    """Keep the costly step that a reduction takes its rows from, if they are probably few.

    A script seldom reduces rows once: a share or a mean asks for them again.
    """
    node = relation
    while isinstance(node, (Extend, Filter, Position)):
        node = node.child
    if not isinstance(node, COSTLY):
        return False
    need = requirements(relation, ids, ordered)[id(node)]
    probable = guessed_rows(node) * node.bytes_per_row(need.columns)
    few = bool(need.columns) and probable < reuse.LEAST_BYTES
    return few and worth_holding(node, need.columns) and hold(node, need.columns, need.ordered)


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
                hold_planned(node, need.columns, need.ordered)


def hold(node: Relation, ids: set[str], ordered: bool) -> bool:
    """Compute columns of a node and keep them on it; False if they are kept already."""
    with node.state.lock:
        if satisfied(node, ids, ordered):
            return False
        keep(node, computed(node, ids, *planned(node, ids, ordered)), ordered)
        return True


def hold_planned(node: Relation, ids: set[str], ordered: bool) -> None:
    """As `hold`, for a node of a plan after the passes."""
    with node.state.lock:
        if not satisfied(node, ids, ordered):
            needs = requirements(node, ids, ordered)
            keep(node, computed(node, ids, node, needs), ordered)


def keep(node: Relation, found: tuple[dict[str, Any], int], ordered: bool) -> None:
    state = node.state
    held, state.count = found
    if ordered:
        state.persisted = held
    else:
        state.unordered = held
    state.engine = "polars"


def computed(
    relation: Relation, ids: set[str], plan: Relation, needs: dict[int, Need]
) -> tuple[dict[str, Any], int]:
    """Some columns as Polars holds them, and the number of rows, by a plan after the passes."""
    order = [i for i in relation.fields if i in ids]
    frame = lower.Lowering.of(plan, needs).lower(plan).select(order)
    data, widened = with_widened(frame)
    fields = relation.fields
    held = {i: settled(data[i], frame.columns[i], fields[i], i in widened) for i in order}
    return held, data.height
