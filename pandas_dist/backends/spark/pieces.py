"""Work on pieces of files, or on anything else that can be pickled, in Spark's workers."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.backends.spark import session
from pandas_dist.backends.spark.columns import ARROW, native, of_field, to_arrow
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import Key, Rows, new_name, quoted
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.relations import Scan
from pandas_dist.plan.schema import Field

BY_WORKERS = "read by pandas in Spark's workers"
# Rows of one Arrow message.
MESSAGE_ROWS = 1 << 16


def numbers(count: int) -> Any:
    """A DataFrame of the numbers below ``count``, each a task of its own."""
    return session.current().range(0, count, 1, count)


def given_numbers(batches: Iterable[pa.RecordBatch]) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


# -- pieces of files -----------------------------------------------------------------------------


def read(node: Scan, ids: list[str], wanted: Sequence[Any]) -> Frame | None:
    """Pieces of files by the source's own reader; None for columns that Spark cannot hold."""
    fields = {i: node.fields[i] for i in ids}
    if not all(map(told, fields.values())):
        return None
    position = new_name()
    kinds = {i: str(native(field)) for i, field in fields.items()} | {position: "bigint"}
    names = {i: node.names[i] for i in ids}
    reader = Reader(node.source, tuple(wanted), names, fields, kinds, position)
    schema = ", ".join(f"{quoted(i)} {kind}" for i, kind in kinds.items())
    rows = Rows(lambda: numbers(len(wanted)).mapInArrow(reader, schema))
    columns = {i: of_field(field) for i, field in fields.items()}
    return Frame(rows, columns, (Key(position, whole=True),), dense=True)


def told(field: Field) -> bool:
    """Whether a field says how each piece holds its values, missing ones included."""
    unclear = field.kind == "O" and field.encoding is None
    return native(field) is not None and not unclear


@dataclass(frozen=True)
class Reader:
    """Reads the pieces whose numbers it is given; ``kinds``: Spark's types by column."""

    source: Any
    pieces: tuple[Any, ...]
    names: Mapping[str, Any]
    fields: Mapping[str, Field]
    kinds: Mapping[str, str]
    position: str

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for n in given_numbers(batches):
            piece = self.pieces[n]
            with local_mode():
                frame = self.source.read(piece, self.names, self.fields)
            yield from self.table(frame, piece.start).to_batches(MESSAGE_ROWS)

    def table(self, frame: pd.DataFrame, start: int) -> pa.Table:
        """Rows with their places in all files."""
        arrays = {i: to_arrow(frame[i], field)[0] for i, field in self.fields.items()}
        arrays[self.position] = pa.array(np.arange(start, start + len(frame)))
        return pa.table({i: arrays[i].cast(ARROW[kind]) for i, kind in self.kinds.items()})


# -- anything else -------------------------------------------------------------------------------


def mapped(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """``function`` of each item, a task each; results in order."""
    call = _Mapped(function, tuple(items))
    found = numbers(len(items)).mapInArrow(call, "n bigint, answer binary").toArrow()
    answers = dict(zip(found["n"].to_pylist(), found["answer"].to_pylist(), strict=True))
    return [pickle.loads(answers[n]) for n in range(len(items))]


@dataclass(frozen=True)
class _Mapped:
    function: Callable[[Any], Any]
    items: tuple[Any, ...]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for n in given_numbers(batches):
            with local_mode():
                answer = pickle.dumps(self.function(self.items[n]))
            yield pa.RecordBatch.from_pydict({"n": [n], "answer": [answer]})
