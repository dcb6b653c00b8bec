"""Parquet files as relations: pinned, pruned, with row-group statistics.

The labels, the index and the dtypes of a file are those of pandas' own conversion of an
empty table with the file's schema and metadata; what depends on the data (nulls in integer
and boolean columns) comes from the statistics.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist.config import engine_name, options
from pandas_dist.ops.files import FileChangedError, Pin, register
from pandas_dist.pandas_private import arrow_to_pandas, text_options
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Scan, assemble
from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype, new_id

__all__ = ["FileChangedError", "ParquetSource", "comparison", "open_parquet"]

SMALL_FILE = 1 << 20
# Engines that decode what they need of a small file; others get the rows that pandas reads.
DECODERS = frozenset({"polars"})
SMALL_PIECE = 8 << 20
# The largest integer below which floats and integers compare alike.
_EXACT = 1 << 53


@dataclass(frozen=True, slots=True)
class Piece:
    """Some row groups of one file; ``start`` is the position of their first row."""

    file: int
    groups: tuple[int, ...]
    rows: int
    start: int


@dataclass(eq=False)
class ParquetSource:
    """Local Parquet files of one schema, in order.

    ``metadata`` is None in a task on another machine, which reads the files' own.  ``held``:
    all rows are kept in memory, and the files may change.  ``contents``: those of small files,
    which are read as a whole when they are opened, and decoded when their rows are needed.
    """

    pins: tuple[Pin, ...]
    cut: list[Piece]
    metadata: Sequence[Any] | None
    held: bool = False
    contents: tuple[bytes, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "metadata": None}

    def describe(self) -> str:
        names = [p.path for p in self.pins]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def rows(self) -> int:
        return self.cut[-1].start + self.cut[-1].rows

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
        if self.metadata is None:
            return True
        metadata = self.metadata[piece.file]
        schema = metadata.schema.to_arrow_schema()
        ranges = (bounds(metadata, schema, g, name) for g in piece.groups)
        return any(r is None or overlaps(r, op, value) for r in ranges)

    def share(self, names: Mapping[str, str], terms: Sequence[Expr]) -> float:
        """A guess of the part of all rows in which the terms hold, by least and greatest values."""
        spans: dict[str, Span] = {}
        for found in filter(None, map(comparison, terms)):
            name = names.get(found[0])
            whole = None if name is None else self._span(name)
            if name is not None and whole is not None:
                narrowed(spans.setdefault(name, Span(*whole)), *found[1:])
        return math.prod(span.share() for span in spans.values())

    def _span(self, name: str) -> tuple[Any, Any] | None:
        """Least and greatest value of a column in all files, if they are known."""
        found = []
        for metadata in self.metadata or ():
            schema = metadata.schema.to_arrow_schema()
            groups = range(metadata.num_row_groups)
            found += [bounds(metadata, schema, g, name) for g in groups]
        known = [pair for pair in found if pair is not None]
        if not known or len(known) < len(found):
            return None
        return min(low for low, _ in known), max(high for _, high in known)

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
        with pq.ParquetFile(opened(self.places()[piece.file]), metadata=known) as file:
            # Pieces are read in parallel: threads of Arrow's own help only a single one.
            alone = len(self.cut) == 1
            table = file.read_row_groups(list(piece.groups), columns=names, use_threads=alone)
        # A column called "a.b" comes along with "a".
        table = table.select(names).replace_schema_metadata(None)
        columns = convert(table, {n: fields[i] for i, n in ids.items()})
        return assemble({i: columns[n] for i, n in ids.items()}, piece.rows)


def opened(place: str | bytes) -> Any:
    """What Arrow reads a file from."""
    return pa.BufferReader(place) if isinstance(place, bytes) else place


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


# -- statistics ----------------------------------------------------------------------------


def comparison(term: Expr) -> tuple[str, str, Any] | None:
    """``column <op> constant``, which statistics can refute."""
    names = ("eq", "lt", "le", "gt", "ge")
    if isinstance(term, Call) and len(term.args) == 2 and term.name in names:
        left, right = term.args
        flipped = type(term.kernel).__name__ == "_Reflected"
        if isinstance(left, Col) and isinstance(right, Lit) and not flipped:
            return left.id, term.name, right.value
    return None


def bounds(metadata: Any, schema: pa.Schema, group: int, name: str) -> tuple[Any, Any] | None:
    """Least and greatest value of a column in a row group; None if they are not known."""
    kind = schema.field(name).type
    timestamps = pa.types.is_timestamp(kind) and kind.tz is None
    if not (pa.types.is_integer(kind) or timestamps):
        return None
    stats = metadata.row_group(group).column(leaf_of(schema, name)).statistics
    if stats is None or not stats.has_min_max:
        return None
    try:
        low, high = stats.min, stats.max
        return (pd.Timestamp(low), pd.Timestamp(high)) if timestamps else (low, high)
    except (ValueError, OverflowError):
        return None  # a date beyond what Python can say


def overlaps(span: tuple[Any, Any], op: str, value: Any) -> bool:
    """Whether a value within the bounds may satisfy the comparison, as pandas compares."""
    low, high = span
    try:
        if isinstance(low, pd.Timestamp):
            if isinstance(value, (int, float)):
                return True
            value = pd.Timestamp(value)
        elif max(abs(low), abs(high), abs(value)) >= _EXACT:
            return True  # pandas may compare as floats, which then are rounded
        if op == "eq":
            return bool(low <= value <= high)
        if op in ("lt", "le"):
            return bool(low < value if op == "lt" else low <= value)
        return bool(high > value if op == "gt" else high >= value)
    except (TypeError, ValueError):
        return True


@dataclass(slots=True)
class Span:
    """Values between which all, and the chosen ones, are."""

    least: Any
    greatest: Any
    low: Any = None
    high: Any = None

    def share(self) -> float:
        """The chosen part, if values are spread evenly."""
        low = self.least if self.low is None else max(self.low, self.least)
        high = self.greatest if self.high is None else min(self.high, self.greatest)
        if low > high:
            return 0.0
        width = self.greatest - self.least
        return float((high - low) / width) if width else 1.0


def narrowed(span: Span, op: str, value: Any) -> None:
    """Take ``column <op> value`` into account where it can be compared."""
    times = isinstance(span.least, pd.Timestamp)
    if isinstance(value, pd.Timestamp) is not times or not (times or isinstance(value, int)):
        return
    if times and value.tz is not None:
        return
    if op in ("gt", "ge", "eq"):
        span.low = value if span.low is None else max(span.low, value)
    if op in ("lt", "le", "eq"):
        span.high = value if span.high is None else min(span.high, value)


def leaf_of(schema: pa.Schema, name: str) -> int:
    """The number of a flat column among the file's leaves, of which nested ones have many."""
    place = schema.get_field_index(name)
    return sum(leaves(schema.field(n).type) for n in range(place))


