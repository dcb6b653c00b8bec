"""Expressions: one value per row of a relation, as a function of its columns.

An expression never looks at other rows, so it means the same on a partition as
on the whole relation and commutes with filters.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from pandas_dist.plan.schema import TEXT_STORAGE, Field, decode

UNKNOWN = Field(None)


class Expr:
    """Base of all expressions; ``field`` is what is known of the values."""

    __slots__ = ()
    field: Field


@dataclass(frozen=True, slots=True, eq=False)
class Col(Expr):
    """A column of the relation, by id."""

    id: str
    field: Field


@dataclass(frozen=True, slots=True, eq=False)
class Lit(Expr):
    """A scalar or other constant operand, captured by value."""

    value: Any
    field: Field = UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class Call(Expr):
    """A pandas kernel applied to row-aligned operands.

    ``kernel(*operands)`` gets series (or the value of a ``Lit``).  ``encoded``:
    the kernel gives the same answer on Arrow text as on objects.
    """

    name: str
    kernel: Callable[..., pd.Series]
    args: tuple[Expr, ...]
    field: Field
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class AsText:
    """Text that is shown with NaN where it is missing."""

    def __call__(self, column: pd.Series) -> pd.Series:
        return column.astype(TEXT_STORAGE)


def as_text(expr: Expr) -> Expr:
    """A column of text, held as Arrow text with NaN for missing values."""
    field = replace(expr.field, text=True, encoding="nan")
    return expr if expr.field == field else Call("text", AsText(), (expr,), field, encoded=True)


class Lookup:
    """Base of kernels that look a value up in the rows of another relation."""


def excludes(term: Expr) -> bool:
    """Whether a term takes away the rows that are found in another relation: probably few."""
    if not isinstance(term, Call) or term.kernel is not operator.invert:
        return False
    found = term.args[0]
    return isinstance(found, Call) and isinstance(found.kernel, Lookup)


def column_ids(expr: Expr, into: set[str] | None = None) -> set[str]:
    """Ids of all columns that the expression reads."""
    found: set[str] = set() if into is None else into
    for node in walk(expr):
        if isinstance(node, Col):
            found.add(node.id)
    return found


def walk(expr: Expr) -> Iterator[Expr]:
    """All distinct nodes below and including ``expr``."""
    seen: set[int] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, Call):
            stack.extend(node.args)


def evaluate(expr: Expr, frame: pd.DataFrame, memo: dict[int, Any] | None = None) -> Any:
    """The expression's values on ``frame`` (columns named by id)."""
    memo = {} if memo is None else memo
    key = id(expr)
    if key in memo:
        return memo[key]
    result: Any
    if isinstance(expr, Col):
        result = frame[expr.id]
    elif isinstance(expr, Lit):
        result = expr.value
    else:
        assert isinstance(expr, Call)
        operands = [evaluate(arg, frame, memo) for arg in expr.args]
        if not expr.encoded:
            operands = [
                decode(value, arg.field) if isinstance(value, pd.Series) else value
                for value, arg in zip(operands, expr.args)
            ]
        result = expr.kernel(*operands)
    memo[key] = result
    return result


def substitute(
    expr: Expr, mapping: Mapping[str, Expr], memo: dict[int, Expr] | None = None
) -> Expr:
    """The expression with columns replaced by other expressions, by id."""
    memo = {} if memo is None else memo
    key = id(expr)
    if key in memo:
        return memo[key]
    result = expr
    if isinstance(expr, Col):
        result = mapping.get(expr.id, expr)
    elif isinstance(expr, Call):
        args = tuple(substitute(arg, mapping, memo) for arg in expr.args)
        if any(new is not old for new, old in zip(args, expr.args)):
            result = Call(expr.name, expr.kernel, args, expr.field, expr.encoded)
    memo[key] = result
    return result


def conjuncts(expr: Expr) -> list[Expr]:
    """The terms of a conjunction of boolean columns without missing values."""
    if (
        isinstance(expr, Call)
        and expr.name == "and_"
        and all(a.field.kind == "b" for a in expr.args)
    ):
        return [term for arg in expr.args for term in conjuncts(arg)]
    return [expr]
