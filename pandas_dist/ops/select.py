"""Choosing rows and columns, and assigning to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.common import (
    arguments,
    attach,
    gather,
    operand,
)
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.schema import asked, choose, chosen, numbers, picked
from pandas_dist.plan.execute import count
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import (
    FramePlan,
    SeriesPlan,
    filtered,
    rows_between,
    unify,
)
from pandas_dist.plan.index import (
    KeyLabels,
    RangeLabels,
    TakenLabels,
    after_choice,
    before_choice,
)
from pandas_dist.plan.schema import Field

NO_DEFAULT = pd.api.extensions.no_default


def mask_of(plan: Any, key: Any) -> tuple[Any, Expr] | None:
    """A boolean key as (relation, predicate) over the plan's rows; None if it is none."""
    same = operand(plan, key)
    if isinstance(same, SeriesPlan) and same.expr.field.kind == "b":
        return unify(plan.relation, same.relation), same.expr
    if isinstance(key, np.ndarray) and key.dtype == bool and key.ndim == 1:
        return _array_mask(plan, key)
    if type(key) is list and key and all(isinstance(k, (bool, np.bool_)) for k in key):
        return _array_mask(plan, np.array(key, dtype=bool))
    return None


def _array_mask(plan: Any, key: np.ndarray) -> tuple[Any, Expr] | None:
    if len(key) != count(plan.relation):
        return None
    relation, exprs = attach(plan.relation, [pd.Series(key.copy())])
    return relation, exprs[0]


def is_mask(key: Any) -> bool:
    if dispatch.is_ours(key):
        return isinstance(key, pd.Series) and key.dtype == bool
    return False


def positional(window: slice) -> bool:
    """Whether a slice has only integers."""
    parts = (window.start, window.stop, window.step)
    return all(
        p is None or (isinstance(p, (int, np.integer)) and not isinstance(p, bool)) for p in parts
    )


def whole_numbers(window: slice) -> slice:
    parts = (window.start, window.stop, window.step)
    return slice(*(None if p is None else int(p) for p in parts))


@rule("DataFrame", "__getitem__", strategy="rows", note="columns, boolean masks, positional slices")
def getitem(plan: FramePlan, p: Any) -> Any:
    key = p.key
    if type(key) is str:
        n = plan.position_of(key)
        if n is not None and not isinstance(plan.columns, pd.MultiIndex):
            return plan.series(n)
    if isinstance(key, np.ndarray) and key.ndim == 0:
        key = key[()]  # of text np.str_, as pandas looks it up
        return getitem(plan, _key(key))
    found = mask_of(plan, key)
    if found is not None:
        return filtered(plan, *found, how="filter")
    if isinstance(key, slice):
        if positional(key) and not _float_labels(plan):
            return rows_between(plan, whole_numbers(key))
        return gather(plan, pd.DataFrame.__getitem__, key)
    if dispatch.is_ours(key) or isinstance(key, (pd.DataFrame, np.ndarray)) or callable(key):
        if callable(key):
            return getitem(plan, _key(key(dispatch.make(plan))))
        if not (isinstance(key, np.ndarray) and key.dtype.kind in "OUiT"):
            return gather(plan, pd.DataFrame.__getitem__, key)
    if getattr(getattr(key, "dtype", None), "kind", "") == "b":
        return gather(plan, pd.DataFrame.__getitem__, key)
    if (
        isinstance(key, (list, pd.Series, np.ndarray, pd.Index))
        and len(key)
        and all(isinstance(k, (bool, np.bool_)) for k in key)
    ):
        return gather(plan, pd.DataFrame.__getitem__, key)
    return choose(plan, key)


def _key(value: Any) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(key=value)


def _float_labels(plan: Any) -> bool:
    labels = plan.index
    if isinstance(labels, RangeLabels):
        return False
    if isinstance(labels, TakenLabels):
        if isinstance(labels.base, KeyLabels):
            return _float_keys(labels.base)
        return isinstance(labels.base, pd.Index) and labels.base.dtype.kind in "fM"
    return _float_keys(labels)


def _float_keys(labels: KeyLabels) -> bool:
    return (
        labels.multi or labels.exprs[0].field.kind not in "iuO" or not labels.exprs[0].field.known
    )


