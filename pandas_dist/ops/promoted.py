"""Data in memory for which ``auto`` asks an engine, one operation at a time.

pandas makes its own groupby object or accessor, with its own checks and errors; a subclass then
sends the methods that gain to the engine.  An operation takes the columns that it reads as they
are, without a copy, and gives its result in memory before it returns: nothing waits for data
that may change.  Where a rule has no native form, pandas' own method runs.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import callers, config, gains, report
from pandas_dist.fallback import NotNative
from pandas_dist.gains import NOTHING
from pandas_dist.groupby import DataFrameGroupBy, Grouping, SeriesGroupBy
from pandas_dist.ops import calls, dispatch
from pandas_dist.ops.binding import bind, bound
from pandas_dist.pandas_private import (
    DatetimeProperties,
    copy_on_write,
    selection_of,
)
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan, Plan, SeriesPlan
from pandas_dist.plan.index import RangeLabels
from pandas_dist.plan.relations import Local, assemble
from pandas_dist.plan.schema import Field, new_id

# -- data in memory as a plan, for one operation ------------------------------------------------


def columns_of(frame: Any, labels: Iterable[Hashable]) -> list[Any] | None:
    """Columns as plain series on the frame's own memory; None unless each label occurs once."""
    places = [frame.columns.get_loc(label) for label in labels]
    if not all(isinstance(n, int) for n in places):
        return None
    plain = dispatch.bare(frame)
    return [plain.iloc[:, n] for n in places]


def relation_of(
    columns: list[Any], text: bool = False, nulls: bool = True
) -> tuple[Local, list[Col], RangeLabels]:
    """Columns of equal length as a relation with a default index.

    ``text``: objects among them are all str; ``nulls``: whether values may be missing.
    """
    ids = [new_id() for _ in columns]
    kinds = [c.dtype.kind if isinstance(c.dtype, np.dtype) else "E" for c in columns]
    fields = {
        i: Field(c.dtype, nulls=nulls and kind not in "iub", text=text and kind == "O")
        for i, c, kind in zip(ids, columns, kinds)
    }
    index = pd.RangeIndex(len(columns[0]))
    data = {i: c.copy(deep=False) for i, c in zip(ids, columns)}
    for column in data.values():
        column.index = index  # ``set_axis`` would copy the values
    shown = {i: c.name for i, c in zip(ids, columns)}
    relation = Local(assemble(data, len(index)), fields, labels=shown)
    return relation, [Col(i, fields[i]) for i in ids], RangeLabels.of(index, None)


def frame_plan(columns: list[Any], like: Any) -> FramePlan:
    """Columns as a frame, whose column labels are those of ``like``."""
    relation, exprs, labels = relation_of(columns)
    names = [c.name for c in columns]
    if isinstance(like, pd.DataFrame):
        shown = pd.Index(names, dtype=like.columns.dtype, name=like.columns.name)
    else:
        shown = pd.Index(names)
    return FramePlan(relation, shown, tuple(exprs), labels)


def finished(
    what: str, columns: list[Any], result: Any, parent: Any, times: float = gains.LATER
) -> Any:
    """A result in memory: what a rule gave for ``columns``."""
    size, least = sum(c.nbytes for c in columns), times * config.options.min_bytes
    why = f"the columns are {size / 1e6:,.1f} MB, {least / 1e6:,.1f} MB or more"
    report.record_promotion(what, f"on polars, {why}")
    if isinstance(result, (FramePlan, SeriesPlan)):
        result = result.collect()
    if isinstance(result, (pd.DataFrame, pd.Series)):
        result = dispatch.local(result)
    return calls.present(result, parent)


# -- groups -------------------------------------------------------------------------------------


class Asked:
    """What ``groupby`` was called with, shared by the groupby objects that come from it.

    ``keys``: the values of the keys then, on the memory that pandas groups as well.
    """

    def __init__(self, options: dict[str, Any], labels: list[Hashable], keys: list[Any]) -> None:
        self.options, self.labels, self.keys = options, labels, keys
        self.users: weakref.WeakSet[Any] = weakref.WeakSet()

    def settled(self, references: int) -> bool:
        """Whether no aggregation by the same keys comes before or after this one.

        pandas looks at keys once, so it has to be the one who does if they may be changed
        between two aggregations.
        """
        return copy_on_write() or (references <= gains.TEMPORARY and len(self.users) == 1)


