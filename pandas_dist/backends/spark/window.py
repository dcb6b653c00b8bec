"""Windows: SQL windows over rows in order, and over the rows of each group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.spark import choices, groupby
from pandas_dist.backends.spark.columns import Column, native, of_field, without_nan
from pandas_dist.backends.spark.expressions import Opaque
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import order_by, quoted
from pandas_dist.plan.relations import Agg
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field
from pandas_dist.plan.window import AGGREGATES, Window, WindowCall

SO_FAR = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
FROM_HERE = "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"


def lower(node: Window, need: Need, below: Frame) -> Frame:
    new: dict[str, str] = {}
    columns = dict(below.columns)
    for i, call in node.calls.items():
        if i not in need.columns:
            continue
        new[i] = window(call, node, below, node.new[i])
        columns[i] = held(call, node, below, node.new[i])
    rows = below.rows.extend(new)
    return Frame(rows, columns, below.order, below.dense)


def held(call: WindowCall, node: Window, below: Frame, out: Field) -> Column:
    """How the new column is held; Opaque if it has two kinds of missing values."""
    column = of_field(out)
    if column.dtype != object or call.column is None:
        return column
    old = below.columns[call.column]
    missing = np.nan if call.by else old.missing
    if call.func == "shift" and "fill_value" not in dict(call.options):
        # Where no row is, whole columns have None and groups NaN.
        missing = np.nan if call.by else None
        if old.nulls and (old.missing is None) != (missing is None):
            raise Opaque
    return replace(column, missing=missing)


def _outside(call: WindowCall, below: Frame) -> bool:
    """Whether rows may be in no group."""
    return call.dropna and any(below.columns[i].may_miss for i in call.by)


def temporal(field: Field) -> bool:
    return field.kind in "mM" or isinstance(field.dtype, pd.DatetimeTZDtype)


def window(call: WindowCall, node: Window, below: Frame, out: Field) -> str:
    """One call as SQL in the type of its result."""
    kind = native(out)
    if kind is None or any(below.columns[i].opaque for i in call.by):
        raise Opaque
    keys = [without_nan(quoted(i), below.columns[i]) for i in call.by]
    by = f"PARTITION BY {', '.join(keys)}" if keys else ""
    sql = f"CAST({expression(call, node, below, out, by)} AS {kind})"
    if _outside(call, below):
        if out.kind in "iub":
            raise Opaque  # rows in no group widen the result
        inside = " AND ".join(f"{k} IS NOT NULL" for k in keys)
        sql = f"CASE WHEN {inside} THEN {sql} END"
    return sql


def expression(call: WindowCall, node: Window, below: Frame, out: Field, by: str) -> str:
    options = dict(call.options)
    if call.func in AGGREGATES:
        return _aggregate(call, node, below, out, by)
    if call.func != "rank" and not below.order:
        raise Opaque
    rows = f"{by} {order_by(below.order)}" if below.order else by
    if call.func == "cumcount":
        return _cumcount(options, rows, by)
    step = STEPS.get(call.func)
    if step is None or call.column is None or below.columns[call.column].opaque:
        raise Opaque
    field, column = node.child.fields[call.column], below.columns[call.column]
    asked = Asked(options, rows, by, field, out)
    return step(without_nan(quoted(call.column), column), asked)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call on one column; ``rows``: the window in row order, ``by``: without an order."""

    options: dict[str, Any]
    rows: str
    by: str
    field: Field
    out: Field

    @property
    def order(self) -> str:
        """The columns that rows are ordered by, with the comma after what comes before."""
        return self.rows.removeprefix(self.by).replace(" ORDER BY ", ", ", 1)


def _aggregate(call: WindowCall, node: Window, below: Frame, out: Field, by: str) -> str:
    if call.func in ("first", "last", "nunique") or out.kind not in "if":
        raise Opaque
    agg = Agg(call.func, call.column)
    return groupby.aggregation(agg, below, node.child.fields, out, over=f" OVER ({by})")


def _cumcount(options: dict[str, Any], rows: str, by: str) -> str:
    before = f"row_number() OVER ({rows})"
    up = options.get("ascending", True)
    return f"({before} - 1)" if up else f"(count(1) OVER ({by}) - {before})"


