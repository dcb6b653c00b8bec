"""Writing files: pandas' own writers, on all rows or on many rows at a time.

A result that is large, or larger than memory, is written as the engine gives its rows, in
order: pandas' writer sees each part, and the file is the one that it would write of the whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist import backends, fallback
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.files import local_path, scans_of
from pandas_dist.ops.places import is_url
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan import execute
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan, ensure_columns, fetch, make_frame
from pandas_dist.plan.index import RangeLabels
from pandas_dist.plan.schema import Field, decode
from pandas_dist.progress import execution

# Fewer bytes come here as a whole.
MANY_BYTES = 256e6
# pyarrow cuts tables into row groups of so many rows.
GROUP_ROWS = 1 << 20


def hold_rows(target: Any) -> None:
    """Bring the rows of lazily read files here before they are overwritten.

    To a script they have been in memory since it read them.  MemoryError if they do not fit.
    """
    path = local_path(target)
    for scan in scans_of(path) if isinstance(path, str) else ():
        exprs = tuple(Col(i, f) for i, f in scan.fields.items())
        plan = FramePlan(scan, pd.RangeIndex(len(exprs)), exprs, RangeLabels())
        fallback.guard(f"Writing over {path}, which is still to be read,", [plan])
        scan.source.verify()
        execute.collect(scan, set(scan.fields))
        scan.source.held = True


@rule("DataFrame", "to_parquet", strategy="gathered")
def frame_to_parquet(plan: Any, p: Any) -> Any:
    given = arguments(p)
    write = parquet_writer(plan, given)
    if write is not None:
        with contextlib.suppress(WholeFile):
            return write(plan, given)
    hold_rows(p.path)
    return gather(plan, pd.DataFrame.to_parquet, **given)


@rule("DataFrame", "to_csv", strategy="gathered")
def frame_to_csv(plan: Any, p: Any) -> Any:
    given = arguments(p)
    path: Any = local_path(p.path_or_buf)
    if is_plain_csv(given) and is_large(plan, path) and is_plain_file(path):
        with contextlib.suppress(WholeFile):
            return write_csv(plan, given)
    hold_rows(p.path_or_buf)
    return gather(plan, pd.DataFrame.to_csv, **given)


@rule("Series", "to_csv", strategy="gathered")
def series_to_csv(plan: Any, p: Any) -> Any:
    hold_rows(p.path_or_buf)
    return gather(plan, pd.Series.to_csv, **arguments(p))


# -- rows, some at a time --------------------------------------------------------------------


class WholeFile(Exception):
    """All rows are needed to know how the first ones are written; nothing is written yet."""


def is_large(plan: FramePlan, path: Any) -> bool:
    """Whether rows rather go to a file as the engine gives them."""
    if plan.memo or not plan.exprs or not isinstance(path, str) or any(scans_of(path)):
        return False
    if not getattr(backends.current(), "streams", False):
        return False
    # Of bounds, only a count tells how many rows there are.
    return all(size(plan)[1] > MANY_BYTES for size in (fallback.estimate, fallback.counted))


def is_plain_file(path: str) -> bool:
    """Whether a path is that of a file of its own, or of none in a directory that is there."""
    place = Path(path).expanduser()
    if is_url(path) or place.is_symlink() or (place.exists() and not place.is_file()):
        return False
    return place.parent.is_dir() and os.access(place.parent, os.W_OK)


def blocks(plan: FramePlan, rows: int) -> Iterator[list[pd.Series]]:
    """The columns' values in order, ``rows`` rows at a time, as the engine holds them."""
    relation, ids = ensure_columns(plan.relation, plan.exprs)
    with execution():
        for frame in backends.current().stream(relation, set(ids), rows):
            yield [frame[i] for i in ids]


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """The name of a new file that takes the place of ``path`` once it is complete."""
    place = Path(path).expanduser()
    new = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    try:
        yield str(new)
        if place.exists():
            shutil.copymode(place, new)
        os.replace(new, place)
    finally:
        new.unlink(missing_ok=True)


# -- Parquet ---------------------------------------------------------------------------------


def parquet_writer(plan: FramePlan, given: Mapping[str, Any]) -> Any:
    """How many rows are written by pyarrow's own settings; None where pandas writes them."""
    engine = given["engine"]
    if engine in ("auto", pd.api.extensions.no_default):
        engine = pd.get_option("io.parquet.engine")
    known = ("path", "engine", "compression", "index", "partition_cols")
    usual = all(v is None for k, v in given.items() if k not in known)
    path: Any = local_path(given["path"])
    if not usual or engine not in ("auto", "pyarrow") or given["index"] not in (None, True, False):
        return None
    if not is_large(plan, path):
        return None
    if given["partition_cols"] is None and not is_url(path):
        return write_parquet if is_plain_file(path) else None
    from pandas_dist.ops.writing_parts import write_parts

    return write_parts if backends.current().reaches(path) else None


