"""Files: Spark's own Parquet reader where its types are pandas', pieces by pyarrow otherwise."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import types as T

from pandas_dist.backends.spark import session
from pandas_dist.backends.spark.columns import native, of_field
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import Key, Rows, new_name, quoted, text
from pandas_dist.backends.spark.times import PER_SECOND, unit_of
from pandas_dist.ops.parquet import ParquetSource, leaf_of
from pandas_dist.plan.relations import Scan
from pandas_dist.plan.schema import Field

BY_PIECES = "read by pyarrow"
# Types that Spark reads from Parquet as what Arrow says they are.
TYPES: dict[Any, Any] = {
    pa.int8(): T.ByteType(),
    pa.int16(): T.ShortType(),
    pa.int32(): T.IntegerType(),
    pa.int64(): T.LongType(),
    pa.float32(): T.FloatType(),
    pa.float64(): T.DoubleType(),
    pa.bool_(): T.BooleanType(),
    pa.string(): T.StringType(),
    pa.large_string(): T.StringType(),
    pa.timestamp("ms"): T.TimestampNTZType(),
    pa.timestamp("us"): T.TimestampNTZType(),
    pa.timestamp("ns"): T.LongType(),
}


def lazy(node: Scan, ids: list[str], ordered: bool) -> Frame | None:
    """The files as a frame; None where Spark's types are not those of pandas."""
    source = node.source
    if type(source) is not ParquetSource or source.held or not source.metadata:
        return None
    paths = [pin.path for pin in source.pins]
    if not all(map(plain, paths)):
        return None
    columns: dict[str, str] = {}
    schema = T.StructType()
    for i in ids:
        name = node.names[i]
        found = column(source, name, node.fields[i])
        if found is None:
            return None
        kind, columns[i] = found
        if name not in schema.names:
            schema.add(name, kind)
    held = {i: of_field(node.fields[i]) for i in ids}
    if not ordered:
        return Frame(files(schema, paths).select(columns), held)
    order = (Key(new_name(), whole=True),)
    starts = first_positions(source)
    if len(paths) == 1 or all(map(simple, paths)):
        columns[order[0].name] = position(paths, starts)
        rows = files(schema, paths).select(columns)
    else:
        parts = []
        for path, start in zip(paths, starts, strict=True):
            columns[order[0].name] = f"_metadata.row_index + {start}L"
            parts.append(files(schema, [path]).select(columns))
        rows = parts[0].union(parts[1:])
    return Frame(rows, held, order, dense=True)


def files(schema: Any, paths: list[str]) -> Rows:
    return Rows(lambda: session.current().read.schema(schema).parquet(*paths))


def plain(path: str) -> bool:
    """Whether Spark takes the path for this one file: it knows patterns and hidden files."""
    parts = Path(path).absolute().parts
    hidden = parts[-1].startswith(("_", "."))
    return not hidden and not any(c in path for c in "*?[]{}\\,:#%") and "=" not in "".join(parts)


def column(source: ParquetSource, name: str, field: Field) -> tuple[Any, str] | None:
    """The type in which Spark reads a column, and the SQL of pandas' values."""
    wanted = native(field)
    assert source.metadata is not None
    schema = source.metadata[0].schema
    arrow = schema.to_arrow_schema()
    stored = arrow.field(name).type
    kind = TYPES.get(stored)
    if wanted is None or kind is None:
        return None
    if schema.column(leaf_of(arrow, name)).physical_type == "INT96":
        return None
    sql = quoted(name)
    if pa.types.is_timestamp(stored):
        moments = _moments(sql, stored.unit, field)
        return None if moments is None else (kind, moments)
    dtype = np.dtype(object) if kind == T.StringType() else stored.to_pandas_dtype()
    if kind != T.StringType() and np.dtype(dtype) != field.dtype:
        if field.kind != "f" or np.dtype(dtype).kind not in "if":
            return None
        sql = f"CAST({sql} AS {wanted})"
    return kind, sql


def _moments(sql: str, unit: str, field: Field) -> str | None:
    """Timestamps as whole numbers of pandas' unit."""
    if field.kind != "M":
        return None
    if unit != "ns":
        sql, unit = f"unix_micros(CAST({sql} AS timestamp))", "us"
    have, want = PER_SECOND[unit], PER_SECOND[unit_of(field.dtype)]
    if have == want:
        return sql
    return f"({sql} * {want // have}L)" if want > have else f"({sql} div {have // want}L)"


def simple(path: str) -> bool:
    """Whether the path is the same as a URL."""
    return re.fullmatch(r"[\w./-]*", str(Path(path).absolute()), re.ASCII) is not None


def first_positions(source: ParquetSource) -> list[int]:
    """The position of the first row of each file."""
    counts = [m.num_rows for m in source.metadata or ()]
    return list(itertools.accumulate(counts, initial=0))[:-1]


def position(paths: list[str], starts: list[int]) -> str:
    """The place of each row in all files."""
    if len(paths) == 1:
        return "_metadata.row_index"
    known = {
        text(f"{scheme}{Path(path).absolute()}"): start
        for path, start in zip(paths, starts, strict=True)
        for scheme in ("file:", "file://")
    }
    pairs = ", ".join(f"{name}, {start}L" for name, start in known.items())
    return f"_metadata.row_index + element_at(map({pairs}), _metadata.file_path)"
