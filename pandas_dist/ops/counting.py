"""Distinct values and their numbers: each partition's first, then the whole's.

Partitions give their values in order of first appearance, so the whole has that
order too, and pandas' own sort breaks ties as it does for one frame.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.frequencies import arranged
from pandas_dist.ops.reductions import Reduction, reduce
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.schema import Field, decode


def countable(field: Field) -> bool:
    """Values whose equality does not depend on objects: numbers, times and text."""
    return field.known and (field.numeric or field.kind in "mM" or field.is_text)


def distinct(plan: Any) -> list[pd.Series]:
    """The distinct values of each expression, in order of first appearance."""
    source, ids = ensure_columns(plan.relation, plan.exprs)
    fields = [e.field for e in plan.exprs]
    reduction = Reduction(
        partial(_distinct_part, ids=ids),
        partial(_distinct_whole, fields=fields),
        ordered=True,
        name="distinct",
        ids=tuple(ids),
    )
    return list(reduce(source, set(ids), reduction))


def _distinct_part(frame: pd.DataFrame, ids: list[str]) -> list[pd.Series]:
    return [frame[i].drop_duplicates(ignore_index=True) for i in ids]


def _distinct_whole(parts: list[list[pd.Series]], fields: list[Field]) -> list[pd.Series]:
    out = []
    for n, field in enumerate(fields):
        whole = joined([p[n] for p in parts]).drop_duplicates(ignore_index=True)
        out.append(decode(whole, field))
    return out


def joined(pieces: list[pd.Series]) -> pd.Series:
    """One series after the other; empty ones do not influence the dtype."""
    filled = [p for p in pieces if len(p)]
    if len(filled) < 2:
        return filled[0] if filled else pieces[0]
    return pd.concat(filled, ignore_index=True)


@rule("Series", "unique", strategy="tree")
def unique(plan: SeriesPlan, p: Any) -> Any:
    if plan.memo or not countable(plan.expr.field):
        result = gather(plan, pd.Series.unique)
        return result.copy() if isinstance(result, np.ndarray) else result
    return distinct(plan)[0].unique()


@rule("pandas", "unique", strategy="tree")
def unique_function(p: Any) -> Any:
    if dispatch.is_ours(p.values) and isinstance(p.values, pd.Series):
        return unique(dispatch.plan_of(p.values), p)  # type: ignore[arg-type]
    return pd.unique(dispatch.to_plain(p.values))


@rule("Series", "nunique", strategy="tree")
def nunique(plan: SeriesPlan, p: Any) -> Any:
    if plan.memo or not countable(plan.expr.field):
        return gather(plan, pd.Series.nunique, **arguments(p))
    return distinct(plan)[0].nunique(dropna=p.dropna)


@rule("DataFrame", "nunique", strategy="tree")
def frame_nunique(plan: FramePlan, p: Any) -> Any:
    native = plan.exprs and not plan.memo and p.axis in (0, "index")
    if not native or not all(countable(e.field) for e in plan.exprs):
        return gather(plan, pd.DataFrame.nunique, **arguments(p))
    values = [s.nunique(dropna=p.dropna) for s in distinct(plan)]
    return pd.Series(values, index=plan.columns, dtype="int64")


# -- value_counts --------------------------------------------------------------------------------


@rule("Series", "value_counts", strategy="tree")
def value_counts(plan: SeriesPlan, p: Any) -> Any:
    if plan.memo or p.bins is not None or not countable(plan.expr.field):
        return gather(plan, pd.Series.value_counts, **arguments(p))
    keys, counts = counts_of(plan)
    return arranged(keys, counts, plan.name, p)


def counts_of(plan: SeriesPlan) -> tuple[pd.Series, np.ndarray]:
    """The distinct values in order of first appearance, and how often each occurs."""
    source, ids = ensure_columns(plan.relation, plan.exprs)
    reduction = Reduction(
        partial(_count_part, column=ids[0]),
        partial(_count_whole, field=plan.expr.field),
        ordered=True,
        name="value_counts",
        ids=tuple(ids),
    )
    keys, counts = reduce(source, set(ids), reduction)
    return keys, counts


def _count_part(frame: pd.DataFrame, column: str) -> tuple[pd.Series, np.ndarray]:
    sizes = frame[column].value_counts(sort=False, dropna=False)
    return pd.Series(sizes.index, copy=False), sizes.to_numpy()


def _count_whole(
    parts: list[tuple[pd.Series, np.ndarray]], field: Field
) -> tuple[pd.Series, np.ndarray]:
    keys = joined([k for k, _ in parts])
    counts = np.concatenate([n for _, n in parts])
    if keys.dtype == object and keys.isna().any():
        return _count_objects(keys, counts)
    whole = pd.DataFrame({"k": keys, "n": counts}, copy=False)
    totals = whole.groupby("k", sort=False, dropna=False)["n"].sum()
    return decode(pd.Series(totals.index, copy=False), field), totals.to_numpy()


def _count_objects(keys: pd.Series, counts: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """Totals of text with missing values of several kinds, each of its own."""
    totals: dict[Any, int] = {}
    kinds: dict[Any, Any] = {}
    for key, n in zip(keys, counts.tolist(), strict=True):
        name = key if isinstance(key, str) else (type(key),)
        kinds.setdefault(name, key)
        totals[name] = totals.get(name, 0) + n
    return pd.Series(list(kinds.values()), dtype=object), np.array(list(totals.values()))
