"""Cut a CSV file into byte ranges of whole records, and read its header as pandas does."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas

from pandas_dist.ops.csv_bytes import FileBytes
from pandas_dist.ops.csv_native import given, native_reason, separator
from pandas_dist.ops.csv_plan import Block, CsvPlan, Piece
from pandas_dist.ops.files import Pin

_WINDOW = 8 << 20
_NEWLINE, _RETURN = 10, 13
_BOM = b"\xef\xbb\xbf"


class WholeFile(Exception):
    """Only pandas' whole read is right for this file; the argument says why."""


@dataclass(frozen=True)
class Header:
    """Where the data starts, and everything the header and the first record decide."""

    start: int
    names: tuple[Any, ...]
    labels: dict[int, Any]
    columns: pandas.Index
    index_labels: tuple[Any, ...]
    index_names: tuple[Any, ...]
    date_labels: tuple[Any, ...]


def split(path: Any, kwargs: Mapping[str, Any], block_bytes: int) -> CsvPlan:
    """Plan the reading of ``read_csv(path, **kwargs)`` in blocks of about ``block_bytes``.

    One sequential pass over the bytes.  The plan's ``whole`` gives the reason when the call
    or the file cannot be read in blocks; nothing is raised for what pandas itself would
    refuse: `read_whole` raises that.
    """
    reason = native_reason(path, kwargs)
    if reason:
        return CsvPlan(path, dict(kwargs), whole=reason)
    name = os.path.expanduser(os.fspath(path))
    try:
        pin = Pin.of(name)
        data = FileBytes(pin)
        header = read_header(data, given(kwargs))
        blocks = _cut(data, given(kwargs), header, max(1, block_bytes))
    except OSError as error:
        return CsvPlan(path, dict(kwargs), whole=f"cannot read the file: {error.strerror or error}")
    except WholeFile as stop:
        return CsvPlan(name, dict(kwargs), whole=str(stop))
    return CsvPlan(
        name,
        dict(kwargs),
        blocks=blocks,
        names=header.names,
        labels=header.labels,
        columns=header.columns,
        index_labels=header.index_labels,
        index_names=header.index_names,
        date_labels=header.date_labels,
        pin=pin,
    )


# ---- records -------------------------------------------------------------------------


def record_ends(
    data: FileBytes, start: int, user: Mapping[str, Any], window: int = _WINDOW
) -> Iterator[np.ndarray]:
    """Offsets just past each record's line end, window by window, from ``start`` on.

    Blank lines count as records here.  Quote parity is right only for files whose quotes
    open at the start of a field and close at its end: anything else raises `WholeFile`.
    """
    quotes = 0
    for low in range(start, len(data), window):
        ends, found = ends_in(data, low, low + window, quotes, user)
        quotes += found
        yield ends
    if quotes % 2:
        raise WholeFile("a quote is not closed")
    if len(data) > start and (data[-1] != _NEWLINE):
        yield np.array([len(data)])


def ends_in(
    data: FileBytes, low: int, high: int, before: int, user: Mapping[str, Any]
) -> tuple[np.ndarray, int]:
    """The records' line ends in a part of the file, and its quotes; ``before``: those before it."""
    part = data[low:high]
    quote = ord(user.get("quotechar", '"'))
    ends = np.flatnonzero(part == _NEWLINE) + low
    marks = np.flatnonzero(part == quote) + low
    _check_returns(data, part, low)
    if marks.size or before % 2:
        _check_quotes(data, marks, before, quote, ord(separator(user)))
        ends = ends[(np.searchsorted(marks, ends) + before) % 2 == 0]
    return ends + 1, marks.size


def _check_returns(data: FileBytes, part: np.ndarray, low: int) -> None:
    """A carriage return on its own ends a record, too: leave such files to pandas."""
    returns = np.flatnonzero(part == _RETURN) + low
    if not returns.size:
        return
    if returns[-1] + 1 >= len(data) or (data[returns + 1] != _NEWLINE).any():
        raise WholeFile("a carriage return without a newline")


def _check_quotes(data: FileBytes, marks: np.ndarray, before: int, quote: int, sep: int) -> None:
    """Opening quotes must start a field; closing ones end it, or be the first of a pair."""
    opening = marks[before % 2 :: 2]
    closing = marks[1 - before % 2 :: 2]
    left = np.where(opening == 0, _NEWLINE, data[np.maximum(opening - 1, 0)])
    right = data[np.minimum(closing + 1, len(data) - 1)]
    last = closing + 1 >= len(data)
    good_left = (left == sep) | (left == _NEWLINE) | (left == quote)
    good_right = last | (right == sep) | (right == _NEWLINE) | (right == _RETURN) | (right == quote)
    if not (good_left.all() and good_right.all()):
        raise WholeFile("a quote inside a field")


