"""``fillna``, ``where``, ``mask`` and ``clip``: some values in place of others."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.blockwise import blockwise, flags, numbers
from pandas_dist.ops.common import Method, arguments, call, gather, is_scalar, operand, together
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.lookup import is_number, is_whole
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.schema import Field, is_str_dtype

# -- fillna ----------------------------------------------------------------------------------------


def _per_row(p: Any) -> bool:
    """Whether each missing value is filled on its own, without another dtype at the end."""
    no_default = pd.api.extensions.no_default
    downcast = getattr(p, "downcast", no_default) is no_default
    return downcast and getattr(p, "method", None) is None and p.limit is None


def filled(expr: Expr, value: Any) -> Expr | None:
    """The column with a scalar for missing values, where its dtype cannot change."""
    f = expr.field
    if not is_scalar(value) or pd.isna(value):
        return None
    if not f.nulls and f.kind in "iub":
        return expr
    if f.kind == "f" and f.dtype.itemsize == 8 and is_number(value):
        return call("fillna", Method("fillna", value), expr, nulls=False)
    if f.is_text and isinstance(value, str):
        field = Field(f.dtype, nulls=False, text=f.text, encoding=f.encoding)
        return Call("fillna", Method("fillna", value), (expr,), field, encoded=True)
    if (f.kind in "mM" or isinstance(f.dtype, pd.DatetimeTZDtype)) and _keeps(f.dtype, value):
        field = Field(f.dtype, nulls=False)
        return Call("fillna", Method("fillna", value), (expr,), field, encoded=True)
    return None


def _keeps(dtype: Any, value: Any) -> bool:
    """Whether a column of dates without any value keeps its dtype when it is filled."""
    if not isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return False
    missing = pd.Series([pd.NaT], dtype=dtype)
    zones = (getattr(dtype, "tz", None) is None, getattr(value, "tz", None) is None)
    if zones[0] != zones[1] or (missing.dtype.kind == "M") != isinstance(value, pd.Timestamp):
        return False
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        return bool(missing.fillna(value).dtype == dtype) and not seen


@rule("Series", "fillna", strategy="rows")
def fillna(plan: SeriesPlan, p: Any) -> Any:
    if _per_row(p):
        expr = filled(plan.expr, p.value)
        if expr is not None:
            return plan.with_expr(expr)
        other = operand(plan, p.value)
        if isinstance(other, SeriesPlan) and _same_kind(plan.expr.field, other.expr.field):
            base, beside = together(plan, other)
            nulls = beside.expr.field.nulls
            return base.with_expr(
                call("fillna", Method("fillna"), base.expr, beside.expr, nulls=nulls)
            )
    return gather(plan, pd.Series.fillna, **arguments(p))


def _same_kind(field: Field, other: Field) -> bool:
    """Whether values of the other column fit, whatever they are."""
    return field.kind == "f" and field.dtype == other.dtype and field.dtype.itemsize == 8


@rule("DataFrame", "fillna", strategy="rows")
def fillna_frame(plan: FramePlan, p: Any) -> Any:
    if _per_row(p) and p.axis in (None, 0, "index"):
        values = _value_for_each(plan, p.value)
        exprs = [_filled_or_kept(e, v) for e, v in zip(plan.exprs, values)] if values else [None]
        if all(e is not None for e in exprs):
            return plan.with_exprs(plan.columns, [e for e in exprs if e is not None])
    return gather(plan, pd.DataFrame.fillna, **arguments(p))


_KEEP = object()


def _filled_or_kept(expr: Expr, value: Any) -> Expr | None:
    return expr if value is _KEEP else filled(expr, value)


def _value_for_each(plan: FramePlan, value: Any) -> Sequence[Any] | None:
    """The filling value of each column."""
    if is_scalar(value):
        return [value] * len(plan.exprs)
    if dispatch.is_ours(value) and isinstance(value, pd.Series):
        value = dispatch.to_plain(value)
    if isinstance(value, pd.Series) and value.index.is_unique and value.index.nlevels == 1:
        value = dict(zip(value.index, value.tolist() if value.dtype != object else value))
    if type(value) is not dict or not plan.columns.is_unique or plan.columns.nlevels > 1:
        return None
    return [value.get(label, _KEEP) for label in plan.columns]


# -- where and mask --------------------------------------------------------------------------------


def chosen(plan: SeriesPlan, predicate: Expr, other: Any) -> SeriesPlan | None:
    """``plan`` where the predicate (same relation) does not hold, ``other`` where it does.

    ``other``: a scalar, or an expression over the same relation.
    """
    f = plan.expr.field
    if isinstance(other, Expr):
        g = other.field
        alike = f.kind in "iufb" and f.dtype == g.dtype
        if not alike and not (is_str_dtype(f.dtype) and f.dtype == g.dtype):
            return None
        field = Field(f.dtype, nulls=f.nulls or g.nulls)
        return plan.with_expr(Call("mask", _mask, (plan.expr, predicate, other), field, True))
    missing = other is None or other is np.nan
    if f.is_text and (isinstance(other, str) or other is np.nan):
        field = Field(f.dtype, f.nulls or missing, text=f.text)
        return plan.with_expr(
            Call("mask", _Mask(other), (plan.expr, predicate), field, encoded=False)
        )
    if other is not np.nan:
        return None
    wide = f.kind == "i" and f.dtype.itemsize == 8
    if wide or f.kind == "b":
        reconcile = numbers if wide else flags
        return blockwise(plan, "mask", _Mask(other), reconcile, predicate, stable=True)
    return None


def _mask(values: pd.Series, predicate: Any, other: pd.Series) -> pd.Series:
    return values.mask(_condition(values, predicate), other)


def _condition(values: pd.Series, predicate: Any) -> Any:
    if isinstance(predicate, pd.Series):
        return predicate
    return pd.Series(bool(predicate), index=values.index, dtype=bool)


class _Mask:
    """``series.mask(condition, scalar)``."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, values: pd.Series, predicate: Any) -> pd.Series:
        return values.mask(_condition(values, predicate), self.value)


