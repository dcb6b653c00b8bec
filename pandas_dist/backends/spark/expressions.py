"""Expressions as Spark SQL: native where exact, pandas' kernel in Spark's workers otherwise.

``Translator.table`` says for each kind of kernel how it is lowered.  A lowering gives None
where Spark would not give pandas' answer; the kernel itself then runs on batches of rows.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends import translation
from pandas_dist.backends.spark import choices, text, times
from pandas_dist.backends.spark.batches import Batch
from pandas_dist.backends.spark.choices import encodes
from pandas_dist.backends.spark.columns import BOOL, Column, Values, native
from pandas_dist.backends.spark.methods import (
    METHODS,
    converted,
    fillna_column,
    fits,
    moment_pair,
    number_pair,
)
from pandas_dist.backends.spark.rows import Rows, literal, new_name, quoted
from pandas_dist.backends.translation import (
    Opaque,
    function_call,
    method,
    reflected,
    through,
)
from pandas_dist.ops.assign import _Put
from pandas_dist.ops.common import Method
from pandas_dist.ops.elementwise import _Reflected, _Ufunc
from pandas_dist.ops.fill import _Mask, _mask
from pandas_dist.ops.join import Found
from pandas_dist.ops.lookup import Lookup
from pandas_dist.ops.membership import Membership
from pandas_dist.ops.strings import Through
from pandas_dist.plan.expressions import AsText, Call, Expr, Lit
from pandas_dist.plan.index import _Affine
from pandas_dist.plan.rewrites import _and
from pandas_dist.plan.schema import Field

# Longer SQL has repeated the same steps too often: pandas computes them once.
LONGEST = 20_000

__all__ = ["Opaque", "Translator"]


class Translator(translation.Translator[Column, Values]):
    """Lowers expressions over the columns of one frame.

    ``rows`` are those of the frame, with what Python functions have added to them.
    """

    def __init__(
        self, rows: Rows, columns: Mapping[str, Column], fields: Mapping[str, Field]
    ) -> None:
        super().__init__(columns, fields)
        self.rows = rows

    def _values(self, expr: Expr) -> Values:
        found = super()._values(expr)
        if len(found.sql) > LONGEST:
            raise Opaque
        return found

    def native(self, field: Field) -> str | None:
        return native(field)

    def column(self, name: str) -> Values:
        return Values(quoted(name), self.columns[name])

    def literal(self, expr: Lit) -> Values:
        column = Column(expr.field.dtype, False, expr.field.kind == "f")
        return Values(f"({literal(expr.value, column.physical)})", column)

    def batch(
        self, expr: Call, operands: list[Expr], lowered: list[Values], column: Column
    ) -> Values:
        """In Spark's Python workers."""
        if isinstance(expr.kernel, Membership):
            raise Opaque
        columns = [replace(v.column, origins=()) for v in lowered]
        places = [operands.index(a) if not isinstance(a, Lit) else a for a in expr.args]
        function = Batch(expr, places, [a.field for a in operands], columns, column)
        name = new_name()
        self.rows = self.rows.apply(name, function, [v.sql for v in lowered], column.physical)
        return Values(quoted(name), column)

    def combined(self, kernel: Any, left: Values, right: Values) -> Values:
        return Values(f"({left.sql} {BITS[kernel]} {right.sql})", BOOL)

    def logical(self, kernel: Any, left: Expr, right: Expr) -> Values:
        sides = [
            Values("true" if a.value else "false", BOOL) if isinstance(a, Lit) else self.values(a)
            for a in (left, right)
        ]
        return self.combined(kernel, *sides)

    def unary(self, expr: Call, kernel: Any, values: Values) -> Values | None:
        kind = expr.args[0].field.kind
        if kernel is operator.neg and kind in "if":
            return Values(f"(- {values.sql})", replace(values.column, dtype=expr.field.dtype))
        if kernel is operator.invert and kind == "b":
            return Values(f"(NOT {values.sql})", values.column)
        if kernel is operator.abs and kind == "f":
            return Values(f"abs({values.sql})", values.column)
        return values if kernel is operator.pos and kind in "if" else None

    def arithmetic(self, expr: Call, kernel: Any, left: Expr, right: Expr) -> Values | None:
        out, kind = native(expr.field), expr.field.kind
        assert out is not None
        a, b = (_cast(self, arg, out) for arg in (left, right))
        if a is None or b is None:
            return None
        column = Column(expr.field.dtype, nulls=self.nulls(left, right), nans=kind == "f")
        if kind == "u":
            return _wrapped(kernel, a, b, expr.field, column)
        if kernel in ARITHMETIC:  # inf - inf and 0 * inf are NaN
            return Values(f"({a} {ARITHMETIC[kernel]} {b})", column)
        if kernel is operator.truediv and out == "double":
            return Values(divided(a, b, right), column)
        if kernel in (operator.floordiv, operator.mod) and kind == "i":
            return _whole_division(kernel, a, b, right, out, column)
        return None

    def comparison(
        self, kernel: Any, left: Expr, right: Expr, for_filter: bool = False
    ) -> Values | None:
        if isinstance(left.field.dtype, pd.CategoricalDtype):
            return choices.category_test(self.values(left), kernel, right)
        pair = self.operands(left, right)
        if pair is None:
            return None
        result = f"({pair[0]} {COMPARISON[kernel]} {pair[1]})"
        unequal = kernel is operator.ne
        sides = [self.values(a).column for a in (left, right) if not isinstance(a, Lit)]
        if any(c.may_miss for c in sides) and (unequal or not for_filter):
            result = f"coalesce({result}, {'true' if unequal else 'false'})"
        return Values(result, BOOL)

    def with_constant(self, a: Values, field: Field, value: Any) -> tuple[str, str] | None:
        if field.is_text:
            held = isinstance(value, str) and encodes(value)
            return (a.sql, literal(value, "string")) if held else None
        if field.kind in "mM":
            return moment_pair(a, field, value)
        return number_pair(a, field, value)

    def pair(self, a: Values, b: Values, dtype: Any) -> tuple[str, str]:
        """With null as the only missing value."""
        if dtype is None:
            return a.sql, b.sql
        out = native(Field(dtype))
        assert out is not None
        x, y = (converted(v.clean(), v.column.physical, out) for v in (a, b))
        return x, y