@rule("Series", "__getitem__", strategy="rows", note="boolean masks and positional slices")
def getitem_series(plan: SeriesPlan, p: Any) -> Any:
    key = p.key
    found = mask_of(plan, key)
    if found is not None:
        return filtered(plan, *found, how="mask")
    if isinstance(key, slice) and positional(key) and isinstance(plan.index, RangeLabels):
        return rows_between(plan, whole_numbers(key))
    if callable(key):
        return getitem_series(plan, _key(key(dispatch.make(plan))))
    return gather(plan, pd.Series.__getitem__, key)


def _whole(n: Any) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool)


def _class_of(plan: Any) -> Any:
    return pd.DataFrame if isinstance(plan, FramePlan) else pd.Series


def _register_ends() -> None:
    for owner in ("DataFrame", "Series"):

        @rule(owner, "head", strategy="rows")
        def first(plan: Any, p: Any) -> Any:
            if not _whole(p.n):
                return gather(plan, _class_of(plan).head, p.n)
            return rows_between(plan, slice(None, int(p.n)))

        @rule(owner, "tail", strategy="rows")
        def last(plan: Any, p: Any) -> Any:
            if not _whole(p.n):
                return gather(plan, _class_of(plan).tail, p.n)
            n = int(p.n)
            return rows_between(plan, slice(0, 0) if n == 0 else slice(-n, None))


_register_ends()


# -- indexers ------------------------------------------------------------------------------


def _columns_then(plan: FramePlan, key: Any) -> Any:
    """``loc[:, key]``: a choice of columns by label."""
    if isinstance(key, slice):
        return chosen(plan, numbers(plan).loc[:, key])
    return picked(plan, asked(plan, "loc", {"key": key}, lambda row: row.loc[:, key]))


def _column_key(key: Any) -> bool:
    return isinstance(key, (str, slice)) or (
        isinstance(key, (list, pd.Index)) and all(isinstance(k, str) for k in key)
    )


@rule(
    "DataFrame", "loc.get", strategy="rows", note="masks, label slices of a default index, columns"
)
def loc_get(plan: FramePlan, p: Any) -> Any:
    key = p.key
    if callable(key):
        key = key(dispatch.make(plan))
    if type(key) is tuple and len(key) == 2:
        rows, columns = key
        if callable(rows):
            rows = rows(dispatch.make(plan))
        if not _multi(plan) and _column_key(columns):
            narrowed = _columns_then(plan, columns)
            if isinstance(rows, slice) and rows == slice(None):
                return narrowed
            return _rows_of(plan, narrowed, rows, key)
        return _loc_gathered(plan, (rows, columns))
    return _rows_of(plan, plan, key, key)


def _multi(plan: Any) -> bool:
    return len(plan.index.names) > 1


def _rows_of(plan: Any, narrowed: Any, rows: Any, key: Any) -> Any:
    found = mask_of(plan, rows)
    if found is not None:
        return filtered(narrowed, *found, how="take")
    labels = plan.index
    if (
        isinstance(rows, slice)
        and isinstance(labels, RangeLabels)
        and labels.start == 0
        and labels.step == 1
        and labels.stop is None
    ):
        window = _label_window(rows)
        if window is not None:
            return rows_between(narrowed, window)
    return _loc_gathered(plan, key)


def _label_window(rows: slice) -> slice | None:
    """An inclusive label slice over 0, 1, … as a positional one."""
    if not positional(rows) or rows.step not in (None, 1):
        return None
    start = 0 if rows.start is None else int(rows.start)
    stop = None if rows.stop is None else int(rows.stop) + 1
    if start < 0 or (stop is not None and stop < 0):
        return None
    return slice(start, stop)


def _loc_gathered(plan: Any, key: Any) -> Any:
    return gather(plan, _loc, key)


def _loc(source: Any, key: Any) -> Any:
    return source.loc[key]


def _iloc(source: Any, key: Any) -> Any:
    return source.iloc[key]


def _at(source: Any, key: Any) -> Any:
    return source.at[key]


def _iat(source: Any, key: Any) -> Any:
    return source.iat[key]


@rule("Series", "loc.get", strategy="rows")
def loc_get_series(plan: SeriesPlan, p: Any) -> Any:
    key = p.key(dispatch.make(plan)) if callable(p.key) else p.key
    return _rows_of(plan, plan, key, key)


