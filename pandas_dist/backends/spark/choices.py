"""Values in place of others: ``where``, ``clip``, ``replace``, ``map`` as CASE."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_dist.backends.spark.columns import BOOL, Column, Values, alike, native
from pandas_dist.backends.spark.rows import literal
from pandas_dist.plan.expressions import Call, Expr, Lit

if TYPE_CHECKING:
    from pandas_dist.backends.spark.expressions import Translator

# A longer table is looked up by pandas.
LONGEST = 200


def whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def number(value: Any) -> bool:
    return whole(value) or isinstance(value, (float, np.floating))


def fits(value: Any, column: Column) -> bool:
    """Whether a constant is a value of a column, as it is."""
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "E"
    if kind == "i":
        return whole(value) and column.dtype.itemsize == 8 and -(2**63) <= value < 2**63
    if kind == "f":
        return number(value) and column.dtype.itemsize == 8
    if kind == "b":
        return isinstance(value, bool)
    return column.is_text and isinstance(value, str) and encodes(value)


def holds(value: Any, column: Column) -> bool:
    """Whether a constant is a value of a column as it is, or its missing value."""
    if not column.is_text or not isinstance(value, float):
        return fits(value, column)
    return value != value and not (column.nulls and column.missing is None)


def sql_of(value: Any, column: Column) -> str:
    kind = column.physical
    missing = value != value
    return f"({literal(None if missing else value, kind)})"


def masked(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """Another value where a condition holds: a constant, or that of another column."""
    first, condition = expr.args[:2]
    values = t.values(first)
    column = values.column
    if column.opaque or isinstance(condition, Lit) or condition.field.kind != "b":
        return None
    if len(expr.args) == 3:
        other = t.values(expr.args[2])
        if not alike(column, other.column) or not same_missing(column, other.column):
            return None
        sql, nulls, nans = other.sql, other.column.nulls, other.column.nans
    elif holds(kernel.value, column) and expr.field.dtype == column.dtype:
        sql, nans = sql_of(kernel.value, column), False
        nulls = kernel.value != kernel.value
    else:
        return None
    held = replace(column, nulls=column.nulls or nulls, nans=column.nans or nans, origins=())
    return Values(f"(CASE WHEN {t.values(condition).sql} THEN {sql} ELSE {values.sql} END)", held)


def same_missing(one: Column, two: Column) -> bool:
    """Whether missing values of two columns are shown alike."""
    if one.dtype != object or not (one.nulls and two.nulls):
        return True
    return (one.missing is None) == (two.missing is None)


def category_test(values: Values, kernel: Any, right: Expr) -> Values | None:
    """Categories equal to a constant: those with its code, of which there may be none."""
    equality = kernel in (operator.eq, operator.ne)
    if not equality or not isinstance(right, Lit):
        return None
    result = codes_in(values, [right.value])
    if result is None:
        return None
    return Values(f"(NOT {result.sql})", BOOL) if kernel is operator.ne else result


def codes_in(values: Values, given: list[Any]) -> Values | None:
    """Whether categories of text, or of integers, are among those given."""
    if values.column.opaque:
        return None
    labels = values.column.dtype.categories
    text = all(isinstance(v, str) for v in given) and labels.inferred_type in ("string", "empty")
    if not text and not (all(map(whole, given)) and labels.inferred_type == "integer"):
        return None
    codes = labels.get_indexer(pd.Index(given, dtype=labels.dtype))
    held = ", ".join(str(c) for c in codes if c >= 0)
    if not held:
        return Values("false", BOOL)
    return Values(f"coalesce({values.sql} IN ({held}), false)", BOOL)


def found_in(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """merge's indicator: codes of left_only, right_only, both."""
    left, right = (t.values(arg).clean() for arg in expr.args)
    sql = f"CASE WHEN {right} IS NULL THEN 0 WHEN {left} IS NULL THEN 1 ELSE 2 END"
    return Values(f"({sql})", Column(expr.field.dtype, nulls=False))


def clip(values: Values, expr: Call, kernel: Any) -> Values | None:
    if len(kernel.args) != 2 or kernel.kwargs:
        return None
    lower, upper = kernel.args
    if not all(b is None or (fits(b, values.column) and b == b) for b in (lower, upper)):
        return None
    if lower is not None and upper is not None and lower > upper:
        lower, upper = upper, lower
    clean = values.clean()
    terms = [
        f"WHEN {clean} {sign} {sql_of(b, values.column)} THEN {sql_of(b, values.column)}"
        for sign, b in (("<", lower), (">", upper))
        if b is not None
    ]
    if not terms:
        return values
    return Values(f"(CASE {' '.join(terms)} ELSE {values.sql} END)", values.column)


def replaced(values: Values, expr: Call, kernel: Any) -> Values | None:
    """``replace`` of a list of numbers by another."""
    if len(kernel.args) != 2 or kernel.kwargs or not all(isinstance(a, list) for a in kernel.args):
        return None
    old, new = kernel.args
    column = values.column
    apart = len({float(v) for v in old if v == v}) + any(v != v for v in old)
    if apart != len(old) or len(old) > LONGEST or expr.field.dtype != column.dtype:
        return None
    terms = []
    for a, b in zip(old, new, strict=True):
        if not number(a) or not fits(b, column):
            return None
        if a != a:
            terms.append(f"WHEN {values.clean()} IS NULL THEN {sql_of(b, column)}")
            continue
        if column.physical == "bigint":
            if a != int(a):
                continue  # no whole number is equal to it
            a = int(a)
        if not fits(a, column):
            return None
        terms.append(f"WHEN {values.clean()} = {sql_of(a, column)} THEN {sql_of(b, column)}")
    if not terms:
        return values
    return Values(f"(CASE {' '.join(terms)} ELSE {values.sql} END)", column)


def looked_up(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """Text for text."""
    values = t.values(expr.args[0])
    table = kernel.table
    if values.column.opaque or len(table) > LONGEST or not table:
        return None
    if not all(map(encodes, [*table, *table.values()])):
        return None
    terms = [f"WHEN {literal(k, 'string')} THEN {literal(v, 'string')}" for k, v in table.items()]
    other = values.sql if kernel.keep else "CAST(NULL AS string)"
    column = values.column if kernel.keep else replace(values.column, nulls=True, missing=np.nan)
    return Values(f"(CASE {values.sql} {' '.join(terms)} ELSE {other} END)", column)


def mapped(values: Values, expr: Call, kernel: Any) -> Values | None:
    """``map`` of whole numbers or text to floats."""
    table = kernel.args[0] if len(kernel.args) == 1 else None
    if not isinstance(table, pd.Series) or kernel.kwargs.get("na_action") is not None:
        return None
    if native(expr.field) != "double" or table.dtype != np.dtype("float64"):
        return None
    if len(table) > LONGEST or not len(table):
        return None
    keys = list(table.index)
    if values.column.physical == "string":
        if not all(isinstance(k, str) and encodes(k) for k in keys):
            return None
    elif table.index.dtype != np.dtype("int64") or values.column.dtype != np.dtype("int64"):
        return None
    kind, result = values.column.physical, Column(expr.field.dtype)
    terms = [
        f"WHEN {literal(k, kind)} THEN {sql_of(v, result)}" for k, v in zip(keys, table.tolist())
    ]
    return Values(f"(CASE {values.sql} {' '.join(terms)} END)", result)


def encodes(value: str) -> bool:
    """Whether UTF-8 has the text: no halves of a surrogate pair."""
    return not any(0xD800 <= ord(c) < 0xE000 for c in value)
