"""Parquet files as sources of relations: pinned, read by pieces, pruned by statistics.

``parquet_open.py`` opens them, ``parquet_statistics.py`` has what their statistics tell.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.config import options
from pandas_dist.ops.files import FileChangedError, Pin
from pandas_dist.ops.parquet_statistics import (
    Span,
    bounds,
    comparison,
    leaf_of,
    narrowed,
    overlaps,
    parquet_file,
)
from pandas_dist.plan.expressions import Expr
from pandas_dist.plan.relations import Scan, assemble
from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype

__all__ = ["FileChangedError", "ParquetSource", "comparison", "leaf_of"]

SMALL_FILE = 1 << 20
SMALL_PIECE = 8 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Some row groups of one file; ``start`` is the position of their first row."""

    file: int
    groups: tuple[int, ...]
    rows: int
    start: int


@dataclass(eq=False)
class Footers:
    """What files of one schema say of themselves; shared by all who read them.

    ``told``: what has been found out from it, or from the rows, by whoever asked.
    """

    metadata: Sequence[Any]
    schema: pa.Schema
    told: dict[Any, Any] = field(default_factory=dict)

    def span(self, name: str) -> tuple[Any, Any] | None:
        """Least and greatest value of a column in all files, if they are known."""
        key = "span", name
        if key not in self.told:
            self.told[key] = self._span(name)
        found: tuple[Any, Any] | None = self.told[key]
        return found

    def _span(self, name: str) -> tuple[Any, Any] | None:
        found = [
            bounds(metadata, self.schema, group, name)
            for metadata in self.metadata
            for group in range(metadata.num_row_groups)
        ]
        known = [pair for pair in found if pair is not None]
        if not known or len(known) < len(found):
            return None
        return min(low for low, _ in known), max(high for _, high in known)


@dataclass(eq=False)
class ParquetSource:
    """Local Parquet files of one schema, in order.

    ``footers`` is None in a task on another machine, which reads the files' own.  ``held``:
    all rows are kept in memory, and the files may change.  ``contents``: those of small files,
    which are read as a whole when they are opened, and decoded when their rows are needed.
    """

    pins: tuple[Pin, ...]
    footers: Footers | None
    held: bool = False
    contents: tuple[bytes, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "cut": self.cut, "footers": None}

    @cached_property
    def cut(self) -> list[Piece]:
        return [] if self.footers is None else cut(self.footers.metadata)

    @property
    def facts(self) -> dict[Any, Any]:
        """What has been found out about the rows, for whoever reads the same files again."""
        return {} if self.footers is None else self.footers.told

    @property
    def metadata(self) -> Sequence[Any] | None:
        return None if self.footers is None else self.footers.metadata

    def describe(self) -> str:
        names = [p.path for p in self.pins]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def rows(self) -> int:
        if self.footers is None:
            return self.cut[-1].start + self.cut[-1].rows
        return sum(metadata.num_rows for metadata in self.footers.metadata)

    def verify(self) -> None:
        """FileChangedError if a file is not what it was when it was opened."""
        for pin in () if self.held or self.contents else self.pins:
            pin.verify()

    def places(self) -> tuple[str | bytes, ...]:
        """Where each file's bytes are: its path, or the bytes themselves."""
        return self.contents or tuple(pin.path for pin in self.pins)

    def pieces(self) -> Sequence[Piece]:
        return self.cut

    def select(self, pieces: Sequence[Piece], node: Scan) -> list[Piece]:
        """The pieces that may hold rows of the scan's predicate; at least one."""
        ways = [
            [(node.names[b[0]], *b[1:]) for b in map(comparison, terms) if b]
            for terms in node.predicate or ((),)
        ]
        chosen = [
            p for p in pieces if any(all(self._may_match(p, *b) for b in bounds) for bounds in ways)
        ]
        return chosen or [Piece(pieces[0].file, (), 0, pieces[0].start)]

    def _may_match(self, piece: Piece, name: str, op: str, value: Any) -> bool:
        if self.footers is None:
            return True
        metadata, schema = self.footers.metadata[piece.file], self.footers.schema
        ranges = (bounds(metadata, schema, g, name) for g in piece.groups)
        return any(r is None or overlaps(r, op, value) for r in ranges)

    def share(self, names: Mapping[str, str], terms: Sequence[Expr]) -> float:
        """A guess of the part of all rows in which the terms hold, by least and greatest values."""
        spans: dict[str, Span] = {}
        for found in filter(None, map(comparison, terms)):
            name = names.get(found[0])
            whole = None if name is None or self.footers is None else self.footers.span(name)
            if name is not None and whole is not None:
                narrowed(spans.setdefault(name, Span(*whole)), *found[1:])
        return math.prod(span.share() for span in spans.values())

    def read(
        self, piece: Piece, ids: Mapping[str, str], fields: Mapping[str, Field]
    ) -> pd.DataFrame:
        """The piece's columns under their ids, in the fields' physical types."""
        names = list(dict.fromkeys(ids.values()))
        if not names:
            return assemble({}, piece.rows)
        if not self.contents:
            self.pins[piece.file].verify(elsewhere=True)
        known = None if self.metadata is None else self.metadata[piece.file]
        with parquet_file(self.places()[piece.file], known) as file:
            # Pieces are read in parallel: threads of Arrow's own help only a single one of a file.
            alone = len(self.cut) == 1 and not self.contents
            table = file.read_row_groups(list(piece.groups), columns=names, use_threads=alone)
        # A column called "a.b" comes along with "a".
        table = table.select(names).replace_schema_metadata(None)
        columns = convert(table, {n: fields[i] for i, n in ids.items()})
        return assemble({i: columns[n] for i, n in ids.items()}, piece.rows)


