"""Reductions to scalars: tree-wise where exact, gathered otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import report
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.plan.execute import stored
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.schema import Field

TREE = ("sum", "min", "max", "count", "mean", "any", "all")


@dataclass(frozen=True)
class Reduction:
    """A value of each partition and how they make the whole."""

    part: Callable[[pd.DataFrame], Any]
    combine: Callable[[list[Any]], Any]
    ordered: bool = False


def reduce(relation: Any, ids: set[str], reduction: Reduction) -> Any:
    """Run a reduction on the engine, or on a result that is here already."""
    from pandas_dist import backends

    with relation.state.lock:
        found = stored(relation, ids)
        if found is not None:
            return reduction.combine([reduction.part(found)])
        report.counters.executions += 1
        return backends.current().reduce(relation, ids, reduction)


def supported(name: str, field: Field, p: Any) -> bool:
    """Whether partial results of this column combine to exactly pandas' value."""
    if name == "count":
        return True
    if getattr(p, "skipna", True) is not True or getattr(p, "axis", None) not in (None, 0, "index"):
        return False
    if getattr(p, "kwargs", None) or getattr(p, "bool_only", False):
        return False
    wide = field.kind in "if" and field.dtype.itemsize == 8
    if name == "sum":
        return wide and p.min_count == 0 or (field.kind == "b" and p.min_count == 0)
    if name == "mean":
        return wide
    if name in ("min", "max"):
        return wide
    return field.kind == "b"


def part_of(frame: pd.DataFrame, ids: list[str], name: str) -> list[tuple[Any, int]]:
    """Per column: the partial value and the number of values that it stands for."""
    out = []
    for i in ids:
        column = frame[i]
        n = int(column.count())
        if name == "mean":
            with np.errstate(all="ignore"):
                out.append((column.dropna().to_numpy().sum(dtype="float64"), n))
        elif name == "count":
            out.append((n, n))
        else:
            out.append((getattr(column, name)() if len(column) else None, n))
    return out


def combine_of(parts: list[list[tuple[Any, int]]], name: str, fields: list[Field]) -> list[Any]:
    return [finish(name, [p[n] for p in parts], f) for n, f in enumerate(fields)]


def finish(name: str, parts: list[tuple[Any, int]], field: Field) -> Any:
    """The whole column's value, of the NumPy type that pandas gives."""
    filled = [(v, n) for v, n in parts if n > 0]
    if name == "count":
        return np.int64(sum(n for _, n in parts))
    values = [v for v, _ in filled]
    if name == "mean":
        total = sum(n for _, n in filled)
        with np.errstate(all="ignore"):
            return (
                np.float64(np.sum(np.array(values, dtype="float64")) / total)
                if total
                else np.float64("nan")
            )
    if name == "sum":
        dtype = "int64" if field.kind in "ib" else "float64"
        with np.errstate(all="ignore"):
            return np.array(values, dtype=dtype).sum() if values else np.dtype(dtype).type(0)
    if name in ("any", "all"):
        given = [v for v, _ in parts if v is not None]
        return np.bool_(any(given) if name == "any" else all(given))
    if not values:
        return None
    return getattr(np.array(values, dtype=field.dtype), name)()


def tree(plan: Any, name: str) -> list[Any]:
    """The reduction of each expression of a plan."""
    source, ids = ensure_columns(plan.relation, plan.exprs)
    fields = [e.field for e in plan.exprs]
    reduction = Reduction(
        partial(part_of, ids=ids, name=name), partial(combine_of, name=name, fields=fields)
    )
    return list(reduce(source, set(ids), reduction))


def _register_series() -> None:
    for name in TREE:

        @rule("Series", name, strategy="tree")
        def run(plan: SeriesPlan, p: Any, name: str = name) -> Any:
            method = getattr(pd.Series, name)
            if not plan.memo and supported(name, plan.expr.field, p):
                value = tree(plan, name)[0]
                if value is not None:
                    return value
            return gather(plan, method, **arguments(p))


_register_series()


def _register_frame() -> None:
    for name in ("sum", "count", "mean", "min", "max"):

        @rule("DataFrame", name, strategy="tree")
        def run(plan: FramePlan, p: Any, name: str = name) -> Any:
            method = getattr(pd.DataFrame, name)
            fields = [e.field for e in plan.exprs]
            alike = name == "count" or (
                len({f.kind for f in fields}) == 1 and all(supported(name, f, p) for f in fields)
            )
            by_column = getattr(p, "axis", 0) in (0, "index", None) and not p.numeric_only
            if (
                plan.exprs
                and alike
                and by_column
                and not plan.memo
                and "MultiIndex" not in type(plan.columns).__name__
            ):
                values = tree(plan, name)
                if None not in values:
                    return pd.Series(values, index=plan.columns)
            return gather(plan, method, **arguments(p))


_register_frame()
