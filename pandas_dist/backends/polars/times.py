"""Timestamps: comparisons with constants and the fields of dates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.backends.polars.columns import Column, Values
from pandas_dist.plan.expressions import Call, Expr, Lit

if TYPE_CHECKING:
    from pandas_dist.backends.polars.expressions import Translator

FIELDS = {
    "year": lambda e: e.dt.year(),
    "month": lambda e: e.dt.month(),
    "day": lambda e: e.dt.day(),
    "hour": lambda e: e.dt.hour(),
    "minute": lambda e: e.dt.minute(),
    "second": lambda e: e.dt.second(),
    "dayofyear": lambda e: e.dt.ordinal_day(),
    "day_of_year": lambda e: e.dt.ordinal_day(),
    "quarter": lambda e: e.dt.quarter(),
    "dayofweek": lambda e: e.dt.weekday() - 1,
    "day_of_week": lambda e: e.dt.weekday() - 1,
    "weekday": lambda e: e.dt.weekday() - 1,
}


def pair(t: Translator, a: Values, left: Expr, right: Expr) -> tuple[pl.Expr, pl.Expr, int] | None:
    """Both sides of a comparison in one unit."""
    if not isinstance(right, Lit):
        b = t.values(right)
        same = left.field.dtype == right.field.dtype and not b.column.opaque
        return (a.expr, b.expr, 0) if same else None
    moment = constant(left.field.dtype, right.value)
    if moment is None:
        return None
    return a.expr, pl.lit(moment, dtype=pl.Int64).cast(a.column.physical), 0


def constant(dtype: Any, value: Any) -> int | None:
    """A constant in units of the column; None if it is none or falls between two."""
    if dtype.kind != "M":
        return None
    try:
        moment = pd.Timestamp(value)
    except ValueError:
        return None  # pandas says what such a comparison gives
    if moment is pd.NaT or moment.tzinfo is not None:
        return None
    unit: Any = np.datetime_data(dtype)[0]
    unit = "ms" if unit == "s" else unit
    try:
        cast: Any = moment.as_unit(unit)
    except (OverflowError, pd.errors.OutOfBoundsDatetime):
        return None
    return int(cast._value) if cast == moment else None


def lower(values: Values, expr: Call, kernel: Any) -> Values | None:
    field = expr.args[0].field
    if kernel.accessor != "dt" or field.kind != "M":
        return None
    step = FIELDS.get(kernel.name)
    if step is not None and kernel.args is None and not field.nulls:
        whole = step(values.expr.cast(values.column.physical)).cast(pl.Int32)
        return Values(whole, Column(np.dtype("int32"), nulls=False))
    if kernel.name == "normalize" and kernel.args == ():
        return Values(values.expr.dt.truncate("1d"), replace(values.column))
    return None
