"""``astype``, ``to_datetime``, ``to_numeric`` and ``to_timedelta``."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from pandas_dist.ops import dispatch
from pandas_dist.ops.blockwise import agreed, blockwise, numbers, times, way
from pandas_dist.ops.common import Method, arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.reductions import Reduction, reduce
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.schema import Field

# -- astype ----------------------------------------------------------------------------------------

# Casts of NumPy numbers that neither raise nor warn, by kinds.
QUIET_CASTS = {"i": "iufb", "u": "iufb", "f": "b", "b": "iufb"}
NULLABLE = {"i": ("Int64", "Float64"), "u": ("UInt64", "Float64"), "b": ("boolean", "Int64")}


def cast(expr: Expr, target: Any) -> Expr | None:
    """The column in another dtype, where no value can refuse; None elsewhere."""
    f = expr.field
    if not (f.numeric or f.is_text):
        return None
    dtype = target_dtype(target)
    if dtype is None:
        return None
    kernel = Method("astype", target)
    if target is str or target == "str" or dtype == "str":
        text = not PANDAS_3
        nulls = PANDAS_3 and f.nulls
        return Call("astype", kernel, (expr,), Field(dtype, nulls, text))
    if dtype == f.dtype:
        return expr
    if isinstance(dtype, np.dtype):
        quiet = dtype.kind in QUIET_CASTS.get(f.kind, "")
        if not quiet and f.kind == "f" and dtype.kind == "f":
            quiet = dtype.itemsize == 8
        if quiet and dtype != np.float16:
            nulls = f.nulls and dtype.kind == "f"
            return Call("astype", kernel, (expr,), Field(dtype, nulls), encoded=True)
        if dtype.kind == "O" and f.numeric:
            return Call("astype", kernel, (expr,), Field(dtype, f.nulls), encoded=True)
        return None
    if str(dtype) == "string":
        return Call("astype", kernel, (expr,), Field(dtype, f.nulls))
    if str(dtype) in NULLABLE.get(f.kind, ()):
        return Call("astype", kernel, (expr,), Field(dtype, nulls=False), encoded=True)
    return None


def target_dtype(target: Any) -> Any:
    """The dtype that ``astype`` gives for an argument that names one; None if unclear."""
    if target is str or target == "str":
        return pd.Series([], dtype=object).astype(target).dtype
    if not isinstance(target, (str, type, np.dtype, pd.api.extensions.ExtensionDtype)):
        return None
    try:
        dtype = pd.api.types.pandas_dtype(target)
    except TypeError:
        return None
    return None if dtype.kind in "SU" else dtype  # pandas stores neither


def checked_cast(plan: SeriesPlan, target: Any) -> SeriesPlan | None:
    """The column in another dtype, which its values may refuse: at the call."""
    f, dtype = plan.expr.field, target_dtype(target)
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb" and (f.numeric or f.kind == "O"):
        return blockwise(plan, "astype", Method("astype", target), agreed, stable=True)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf" and f.is_text:
        return blockwise(plan, "astype", Method("astype", target), agreed, stable=True)
    if str(dtype) in ("Int64", "Float64", "boolean", "string") and (f.numeric or f.is_text):
        return blockwise(plan, "astype", Method("astype", target), agreed, stable=True)
    return None


@rule("Series", "astype", strategy="rows", note="casts that values may refuse: at the call")
def astype(plan: SeriesPlan, p: Any) -> Any:
    if p.errors == "raise" and not isinstance(p.dtype, (dict, pd.Series)):
        found = _cast(plan, p.dtype)
        if found is not None:
            return found
    return gather(plan, pd.Series.astype, **arguments(p))


def _cast(plan: SeriesPlan, target: Any) -> SeriesPlan | None:
    expr = cast(plan.expr, target)
    return checked_cast(plan, target) if expr is None else plan.with_expr(expr)


@rule("DataFrame", "astype", strategy="rows", note="casts that values may refuse: at the call")
def astype_frame(plan: FramePlan, p: Any) -> Any:
    found = _cast_frame(plan, p.dtype) if p.errors == "raise" and plan.exprs else None
    return gather(plan, pd.DataFrame.astype, **arguments(p)) if found is None else found


def _cast_frame(plan: FramePlan, target: Any) -> FramePlan | None:
    """Each column on its own; None where one of them needs pandas."""
    if isinstance(target, pd.Series) or not plan.columns.is_unique:
        return None
    targets = target if isinstance(target, dict) else dict.fromkeys(plan.columns, target)
    if any(label not in plan.columns for label in targets):
        return None
    relation, exprs = plan.relation, list(plan.exprs)
    for n, label in enumerate(plan.columns):
        if label in targets:
            found = _cast(plan.over(relation).series(n), targets[label])
            if found is None:
                return None
            relation, exprs[n] = found.relation, found.expr
    return FramePlan(relation, plan.columns, tuple(exprs), plan.index)


# -- parsing ---------------------------------------------------------------------------------------


def _rest(p: Any, first: str) -> dict[str, Any]:
    given = arguments(p)
    del given[first]
    return given


def _default(value: Any) -> bool:
    return value is pd.api.extensions.no_default


def _on_whole(p: Any, first: str, function: Any) -> Any:
    value = getattr(p, first)
    given = _rest(p, first)
    if dispatch.is_ours(value):
        result = gather(dispatch.plan_of(value), function, **given)
        return result.copy() if isinstance(result, np.ndarray) else result
    return function(dispatch.to_plain(value), **given)


def _series(value: Any) -> SeriesPlan | None:
    if not dispatch.is_ours(value):
        return None
    plan = dispatch.plan_of(value)
    return plan if isinstance(plan, SeriesPlan) and plan.expr.field.known else None


@rule("pandas", "to_numeric", strategy="rows", note="at the call")
def to_numeric(p: Any) -> Any:
    plan = _series(p.arg)
    simple = p.downcast is None and _default(p.dtype_backend) and p.errors in ("raise", "coerce")
    if plan is not None and simple:
        f = plan.expr.field
        if f.numeric:
            return plan
        if f.is_text:
            kernel = partial(pd.to_numeric, errors=p.errors)
            found = blockwise(plan, "to_numeric", kernel, numbers, stable=True)
            if found is not None:
                return found
    return _on_whole(p, "arg", pd.to_numeric)


@rule("pandas", "to_timedelta", strategy="rows", note="at the call")
def to_timedelta(p: Any) -> Any:
    plan = _series(p.arg)
    if plan is not None and p.errors in ("raise", "coerce"):
        f = plan.expr.field
        if f.is_text or f.kind in "i":
            kernel = partial(pd.to_timedelta, unit=p.unit, errors=p.errors)
            found = blockwise(plan, "to_timedelta", kernel, times, stable=True)
            if found is not None:
                return found
    return _on_whole(p, "arg", pd.to_timedelta)


@rule("pandas", "to_datetime", strategy="rows", note="at the call")
def to_datetime(p: Any) -> Any:
    plan = _series(p.arg)
    if plan is not None and p.errors in ("raise", "coerce"):
        found = _dates(plan, p)
        if found is not None:
            return found
    return _on_whole(p, "arg", pd.to_datetime)


def _dates(plan: SeriesPlan, p: Any) -> SeriesPlan | None:
    f = plan.expr.field
    if f.kind == "M" and not p.utc and p.origin == "unix":
        return plan
    if not (f.is_text or f.kind == "i") or way(plan, True) == "whole":
        return None
    if getattr(p, "infer_datetime_format", None) not in (None, pd.api.extensions.no_default):
        return None
    given = {k: getattr(p, k) for k in ("errors", "dayfirst", "yearfirst", "utc", "exact", "unit")}
    if f.is_text:
        if p.unit is not None or p.origin != "unix":
            return None
        layout = p.format or layout_of(plan, p.dayfirst)
        if layout is None:
            return None
        given["format"] = layout
    elif p.format is not None or p.origin != "unix":
        return None
    kernel = partial(pd.to_datetime, **given)
    return blockwise(plan, "to_datetime", kernel, times, stable=True)


def layout_of(plan: SeriesPlan, dayfirst: bool) -> str | None:
    """The layout of the first text of the column, by which pandas reads all of it.

    None where there is none, or where finding it warns.
    """
    source, ids = ensure_columns(plan.relation, plan.exprs)
    reduction = Reduction(_first, _given, ordered=True)
    firsts = reduce(source, set(ids), reduction)
    if not firsts:
        return None
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        layout = guess_datetime_format(firsts[0], dayfirst)
    return None if seen else layout


def _given(values: list[Any]) -> list[Any]:
    return [v for v in values if v is not None]


def _first(frame: pd.DataFrame) -> str | None:
    """The first value of a partition that is not missing."""
    values = frame.iloc[:, 0]
    place = values.first_valid_index()
    return None if place is None else str(values[place])
