"""Windows: columns whose values depend on other rows, beside the rows of a relation."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.pandas_private import grouper_of
from pandas_dist.plan.relations import Attach, Extend, Position, Relation, State, assemble
from pandas_dist.plan.schema import Field, decode

AGGREGATES = frozenset(
    """sum mean min max count std var sem median nunique first last prod any all size""".split()
)


@dataclass(frozen=True, slots=True)
class WindowCall:
    """One new column: pandas' method ``func`` of ``column``, within groups if ``by`` is given.

    ``column`` and ``by`` are ids of the child.  The groups are those of ``groupby(by,
    dropna=dropna)``: with ``dropna`` a row without a key is in no group and gets a missing
    value.  ``column`` is None where the values do not matter (``cumcount``, ``size``).
    ``options`` are keyword arguments of the method; an absent one has pandas' default.

    - ``shift``: ``periods`` (int, any sign), ``fill_value`` (absent: missing);
    - ``diff``: ``periods``.  ``pct_change``: ``periods``, without ``by``, missing values stay;
    - ``cumsum``, ``cumprod``, ``cummax``, ``cummin``: ``skipna`` (without ``by``).  Missing
      values are passed over and stay missing; with ``skipna=False`` so are all rows after one;
    - ``ffill``, ``bfill``: ``limit`` (None or int), the longest run of rows to fill;
    - ``rank``: ``method``, ``ascending``, ``na_option``, ``pct``;
    - ``cumcount``: ``ascending``, only with ``by``;
    - a name in ``AGGREGATES``, only with ``by``: ``transform(func)``, the group's value on
      each of its rows.
    """

    func: str
    column: str | None
    options: tuple[tuple[str, Any], ...] = ()
    by: tuple[str, ...] = ()
    dropna: bool = True

    @property
    def ordered(self) -> bool:
        """Whether values depend on the order of rows (not only on which rows there are)."""
        if self.func == "rank":
            return dict(self.options).get("method") == "first"
        return self.func not in AGGREGATES or self.func in ("first", "last")


@dataclass(eq=False, slots=True)
class Window(Relation):
    """The child's rows in order with further columns; ``calls`` and ``new`` are by new id.

    ``new`` holds the fields of the new columns, whose dtypes do not depend on data.  A text
    column of the child with ``encoding`` gives what pandas gives for the decoded column.
    """

    child: Relation
    calls: Mapping[str, WindowCall]
    new: Mapping[str, Field]
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = {**self.child.fields, **{i: self.new[i] for i in self.calls}}

    def needs(self, wanted: set[str]) -> list[set[str]]:
        below = {i for i in wanted if i not in self.calls}
        for i in wanted & self.calls.keys():
            below |= inputs(self.calls[i])
        return [below]

    def rows(self) -> int | None:
        return self.child.rows()

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return windowed(frames[0], self.calls, self.fields)


def inputs(call: WindowCall) -> set[str]:
    """Ids of the columns that a call reads."""
    return {*call.by} if call.column is None else {*call.by, call.column}


def windowed(
    frame: pd.DataFrame, calls: Mapping[str, WindowCall], fields: Mapping[str, Field]
) -> pd.DataFrame:
    """``frame`` with the values of ``calls``, by pandas' own methods, as further columns."""
    groupings: dict[Any, Any] = {}
    data = {c: frame[c] for c in frame.columns}
    for i, call in calls.items():
        data[i] = values_of(frame, call, fields, groupings)
    return assemble(data, len(frame))


def values_of(
    frame: pd.DataFrame,
    call: WindowCall,
    fields: Mapping[str, Field],
    groupings: dict[Any, Any],
) -> pd.Series:
    """One call on whole columns; ``groupings`` keeps what calls with the same keys share."""
    column: Any = None
    if call.column is not None:
        column = decode(frame[call.column], fields[call.column])
    options = dict(call.options)
    if not call.by:
        return getattr(column, call.func)(**options)
    key = (call.by, call.dropna)
    if key not in groupings:
        by = list(call.by)
        groupings[key] = frame.groupby(
            by[0] if len(by) == 1 else by, sort=False, dropna=call.dropna, observed=True
        )
    groups = groupings[key]
    if column is None and call.func == "cumcount":
        return groups.cumcount(**options)
    given: Any = frame[call.by[0]] if column is None else column
    groups = given.groupby(grouper_of(groups), observed=True)
    if call.func in AGGREGATES:
        return groups.transform(call.func)
    return getattr(groups, call.func)(**options)


class Lookup:
    """One value per row, by the row's keys; missing where no group has them."""

    def __init__(self, keys: Sequence[pd.Series], values: pd.Series) -> None:
        self.keys = [k.reset_index(drop=True) for k in keys]
        self.values = values.reset_index(drop=True)
        self.index = pd.Index(self.keys[0]) if len(keys) == 1 else None
        if self.index is not None:
            self.index.get_indexer(self.index[:1])  # builds the hash table, before threads do

    def __call__(self, *keys: pd.Series) -> pd.Series:
        return self.taken(self.rows(keys), keys[0].index)

    def of(self, values: pd.Series) -> Lookup:
        """Other values of the same groups."""
        other = copy.copy(self)
        other.values = values.reset_index(drop=True)
        return other

    def taken(self, rows: np.ndarray, index: pd.Index) -> pd.Series:
        """The values at positions of groups; -1 is missing."""
        taken = pd.api.extensions.take(
            self.values.to_numpy(), rows, allow_fill=bool((rows < 0).any())
        )
        return pd.Series(taken, index=index, copy=False)

    def rows(self, keys: Sequence[pd.Series]) -> np.ndarray:
        """The position of each row's group, or -1."""
        if not len(self.values):  # keys without a group may have lost their dtype
            return np.full(len(keys[0]), -1)
        if self.index is not None:
            return self.index.get_indexer(pd.Index(keys[0]))
        table = assemble({str(n): k for n, k in enumerate(self.keys)}, len(self.values))
        names = list(table.columns)
        table["row"] = np.arange(len(table))
        left = assemble({str(n): k for n, k in enumerate(keys)}, len(keys[0]))
        found = left.merge(table, how="left", on=names)["row"]
        return found.fillna(-1).to_numpy().astype("int64")


EXTENSIONS = (Extend, Position, Attach, Window)


def over(layer: Any, child: Relation) -> Relation:
    """A pure extension (one of ``EXTENSIONS``) over other rows."""
    if isinstance(layer, Extend):
        return Extend(child, layer.exprs)
    if isinstance(layer, Position):
        return Position(child, layer.id)
    if isinstance(layer, Attach):
        return Attach(child, layer.columns, layer.new)
    return Window(child, layer.calls, layer.new)
