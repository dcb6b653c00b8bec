"""Reductions to scalars: tree-wise where exact, gathered otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.plan.execute import stored
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.reuse import keep_reused
from pandas_dist.plan.schema import Field
from pandas_dist.progress import execution

SERIES = ("sum", "min", "max", "count", "mean", "any", "all", "std", "var", "prod")
FRAME = ("sum", "count", "mean", "min", "max", "std", "var", "any", "all")
MOMENTS = ("std", "var")


@dataclass(frozen=True)
class Reduction:
    """A value of each partition and how they make the whole.

    ``name``: what ``part`` computes of its columns, for engines that have it themselves.
    """

    part: Callable[[pd.DataFrame], Any]
    combine: Callable[[list[Any]], Any]
    ordered: bool = False
    name: str = ""
    ids: tuple[str, ...] = ()


def reduce(relation: Any, ids: set[str], reduction: Reduction) -> Any:
    """Run a reduction on the engine, or on a result that is here already."""
    from pandas_dist import backends

    with relation.state.lock:
        found = stored(relation, ids)
        if found is not None:
            return reduction.combine([reduction.part(found)])
        with execution():
            keep_reused(relation, ids, reduction.ordered)
            return backends.current().reduce(relation, ids, reduction)


# -- which reductions ------------------------------------------------------------------------


def plain_arguments(p: Any) -> bool:
    """Whether the arguments are those for which partial results combine."""
    if getattr(p, "skipna", True) is not True or getattr(p, "axis", None) not in (None, 0, "index"):
        return False
    return not (getattr(p, "kwargs", None) or getattr(p, "bool_only", False))


def supported(name: str, field: Field, p: Any) -> bool:
    """Whether partial results of this column combine to exactly pandas' value."""
    if name == "count":
        return getattr(p, "axis", None) in (None, 0, "index")
    if not plain_arguments(p):
        return False
    wide = field.kind == "f" and field.dtype.itemsize == 8
    if name in ("sum", "prod"):
        narrow = name == "prod" and not (wide or field.kind in "iu")
        return p.min_count <= 0 and (wide or field.kind in "iub") and not narrow
    if name == "mean":
        return wide or field.kind in "iub"
    if name in MOMENTS:
        return (wide or field.kind in "iu") and isinstance(p.ddof, int)
    if name in ("min", "max"):
        text = field.is_text and not field.nulls
        return field.numeric or field.kind in "mM" or text
    return field.kind == "b"


# -- partial values ----------------------------------------------------------------------------


def part_of(frame: pd.DataFrame, ids: list[str], name: str) -> list[tuple[Any, int]]:
    """Per column: the partial value and the number of values that it stands for."""
    return [one_part(frame[i], name) for i in ids]


def one_part(column: pd.Series, name: str) -> tuple[Any, int]:
    n = int(column.count())
    if name == "count":
        return n, n
    if name == "mean":
        return without_missing(column)[0].sum(dtype="float64"), n
    if name in MOMENTS:
        return moments(column, n), n
    return (getattr(column, name)() if len(column) else None), n


def without_missing(column: pd.Series) -> tuple[np.ndarray, np.ndarray | None]:
    """The values, zero where they are missing, as pandas adds them; and where that is."""
    values = column.to_numpy()
    absent = np.isnan(values) if values.dtype.kind == "f" else None
    if absent is None or not absent.any():
        return values, None
    return np.where(absent, 0, values), absent


def moments(column: pd.Series, n: int) -> tuple[float, float]:
    """Mean and sum of squared deviations; ``n``: how many values are not missing."""
    if not n:
        return 0.0, 0.0
    values, absent = without_missing(column)
    values = values.astype("float64", copy=False)
    with np.errstate(all="ignore"):
        centre = values.sum() / n
        squares = (centre - values) ** 2
    if absent is not None:
        squares[absent] = 0
    return float(centre), float(squares.sum())


def combine_of(
    parts: list[list[tuple[Any, int]]], name: str, fields: Sequence[Field], ddof: int
) -> list[Any]:
    with np.errstate(all="ignore"):
        return [finish(name, [p[n] for p in parts], f, ddof) for n, f in enumerate(fields)]


def finish(name: str, parts: list[tuple[Any, int]], field: Field, ddof: int) -> Any:
    """The whole column's value, of the type that pandas gives; None where it has to say."""
    if name == "count":
        return np.int64(sum(n for _, n in parts))
    if name in ("any", "all"):
        given = [v for v, _ in parts if v is not None]
        return np.bool_(any(given) if name == "any" else all(given))
    filled = [(v, n) for v, n in parts if n > 0]
    total = sum(n for _, n in filled)
    if name in MOMENTS:
        return spread([(n, *v) for v, n in filled], name, total - ddof)
    values = [v for v, _ in filled]
    if name == "mean":
        if not total:
            return np.nan
        return np.float64(np.sum(np.array(values, dtype="float64")) / total)
    if name in ("sum", "prod"):
        dtype = {"u": "uint64", "f": "float64"}.get(field.kind, "int64")
        whole = np.array(values, dtype=dtype)
        return whole.sum() if name == "sum" else whole.prod()
    if not values:
        return None
    if field.numeric:
        return getattr(np.array(values, dtype=field.dtype), name)()
    return max(values) if name == "max" else min(values)


