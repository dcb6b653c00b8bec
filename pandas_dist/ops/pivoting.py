"""Pivots, cross tables, melts, dummies and bins.

A pivot is a groupby, which the engine computes, and pandas' own arrangement of the few groups.
The rest runs pandas' function on the columns that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops import counting, dispatch
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan, SeriesPlan, same_rows, unify
from pandas_dist.plan.index import RangeLabels

NO_DEFAULT = pd.api.extensions.no_default


def labels_in(plan: FramePlan, given: Any) -> list[Hashable] | None:
    """A label or a list of labels as those of columns that occur once; None for anything else."""
    if given is None:
        return []
    labels = given if isinstance(given, list) else [given]
    if isinstance(plan.columns, pd.MultiIndex):
        return None
    for label in labels:
        if not isinstance(label, (str, int, float)) or plan.position_of(label) is None:
            return None
    return labels


def only(plan: FramePlan, labels: list[Hashable]) -> FramePlan:
    """Some columns of a plan, by labels that each occur once."""
    places = [plan.position_of(label) for label in labels]
    kept = [n for n in places if n is not None]
    if kept == list(range(len(plan.columns))):
        return plan
    return plan.with_exprs(plan.columns[kept], [plan.exprs[n] for n in kept])


# -- pivot_table ---------------------------------------------------------------------------------


class _Groups:
    """What ``pivot_table`` asks of a groupby: aggregated by the engine, handed over plain."""

    _obj_with_exclusions = pd.DataFrame(columns=["values"])  # pandas asks whether there are any

    def __init__(self, groups: Any) -> None:
        self.groups = groups

    def __getitem__(self, key: Any) -> _Groups:
        return _Groups(self.groups[key])

    def agg(self, func: Any, **kwargs: Any) -> Any:
        result = self.groups.agg(func, **kwargs)
        return dispatch.plain(result) if dispatch.is_ours(result) else result


class _Stand(pd.DataFrame):
    """A frame without rows in the place of a lazy one, for pandas' ``pivot_table``."""

    _metadata = ["_ours"]
    _ours: Any

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def groupby(self, by: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return _Groups(self._ours.groupby(by, **kwargs))


@rule("DataFrame", "pivot_table", strategy="tree", note="without margins; the groups are arranged")
def pivot_table(plan: FramePlan, p: Any) -> Any:
    return pivoted(plan, arguments(p))


@rule("pandas", "pivot_table", strategy="tree")
def pivot_table_function(p: Any) -> Any:
    if not dispatch.is_ours(p.data):
        raise NotNative("it is not one of our objects")
    given = arguments(p)
    del given["data"]
    plan: Any = dispatch.plan_of(p.data)
    return pivoted(plan, given)


def pivoted(plan: FramePlan, given: dict[str, Any]) -> Any:
    keys = [labels_in(plan, given[k]) for k in ("index", "columns")]
    values = labels_in(plan, given["values"])
    if None in keys or values is None:
        return gather(plan, pd.DataFrame.pivot_table, **given)
    labels = [*(keys[0] or []), *(keys[1] or []), *values]
    if given["values"] is None:
        values = [c for c in plan.columns if c not in labels]
        labels += values
    unique = len(set(labels)) == len(labels) and plan.columns.is_unique
    if not unique or not values or not labels[: -len(values)] or given["margins"]:
        return gather(plan, pd.DataFrame.pivot_table, **given)
    if given["values"] is None or len(labels) == len(plan.columns):
        labels = list(plan.columns)  # pandas takes them as they are
    narrow = only(plan, labels)
    keyed = [narrow.exprs[labels.index(k)].field.dtype for k in labels if k not in values]
    if any(isinstance(d, pd.CategoricalDtype) for d in keyed):
        if given["observed"] is NO_DEFAULT:  # pandas 2 warns
            return gather(narrow, pd.DataFrame.pivot_table, **given)
    elif given["observed"] is NO_DEFAULT:
        given["observed"] = False
    stand = _Stand(columns=narrow.columns)
    stand._ours = dispatch.make(narrow)
    table = pd.pivot_table(stand, **given)
    return pd.DataFrame(table, copy=False) if isinstance(table, _Stand) else table


# -- crosstab ------------------------------------------------------------------------------------


def series_of(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else [given]


def beside(objects: list[Any]) -> FramePlan | None:
    """Series with the same rows as the columns 0, 1, … of one plan; None if they are others."""
    if not all(dispatch.is_ours(x) and isinstance(x, pd.Series) for x in objects):
        return None
    plans: list[Any] = [dispatch.plan_of(x) for x in objects]
    if not all(same_rows(plans[0].relation, x.relation) for x in plans):
        return None
    if not all(x.index is plans[0].index for x in plans):
        return None
    relation = reduce(unify, [x.relation for x in plans])
    labels = pd.RangeIndex(len(plans))
    # Names of the rows' labels could be taken for those of columns.
    return FramePlan(relation, labels, tuple(x.expr for x in plans), RangeLabels())


@rule("pandas", "crosstab", strategy="tree", note="counts of the combinations, then arranged")
def crosstab(p: Any) -> Any:
    rows, columns = series_of(p.index), series_of(p.columns)
    more = [] if p.values is None else [p.values]
    given = arguments(p)
    del given["index"], given["columns"], given["values"]
    plan = beside([*rows, *columns, *more])
    if plan is None:
        raise NotNative("they are not columns with the same rows")
    names = [x.name for x in (*rows, *columns, *more)]
    fields = [e.field for e in plan.exprs]
    categories = any(isinstance(f.dtype, pd.CategoricalDtype) for f in fields)
    # Levels keep values whose rows are dropped for a missing other key: they show with several
    # keys, and tell the dtype of mixed objects.
    mixed = any(f.kind == "O" and not f.is_text for f in fields)
    whole = (len(fields) == 2 and not mixed) or not any(f.nulls for f in fields)
    usual = p.values is None and p.aggfunc is None and p.dropna is True
    if usual and whole and not categories:
        found = counted(plan, names, len(rows), given)
        if found is not None:
            return found
    given["aggfunc"] = p.aggfunc
    table = plan.collect().reset_index(drop=True)  # the labels of rows do not matter
    parts = [table[n].rename(name) for n, name in enumerate(names)]
    split = len(rows), len(rows) + len(columns)
    values = parts[-1] if more else None
    with local_mode():
        return pd.crosstab(parts[: split[0]], parts[split[0] : split[1]], values, **given)


def counted(plan: FramePlan, names: list[Any], rows: int, given: dict[str, Any]) -> Any:
    """The table from the number of rows of each combination."""
    groups = dispatch.make(plan).groupby(list(plan.columns), observed=True)
    sizes = dispatch.plain(groups.size())
    if not len(sizes):
        return None
    table = sizes.rename("n").reset_index()
    parts = [table[n].rename(name) for n, name in enumerate(names)]
    options = {**given, "aggfunc": "sum"}
    result = pd.crosstab(parts[:rows], parts[rows:], table["n"], **options)
    if given["normalize"] is False:
        result = result.fillna(0).astype(np.int64)
    return result


# -- pivot, melt ---------------------------------------------------------------------------------


@rule("DataFrame", "pivot", strategy="gathered")
def pivot(plan: FramePlan, p: Any) -> Any:
    given = arguments(p)
    # None is a label here, of a column that has to be there.
    parts = [
        [] if v is NO_DEFAULT else labels_in(plan, [v] if v is None else v) for v in given.values()
    ]
    if p.values is not NO_DEFAULT and None not in parts:
        labels = list(dict.fromkeys(label for part in parts for label in part or []))
        if not isinstance(plan.columns, pd.RangeIndex):  # whose labels are of another class
            plan = only(plan, labels)
    return gather(plan, pd.DataFrame.pivot, **given)


@rule("pandas", "pivot", strategy="gathered")
def pivot_function(p: Any) -> Any:
    return _as_method(p, "data", pivot)


@rule("DataFrame", "melt", strategy="gathered")
def melt(plan: FramePlan, p: Any) -> Any:
    ids, values = labels_in(plan, p.id_vars), labels_in(plan, p.value_vars)
    if p.value_vars is not None and ids is not None and values is not None:
        labels = list(dict.fromkeys([*ids, *values]))
        name = p.value_name
        # No column may have the name of the values, whether it is asked for or not.
        if not (pd.api.types.is_hashable(name) and name in plan.columns and name not in labels):
            plan = only(plan, labels)
    return gather(plan, pd.DataFrame.melt, **arguments(p))


@rule("pandas", "melt", strategy="gathered")
def melt_function(p: Any) -> Any:
    return _as_method(p, "frame", melt)


def _as_method(p: Any, first: str, run: Callable[[Any, Any], Any]) -> Any:
    obj = getattr(p, first)
    if not (dispatch.is_ours(obj) and isinstance(obj, pd.DataFrame)):
        raise NotNative("it is not one of our frames")
    delattr(p, first)
    return run(dispatch.plan_of(obj), p)


# -- dummies and bins ----------------------------------------------------------------------------


@rule("pandas", "get_dummies", strategy="gathered", note="of the encoded columns alone")
def get_dummies(p: Any) -> Any:
    if not dispatch.is_ours(p.data):
        raise NotNative("it is not one of our objects")
    plan = dispatch.plan_of(p.data)
    given = arguments(p)
    del given["data"]
    if isinstance(plan, SeriesPlan):
        return gather(plan, pd.get_dummies, **given)
    labels = encoded_labels(plan, p.columns)
    if not labels or len(set(labels)) < len(labels):
        return gather(plan, pd.get_dummies, **given)
    made = gather(only(plan, labels), pd.get_dummies, **{**given, "columns": labels})
    if not isinstance(made, FramePlan):
        return gather(plan, pd.get_dummies, **given)
    kept = [n for n, label in enumerate(plan.columns) if label not in labels]
    columns = plan.columns[kept].append(made.columns) if kept else made.columns
    exprs = [*(plan.exprs[n] for n in kept), *made.exprs]
    return FramePlan(made.relation, columns, tuple(exprs), made.index)


def encoded_labels(plan: FramePlan, columns: Any) -> list[Hashable] | None:
    """The columns that dummies replace; None where only pandas can tell."""
    simple = plan.columns.is_unique and plan.columns.name is None
    if not simple or not all(e.field.known for e in plan.exprs):
        return None
    if columns is not None:
        return labels_in(plan, columns) if isinstance(columns, list) else None
    if not all(isinstance(label, str) for label in plan.columns):
        return None
    empty = {c: pd.Series([], dtype=e.field.dtype) for c, e in zip(plan.columns, plan.exprs)}
    chosen = pd.DataFrame(empty).select_dtypes(include=["object", "string", "category"])
    return list(chosen.columns)


def _of_one(name: str, function: Any) -> None:
    @rule("pandas", name, strategy="gathered")
    def run(p: Any) -> Any:
        if not (dispatch.is_ours(p.x) and isinstance(p.x, pd.Series)):
            raise NotNative("it is not one of our series")
        given = arguments(p)
        del given["x"]
        return gather(dispatch.plan_of(p.x), function, **given)


_of_one("cut", pd.cut)
_of_one("qcut", pd.qcut)


# -- mode ----------------------------------------------------------------------------------------


@rule("Series", "mode", strategy="tree")
def mode(plan: SeriesPlan, p: Any) -> Any:
    if plan.memo or not counting.countable(plan.expr.field):
        return gather(plan, pd.Series.mode, **arguments(p))
    keys, counts = counting.counts_of(plan)
    if p.dropna:
        present = keys.notna().to_numpy()
        keys, counts = keys[present], counts[present]
    most = keys[counts == counts.max()] if len(counts) else keys
    shown: Any = plan.name
    return most.mode(dropna=p.dropna).rename(shown)
