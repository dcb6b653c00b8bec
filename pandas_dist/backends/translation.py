"""Expressions of a plan in an engine's own terms: what is the same for all engines.

An engine lowers a kernel by its type and name, and gives None where its answer would not be
pandas'; the kernel itself then runs on batches of rows.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import pandas as pd

from pandas_dist.backends.held import Held
from pandas_dist.ops.common import Method
from pandas_dist.ops.elementwise import _Reflected
from pandas_dist.ops.strings import PARTS, TEXT, Group, Through
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.rewrites import _and
from pandas_dist.plan.schema import Field


class Opaque(Exception):
    """An expression on or with values that the engine cannot hold."""


class Lowered(Protocol):
    """A lowered expression, with how its values are held."""

    @property
    def column(self) -> Any: ...


C = TypeVar("C", bound=Held)
V = TypeVar("V", bound=Lowered)
Step = Callable[[Any, Call, Any], Any]


class Translator(Generic[C, V]):
    """Lowers expressions over the columns of one frame; ``kernels``: those that pandas runs.

    ``table`` has a lowering for each type of kernel, ``methods`` and ``accessors`` those of
    one column by name.
    """

    table: ClassVar[Mapping[type, Step]]
    methods: ClassVar[Mapping[str, Step]]
    accessors: ClassVar[Mapping[str, Step]]

    def __init__(self, columns: Mapping[str, C], fields: Mapping[str, Field]) -> None:
        self.columns, self.fields = columns, fields
        self.memo: dict[int, V] = {}
        self.kernels: list[str] = []

    def values(self, expr: Expr) -> V:
        found = self.memo.get(id(expr))
        if found is None:
            found = self.memo[id(expr)] = self._values(expr)
        return found

    def _values(self, expr: Expr) -> V:
        if isinstance(expr, Col):
            return self.column(expr.id)
        if isinstance(expr, Lit):
            if self.native(expr.field) is None or expr.field.kind not in "iufb":
                raise Opaque
            return self.literal(expr)
        assert isinstance(expr, Call)
        lower = self.table.get(type(expr.kernel))
        result = None if lower is None else lower(self, expr, expr.kernel)
        return self._kernel(expr) if result is None else result

    def _kernel(self, expr: Call) -> V:
        """pandas' kernel on batches of rows."""
        expr = chained(expr)
        operands = [a for a in expr.args if not isinstance(a, Lit)]
        lowered = [self.values(a) for a in operands]
        if self.native(expr.field) is None or not operands:
            raise Opaque
        if any(v.column.opaque for v in lowered) or not all(a.field.known for a in operands):
            raise Opaque
        column = type(lowered[0].column).of_field(expr.field)
        if column.dtype == object and expr.field.encoding is None:
            column = shown(expr, column, lowered[0].column)
        self.kernels.append(expr.name)
        return self.batch(expr, operands, lowered, column)

    def predicate(self, expr: Expr) -> V:
        """A boolean expression for a filter, in which null counts as false."""
        if isinstance(expr, Call):
            joins = expr.kernel in (_and, operator.and_, operator.or_)
            if joins and not any(isinstance(a, Lit) for a in expr.args):
                left, right = (self.predicate(a) for a in expr.args)
                return self.combined(expr.kernel, left, right)
            terms = comparison_of(expr)
            compared = None if terms is None else self.comparison(*terms, for_filter=True)
            if compared is not None:
                return compared
        return self.values(expr)

    def nulls(self, *args: Expr) -> bool:
        """Whether a value of these may be missing."""
        return any(not isinstance(a, Lit) and self.values(a).column.nulls for a in args)

    def operands(self, left: Expr, right: Expr) -> Any:
        """A column and what it is compared with, of one type; None if there is none."""
        a = self.values(left)
        if a.column.opaque:
            return None
        if isinstance(right, Lit):
            return self.with_constant(a, left.field, right.value)
        b, both = self.values(right), None
        if b.column.opaque:
            return None
        if left.field.numeric:
            both = compared_dtype(left.field, right.field)
            same = both is not None
        elif left.field.is_text:
            same = right.field.is_text
        else:
            same = left.field.kind in "mM" and left.field.dtype == right.field.dtype
        return self.pair(a, b, both) if same else None

    # -- what an engine adds ----------------------------------------------------------------------

    def native(self, field: Field) -> Any:
        """The engine's type of a field; None if it is held outside."""
        raise NotImplementedError

    def column(self, name: str) -> V:
        raise NotImplementedError

    def literal(self, expr: Lit) -> V:
        """A constant column of a number, of the dtype that pandas gives it."""
        raise NotImplementedError

    def batch(self, expr: Call, operands: list[Expr], lowered: list[V], column: C) -> V:
        """The kernel on batches of its operands; ``column``: how its values are held."""
        raise NotImplementedError

    def combined(self, kernel: Any, left: V, right: V) -> V:
        """``and``, ``or`` of two booleans."""
        raise NotImplementedError

    def comparison(
        self, kernel: Any, left: Expr, right: Expr, for_filter: bool = False
    ) -> V | None:
        """A comparison that is false for missing values (``ne``: true).

        On the left is a column.  ``for_filter``: missing values may be null.
        """
        raise NotImplementedError

    def with_constant(self, a: V, field: Field, value: Any) -> Any:
        """A column and a constant that it is compared with; None if that is not exact."""
        raise NotImplementedError

    def pair(self, a: V, b: V, dtype: Any) -> Any:
        """Two columns that are compared; ``dtype``: that of numbers."""
        raise NotImplementedError

    def arithmetic(self, expr: Call, kernel: Any, left: Expr, right: Expr) -> V | None:
        """A plain operator of two numbers."""
        raise NotImplementedError

    def logical(self, kernel: Any, left: Expr, right: Expr) -> V:
        """``and``, ``or``, ``xor`` of booleans, of which one may be a constant."""
        raise NotImplementedError

    def unary(self, expr: Call, kernel: Any, values: V) -> V | None:
        """A plain operator of one operand."""
        raise NotImplementedError


