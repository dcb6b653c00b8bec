"""Rows in order, some at a time: in this process, or in Spark's workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark import TaskContext

from pandas_dist.backends.spark.columns import Column, to_pandas
from pandas_dist.backends.spark.expressions import Opaque
from pandas_dist.backends.spark.frames import Frame, sorted_rows, widened_columns
from pandas_dist.backends.spark.rows import Rows, quoted
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.relations import assemble
from pandas_dist.plan.schema import Field


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of Arrow become pandas columns; ``widened``: those with missing values."""

    columns: Mapping[str, Column]
    fields: Mapping[str, Field]
    widened: frozenset[str]

    @classmethod
    def of(cls, frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> Shape:
        """Of some columns, which may be counted for it."""
        columns = {i: replace(frame.columns[i], origins=()) for i in ids}
        widened = frozenset(widened_columns(frame, ids))
        return cls(columns, {i: fields[i] for i in ids}, widened)

    def pandas(self, table: pa.Table) -> pd.DataFrame:
        columns = {
            i: to_pandas(table.column(i), column, self.fields[i], i in self.widened)
            for i, column in self.columns.items()
        }
        return assemble(columns, table.num_rows)


def in_order(frame: Frame, ids: list[str]) -> Rows:
    """Some columns, sorted by Spark."""
    return sorted_rows(frame.select(ids)).select({i: quoted(i) for i in ids})


# -- here ----------------------------------------------------------------------------------------


def blocks(
    frame: Frame, ids: list[str], fields: Mapping[str, Field], rows: int
) -> Iterator[pd.DataFrame]:
    """All rows in order, ``rows`` at a time; one of Spark's partitions is here at a time."""
    if frame.here is not None:
        for start in range(0, len(frame.here), rows):
            yield frame.here[ids].iloc[start : start + rows].reset_index(drop=True)
        return
    shape = Shape.of(frame, ids, fields)
    for table in regrouped(batches(in_order(frame, ids)), rows):
        yield shape.pandas(table)


def batches(rows: Rows) -> Iterator[pa.RecordBatch]:
    """Arrow batches of sorted rows, in their order."""
    packed = rows.frame.mapInArrow(_packed, "rows binary")
    for row in packed.toLocalIterator(prefetchPartitions=True):
        yield from pa.ipc.open_stream(row[0])


def _packed(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in found:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"rows": [sink.getvalue().to_pybytes()]})


def regrouped(found: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of ``rows`` rows, but the last one."""
    waiting: list[pa.Table] = []
    count = 0
    for batch in found:
        waiting.append(pa.Table.from_batches([batch]))
        count += batch.num_rows
        while count >= rows:
            table = pa.concat_tables(waiting)
            yield table.slice(0, rows)
            rest = table.slice(rows)
            waiting, count = ([rest] if rest.num_rows else []), rest.num_rows
    if count:
        yield pa.concat_tables(waiting)


# -- in workers ----------------------------------------------------------------------------------


def in_workers(
    frame: Frame,
    ids: list[str],
    fields: Mapping[str, Field],
    function: Callable[[int, pd.DataFrame], Any],
) -> list[Any]:
    """What ``function`` gives for each part of the rows, by the number of the part.

    Parts are in the order of the rows.  Opaque if columns are outside of Spark.
    """
    if frame.here is not None:
        return [function(0, frame.here[ids])]
    if any(frame.columns[i].opaque for i in ids):
        raise Opaque
    shape = Shape.of(frame, ids, fields)
    rows = in_order(frame, ids).frame
    found = rows.mapInArrow(_Called(shape, function), "part int, answer binary").toArrow()
    answers = dict(zip(found["part"].to_pylist(), found["answer"].to_pylist(), strict=True))
    return [pickle.loads(answers[part]) for part in sorted(answers)]


@dataclass(frozen=True)
class _Called:
    """A function on all rows of a task's part."""

    shape: Shape
    function: Callable[[int, pd.DataFrame], Any]

    def __call__(self, found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        batches = list(found)
        context = TaskContext.get()
        if not sum(batch.num_rows for batch in batches) or context is None:
            return
        part = context.partitionId()
        with local_mode():
            answer = self.function(part, self.shape.pandas(pa.Table.from_batches(batches)))
        yield pa.RecordBatch.from_arrays(
            [pa.array([part], pa.int32()), pa.array([pickle.dumps(answer)], pa.binary())],
            names=["part", "answer"],
        )