def write_parquet(plan: FramePlan, given: Mapping[str, Any]) -> None:
    """One Parquet file, as pandas' metadata describes the whole.  WholeFile before any effect."""
    _, _, labels = fetch(plan.relation, (), plan.index)
    found = blocks(plan, GROUP_ROWS)
    first = next(found, None)
    if first is None:
        raise WholeFile
    fields = [e.field for e in plan.exprs]
    layout = Layout.of([v.iloc[:1] for v in first], fields, plan.columns, labels, given["index"])
    with (
        replacing(os.fspath(given["path"])) as new,
        pq.ParquetWriter(new, layout.schema, compression=given["compression"]) as writer,
    ):
        start = 0
        while first is not None:
            table = layout.table(first, start)
            writer.write_table(table, row_group_size=table.num_rows)
            start, first = start + table.num_rows, next(found, None)


@dataclass(frozen=True)
class Layout:
    """The schema of a file with pandas' metadata, and the labels of all rows."""

    schema: pa.Schema
    labels: pa.Table

    @classmethod
    def of(
        cls,
        row: list[pd.Series],
        fields: list[Field],
        columns: pd.Index,
        labels: pd.Index,
        index: bool | None,
    ) -> Layout:
        """By one row of the columns.  WholeFile where types depend on all rows."""
        sample = make_frame(
            [known_row(v, f) for v, f in zip(row, fields, strict=True)], columns, pd.RangeIndex(1)
        )
        if any(name is not None and name in columns for name in labels.names):
            raise WholeFile
        # pyarrow describes a range where it would not write it as a column.
        values = pa.Table.from_pandas(sample, preserve_index=False if index is False else None)
        labelled = pa.Table.from_pandas(pd.DataFrame(index=labels), preserve_index=index)
        told, more = (json.loads(t.schema.metadata[b"pandas"]) for t in (values, labelled))
        told["index_columns"] = more["index_columns"]
        told["columns"] += more["columns"]
        schema = pa.schema([*values.schema, *labelled.schema])
        return cls(
            schema.with_metadata({b"pandas": json.dumps(told).encode()}),
            labelled.replace_schema_metadata(None),
        )

    def table(self, values: list[pd.Series], start: int) -> pa.Table:
        """Columns of some rows, with their labels."""
        rows = len(values[0])
        labels = self.labels.slice(start, rows)
        arrays = [
            pa.array(v, type=field.type, from_pandas=True) for v, field in zip(values, self.schema)
        ]
        return pa.table([*arrays, *labels.columns], schema=self.schema)


def known_row(row: pd.Series, field: Field) -> pd.Series:
    """A row that has the Arrow type of all rows.  WholeFile where one row cannot tell."""
    row = decode(row, field)
    if row.dtype != np.dtype(object):
        return row
    # Of missing values alone pyarrow makes a column of nothing, which pandas 3 reads otherwise.
    if not field.is_text or (PANDAS_3 and field.nulls):
        raise WholeFile
    return pd.Series(["a"], dtype=object)


# -- CSV -------------------------------------------------------------------------------------

_COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar", ".tgz")


def is_plain_csv(given: Mapping[str, Any]) -> bool:
    """Whether pandas writes a text file from its beginning, by rows."""
    path = given["path_or_buf"]
    name = str(path).lower() if isinstance(path, (str, os.PathLike)) else None
    if name is None or given["storage_options"] is not None or given["mode"] != "w":
        return False
    packed = given["compression"] == "infer" and name.endswith(_COMPRESSED)
    return given["compression"] in ("infer", None) and not packed


def write_csv(plan: FramePlan, given: Mapping[str, Any]) -> None:
    """One text file.  WholeFile before any effect where rows depend on each other."""
    others = [e.field.kind for e in plan.exprs if not (e.field.numeric or e.field.is_text)]
    # pandas shows the times of a chunk alike, and cuts chunks by the number of chosen columns.
    if others and (others != ["M"] or given["columns"] is not None):
        raise WholeFile
    _, _, labels = fetch(plan.relation, (), plan.index)
    chunk = given["chunksize"] or (100_000 // max(1, len(plan.exprs))) or 1
    options = {k: v for k, v in given.items() if k not in ("path_or_buf", "mode", "header")}
    options |= {"chunksize": chunk, "compression": None}
    header: Any = given["header"]
    start = 0
    found = blocks(plan, chunk * max(1, GROUP_ROWS // chunk))
    with replacing(os.fspath(given["path_or_buf"])) as new:
        encoding, errors = given["encoding"] or "utf-8", given["errors"]
        with open(new, "w", encoding=encoding, errors=errors, newline="") as file:
            for values in found:
                shown = [decode(v, e.field) for v, e in zip(values, plan.exprs)]
                stop = start + len(shown[0])
                frame = make_frame(shown, plan.columns, labels[start:stop])
                frame.to_csv(file, header=header, **options)
                header, start = False, stop
            if not start:
                raise WholeFile


__all__ = ["Layout", "hold_rows", "write_csv", "write_parquet"]
