"""Expressions as Polars expressions: native where exact, pandas' kernel on batches otherwise.

``Translator.table`` says for each kind of kernel how it is lowered.  A lowering gives None
where Polars would not give pandas' answer; the kernel itself then runs on each batch.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.backends import translation
from pandas_dist.backends.polars import choices, text, times
from pandas_dist.backends.polars.columns import (
    BOOL,
    Column,
    Values,
    native,
    to_pandas,
    to_polars,
)
from pandas_dist.backends.translation import (
    Opaque,
    compared_number,
    decimals,
    function_call,
    method,
    reflected,
    through,
    widens,
)
from pandas_dist.ops.assign import _Put
from pandas_dist.ops.common import Method
from pandas_dist.ops.elementwise import _Reflected, _Ufunc
from pandas_dist.ops.strings import Through
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import AsText, Call, Expr, Lit
from pandas_dist.plan.index import _Affine
from pandas_dist.plan.rewrites import _and
from pandas_dist.plan.schema import Field, decode

__all__ = ["Opaque", "Translator"]


# Both sides of a comparison in one type, and how many of them may hold NaN.
Pair = tuple[pl.Expr, pl.Expr, int]


class Translator(translation.Translator[Column, Values]):
    """Lowers expressions over the columns of one lazy frame."""

    def native(self, field: Field) -> Any:
        return native(field)

    def column(self, name: str) -> Values:
        return Values(pl.col(name), self.columns[name])

    def literal(self, expr: Lit) -> Values:
        value: Any = expr.value
        column = Column(expr.field.dtype, False, expr.field.kind == "f")
        return Values(pl.lit(value, dtype=native(expr.field)), column)

    def batch(
        self, expr: Call, operands: list[Expr], lowered: list[Values], column: Column
    ) -> Values:
        run = _Batch(expr, operands, [v.column for v in lowered], column)
        mapped = pl.map_batches(
            [v.expr for v in lowered], run, return_dtype=native(expr.field), is_elementwise=True
        )
        return Values(mapped, column)

    def combined(self, kernel: Any, left: Values, right: Values) -> Values:
        function = operator.and_ if kernel is _and else kernel
        return Values(function(left.expr, right.expr), BOOL)

    def logical(self, kernel: Any, left: Expr, right: Expr) -> Values:
        sides = [
            Values(pl.lit(bool(a.value)), BOOL) if isinstance(a, Lit) else self.values(a)
            for a in (left, right)
        ]
        return self.combined(kernel, *sides)

    def unary(self, expr: Call, kernel: Any, values: Values) -> Values | None:
        kind = expr.args[0].field.kind
        if kernel is operator.neg and kind in "if":
            return Values(-values.expr, replace(values.column, dtype=expr.field.dtype))
        if kernel is operator.invert and kind == "b":
            return Values(~values.expr, values.column)
        if kernel is operator.abs and kind == "f":
            return Values(values.expr.abs(), values.column)
        return values if kernel is operator.pos and kind in "if" else None

    def arithmetic(self, expr: Call, kernel: Any, left: Expr, right: Expr) -> Values | None:
        out, kind = native(expr.field), expr.field.kind
        a, b = (_cast(self, arg, out) for arg in (left, right))
        if a is None or b is None:
            return None
        column = Column(expr.field.dtype, nulls=self.nulls(left, right), nans=kind == "f")
        if kernel in ARITHMETIC:
            # inf - inf and 0 * inf are NaN.
            return Values(kernel(a, b), column)
        if kernel is operator.truediv and out == pl.Float64:
            divided = over_constant(a, b, right.value) if isinstance(right, Lit) else a / b
            return Values(divided, column)
        if kernel in (operator.floordiv, operator.mod) and kind == "i" and _divisor(right):
            return Values(kernel(a, b), column)
        return None

    def comparison(
        self, kernel: Any, left: Expr, right: Expr, for_filter: bool = False
    ) -> Values | None:
        if isinstance(left.field.dtype, pd.CategoricalDtype):
            return category_test(self.values(left), kernel, right)
        pair = self.operands(left, right)
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
        if self.nulls(left, right) and not (for_filter and kernel is not operator.ne):
            result = result.fill_null(kernel is operator.ne)
        return Values(result, BOOL)

    def with_constant(self, a: Values, field: Field, value: Any) -> Pair | None:
        if field.is_text:
            return (a.expr, pl.lit(value), 0) if isinstance(value, str) else None
        if field.kind in "mM":
            when = times.constant(field.dtype, value)
            held = None if when is None else pl.lit(when, dtype=pl.Int64).cast(a.column.physical)
            return None if held is None else (a.expr, held, 0)
        return _number_pair(a, field, value)

    def pair(self, a: Values, b: Values, dtype: Any) -> Pair:
        if dtype is None:
            return a.expr, b.expr, 0
        out = native(Field(dtype))
        x, y = (v.expr if v.column.physical == out else v.expr.cast(out) for v in (a, b))
        floats = sum(v.column.dtype.kind == "f" for v in (a, b))
        return x, y, floats


class _Batch:
    """A pandas kernel on Polars batches."""

    def __init__(
        self, expr: Call, operands: list[Expr], columns: list[Column], result: Column
    ) -> None:
        self.expr, self.operands, self.columns, self.result = expr, operands, columns, result

    def __call__(self, batches: Any) -> pl.Series:
        # Nulls of Polars' own: for a result without rows, and in the rows that `when` leaves out.
        given = [b for b, c in zip(batches, self.columns) if b.null_count() and not c.nulls]
        if not given:
            return self._computed(batches)
        used = reduce(operator.and_, [b.is_not_null() for b in given])
        if not used.any():
            return pl.Series([None] * len(used), dtype=self.result.physical)
        kept = [b.filter(used) if len(b) == len(used) else b for b in batches]
        places = pl.select(pl.when(used).then(used.cum_sum() - 1)).to_series()
        return self._computed(kept).gather(places)

    def _computed(self, batches: Sequence[pl.Series]) -> pl.Series:
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


def over_constant(values: pl.Expr, constant: pl.Expr, value: float) -> pl.Expr:
    """Division that rounds once: Polars multiplies by the reciprocal of a constant."""
    if abs(math.frexp(value)[0]) != 0.5 or value == 0:
        # A column of the constant; powers of two have exact reciprocals.
        constant = values.is_null() * pl.lit(0.0, dtype=pl.Float64) + constant
    return values / constant


def _divisor(expr: Expr) -> bool:
    return isinstance(expr, Lit) and expr.value not in (0, -1)


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


def category_test(values: Values, kernel: Any, right: Expr) -> Values | None:
    """Categories equal to a constant: those with its code, of which there may be none."""
    equality = kernel in (operator.eq, operator.ne)
    if values.column.opaque or not equality or not isinstance(right, Lit):
        return None
    (code,) = values.column.dtype.categories.get_indexer([right.value])
    return _codes_in(values, [int(code)], kernel is operator.ne)


def _codes_in(values: Values, codes: list[int], inverted: bool) -> Values:
    held = pl.Series([c for c in codes if c >= 0], dtype=pl.Int32)
    result = values.expr.is_in(held.implode())
    if values.column.nulls:
        result = result.fill_null(False)
    return Values(~result if inverted else result, BOOL)


def _number_pair(a: Values, field: Field, value: Any) -> Pair | None:
    number = compared_number(field, value)
    if number is None:
        return None
    if field.kind == "f":
        return a.expr, pl.lit(number, dtype=pl.Float64), 1 if a.column.nans else 0
    if isinstance(number, float):
        return a.expr.cast(pl.Float64), pl.lit(number, dtype=pl.Float64), 0
    kind = a.column.physical
    return (a.expr, pl.lit(number, dtype=kind), 0) if _fits(number, kind) else None


# -- methods ----------------------------------------------------------------------------------


def _isna(values: Values, expr: Call, kernel: Method) -> Values:
    missing = values.clean().is_null()
    return Values(~missing if kernel.name == "notna" else missing, BOOL)


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
    if kernel.kwargs or out is None or not widens(source, expr.field):
        return None
    return Values(values.expr.cast(out), replace(values.column, dtype=expr.field.dtype))


def _round(values: Values, expr: Call, kernel: Method) -> Values | None:
    """NumPy's steps: scale, round half to even, scale back."""
    places = decimals(expr, kernel)
    if places is None:
        return None
    scale = float(10**places)
    scaled = values.expr * scale if places else values.expr
    whole = scaled.round(0, mode="half_to_even")
    if places:
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
    return Values(result, BOOL)


