"""Rows with what is known of their columns and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pandas_dist.backends.spark.columns import Column, to_pandas
from pandas_dist.backends.spark.rows import Key, Rows, new_name, order_by, quoted
from pandas_dist.plan.relations import assemble
from pandas_dist.plan.schema import Field


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns by id.  Rows are in the order of ``order``, which tells all of them apart.

    ``order`` is empty where nobody asked for an order.  ``dense``: it is one column, the
    position of each row.  ``here``: the rows, if they are few and in this process.
    """

    rows: Rows
    columns: Mapping[str, Column]
    order: tuple[Key, ...] = ()
    dense: bool = False
    here: pd.DataFrame | None = None

    def select(self, ids: Iterable[str]) -> Frame:
        """Some columns, and those of the order."""
        chosen = list(ids)
        names = dict.fromkeys([*chosen, *(key.name for key in self.order)])
        rows = self.rows.select({name: quoted(name) for name in names})
        here = None if self.here is None else self.here[chosen]
        return replace(self, rows=rows, columns={i: self.columns[i] for i in chosen}, here=here)

    def persist(self) -> Frame:
        """The same, computed once."""
        return replace(self, rows=self.rows.persist())

    def with_rows(self, rows: Rows) -> Frame:
        """Some of the rows, or with further columns nobody knows of."""
        return replace(self, rows=rows, dense=False, here=None)


def numbered(frame: Frame) -> Frame:
    """The frame in the order of positions 0, 1, … of its rows."""
    if frame.dense:
        return frame
    name = new_name()
    rows = frame.rows.extend({name: position_sql(frame)})
    return replace(frame, rows=rows, order=(Key(name, whole=True),), dense=True)


def position_sql(frame: Frame) -> str:
    """The position of each row."""
    if frame.dense:
        return quoted(frame.order[0].name)
    return f"CAST(row_number() OVER ({order_by(frame.order)}) AS bigint) - 1L"


def place(frame: Frame) -> tuple[Frame, str]:
    """The frame, and SQL of one value per row that is in the order of the rows."""
    if not all(key.rises for key in frame.order):
        frame = numbered(frame)
    names = [quoted(key.name) for key in frame.order]
    return frame, names[0] if len(names) == 1 else f"struct({', '.join(names)})"


def sorted_rows(frame: Frame) -> Rows:
    return frame.rows.sort(frame.order) if frame.order else frame.rows


# -- to pandas -----------------------------------------------------------------------------------


def export(frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
    """Some columns as pandas columns, in row order if the frame has one."""
    if frame.here is not None:
        return frame.here[ids].copy()  # what others hold must not change with it
    if not ids:
        return pd.DataFrame(index=pd.RangeIndex(frame.rows.value("count(1)")))
    widened = widened_columns(frame, ids)
    table = frame.select(ids).rows.collect()
    rows, chosen = table.num_rows, places(table, frame.order)
    columns: dict[str, pd.Series] = {}
    for i in ids:  # what is done is not kept twice
        values = table.column(i)
        table = table.drop_columns(i)
        moved = values if chosen is None else values.take(chosen)
        columns[i] = to_pandas(moved, frame.columns[i], fields[i], i in widened)
    return assemble(columns, rows)


def in_order(table: pa.Table, order: tuple[Key, ...]) -> pa.Table:
    """Rows sorted by the order's columns, here: Spark would look at them twice."""
    chosen = places(table, order)
    return table if chosen is None else table.take(chosen)


def places(table: pa.Table, order: tuple[Key, ...]) -> pa.Array | None:
    """The places of the rows in their order; None if they are in order."""
    if not order or table.num_rows < 2:
        return None
    columns: list[pa.ChunkedArray] = []
    directions: list[str] = []
    for key in order:
        values = table.column(key.name)
        if values.null_count:
            columns.append(pc.is_null(values))
            directions.append("descending" if key.nulls_first else "ascending")
        columns.append(values)
        directions.append("descending" if key.descending else "ascending")
    keys = pa.table({str(n): c for n, c in enumerate(columns)})
    if len(columns) == 1 and directions == ["ascending"] and _rises(columns[0]):
        return None
    return pc.sort_indices(keys, sort_keys=[(str(n), d) for n, d in enumerate(directions)])


def _rises(values: pa.ChunkedArray) -> bool:
    """Whether integers come in order already."""
    if not pa.types.is_integer(values.type):
        return False
    array = values.to_numpy()
    return bool((array[1:] > array[:-1]).all())


def widened_columns(frame: Frame, ids: Iterable[str]) -> set[str]:
    """The columns that joins have given missing values."""
    places: dict[Rows, dict[str, list[str]]] = {}
    for i in ids:
        for rows, name in frame.columns[i].origins:
            places.setdefault(rows, {}).setdefault(name, []).append(i)
    widened: set[str] = set()
    for rows, names in places.items():
        found = rows.values([f"count_if({quoted(n)} IS NULL)" for n in names])
        for count, holders in zip(found, names.values()):
            if count:
                widened.update(holders)
    return widened