def leaves(kind: pa.DataType) -> int:
    """How many Parquet columns hold a type."""
    if isinstance(kind, pa.BaseExtensionType):
        return leaves(kind.storage_type)
    if pa.types.is_nested(kind):
        inner = sum(leaves(kind.field(n).type) for n in range(kind.num_fields))
        return inner or 1
    return 1


def null_counts(
    places: Sequence[str | bytes],
    metadata: Sequence[Any],
    schema: pa.Schema,
    names: Sequence[str],
) -> dict[str, int]:
    """Number of nulls in each column: by the statistics, or by reading it where they do not say."""
    leaf = {n: leaf_of(schema, n) for n in names if tells_nulls(schema.field(n).type)}
    totals = dict.fromkeys(leaf, 0)
    for place, m in zip(places, metadata):
        for g in range(m.num_row_groups):
            group = m.row_group(g)
            for name, n in leaf.items():
                stats = group.column(n).statistics
                if stats is not None and stats.has_null_count:
                    totals[name] += stats.null_count
                elif not counts_nulls(schema.field(name).type):
                    totals[name] += 1  # unknown, and not worth reading
                elif schema.field(name).nullable:
                    with pq.ParquetFile(opened(place), metadata=m) as file:
                        column = file.read_row_group(g, columns=[name]).column(name)
                    totals[name] += column.null_count
    return totals