def _isin(values: Values, expr: Call, kernel: Method) -> Values | None:
    (given,) = kernel.args
    field = expr.args[0].field
    if isinstance(given, np.ndarray) and field.kind in "iu" and given.dtype == field.dtype:
        return _one_of(values, pl.Series(np.ravel(given)))
    if not isinstance(given, list):
        return None
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
    return _one_of(values, held)


def _one_of(values: Values, held: pl.Series) -> Values:
    result = values.expr.is_in(held.implode())
    if values.column.nulls:
        result = result.fill_null(False)
    return Values(result, BOOL)


METHODS: dict[str, Callable[[Values, Call, Method], Values | None]] = {
    "isna": _isna,
    "notna": _isna,
    "fillna": _fillna,
    "astype": _astype,
    "round": _round,
    "between": _between,
    "isin": _isin,
}


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


def shown_nan(t: Translator, expr: Call, kernel: AsText) -> Values | None:
    values = t.values(expr.args[0])
    if values.column.opaque:
        return None
    return Values(values.expr, replace(values.column, missing=np.nan))


Translator.table = {
    type(operator.add): function_call,
    type(_and): function_call,
    Method: method,
    _Reflected: reflected,
    _Affine: affine,
    AsText: shown_nan,
    _Put: choices.masked,
    _Ufunc: ufunc,
    Through: through,
}
Translator.methods = METHODS
Translator.accessors = {"str": text.lower, "dt": times.lower}