def _not_blank(data: FileBytes, previous: int, ends: np.ndarray) -> np.ndarray:
    """Mask of the records that are not blank lines; ``previous`` is where the first begins."""
    begins = np.concatenate([[previous], ends[:-1]])
    length = ends - begins
    first = data[begins]
    blank = (first == _NEWLINE) & (length == 1)
    blank |= (first == _RETURN) & (length == 2)
    return ~blank


# ---- header --------------------------------------------------------------------------


def _header_rows(user: Mapping[str, Any]) -> int:
    header = user.get("header", "infer")
    if isinstance(header, str):
        return 0 if user.get("names") is not None else 1
    return 0 if header is None else int(header) + 1


def _find_data(data: FileBytes, user: Mapping[str, Any]) -> tuple[int, int]:
    """Offsets at which the first data record starts and ends."""
    skip = int(user.get("skiprows") or 0)
    wanted = _header_rows(user)
    keep_blank = not user.get("skip_blank_lines", True)
    lines = seen = previous = 0
    start: int | None = None
    for ends in record_ends(data, 0, user, window=1 << 16):
        if not ends.size:
            continue
        solid = _not_blank(data, previous, ends) | keep_blank
        for end, is_record in zip(ends.tolist(), solid.tolist()):
            lines += 1
            if lines > skip and is_record:
                if seen == wanted:
                    return (previous if start is None else start), end
                seen += 1
            if start is None and lines >= skip and seen == wanted:
                start = end
            previous = end
    raise WholeFile("no data rows")


def read_header(data: FileBytes, user: Mapping[str, Any]) -> Header:
    start, stop = _find_data(data, user)
    head = data[:stop].tobytes()
    dates = user.get("parse_dates") or []
    plain = {k: v for k, v in user.items() if k not in _UNTYPED}
    try:
        full = _head_frame(head, {k: v for k, v in plain.items() if k not in _SELECTING})
        used = _head_frame(head, {k: v for k, v in plain.items() if k != "index_col"})
        final = pandas.read_csv(io.BytesIO(head), **plain)
        before = _rows_before(head[:start], plain)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise WholeFile(f"pandas refuses the header: {type(error).__name__}") from error
    if before:
        raise WholeFile("the header is not where it seemed")
    names = tuple(full.columns)
    if isinstance(user.get("dtype"), dict) and _repeated(data, head, start, user):
        raise WholeFile("repeated column names together with dtype=dict")
    if user.get("names") is not None and len(user["names"]) != _first_width(head, start, user):
        raise WholeFile("names does not match the width of the file")
    labels = {i: name for i, name in enumerate(names) if name in set(used.columns)}
    index_labels = _index_labels(user, list(labels.values()))
    rest = [name for name in labels.values() if name not in index_labels]
    if rest != list(final.columns) or len(labels) != len(used.columns):
        raise WholeFile("columns that only a whole read resolves")
    index_names = tuple(final.index.names) if index_labels else ()
    return Header(
        start, names, labels, final.columns, index_labels, index_names, _dates(dates, names)
    )


# Not needed to find the columns, or apt to fail on a single record.
_UNTYPED = {"dtype", "parse_dates", "date_format", "dayfirst", "cache_dates", "memory_map"}
_SELECTING = {"usecols", "index_col"}


def _head_frame(head: bytes, user: Mapping[str, Any]) -> pandas.DataFrame:
    frame = pandas.read_csv(io.BytesIO(head), **user)
    if not isinstance(frame.index, pandas.RangeIndex):
        raise WholeFile("more fields than names: an index without a name")
    if len(frame) != 1:
        raise WholeFile("the first record is not where it seemed")
    return frame


def _rows_before(head: bytes, user: Mapping[str, Any]) -> int:
    """Rows that pandas sees in what should be the header alone."""
    try:
        return len(pandas.read_csv(io.BytesIO(head), **user))
    except pandas.errors.EmptyDataError:
        return 0


def first_fields(record: bytes, user: Mapping[str, Any]) -> list[str]:
    """The fields of the first record in ``record``, as text."""
    keep = {k: v for k, v in user.items() if k in _LEXICAL}
    options: dict[str, Any] = {"header": None, "dtype": str, "na_filter": False, "nrows": 1}
    return list(pandas.read_csv(io.BytesIO(record), **keep, **options).iloc[0])


_LEXICAL = {"sep", "delimiter", "quotechar", "skipinitialspace", "encoding", "skip_blank_lines"}


def _first_width(head: bytes, start: int, user: Mapping[str, Any]) -> int:
    return len(first_fields(head[start:], user))


