"""Windows on Dask: rows or totals carried from partition to partition, lookups of groups,
and one task for what needs all rows at once.

A carried call runs pandas' own method on each partition with some context before it
(after it, for those that look ahead): the last rows, or one row that stands for all.
The values are those of one pass over all rows, to the last bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.dask import groupby
from pandas_dist.backends.dask.parts import Parts, call, project
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Agg, Aggregate, Relation, assemble
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field, decode
from pandas_dist.plan.window import (
    AGGREGATES,
    Lookup,
    Window,
    WindowCall,
    inputs,
    values_of,
    windowed,
)

Calls = Mapping[str, WindowCall]
Fields = Mapping[str, Field]
SHIFTS = ("shift", "diff", "pct_change")
NEUTRAL = {"cumsum": 0.0, "cumprod": 1.0, "cummax": -np.inf, "cummin": np.inf}


def lower(node: Window, need: Need, below: Parts) -> Parts:
    """The input's partitions with the needed columns."""
    calls = {i: c for i, c in node.calls.items() if i in need.columns}
    if len(below.tasks) == 1:
        step = partial(windowed, calls=calls, fields=needed_fields(calls, node.fields))
        return below.then(step, keeps_rows=True)
    starts = below.starts
    kinds: dict[str, dict[str, WindowCall]] = {}
    for i, c in calls.items():
        kinds.setdefault(kind_of(c), {})[i] = c
    for kind, chosen in kinds.items():
        below = FORMS[kind](node, chosen, below)
    return Parts(below.tasks, below.steps, starts)


def kind_of(call: WindowCall) -> str:
    """How a call is distributed: ``forward``, ``backward``, ``lookup`` or ``whole``."""
    if call.by:
        return "lookup" if call.func in AGGREGATES else "whole"
    if call.func == "rank":
        return "whole"
    ahead = call.func in SHIFTS and dict(call.options).get("periods", 1) < 0
    return "backward" if ahead or call.func == "bfill" else "forward"


def needed_fields(calls: Calls, fields: Fields) -> dict[str, Field]:
    """Fields of the columns that the calls read and give."""
    ids = {i for c in calls.values() for i in inputs(c)} | set(calls)
    return {i: fields[i] for i in ids}


# -- carried ---------------------------------------------------------------------------------


def forward(node: Window, calls: Calls, below: Parts) -> Parts:
    return carried(calls, node.fields, below, ahead=False)


def backward(node: Window, calls: Calls, below: Parts) -> Parts:
    return carried(calls, node.fields, below, ahead=True)


def carried(calls: Calls, fields: Fields, below: Parts, ahead: bool) -> Parts:
    """A chain through the partitions, from the last one for calls that look ahead."""
    step = Carry(calls, needed_fields(calls, fields), ahead)
    tasks = below.delayed()
    out: list[Any] = []
    state: Any = None
    for task in reversed(tasks) if ahead else tasks:
        both = call(step, task, state)
        out.append(call(_item, both, 0))
        state = call(_item, both, 1)
    return Parts(tuple(reversed(out) if ahead else out))


def _item(values: Any, n: int) -> Any:
    return values[n]


class Carry:
    """One partition with its new columns, and the context for its neighbour."""

    def __init__(self, calls: Calls, fields: Fields, ahead: bool) -> None:
        self.calls, self.fields, self.ahead = calls, fields, ahead

    def __call__(
        self, frame: pd.DataFrame, state: dict[str, pd.Series] | None
    ) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
        data = {c: frame[c] for c in frame.columns}
        after: dict[str, pd.Series] = {}
        for i, c in self.calls.items():
            assert c.column is not None
            column = decode(frame[c.column], self.fields[c.column])
            before = None if state is None else state.get(i)
            if c.func in NEUTRAL:
                data[i], rest = accumulated(column, before, c, self.fields[i])
            else:
                data[i], rest = self._neighbours(column, before, c)
            if rest is not None:
                after[i] = rest.copy()
        return assemble(data, len(frame)), after

    def _neighbours(
        self, column: pd.Series, context: pd.Series | None, c: WindowCall
    ) -> tuple[pd.Series, pd.Series]:
        """Methods that see some rows before, or after, the partition's own."""
        parts = [] if context is None else [context]
        whole = stacked([column, *parts] if self.ahead else [*parts, column])
        result = getattr(whole, c.func)(**dict(c.options))
        size = len(column)
        rows = reach(whole, c)
        if self.ahead:
            return result.iloc[:size], rows.iloc[: depth(c)]
        return result.iloc[len(result) - size :], rows.iloc[max(0, len(rows) - depth(c)) :]


def reach(whole: pd.Series, c: WindowCall) -> pd.Series:
    """The rows that may matter to others: without a limit a fill needs one value alone."""
    options = dict(c.options)
    if c.func in ("ffill", "bfill") and options.get("limit") is None:
        return whole[whole.notna()]
    return whole


