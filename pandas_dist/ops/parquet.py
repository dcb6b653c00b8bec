"""Parquet files as relations: pinned, pruned, with row-group statistics."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist.config import options
from pandas_dist.pandas_private import PANDAS_3, arrow_to_pandas
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, RangeLabels
from pandas_dist.plan.relations import Scan, assemble
from pandas_dist.plan.schema import TEXT_STORAGE, Field, new_id

SMALL_FILE = 1 << 20


class FileChangedError(OSError):
    """A file that a plan reads was changed or removed between read and execution."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it was opened."""

    path: str
    size: int
    mtime: int
    inode: int

    @classmethod
    def of(cls, path: str) -> Pin:
        stat = os.stat(path)
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)

    def verify(self) -> None:
        try:
            now = Pin.of(self.path)
        except FileNotFoundError:
            raise FileChangedError(
                f"{self.path} was removed after it was opened and before its rows were needed; "
                "keep it until the results are computed, or call .dist.persist() first"
            ) from None
        if now != self:
            raise FileChangedError(
                f"{self.path} was changed after it was opened and before its rows were needed; "
                "read it again, or call .dist.persist() before overwriting it"
            )


@dataclass(frozen=True, slots=True)
class Piece:
    """Some row groups of one file; ``start`` is the position of their first row."""

    file: int
    groups: tuple[int, ...]
    rows: int
    start: int


@dataclass(eq=False)
class ParquetSource:
    """Local Parquet files of one schema, in order."""

    pins: tuple[Pin, ...]
    groups: tuple[tuple[int, ...], ...]
    statistics: Mapping[str, Any] = field(default_factory=dict)
    cut: list[Piece] = field(default_factory=list)

    def describe(self) -> str:
        names = [p.path for p in self.pins]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"

    def rows(self) -> int:
        return sum(sum(counts) for counts in self.groups)

    def verify(self) -> None:
        for pin in self.pins:
            pin.verify()

    def pieces(self) -> Sequence[Piece]:
        return self.cut

    def select(self, pieces: Sequence[Piece], node: Scan) -> list[Piece]:
        """The pieces that may hold rows of the scan's predicate; at least one."""
        chosen = [p for p in pieces if self._may_match(p, node)]
        return chosen or [_nothing(pieces[0])]

    def _may_match(self, piece: Piece, node: Scan) -> bool:
        for term in node.predicate or ():
            bound = comparison(term)
            if bound is None:
                continue
            column, op, value = bound
            ranges = [self.statistics.get((piece.file, g, node.names[column])) for g in piece.groups]
            if None not in ranges and not any(_overlaps(r, op, value) for r in ranges):
                return False
        return True

    def read(
        self, piece: Piece, ids: Mapping[str, str], fields: Mapping[str, Field]
    ) -> pd.DataFrame:
        """The piece's columns under their ids."""
        names = list(dict.fromkeys(ids.values()))
        with pq.ParquetFile(self.pins[piece.file].path, memory_map=False) as file:
            table = file.read_row_groups(list(piece.groups), columns=names, use_threads=False)
        frame = to_frame(table.replace_schema_metadata(None), ids, fields)
        columns = {i: frame[n] for i, n in ids.items()}
        return assemble(columns, piece.rows)


def _nothing(piece: Piece) -> Piece:
    return Piece(piece.file, (), 0, piece.start)


def to_frame(table: pa.Table, ids: Mapping[str, str], fields: Mapping[str, Field]) -> pd.DataFrame:
    """An Arrow table as pandas columns of the fields' physical types."""
    by_name = {name: fields[i] for i, name in ids.items()}
    text = [n for n in table.column_names if by_name[n].encoding]
    plain = table.drop_columns(text) if text else table
    frame = arrow_to_pandas(plain)
    columns = {n: frame[n] for n in plain.column_names}
    for n in text:
        values = TEXT_STORAGE.__from_arrow__(table.column(n))
        columns[n] = pd.Series(values, copy=False)
    for n, series in columns.items():
        wanted = by_name[n]
        if wanted.known and not wanted.encoding and series.dtype != wanted.dtype:
            columns[n] = series.astype(wanted.dtype)
    return assemble({n: columns[n] for n in table.column_names}, table.num_rows)


