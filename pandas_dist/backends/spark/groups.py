"""Groups with sums of floats are computed once, and kept here."""

from __future__ import annotations

from pandas_dist.backends.lowering import added_groups
from pandas_dist.backends.spark import lower
from pandas_dist.backends.spark.frames import export
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.relations import Relation
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import satisfied


def hold_groups(relation: Relation, ids: set[str], ordered: bool, whole: bool) -> None:
    """Compute and keep the groups with sums of floats that a plan is going to read.

    ``whole``: the rows of ``relation`` come here and are kept by that.
    """
    added = added_groups(relation, ids, ordered, whole)
    for node in added.groups if added is not None else ():
        if likely_rows(node) * node.bytes_per_row() < KEPT_BYTES:
            hold(node)


def hold(node: Relation) -> None:
    """All columns of a node, which come here: to keep them in Spark takes longer."""
    state = node.state
    with state.lock:
        if not satisfied(node, set(node.fields)):
            frame = lower.lowered(node, set(node.fields), True)
            found = export(frame, list(node.fields), node.fields)
            state.columns, state.count = {i: found[i] for i in node.fields}, len(found)
