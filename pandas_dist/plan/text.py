"""Expressions and columns in the user's words: labels, never ids."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.relations import (
    Aggregate,
    Attach,
    Concat,
    Extend,
    Join,
    Local,
    Position,
    Relation,
    Scan,
)
from pandas_dist.plan.rewrites import topological
from pandas_dist.plan.window import Window, WindowCall

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "and": "&", "or": "|", "xor": "^", "and_": "&", "or_": "|", "xor_": "^",
}  # fmt: skip
PREFIX = {"neg": "-", "invert": "~", "pos": "+"}
LONGEST = 60
LONGEST_NAME = 40


class Names:
    """What to call the columns of a plan: source names and labels, by id."""

    def __init__(self, root: Relation, labels: Mapping[str, Any]) -> None:
        self.known: dict[str, str] = {}
        for node in reversed(topological(root)):
            self._learn(node, labels)

    def __call__(self, column: str) -> str:
        return self.known.get(column, "?")

    def list(self, columns: Iterable[str]) -> str:
        """Distinct names in alphabetical order; positions, which no user wrote, last."""
        names = sorted({self(c) for c in columns}, key=lambda n: (n.startswith("<"), n))
        return ", ".join(names)

    def _learn(self, node: Relation, labels: Mapping[str, Any]) -> None:
        if isinstance(node, Scan):
            shown = getattr(node.source, "label", label)
            given: Mapping[str, Any] = {i: label(shown(n)) for i, n in node.names.items()}
        elif isinstance(node, Local):
            given = {i: label(node.labels[i]) if i in node.labels else "<row>" for i in node.fields}
        elif isinstance(node, Position):
            given = {node.id: "<row>"}
        elif isinstance(node, Attach):
            given = {i: self._shown(i, labels, label(c.name)) for i, c in node.columns.items()}
        elif isinstance(node, Extend):
            given = {
                i: self._shown(i, labels, shortened(self.text(e))) for i, e in node.exprs.items()
            }
        else:
            given = {i: self._shown(i, labels, name) for i, name in self._derived(node).items()}
        for i, name in given.items():
            self.known.setdefault(i, name)

    def _shown(self, column: str, labels: Mapping[str, Any], otherwise: str) -> str:
        return label(labels[column]) if column in labels else otherwise

    def _derived(self, node: Relation) -> dict[str, str]:
        """Names of a node's new columns from those of its inputs."""
        if isinstance(node, Join):
            both = {**node.left_out, **node.right_out}
            pairs = {new: left for new, (left, _) in node.coalesced.items()}
            return {new: self(old) for new, old in {**both, **pairs}.items()}
        if isinstance(node, Concat):
            return {new: self(old) for new, old in node.maps[0].items()}
        if isinstance(node, Aggregate):
            keys = {new: self(old) for new, old in node.keys.items()}
            return {**keys, **{i: self.aggregation(a) for i, a in node.aggs.items()}}
        if isinstance(node, Window):
            return {i: shortened(self.window(c)) for i, c in node.calls.items()}
        return {}

    def aggregation(self, agg: Any) -> str:
        options = [f"{k}={v!r}" for k, v in agg.options]
        column = [] if agg.column is None else [self(agg.column)]
        return f"{agg.func}({', '.join([*column, *options])})"

    def window(self, call: WindowCall) -> str:
        """A window call as pandas code: ``shift(x, periods=1) by key``."""
        options = [f"{k}={value_text(v)}" for k, v in call.options]
        column = [] if call.column is None else [self(call.column)]
        within = f" by {', '.join(map(self, call.by))}" if call.by else ""
        return f"{call.func}({', '.join([*column, *options])}){within}"

    # -- expressions -----------------------------------------------------------------------
    def text(self, expr: Expr) -> str:
        """An expression as pandas code over column labels."""
        if isinstance(expr, Col):
            return self(expr.id)
        if isinstance(expr, Lit):
            return value_text(expr.value)
        assert isinstance(expr, Call)
        return self._call(expr)

    def inner(self, expr: Expr) -> str:
        """An expression as an operand: in parentheses where it is an operation."""
        text = self.text(expr)
        bare = not isinstance(expr, Call) or (
            expr.name not in INFIX and expr.name not in PREFIX and expr.name != "put"
        )
        return text if bare else f"({text})"

    def _call(self, expr: Call) -> str:
        kernel, args = expr.kernel, expr.args
        kind = type(kernel).__name__
        if expr.name in INFIX and len(args) == 2:
            left, right = args[::-1] if kind == "_Reflected" else args
            return f"{self.inner(left)} {INFIX[expr.name]} {self.inner(right)}"
        if expr.name in PREFIX and len(args) == 1:
            return f"{PREFIX[expr.name]}{self.inner(args[0])}"
        operands = [self.text(a) for a in args]
        if expr.name == "text":
            return operands[0]
        if kind == "_Put" and len(args) == 2:
            return f"{operands[0]} where {operands[1]} := {value_text(kernel.value)}"  # type: ignore[attr-defined]
        if kind == "Method":
            given = _arguments(kernel.args, kernel.kwargs)  # type: ignore[attr-defined]
            first = self.inner(args[0])
            return f"{first}.{kernel.name}({', '.join([*operands[1:], *given])})"  # type: ignore[attr-defined]
        if kind == "Through":
            return f"{self.inner(args[0])}.{_through(kernel)}"
        return f"{expr.name}({', '.join(operands)})"


def _through(kernel: Any) -> str:
    """An accessor's method or property: ``str.startswith('a')``, ``dt.year``."""
    name = f"{kernel.accessor}.{kernel.name}"
    if kernel.args is None:
        return name
    return f"{name}({', '.join(_arguments(kernel.args, kernel.kwargs))})"


def _arguments(args: Iterable[Any], kwargs: Mapping[str, Any]) -> list[str]:
    return [*map(value_text, args), *(f"{k}={value_text(v)}" for k, v in kwargs.items())]


def shortened(text: str) -> str:
    """An expression as the name of a column that has none."""
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def label(value: Any) -> str:
    """A column label as a name: strings as they are."""
    return value if isinstance(value, str) else "<unnamed>" if value is None else repr(value)


def value_text(value: Any) -> str:
    """A constant, shortened; never an object's address."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple, set, frozenset)):
        values = list(value) if isinstance(value, (list, tuple)) else sorted(value, key=repr)
        if len(values) > 4:
            return f"[{', '.join(map(value_text, values[:3]))}, … {len(values)} values]"
        return f"[{', '.join(map(value_text, values))}]"
    if isinstance(value, (pd.Series, pd.Index, np.ndarray, pd.DataFrame)):
        return f"<{len(value)} values>" if value.ndim else str(value)
    if isinstance(value, (datetime.date, datetime.timedelta, pd.Timedelta)):
        return str(value).removesuffix(" 00:00:00")
    if isinstance(value, (str, bytes, int, float, complex, bool, type(None), np.dtype)):
        text = str(value) if isinstance(value, np.dtype) else repr(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if value is pd.NaT or value is pd.NA:
        return str(value)
    return type(value).__name__
