"""Methods of one column, as Spark SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pandas_dist.backends.spark import choices, times
from pandas_dist.backends.spark.choices import encodes
from pandas_dist.backends.spark.columns import BOOL, Column, Values, alike, native
from pandas_dist.backends.spark.rows import literal
from pandas_dist.backends.translation import compared_number, decimals, widens
from pandas_dist.ops.common import Method
from pandas_dist.plan.expressions import Call
from pandas_dist.plan.schema import Field

if TYPE_CHECKING:
    from pandas_dist.backends.spark.expressions import Translator


def converted(sql: str, source: str, target: str) -> str:
    return sql if source == target else f"CAST({sql} AS {target})"


_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


def fits(value: int, kind: str) -> bool:
    half = 2 ** (_BITS[kind] - 1)
    return -half <= value < half


def number_pair(a: Values, field: Field, value: Any) -> tuple[str, str] | None:
    number = compared_number(field, value)
    if number is None:
        return None
    if isinstance(number, float):
        sql = a.clean() if field.kind == "f" else f"CAST({a.sql} AS double)"
        return sql, f"({literal(number, 'double')})"
    kind = a.column.physical
    return (a.sql, f"({literal(number, kind)})") if fits(number, kind) else None


def moment_pair(a: Values, field: Field, value: Any) -> tuple[str, str] | None:
    moment = times.constant(field.dtype, value)
    return None if moment is None else (a.sql, f"({literal(moment, 'bigint')})")


def _isna(values: Values, expr: Call, kernel: Method) -> Values:
    word = "NOT NULL" if kernel.name == "notna" else "NULL"
    return Values(f"({values.clean()} IS {word})", BOOL)


def _fillna(values: Values, expr: Call, kernel: Method) -> Values | None:
    if len(kernel.args) != 1 or kernel.kwargs or expr.args[0].field.dtype != expr.field.dtype:
        return None
    field, value, kind = expr.args[0].field, kernel.args[0], values.column.physical
    if field.kind in "ib":
        return values
    text = field.is_text and isinstance(value, str) and encodes(value)
    if text or (field.kind == "f" and choices.fits(value, values.column)):
        shown = literal(value, kind)
    elif field.kind == "M" and times.constant(field.dtype, value) is not None:
        shown = literal(times.constant(field.dtype, value), kind)
    else:
        return None
    filled = f"coalesce({values.clean()}, {shown})"
    return Values(filled, replace(values.column, nulls=False, nans=False))


def fillna_column(t: Translator, expr: Call) -> Values | None:
    """Missing values from another column."""
    a, b = (t.values(arg) for arg in expr.args)
    if not alike(a.column, b.column):
        return None
    held = replace(b.column, nulls=b.column.may_miss, nans=False, origins=())
    return Values(f"coalesce({a.clean()}, {b.clean()})", held)


def _astype(values: Values, expr: Call, kernel: Method) -> Values | None:
    out, source = native(expr.field), expr.args[0].field
    if kernel.kwargs or out is None:
        return None
    if out == "string" and source.kind in "iub" and is_string(expr.field.dtype):
        sql = f"CAST({values.sql} AS string)"
        if source.kind == "b":
            sql = f"(CASE WHEN {values.sql} THEN 'True' ELSE 'False' END)"
        return Values(sql, Column(expr.field.dtype, nulls=False))
    if not widens(source, expr.field):
        return None
    sql = converted(values.sql, values.column.physical, out)
    return Values(sql, replace(values.column, dtype=expr.field.dtype))


def is_string(dtype: Any) -> bool:
    """Whether a dtype holds text: of ``str``, or objects."""
    return dtype == np.dtype(object) or isinstance(dtype, pd.StringDtype)


def _round(values: Values, expr: Call, kernel: Method) -> Values | None:
    """NumPy's steps: scale, round half to even, scale back."""
    places = decimals(expr, kernel)
    if places is None:
        return None
    scale = literal(float(10**places), "double")
    sql = f"(rint({values.sql} * {scale}) / {scale})" if places else f"rint({values.sql})"
    return Values(sql, replace(values.column, nans=True))


def _between(values: Values, expr: Call, kernel: Method) -> Values | None:
    low, high = kernel.args
    inclusive = kernel.kwargs.get("inclusive", "both")
    field = expr.args[0].field
    if field.kind == "M":
        first, second = (moment_pair(values, field, v) for v in (low, high))
    elif field.kind in "iuf":
        first, second = (number_pair(values, field, v) for v in (low, high))
    else:
        return None
    if first is None or second is None:
        return None
    above = ">=" if inclusive in ("both", "left") else ">"
    below = "<=" if inclusive in ("both", "right") else "<"
    result = f"({first[0]} {above} {first[1]} AND {second[0]} {below} {second[1]})"
    if values.column.may_miss:
        result = f"coalesce({result}, false)"
    return Values(result, BOOL)


def _isin(values: Values, expr: Call, kernel: Method) -> Values | None:
    if len(kernel.args) != 1 or not isinstance(kernel.args[0], (list, np.ndarray)):
        return None
    given, field, kind = kernel.args[0], expr.args[0].field, values.column.physical
    if isinstance(given, np.ndarray):
        if given.ndim != 1 or not (given.dtype == field.dtype or field.is_text):
            return None
        given = given.tolist()
    if isinstance(values.column.dtype, pd.CategoricalDtype):
        return choices.codes_in(values, given)
    if field.is_text and all(type(v) is str and encodes(v) for v in given):
        held = given
    elif field.kind in "iu" and all(type(v) is int and abs(v) < 2**53 for v in given):
        held = [v for v in given if fits(v, kind)]
    else:
        return None
    if not held:
        return Values("false", BOOL)
    result = f"({values.sql} IN ({', '.join(literal(v, kind) for v in held)}))"
    return Values(f"coalesce({result}, false)" if values.column.nulls else result, BOOL)


METHODS: dict[str, Callable[[Values, Call, Method], Values | None]] = {
    "isna": _isna,
    "notna": _isna,
    "fillna": _fillna,
    "astype": _astype,
    "round": _round,
    "between": _between,
    "isin": _isin,
    "clip": choices.clip,
    "replace": choices.replaced,
    "map": choices.mapped,
}