@rule("DataFrame", "iloc.get", strategy="rows", note="slices; single rows and lists are gathered")
def iloc_get(plan: FramePlan, p: Any) -> Any:
    key = p.key
    if type(key) is tuple and len(key) == 2:
        rows, columns = key
        if (
            isinstance(rows, slice)
            and positional(rows)
            and isinstance(columns, (int, np.integer, slice, list))
        ):
            places: Any = columns
            narrowed = chosen(plan, numbers(plan).iloc[:, places])
            return _positions(narrowed, whole_numbers(rows))
        return gather(plan, _iloc, key)
    if isinstance(key, slice) and positional(key):
        return _positions(plan, whole_numbers(key))
    return gather(plan, _iloc, key)


def _positions(plan: Any, window: slice) -> Any:
    return plan if window == slice(None) else rows_between(plan, window)


@rule("Series", "iloc.get", strategy="rows")
def iloc_get_series(plan: SeriesPlan, p: Any) -> Any:
    if isinstance(p.key, slice) and positional(p.key):
        return _positions(plan, whole_numbers(p.key))
    return gather(plan, _iloc, p.key)


@rule("DataFrame", "at.get", strategy="gathered")
@rule("Series", "at.get", strategy="gathered")
def at_get(plan: Any, p: Any) -> Any:
    return gather(plan, _at, p.key)


@rule("DataFrame", "iat.get", strategy="gathered")
@rule("Series", "iat.get", strategy="gathered")
def iat_get(plan: Any, p: Any) -> Any:
    return gather(plan, _iat, p.key)


@rule("DataFrame", "dropna", strategy="rows", note="rows, by how and subset")
def dropna(plan: FramePlan, p: Any) -> Any:
    by_rows = p.axis in (0, "index")
    how = "any" if p.how is pd.api.extensions.no_default else p.how
    if not by_rows or p.thresh is not pd.api.extensions.no_default or how not in ("any", "all"):
        return gather(plan, pd.DataFrame.dropna, **_without_inplace(p))
    if p.ignore_index or isinstance(plan.columns, pd.MultiIndex):
        return gather(plan, pd.DataFrame.dropna, **_without_inplace(p))
    exprs = list(plan.exprs)
    if p.subset is not None:
        labels = [p.subset] if pd.api.types.is_scalar(p.subset) else list(p.subset)
        found = [plan.position_of(c) for c in labels]
        if None in found:
            return gather(plan, pd.DataFrame.dropna, **_without_inplace(p))
        exprs = [plan.exprs[n] for n in found if n is not None]
    if not exprs:
        return gather(plan, pd.DataFrame.dropna, **_without_inplace(p))
    present = _all_present(exprs) if how == "any" else _any_present(exprs)
    return filtered(plan, plan.relation, present, how="filter")


def _without_inplace(p: Any) -> dict[str, Any]:
    return {k: v for k, v in arguments(p).items() if k != "inplace"}


def _present(expr: Expr) -> Expr:
    from pandas_dist.ops.common import Method

    return Call("notna", Method("notna"), (expr,), Field(np.dtype(bool), nulls=False), encoded=True)


def _all_present(exprs: list[Expr]) -> Expr:
    from pandas_dist.plan.rewrites import conjunction

    return conjunction([_present(e) for e in exprs])


def _any_present(exprs: list[Expr]) -> Expr:
    import operator

    result = _present(exprs[0])
    for e in exprs[1:]:
        result = Call("or_", operator.or_, (result, _present(e)), result.field)
    return result


@rule("Series", "dropna", strategy="rows")
def dropna_series(plan: SeriesPlan, p: Any) -> Any:
    if p.ignore_index or p.how not in (None, "any", "all") or p.axis not in (0, "index"):
        return gather(plan, pd.Series.dropna, **_without_inplace(p))
    field = plan.expr.field
    if field.nulls:
        return filtered(plan, plan.relation, _present(plan.expr), how="dropna")
    if field.kind in "iub":
        return plan
    relation, index = before_choice(plan.relation, plan.index)  # a mask all the same
    return plan.rebuild(relation, after_choice(index, relation, "dropna"))
