"""``pandas_dist.dist``: what pandas does not have."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pandas

from pandas_dist.config import engine_name, options

__all__ = ["explain", "options", "report"]

_WIDTH = 100
# What the tree shows by itself, or is of no use to a reader.
_HIDDEN = ("fields", "children", "child", "left", "right", "state", "frame", "source")


def explain(obj: Any) -> str:
    """How the frame or series `obj` is computed: its plan, inputs indented below each node.

    Executes nothing.  A plain pandas object, and one of ours made from local data, has no plan.
    Raises TypeError for anything else.
    """
    if not isinstance(obj, (pandas.DataFrame, pandas.Series)):
        raise TypeError(f"explain() takes a DataFrame or Series, not {type(obj).__name__}")
    plan = obj.__dict__.get("_plan")
    if plan is None:
        return f"{type(obj).__name__} in memory (pandas)"
    where = "in memory, from" if "_mgr" in obj.__dict__ else f"lazy, on {engine_name()}:"
    return "\n".join([f"{type(obj).__name__} {where}", *_tree(plan.relation, 1, set())])


def report() -> str:
    """What ran where in this process: engine executions, and fallbacks with their reasons."""
    from pandas_dist import report as counts

    return counts.summary()


def _tree(node: Any, depth: int, seen: set[int]) -> Iterator[str]:
    line = f"{'  ' * depth}{type(node).__name__}{_rows(node)} {_details(node)}".rstrip()
    if id(node) in seen:
        yield f"{line}  (shared, see above)"
        return
    seen.add(id(node))
    yield line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
    for child in node.children:
        yield from _tree(child, depth + 1, seen)


def _rows(node: Any) -> str:
    rows = node.rows()
    return "" if rows is None else f"[{rows} rows]"


def _details(node: Any) -> str:
    parts = [node.source.describe()] if hasattr(node, "source") else []
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if field.name not in _HIDDEN and value is not None:
            parts.append(f"{field.name}={_text(value)}")
    return " ".join(parts)


def _text(value: Any) -> str:
    """An expression, or a setting of a node, in one line."""
    if isinstance(value, pandas.Series):
        return f"<{len(value)} values>"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_text, value)) + ")"
    kind = type(value).__name__
    if kind == "Call":
        return f"{value.name}({', '.join(map(_text, value.args))})"
    if kind in ("Col", "Attached"):
        return str(value.id)
    return repr(value.value) if kind == "Lit" else str(value)