def comparison(term: Expr) -> tuple[str, str, Any] | None:
    """``column <op> constant``, which statistics can refute."""
    if isinstance(term, Call) and len(term.args) == 2 and term.name in ("eq", "lt", "le", "gt", "ge"):
        left, right = term.args
        flipped = type(term.kernel).__name__ == "_Reflected"
        if isinstance(left, Col) and isinstance(right, Lit) and not flipped:
            return left.id, term.name, right.value
    return None


def _overlaps(bounds: Any, op: str, value: Any) -> bool:
    low, high = bounds
    try:
        if isinstance(low, pd.Timestamp):
            value = pd.Timestamp(value)
        if op == "eq":
            return bool(low <= value <= high)
        if op in ("lt", "le"):
            return bool(low < value if op == "lt" else low <= value)
        return bool(high > value if op == "gt" else high >= value)
    except TypeError:
        return True


# -- opening -------------------------------------------------------------------------------


def open_parquet(path: str | list[str], columns: list[str] | None) -> FramePlan | None:
    """A lazy plan over local files; None where pandas should read them at once."""
    files = local_files(path)
    if files is None or sum(os.path.getsize(f) for f in files) < SMALL_FILE:
        return None
    pins = tuple(Pin.of(f) for f in files)
    metadata = [pq.read_metadata(f) for f in files]
    schema = metadata[0].schema.to_arrow_schema()
    if any(m.schema.to_arrow_schema() != schema for m in metadata[1:]) or not supported(schema):
        return None
    index = index_descriptors(schema)
    if index is None:
        return None
    wanted = list(schema.names) if columns is None else [*columns, *(c for c in index if isinstance(c, str))]
    if len(set(schema.names)) != len(schema.names) or not set(wanted) <= set(schema.names):
        return None
    return plan_of_files(pins, metadata, schema, wanted, index)


def local_files(path: str | list[str]) -> list[str] | None:
    """The Parquet files that a path means, in pandas' order; None if it is not for us."""
    if isinstance(path, list):
        return path if path and all(os.path.isfile(p) for p in path) else None
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        names = sorted(os.listdir(path))
        if any(os.path.isdir(os.path.join(path, n)) for n in names):
            return None
        files = [os.path.join(path, n) for n in names if not n.startswith((".", "_"))]
        return files if files and all(f.endswith((".parquet", ".pq")) for f in files) else None
    if any(c in path for c in "*?[") and "://" not in path:
        return sorted(glob.glob(path)) or None
    return None


def supported(schema: pa.Schema) -> bool:
    """Types whose pandas form is known from the file's metadata alone."""
    return all(_supported_type(f.type) for f in schema)


def _supported_type(kind: pa.DataType) -> bool:
    t = pa.types
    return bool(
        t.is_integer(kind)
        or t.is_floating(kind)
        and not t.is_float16(kind)
        or t.is_boolean(kind)
        or t.is_string(kind)
        or t.is_large_string(kind)
        or t.is_timestamp(kind)
    )


def index_descriptors(schema: pa.Schema) -> list[Any] | None:
    """What pandas' metadata says of the index; ``[]`` for a default one."""
    raw = (schema.metadata or {}).get(b"pandas")
    if raw is None:
        return []
    described = json.loads(raw)
    if described.get("attributes") or any(
        c.get("pandas_type") in ("categorical", "object") for c in described.get("columns", [])
    ):
        return None
    extension = [
        c for c in described.get("columns", []) if c.get("numpy_type") in _EXTENSION_NAMES
    ]
    column_index = described.get("column_indexes") or []
    named = any(c.get("name") is not None or c.get("pandas_type") != "unicode" for c in column_index)
    if extension or named:
        return None
    return list(described.get("index_columns", []))


_EXTENSION_NAMES = frozenset(
    "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 boolean string".split()
)


