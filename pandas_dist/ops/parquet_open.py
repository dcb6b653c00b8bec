"""Opening Parquet files: labels, index and dtypes by their footers.

They are those of pandas' own conversion of an empty table with the files' schema and metadata;
what depends on the data (nulls in integer and boolean columns) comes from the statistics.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist import backends, gains
from pandas_dist.config import engine_name, options
from pandas_dist.ops import parquet
from pandas_dist.ops.files import Pin, register
from pandas_dist.ops.parquet import Footers, ParquetSource, is_nullable
from pandas_dist.ops.parquet_statistics import null_counts, opened
from pandas_dist.ops.places import is_url, parquet_files
from pandas_dist.pandas_private import arrow_to_pandas, text_options
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Scan, row_bytes
from pandas_dist.plan.schema import Field, is_str_dtype, new_id

# Engines that decode what they need of a small file; others get the rows that pandas reads.
DECODERS = frozenset({"polars"})


def open_parquet(path: str | list[str], columns: Any) -> FramePlan | None:
    """A lazy plan over files; None where pandas should read them at once.

    That includes everything that pandas may refuse, so that its own exception shows.
    """
    try:
        files = local_files(path)
        if files is None:
            return None
        pins = tuple(map(Pin.of, files))
        small = sum(p.size for p in pins) < parquet.SMALL_FILE
        if small and engine_name() not in DECODERS:
            return None
        contents = tuple(map(read_bytes, files)) if small else ()
        table = remembered(pins, contents, columns)
    except (OSError, ValueError, pa.ArrowException):
        return None
    if table is None:
        return None
    if engine_name() == "auto" and size_of(table) < gains.FILES * options.min_bytes:
        return None
    return plan_of(ParquetSource(pins, table.footers, contents=contents), table)


def size_of(table: Table) -> float:
    """About the bytes of the columns: in the files before compression, or in memory if more."""
    metadata = table.footers.metadata
    share = min(1.0, len(table.fields) / max(1, metadata[0].num_columns)) if metadata else 0.0
    rows = sum(m.num_rows for m in metadata)
    return max(share * sum(map(data_bytes, metadata)), rows * row_bytes(table.fields.values()))


def read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def local_files(path: str | list[str]) -> list[str] | None:
    """The Parquet files that a path means, in pandas' order; None if it is not for us."""
    if isinstance(path, list):
        # Directories called "key=value" become columns, for lists of files.
        plain = all(os.path.isfile(p) and "=" not in os.path.abspath(p) for p in path)
        return path if path and plain else None
    if is_url(path):
        return remote_files(path)
    if os.path.isfile(path):
        return [path]
    if not os.path.isdir(path):
        return None
    names = sorted(n for n in os.listdir(path) if not n.startswith((".", "_")))
    files = [os.path.join(path, n) for n in names]
    usual = all(os.path.isfile(f) and f.endswith((".parquet", ".pq")) for f in files)
    return files if files and usual else None


def remote_files(path: str) -> list[str] | None:
    """The Parquet files of a URL, if a cluster reads them itself."""
    engine = None if engine_name() == "auto" else backends.current()
    if engine is None or not getattr(engine, "streams", False) or not engine.reaches(path):
        return None
    try:
        return parquet_files(path)
    except ImportError:  # pandas says what is not installed
        return None


# -- what footers say --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Some columns of files of one schema.

    ``fields``: of each column that is read; ``labels``: of those that are shown, the columns
    ``shown``; ``keys``: those that are the index, of the names ``levels``; ``index``: what
    pandas' metadata says of it.
    """

    footers: Footers
    fields: Mapping[str, Field]
    labels: pd.Index
    shown: Sequence[str]
    keys: Sequence[str]
    levels: Sequence[Any]
    multi: bool
    index: Sequence[Any]


KEPT = 64  # tables
YOUNG = 2.0  # seconds: times of files are that coarse, at most
_tables: dict[Hashable, Table] = {}


def remembered(pins: tuple[Pin, ...], contents: tuple[bytes, ...], columns: Any) -> Table | None:
    """What the footers say: read again only if the files may be others than they were then.

    None where pandas should read the files.
    """
    if columns is not None:
        if type(columns) is not list or not all(isinstance(c, str) for c in columns):
            return None
        columns = tuple(columns)
    key = pins, columns, text_options()
    found = _tables.pop(key, None)
    if found is not None and contents and tuple(Pin.of(p.path) for p in pins) != pins:
        found = None  # written while it was read
    if found is None:
        found = table_of(contents or tuple(p.path for p in pins), columns)
        # A file that was written just now may be written again without a trace in its times.
        latest = max(max(p.mtime, p.changed) for p in pins) / 1e9
        if found is None or time.time() - latest < YOUNG:
            return found
        while len(_tables) >= KEPT:
            _tables.pop(next(iter(_tables)), None)
    _tables[key] = found  # the last one used is the last one to go
    return found


def table_of(places: Sequence[str | bytes], columns: Sequence[str] | None) -> Table | None:
    """What the footers say; None where pandas should read the files."""
    metadata = [pq.read_metadata(opened(place)) for place in places]
    schemas = [m.schema.to_arrow_schema() for m in metadata]
    schema = schemas[0]
    if any(s != schema for s in schemas[1:]):
        return None
    wanted = wanted_columns(schema, columns)
    if wanted is None:
        return None
    nulls = null_counts(places, metadata, schema, wanted)
    chosen = pa.schema([schema.field(n) for n in wanted], metadata=schema.metadata)
    empty = arrow_to_pandas(chosen.empty_table())
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
    fields = {n: field_of(schema.field(n).type, dtypes[n], nulls.get(n, 1)) for n in wanted}
    if not all(f.known for f in fields.values()):
        return None
    multi = isinstance(empty.index, pd.MultiIndex)
    levels = list(empty.index.names)
    footers = Footers(metadata, schema)
    return Table(footers, fields, empty.columns, shown, keys, levels, multi, index)


def plan_of(source: ParquetSource, table: Table) -> FramePlan:
    """Scan, columns and labels of opened files."""
    ids = {new_id(): name for name in table.fields}
    by_name = {n: Col(i, table.fields[n]) for i, n in ids.items()}
    labels: Labels
    if table.keys:
        exprs = tuple(by_name[k] for k in table.keys)
        labels = KeyLabels(exprs, list(table.levels), table.multi)
    else:
        labels = range_labels(table.index, source.rows())
    fields = {i: table.fields[n] for i, n in ids.items()}
    scan = Scan(source, ids, fields, small=bool(source.contents))
    columns = table.labels.copy()
    shown = tuple(by_name[n] for n in table.shown)
    return FramePlan(scan if scan.small else register(scan), columns, shown, labels)


def data_bytes(metadata: Any) -> int:
    """Bytes of a file's columns before compression."""
    return sum(metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups))


def wanted_columns(schema: pa.Schema, columns: Sequence[str] | None) -> list[str] | None:
    """The columns to read, index included; None where pandas should read the files."""
    index = index_descriptors(schema)
    if index is None:
        return None
    keys = [c for c in index if isinstance(c, str)]
    given = list(schema.names) if columns is None else columns
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


def range_labels(index: Sequence[Any], rows: int) -> RangeLabels:
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
