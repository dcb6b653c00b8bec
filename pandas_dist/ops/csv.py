"""``read_csv`` in parallel blocks, with exactly the types pandas infers over the whole file.

    plan = split(path, kwargs, block_bytes)          # plan.whole: the reason, if not possible
    results = [read_block(plan, block) for block in plan.blocks]           # parallel
    decisions = reconcile(plan, [r.summary for r in results])              # small, central
    frames = [finish_block(plan, r, decisions) for r in results]           # parallel
    frame = finish_frame(plan, pandas.concat(frames))                      # index and dates

Wherever ``whole`` is set, on the plan or on the decisions, `read_whole` is the way.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import pandas
from pandas.api.types import pandas_dtype
from pandas.errors import DtypeWarning

from pandas_dist.callers import user_site
from pandas_dist.ops.csv_native import given, native_reason, separator
from pandas_dist.ops.csv_plan import (
    Block,
    BlockResult,
    BlockSummary,
    ColumnDecision,
    ColumnSummary,
    CsvPlan,
    Decisions,
    Piece,
)
from pandas_dist.ops.csv_reconcile import TEXT, marks, reconcile, summarise, summarise_fixed
from pandas_dist.ops.csv_split import first_fields, split

__all__ = [
    "Block",
    "BlockResult",
    "CsvPlan",
    "Decisions",
    "date_layout",
    "finish_block",
    "finish_frame",
    "native_reason",
    "read_block",
    "read_columns",
    "read_csv_blocks",
    "read_whole",
    "reconcile",
    "split",
    "to_dates",
    "warn_of_mixed_types",
]

_NEGATIVE_ZERO = re.compile(rb"-0+(?![0-9.])")
_WORDS = re.compile(rb"true|false", re.IGNORECASE)
# Arguments that say how to read a field, whatever the header: used as they are on a piece.
_READING = {
    "sep", "delimiter", "true_values", "false_values", "skipinitialspace", "na_values",
    "keep_default_na", "na_filter", "skip_blank_lines", "thousands", "decimal", "quotechar",
    "encoding", "float_precision",
}  # fmt: skip


def read_whole(path: Any, kwargs: Mapping[str, Any]) -> pandas.DataFrame:
    """Plain ``pandas.read_csv(path, **kwargs)``; raises what pandas raises."""
    return pandas.read_csv(path, **kwargs)


def _load(plan: CsvPlan, start: int, stop: int) -> bytes:
    plan.pin.verify(elsewhere=True)
    with open(plan.path, "rb") as file:
        file.seek(start)
        return file.read(stop - start)


def _parse(
    plan: CsvPlan, text: bytes, dtype: Any, wanted: list[int] | None = None
) -> pandas.DataFrame:
    """Parse the records in ``text``: the plan's columns, or some of them by file position."""
    user = {k: v for k, v in given(plan.kwargs).items() if k in _READING}
    if wanted is not None:
        user["usecols"] = wanted
    elif given(plan.kwargs).get("usecols") is not None:
        # Even if it names every column: records that are too long pass with usecols only.
        user["usecols"] = list(plan.labels)
    frame = pandas.read_csv(
        io.BytesIO(text),
        header=None,
        names=list(plan.names),
        dtype=dtype,
        low_memory=False,
        **user,
    )
    if not isinstance(frame.index, pandas.RangeIndex):
        raise ValueError("a record with more fields than the header")
    return frame


def _is_ragged(plan: CsvPlan, text: bytes) -> bool:
    """Whether the first record of a piece has not as many fields as the header.

    pandas forgets the width of the records between its chunks, and may then refuse the next.
    """
    user = given(plan.kwargs)
    line = text.partition(b"\n")[0].rstrip(b"\r")
    if line and user.get("quotechar", '"').encode() not in line:
        return line.count(separator(user).encode()) + 1 != len(plan.names)
    return len(first_fields(text, user)) != len(plan.names)


def _dtypes(plan: CsvPlan) -> dict[Any, Any]:
    """The dtype fixed by the caller, or by parse_dates (text), for each label that has one."""
    labels = list(plan.labels.items())
    dtype = given(plan.kwargs).get("dtype")
    fixed: dict[Any, Any] = {label: object for label in plan.date_labels}
    if isinstance(dtype, dict):
        for position, label in labels:
            if label in dtype or position in dtype:
                fixed[label] = dtype[label] if label in dtype else dtype[position]
    elif dtype is not None:
        fixed.update({label: dtype for _, label in labels})
    return {label: one for label, one in fixed.items() if one is not None}


