"""``.str`` methods that Spark answers as Python's str does."""

from __future__ import annotations

from typing import Any

import numpy as np

from pandas_dist.backends.spark.choices import encodes
from pandas_dist.backends.spark.columns import BOOL, Column, Values
from pandas_dist.backends.spark.rows import text as constant
from pandas_dist.backends.translation import edges, span, stripped
from pandas_dist.ops.strings import COMMON_PATTERN
from pandas_dist.plan.expressions import Call


def lower(values: Values, expr: Call, kernel: Any) -> Values | None:
    if kernel.args is None or not expr.args[0].field.is_text:
        return None
    if kernel.name == "contains" and kernel.kwargs == {"regex": False}:
        return _contains(values, expr, kernel.args, regex=False)
    if kernel.kwargs:
        return None
    step = METHODS.get(kernel.name)
    return None if step is None else step(values, expr, kernel.args)


def _null(expr: Call) -> bool:
    return bool(expr.args[0].field.nulls)


def _contains(
    values: Values, expr: Call, args: tuple[Any, ...], regex: bool = True
) -> Values | None:
    one = len(args) == 1 and isinstance(args[0], str)
    if not one or _null(expr) or not encodes(args[0]):
        return None
    pattern = args[0]
    if regex and COMMON_PATTERN.fullmatch(pattern) is None:
        return None
    if not regex or not any(c in pattern for c in ".*+?|"):
        return Values(f"contains({values.sql}, {constant(pattern)})", BOOL)
    # (?d): the only end of a line is \n, as in Python.
    return Values(f"({values.sql} RLIKE {constant('(?d)' + pattern)})", BOOL)


def _edge(name: str) -> Any:
    def test(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
        given = edges(args)
        if given is None or _null(expr) or not all(map(encodes, given)):
            return None
        tests = [f"{name}({values.sql}, {constant(g)})" for g in given]
        return Values(f"({' OR '.join(tests)})", BOOL)

    return test


def _len(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
    if args or _null(expr):
        return None
    count = f"CAST(char_length({values.sql}) AS bigint)"
    return Values(count, Column(np.dtype("int64"), nulls=False))


def _slice(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
    found = span(args)
    if found is None:
        return None
    first, length = found
    count = "" if length is None else f", {length}"
    return Values(f"substring({values.sql}, {first + 1}{count})", values.column)


def _strip(side: str) -> Any:
    def step(values: Values, expr: Call, args: tuple[Any, ...]) -> Values | None:
        chars = stripped(args)
        if not chars or not encodes(chars):
            return values if chars == "" else None
        return Values(f"trim({side} {constant(chars)} FROM {values.sql})", values.column)

    return step


METHODS = {
    "contains": _contains,
    "startswith": _edge("startswith"),
    "endswith": _edge("endswith"),
    "len": _len,
    "slice": _slice,
    "strip": _strip("BOTH"),
    "lstrip": _strip("LEADING"),
    "rstrip": _strip("TRAILING"),
}
