"""CSV files too large for memory as relations.

The engine parses every block once at the call, which decides the columns' types as pandas
would over the whole file; only these decisions are kept.  Each execution then parses the
columns that it needs.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from pandas_dist import backends
from pandas_dist.config import options
from pandas_dist.ops import csv
from pandas_dist.ops.csv_native import given
from pandas_dist.ops.csv_plan import Block, BlockSummary, CsvPlan, Decisions
from pandas_dist.ops.csv_reconcile import TEXT
from pandas_dist.ops.files import Pin, register
from pandas_dist.plan.expressions import Col, Expr
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Scan, assemble
from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype, new_id

_SAMPLE = 1 << 20
# Text in memory takes at most about this many times its size in a file.
_MOST = 40
_GUESS = 4.0


def memory_estimate(path: str, kwargs: Mapping[str, Any]) -> float:
    """Bytes that a CSV file takes as a pandas frame, judged by its first megabyte.

    A guess where its first lines cannot tell.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(_SAMPLE)
    head = head[: head.rfind(b"\n") + 1] or head
    if "converters" in kwargs or any(callable(value) for value in kwargs.values()):
        return _GUESS * size  # functions are called as often as pandas calls them
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pd.read_csv(io.BytesIO(head), **kwargs)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        return _GUESS * size
    return float(frame.memory_usage(deep=True).sum()) / len(head) * size


