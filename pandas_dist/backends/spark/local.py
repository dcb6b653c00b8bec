"""In-memory columns: sent to Spark by Arrow, once."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist.backends.spark import session
from pandas_dist.backends.spark.columns import Column, positions_in, to_arrow
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import Key, Rows, new_name
from pandas_dist.plan.relations import State
from pandas_dist.plan.schema import Field

# Larger tables go to Spark on this machine as a file, which it reads in parallel.
LARGE_BYTES = 8e6
GROUP_ROWS = 250_000
SENT = "<spark>"


@dataclass(frozen=True, slots=True)
class Sent:
    """Columns that a session has; those of ``outside`` as positions only."""

    session: str
    frame: Frame
    outside: frozenset[str]

    def serves(self, session: str, columns: Iterable[str], outside: frozenset[str]) -> bool:
        held = self.frame.columns
        return self.session == session and all(
            i in held and (i in outside or i not in self.outside) for i in columns
        )


def from_pandas(
    columns: Mapping[str, pd.Series],
    fields: Mapping[str, Field],
    state: State | None,
    rows: int,
    looked_at: set[str] | None = None,
) -> Frame:
    """In-memory columns with the positions of their rows.

    They are sent once where ``state`` remembers them.  Objects that nobody looks at stay
    here (``looked_at``: None means all of them).
    """
    outside = frozenset(
        i
        for i, values in columns.items()
        if looked_at is not None and values.dtype == object and i not in looked_at
    )
    if state is None:
        return _framed(columns, fields, rows, outside)
    sent = state.converted.setdefault(SENT, [])
    name = session.identity(session.current())
    for known in sent:
        if known.serves(name, columns, outside):
            return known.frame
    frame = _framed(columns, fields, rows, outside)
    sent.append(Sent(name, frame, outside))
    return frame


def _framed(
    columns: Mapping[str, pd.Series],
    fields: Mapping[str, Field],
    rows: int,
    outside: frozenset[str],
) -> Frame:
    arrays: dict[str, pa.Array] = {}
    held: dict[str, Column] = {}
    for i, values in columns.items():
        arrays[i], held[i] = positions_in(values) if i in outside else to_arrow(values, fields[i])
    position = new_name()
    arrays[position] = pa.array(np.arange(rows, dtype="int64"))
    return Frame(table_rows(pa.table(arrays)), held, (Key(position, whole=True),), dense=True)


def table_rows(table: pa.Table) -> Rows:
    """An Arrow table as rows of Spark's."""
    return Rows(lambda: _sent(table))


def _sent(table: pa.Table) -> Any:
    spark = session.current()
    if table.nbytes <= LARGE_BYTES or not session.is_local(spark):
        return spark.createDataFrame(table)
    descriptor, path = tempfile.mkstemp(prefix="pandas_dist-", suffix=".parquet")
    os.close(descriptor)
    pq.write_table(table, path, compression="none", use_dictionary=False, row_group_size=GROUP_ROWS)
    frame = spark.read.parquet(path)
    weakref.finalize(frame, _remove, path)
    return frame


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.remove(path)
