"""Timestamps: whole numbers of their unit since 1970."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from pandas_dist.backends.spark.columns import Column, Values
from pandas_dist.backends.spark.rows import text
from pandas_dist.backends.translation import moment
from pandas_dist.plan.expressions import Call

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY = 86_400
# Units in which the number of days may be larger than Spark's.
_COARSE = ("s", "ms")


def unit_of(dtype: Any) -> Any:
    return np.datetime_data(dtype)[0]


def whole_days(sql: str, unit: str) -> str:
    """Days since 1970, rounded down."""
    return floor_div(sql, DAY * PER_SECOND[unit])


def floor_div(sql: str, by: int) -> str:
    """Division of whole numbers, rounded down."""
    return f"(({sql} div {by}L) - CASE WHEN {sql} % {by}L < 0L THEN 1L ELSE 0L END)"


def in_day(sql: str, unit: str, size: int, count: int) -> str:
    """How many ``size`` seconds have passed, of ``count``."""
    per = size * PER_SECOND[unit]
    return f"(pmod({sql}, {per * count}L) div {per}L)"


def _of_date(function: str) -> Callable[[str, str], str]:
    def field(sql: str, unit: str) -> str:
        return f"{function}(date_from_unix_date(CAST({whole_days(sql, unit)} AS int)))"

    return field


def _weekday(sql: str, unit: str) -> str:
    return f"pmod({whole_days(sql, unit)} + 3L, 7L)"


FIELDS: dict[str, Callable[[str, str], str]] = {
    "year": _of_date("year"),
    "month": _of_date("month"),
    "day": _of_date("day"),
    "hour": lambda e, u: in_day(e, u, 3600, 24),
    "minute": lambda e, u: in_day(e, u, 60, 60),
    "second": lambda e, u: in_day(e, u, 1, 60),
    "dayofyear": _of_date("dayofyear"),
    "day_of_year": _of_date("dayofyear"),
    "quarter": _of_date("quarter"),
    "dayofweek": _weekday,
    "day_of_week": _weekday,
    "weekday": _weekday,
}


def _labels(names: Iterable[str]) -> str:
    return f"array({', '.join(map(text, names))})"


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
# English names, and which of them.
NAMES: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "day_name": (_labels(DAYS), lambda e, u: f"{_weekday(e, u)} + 1"),
    "month_name": (_labels(MONTHS), _of_date("month")),
}


def constant(dtype: Any, value: Any) -> int | None:
    """A constant in units of the column; None if it is none or falls between two."""
    return moment(dtype, unit_of(dtype), value) if dtype.kind == "M" else None


def lower(values: Values, expr: Call, kernel: Any) -> Values | None:
    field = expr.args[0].field
    if kernel.accessor != "dt" or field.kind != "M":
        return None
    unit = unit_of(field.dtype)
    step = FIELDS.get(kernel.name)
    if step is not None and kernel.args is None and not field.nulls and unit not in _COARSE:
        whole = f"CAST({step(values.sql, unit)} AS int)"
        return Values(whole, Column(np.dtype("int32"), nulls=False))
    names = NAMES.get(kernel.name)
    if names is not None and kernel.args == () and not kernel.kwargs and unit not in _COARSE:
        labels, place = names
        shown = f"element_at({labels}, CAST({place(values.sql, unit)} AS int))"
        return Values(shown, Column(expr.field.dtype))
    if kernel.name == "normalize" and kernel.args == ():
        day = DAY * PER_SECOND[unit]
        return Values(f"({values.sql} - pmod({values.sql}, {day}L))", values.column)
    return None
