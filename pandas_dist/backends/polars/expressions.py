"""Expressions as Polars expressions: native where exact, pandas' kernel on batches otherwise.

``TABLE`` says for each kind of kernel how it is lowered.  A lowering gives None where
Polars would not give pandas' answer; the kernel itself then runs on each batch.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.backends.polars import text, times
from pandas_dist.backends.polars.columns import (
    Column,
    Values,
    native,
    of_field,
    to_pandas,
    to_polars,
)
from pandas_dist.ops.common import Method
from pandas_dist.ops.elementwise import _Reflected, _Ufunc
from pandas_dist.ops.strings import TEXT, Through
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.index import _Affine
from pandas_dist.plan.rewrites import _and
from pandas_dist.plan.schema import Field, decode


class Opaque(Exception):
    """An expression on or with values that Polars cannot hold."""


class Translator:
    """Lowers expressions over the columns of one lazy frame."""

    def __init__(self, columns: Mapping[str, Column], fields: Mapping[str, Field]) -> None:
        self.columns, self.fields = columns, fields
        self.memo: dict[int, Values] = {}
        self.kernels: list[str] = []

    def values(self, expr: Expr) -> Values:
        found = self.memo.get(id(expr))
        if found is None:
            found = self.memo[id(expr)] = self._values(expr)
        return found

    def _values(self, expr: Expr) -> Values:
        if isinstance(expr, Col):
            return Values(pl.col(expr.id), self.columns[expr.id])
        if isinstance(expr, Lit):
            return self._literal(expr)
        assert isinstance(expr, Call)
        lower = TABLE.get(type(expr.kernel))
        result = None if lower is None else lower(self, expr, expr.kernel)
        return self._kernel(expr) if result is None else result

    def _literal(self, expr: Lit) -> Values:
        """A constant column, of the dtype that pandas gives it."""
        value: Any = expr.value
        kind = expr.field.kind
        dtype = native(expr.field)
        if dtype is None or kind not in "iufb":
            raise Opaque
        return Values(pl.lit(value, dtype=dtype), Column(expr.field.dtype, False, kind == "f"))

    def predicate(self, expr: Expr) -> pl.Expr:
        """A boolean expression for a filter, in which null counts as false."""
        joins = (_and, operator.and_, operator.or_)
        if isinstance(expr, Call) and expr.kernel in joins and not _constant(expr):
            left, right = (self.predicate(a) for a in expr.args)
            return left | right if expr.kernel is operator.or_ else left & right
        if isinstance(expr, Call):
            compared = comparison(self, expr, expr.kernel, for_filter=True)
            if compared is not None:
                return compared.expr
        return self.values(expr).expr

    def _kernel(self, expr: Call) -> Values:
        """pandas' kernel on batches of rows."""
        out = native(expr.field)
        operands = [a for a in expr.args if not isinstance(a, Lit)]
        lowered = [self.values(a) for a in operands]
        if out is None or not operands or any(v.column.opaque for v in lowered):
            raise Opaque
        if any(not a.field.known for a in operands):
            raise Opaque
        self.kernels.append(expr.name)
        column = of_field(expr.field)
        if column.dtype == object and expr.field.encoding is None:
            if not _keeps_missing(expr):
                raise Opaque  # None or NaN: only the values tell
            column = replace(column, missing=lowered[0].column.missing)
        run = _Batch(expr, operands, [v.column for v in lowered], column)
        mapped = pl.map_batches(
            [v.expr for v in lowered], run, return_dtype=out, is_elementwise=True
        )
        return Values(mapped, column)


def _keeps_missing(expr: Call) -> bool:
    """Text methods leave missing values as they are."""
    kernel = expr.kernel
    return isinstance(kernel, Through) and kernel.name in TEXT


def _constant(expr: Call) -> bool:
    return any(isinstance(a, Lit) for a in expr.args)