def plan_of_files(
    pins: tuple[Pin, ...],
    metadata: list[Any],
    schema: pa.Schema,
    wanted: list[str],
    index: list[Any],
) -> FramePlan:
    """Scan, columns and labels of opened files."""
    empty = arrow_to_pandas(schema.remove_metadata().empty_table())
    nulls = {name: null_counts(metadata, schema, name) for name in wanted}
    ids = {new_id(): name for name in wanted}
    fields = {i: field_for(schema.field(n), empty[n].dtype, nulls[n]) for i, n in ids.items()}
    groups = tuple(tuple(m.row_group(g).num_rows for g in range(m.num_row_groups)) for m in metadata)
    source = ParquetSource(pins, groups, statistics(metadata, schema, wanted))
    source.cut = cut(metadata, groups)
    scan = Scan(source, ids, fields)
    by_name = {n: Col(i, fields[i]) for i, n in ids.items()}
    labels, used = labels_of(index, by_name, source.rows(), len(pins))
    shown = [n for n in wanted if n not in used]
    return FramePlan(scan, pd.Index(shown, dtype=empty.columns.dtype), tuple(by_name[n] for n in shown), labels)


def labels_of(index: list[Any], by_name: Mapping[str, Col], rows: int, files: int) -> tuple[Any, set[str]]:
    """The index that pandas' metadata asks for, and the columns it uses up."""
    if index and all(isinstance(c, str) for c in index):
        names = [None if c.startswith("__index_level_") else c for c in index]
        exprs = tuple(by_name[c] for c in index)
        return KeyLabels(exprs, names, len(index) > 1), set(index)
    if index and isinstance(index[0], dict) and files == 1:
        labels = range(index[0]["start"], index[0]["stop"], index[0]["step"])
        if len(labels) == rows:
            return RangeLabels.of(labels, index[0]["name"]), set()
    return RangeLabels(), set()


def null_counts(metadata: list[Any], schema: pa.Schema, name: str) -> int | None:
    """Number of nulls by the files' statistics; None if they do not say."""
    place = schema.get_field_index(name)
    total = 0
    for m in metadata:
        for g in range(m.num_row_groups):
            stats = m.row_group(g).column(place).statistics
            if stats is None or not stats.has_null_count:
                return None
            total += stats.null_count
    return total


def field_for(described: pa.Field, dtype: Any, nulls: int | None) -> Field:
    """The pandas column of a Parquet column."""
    kind, t = described.type, pa.types
    if t.is_integer(kind) or t.is_boolean(kind):
        if nulls is None:
            return Field(None)
        if nulls == 0:
            return Field(dtype, nulls=False)
        return Field(np.dtype(object if t.is_boolean(kind) else "float64"))
    if t.is_string(kind) or t.is_large_string(kind):
        if PANDAS_3:
            return Field(dtype, nulls != 0, True)
        return Field(np.dtype(object), nulls != 0, True, "none")
    return Field(dtype, nulls != 0)


def statistics(metadata: list[Any], schema: pa.Schema, names: Iterable[str]) -> dict[Any, Any]:
    """(file, row group, column) → (min, max), for columns that filters compare."""
    found: dict[Any, Any] = {}
    for name in names:
        place, kind = schema.get_field_index(name), schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind)):
            continue
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            continue
        for f, m in enumerate(metadata):
            for g in range(m.num_row_groups):
                stats = m.row_group(g).column(place).statistics
                if stats is not None and stats.has_min_max:
                    bounds = (stats.min, stats.max)
                    if pa.types.is_timestamp(kind):
                        bounds = (pd.Timestamp(bounds[0]), pd.Timestamp(bounds[1]))
                    found[f, g, name] = bounds
    return found


def cut(metadata: list[Any], groups: tuple[tuple[int, ...], ...]) -> list[Piece]:
    """Row groups put together into pieces of about ``partition_bytes``."""
    pieces: list[Piece] = []
    start = 0
    for f, counts in enumerate(groups):
        chosen: list[int] = []
        rows = size = 0
        for g, n in enumerate(counts):
            chosen.append(g)
            rows += n
            size += metadata[f].row_group(g).total_byte_size
            if size >= options.partition_bytes or g == len(counts) - 1:
                pieces.append(Piece(f, tuple(chosen), rows, start))
                start += rows
                chosen, rows, size = [], 0, 0
    return pieces or [Piece(0, (), 0, 0)]
