"""Sorting, duplicates, and what depends on the order of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.select import _without_inplace
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.execute import count
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.index import RangeLabels, after_choice, before_choice
from pandas_dist.plan.relations import Distinct, Slice, Sort


def keys_of(plan: FramePlan, labels: list[Any]) -> list[Any] | None:
    """The expressions of column labels that each occur once; None otherwise."""
    if isinstance(plan.columns, pd.MultiIndex):
        return None
    found = [plan.position_of(label) for label in labels]
    return None if None in found else [plan.exprs[n] for n in found if n is not None]


def sortable(field: Any) -> bool:
    """Columns whose sort neither raises nor needs more than the values themselves."""
    if isinstance(field.dtype, (pd.CategoricalDtype, pd.DatetimeTZDtype)):
        return True
    return field.known and (field.numeric or field.kind in "mM" or field.is_text)


@rule("DataFrame", "sort_values", strategy="order", note="by columns, without key")
def sort_values(plan: FramePlan, p: Any) -> Any:
    labels = list(p.by) if isinstance(p.by, (list, tuple)) else [p.by]
    exprs = keys_of(plan, labels)
    ascending = (
        p.ascending if isinstance(p.ascending, (list, tuple)) else [p.ascending] * len(labels)
    )
    plain = (
        exprs
        and p.axis in (0, "index")
        and p.key is None
        and p.na_position in ("first", "last")
        and len(ascending) == len(labels)
        and all(isinstance(a, (bool, np.bool_, int)) for a in ascending)
        and p.kind in ("quicksort", "mergesort", "stable", "heapsort")
        and not any(label in plan.index.names for label in labels)
    )
    if not plain or not all(sortable(e.field) for e in exprs or []):
        return gather(plan, pd.DataFrame.sort_values, **_without_inplace(p))
    assert exprs is not None
    source, ids = ensure_columns(plan.relation, exprs)
    relation, labels_ = before_choice(source, RangeLabels() if p.ignore_index else plan.index)
    out = Sort(relation, tuple(ids), tuple(bool(a) for a in ascending), p.na_position, p.kind)
    index = RangeLabels() if p.ignore_index else after_choice(labels_, out, "sort")
    return plan.rebuild(out, index)


@rule("Series", "sort_values", strategy="order", note="without key")
def sort_series(plan: SeriesPlan, p: Any) -> Any:
    simple = p.key is None and p.axis in (0, "index") and isinstance(p.ascending, (bool, np.bool_))
    if not simple or not sortable(plan.expr.field) or p.na_position not in ("first", "last"):
        return gather(plan, pd.Series.sort_values, **_without_inplace(p))
    # pandas 2 keeps the labels of a series that is sorted already, in spite of ignore_index.
    by_data = p.ignore_index and not PANDAS_3
    if by_data or p.kind not in ("quicksort", "mergesort", "stable", "heapsort"):
        return gather(plan, pd.Series.sort_values, **_without_inplace(p))
    source, ids = ensure_columns(plan.relation, [plan.expr])
    relation, labels = before_choice(source, RangeLabels() if p.ignore_index else plan.index)
    out = Sort(relation, tuple(ids), (bool(p.ascending),), p.na_position, p.kind)
    index = RangeLabels() if p.ignore_index else after_choice(labels, out, "order")
    return plan.rebuild(out, index)


def is_default(labels: Any) -> bool:
    if not isinstance(labels, RangeLabels):
        return False
    return (labels.start, labels.step, labels.name, labels.stop) == (0, 1, None, None)


@rule("DataFrame", "drop_duplicates", strategy="tree")
def drop_duplicates(plan: FramePlan, p: Any) -> Any:
    subset = p.subset
    if subset is None:
        exprs: Any = list(plan.exprs)
    else:
        hashable = pd.api.types.is_hashable(subset) and not isinstance(subset, tuple)
        labels = [subset] if hashable else list(subset)
        exprs = keys_of(plan, labels)
    plain = p.keep in ("first", "last") and isinstance(p.ignore_index, bool)
    exact = exprs and plain and all(sortable(e.field) for e in exprs)
    if not exact:
        return gather(plan, pd.DataFrame.drop_duplicates, **_without_inplace(p))
    if p.ignore_index and not is_default(plan.index) and count(plan.relation) == 0:
        return plan  # pandas leaves the labels of an empty frame
    source, ids = ensure_columns(plan.relation, exprs)
    relation, labels_ = before_choice(source, RangeLabels() if p.ignore_index else plan.index)
    out = Distinct(relation, tuple(dict.fromkeys(ids)), p.keep)
    index = RangeLabels() if p.ignore_index else after_choice(labels_, out, "filter")
    return plan.rebuild(out, index)


@rule("DataFrame", "duplicated", strategy="gathered")
def duplicated(plan: FramePlan, p: Any) -> Any:
    if p.subset is not None and not isinstance(plan.columns, pd.MultiIndex):
        hashable = pd.api.types.is_hashable(p.subset) and not isinstance(p.subset, tuple)
        labels = [p.subset] if hashable else list(p.subset)
        found = [plan.position_of(label) for label in labels]
        if None not in found:
            places = [n for n in found if n is not None]
            plan = plan.with_exprs(plan.columns[places], [plan.exprs[n] for n in places])
    return gather(plan, pd.DataFrame.duplicated, **arguments(p))


# -- the largest and smallest ----------------------------------------------------------------------


def _register_extremes() -> None:
    for name in ("nlargest", "nsmallest"):

        @rule("DataFrame", name, strategy="order", note="by one column, keep='first'")
        def run(plan: FramePlan, p: Any, name: str = name) -> Any:
            result = extremes(plan, p, name == "nsmallest")
            if result is not None:
                return result
            return gather(plan, getattr(pd.DataFrame, name), **arguments(p))


def extremes(plan: FramePlan, p: Any, ascending: bool) -> FramePlan | None:
    """The first rows of a stable sort, which they are for one column of numbers or times."""
    labels = p.columns if isinstance(p.columns, list) else [p.columns]
    if p.keep != "first" or type(p.n) is not int or p.n <= 0 or len(labels) != 1:
        return None
    exprs = keys_of(plan, labels)
    if not exprs or not (exprs[0].field.numeric or exprs[0].field.kind in "mM"):
        return None
    if exprs[0].field.kind == "b":
        return None
    source, ids = ensure_columns(plan.relation, exprs)
    relation, moved = before_choice(source, plan.index)
    kind = "stable" if PANDAS_3 else "quicksort"  # of no more than n rows
    ordered = Sort(relation, tuple(ids), (ascending,), "last", kind, p.n)
    out = Slice(ordered, slice(0, p.n))
    return plan.rebuild(out, after_choice(moved, out, "largest"))


_register_extremes()
