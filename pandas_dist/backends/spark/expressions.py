"""Expressions as Spark SQL: native where exact, pandas' kernel in Spark's workers otherwise.

``TABLE`` says for each kind of kernel how it is lowered.  A lowering gives None where
Spark would not give pandas' answer; the kernel itself then runs on batches of rows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pandas_dist.backends.spark import choices, text, times
from pandas_dist.backends.spark.batches import Batch
from pandas_dist.backends.spark.choices import encodes
from pandas_dist.backends.spark.columns import BOOL, Column, Values, native, of_field
from pandas_dist.backends.spark.methods import METHODS, converted, fillna_column, fits, number_pair
from pandas_dist.backends.spark.rows import Rows, literal, new_name, quoted
from pandas_dist.ops.assign import _Put
from pandas_dist.ops.common import Method
from pandas_dist.ops.elementwise import _Reflected, _Ufunc
from pandas_dist.ops.fill import _Mask, _mask
from pandas_dist.ops.lookup import Lookup
from pandas_dist.ops.membership import Membership
from pandas_dist.ops.strings import TEXT, Through
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.index import _Affine
from pandas_dist.plan.rewrites import _and
from pandas_dist.plan.schema import Field

# Longer SQL has repeated the same steps too often: pandas computes them once.
LONGEST = 20_000


class Opaque(Exception):
    """An expression on or with values that Spark cannot hold."""


class Translator:
    """Lowers expressions over the columns of one frame.

    ``rows`` are those of the frame, with what Python functions have added to them.
    """

    def __init__(
        self, rows: Rows, columns: Mapping[str, Column], fields: Mapping[str, Field]
    ) -> None:
        self.rows, self.columns, self.fields = rows, columns, fields
        self.memo: dict[int, Values] = {}
        self.kernels: list[str] = []

    def values(self, expr: Expr) -> Values:
        found = self.memo.get(id(expr))
        if found is None:
            found = self.memo[id(expr)] = self._values(expr)
            if len(found.sql) > LONGEST:
                raise Opaque
        return found

    def _values(self, expr: Expr) -> Values:
        if isinstance(expr, Col):
            return Values(quoted(expr.id), self.columns[expr.id])
        if isinstance(expr, Lit):
            return self._literal(expr)
        assert isinstance(expr, Call)
        lower = TABLE.get(type(expr.kernel))
        result = None if lower is None else lower(self, expr, expr.kernel)
        return self._kernel(expr) if result is None else result

    def _literal(self, expr: Lit) -> Values:
        """A constant column, of the dtype that pandas gives it."""
        kind = native(expr.field)
        if kind is None or expr.field.kind not in "ifb":
            raise Opaque
        column = Column(expr.field.dtype, False, expr.field.kind == "f")
        return Values(f"({literal(expr.value, kind)})", column)

    def predicate(self, expr: Expr) -> str:
        """A boolean expression for a filter, in which null counts as false."""
        joins = (_and, operator.and_, operator.or_)
        if isinstance(expr, Call) and expr.kernel in joins and not _constant(expr):
            left, right = (self.predicate(a) for a in expr.args)
            word = "OR" if expr.kernel is operator.or_ else "AND"
            return f"({left} {word} {right})"
        if isinstance(expr, Call):
            compared = comparison(self, expr, expr.kernel, for_filter=True)
            if compared is not None:
                return compared.sql
        return self.values(expr).sql

    def _kernel(self, expr: Call) -> Values:
        """pandas' kernel on batches of rows, in Spark's Python workers."""
        out = native(expr.field)
        operands = [a for a in expr.args if not isinstance(a, Lit)]
        lowered = [self.values(a) for a in operands]
        if out is None or not operands or any(v.column.opaque for v in lowered):
            raise Opaque
        if any(not a.field.known for a in operands) or isinstance(expr.kernel, Membership):
            raise Opaque
        column = of_field(expr.field)
        if column.dtype == object and expr.field.encoding is None:
            if not _keeps_missing(expr):
                raise Opaque  # None or NaN: only the values tell
            column = replace(column, missing=lowered[0].column.missing)
        self.kernels.append(expr.name)
        columns = [replace(v.column, origins=()) for v in lowered]
        places = [operands.index(a) if not isinstance(a, Lit) else a for a in expr.args]
        function = Batch(expr, places, [a.field for a in operands], columns, column)
        name = new_name()
        self.rows = self.rows.apply(name, function, [v.sql for v in lowered], out)
        return Values(quoted(name), column)


def _keeps_missing(expr: Call) -> bool:
    """Text methods leave missing values as they are."""
    kernel = expr.kernel
    return isinstance(kernel, Through) and kernel.name in TEXT


def _constant(expr: Call) -> bool:
    return any(isinstance(a, Lit) for a in expr.args)


# -- operators --------------------------------------------------------------------------------

ARITHMETIC = {operator.add: "+", operator.sub: "-", operator.mul: "*"}
COMPARISON = {
    operator.eq: "=",
    operator.ne: "<>",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
}
SWAPPED = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}
BITS = {operator.and_: "AND", operator.or_: "OR", operator.xor: "<>", _and: "AND"}
INFINITY = "CAST('Infinity' AS double)"


def function_call(t: Translator, expr: Call, kernel: Any) -> Values | None:
    """A plain operator of two operands, or of one."""
    if kernel is _mask:
        return choices.masked(t, expr, kernel)
    if len(expr.args) == 2:
        return binary(t, expr, kernel, *expr.args)
    if len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    kind = expr.args[0].field.kind
    if values.column.opaque:
        return None
    if kernel is operator.neg and kind in "if":
        return Values(f"(- {values.sql})", replace(values.column, dtype=expr.field.dtype))
    if kernel is operator.invert and kind == "b":
        return Values(f"(NOT {values.sql})", values.column)
    if kernel is operator.abs and kind == "f":
        return Values(f"abs({values.sql})", values.column)
    if kernel is operator.pos and kind in "if":
        return values
    return None


def reflected(t: Translator, expr: Call, kernel: _Reflected) -> Values | None:
    left, right = expr.args
    return binary(t, expr, kernel.function, right, left)


def binary(t: Translator, expr: Call, kernel: Any, left: Expr, right: Expr) -> Values | None:
    if kernel in BITS:
        return logical(t, kernel, left, right)
    if kernel in COMPARISON:
        return comparison(t, expr, kernel, operands=(left, right))
    out = native(expr.field)
    numeric = all(_is_number(a) for a in (left, right))
    if out is None or not numeric or expr.field.kind not in "if":
        return None
    a, b = (_cast(t, arg, out) for arg in (left, right))
    if a is None or b is None:
        return None
    column = Column(expr.field.dtype, nulls=_nulls(t, left, right), nans=expr.field.kind == "f")
    if kernel in ARITHMETIC:
        return Values(f"({a} {ARITHMETIC[kernel]} {b})", column)  # inf - inf and 0 * inf are NaN
    if kernel is operator.truediv and out == "double":
        return Values(divided(a, b, right), column)
    if kernel in (operator.floordiv, operator.mod) and expr.field.kind == "i":
        return _whole_division(kernel, a, b, right, out, column)
    return None


def divided(a: str, b: str, divisor: Expr) -> str:
    """Division as in IEEE arithmetic; Spark's gives null for a divisor of zero."""
    if isinstance(divisor, Lit) and divisor.value != 0:
        return f"({a} / {b})"
    sign = f"CASE WHEN CAST({b} AS string) = '-0.0' THEN - {INFINITY} ELSE {INFINITY} END"
    return f"(CASE WHEN {b} = 0D THEN {a} * {sign} ELSE {a} / {b} END)"


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