def spread(parts: list[tuple[int, float, float]], name: str, freedom: int) -> Any:
    """Variance or standard deviation from counts, means and squared deviations (Chan)."""
    if freedom <= 0:
        return None
    count, centre, squares = 0, 0.0, 0.0
    for n, mean, m2 in parts:
        delta = mean - centre
        squares += m2 + delta * delta * (count * n / (count + n))
        centre += delta * (n / (count + n))
        count += n
    variance = np.float64(squares) / freedom
    return np.sqrt(variance) if name == "std" else variance


def tree(plan: Any, name: str, chosen: Sequence[int], ddof: int = 1) -> list[Any]:
    """The reduction of some of a plan's expressions."""
    exprs = tuple(plan.exprs[n] for n in chosen)
    source, ids = ensure_columns(plan.relation, exprs)
    fields = [e.field for e in exprs]
    reduction = Reduction(
        partial(part_of, ids=ids, name=name),
        partial(combine_of, name=name, fields=fields, ddof=ddof),
        name=name,
        ids=tuple(ids),
    )
    return list(reduce(source, set(ids), reduction))


# -- series ------------------------------------------------------------------------------------


def _register_series() -> None:
    for name in SERIES:

        @rule("Series", name, strategy="tree")
        def run(plan: SeriesPlan, p: Any, name: str = name) -> Any:
            method = getattr(pd.Series, name)
            if not plan.memo and supported(name, plan.expr.field, p):
                value = tree(plan, name, [0], getattr(p, "ddof", 1))[0]
                if value is not None:
                    return value
            return gather(plan, method, **arguments(p))


_register_series()


# -- frames ------------------------------------------------------------------------------------


def chosen_columns(plan: FramePlan, p: Any) -> list[int] | None:
    """Positions of the columns that are reduced; None where pandas has to look at values."""
    places = list(range(len(plan.exprs)))
    if getattr(p, "numeric_only", False) is True:
        kinds = [plan.exprs[n].field.kind for n in places]
        if "?" in kinds or any(
            k == "E" and not other_than_numbers(plan.exprs[n].field) for n, k in enumerate(kinds)
        ):
            return None
        return [n for n in places if kinds[n] in "iufcb"]
    return places


def other_than_numbers(field: Field) -> bool:
    """An extension dtype that is surely not numeric."""
    return field.is_text or isinstance(field.dtype, (pd.CategoricalDtype, pd.DatetimeTZDtype))


def one_row(values: list[Any], fields: Sequence[Field], name: str, labels: pd.Index) -> pd.Series:
    """Values of columns as the series whose dtype pandas finds in common."""
    columns = {}
    for n, (value, field) in enumerate(zip(values, fields, strict=True)):
        keeps = name in ("min", "max") and not field.numeric
        columns[n] = pd.Series([value], dtype=field.dtype if keeps else None)
    row = pd.DataFrame(columns).iloc[0]
    if any(f.kind == "O" for f in fields):
        row = row.astype(object)
    row.index, row.name = labels, None
    return row


def _register_frame() -> None:
    for name in FRAME:

        @rule("DataFrame", name, strategy="tree")
        def run(plan: FramePlan, p: Any, name: str = name) -> Any:
            result = None if plan.memo else frame_tree(plan, p, name)
            if result is not None:
                return result
            return gather(plan, getattr(pd.DataFrame, name), **arguments(p))


def frame_tree(plan: FramePlan, p: Any, name: str) -> pd.Series | None:
    chosen = chosen_columns(plan, p)
    if not chosen or isinstance(plan.columns, pd.MultiIndex):
        return None
    if getattr(p, "axis", 0) not in (0, "index"):
        return None
    fields = [plan.exprs[n].field for n in chosen]
    if not all(supported(name, f, p) for f in fields):
        return None
    values = tree(plan, name, chosen, getattr(p, "ddof", 1))
    if any(value is None for value in values):
        return None
    whole = len(chosen) == len(plan.exprs)
    labels = plan.columns if whole else plan.columns.take(chosen)  # as pandas selects
    if name == "count":
        return pd.Series(values, index=labels, dtype="int64")
    return one_row(values, fields, name, labels)


_register_frame()