def read_block(plan: CsvPlan, block: Block) -> BlockResult:
    """Parse one block, each piece on its own, under pandas' inference for that piece.

    Never raises for the file's contents: an error is kept as text in the summary, so that
    the whole read shows pandas' own exception.  FileChangedError if the file has changed.
    """
    text = _load(plan, block.start, block.stop)
    frames: list[pandas.DataFrame] = []
    summaries: list[tuple[Piece, Mapping[int, ColumnSummary]]] = []
    for piece in block.pieces:
        part = text[piece.start - block.start : piece.stop - block.start]
        try:
            if piece.starts_chunk and _is_ragged(plan, part):
                return _failed(block, "a record with fewer or more fields than the header")
            frame = _parse(plan, part, _dtypes(plan) or None)
        except (ValueError, TypeError, OverflowError) as error:
            return _failed(block, f"{type(error).__name__} in a block")
        if len(frame) != piece.rows or list(frame.columns) != list(plan.labels.values()):
            return _failed(block, "rows or columns that only a whole read resolves")
        frames.append(frame)
        summaries.append((piece, _summarise(plan, frame, part)))
    return BlockResult(block, tuple(frames), BlockSummary(tuple(summaries)))


def _failed(block: Block, reason: str) -> BlockResult:
    return BlockResult(block, (), BlockSummary((), error=reason))


def _summarise(plan: CsvPlan, frame: pandas.DataFrame, text: bytes) -> dict[int, ColumnSummary]:
    user = given(plan.kwargs)
    fixed = _dtypes(plan)

    @cache
    def negative_zero() -> bool:
        return _NEGATIVE_ZERO.search(text) is not None

    @cache
    def has_words() -> bool:
        custom = user.get("true_values") or user.get("false_values")
        return bool(custom) or _WORDS.search(text) is not None

    summaries = {}
    for place, (position, label) in enumerate(plan.labels.items()):
        column = frame.iloc[:, place]
        if label in fixed:
            summaries[position] = summarise_fixed(column, pandas_dtype(fixed[label]), has_words)
        else:
            summaries[position] = summarise(column, negative_zero, marks(user, position, label))
    return summaries


def finish_block(plan: CsvPlan, result: BlockResult, decisions: Decisions) -> pandas.DataFrame:
    """The block's rows with the types decided for the whole file.

    The frame has a RangeIndex from 0 and all used columns, index columns among them, by file
    label; blocks joined in order, with a new RangeIndex, make the frame for `finish_frame`.
    """
    if decisions.whole:
        raise ValueError(f"the file must be read whole: {decisions.whole}")
    done = [
        _finish_piece(plan, piece, frame, decisions.columns)
        for piece, frame in zip(result.block.pieces, result.frames, strict=True)
    ]
    return done[0] if len(done) == 1 else pandas.concat(done, ignore_index=True)


def _finish_piece(
    plan: CsvPlan, piece: Piece, frame: pandas.DataFrame, columns: Mapping[int, ColumnDecision]
) -> pandas.DataFrame:
    again = [position for position, one in columns.items() if piece.number in one.reread]
    text = {}
    if again:
        # The same read but for these types: with fewer columns, short records would fail.
        types = _dtypes(plan) | {plan.labels[position]: TEXT for position in again}
        parsed = _parse(plan, _load(plan, piece.start, piece.stop), types)
        text = {position: parsed[plan.labels[position]] for position in again}
    data = {}
    for place, (position, label) in enumerate(plan.labels.items()):
        column = text.get(position, frame.iloc[:, place])
        for dtype in columns[position].casts[piece.number]:
            column = column if column.dtype == dtype else column.astype(dtype)
        data[label] = column
    return pandas.DataFrame(data, index=frame.index, copy=False)


