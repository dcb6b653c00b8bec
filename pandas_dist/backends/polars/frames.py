"""Lazy frames whose columns are named by id: from pandas, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import polars as pl

from pandas_dist.backends.polars.columns import Column, positions_in, to_pandas, to_polars
from pandas_dist.plan.relations import State, assemble
from pandas_dist.plan.schema import Field


@dataclass(frozen=True, slots=True)
class Frame:
    """A lazy frame whose columns are named by id, and how each is held.

    ``place``: one more column, which grows from row to row; ``shuffled``: it would, were the
    rows in order.
    """

    rows: pl.LazyFrame
    columns: Mapping[str, Column]
    place: str | None = None
    shuffled: bool = False

    def over(self, rows: pl.LazyFrame, columns: Mapping[str, Column] | None = None) -> Frame:
        """As many or fewer rows, in the same order; the place is still among their columns."""
        return Frame(rows, self.columns if columns is None else columns, self.place, self.shuffled)

    def kept(self, ids: list[str]) -> Frame:
        """Some columns, and the place."""
        place = [] if self.place is None else [self.place]
        return self.over(self.rows.select([*ids, *place]), {i: self.columns[i] for i in ids})

    def settled(self) -> Frame:
        """The rows in order."""
        if not self.shuffled or self.place is None:
            return self
        return Frame(self.rows.sort(self.place), self.columns, self.place)

    def select(self, ids: list[str]) -> Frame:
        return Frame(self.rows.select(ids), {i: self.columns[i] for i in ids})

    def collected(self) -> Frame:
        return self.over(collect(self.rows).lazy())

    def count(self) -> int:
        return int(collect(self.rows.select(pl.len())).item())


def collect(rows: pl.LazyFrame) -> pl.DataFrame:
    found = rows.collect(engine="streaming")
    assert isinstance(found, pl.DataFrame)
    return found


def export(frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
    """Some columns as pandas columns."""
    if not ids:
        return pd.DataFrame(index=pd.RangeIndex(frame.count()))
    data, widened = with_widened(frame.select(ids))
    columns = {i: to_pandas(data[i], frame.columns[i], fields[i], i in widened) for i in ids}
    return assemble(columns, data.height)


def with_widened(frame: Frame) -> tuple[pl.DataFrame, set[str]]:
    """All rows, and the columns that joins have given missing values."""
    places = [(i, rows, name) for i, c in frame.columns.items() for rows, name in c.origins]
    if not places:
        return collect(frame.rows), set()
    counts = [rows.select(pl.col(name).null_count()) for _, rows, name in places]
    data, *found = pl.collect_all([frame.rows, *counts], engine="streaming")
    return data, {i for (i, _, _), n in zip(places, found) if n.item()}


def from_polars(held: Mapping[str, tuple[pl.Series, Column]]) -> Frame:
    """Columns that were computed before."""
    data = pl.DataFrame([values.alias(i) for i, (values, _) in held.items()])
    return Frame(data.lazy(), {i: column for i, (_, column) in held.items()})


def from_pandas(
    columns: Mapping[str, pd.Series],
    fields: Mapping[str, Field],
    state: State | None,
    rows: int | None,
    looked_at: set[str] | None = None,
) -> Frame:
    """In-memory columns; converted once where ``state`` remembers them.

    Objects that nobody looks at stay outside (``looked_at``: None means all of them).
    """
    held: dict[str, tuple[pl.Series, Column]] = {}
    memory = {} if state is None else state.converted
    for i, values in columns.items():
        if i not in memory and looked_at is not None and outside(i, values, looked_at):
            held[i] = positions_in(values)
            continue
        if i not in memory:
            memory[i] = to_polars(values, fields[i])
        held[i] = memory[i]
    if not held:
        return Frame(empty_rows(rows or 0), {})
    return from_polars(held)


def outside(i: str, values: pd.Series, looked_at: set[str]) -> bool:
    return values.dtype == object and i not in looked_at


ROW = "<row>"


def empty_rows(rows: int) -> pl.LazyFrame:
    """Rows without columns: Polars counts the rows of its columns, so there is one."""
    return pl.DataFrame({ROW: pl.repeat(0, rows, eager=True, dtype=pl.Int8)}).lazy()
