"""Groupby on Dask: partial aggregates per partition, combined in a tree.

Each aggregation is split into partial columns with a way to combine them; the
combined partials are finished by one expression.  What has no exact partial
form runs the node's kernel on the gathered rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.dask.parts import Parts, call, gather
from pandas_dist.plan.relations import Agg, Aggregate, assemble
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field

SPLIT_EVERY = 8


@dataclass(frozen=True, slots=True)
class Partial:
    """Columns made per partition, and how the finished value comes from them.

    ``columns``: name → aggregation of the partition; ``combine``: name → pandas
    aggregation over partials (``"moments"`` for a count/mean/M2 triple).
    """

    columns: Mapping[str, Agg]
    combine: Mapping[str, str]
    finish: Callable[[pd.DataFrame], pd.Series]
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def lower(node: Aggregate, need: Need, below: Parts) -> Parts:
    """Partitions of the groups: always one, in the order that pandas gives."""
    aggs = {i: a for i, a in node.aggs.items() if i in need.columns}
    if len(below.tasks) == 1:
        return below.then(partial(node.group, aggs=aggs))
    forms = {i: form(i, a, node.child.fields) for i, a in aggs.items()}
    ready = {i: f for i, f in forms.items() if f is not None}
    if len(ready) < len(forms):
        return below.gathered().then(partial(node.group, aggs=aggs))
    tree = Tree(node, ready)
    tasks = list(below.then(tree.partial).delayed())
    while len(tasks) > SPLIT_EVERY:
        tasks = [
            call(tree.merge, *tasks[n : n + SPLIT_EVERY]) for n in range(0, len(tasks), SPLIT_EVERY)
        ]
    return Parts((call(tree.finish, *tasks),))


class Tree:
    """The three steps of a tree aggregation; partials carry the keys as columns."""

    def __init__(self, node: Aggregate, forms: Mapping[str, Partial]) -> None:
        self.keys, self.forms = dict(node.keys), forms
        self.sort, self.dropna, self.observed = node.sort, node.dropna, node.observed
        self.columns = {name: a for f in forms.values() for name, a in f.columns.items()}
        self.combiners = {name: how for f in forms.values() for name, how in f.combine.items()}

    def _group(self, frame: pd.DataFrame, keys: list[str], sort: bool) -> Any:
        by = keys[0] if len(keys) == 1 else keys
        return frame.groupby(by, sort=sort, dropna=self.dropna, observed=self.observed)

    def partial(self, frame: pd.DataFrame) -> pd.DataFrame:
        for f in self.forms.values():
            if f.prepare is not None:
                frame = f.prepare(frame)
        groups = self._group(frame, list(self.keys.values()), sort=False)
        columns = {name: aggregate(groups, a) for name, a in self.columns.items()}
        index = next(iter(columns.values())).index if columns else groups.size().index
        return self._flat(index, columns)

    def _flat(self, index: pd.Index, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
        data = {
            i: pd.Series(index.get_level_values(n), copy=False).reset_index(drop=True)
            for n, i in enumerate(self.keys)
        }
        data |= {name: c.reset_index(drop=True) for name, c in columns.items()}
        return assemble(data, len(index))

    def merge(self, *partials: pd.DataFrame) -> pd.DataFrame:
        return self.combine(gather(partials), sort=False)

    def combine(self, frame: pd.DataFrame, sort: bool) -> pd.DataFrame:
        groups = self._group(frame, list(self.keys), sort)
        columns: dict[str, pd.Series] = {}
        for name, how in self.combiners.items():
            if how == "moments":
                columns |= combine_moments(frame, groups, name)
            elif how != "with_moments":
                columns[name] = combined(groups, frame, name, how)
        index = next(iter(columns.values())).index if columns else groups.size().index
        return self._flat(index, columns)

    def finish(self, *partials: pd.DataFrame) -> pd.DataFrame:
        frame = self.combine(gather(partials), self.sort)
        data = {i: frame[i] for i in self.keys}
        data |= {i: f.finish(frame) for i, f in self.forms.items()}
        return assemble(data, len(frame))


def aggregate(groups: Any, agg: Agg) -> pd.Series:
    if agg.func == "size":
        return groups.size()
    if agg.func == "m2":
        spread = groups[agg.column].var(ddof=0) * groups[agg.column].count()
        return spread.fillna(0.0) if not np.isinf(spread).any() else spread
    return getattr(groups[agg.column], agg.func)(**dict(agg.options))


def combined(groups: Any, frame: pd.DataFrame, name: str, how: str) -> pd.Series:
    """Partials of one column; a NaN partial sum (inf - inf) is never skipped."""
    result = getattr(groups[name], how)()
    if how in ("sum", "prod") and frame[name].dtype.kind == "f":
        bad = frame[name].isna()
        if bad.any():
            lost = bad.groupby(groups._grouper if hasattr(groups, "_grouper") else groups.grouper)
            result = result.mask(lost.any())
    return result


def combine_moments(frame: pd.DataFrame, groups: Any, name: str) -> dict[str, pd.Series]:
    """Counts, means and squared deviations of partitions put together (Chan et al.)."""
    n, mean, m2 = (f"{name}.n", f"{name}.mean", f"{name}.m2")
    total = groups[n].sum()
    weighted = (frame[mean].where(frame[n] > 0, 0.0) * frame[n]).groupby(groups._grouper)
    centre = weighted.sum() / total.where(total > 0, 1)
    codes = groups.ngroup().to_numpy()
    here = np.where(codes >= 0, centre.to_numpy()[codes], 0.0)
    between = (frame[mean].where(frame[n] > 0, 0.0) - here) ** 2 * frame[n]
    spread = (frame[m2].where(frame[n] > 0, 0.0) + between).groupby(groups._grouper).sum()
    return {n: total, mean: centre, m2: spread}


def form(out: str, agg: Agg, fields: Mapping[str, Field]) -> Partial | None:
    """The partial form of an aggregation, or None where there is no exact one."""
    options = dict(agg.options)
    if agg.func == "size":
        return simple(out, agg, "sum")
    assert agg.column is not None
    field = fields[agg.column]
    if agg.func == "count":
        return simple(out, agg, "sum")
    exact = field.known and field.kind in "ifb" and field.dtype.itemsize in (1, 8)
    if field.kind in "if" and field.dtype.itemsize != 8:
        exact = False
    if agg.func in ("first", "last") and set(options) <= set():
        return simple(out, agg, agg.func) if field.known else None
    if agg.func in ("min", "max") and not options:
        return simple(out, agg, agg.func) if exact or field.kind in "Mm" else None
    if not exact:
        return None
    if agg.func == "sum" and options.get("min_count", 0) <= 0:
        return simple(out, Agg("sum", agg.column), "sum")
    if agg.func in ("any", "all") and field.kind == "b" and not options:
        return simple(out, agg, agg.func)
    if agg.func == "mean" and not options and field.kind != "b":
        return mean_form(out, agg.column)
    if agg.func in ("var", "std") and set(options) <= {"ddof"} and field.kind != "b":
        return moments_form(out, agg.column, agg.func, options.get("ddof", 1))
    return None


def simple(out: str, agg: Agg, combine: str) -> Partial:
    return Partial({out: agg}, {out: combine}, partial(_column, name=out))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name]


def mean_form(out: str, column: str) -> Partial:
    total, count, wide = f"{out}.sum", f"{out}.count", f"{column}.f8"
    return Partial(
        {total: Agg("sum", wide), count: Agg("count", wide)},
        {total: "sum", count: "sum"},
        partial(_ratio, total=total, count=count),
        partial(_widen, column=column, wide=wide),
    )


def _widen(frame: pd.DataFrame, column: str, wide: str) -> pd.DataFrame:
    """A float64 copy of a column, as pandas' mean and var compute in float64."""
    if wide in frame.columns:
        return frame
    return assemble(
        {**{c: frame[c] for c in frame.columns}, wide: frame[column].astype("float64")}, len(frame)
    )


def _ratio(frame: pd.DataFrame, total: str, count: str) -> pd.Series:
    counts = frame[count]
    return frame[total] / counts.where(counts > 0, np.nan)


def moments_form(out: str, column: str, func: str, ddof: int) -> Partial:
    wide = f"{column}.f8"
    names = (f"{out}.n", f"{out}.mean", f"{out}.m2")
    columns = {names[0]: Agg("count", wide), names[1]: Agg("mean", wide), names[2]: Agg("m2", wide)}
    return Partial(
        columns,
        {out: "moments"},
        partial(_spread, names=names, root=func == "std", ddof=ddof),
        partial(_widen, column=column, wide=wide),
    )


def _spread(frame: pd.DataFrame, names: tuple[str, str, str], root: bool, ddof: int) -> pd.Series:
    n, m2 = frame[names[0]], frame[names[2]]
    variance = m2 / (n - ddof).where(n > ddof, np.nan)
    return np.sqrt(variance) if root else variance
