"""Joins, sorts and ranks of large frames in memory: an engine finds the rows, pandas takes them.

As in ``ops.promoted``, an operation ends before it returns, and pandas' own method runs where a
rule has no native form.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pandas as pd

from pandas_dist import callers, gains
from pandas_dist.fallback import NotNative
from pandas_dist.gains import NOTHING
from pandas_dist.ops import calls, dispatch
from pandas_dist.ops.binding import bound
from pandas_dist.ops.promoted import columns_of, finished, frame_plan, relation_of
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.frames import SeriesPlan

SORTED = gains.KEYS + "f"


def number_columns(frame: Any, labels: list[Any]) -> list[Any] | None:
    """Columns of numbers or times; None if some are something else, or not there once."""
    usual = type(frame.columns) is pd.Index and frame.columns.is_unique
    if not usual or not all(isinstance(x, str) and x in frame.columns for x in labels):
        return None
    columns = columns_of(frame, labels)
    return columns if columns is not None and gains.kinds(columns, SORTED) else None


def sort_values(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A sort by several columns, which is stable in pandas; by one its ties are pandas' own."""
    from pandas_dist.ops import order

    p = bound(method, (self, *args), kwargs)
    labels = p.by if p is not None and type(p.by) is list else []
    columns = number_columns(self, labels) if len(set(labels)) == len(labels) > 1 else None
    if p is None or columns is None or not gains.enough(columns):
        return NOTHING
    ascending = p.ascending if type(p.ascending) is list else [p.ascending] * len(labels)
    plain = (
        (p.inplace is False or p.inplace is pd.api.extensions.no_default)
        and p.axis in (0, "index")
        and p.key is None
        and p.na_position in ("first", "last")
        and len(ascending) == len(labels)
        and all(type(one) is bool for one in ascending)
        and type(p.ignore_index) is bool
        and not any(label in self.index.names for label in labels)
    )
    if not plain:
        return NOTHING
    calls._load_rules()
    places = order.sort_values(
        frame_plan(columns, self), SimpleNamespace(**{**vars(p), "ignore_index": False})
    )
    taken = dispatch.bare(self).take(places.collect().index)
    if p.ignore_index:
        taken.index = pd.RangeIndex(len(taken))
    return finished("DataFrame.sort_values", columns, taken, self)


def extremes(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The rows with the largest or smallest numbers of one column, by the column alone: of a
    frame, pandas 2 copies all columns before."""
    from pandas_dist.ops import order

    p = bound(method, (self, *args), kwargs)
    if p is None:
        return NOTHING
    labels = p.columns if type(p.columns) is list else [p.columns]
    columns = number_columns(self, labels) if len(labels) == 1 else None
    if columns is None or columns[0].dtype.kind == "b":
        return NOTHING
    if gains.enough(columns):
        calls._load_rules()
        plan = order.extremes(frame_plan(columns, self), p, method.__name__ == "nsmallest")
        if plan is not None:
            taken = dispatch.bare(self).take(plan.collect().index)
            return finished(f"DataFrame.{method.__name__}", columns, taken, self)
    if PANDAS_3:
        return NOTHING
    values = pd.Series(columns[0].to_numpy(), copy=False)
    found = getattr(values, method.__name__)(p.n, keep=p.keep)
    return calls.present(dispatch.local(dispatch.bare(self).take(found.index)), self)


def merge(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A join by columns of numbers or times that both sides call the same."""
    from pandas_dist.ops import join

    p = bound(method, (self, *args), kwargs)
    if p is None or p.how not in ("inner", "left"):
        return NOTHING
    labels = p.on if type(p.on) is list else [p.on]
    frames = (self, p.right)
    if not all(isinstance(one, pd.DataFrame) and "_mgr" in one.__dict__ for one in frames):
        return NOTHING
    keys = [number_columns(one, labels) for one in frames]
    if keys[0] is None or keys[1] is None or not gains.enough([*keys[0], *keys[1]]):
        return NOTHING
    if p.validate is not None or p.indicator or p.sort:
        return NOTHING
    calls._load_rules()
    plans = [frame_plan(columns_of(one, one.columns) or [], one) for one in frames]
    try:
        result = join.lazy(p, *map(calls.make, plans))
    except NotNative:
        return NOTHING
    if result is None:
        return NOTHING
    return finished("DataFrame.merge", [*keys[0], *keys[1]], result, self)


def rank(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The ranks of a column of numbers."""
    from pandas_dist.ops import window

    p = bound(method, (self, *args), kwargs)
    column = dispatch.bare(self)
    if p is None or not gains.kinds([column], gains.VALUES) or not gains.enough([column]):
        return NOTHING
    calls._load_rules()
    relation, (expr,), labels = relation_of([column])
    given = {k: v for k, v in vars(p).items() if k not in ("self", "_variadic")}
    try:
        result = window.window(SeriesPlan(relation, expr, column.name, labels), "rank", given)
    except NotNative:
        return NOTHING
    values = result.collect()
    values.index = column.index
    return finished("Series.rank", [column], values, self)


METHODS = {
    "merge": merge,
    "nlargest": extremes,
    "nsmallest": extremes,
    "rank": rank,
    "sort_values": sort_values,
}
callers.attribute_warnings(sys.modules[__name__])