def tells_nulls(kind: pa.DataType) -> bool:
    """Whether the number of nulls is of use: it may also make results' dtypes known."""
    return counts_nulls(kind) or bool(pa.types.is_timestamp(kind))


def counts_nulls(kind: pa.DataType) -> bool:
    """Whether the pandas column depends on the number of nulls."""
    t = pa.types
    return bool(
        t.is_integer(kind) or t.is_boolean(kind) or t.is_string(kind) or t.is_large_string(kind)
    )


# -- opening -------------------------------------------------------------------------------


def open_parquet(path: str | list[str], columns: Any) -> FramePlan | None:
    """A lazy plan over local files; None where pandas should read them at once.

    That includes everything that pandas may refuse, so that its own exception shows.
    """
    try:
        files = local_files(path)
        if files is None:
            return None
        pins = tuple(Pin.of(f) for f in files)
        small = sum(p.size for p in pins) < SMALL_FILE
        if small and engine_name() not in DECODERS:
            return None
        contents = tuple(Path(f).read_bytes() for f in files) if small else ()
        places: Sequence[str | bytes] = contents or files
        metadata = [pq.read_metadata(opened(place)) for place in places]
        if engine_name() == "auto" and sum(map(data_bytes, metadata)) < options.min_bytes:
            return None
        schemas = [m.schema.to_arrow_schema() for m in metadata]
        if any(s != schemas[0] for s in schemas[1:]):
            return None
        wanted = wanted_columns(schemas[0], columns)
        if wanted is None:
            return None
        nulls = null_counts(places, metadata, schemas[0], wanted)
    except (OSError, ValueError, pa.ArrowException):
        return None
    source = ParquetSource(pins, cut(metadata), metadata, contents=contents)
    return plan_of(source, schemas[0], wanted, nulls)


def data_bytes(metadata: Any) -> int:
    """Bytes of a file's columns before compression."""
    return sum(metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups))


def local_files(path: str | list[str]) -> list[str] | None:
    """The Parquet files that a path means, in pandas' order; None if it is not for us."""
    if isinstance(path, list):
        # Directories called "key=value" become columns, for lists of files.
        plain = all(os.path.isfile(p) and "=" not in os.path.abspath(p) for p in path)
        return path if path and plain else None
    if os.path.isfile(path):
        return [path]
    if not os.path.isdir(path):
        return None
    names = sorted(n for n in os.listdir(path) if not n.startswith((".", "_")))
    files = [os.path.join(path, n) for n in names]
    usual = all(os.path.isfile(f) and f.endswith((".parquet", ".pq")) for f in files)
    return files if files and usual else None


def wanted_columns(schema: pa.Schema, columns: Any) -> list[str] | None:
    """The columns to read, index included; None where pandas should read the files."""
    index = index_descriptors(schema)
    if index is None or (columns is not None and type(columns) is not list):
        return None
    keys = [c for c in index if isinstance(c, str)]
    given = list(schema.names) if columns is None else columns
    if not all(isinstance(c, str) for c in given):
        return None
    wanted = [*given, *(k for k in keys if k not in given)]
    once = len(set(wanted)) == len(wanted) and len(set(schema.names)) == len(schema.names)
    if not once or not set(wanted) <= set(schema.names):
        return None
    return wanted if all(supported(schema.field(n).type) for n in wanted) else None


def supported(kind: pa.DataType) -> bool:
    """Types each of whose values becomes a pandas value whatever the other rows hold."""
    t = pa.types
    checks = (
        t.is_integer, t.is_floating, t.is_boolean, t.is_string, t.is_large_string, t.is_timestamp,
        t.is_duration, t.is_date, t.is_time, t.is_decimal, t.is_binary, t.is_large_binary,
        t.is_null,
    )  # fmt: skip
    return any(check(kind) for check in checks)