def groupby(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """pandas' groupby object, whose aggregations may go to an engine."""
    found = method(self, *args, **kwargs)
    given = vars(bind(method, (self, *args), kwargs))
    options = {k: v for k, v in given.items() if k not in ("self", "_variadic")}
    by = options["by"]
    labels = by if type(by) is list else [by]
    plain = type(found) in GROUPS and all(isinstance(k, str) for k in labels)
    if not plain or options["level"] is not None or type(self.columns) is not pd.Index:
        return found
    if not all(label in self.columns for label in labels):
        return found  # names of index levels
    keys = columns_of(self, labels)
    if keys is None or not gains.kinds(keys, gains.KEYS) or not options["dropna"]:
        return found
    if options.pop("axis", 0) not in (0, "index", pd.api.extensions.no_default):
        return found
    options["by"] = list(labels) if type(by) is list else by
    return known(found, Asked(options, list(labels), keys))


def known(groups: Any, asked: Asked) -> Any:
    """A groupby object of pandas as the subclass that knows what it was asked."""
    ours = GROUPS.get(type(groups))
    if ours is not None:
        groups.__class__ = ours
        groups.__dict__["_asked"] = asked
        asked.users.add(groups)
    return groups


class FrameGroups(pd.api.typing.DataFrameGroupBy):
    _asked: Asked

    def __getitem__(self, key: Any) -> Any:
        return known(super().__getitem__(key), self._asked)


class SeriesGroups(pd.api.typing.SeriesGroupBy):
    _asked: Asked


GROUPS: dict[type, type] = {
    pd.api.typing.DataFrameGroupBy: FrameGroups,
    pd.api.typing.SeriesGroupBy: SeriesGroups,
}


def _aggregation(name: str, method: Any) -> Any:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        settled = self._asked.settled(sys.getrefcount(self))
        if settled and gains.applies(self.obj, sys._getframe(1)):
            result = aggregated(self, name, method, args, kwargs)
            if result is not NOTHING:
                return result
        return method(self, *args, **kwargs)

    return call


def aggregated(
    groups: Any, name: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """An aggregation on the engine; NOTHING where pandas has to do it."""
    from pandas_dist.ops import grouping

    asked, obj, selection = groups._asked, groups.obj, selection_of(groups)
    series = obj.ndim == 1
    values = [dispatch.bare(obj)] if series else values_of(groups, name, args, kwargs)
    if not values or len(values[0]) != len(asked.keys[0]):
        return NOTHING
    columns = [*asked.keys, *values]
    names = [c.name for c in columns]
    if not gains.kinds(values, gains.VALUES) or not gains.enough(columns):
        return NOTHING
    if len(set(names)) < len(names):  # an aggregation of its own key
        return NOTHING
    calls._load_rules()
    chosen = obj.name if series else selection
    spec = Grouping(calls.make(frame_plan(columns, obj)), asked.options, chosen)
    as_frame = not series or not asked.options["as_index"]
    lazy = DataFrameGroupBy(spec) if as_frame else SeriesGroupBy(spec)
    try:
        result = grouping.native(spec, name, method, lazy, args, kwargs)
    except NotNative:
        return NOTHING
    return finished(f"groupby.{name}", columns, result, obj)


def values_of(
    groups: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Any] | None:
    """The columns whose values an aggregation reads; None where pandas has to say."""
    frame = groups.obj
    labels = list(dict.fromkeys(read(groups, name, args, kwargs)))
    if not frame.columns.is_unique or not all(label in frame.columns for label in labels):
        return None
    return columns_of(frame, labels)


def read(groups: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Hashable]:
    """The columns whose values an aggregation reads; empty where pandas has to say."""
    selection = selection_of(groups)
    if name in ("agg", "aggregate") and selection is None:
        if len(args) == 1 and not kwargs and isinstance(args[0], dict):
            return list(args[0])
        if not args and all(type(v) is tuple and len(v) == 2 for v in kwargs.values()):
            return [column for column, _ in kwargs.values()]
    if selection is None:
        return [c for c in groups.obj.columns if c not in groups._asked.labels]
    if isinstance(selection, (list, tuple)):
        return list(selection)
    return [selection] if isinstance(selection, str) else []


for _name in sorted(gains.GROUPED):
    for _base, _ours in GROUPS.items():
        setattr(_ours, _name, _aggregation(_name, getattr(_base, _name)))
_ALIKE: list[tuple[type, type]] = [(_ours, _base) for _base, _ours in GROUPS.items()]


def pivot_table(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A pivot table of numbers by labels of columns."""
    from pandas_dist.ops import pivoting

    p = bound(method, (self, *args), kwargs)
    if p is None:
        return NOTHING
    parts = [given if type(given) is list else [given] for given in (p.index, p.columns, p.values)]
    labels = [label for part in parts for label in part]
    known = all(isinstance(label, str) and label in self.columns for label in labels)
    if not known or len(set(labels)) < len(labels) or p.margins or not parts[2]:
        return NOTHING
    if not isinstance(p.aggfunc, str) or p.aggfunc not in gains.GROUPED or not labels:
        return NOTHING
    usual = type(self.columns) is pd.Index and self.columns.is_unique
    columns = columns_of(self, labels) if usual else None
    if columns is None or not gains.enough(columns):
        return NOTHING
    keys = columns[: len(labels) - len(parts[2])]
    if not gains.kinds(keys, gains.KEYS) or not gains.kinds(columns[len(keys) :], gains.VALUES):
        return NOTHING
    calls._load_rules()
    try:
        result = pivoting.pivot_table(frame_plan(columns, self), p)
    except NotNative:
        return NOTHING
    return finished("DataFrame.pivot_table", columns, result, self)


# -- series -------------------------------------------------------------------------------------


class Dates(DatetimeProperties):  # type: ignore[misc]
    """pandas' ``.dt``, some of whose fields come from an engine."""

    _series: Any


def dates(found: Any, series: Any) -> Any:
    """pandas' ``.dt`` of a large column, as the subclass that asks an engine."""
    if type(found) is DatetimeProperties:
        found.__class__ = Dates
        found.__dict__["_series"] = series
    return found


def through(found: Any, name: str, part: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """One call of an accessor on the engine; NOTHING where pandas has to do it."""
    from pandas_dist.ops import strings

    series = found._series
    column = dispatch.bare(series)
    times = 1 if name == "str" else gains.DATES[part]
    if not gains.enough([column], times):
        return NOTHING
    complete = found.complete if name == "str" else None
    if complete is False or (complete is None and column.hasnans):
        return NOTHING
    calls._load_rules()
    relation, (expr,), labels = relation_of([column], text=name == "str", nulls=False)
    plan = SeriesPlan(relation, expr, column.name, labels)
    lower: Callable[..., Plan | None] = strings._text if name == "str" else strings._dates
    try:
        result = lower(plan, strings.Through(name, part, args, kwargs))
    except NotNative:
        return NOTHING
    if not isinstance(result, SeriesPlan):
        return NOTHING
    values = result.collect()
    values.index = series.index
    return finished(f"Series.{name}.{part}", [column], values, series, times)


def _date_field(name: str, field: Any) -> Any:
    def get(self: Any) -> Any:
        if gains.applies(self._series, sys._getframe(1)):
            result = through(self, "dt", name, None, {})
            if result is not NOTHING:
                return result
        return field.__get__(self)

    return property(get, doc=field.__doc__)


for _name in sorted(gains.DATES):
    setattr(Dates, _name, _date_field(_name, getattr(DatetimeProperties, _name)))
_ALIKE += [(Dates, DatetimeProperties)]
for _ours, _base in _ALIKE:
    _ours.__name__, _ours.__qualname__ = _base.__name__, _base.__qualname__
    _ours.__module__ = _base.__module__

METHODS: dict[str, Callable[..., Any]] = {
    "groupby": groupby,
    "pivot_table": pivot_table,
}
callers.attribute_warnings(sys.modules[__name__])
