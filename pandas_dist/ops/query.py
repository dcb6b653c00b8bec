"""``query`` and ``eval``: text over columns as expressions, with pandas' own reading of it.

pandas' tokeniser prepares the source (``&`` binds as ``and``, backticks, ``@name``); the tree
is then walked over LAZY columns.  Only forms whose meaning is that of the same operators on
series are native: comparisons, logic, membership and arithmetic of columns, constants and
``@names``.  Everything else is pandas' own method on the gathered rows.
"""

from __future__ import annotations

import ast
import functools
import operator
import tokenize
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.assign import assigned
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.select import mask_of
from pandas_dist.pandas_private import LOCAL_TAG, clean_column_name, clean_expression
from pandas_dist.plan.frames import FramePlan, SeriesPlan, filtered
from pandas_dist.plan.index import as_columns
from pandas_dist.plan.schema import Field

ARITHMETIC: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, Callable[..., Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
NAMES = ("local_dict", "global_dict")
DEFAULTS = {"parser": "pandas", "engine": None, "resolvers": None, "level": 0}
SETS = (list, tuple, set, frozenset)


class _Other(Exception):
    """The text has a form that is left to pandas."""


@rule("DataFrame", "query", strategy="rows", note="logic over columns, constants and @names")
def query(plan: FramePlan, p: Any) -> Any:
    mask = None
    if _ready(plan, p):
        try:
            mask = _Walk(plan, _given(p)).text(p.expr)
        except _Other:
            mask = None
    found = None if mask is None or not _is_bool(mask) else mask_of(plan, mask)
    if found is None:
        return _gathered(plan, pd.DataFrame.query, p)
    return filtered(plan, *found, how="take")


@rule("DataFrame", "eval", strategy="rows", note="operators over columns, constants and @names")
def evaluate(plan: FramePlan, p: Any) -> Any:
    if not _ready(plan, p):
        return _gathered(plan, pd.DataFrame.eval, p)
    lines = [line.strip() for line in p.expr.splitlines() if line.strip()]
    current = plan
    try:
        for line in lines:
            target, value = _Walk(current, _given(p)).assignment(line)
            if target is None:
                if len(lines) > 1:
                    raise _Other
                return dispatch.plan_of(value)
            current = assigned(current, target, value)
    except _Other:
        return _gathered(plan, pd.DataFrame.eval, p)
    return current


def assigns(text: Any) -> bool:
    """Whether an expression for ``eval`` assigns; False where it cannot be read."""
    try:
        tree = ast.parse(clean_expression(text.strip()))
    except (SyntaxError, ValueError, TypeError, AttributeError, tokenize.TokenError):
        return False
    return any(isinstance(node, ast.Assign) for node in tree.body)


def _given(p: Any) -> dict[str, Any]:
    """Arguments other than the text; pandas 2 takes them as ``**kwargs``."""
    given = arguments(p)
    return {k: v for k, v in given.items() if k not in ("expr", "inplace", "level")}


def _ready(plan: FramePlan, p: Any) -> bool:
    return (
        type(p.expr) is str
        and (type(p.inplace) is bool or p.inplace is pd.api.extensions.no_default)
        and bool(p.expr.strip())
        and all(k in NAMES or (k in DEFAULTS and v == DEFAULTS[k]) for k, v in _given(p).items())
        and type(plan.columns) is not pd.MultiIndex
        and plan.columns.is_unique
        and _told_apart(plan.index.names)
    )


def _told_apart(names: list[Any]) -> bool:
    """Whether pandas finds each level by its name; it asks for all of them."""
    given = [name for name in names if name is not None]
    return len(set(given)) == len(given)


def _gathered(plan: FramePlan, method: Any, p: Any) -> Any:
    """pandas' method; the dictionaries of names are handed over as they are."""
    kwargs = _given(p)
    if p.inplace is not False and p.inplace is not pd.api.extensions.no_default:
        kwargs["inplace"] = p.inplace

    @functools.wraps(method)
    def run(source: Any) -> Any:
        return method(source, p.expr, **kwargs)

    return gather(plan, run)


def _is_bool(value: Any) -> bool:
    return value.dtype == bool


def _is_series(value: Any) -> bool:
    return isinstance(value, pd.Series)


@functools.lru_cache(1024)
def statements(source: str) -> list[ast.stmt]:
    """The tree of a text as pandas prepares it; nobody changes it."""
    return ast.parse(clean_expression(source)).body


identifier = functools.lru_cache(4096)(clean_column_name)


class _Walk:
    """One expression over the columns of a plan; raises _Other for what is not native."""

    def __init__(self, plan: FramePlan, names: dict[str, Any]) -> None:
        self.plan = plan
        self.locals: Any = names.get("local_dict") or {}
        self.globals: Any = names.get("global_dict") or {}
        self.columns = {
            identifier(label): n for n, label in enumerate(plan.columns) if isinstance(label, str)
        }

    # -- text ------------------------------------------------------------------------------
    def text(self, source: str) -> Any:
        """The series that an expression gives."""
        target, value = self.assignment(source.strip())
        if target is not None:
            raise _Other
        return value

    def assignment(self, source: str) -> tuple[str | None, Any]:
        """``(name, series)`` of ``name = expression``, ``(None, series)`` without a target."""
        try:
            body = statements(source)
        except (SyntaxError, ValueError, TypeError) as error:
            raise _Other from error
        if len(body) != 1:
            raise _Other
        statement, target = body[0], None
        if isinstance(statement, ast.Assign):
            first = statement.targets[0]
            if len(statement.targets) > 1 or not isinstance(first, ast.Name):
                raise _Other
            target = first.id
            if target in self.columns and self.plan.columns[self.columns[target]] != target:
                raise _Other
        elif not isinstance(statement, ast.Expr):
            raise _Other
        value = self.visit(statement.value)
        if not _is_series(value):
            raise _Other
        return target, value

    # -- nodes -----------------------------------------------------------------------------
    def visit(self, node: ast.expr) -> Any:
        visitor = getattr(self, f"visit_{type(node).__name__}", None)
        if visitor is None:
            raise _Other
        return visitor(node)

    def visit_Name(self, node: ast.Name) -> Any:
        name = node.id
        if name.startswith(LOCAL_TAG):
            return self._local(name.removeprefix(LOCAL_TAG))
        if name in self.columns:
            return dispatch.make(self.plan.series(self.columns[name]))
        names = self.plan.index.names
        if len(names) == 1 and name in ("index", names[0] if names[0] is not None else "ilevel_0"):
            relation, (expr,) = as_columns(self.plan.relation, self.plan.index)
            return dispatch.make(SeriesPlan(relation, expr, names[0], self.plan.index))
        raise _Other

    def _local(self, name: str) -> Any:
        for scope in (self.locals, self.globals):
            if name in scope:
                value = scope[name]
                if _is_number(value) or isinstance(value, (str, bool, np.bool_, pd.Timestamp)):
                    return value
                if type(value) in SETS and all(_is_number(v) or type(v) is str for v in value):
                    return value
                raise _Other
        raise _Other

    def visit_Constant(self, node: ast.Constant) -> Any:
        if type(node.value) not in (int, float, str, bool):
            raise _Other
        return node.value

    def visit_List(self, node: ast.List | ast.Tuple) -> Any:
        values = [self.visit(e) for e in node.elts]
        if not all(_is_number(v) or type(v) is str for v in values):
            raise _Other
        return values

    visit_Tuple = visit_List

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self.visit(node.operand)
        if isinstance(node.op, (ast.Not, ast.Invert)) and _is_series(value) and _is_bool(value):
            return ~value
        if isinstance(node.op, ast.USub) and (_is_number(value) or _plain_number(value)):
            return -value
        raise _Other

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        values = [self.visit(v) for v in node.values]
        if not all(_is_series(v) and _is_bool(v) for v in values):
            raise _Other
        both = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        return functools.reduce(both, values)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        kernel = ARITHMETIC.get(type(node.op))
        left, right = self.visit(node.left), self.visit(node.right)
        sides = [_plain_number(v) or _is_number(v) for v in (left, right)]
        if kernel is None or not all(sides) or not (_is_series(left) or _is_series(right)):
            raise _Other
        return kernel(left, right)

    def visit_Compare(self, node: ast.Compare) -> Any:
        terms = [self.visit(n) for n in (node.left, *node.comparators)]
        parts = [
            self.compare(op, left, right) for op, left, right in zip(node.ops, terms, terms[1:])
        ]
        return functools.reduce(operator.and_, parts)

    def compare(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        if _is_series(left) and isinstance(right, SETS):
            return _membership(op, left, right)
        if isinstance(op, (ast.In, ast.NotIn)) or type(op) not in COMPARISONS:
            raise _Other
        if not _is_series(left) and not _is_series(right):
            raise _Other
        if not _is_series(left) and not comparable(right, left, op):
            raise _Other
        if _is_series(left) and not comparable(left, right, op):
            raise _Other
        if _is_text_of_time(left, right):
            right = pd.Timestamp(right)
        return COMPARISONS[type(op)](left, right)


def _membership(op: ast.cmpop, left: Any, values: Any) -> Any:
    """``column in [..]``; ``==`` with a list means the same in pandas."""
    if not isinstance(op, (ast.In, ast.NotIn, ast.Eq, ast.NotEq)):
        raise _Other
    field = _field(left)
    numbers = field.numeric and all(map(_is_number, values))
    if not numbers and not (field.is_text and all(type(v) is str for v in values)):
        raise _Other
    inside = left.isin(list(values))
    return inside if isinstance(op, (ast.In, ast.Eq)) else ~inside


def _field(series: Any) -> Field:
    return dispatch.plan_of(series).exprs[0].field


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.float64))
    return number and not isinstance(value, bool) and value == value


