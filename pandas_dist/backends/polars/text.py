"""``.str`` methods that Polars answers as Python's str does."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pandas_dist.backends.polars.columns import BOOL, Column, Values
from pandas_dist.backends.translation import edges, span, stripped
from pandas_dist.ops.strings import COMMON_PATTERN
from pandas_dist.plan.expressions import Call


def lower(values: Values, expr: Call, kernel: Any) -> Values | None:
    if kernel.args is None or not expr.args[0].field.is_text:
        return None
    if kernel.name == "contains":
        return _contains(values, expr, *kernel.args, **kernel.kwargs)
    if kernel.kwargs:
        return None
    step = METHODS.get(kernel.name)
    return None if step is None else step(values, expr, kernel.args)


def _result(expr: pl.Expr, column: Column) -> Values:
    return Values(expr, column)


def _contains(
    values: Values,
    expr: Call,
    pat: Any,
    case: Any = True,
    flags: Any = 0,
    na: Any = None,
    regex: Any = True,
) -> Values | None:
    """``na``: False answers for missing values; any other one is left to pandas."""
    usual = type(pat) is str and case is True and type(flags) is int and flags == 0
    if not usual or expr.field.kind != "b" or (_null(expr) and na is not False):
        return None
    plain = regex is False or not any(c in pat for c in ".*+?|")
    if regex is not False and (regex is not True or COMMON_PATTERN.fullmatch(pat) is None):
        return None
    found = values.expr.str.contains(pat if plain else f"(?-s){pat}", literal=plain)
    return _result(found.fill_null(False) if _null(expr) else found, BOOL)


def _null(expr: Call) -> bool:
    return bool(expr.args[0].field.nulls)


def _edge(name: str) -> Any:
    def test(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
        given = edges(args)
        if given is None or _null(expr):
            return None
        tests = [getattr(values.expr.str, name)(pl.lit(g)) for g in given]
        return _result(pl.any_horizontal(tests) if len(tests) > 1 else tests[0], BOOL)

    return test


def _len(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
    if args or _null(expr):
        return None
    count = values.expr.str.len_chars().cast(pl.Int64)
    return _result(count, Column(np.dtype("int64"), nulls=False))


def _slice(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
    found = span(args)
    if found is None:
        return None
    return _result(values.expr.str.slice(*found), values.column)


def _strip(name: str) -> Any:
    def step(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
        chars = stripped(args)
        if chars is None:
            return None
        if chars == "":
            return _result(values.expr, values.column)
        return _result(getattr(values.expr.str, name)(chars), values.column)

    return step


METHODS = {
    "startswith": _edge("starts_with"),
    "endswith": _edge("ends_with"),
    "len": _len,
    "slice": _slice,
    "strip": _strip("strip_chars"),
    "lstrip": _strip("strip_chars_start"),
    "rstrip": _strip("strip_chars_end"),
}