class _Batch:
    """A pandas kernel on Polars batches."""

    def __init__(
        self, expr: Call, operands: list[Expr], columns: list[Column], result: Column
    ) -> None:
        self.expr, self.operands, self.columns, self.result = expr, operands, columns, result

    def __call__(self, batches: Any) -> pl.Series:
        if any(b.null_count() and not c.nulls for b, c in zip(batches, self.columns)):
            # For a result without rows Polars calls the function with nulls of its own.
            return pl.Series([None] * len(batches[0]), dtype=self.result.physical)
        given = {
            id(o): self._operand(s, o, c)
            for s, o, c in zip(batches, self.operands, self.columns, strict=True)
        }
        values = [a.value if isinstance(a, Lit) else given[id(a)] for a in self.expr.args]
        with local_mode():
            result = self.expr.kernel(*values)
        field = self.expr.field
        if not isinstance(result, pd.Series):
            result = pd.Series(result, index=range(len(batches[0])), dtype=field.dtype)
        held, column = to_polars(result, field)
        told = column.missing is self.result.missing or not column.nulls
        if column.opaque or (field.dtype == object and not told):
            raise AssertionError(f"{self.expr.name} gave values that {field} does not describe")
        return held.cast(native(field))

    def _operand(self, batch: pl.Series, expr: Expr, column: Column) -> pd.Series:
        values = to_pandas(batch, column, expr.field)
        return values if self.expr.encoded else decode(values, expr.field)


# -- operators --------------------------------------------------------------------------------

ARITHMETIC = {operator.add, operator.sub, operator.mul}
ORDER = {operator.lt, operator.le, operator.gt, operator.ge}
SWAPPED = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}
BITS = {operator.and_, operator.or_, operator.xor, _and}


def function_call(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """A plain operator of two operands, or of one."""
    if len(expr.args) == 2:
        return binary(t, expr, kernel, *expr.args)
    if len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    kind = expr.args[0].field.kind
    if values.column.opaque:
        return None
    if kernel is operator.neg and kind in "if":
        return Values(-values.expr, replace(values.column, dtype=expr.field.dtype))
    if kernel is operator.invert and kind == "b":
        return Values(~values.expr, values.column)
    if kernel is operator.abs and kind in "f":
        return Values(values.expr.abs(), values.column)
    if kernel is operator.pos and kind in "if":
        return values
    return None


def reflected(t: Translator, expr: Call, kernel: _Reflected) -> Values | None:
    left, right = expr.args
    return binary(t, expr, kernel.function, right, left)


def binary(t: Translator, expr: Call, kernel: Any, left: Expr, right: Expr) -> Values | None:
    if kernel in BITS:
        return logical(t, kernel, left, right)
    if kernel in (operator.eq, operator.ne) or kernel in ORDER:
        return comparison(t, expr, kernel, operands=(left, right))
    out = native(expr.field)
    numeric = all(_is_number(a) for a in (left, right))
    if out is None or not numeric or expr.field.kind not in "iuf":
        return None
    a, b = (_cast(t, arg, out) for arg in (left, right))
    if a is None or b is None:
        return None
    column = Column(expr.field.dtype, nulls=_nulls(t, left, right), nans=expr.field.kind == "f")
    if kernel in ARITHMETIC:
        # inf - inf and 0 * inf are NaN.
        return Values(kernel(a, b), column)
    if kernel is operator.truediv and out == pl.Float64:
        divided = over_constant(a, b, right.value) if isinstance(right, Lit) else a / b
        return Values(divided, column)
    if kernel in (operator.floordiv, operator.mod) and expr.field.kind == "i":
        return Values(kernel(a, b), column) if _divisor(right) else None
    return None


def over_constant(values: pl.Expr, constant: pl.Expr, value: float) -> pl.Expr:
    """Division that rounds once: Polars multiplies by the reciprocal of a constant."""
    if abs(math.frexp(value)[0]) != 0.5 or value == 0:
        # A column of the constant; powers of two have exact reciprocals.
        constant = values.is_null() * pl.lit(0.0, dtype=pl.Float64) + constant
    return values / constant


def _divisor(expr: Expr) -> bool:
    return isinstance(expr, Lit) and expr.value not in (0, -1)


def _is_number(expr: Expr) -> bool:
    if isinstance(expr, Lit):
        value = expr.value
        return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
            value, bool
        )
    return expr.field.numeric


