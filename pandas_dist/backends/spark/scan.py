"""Files: Spark's own Parquet reader where its types are pandas', pieces by pyarrow otherwise."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import types as T

from pandas_dist.backends.spark import pieces, session
from pandas_dist.backends.spark.columns import native, of_field
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import Key, Rows, new_name, quoted, text
from pandas_dist.backends.spark.times import PER_SECOND, unit_of
from pandas_dist.ops.common import Method
from pandas_dist.ops.parquet import ParquetSource, comparison, leaf_of
from pandas_dist.ops.places import is_url
from pandas_dist.plan.expressions import Call, Col, Expr
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
    # Whole numbers of their unit: Spark's own timestamps are slow to take apart.
    pa.timestamp("ms"): T.LongType(),
    pa.timestamp("us"): T.LongType(),
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
    bounds = told(node)
    for i in ids:
        name = node.names[i]
        found = column(source, name, node.fields[i], name in bounds)
        if found is None:
            return None
        kind, columns[i] = found
        if name not in schema.names:
            schema.add(name, kind)
    held = {i: of_field(node.fields[i]) for i in ids}
    where = " AND ".join(itertools.chain.from_iterable(bounds.values()))
    if not ordered:
        return Frame(files(schema, paths, where).select(columns), held)
    order = (Key(new_name(), whole=True),)
    starts = first_positions(source)
    if len(paths) == 1 or all(map(simple, paths)):
        columns[order[0].name] = position(paths, starts)
        rows = files(schema, paths, where).select(columns)
    else:
        parts = []
        for path, start in zip(paths, starts, strict=True):
            columns[order[0].name] = f"_metadata.row_index + {start}L"
            parts.append(files(schema, [path], where).select(columns))
        rows = parts[0].union(parts[1:])
    return Frame(rows, held, order, dense=True)


def by_workers(node: Scan, ids: list[str]) -> Frame | None:
    """The files by the source's own reader, in Spark's workers; None where that is no good."""
    source = node.source
    if source.held:
        return None
    return pieces.read(node, ids, source.select(source.pieces(), node))


def files(schema: Any, paths: list[str], where: str) -> Rows:
    rows = Rows(lambda: session.current().read.schema(schema).parquet(*paths))
    return rows.where(where) if where else rows


# -- what filters above say of timestamps --------------------------------------------------------

SIGNS = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def told(node: Scan) -> dict[str, list[str]]:
    """Conditions on timestamps, by column, by which Spark can skip some row groups.

    They are those of the filters above, which are looked at again there, and need Spark's own
    timestamps: nothing where no row group would be skipped.
    """
    if len(node.predicate or ()) != 1:
        return {}
    groups = [replace(p, groups=(g,)) for p in node.source.pieces() for g in p.groups]
    if len(node.source.select(groups, node)) == len(groups):
        return {}
    found: dict[str, list[str]] = {}
    for i, condition in itertools.chain.from_iterable(map(moments, node.predicate[0])):
        if i in node.names and stored_as(node, i) in MICROS:
            name = node.names[i]
            found.setdefault(name, []).append(f"{quoted(name)} {condition}")
    return found


MICROS = (pa.timestamp("ms"), pa.timestamp("us"))


def stored_as(node: Scan, i: str) -> Any:
    """The type of a column in the files, if no value of it is rounded; else None."""
    field = node.fields[i]
    if field.kind != "M" or unit_of(field.dtype) not in ("us", "ns"):
        return None
    return node.source.metadata[0].schema.to_arrow_schema().field(node.names[i]).type


def moments(term: Expr) -> Iterator[tuple[str, str]]:
    """The columns that a term compares with a time: their ids, and SQL of sign and time."""
    found = [comparison(term)]
    if isinstance(term, Call) and isinstance(term.kernel, Method) and term.name == "between":
        column = term.args[0]
        if isinstance(column, Col) and len(term.kernel.args) == 2:
            found = [(column.id, op, v) for op, v in zip(("ge", "le"), term.kernel.args)]
    for i, op, value in filter(None, found):
        shown = moment(value)
        if shown is not None:
            yield i, f"{SIGNS[op]} {shown}"


def moment(value: Any) -> str | None:
    """A time in SQL; None if it is none, or finer than Spark's."""
    if not isinstance(value, (str, datetime, np.datetime64)):
        return None
    try:
        time = pd.Timestamp(value)
    except ValueError:
        return None
    if time is pd.NaT or time.tzinfo is not None or time.nanosecond or not 1 <= time.year <= 9999:
        return None
    return f"TIMESTAMP_NTZ {text(time.isoformat(sep=' '))}"


def plain(path: str) -> bool:
    """Whether Spark takes the path for this one file: it knows patterns and hidden files."""
    name = path.partition("://")[2] if is_url(path) else path
    parts = Path(name).absolute().parts
    hidden = parts[-1].startswith(("_", "."))
    return not hidden and not any(c in name for c in "*?[]{}\\,:#%") and "=" not in "".join(parts)


def column(source: ParquetSource, name: str, field: Field, skips: bool) -> tuple[Any, str] | None:
    """The type in which Spark reads a column, and the SQL of pandas' values.

    ``skips``: in Spark's own timestamps, as what skips row groups is in them.
    """
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
    if skips:
        shown = _of_unit(f"unix_micros(CAST({sql} AS timestamp))", "us", field)
        return T.TimestampNTZType(), shown
    if pa.types.is_timestamp(stored):
        return (kind, _of_unit(sql, stored.unit, field)) if field.kind == "M" else None
    dtype = np.dtype(object) if kind == T.StringType() else stored.to_pandas_dtype()
    if kind != T.StringType() and np.dtype(dtype) != field.dtype:
        if field.kind != "f" or np.dtype(dtype).kind not in "if":
            return None
        sql = f"CAST({sql} AS {wanted})"
    return kind, sql


def _of_unit(sql: str, unit: str, field: Field) -> str:
    """Whole numbers of a unit in pandas' unit."""
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