# -- operators ------------------------------------------------------------------------------------

COMPARISONS = frozenset(
    {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}
)
SWAPPED = {
    operator.lt: operator.gt,
    operator.le: operator.ge,
    operator.gt: operator.lt,
    operator.ge: operator.le,
}
BITS = frozenset({operator.and_, operator.or_, operator.xor, _and})
# The operator of a comparison, and its operands: a column on the left.
Terms = tuple[Any, Expr, Expr]


def is_operator(kernel: Any) -> bool:
    """Whether a kernel is a function of ``operator``; others may not be hashable."""
    return type(kernel) is type(operator.add)


def comparison_of(expr: Call) -> Terms | None:
    """The terms of a comparison; None for any other expression."""
    kernel = expr.kernel
    if isinstance(kernel, _Reflected) and len(expr.args) == 2:
        return terms(kernel.function, expr.args[1], expr.args[0])
    return terms(kernel, *expr.args) if len(expr.args) == 2 else None


def terms(kernel: Any, left: Expr, right: Expr) -> Terms | None:
    if not is_operator(kernel) or kernel not in COMPARISONS:
        return None
    if isinstance(left, Lit):
        left, right = right, left
        kernel = SWAPPED.get(kernel, kernel)
    return None if isinstance(left, Lit) or not left.field.known else (kernel, left, right)


def function_call(t: Translator[Any, V], expr: Call, kernel: Any) -> V | None:
    """A plain operator of two operands, or of one."""
    if len(expr.args) == 2:
        return binary(t, expr, kernel, *expr.args)
    if len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    return None if values.column.opaque else t.unary(expr, kernel, values)


def reflected(t: Translator[Any, V], expr: Call, kernel: _Reflected) -> V | None:
    left, right = expr.args
    return binary(t, expr, kernel.function, right, left)


def binary(t: Translator[Any, V], expr: Call, kernel: Any, left: Expr, right: Expr) -> V | None:
    if kernel in BITS:
        if any(not isinstance(a, Lit) and a.field.kind != "b" for a in (left, right)):
            return None
        return t.logical(kernel, left, right)
    if kernel in COMPARISONS:
        found = terms(kernel, left, right)
        return None if found is None else t.comparison(*found)
    numeric = is_number(left) and is_number(right) and expr.field.kind in "iuf"
    if not numeric or t.native(expr.field) is None:
        return None
    return t.arithmetic(expr, kernel, left, right)


def is_number(expr: Expr) -> bool:
    if isinstance(expr, Lit):
        value = expr.value
        number = isinstance(value, (int, float, np.integer, np.floating))
        return number and not isinstance(value, bool)
    return expr.field.numeric