ARITHMETIC = {operator.add: "+", operator.sub: "-", operator.mul: "*"}
COMPARISON = {
    operator.eq: "=",
    operator.ne: "<>",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
}
BITS = {operator.and_: "AND", operator.or_: "OR", operator.xor: "<>", _and: "AND"}
INFINITY = "CAST('Infinity' AS double)"


def divided(a: str, b: str, divisor: Expr) -> str:
    """Division as in IEEE arithmetic; Spark's gives null for a divisor of zero."""
    if isinstance(divisor, Lit) and divisor.value != 0:
        return f"({a} / {b})"
    sign = f"CASE WHEN CAST({b} AS string) = '-0.0' THEN - {INFINITY} ELSE {INFINITY} END"
    return f"(CASE WHEN {b} = 0D THEN {a} * {sign} ELSE {a} / {b} END)"


def _wrapped(kernel: Any, a: str, b: str, field: Field, column: Column) -> Values | None:
    """Unsigned integers, of which the lowest bits are kept."""
    if kernel not in ARITHMETIC:
        return None
    result = f"CAST({a} AS bigint) {ARITHMETIC[kernel]} CAST({b} AS bigint)"
    mask = 2 ** (8 * field.dtype.itemsize) - 1
    return Values(f"CAST(({result}) & {mask}L AS {column.physical})", column)


def _whole_division(
    kernel: Any, a: str, b: str, right: Expr, out: str, column: Column
) -> Values | None:
    """By a positive constant, rounded down as in Python."""
    if not isinstance(right, Lit) or right.value <= 0:
        return None
    if kernel is operator.mod:
        return Values(f"pmod({a}, {b})", column)
    down = f"CASE WHEN {a} % {b} < 0 THEN 1L ELSE 0L END"
    return Values(f"CAST(({a} div {b}) - {down} AS {out})", column)


def _cast(t: Translator, expr: Expr, out: str) -> str | None:
    """An operand in the type in which NumPy computes."""
    if isinstance(expr, Lit):
        value = expr.value
        whole = isinstance(value, (int, np.integer))
        if out not in ("double", "float") and not (whole and fits(int(value), out)):
            return None
        return f"({literal(value, out)})"
    values = t.values(expr)
    if values.column.opaque:
        return None
    return converted(values.sql, values.column.physical, out)


def plain(t: Translator, expr: Call, kernel: Any) -> Values | None:
    return choices.masked(t, expr, kernel) if kernel is _mask else function_call(t, expr, kernel)


def of_methods(t: Translator, expr: Call, kernel: Method) -> Values | None:
    if kernel.name in ("isna", "notna"):  # of columns outside, too
        return METHODS["isna"](t.values(expr.args[0]), expr, kernel)
    if kernel.name == "fillna" and len(expr.args) == 2 and not (kernel.args or kernel.kwargs):
        return fillna_column(t, expr)
    return method(t, expr, kernel)


def ufunc(t: Translator, expr: Call, kernel: _Ufunc) -> Values | None:
    """The ufuncs whose results are exact in IEEE arithmetic."""
    values = t.values(expr.args[0])
    field = expr.args[0].field
    wide = field.kind == "f" and field.dtype.itemsize == 8 and expr.field.dtype == field.dtype
    if kernel.function.__name__ != "sqrt" or not wide or values.column.opaque:
        return None
    return Values(f"sqrt({values.sql})", replace(values.column, nans=True))


def affine(t: Translator, expr: Call, kernel: _Affine) -> Values | None:
    values = t.values(expr.args[0])
    return Values(f"({values.sql} * ({kernel.step}L) + ({kernel.start}L))", values.column)


def shown_nan(t: Translator, expr: Call, kernel: AsText) -> Values | None:
    values = t.values(expr.args[0])
    if values.column.opaque:
        return None
    return Values(values.sql, replace(values.column, missing=np.nan))


Translator.table = {
    type(operator.add): function_call,
    type(_and): plain,
    Method: of_methods,
    _Reflected: reflected,
    _Affine: affine,
    AsText: shown_nan,
    _Ufunc: ufunc,
    Through: through,
    _Put: choices.masked,
    _Mask: choices.masked,
    Lookup: choices.looked_up,
    Found: choices.found_in,
}
Translator.methods = METHODS
Translator.accessors = {"str": text.lower, "dt": times.lower}