# -- clip ------------------------------------------------------------------------------------------


def clipped(expr: Expr, bounds: tuple[Any, Any]) -> Expr | None:
    """The column within bounds, where its dtype cannot change."""
    f = expr.field
    given = [b for b in bounds if b is not None]
    wide = f.kind in "if" and f.dtype.itemsize == 8
    fits = is_number if f.kind == "f" else is_whole
    if not wide or not given or not all(fits(b) and b == b for b in given):
        return None
    return call("clip", Method("clip", *bounds), expr)


def _plain_bounds(p: Any) -> tuple[Any, Any] | None:
    more = (*getattr(p, "args", ()), *getattr(p, "kwargs", {}))
    if p.axis is not None or more or not (is_scalar(p.lower) and is_scalar(p.upper)):
        return None
    return p.lower, p.upper


@rule("Series", "clip", strategy="rows")
def clip(plan: SeriesPlan, p: Any) -> Any:
    bounds = _plain_bounds(p)
    if bounds is not None:
        expr = clipped(plan.expr, bounds)
        if expr is not None:
            return plan.with_expr(expr)
        f = plan.expr.field
        limits = [b for b in bounds if b is not None]
        if f.kind == "i" and limits and all(is_number(b) and b == b for b in limits):
            found = blockwise(plan, "clip", Method("clip", *bounds), numbers, stable=True)
            if found is not None:
                return found
    return gather(plan, pd.Series.clip, **_without_inplace(p))


@rule("DataFrame", "clip", strategy="rows")
def clip_frame(plan: FramePlan, p: Any) -> Any:
    bounds = _plain_bounds(p)
    exprs = [clipped(e, bounds) for e in plan.exprs] if bounds is not None else [None]
    if all(e is not None for e in exprs):
        return plan.with_exprs(plan.columns, [e for e in exprs if e is not None])
    return gather(plan, pd.DataFrame.clip, **_without_inplace(p))


def _without_inplace(p: Any) -> dict[str, Any]:
    return {k: v for k, v in arguments(p).items() if k != "inplace"}


def negated(predicate: Expr) -> Expr:
    """The rows where a predicate does not hold."""
    return Call("invert", operator.invert, (predicate,), Field(np.dtype(bool), nulls=False))
