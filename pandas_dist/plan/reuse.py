"""What several executions have in common is kept on the engine from the second one on."""

from __future__ import annotations

from pandas_dist import backends
from pandas_dist.plan.bounds import likely_rows, row_bound
from pandas_dist.plan.relations import Aggregate, Distinct, Join, Relation, Sort
from pandas_dist.plan.rewrites import planned, requirements, satisfied, topological
from pandas_dist.plan.window import Window
from pandas_dist.progress import execution

# Steps that cost more than reading their inputs.
COSTLY = (Aggregate, Distinct, Join, Sort, Window)
LEAST_BYTES = 32e6  # below it, computing again costs little
KEPT_BYTES = 256e6


def keep_reused(relation: Relation, ids: set[str], ordered: bool, whole: bool = False) -> None:
    """Before an execution: hold the columns of costly steps that an earlier one ran as well.

    ``whole``: the rows of ``relation`` come here and are kept by that, so it is not looked at.
    """
    again = False
    for node in topological(relation):
        if isinstance(node, COSTLY) and not (whole and node is relation):
            again |= node.state.runs > 0
            node.state.runs += 1
    if not again:
        return
    plan, needs = planned(relation, ids, ordered)
    for node in topological(plan):
        need = needs[id(node)]
        reached = need.parents > 0 or (node is plan and not whole)
        done = satisfied(node, need.columns, need.ordered)
        if reached and not done and worth_keeping(node, need.columns):
            with node.state.lock:
                with execution():
                    held, rows = backends.current().persist(node, need.columns)
                node.state.persisted, node.state.count = held, rows
            needs = requirements(plan, ids, ordered)


def worth_keeping(node: Relation, columns: set[str]) -> bool:
    """Whether a step ran before and its columns are neither trifles nor too many."""
    if not isinstance(node, COSTLY) or node.state.runs < 2 or node.state.persisted:
        return False
    size = node.bytes_per_row(columns)
    return (
        bool(columns)
        and row_bound(node) * size >= LEAST_BYTES
        and likely_rows(node) * size < KEPT_BYTES
    )