def _repeated(data: FileBytes, head: bytes, start: int, user: Mapping[str, Any]) -> bool:
    """Whether the header line repeats a name (pandas then spreads dtype to 'a.1')."""
    if not _header_rows(user) or user.get("names") is not None:
        return False
    skip = int(user.get("skiprows") or 0) + _header_rows(user) - 1
    keep = {k: v for k, v in user.items() if k in _LEXICAL}
    options: dict[str, Any] = {"header": None, "dtype": str, "na_filter": False}
    line = pandas.read_csv(io.BytesIO(head[:start]), skiprows=skip, **keep, **options)
    names = list(line.iloc[-1])
    return len(set(names)) != len(names)


def _index_labels(user: Mapping[str, Any], used: list[Any]) -> tuple[Any, ...]:
    index_col = user.get("index_col")
    if index_col is None or index_col is False:
        return ()
    keys = index_col if isinstance(index_col, list) else [index_col]
    return tuple(key if isinstance(key, str) else used[key] for key in keys)


def _dates(dates: list[Any], names: tuple[Any, ...]) -> tuple[Any, ...]:
    labels = []
    for key in dates:
        if key in names:
            labels.append(key)
        elif isinstance(key, str) or key >= len(names):
            raise WholeFile("a parse_dates column is missing")
        else:
            labels.append(names[key])
    return tuple(labels)


# ---- cutting -------------------------------------------------------------------------


def chunk_rows(width: int) -> int:
    """Rows that pandas types together with ``low_memory=True`` in a file of ``width`` fields.

    The rule of `TextReader.__cinit__`: the largest power of two whose double stays within
    the parser's budget of fields.
    """
    parsers = importlib.import_module("pandas._libs.parsers")
    budget = parsers.DEFAULT_BUFFER_HEURISTIC // width
    rows = 1
    while rows * 2 < budget:
        rows *= 2
    return rows


def _cut(
    data: FileBytes, user: Mapping[str, Any], header: Header, block_bytes: int
) -> tuple[Block, ...]:
    limit = chunk_rows(len(header.names)) if user.get("low_memory", True) else None
    keep_blank = not user.get("skip_blank_lines", True)
    cutter = _Cutter(header.start, block_bytes, limit)
    for ends in record_ends(data, header.start, user):
        if ends.size:
            solid = _not_blank(data, cutter.seen, ends)
            cutter.add(ends, ends if keep_blank else ends[solid])
    cutter.finish()
    for piece in cutter.pieces:
        if data[piece.start : piece.start + 3].tobytes() == _BOM and piece.start:
            raise WholeFile("a byte order mark inside the file")
    return cutter.blocks(block_bytes)


class _Cutter:
    """Gathers record ends and cuts at chunk ends and at about every ``block_bytes``."""

    def __init__(self, start: int, block_bytes: int, limit: int | None) -> None:
        self.block_bytes = block_bytes
        self.limit = limit
        self.begin = self.seen = start
        self.rows = 0
        self.row_in_chunk = 0
        self.chunk = 0
        self.pieces: list[Piece] = []

    def add(self, lines: np.ndarray, records: np.ndarray) -> None:
        """``lines``: the ends of all lines in a window; ``records``: those of records."""
        self.seen = int(lines[-1])
        at = 0
        while at < records.size:
            # The next cut ends the first record that reaches the block size or the chunk end.
            by_bytes = int(np.searchsorted(records, self.begin + self.block_bytes)) + 1
            take = max(by_bytes - at, 1)
            if self.limit is not None:
                take = min(take, self.limit - self.row_in_chunk)
            full = at + take <= records.size
            take = min(take, records.size - at)
            self.rows += take
            self.row_in_chunk += take
            at += take
            if full:
                self._close(int(records[at - 1]))

    def _close(self, stop: int) -> None:
        first = self.chunk > 0 and self.row_in_chunk == self.rows
        number = len(self.pieces)
        self.pieces.append(Piece(self.begin, stop, self.rows, self.chunk, number, first))
        self.begin, self.rows = stop, 0
        if self.limit is not None and self.row_in_chunk == self.limit:
            self.chunk, self.row_in_chunk = self.chunk + 1, 0

    def finish(self) -> None:
        """Close the last piece; blank lines alone at the end belong to no piece."""
        if self.rows:
            self._close(self.seen)

    def blocks(self, block_bytes: int) -> tuple[Block, ...]:
        """Group the pieces into blocks of at least about ``block_bytes``."""
        blocks: list[Block] = []
        group: list[Piece] = []
        for piece in self.pieces:
            group.append(piece)
            if piece.stop - group[0].start >= block_bytes:
                blocks.append(Block(tuple(group)))
                group = []
        if group:
            blocks.append(Block(tuple(group)))
        return tuple(blocks)