def is_large(path: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a file is rather read in blocks: it does not fit, or a cluster can share it."""
    size = os.path.getsize(path)
    if options.address and size > options.partition_bytes:
        return True
    room = options.memory_limit / 2
    return size * _MOST > room and memory_estimate(path, kwargs) > room


@dataclass(frozen=True, slots=True)
class CsvPiece:
    """A block of the file; ``start`` is the position of its first row."""

    block: Block
    start: int


@dataclass(eq=False)
class CsvSource:
    """One CSV file with its columns' types decided; its columns are named by file position.

    ``dates``: the layout of the columns that hold dates.  ``held``: all rows are kept in
    memory, and the file may change.
    """

    plan: CsvPlan
    decisions: Decisions
    dates: Mapping[int, str]
    held: bool = False

    @property
    def pins(self) -> tuple[Pin, ...]:
        return (self.plan.pin,)

    def describe(self) -> str:
        return self.plan.path

    def label(self, name: int) -> Any:
        """The column label of a file position."""
        return self.plan.labels.get(name, name)

    def rows(self) -> int:
        return self.plan.rows

    def verify(self) -> None:
        """FileChangedError if the file is not what it was when it was opened."""
        if not self.held:
            self.plan.pin.verify()

    def pieces(self) -> Sequence[CsvPiece]:
        starts = np.cumsum([0, *(block.rows for block in self.plan.blocks)]).tolist()
        return [CsvPiece(block, start) for block, start in zip(self.plan.blocks, starts)]

    def share(self, names: Mapping[str, str], terms: Sequence[Expr]) -> float:
        """A guess of the part of all rows in which the terms hold: nothing is known of them."""
        return 1.0

    def select(self, pieces: Sequence[CsvPiece], node: Scan) -> list[CsvPiece]:
        """All pieces: a CSV file has no statistics."""
        return list(pieces)

    def read(
        self, piece: CsvPiece, ids: Mapping[str, int], fields: Mapping[str, Field]
    ) -> pd.DataFrame:
        """The piece's columns under their ids, in the fields' physical types."""
        if not ids:
            return assemble({}, piece.block.rows)
        wanted = sorted(set(ids.values()))
        frame = csv.read_columns(self.plan, piece.block, self.decisions, wanted)
        return assemble(
            {i: self._column(frame[n], n, fields[i]) for i, n in ids.items()}, len(frame)
        )

    def _column(self, column: pd.Series, position: int, field: Field) -> pd.Series:
        if position in self.dates:
            column = csv.to_dates(self.plan, column, self.dates[position])
        wanted = TEXT_STORAGE if field.encoding else field.dtype
        return column if column.dtype == wanted else column.astype(wanted)


@dataclass(frozen=True)
class Found:
    """What deciding needs of one block: its summary, and each date column's dtype (or None)."""

    summary: BlockSummary
    dates: Mapping[int, Any]


@dataclass(frozen=True)
class Look:
    """Parses a block and keeps only what deciding needs."""

    plan: CsvPlan
    dates: Mapping[int, str]

    def __call__(self, block: Block) -> Found:
        result = csv.read_block(self.plan, block)
        found: dict[int, Any] = {}
        if not result.summary.error:
            for position, layout in self.dates.items():
                label = self.plan.labels[position]
                column = pd.concat([frame[label] for frame in result.frames])
                try:
                    found[position] = csv.to_dates(self.plan, column, layout).dtype
                except (ValueError, TypeError):
                    found[position] = None
        return Found(result.summary, found)


def scan_csv(path: str, kwargs: Mapping[str, Any]) -> FramePlan | None:
    """A lazy plan over a file; None where only pandas' whole read is right.

    FileChangedError if the file changes meanwhile.
    """
    plan = csv.split(path, kwargs, max(1, options.partition_bytes // 2))
    if plan.whole or not plan.blocks or len(plan.index_labels) > 1:
        return None
    dates = date_layouts(plan)
    if dates is None:
        return None
    found = backends.current().map_blocks(Look(plan, dates), plan.blocks)
    decisions = csv.reconcile(plan, [one.summary for one in found])
    if decisions.whole:
        return None
    dtypes: dict[int, Any] = {}
    for position in list(dates):
        seen = [one.dates[position] for one in found]
        if any(dtype is None for dtype in seen):
            del dates[position]  # as pandas: a column that is not all dates stays text
        else:
            dtypes[position] = max(seen, key=_resolution)
    csv.warn_of_mixed_types(decisions)
    return plan_of(CsvSource(plan, decisions, dates), dtypes)


def _resolution(dtype: Any) -> int:
    return ("s", "ms", "us", "ns").index(np.datetime_data(dtype)[0])


def date_layouts(plan: CsvPlan) -> dict[int, str] | None:
    """The layout of each date column, by its first value; None where that is not enough."""
    if not plan.date_labels:
        return {}
    result = csv.read_block(plan, plan.blocks[0])
    layouts: dict[int, str] = {}
    for position, label in plan.labels.items():
        if label not in plan.date_labels or result.summary.error:
            continue
        values = pd.concat([frame[label] for frame in result.frames]).dropna()
        layout = csv.date_layout(plan, label)
        if layout is None and len(values) and isinstance(values.iloc[0], str):
            dayfirst = bool(given(plan.kwargs).get("dayfirst", False))
            layout = guess_datetime_format(values.iloc[0], dayfirst=dayfirst)
        if not len(values) or not layout or "%" not in layout or "%z" in layout.lower():
            return None
        layouts[position] = layout
    return layouts


def plan_of(source: CsvSource, dates: Mapping[int, Any]) -> FramePlan:
    """Scan, columns and labels of a decided file."""
    plan = source.plan
    ids = {new_id(): position for position in plan.labels}
    first = csv.read_columns(plan, plan.blocks[0], source.decisions, list(plan.labels))
    dtypes = {n: dates.get(n, first[n].dtype) for n in plan.labels}
    for n, label in plan.labels.items():
        if label in plan.date_labels and n not in dates:
            dtypes[n] = pd.Series([], dtype=TEXT).dtype
    fields = {
        i: field_of(dtypes[n], source.decisions.columns[n].text, n in dates) for i, n in ids.items()
    }
    columns = {plan.labels[n]: Col(i, fields[i]) for i, n in ids.items()}
    labels: Labels = RangeLabels()
    if plan.index_labels:
        keys = tuple(columns.pop(label) for label in plan.index_labels)
        labels = KeyLabels(keys, list(plan.index_names), set_by_user=True)
    scan = register(Scan(source, ids, fields))  # type: ignore[arg-type]
    return FramePlan(scan, plan.columns, tuple(columns.values()), labels)


def field_of(dtype: Any, text: bool, date: bool) -> Field:
    """The pandas column of a CSV column."""
    if date:
        return Field(dtype)
    if is_str_dtype(dtype):
        return Field(dtype, True, True)
    if text and dtype == np.dtype(object):
        return Field(dtype, True, True, "nan")
    kind = dtype.kind if isinstance(dtype, np.dtype) else "E"
    return Field(dtype, nulls=kind not in "iub")


__all__ = ["CsvSource", "is_large", "memory_estimate", "scan_csv"]