def _cast(t: Translator, expr: Expr, out: Any) -> pl.Expr | None:
    """An operand in the type in which NumPy computes."""
    if isinstance(expr, Lit):
        value = expr.value
        whole = isinstance(value, (int, np.integer))
        if whole and out.is_integer() and not _fits(int(value), out):
            return None
        return pl.lit(value.item() if isinstance(value, np.generic) else value, dtype=out)
    values = t.values(expr)
    if values.column.opaque:
        return None
    return values.expr if values.column.physical == out else values.expr.cast(out)


def _fits(value: int, dtype: Any) -> bool:
    bits = int(str(dtype).removeprefix("UInt").removeprefix("Int"))
    signed = str(dtype).startswith("Int")
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return low <= value <= high


def _nulls(t: Translator, *args: Expr) -> bool:
    return any(not isinstance(a, Lit) and t.values(a).column.nulls for a in args)


def logical(t: Translator, kernel: Any, left: Expr, right: Expr) -> Values | None:
    if any(not isinstance(a, Lit) and a.field.kind != "b" for a in (left, right)):
        return None
    sides = [
        pl.lit(bool(a.value)) if isinstance(a, Lit) else t.values(a).expr for a in (left, right)
    ]
    function = operator.and_ if kernel is _and else kernel
    return Values(function(*sides), Column(np.dtype(bool), nulls=False))


def comparison(
    t: Translator,
    expr: Call,
    kernel: Any,
    operands: tuple[Expr, Expr] | None = None,
    for_filter: bool = False,
) -> Values | None:
    """A comparison that is false for missing values (``ne``: true)."""
    if operands is None:
        if isinstance(kernel, _Reflected):
            kernel, operands = kernel.function, (expr.args[1], expr.args[0])
        elif len(expr.args) == 2:
            operands = (expr.args[0], expr.args[1])
    if operands is None or not (kernel in (operator.eq, operator.ne) or kernel in ORDER):
        return None
    left, right = operands
    if isinstance(left, Lit):
        left, right = right, left
        kernel = SWAPPED.get(kernel, kernel)
    if isinstance(left, Lit) or not left.field.known:
        return None
    if isinstance(left.field.dtype, pd.CategoricalDtype):
        return category_test(t.values(left), kernel, right)
    pair = _comparable(t, left, right)
    if pair is None:
        return None
    a, b, nans = pair
    result = kernel(a, b)
    if nans and kernel is not operator.ne:
        # NaN is the greatest value and equal to itself in Polars, unlike anything here.
        greater = kernel in (operator.gt, operator.ge)
        for side, own in ((a, greater or nans == 2), (b, not greater or nans == 2)):
            if own:
                result = result & side.is_not_nan()
    if kernel is operator.ne and nans == 2:
        result = result | a.is_nan()
    missing = _nulls(t, left, right)
    if missing and not (for_filter and kernel is not operator.ne):
        result = result.fill_null(kernel is operator.ne)
    return Values(result, Column(np.dtype(bool), nulls=False))


def category_test(values: Values, kernel: Any, right: Expr) -> Values | None:
    """Categories equal to a constant: those with its code, of which there may be none."""
    if values.column.opaque or kernel in ORDER or not isinstance(right, Lit):
        return None
    (code,) = values.column.dtype.categories.get_indexer([right.value])
    return _codes_in(values, [int(code)], kernel is operator.ne)


def _codes_in(values: Values, codes: list[int], inverted: bool) -> Values:
    held = pl.Series([c for c in codes if c >= 0], dtype=pl.Int32)
    result = values.expr.is_in(held.implode())
    if values.column.nulls:
        result = result.fill_null(False)
    return Values(~result if inverted else result, Column(np.dtype(bool), nulls=False))


