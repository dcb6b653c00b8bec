"""Parquet files that are written where the rows are, one by each worker.

They are the parts of one directory, and their names are in the order of the rows: read as a
whole, pandas gives the frame that was written.  Until all are there, nobody reads one of them:
they are in a directory of another name inside, or removed again where files cannot be renamed.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist import backends
from pandas_dist.ops.places import filesystem, is_url
from pandas_dist.ops.writing import Layout, WholeFile
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan import execute
from pandas_dist.plan.expressions import Expr
from pandas_dist.plan.frames import FramePlan, ensure_columns
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.schema import sample
from pandas_dist.progress import execution


@dataclass(frozen=True)
class PartWriter:
    """Writes one part of the rows, with the schema and pandas' metadata of the whole.

    ``run``: a name of this writing, for directories to which files are added.
    """

    ids: tuple[str, ...]
    schema: pa.Schema
    path: str
    compression: Any
    partition_cols: list[str] | None
    run: str

    def __call__(self, number: int, frame: pd.DataFrame) -> int:
        """The number of rows; a part that is written twice replaces itself."""
        arrays = [
            pa.array(frame[i], type=field.type, from_pandas=True)
            for i, field in zip(self.ids, self.schema, strict=True)
        ]
        table = pa.table(arrays, schema=self.schema)
        store, name = filesystem(self.path)
        if self.partition_cols is None:
            place = f"{name}/part-{number:05d}.parquet"
            pq.write_table(table, place, filesystem=store, compression=self.compression)
        else:
            pq.write_to_dataset(
                table,
                name,
                filesystem=store,
                compression=self.compression,
                partition_cols=self.partition_cols,
                basename_template=f"{self.run}-{number:05d}-{{i}}.parquet",
            )
        return table.num_rows


def write_parts(plan: FramePlan, given: Mapping[str, Any]) -> None:
    """A directory of Parquet files.  WholeFile before any effect."""
    path, by = os.fspath(given["path"]), given["partition_cols"]
    by = [by] if isinstance(by, str) else by
    names = list(plan.columns)
    if by is not None and not (by and set(by) < set(names) and len(set(names)) == len(names)):
        raise WholeFile  # pandas says what is wrong
    exprs = (*plan.exprs, *(() if given["index"] is False else plan.index.exprs))
    layout = Layout.of(
        [row_of(e) for e in plan.exprs],
        [e.field for e in plan.exprs],
        plan.columns,
        labels_of(plan, given["index"]),
        given["index"],
    )
    relation, ids = ensure_columns(plan.relation, exprs)
    if by is None:
        cleared(path)
    run = uuid.uuid4().hex
    with unfinished(path, run, fresh=by is None) as place, execution():
        writer = PartWriter(tuple(ids), layout.schema, place, given["compression"], by, run)
        backends.current().in_parts(relation, set(ids), writer)


def unfinished(path: str, run: str, fresh: bool) -> contextlib.AbstractContextManager[str]:
    """Where parts are written; they appear at ``path`` when all are there, or not at all.

    ``fresh``: the directory has nothing else, and parts are named by their numbers; otherwise
    by ``run``.
    """
    store, name = filesystem(path)
    name = name.rstrip("/")
    if store.type_name in ("local", "hdfs", "viewfs"):
        return _renamed(store, name, f"{path.rstrip('/')}/_{run}", fresh)
    return _removed_on_failure(store, name, path, "part-" if fresh else run)


@contextlib.contextmanager
def _renamed(store: Any, name: str, place: str, fresh: bool) -> Iterator[str]:
    """A directory inside, which readers pass over for its name; its parts are moved at the end."""
    hidden = f"{name}/{os.path.basename(place)}"
    store.create_dir(hidden, recursive=True)
    try:
        yield place
        for part in _files(store, hidden):
            shown = name + part.removeprefix(hidden)
            store.create_dir(os.path.dirname(shown), recursive=True)
            store.move(part, shown)
    finally:
        with contextlib.suppress(OSError):  # a task that was given up may still write there
            store.delete_dir(hidden)
            if fresh and not store.get_file_info(_inside(name)):
                store.delete_dir(name)  # or it would be read as a frame without rows


@contextlib.contextmanager
def _removed_on_failure(store: Any, name: str, path: str, begin: str) -> Iterator[str]:
    """The directory itself, where files cannot be renamed; ``begin``: of the parts' names."""
    try:
        yield path
    except BaseException:  # an interrupt, too; raised again
        for part in _files(store, name):
            if os.path.basename(part).startswith(begin):
                store.delete_file(part)
        raise


def _files(store: Any, name: str) -> list[str]:
    """All files of a directory and those inside."""
    from pyarrow.fs import FileSelector

    found = store.get_file_info(FileSelector(name, recursive=True, allow_not_found=True))
    return [info.path for info in found if info.is_file]


def row_of(expr: Expr) -> pd.Series:
    row = sample(expr.field)
    if row is None:
        raise WholeFile
    return row


def labels_of(plan: FramePlan, index: bool | None) -> pd.Index:
    """The labels of all rows if they are a range, of one row if they are columns."""
    labels: Labels = plan.index
    if isinstance(labels, RangeLabels) and index is not True:
        return labels.build([], execute.count(plan.relation))
    ranged = isinstance(labels, KeyLabels) and not labels.multi and not labels.lasting
    if not isinstance(labels, KeyLabels) or (PANDAS_3 and ranged):
        raise WholeFile
    return labels.build([row_of(e) for e in labels.exprs], 1)


def cleared(path: str) -> None:
    """An empty directory, in place of what was written there before.  WholeFile at others."""
    store, name = filesystem(path)
    found = store.get_file_info(name)
    if found.is_file:
        store.delete_file(name)
    elif found.type.name == "Directory":
        inside = store.get_file_info(_inside(name))
        if not all(i.is_file and i.base_name.startswith("part-") for i in inside):
            raise WholeFile
        store.delete_dir_contents(name)
    store.create_dir(name, recursive=True)


def _inside(name: str) -> Any:
    from pyarrow.fs import FileSelector

    return FileSelector(name)


__all__ = ["PartWriter", "is_url", "write_parts"]