def convert(table: pa.Table, fields: Mapping[str, Field]) -> dict[str, pd.Series]:
    """The columns of an Arrow table as pandas columns of the fields' physical types."""
    columns: dict[str, pd.Series] = {}
    for n, wanted in fields.items():
        values = table.column(n)
        own = storage(wanted)
        if own is not None:
            columns[n] = pd.Series(own.__from_arrow__(values), copy=False)
            continue
        column = values.to_pandas(use_threads=False)
        if column.dtype != wanted.dtype:
            column = column.astype(wanted.dtype)
        elif isinstance(column.dtype, np.dtype) and not column.to_numpy().flags.writeable:
            column = column.copy()
        columns[n] = column
    return columns


def storage(field: Field) -> Any:
    """The extension dtype that makes its array from Arrow itself; None for other columns."""
    if field.encoding:
        return TEXT_STORAGE
    return field.dtype if is_str_dtype(field.dtype) or is_nullable(field.dtype) else None


def is_nullable(dtype: Any) -> bool:
    """Whether a dtype is one of pandas' nullable ones (Int64, boolean, string, …)."""
    return (
        isinstance(dtype, pd.api.extensions.ExtensionDtype)
        and not isinstance(dtype, pd.DatetimeTZDtype)
        and not is_str_dtype(dtype)
    )


# -- pieces --------------------------------------------------------------------------------


def cut(metadata: Sequence[Any]) -> list[Piece]:
    """Row groups put together into even pieces of at most about ``partition_bytes``."""
    sizes = [group_bytes(m) for m in metadata]
    target = piece_bytes(sum(sum(each) for each in sizes))
    pieces: list[Piece] = []
    start = 0
    for f, (m, each) in enumerate(zip(metadata, sizes)):
        for groups in even(each, target):
            rows = sum(m.row_group(g).num_rows for g in groups)
            pieces.append(Piece(f, groups, rows, start))
            start += rows
    return pieces or [Piece(0, (), 0, 0)]


def piece_bytes(total: float) -> float:
    """Small enough to keep the local processors evenly busy, not smaller than pays."""
    if options.address:
        return options.partition_bytes
    processors = os.cpu_count() or 1
    share = max(total / (4 * processors), SMALL_PIECE)
    # Each processor holds a few pieces at a time, and what they become.
    room = options.memory_limit / (32 * processors)
    return min(share, options.partition_bytes, room)


def group_bytes(metadata: Any) -> list[float]:
    """The size of each row group: as encoded, or a part of that of the pandas columns.

    Repeated values take next to nothing in the file; few queries need all columns.
    """
    kinds = (field.type for field in metadata.schema.to_arrow_schema())
    width = sum(k.bit_width / 8 if pa.types.is_primitive(k) else 24 for k in kinds)
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return [max(g.total_byte_size, g.num_rows * width / 4) for g in groups]


def even(sizes: Sequence[float], target: float) -> Iterator[tuple[int, ...]]:
    """Consecutive row groups in runs of about equal size, near ``target`` bytes."""
    share = sum(sizes) / max(1, round(sum(sizes) / target))
    chosen: list[int] = []
    done = 0.0
    limit = share
    for g, size in enumerate(sizes):
        if chosen and done + size / 2 > limit:
            yield tuple(chosen)
            chosen = []
            limit = max(limit + share, done + share / 2)
        chosen.append(g)
        done += size
    if chosen:
        yield tuple(chosen)