def _comparable(t: Translator, left: Expr, right: Expr) -> tuple[pl.Expr, pl.Expr, int] | None:
    """Both sides in one type, and how many of them may hold NaN."""
    a = t.values(left)
    if a.column.opaque:
        return None
    if left.field.is_text:
        return _text_pair(t, a, right)
    if left.field.kind in "mM":
        return times.pair(t, a, left, right)
    if not left.field.numeric:
        return None
    if isinstance(right, Lit):
        return _number_pair(a, left.field, right.value)
    b = t.values(right)
    kinds = left.field.kind + right.field.kind
    if b.column.opaque or not right.field.numeric:
        return None
    if "u" in kinds and kinds != "uu":
        return None
    if "b" in kinds and kinds != "bb":
        return None
    both = np.result_type(left.field.dtype, right.field.dtype)
    out = native(Field(both))
    x, y = (v.expr if v.column.physical == out else v.expr.cast(out) for v in (a, b))
    return x, y, (2 if kinds == "ff" else 1) if "f" in kinds else 0


def _text_pair(t: Translator, a: Values, right: Expr) -> tuple[pl.Expr, pl.Expr, int] | None:
    if isinstance(right, Lit):
        return (a.expr, pl.lit(right.value), 0) if isinstance(right.value, str) else None
    b = t.values(right)
    if b.column.opaque or not right.field.is_text:
        return None
    return a.expr, b.expr, 0


def _number_pair(a: Values, field: Field, value: Any) -> tuple[pl.Expr, pl.Expr, int] | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    if field.kind == "f":
        if field.dtype.itemsize != 8 or (isinstance(value, int) and abs(value) > 2**53):
            return None
        return a.expr, pl.lit(float(value), dtype=pl.Float64), 1 if a.column.nans else 0
    if field.kind not in "iu":
        return None
    if isinstance(value, float):
        return a.expr.cast(pl.Float64), pl.lit(value, dtype=pl.Float64), 0
    return (
        (a.expr, pl.lit(value, dtype=a.column.physical), 0)
        if _fits(value, a.column.physical)
        else None
    )


# -- methods ----------------------------------------------------------------------------------


def method(t: Translator, expr: Call, kernel: Method) -> Values | None:
    lower = METHODS.get(kernel.name)
    if lower is None or len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    if values.column.opaque and kernel.name not in ("isna", "notna"):
        return None
    return lower(values, expr, kernel)


def _isna(values: Values, expr: Call, kernel: Method) -> Values | None:
    column = values.column
    if column.source is not None and column.source.isna().any():
        return None
    result = values.clean().is_null() if column.nulls or column.nans else None
    if result is None:
        result = values.expr.is_null()
    if kernel.name == "notna":
        result = ~result
    return Values(result, Column(np.dtype(bool), nulls=False))


def _fillna(values: Values, expr: Call, kernel: Method) -> Values | None:
    (value,) = kernel.args
    field = expr.args[0].field
    if kernel.kwargs or field.dtype != expr.field.dtype:
        return None
    if field.kind in "iub":
        return values
    if field.kind != "f":
        return None
    filled = values.clean().fill_null(pl.lit(float(value), dtype=values.column.physical))
    return Values(filled, replace(values.column, nulls=False, nans=False))


def _astype(values: Values, expr: Call, kernel: Method) -> Values | None:
    out, source = native(expr.field), expr.args[0].field
    if kernel.kwargs or out is None or not _widens(source, expr.field):
        return None
    return Values(values.expr.cast(out), replace(values.column, dtype=expr.field.dtype))


def _widens(source: Field, target: Field) -> bool:
    """Whether every value of a number type is one of the other."""
    if source.kind not in "iufb" or target.kind not in "iufb":
        return False
    if source.kind == "b" or source.dtype == target.dtype:
        return True
    return source.kind + target.kind in ("ii", "uu", "ff", "if", "uf") and (
        target.dtype.itemsize > source.dtype.itemsize or target.dtype.itemsize == 8
    )