def read_columns(
    plan: CsvPlan, block: Block, decisions: Decisions, wanted: list[int]
) -> pandas.DataFrame:
    """Columns of a block, by file position, with the types decided for the whole file.

    For a block that `read_block` has passed.  The frame's columns are the positions, its
    index a RangeIndex.  FileChangedError if the file has changed.
    """
    text = _load(plan, block.start, block.stop)
    done = []
    for piece in block.pieces:
        part = text[piece.start - block.start : piece.stop - block.start]
        data = _piece_columns(plan, piece, part, decisions, wanted)
        done.append(pandas.DataFrame(data, index=pandas.RangeIndex(piece.rows), copy=False))
    return done[0] if len(done) == 1 else pandas.concat(done, ignore_index=True)


def _piece_columns(
    plan: CsvPlan, piece: Piece, text: bytes, decisions: Decisions, wanted: list[int]
) -> dict[int, pandas.Series]:
    again = {i for i in plan.labels if piece.number in decisions.columns[i].reread}
    types = _dtypes(plan) | {plan.labels[i]: TEXT for i in again}
    try:
        frame = _parse(plan, text, types or None, wanted)
    except ValueError:
        frame = None  # records too short for the columns at the end
    if frame is None or len(frame) != piece.rows:
        frame = _parse(plan, text, types or None)
    columns = {}
    for i in wanted:
        column = frame[plan.labels[i]]
        for dtype in decisions.columns[i].casts[piece.number]:
            column = column if column.dtype == dtype else column.astype(dtype)
        columns[i] = column
    return columns


def finish_frame(plan: CsvPlan, frame: pandas.DataFrame) -> pandas.DataFrame:
    """Convert dates (over the whole column) and set the index and the column labels.

    ``frame`` is the concatenation of all finished blocks with a RangeIndex.
    """
    for label in plan.date_labels:
        frame[label] = _to_dates(plan, frame[label], label)
    if len(plan.index_labels) == 1:
        frame = frame.set_index(plan.index_labels[0])
        frame.index.names = list(plan.index_names)
    elif plan.index_labels:
        # Each level as an index of its own first: pandas 3 makes some of them a RangeIndex.
        arrays = [frame.set_index(label).index for label in plan.index_labels]
        index = pandas.MultiIndex.from_arrays(arrays, names=list(plan.index_names))
        frame = frame.drop(columns=list(plan.index_labels)).set_axis(index, axis=0)
    frame.columns = plan.columns
    return frame


def _to_dates(plan: CsvPlan, column: pandas.Series, label: Any) -> pandas.Series:
    try:
        return to_dates(plan, column, date_layout(plan, label))
    except (ValueError, TypeError):
        # As read_csv: a column that is not all dates stays as it was read.
        return column.astype(TEXT)


def date_layout(plan: CsvPlan, label: Any) -> str | None:
    """The caller's ``date_format`` for a column."""
    layout = given(plan.kwargs).get("date_format")
    return layout.get(label) if isinstance(layout, dict) else layout


def to_dates(plan: CsvPlan, column: pandas.Series, layout: str | None) -> pandas.Series:
    """The column as dates, as ``read_csv`` converts it.  ValueError where it is not all dates."""
    user = given(plan.kwargs)
    options = {"dayfirst": user.get("dayfirst", False), "cache": user.get("cache_dates", True)}
    return pandas.to_datetime(column, format=layout, **options)


def read_csv_blocks(
    path: Any,
    kwargs: Mapping[str, Any],
    block_bytes: int,
    map: Callable[..., Iterable[Any]] = map,
) -> pandas.DataFrame:
    """``pandas.read_csv(path, **kwargs)``, read in blocks by way of ``map`` where possible."""
    plan = split(path, kwargs, block_bytes)
    if plan.whole:
        return read_whole(path, kwargs)
    results = list(map(lambda block: read_block(plan, block), plan.blocks))
    decisions = reconcile(plan, [result.summary for result in results])
    if decisions.whole:
        return read_whole(path, kwargs)
    frames = list(map(lambda result: finish_block(plan, result, decisions), results))
    frame = finish_frame(plan, pandas.concat(frames, ignore_index=True))
    warn_of_mixed_types(decisions)
    return frame


def warn_of_mixed_types(decisions: Decisions) -> None:
    """pandas' DtypeWarning, at the user's line."""
    if decisions.warning:
        warnings.warn(decisions.warning, DtypeWarning, stacklevel=user_site()[2])
