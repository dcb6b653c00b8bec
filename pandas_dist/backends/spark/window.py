"""Windows: SQL windows over rows in order, and over the rows of each group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pandas_dist.backends.spark import groupby
from pandas_dist.backends.spark.columns import native, of_field, without_nan
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
        columns[i] = of_field(node.new[i])
    rows = below.rows.extend(new)
    return Frame(rows, columns, below.order, below.dense)


def wide(field: Field) -> bool:
    """Numbers that pandas handles without another type in between."""
    return field.kind in "if" and field.dtype.itemsize == 8


def window(call: WindowCall, node: Window, below: Frame, out: Field) -> str:
    """One call as SQL in the type of its result."""
    kind = native(out)
    if kind is None or out.is_text:
        raise Opaque
    if any(below.columns[i].opaque for i in call.by):
        raise Opaque
    keys = [without_nan(quoted(i), below.columns[i]) for i in call.by]
    by = f"PARTITION BY {', '.join(keys)}" if keys else ""
    sql = f"CAST({expression(call, node, below, out, by)} AS {kind})"
    held = [below.columns[i] for i in call.by]
    if call.dropna and any(c.nulls or c.nans for c in held):
        if out.kind not in "fmM":
            raise Opaque  # rows in no group widen the result
        inside = " AND ".join(f"{k} IS NOT NULL" for k in keys)
        sql = f"CASE WHEN {inside} THEN {sql} END"
    return sql


def expression(call: WindowCall, node: Window, below: Frame, out: Field, by: str) -> str:
    options = dict(call.options)
    if call.func in AGGREGATES:
        if call.func in ("first", "last", "nunique", "median") or out.kind not in "if":
            raise Opaque
        agg = Agg(call.func, call.column)
        return groupby.aggregation(agg, below, node.child.fields, out, over=f" OVER ({by})")
    if call.column is None:
        raise Opaque
    field, column = node.child.fields[call.column], below.columns[call.column]
    step = STEPS.get(call.func)
    if step is None or column.opaque or not wide(field):
        raise Opaque
    if call.func != "rank" and not below.order:
        raise Opaque
    rows = f"{by} {order_by(below.order)}" if below.order else by
    return step(without_nan(quoted(call.column), column), options, rows, by, field)


def _shift(sql: str, options: dict[str, Any], rows: str, by: str, field: Field) -> str:
    periods = options.get("periods", 1)
    if options.keys() - {"periods"} or type(periods) is not int or abs(periods) >= 2**31:
        raise Opaque
    return f"lag({sql}, {periods}) OVER ({rows})"


def _diff(sql: str, options: dict[str, Any], rows: str, by: str, field: Field) -> str:
    # Within groups pandas subtracts floats, elsewhere whole numbers as such.
    now = f"CAST({sql} AS double)" if by else sql
    before = _shift(now, options, rows, by, field)
    return f"({now} - {before})"


def _cumulative(name: str) -> Callable[..., str]:
    def step(sql: str, options: dict[str, Any], rows: str, by: str, field: Field) -> str:
        if options.keys() - {"skipna"} or options.get("skipna", True) is not True:
            raise Opaque
        if name == "sum" and field.kind == "f":
            raise Opaque  # pandas adds with a correction, and keeps the sign of -0.0
        return f"CASE WHEN {sql} IS NOT NULL THEN {name}({sql}) OVER ({rows} {SO_FAR}) END"

    return step


def _rank(sql: str, options: dict[str, Any], rows: str, by: str, field: Field) -> str:
    method, ascending = options.get("method", "average"), options.get("ascending", True)
    plain = not options.get("pct") and options.get("na_option", "keep") == "keep"
    if not plain or method not in ("average", "min", "max", "dense"):
        raise Opaque
    if type(ascending) is not bool:
        raise Opaque
    apart = f"{by}, {sql}" if by else f"PARTITION BY {sql}"
    ranked = f"{by} ORDER BY {sql} {'ASC' if ascending else 'DESC'} NULLS LAST"
    first = f"{'dense_rank' if method == 'dense' else 'rank'}() OVER ({ranked})"
    ties = f"count(1) OVER ({apart})"
    value = {
        "min": first,
        "dense": first,
        "max": f"({first} + {ties} - 1)",
        "average": f"({first} + ({ties} - 1) / 2D)",
    }[method]
    return f"CASE WHEN {sql} IS NOT NULL THEN {value} END"


def _fill(function: str, frame: str) -> Callable[..., str]:
    def step(sql: str, options: dict[str, Any], rows: str, by: str, field: Field) -> str:
        if options.keys() - {"limit"} or options.get("limit") is not None:
            raise Opaque
        return f"{function}({sql}, true) OVER ({rows} {frame})"

    return step


STEPS: dict[str, Callable[..., str]] = {
    "shift": _shift,
    "diff": _diff,
    "cumsum": _cumulative("sum"),
    "cummax": _cumulative("max"),
    "cummin": _cumulative("min"),
    "rank": _rank,
    "ffill": _fill("last_value", SO_FAR),
    "bfill": _fill("first_value", FROM_HERE),
}