def depth(c: WindowCall) -> int:
    """How many of them do."""
    options = dict(c.options)
    if c.func in SHIFTS:
        return abs(options.get("periods", 1))
    limit = options.get("limit")
    return 1 if limit is None else limit + 1


def accumulated(
    column: pd.Series, before: pd.Series | None, c: WindowCall, field: Field
) -> tuple[pd.Series, pd.Series | None]:
    """A cumulative method that goes on from one row of an earlier result."""
    skipna = dict(c.options).get("skipna", True)
    values = column.astype(field.dtype)
    missing = values.isna() if skipna else None
    if missing is not None and values.dtype.kind == "f":
        values, skipna = values.mask(missing, NEUTRAL[c.func]), False  # as pandas does inside
    whole = stacked([values] if before is None else [before, values])
    result = getattr(whole, c.func)(skipna=skipna)
    last = result[result.notna()] if skipna else result
    own = result.iloc[len(result) - len(column) :].reset_index(drop=True)
    return own if missing is None else own.mask(missing), last.iloc[-1:] if len(last) else before


def stacked(parts: list[pd.Series]) -> pd.Series:
    """Series of one dtype one after the other; objects exactly as they are."""
    filled = [p for p in parts if len(p)] or parts[-1:]
    if len(filled) == 1:
        return filled[0].reset_index(drop=True)
    if all(isinstance(p.dtype, np.dtype) for p in filled):
        values = np.concatenate([p.to_numpy() for p in filled])
        return pd.Series(values, dtype=values.dtype, copy=False)
    return pd.concat(filled, ignore_index=True)


# -- groups looked up --------------------------------------------------------------------------


def looked_up(node: Window, calls: Calls, below: Parts) -> Parts:
    """The groups are aggregated as in a groupby; each partition looks its rows up."""
    shared = below.sealed()
    tasks = list(shared.tasks)
    by_keys: dict[Any, dict[str, WindowCall]] = {}
    for i, c in calls.items():
        by_keys.setdefault((c.by, c.dropna), {})[i] = c
    for (by, dropna), chosen in by_keys.items():
        groups = groups_of(node.child, by, dropna, chosen, shared)
        table = call(Table, groups, by, list(chosen))
        tasks = [call(_look_up, task, table) for task in tasks]
    return Parts(tuple(tasks))


def groups_of(
    source: Relation, by: tuple[str, ...], dropna: bool, calls: Calls, below: Parts
) -> Any:
    """One task with a row per group: the keys under their own ids, and the new columns."""
    aggs = {i: Agg(c.func, c.column, c.options) for i, c in calls.items()}
    node = Aggregate(source, {k: k for k in by}, aggs, {}, sort=False, dropna=dropna)
    need = Need({*by, *aggs})
    return groupby.lower(node, need, below).gathered().delayed()[0]


class Table:
    """Values of groups, to be looked up by keys."""

    def __init__(self, groups: pd.DataFrame, by: tuple[str, ...], new: list[str]) -> None:
        self.by = by
        first = Lookup([groups[k] for k in by], groups[new[0]])
        self.columns = {i: first.of(groups[i]) for i in new}


def _look_up(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    data = {c: frame[c] for c in frame.columns}
    first = next(iter(table.columns.values()))
    rows = first.rows([frame[k] for k in table.by])
    new = {i: column.taken(rows, frame.index) for i, column in table.columns.items()}
    return assemble({**data, **new}, len(frame))


# -- all rows at once --------------------------------------------------------------------------


def at_once(node: Window, calls: Calls, below: Parts) -> Parts:
    """The columns that the calls read are gathered, and the new ones cut again."""
    shared = below.sealed()
    tasks = shared.tasks
    needed = needed_fields(calls, node.fields)
    ids = sorted({i for c in calls.values() for i in inputs(c)})
    columns = shared.then(partial(project, ids=ids)).delayed()
    whole = call(Whole(calls, needed), *columns)
    return Parts(tuple(call(_beside, task, call(_item, whole, n)) for n, task in enumerate(tasks)))


class Whole:
    """The new columns of all partitions, in as many pieces."""

    def __init__(self, calls: Calls, fields: Fields) -> None:
        self.calls, self.fields = calls, fields

    def __call__(self, *frames: pd.DataFrame) -> list[pd.DataFrame]:
        whole = gather(frames)
        groupings: dict[Any, Any] = {}
        columns = {i: values_of(whole, c, self.fields, groupings) for i, c in self.calls.items()}
        result = assemble(columns, len(whole))
        edges = itertools.accumulate(map(len, frames), initial=0)
        return [result.iloc[a:b] for a, b in itertools.pairwise(edges)]


def _beside(frame: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    data = {c: frame[c] for c in frame.columns}
    return assemble({**data, **{c: new[c] for c in new.columns}}, len(frame))


FORMS = {"forward": forward, "backward": backward, "lookup": looked_up, "whole": at_once}
