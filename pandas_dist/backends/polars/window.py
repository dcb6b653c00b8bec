"""Windows: Polars' own functions over rows in order, and over the rows of each group."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import polars as pl

from pandas_dist.backends.polars import groupby
from pandas_dist.backends.polars.columns import Column, native, of_field
from pandas_dist.backends.polars.expressions import Opaque
from pandas_dist.backends.polars.frames import Frame
from pandas_dist.plan.relations import Agg
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field
from pandas_dist.plan.window import AGGREGATES, Window, WindowCall

# Functions of dates; of those within groups, pandas ranks NaT as a date in places.
FILLED = frozenset({"shift", "ffill", "bfill"})
TIMES = FILLED | {"diff", "rank"}
RANKS = {"average": "average", "min": "min", "max": "max", "dense": "dense", "first": "ordinal"}


def lower(node: Window, need: Need, below: Frame) -> tuple[pl.LazyFrame, dict[str, Column]]:
    exprs: list[pl.Expr] = []
    columns = dict(below.columns)
    for i, call in node.calls.items():
        if i not in need.columns:
            continue
        exprs.append(window(call, node, below, node.new[i]).alias(i))
        columns[i] = of_field(node.new[i])
    return below.rows.with_columns(exprs), columns


def window(call: WindowCall, node: Window, below: Frame, out: Field) -> pl.Expr:
    """One call as an expression in the type of its result."""
    if native(out) is None or out.is_text:
        raise Opaque
    values = expression(call, node, below, out).cast(native(out))
    if not call.by:
        return values
    keys = [groupby.clean(i, below.columns[i]) for i in call.by]
    within = values.over(keys)
    held = [below.columns[i] for i in call.by]
    if any(c.opaque for c in held):
        raise Opaque
    if call.dropna and any(c.nulls or c.nans for c in held):
        if out.kind not in "fmM":
            raise Opaque  # rows in no group widen the result
        within = pl.when(pl.all_horizontal([k.is_not_null() for k in keys])).then(within)
    return within


def expression(call: WindowCall, node: Window, below: Frame, out: Field) -> pl.Expr:
    options = dict(call.options)
    if call.func in AGGREGATES:
        agg = Agg(call.func, call.column)
        if call.func in ("first", "last") or out.kind not in "iuf":
            raise Opaque
        return groupby.aggregation(agg, below, node.child.fields, out)
    if call.column is None:
        raise Opaque
    field, column = node.child.fields[call.column], below.columns[call.column]
    step = STEPS.get(call.func)
    if step is None or column.opaque or not alike(call, field):
        raise Opaque
    if call.func == "cumsum" and field.kind == "f" and not call.by:
        sums = partial(_sums, options=options)
        return pl.col(call.column).map_batches(sums, return_dtype=pl.Float64)
    values = groupby.clean(call.column, column)
    if call.func == "diff" and call.by:
        values = values.cast(pl.Float64)  # within groups pandas subtracts the shifted floats
    if "fill_value" in options or (call.func == "cumsum" and out.kind in "iu"):
        values = values.cast(native(out))
    return step(values, options)


def alike(call: WindowCall, field: Field) -> bool:
    """Whether Polars' function of such a column gives pandas' values."""
    if groupby.wide(field):
        return not (call.by and "fill_value" in dict(call.options))
    if field.kind == "M":
        return call.func in (FILLED if call.by else TIMES)
    if call.func == "rank":
        return field.is_text and not call.by
    return call.func == "cumsum" and field.kind in "iub" and not call.by


def _sums(values: pl.Series, options: dict[str, Any]) -> pl.Series:
    """By pandas: Polars adds to zero, which loses the sign of -0.0."""
    return pl.Series(pd.Series(values.to_numpy()).cumsum(**options).to_numpy())


def _shift(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
    if not isinstance(options.get("periods", 1), int):
        raise Opaque
    return values.shift(options.get("periods", 1), fill_value=options.get("fill_value"))


def _diff(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
    return values - _shift(values, options)


def _change(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
    if options.get("fill_method") is not None:
        raise Opaque
    floats = values.cast(pl.Float64)
    return floats / _shift(floats, options) - 1


def _cumulative(name: str) -> Callable[[pl.Expr, dict[str, Any]], pl.Expr]:
    def step(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
        if options.keys() - {"skipna"} or options.get("skipna", True) is not True:
            raise Opaque
        return getattr(values, name)()

    return step


def _rank(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
    method, ascending = options.get("method", "average"), options.get("ascending", True)
    plain = not options.get("pct") and options.get("na_option", "keep") == "keep"
    if not plain or method not in RANKS or (method == "first" and not ascending):
        raise Opaque
    ranked: Any = RANKS[method]
    return values.rank(ranked, descending=not ascending)


def _fill(name: str) -> Callable[[pl.Expr, dict[str, Any]], pl.Expr]:
    def step(values: pl.Expr, options: dict[str, Any]) -> pl.Expr:
        if options.keys() - {"limit"}:
            raise Opaque
        return getattr(values, name)(options.get("limit"))

    return step


STEPS: dict[str, Callable[[pl.Expr, dict[str, Any]], pl.Expr]] = {
    "shift": _shift,
    "diff": _diff,
    "pct_change": _change,
    "cumsum": _cumulative("cum_sum"),
    "cumprod": _cumulative("cum_prod"),
    "cummax": _cumulative("cum_max"),
    "cummin": _cumulative("cum_min"),
    "rank": _rank,
    "ffill": _fill("forward_fill"),
    "bfill": _fill("backward_fill"),
}
