"""Running plans: the one way from a relation to rows in this process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from pandas_dist import backends, report
from pandas_dist.plan.relations import Local, Relation, assemble

_thread = threading.local()


@contextlib.contextmanager
def local_mode() -> Iterator[None]:
    """Objects made or used inside (by user functions) behave as plain pandas."""
    depth = getattr(_thread, "depth", 0)
    _thread.depth = depth + 1
    try:
        yield
    finally:
        _thread.depth = depth


def is_local_mode() -> bool:
    """Whether this thread runs a kernel or user function."""
    return getattr(_thread, "depth", 0) > 0


def stored(relation: Relation, ids: set[str]) -> pd.DataFrame | None:
    """The columns from memory, where they have been collected before."""
    if isinstance(relation, Local):
        return relation.frame[list(ids)] if ids else relation.frame[[]]
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
        report.counters.executions += 1
        frame = backends.current().collect(relation, ids, ordered)
        relation.state.count = len(frame)
        if ordered:
            for name in frame.columns:
                relation.state.columns[name] = frame[name]
        return frame


def count(relation: Relation) -> int:
    """The number of rows, executing at most once."""
    known = relation.rows()
    if known is not None:
        return known
    with relation.state.lock:
        if relation.state.count is None:
            report.counters.executions += 1
            relation.state.count = backends.current().count(relation)
        return relation.state.count


def run_whole(relation: Relation, ids: set[str], kernel: Callable[[pd.DataFrame], Any]) -> Any:
    """A pandas kernel on all rows at once, in one task of the engine."""
    with relation.state.lock:
        found = stored(relation, ids)
        if found is not None:
            return kernel(found)
        report.counters.executions += 1
        return backends.current().run_whole(relation, ids, kernel)