def index_descriptors(schema: pa.Schema) -> list[Any] | None:
    """What pandas' metadata says of the index, ``[]`` for a default one; None if unusual."""
    metadata = schema.metadata or {}
    if json.loads(metadata.get(b"PANDAS_ATTRS", b"{}")):
        return None
    if b"pandas" not in metadata:
        return []
    index = json.loads(metadata[b"pandas"]).get("index_columns", [])
    if len(index) == 1 and isinstance(index[0], dict) and index[0].get("kind") == "range":
        return list(index)
    return list(index) if all(isinstance(c, str) for c in index) else None


def plan_of(
    source: ParquetSource, schema: pa.Schema, wanted: list[str], nulls: Mapping[str, int]
) -> FramePlan | None:
    """Scan, columns and labels of opened files."""
    chosen = pa.schema([schema.field(n) for n in wanted], metadata=schema.metadata)
    empty = empty_frame(chosen.serialize().to_pybytes(), text_options())
    index = index_descriptors(schema) or []
    keys = [c for c in index if isinstance(c, str)]
    shown = [n for n in wanted if n not in keys]
    if len(shown) != len(empty.columns) or (keys and empty.index.nlevels != len(keys)):
        return None
    dtypes = dict(zip(shown, empty.dtypes))
    for level, key in enumerate(keys):
        dtypes[key] = empty.index.get_level_values(level).dtype
        if is_nullable(dtypes[key]):
            return None
    ids = {new_id(): name for name in wanted}
    fields = {i: field_of(schema.field(n).type, dtypes[n], nulls.get(n, 1)) for i, n in ids.items()}
    if not all(f.known for f in fields.values()):
        return None
    by_name = {n: Col(i, fields[i]) for i, n in ids.items()}
    labels: Labels = range_labels(index, source.rows())
    if keys:
        labels = KeyLabels(
            tuple(by_name[k] for k in keys),
            list(empty.index.names),
            isinstance(empty.index, pd.MultiIndex),
        )
    exprs = tuple(by_name[n] for n in shown)
    scan = Scan(source, ids, fields, small=bool(source.contents))
    return FramePlan(scan if scan.small else register(scan), empty.columns.copy(), exprs, labels)


@lru_cache(maxsize=64)
def empty_frame(schema: bytes, options: tuple[Any, Any]) -> pd.DataFrame:
    """pandas' conversion of a table of this serialized schema without rows; not to be changed.

    ``options``: those of pandas on which it depends.
    """
    return arrow_to_pandas(pa.ipc.read_schema(pa.py_buffer(schema)).empty_table())


def range_labels(index: list[Any], rows: int) -> RangeLabels:
    """The range of pandas' metadata, if it fits the rows."""
    if index and isinstance(index[0], dict):
        labels = range(index[0]["start"], index[0]["stop"], index[0]["step"])
        if len(labels) == rows:
            return RangeLabels.of(labels, index[0]["name"])
    return RangeLabels()


def field_of(kind: pa.DataType, dtype: Any, nulls: int) -> Field:
    """The pandas column of a Parquet column; ``dtype`` is pandas' for an empty one."""
    t = pa.types
    if is_nullable(dtype):
        return Field(dtype)
    if t.is_integer(kind) or t.is_boolean(kind):
        if nulls == 0:
            return Field(dtype, nulls=False)
        return Field(np.dtype(object if t.is_boolean(kind) else "float64"))
    if t.is_string(kind) or t.is_large_string(kind):
        if is_str_dtype(dtype):
            return Field(dtype, nulls != 0, True)
        # Any other dtype is not one that pandas itself gives.
        return Field(dtype, nulls != 0, True, "none") if dtype.kind == "O" else Field(None)
    return Field(dtype, nulls=not (t.is_timestamp(kind) and nulls == 0))


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
