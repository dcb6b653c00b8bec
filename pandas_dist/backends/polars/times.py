"""Timestamps: comparisons with constants and the fields of dates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from pandas_dist.backends.polars.columns import UNITS, Column, Values
from pandas_dist.backends.translation import moment
from pandas_dist.plan.expressions import Call

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


def constant(dtype: Any, value: Any) -> int | None:
    """A constant in units of the column; None if it is none or falls between two."""
    unit: Any = np.datetime_data(dtype)[0] if dtype.kind == "M" else None
    return moment(dtype, UNITS.get(unit), value)


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