def compared_number(field: Field, value: Any) -> float | int | None:
    """A constant that a column of numbers is compared with, exactly; None for any other."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return None
    if field.kind != "f":
        return value if field.kind in "iu" else None
    if field.dtype.itemsize != 8 or (isinstance(value, int) and abs(value) > 2**53):
        return None
    return float(value)


def compared_dtype(left: Field, right: Field) -> np.dtype | None:
    """The type in which numbers of two columns are compared; None if there is none."""
    kinds = left.kind + right.kind
    if not (left.numeric and right.numeric):
        return None
    if ("u" in kinds and kinds != "uu") or ("b" in kinds and kinds != "bb"):
        return None
    return np.result_type(left.dtype, right.dtype)


# -- methods --------------------------------------------------------------------------------------


def method(t: Translator[Any, V], expr: Call, kernel: Method) -> V | None:
    lower = t.methods.get(kernel.name)
    if lower is None or len(expr.args) != 1:
        return None
    values = t.values(expr.args[0])
    source = values.column.source
    if source is not None and (kernel.name not in ("isna", "notna") or source.isna().any()):
        return None
    return lower(values, expr, kernel)


def through(t: Translator[Any, V], expr: Call, kernel: Through) -> V | None:
    """``.str`` and ``.dt``."""
    values = t.values(expr.args[0])
    if values.column.opaque:
        return None
    step = t.accessors.get(kernel.accessor)
    return None if step is None else step(values, expr, kernel)


def keeps_missing(expr: Call) -> bool:
    """Text methods leave missing values as they are."""
    kernel = expr.kernel
    return isinstance(kernel, Through) and kernel.name in TEXT


def shown(expr: Call, column: C, given: C) -> C:
    """How a kernel's objects show missing values; Opaque where only the values tell."""
    kernel = expr.kernel
    if keeps_missing(expr):
        return replace(column, missing=given.missing)
    if not expr.field.is_text:
        raise Opaque
    if not expr.field.nulls:
        return replace(column, nulls=False)
    nan = isinstance(kernel, Chain) and isinstance(kernel.last, Group)
    if isinstance(kernel, Through):
        kept = kernel.name in PARTS and (not given.nulls or given.missing is not None)
        nan = kept or kernel.name in ("day_name", "month_name")
    if not nan:
        raise Opaque
    return column


class Chain:
    """One kernel after another."""

    def __init__(self, first: Any, last: Any) -> None:
        self.first, self.last = first, last

    def __call__(self, *values: Any) -> Any:
        return self.last(self.first(*values))


def chained(expr: Call) -> Call:
    """A part of what a kernel gives as one step, where that is no column."""
    first = expr.args[0] if len(expr.args) == 1 else None
    if not isinstance(first, Call) or first.field.known or first.encoded:
        return expr
    return Call(expr.name, Chain(first.kernel, expr.kernel), first.args, expr.field)


def widens(source: Field, target: Field) -> bool:
    """Whether every value of a number type is one of the other."""
    if source.kind not in "iufb" or target.kind not in "iufb":
        return False
    if source.kind == "b" or source.dtype == target.dtype:
        return True
    return source.kind + target.kind in ("ii", "uu", "ff", "if", "uf") and (
        target.dtype.itemsize > source.dtype.itemsize or target.dtype.itemsize == 8
    )


def decimals(expr: Call, kernel: Method) -> int | None:
    """To how many places ``round`` goes, if it goes NumPy's steps on float64."""
    places = kernel.args[0] if kernel.args else 0
    wide = expr.field.kind == "f" and expr.field.dtype.itemsize == 8
    whole = isinstance(places, (int, np.integer)) and not isinstance(places, bool)
    plain = wide and whole and not kernel.kwargs and 0 <= places <= 15
    return int(places) if plain else None


def moment(dtype: Any, unit: Any, value: Any) -> int | None:
    """A time in whole units; None if it is none, or falls between two."""
    if dtype.kind != "M":
        return None
    try:
        time = pd.Timestamp(value)
        if time is pd.NaT or time.tzinfo is not None:
            return None
        cast: Any = time.as_unit(unit)
    except (ValueError, OverflowError):
        return None  # pandas says what such a comparison gives
    return int(cast._value) if cast == time else None


@cache
def spaces() -> str:
    """The characters that Python's ``str.strip`` takes away."""
    return "".join(chr(n) for n in range(sys.maxunicode + 1) if chr(n).isspace())


def edges(args: tuple[Any, ...]) -> list[str] | None:
    """The texts of ``startswith`` and ``endswith``."""
    if len(args) != 1:
        return None
    given = list(args[0]) if isinstance(args[0], tuple) else [args[0]]
    return given if given and all(isinstance(g, str) for g in given) else None


def span(args: tuple[Any, ...]) -> tuple[int, int | None] | None:
    """Start and length (None: to the end) of a ``slice`` from the left."""
    start, stop = (args[0], args[1] if len(args) > 1 else None) if args else (None, None)
    bounds = (start, stop)
    if len(args) > 2 or not all(b is None or (type(b) is int and 0 <= b < 2**30) for b in bounds):
        return None
    first = start or 0
    return first, None if stop is None else max(0, stop - first)


def stripped(args: tuple[Any, ...]) -> str | None:
    """The characters that ``strip`` takes away."""
    if len(args) > 1 or (args and not (args[0] is None or isinstance(args[0], str))):
        return None
    return spaces() if not args or args[0] is None else args[0]