def _plain_number(value: Any) -> bool:
    """A column on which ``eval`` computes in the column's own type."""
    return _is_series(value) and _wide(_field(value))


def _wide(field: Field) -> bool:
    return field.kind in "if" and field.dtype.itemsize == 8


def comparable(column: Any, other: Any, op: ast.cmpop) -> bool:
    """Whether pandas' evaluation compares as the operator on series does."""
    f = _field(column)
    equality = isinstance(op, (ast.Eq, ast.NotEq))
    if _is_series(other):
        g = _field(other)
        return (_wide(f) and _wide(g)) or (f.is_text and g.is_text) or (f.kind == g.kind == "M")
    if isinstance(other, (bool, np.bool_)):
        return f.kind == "b" and equality
    if _is_number(other):
        return f.kind in "iu" or _wide(f)
    if isinstance(other, pd.Timestamp):
        return f.kind == "M" and other.tz is None
    return isinstance(other, str) and (
        f.is_text or (f.kind == "M" and not equality and _is_moment(other))
    )


def _is_text_of_time(left: Any, right: Any) -> bool:
    return isinstance(right, str) and _is_series(left) and _field(left).kind == "M"


def _is_moment(text: str) -> bool:
    try:
        return pd.Timestamp(text).tz is None
    except (ValueError, TypeError):
        return False
