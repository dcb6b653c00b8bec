"""Groupby on Dask: partial aggregates in a tree, or rows brought together by key.

Each aggregation with an exact partial form is split into columns made per
partition, with a way to combine them; the combined partials are finished by one
expression.  The others need all rows of a group in one place (``exchange.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.dask import pairs
from pandas_dist.backends.dask.exchange import Exchange, bare, exchanged
from pandas_dist.backends.dask.parts import Parts, call
from pandas_dist.config import options
from pandas_dist.pandas_private import grouper_of
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Agg, Aggregate, assemble, take
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
    """Partitions of the groups; one, in the order that pandas gives, if order is needed."""
    aggs = {i: a for i, a in node.aggs.items() if i in need.columns}
    if len(below.tasks) == 1:
        return below.then(partial(bare(node).group, aggs=aggs))
    forms = {i: form(i, a, node.child.fields) for i, a in aggs.items()}
    ready = {i: f for i, f in forms.items() if f is not None}
    if len(ready) == len(forms):
        return tree_of(node, ready, below)
    if not separable(node, aggs):
        return below.gathered().then(partial(bare(node).group, aggs=aggs))
    rest = {i: a for i, a in aggs.items() if i not in ready}
    if all(a.func == "nunique" for a in rest.values()):
        return with_distinct(node, need, below, ready, rest)
    return exchanged(Exchange(node, aggs), below, need.ordered)


def separable(node: Aggregate, aggs: Mapping[str, Agg]) -> bool:
    """Whether buckets of groups give the same as all groups at once.

    Unobserved categories belong to no bucket; the rounding of sums of narrow
    floats depends on how pandas walks over all rows.
    """
    fields = node.child.fields
    if any(isinstance(fields[k].dtype, pd.CategoricalDtype) for k in node.keys.values()):
        return False
    sums = [a.column for a in aggs.values() if a.func not in INSENSITIVE and a.column is not None]
    return not any(fields[c].kind in "fc" and fields[c].dtype.itemsize < 8 for c in sums)


INSENSITIVE = frozenset({"size", "count", "min", "max", "first", "last", "nunique", "median"})


def tree_of(node: Aggregate, forms: Mapping[str, Partial], below: Parts) -> Parts:
    tree = Tree(node, forms)
    tasks = list(below.then(tree.partial).delayed())
    while len(tasks) > SPLIT_EVERY:
        tasks = [
            call(tree.merge, *tasks[n : n + SPLIT_EVERY]) for n in range(0, len(tasks), SPLIT_EVERY)
        ]
    return Parts((call(tree.finish, *tasks),))


def with_distinct(
    node: Aggregate,
    need: Need,
    below: Parts,
    ready: Mapping[str, Partial],
    rest: Mapping[str, Agg],
) -> Parts:
    """Numbers of distinct values: only distinct rows move; the rest goes up the tree."""
    by_column: dict[str, dict[str, Agg]] = {}
    for i, a in rest.items():
        by_column.setdefault(str(a.column), {})[i] = a
    alone = not ready and len(by_column) == 1
    shared = below if alone else below.sealed()
    parts = [
        distinct_of(node, column, aggs, shared, need.ordered or not alone)
        for column, aggs in by_column.items()
    ]
    if ready:
        parts.append(tree_of(node, ready, shared))
    if alone:
        return parts[0]
    return Parts((call(_beside, *(p.gathered().delayed()[0] for p in parts)),))


def distinct_of(
    node: Aggregate, column: str, aggs: Mapping[str, Agg], below: Parts, ordered: bool
) -> Parts:
    """Numbers of distinct values of one column."""
    fields = node.child.fields
    fits = likely_rows(node.child) * 16 <= options.memory_limit / 8
    key = next(iter(node.keys.values()))
    plain = node.sort and fits and not any(a.options for a in aggs.values())
    if plain and len(node.keys) == 1 and pairs.suitable(fields[key], fields[column]):
        step = pairs.Pairs(node, list(aggs), column)
        return Parts((call(step.finish, *below.then(step.partial).delayed()),))
    return exchanged(Exchange(node, aggs, distinct=True), below, ordered)


def _beside(*frames: pd.DataFrame) -> pd.DataFrame:
    """Aggregates of the same groups in the same order."""
    columns = {c: f[c] for f in frames for c in f.columns}
    return assemble(columns, len(frames[0]))


class Tree:
    """The three steps of a tree aggregation; partials carry the keys as columns."""

    def __init__(self, node: Aggregate, forms: Mapping[str, Partial]) -> None:
        self.keys, self.forms = dict(node.keys), forms
        self.sort, self.dropna, self.observed = node.sort, node.dropna, node.observed
        self.columns = {name: a for f in forms.values() for name, a in f.columns.items()}
        self.combiners = {name: how for f in forms.values() for name, how in f.combine.items()}
        # Sorted partials of sorted data need next to no work when they are put together.
        first = node.child.fields[next(iter(self.keys.values()))]
        self.sorted_partials = node.sort and first.kind in "iuM"

    def _group(self, frame: pd.DataFrame, keys: list[str], sort: bool, observed: bool) -> Any:
        by = keys[0] if len(keys) == 1 else keys
        return frame.groupby(by, sort=sort, dropna=self.dropna, observed=observed)

    def partial(self, frame: pd.DataFrame) -> pd.DataFrame:
        for f in self.forms.values():
            if f.prepare is not None:
                frame = f.prepare(frame)
        groups = self._group(frame, list(self.keys.values()), self.sorted_partials, True)
        columns = {name: aggregate(groups, a) for name, a in self.columns.items()}
        return self._flat(groups, columns)

    def _flat(self, groups: Any, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
        index = next(iter(columns.values())).index if columns else groups.size().index
        data = {
            i: pd.Series(index.get_level_values(n), copy=False).reset_index(drop=True)
            for n, i in enumerate(self.keys)
        }
        data |= {name: c.reset_index(drop=True) for name, c in columns.items()}
        return assemble(data, len(index))

    def merge(self, *partials: pd.DataFrame) -> pd.DataFrame:
        return self.combine(gather(partials), self.sorted_partials, True)

    def combine(self, frame: pd.DataFrame, sort: bool, observed: bool) -> pd.DataFrame:
        repeated = self._repeated(frame) if observed else None
        if repeated is None:
            return self._combine(frame, sort, observed)
        if not repeated.any():
            return frame
        single = take(frame, (~repeated).nonzero()[0])
        together = self._combine(take(frame, repeated.nonzero()[0]), sort, observed)
        whole = pd.concat([single, together], ignore_index=True)
        return take(whole, np.argsort(whole[next(iter(self.keys))].to_numpy(), kind="stable"))

    def _repeated(self, frame: pd.DataFrame) -> np.ndarray | None:
        """Rows whose first key has several partials, where these come in order of that key.

        None where they do not, or where next to every row is one.
        """
        first = frame[next(iter(self.keys))]
        plain = isinstance(first.dtype, np.dtype) and first.dtype.kind in "iuM"
        if not plain or len(frame) < 2:
            return None
        values = first.to_numpy()
        values = values.view("int64") if first.dtype.kind == "M" else values
        if (values[1:] < values[:-1]).any():
            return None
        equal = values[1:] == values[:-1]
        if first.dtype.kind == "M" and first.isna().any():
            return None
        repeated = np.zeros(len(values), dtype=bool)
        repeated[1:] = equal
        repeated[:-1] |= equal
        return repeated if repeated.sum() * 2 < len(values) else None

    def _combine(self, frame: pd.DataFrame, sort: bool, observed: bool) -> pd.DataFrame:
        groups = self._group(frame, list(self.keys), sort, observed)
        columns: dict[str, pd.Series] = {}
        for name, how in self.combiners.items():
            if how == "moments":
                columns |= combine_moments(frame, groups, name)
            else:
                columns[name] = combined(groups, frame, name, how)
        return self._flat(groups, columns)

    def finish(self, *partials: pd.DataFrame) -> pd.DataFrame:
        frame = self.combine(gather(partials), self.sort, self.observed)
        data = {i: frame[i] for i in self.keys}
        data |= {i: f.finish(frame) for i, f in self.forms.items()}
        return assemble(data, len(frame))


def aggregate(groups: Any, agg: Agg) -> pd.Series:
    if agg.func == "size":
        return groups.size()
    if agg.func == "m2":
        counts = groups[agg.column].count()
        return (groups[agg.column].var(ddof=0) * counts).where(counts > 0, 0.0)
    return getattr(groups[agg.column], agg.func)(**dict(agg.options))


def combined(groups: Any, frame: pd.DataFrame, name: str, how: str) -> pd.Series:
    """Partials of one column; a NaN partial sum (inf - inf) is never skipped."""
    result = getattr(groups[name], how)()
    if how in ("sum", "prod") and frame[name].dtype.kind == "f":
        bad = frame[name].isna()
        if bad.any():
            result = result.mask(bad.groupby(grouper_of(groups)).any())
    return result


def combine_moments(frame: pd.DataFrame, groups: Any, name: str) -> dict[str, pd.Series]:
    """Counts, means and squared deviations of partitions put together (Chan et al.)."""
    n, mean, m2 = (f"{name}.n", f"{name}.mean", f"{name}.m2")
    grouper = grouper_of(groups)
    total = groups[n].sum()
    filled = frame[n] > 0
    weighted = (frame[mean].where(filled, 0.0) * frame[n]).groupby(grouper)
    centre = weighted.sum() / total.where(total > 0, 1)
    codes = groups.ngroup().to_numpy()
    here = np.where(codes >= 0, centre.to_numpy()[codes], 0.0) if len(centre) else 0.0
    between = (frame[mean].where(filled, 0.0) - here) ** 2 * frame[n]
    spread = (frame[m2].where(filled, 0.0) + between).where(filled, 0.0)
    lost = (spread.isna() & filled).groupby(grouper).any()
    return {n: total, mean: centre, m2: spread.groupby(grouper).sum().mask(lost)}


def form(out: str, agg: Agg, fields: Mapping[str, Field]) -> Partial | None:
    """The partial form of an aggregation, or None where there is no exact one."""
    options = dict(agg.options)
    if agg.func in ("size", "count"):
        return simple(out, agg, "sum")
    assert agg.column is not None
    field = fields[agg.column]
    if agg.func in ("first", "last", "min", "max"):
        return None if options or not field.known else extreme_form(out, agg, field)
    if agg.func in ("any", "all"):
        return simple(out, agg, agg.func) if field.kind == "b" and not options else None
    wide = field.kind in "if" and field.dtype.itemsize == 8
    if agg.func == "sum" and field.kind in "iu" and not wide and not options:
        return small_sum_form(out, agg.column, field)
    if agg.func in ("sum", "prod") and (wide or (field.kind == "b" and agg.func == "sum")):
        return simple(out, agg, agg.func) if options.get("min_count", 0) <= 0 else None
    if not wide:
        return None
    if agg.func == "mean" and not options:
        return mean_form(out, agg.column)
    if agg.func in ("var", "std", "sem") and set(options) <= {"ddof"}:
        return moments_form(out, agg.column, agg.func, options.get("ddof", 1))
    return None


def extreme_form(out: str, agg: Agg, field: Field) -> Partial | None:
    """first, last, min, max: a partial result is a value of the column."""
    if agg.func in ("first", "last"):
        return simple(out, agg, agg.func) if field.kind != "O" or field.is_text else None
    plain_text = field.is_text and (not field.nulls or field.kind == "E")
    if field.numeric or field.kind in "Mm" or plain_text:
        return simple(out, agg, agg.func)
    return None


def simple(out: str, agg: Agg, combine: str) -> Partial:
    return Partial({out: agg}, {out: combine}, partial(_column, name=out))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name]


def small_sum_form(out: str, column: str, field: Field) -> Partial:
    """Sums of narrow integers: pandas keeps the narrow dtype only if every sum fits."""
    kind = "int64" if field.kind == "i" else "uint64"
    name = f"{column}.{kind}"
    return Partial(
        {out: Agg("sum", name)},
        {out: "sum"},
        partial(_narrow, name=out, dtype=field.dtype),
        partial(_widen, column=column, wide=name, dtype=kind),
    )


def _narrow(frame: pd.DataFrame, name: str, dtype: Any) -> pd.Series:
    values = frame[name]
    narrow = values.astype(dtype)
    return narrow if (narrow == values).all() else values


def mean_form(out: str, column: str) -> Partial:
    total, count, wide = f"{out}.sum", f"{out}.count", f"{column}.f8"
    return Partial(
        {total: Agg("sum", wide), count: Agg("count", wide)},
        {total: "sum", count: "sum"},
        partial(_ratio, total=total, count=count),
        partial(_widen, column=column, wide=wide),
    )


def _widen(frame: pd.DataFrame, column: str, wide: str, dtype: Any = "float64") -> pd.DataFrame:
    """A wide copy of a column, of the dtype in which pandas computes."""
    if wide in frame.columns:
        return frame
    data = {c: frame[c] for c in frame.columns}
    return assemble({**data, wide: frame[column].astype(dtype)}, len(frame))


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
        partial(_spread, names=names, func=func, ddof=ddof),
        partial(_widen, column=column, wide=wide),
    )


def _spread(frame: pd.DataFrame, names: tuple[str, str, str], func: str, ddof: int) -> pd.Series:
    n, m2 = frame[names[0]], frame[names[2]]
    variance = m2 / (n - ddof).where(n > ddof, np.nan)
    if func == "var":
        return variance
    deviation = variance**0.5
    return deviation if func == "std" else deviation / n**0.5