def _shift(sql: str, asked: Asked) -> str:
    options, field, out = asked.options, asked.field, asked.out
    periods = options.get("periods", 1)
    if type(periods) is not int or abs(periods) >= 2**31:
        raise Opaque
    if "fill_value" not in options:
        return f"lag({sql}, {periods}) OVER ({asked.rows})"
    fill, column = options["fill_value"], of_field(out)
    if field.dtype != out.dtype or not choices.fits(fill, column):
        raise Opaque
    return f"lag({sql}, {periods}, {choices.sql_of(fill, column)}) OVER ({asked.rows})"


def wide(field: Field) -> bool:
    """Numbers that pandas handles without another type in between."""
    return field.kind in "if" and field.dtype.itemsize == 8


def _diff(sql: str, asked: Asked) -> str:
    if not wide(asked.field):
        raise Opaque
    # Within groups pandas subtracts floats, elsewhere whole numbers as such.
    now = f"CAST({sql} AS double)" if asked.by else sql
    before = _shift(now, asked)
    return f"({now} - {before})"


def _so_far(name: str) -> Callable[[str, Asked], str]:
    """A cumulative function; missing values are passed over, and stay missing."""

    def step(sql: str, asked: Asked) -> str:
        field = asked.field
        if asked.options.get("skipna", True) is not True:
            raise Opaque
        if name == "sum":
            # Of floats pandas adds with a correction, and keeps the sign of -0.0.
            if field.kind not in "ib" or asked.out.dtype != np.dtype("int64"):
                raise Opaque
            value = f"CAST({sql} AS bigint)"
        elif field.kind in "iufmM":
            value = sql
        else:
            raise Opaque
        found = f"{name}({value}) OVER ({asked.rows} {SO_FAR})"
        return f"CASE WHEN {sql} IS NOT NULL THEN {found} END"

    return step


# Where missing values are ranked.
MISSING = {"keep": "LAST", "bottom": "LAST", "top": "FIRST"}


def _rank(sql: str, asked: Asked) -> str:
    options, by = asked.options, asked.by
    method, up = options.get("method", "average"), options.get("ascending", True)
    na_option, pct = options.get("na_option", "keep"), options.get("pct", False)
    field = asked.field
    if field.kind not in "iufmM" and not field.is_text:
        raise Opaque
    if na_option not in MISSING or (pct and (method == "dense" or na_option != "keep")):
        raise Opaque
    order = f"ORDER BY {sql} {'ASC' if up else 'DESC'} NULLS {MISSING[na_option]}"
    if method == "first":
        if not asked.order:
            raise Opaque
        value = f"row_number() OVER ({by} {order}{asked.order})"
    else:
        apart = f"{by}, {sql}" if by else f"PARTITION BY {sql}"
        first = f"{'dense_rank' if method == 'dense' else 'rank'}() OVER ({by} {order})"
        ties = f"count(1) OVER ({apart})"
        value = {
            "min": first,
            "dense": first,
            "max": f"({first} + {ties} - 1)",
            "average": f"({first} + ({ties} - 1) / 2D)",
        }[method]
    if pct:
        value = f"(CAST({value} AS double) / count({sql}) OVER ({by}))"
    return value if na_option != "keep" else f"CASE WHEN {sql} IS NOT NULL THEN {value} END"


def _fill(function: str, frame: str) -> Callable[[str, Asked], str]:
    def step(sql: str, asked: Asked) -> str:
        if not (asked.field.numeric or temporal(asked.field) or asked.field.is_text):
            raise Opaque
        limit = asked.options.get("limit")
        near = frame if limit is None else frame.replace("UNBOUNDED", str(limit))
        return f"{function}({sql}, true) OVER ({asked.rows} {near})"

    return step


STEPS: dict[str, Callable[[str, Asked], str]] = {
    "shift": _shift,
    "diff": _diff,
    "cumsum": _so_far("sum"),
    "cummax": _so_far("max"),
    "cummin": _so_far("min"),
    "rank": _rank,
    "ffill": _fill("last_value", SO_FAR),
    "bfill": _fill("first_value", FROM_HERE),
}
