"""Values in place of others where a condition holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from pandas_dist.backends.polars.columns import Column, Values
from pandas_dist.plan.expressions import Call, Lit

if TYPE_CHECKING:
    from pandas_dist.backends.polars.expressions import Translator


def constant(value: Any, column: Column) -> Any:
    """A constant as a value of a column of eight-byte numbers or bools; None if it is none."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "E"
    if kind == "b":
        return value if isinstance(value, bool) else None
    if kind not in "if" or column.dtype.itemsize != 8 or isinstance(value, (bool, np.timedelta64)):
        return None
    if isinstance(value, (int, np.integer)):
        if kind == "f":
            return float(value)
        return int(value) if -(2**63) <= value < 2**63 else None
    return float(value) if kind == "f" and isinstance(value, (float, np.floating)) else None


def masked(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """A constant where a condition holds."""
    first, condition = expr.args
    values = t.values(first)
    column = values.column
    if column.opaque or isinstance(condition, Lit) or condition.field.kind != "b":
        return None
    value = constant(kernel.value, column)
    if value is None or expr.field.dtype != column.dtype:
        return None
    missing = value != value
    other = pl.lit(None if missing else value, dtype=column.physical)
    chosen = pl.when(t.values(condition).expr).then(other).otherwise(values.expr)
    return Values(chosen, replace(column, nulls=column.nulls or missing, origins=()))
