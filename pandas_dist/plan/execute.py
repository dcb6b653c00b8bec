"""Running plans: the one way from a relation to rows in this process."""

from __future__ import annotations

import pandas as pd

from pandas_dist import backends
from pandas_dist.local_mode import is_local_mode, local_mode
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.relations import Aggregate, Extend, Filter, Local, Relation, assemble
from pandas_dist.plan.reuse import keep_reused
from pandas_dist.plan.rewrites import topological
from pandas_dist.progress import execution

__all__ = ["collect", "count", "is_local_mode", "local_mode", "stored"]


def stored(relation: Relation, ids: set[str]) -> pd.DataFrame | None:
    """The columns from memory, where they have been collected before."""
    if isinstance(relation, Local):
        frame = relation.frame
        return assemble({i: frame[i] for i in ids}, len(frame))  # shared, not copied
    state = relation.state
    if ids <= state.columns.keys() and (ids or state.count is not None):
        return assemble({i: state.columns[i] for i in ids}, state.count or 0)
    return None


def collect(relation: Relation, ids: set[str], ordered: bool = True) -> pd.DataFrame:
    """The relation's columns ``ids``, all rows, in this process; kept on the node."""
    with relation.state.lock:
        found = stored(relation, ids)
        if found is not None:
            return found
        wanted = list(ids)
        if isinstance(relation, Aggregate) and ids <= relation.keys.keys():
            # Who looks at the labels of groups looks at their values next.
            ids = set(relation.fields)
        elif relation.state.uses and is_small(relation) and not on_persisted(relation):
            # The second look at few rows brings all their columns: no third execution.
            ids = set(relation.fields)
        relation.state.uses += 1
        with execution():
            keep_reused(relation, ids, ordered, whole=True)
            frame = backends.current().collect(relation, ids, ordered)
        relation.state.count = len(frame)
        if ordered:
            for name in frame.columns:
                relation.state.columns[name] = frame[name]
        return frame if len(wanted) == len(ids) else frame[wanted]


SMALL_BYTES = 32e6


def is_small(relation: Relation) -> bool:
    """Whether all columns cost little to bring here, by the upper bound of rows."""
    return row_bound(relation) * relation.bytes_per_row() < SMALL_BYTES


def on_persisted(relation: Relation) -> bool:
    """Whether the plan rests on persisted columns: the others may be gone."""
    states = [node.state for node in topological(relation)]
    return any(state.persisted or state.unordered for state in states)


def count(relation: Relation) -> int:
    """The number of rows, executing at most once."""
    known = relation.rows()
    if known is not None:
        return known
    groups = _groups_of(relation)
    if groups is not None:
        # Whoever counts groups looks at them next; they cost as much as their number.
        collect(groups, set(groups.fields))
    with relation.state.lock:
        if relation.state.count is None:
            with execution():
                keep_reused(relation, set(), False)
                relation.state.count = backends.current().count(relation)
        return relation.state.count


def _groups_of(relation: Relation) -> Aggregate | None:
    """The aggregation that gives the rows of ``relation``, possibly through filters."""
    while isinstance(relation, (Extend, Filter)):
        relation = relation.child
    return relation if isinstance(relation, Aggregate) else None