def _round(values: Values, expr: Call, kernel: Method) -> Values | None:
    """NumPy's steps: scale, round half to even, scale back."""
    decimals = kernel.args[0] if kernel.args else 0
    if expr.field.kind != "f" or expr.field.dtype.itemsize != 8 or not 0 <= decimals <= 15:
        return None
    scale = float(10**decimals)
    scaled = values.expr * scale if decimals else values.expr
    whole = scaled.round(0, mode="half_to_even")
    if decimals:
        whole = over_constant(whole, pl.lit(scale, dtype=pl.Float64), scale)
    return Values(whole, replace(values.column, nans=True))


def _between(values: Values, expr: Call, kernel: Method) -> Values | None:
    low, high = kernel.args
    inclusive = kernel.kwargs.get("inclusive", "both")
    field = expr.args[0].field
    if not (field.kind == "f" or field.kind in "iu"):
        return None
    first, second = (_number_pair(values, field, v) for v in (low, high))
    if first is None or second is None:
        return None
    (a, lower, nans), (c, upper, _) = first, second
    above = a >= lower if inclusive in ("both", "left") else a > lower
    below = c <= upper if inclusive in ("both", "right") else c < upper
    result = above & below
    if nans:
        result = result & a.is_not_nan()
    if values.column.nulls:
        result = result.fill_null(False)
    return Values(result, Column(np.dtype(bool), nulls=False))


def _isin(values: Values, expr: Call, kernel: Method) -> Values | None:
    (given,) = kernel.args
    if not isinstance(given, list):
        return None
    field = expr.args[0].field
    if isinstance(values.column.dtype, pd.CategoricalDtype):
        codes = values.column.dtype.categories.get_indexer(pd.Index(given))
        return _codes_in(values, [int(c) for c in codes], False)
    if field.is_text and all(type(v) is str for v in given):
        held = pl.Series(given, dtype=pl.String)
    elif field.kind in "iu" and all(type(v) is int for v in given):
        fitting = [v for v in given if _fits(v, values.column.physical)]
        if any(abs(v) >= 2**53 for v in given):
            return None
        held = pl.Series(fitting, dtype=values.column.physical)
    else:
        return None
    result = values.expr.is_in(held.implode())
    if values.column.nulls:
        result = result.fill_null(False)
    return Values(result, Column(np.dtype(bool), nulls=False))


METHODS: dict[str, Callable[[Values, Call, Method], Values | None]] = {
    "isna": _isna,
    "notna": _isna,
    "fillna": _fillna,
    "astype": _astype,
    "round": _round,
    "between": _between,
    "isin": _isin,
}


def through(t: Translator, expr: Call, kernel: Through) -> Values | None:
    """``.str`` and ``.dt``."""
    values = t.values(expr.args[0])
    if values.column.opaque:
        return None
    if kernel.accessor == "str":
        return text.lower(values, expr, kernel)
    return times.lower(values, expr, kernel)


def ufunc(t: Translator, expr: Call, kernel: _Ufunc) -> Values | None:
    """The ufuncs whose results are exact in IEEE arithmetic."""
    values = t.values(expr.args[0])
    field = expr.args[0].field
    wide = field.kind == "f" and field.dtype.itemsize == 8 and expr.field.dtype == field.dtype
    steps = {"sqrt": pl.Expr.sqrt, "floor": pl.Expr.floor, "ceil": pl.Expr.ceil}
    step = steps.get(kernel.function.__name__)
    if step is None or not wide or values.column.opaque:
        return None
    return Values(step(values.expr), replace(values.column, nans=True))


def affine(t: Translator, expr: Call, kernel: _Affine) -> Values | None:
    values = t.values(expr.args[0])
    return Values(values.expr * kernel.step + kernel.start, values.column)


TABLE: dict[type, Callable[[Translator, Call, Any], Values | None]] = {
    type(operator.add): function_call,
    type(_and): function_call,
    Method: method,
    _Reflected: reflected,
    _Affine: affine,
    _Ufunc: ufunc,
    Through: through,
}