def _is_number(expr: Expr) -> bool:
    if isinstance(expr, Lit):
        value = expr.value
        return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
            value, bool
        )
    return expr.field.numeric and expr.field.kind != "u"


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


def _nulls(t: Translator, *args: Expr) -> bool:
    return any(not isinstance(a, Lit) and t.values(a).column.nulls for a in args)


def logical(t: Translator, kernel: Any, left: Expr, right: Expr) -> Values | None:
    if any(not isinstance(a, Lit) and a.field.kind != "b" for a in (left, right)):
        return None
    a, b = (
        ("true" if arg.value else "false") if isinstance(arg, Lit) else t.values(arg).sql
        for arg in (left, right)
    )
    return Values(f"({a} {BITS[kernel]} {b})", BOOL)


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
    if operands is None or not _hashable(kernel) or kernel not in COMPARISON:
        return None
    left, right = operands
    if isinstance(left, Lit):
        left, right = right, left
        kernel = SWAPPED.get(kernel, kernel)
    if isinstance(left, Lit) or not left.field.known:
        return None
    pair = _comparable(t, left, right)
    if pair is None:
        return None
    result = f"({pair[0]} {COMPARISON[kernel]} {pair[1]})"
    unequal = kernel is operator.ne
    may_miss = any(
        not isinstance(a, Lit) and (t.values(a).column.nulls or t.values(a).column.nans)
        for a in (left, right)
    )
    if may_miss and (unequal or not for_filter):
        result = f"coalesce({result}, {'true' if unequal else 'false'})"
    return Values(result, BOOL)


def _hashable(kernel: Any) -> bool:
    return type(kernel) is type(operator.add)


def _comparable(t: Translator, left: Expr, right: Expr) -> tuple[str, str] | None:
    """Both sides in one type, with null as the only missing value."""
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
        return number_pair(a, left.field, right.value)
    b = t.values(right)
    kinds = left.field.kind + right.field.kind
    if b.column.opaque or not right.field.numeric:
        return None
    if "u" in kinds or ("b" in kinds and kinds != "bb"):
        return None
    out = native(Field(np.result_type(left.field.dtype, right.field.dtype)))
    assert out is not None
    x, y = (converted(v.clean(), v.column.physical, out) for v in (a, b))
    return x, y


def _text_pair(t: Translator, a: Values, right: Expr) -> tuple[str, str] | None:
    if isinstance(right, Lit):
        if not isinstance(right.value, str) or not encodes(right.value):
            return None
        return a.sql, literal(right.value, "string")
    b = t.values(right)
    if b.column.opaque or not right.field.is_text:
        return None
    return a.sql, b.sql


# -- methods ----------------------------------------------------------------------------------


def method(t: Translator, expr: Call, kernel: Method) -> Values | None:
    lower = METHODS.get(kernel.name)
    if kernel.name == "fillna" and len(expr.args) == 2 and not (kernel.args or kernel.kwargs):
        return fillna_column(t, expr)
    if lower is None or len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    if values.column.opaque and kernel.name not in ("isna", "notna"):
        return None
    return lower(values, expr, kernel)


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
    if kernel.function.__name__ != "sqrt" or not wide or values.column.opaque:
        return None
    return Values(f"sqrt({values.sql})", replace(values.column, nans=True))


def affine(t: Translator, expr: Call, kernel: _Affine) -> Values | None:
    values = t.values(expr.args[0])
    return Values(f"({values.sql} * ({kernel.step}L) + ({kernel.start}L))", values.column)


TABLE: dict[type, Callable[[Translator, Call, Any], Values | None]] = {
    type(operator.add): function_call,
    type(_and): function_call,
    Method: method,
    _Reflected: reflected,
    _Affine: affine,
    _Ufunc: ufunc,
    Through: through,
    _Put: choices.masked,
    _Mask: choices.masked,
    Lookup: choices.looked_up,
}
