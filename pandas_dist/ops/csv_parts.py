"""Cut a CSV file into parts of whole records, for several threads at once.

One look at all bytes proves that pandas and Polars cut the file into the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from pandas_dist import threads
from pandas_dist.ops.csv_bytes import FileBytes
from pandas_dist.ops.csv_native import separator
from pandas_dist.ops.csv_split import WholeFile, ends_in

# Bytes that are looked at together, and of a part; stretches of a task.
_STRETCH = 1 << 20
_WINDOW = 1 << 17
PART = 1 << 23
_SOME = 32
_NEWLINE, _RETURN = 10, 13
_BLANK = 32


@dataclass(frozen=True, slots=True)
class Part:
    """Whole records: the bytes from ``start`` to ``stop``, the rows from ``first`` on."""

    start: int
    stop: int
    first: int
    rows: int

    @property
    def place(self) -> slice:
        """The rows' place in the whole file."""
        return slice(self.first, self.first + self.rows)


def pooled(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """The function's results, by two threads for each core: one works as another waits for the
    interpreter.  The first error ends the work."""
    with threads.pool(2 * pl.thread_pool_size()) as pool:
        return list(pool.map(function, items))


def parts_of(
    path: str, data: FileBytes, start: int, user: Mapping[str, Any], chunk: int
) -> tuple[list[Part], bool]:
    """The file, whose bytes are ``data``, in parts, and whether some field is quoted.

    A part holds a multiple of ``chunk`` records, except the last one.  WholeFile for blank
    lines, lone carriage returns, NUL bytes, and quotes inside fields.
    """
    if data[start] <= _BLANK or data[:3].tobytes() == b"\xef\xbb\xbf":
        raise WholeFile("blank space or a byte order mark at the start")
    sep, quote = ord(separator(user)), ord(user.get("quotechar", '"'))
    lows = range(start, len(data), _STRETCH)
    some = (lows[n : n + _SOME] for n in range(0, len(lows), _SOME))
    looks = list(chain.from_iterable(pooled(lambda one: _looks(path, one, sep, quote), some)))
    counts = [one.newlines for one in looks]
    quotes = np.cumsum([0, *(one.quotes for one in looks)]).tolist()
    returns = any(one.returns for one in looks)
    if quotes[-1] % 2:
        raise WholeFile("a quote is not closed")
    if quotes[-1] and returns:
        raise WholeFile("quotes and carriage returns")

    def ends(number: int) -> np.ndarray:
        """The ends of the records in a stretch."""
        low = start + number * _STRETCH
        return ends_in(data, low, low + _STRETCH, quotes[number], user)[0]

    if quotes[-1] or returns:
        counts = pooled(lambda number: len(ends(number)), range(len(looks)))
    seen = np.cumsum(counts)
    rows = int(seen[-1]) + int(data[-1] != _NEWLINE)
    step = max(1, round(PART * rows / (len(data) - start) / chunk)) * chunk

    def end_of(rows: int) -> int:
        """Where that many records end."""
        number = int(np.searchsorted(seen, rows))
        return int(ends(number)[rows - int(seen[number]) - 1])

    firsts = [*range(0, rows, step), rows]
    cuts = [start, *pooled(end_of, firsts[1:-1]), len(data)]
    parts = [
        Part(begin, stop, first, last - first)
        for begin, stop, first, last in zip(cuts, cuts[1:], firsts, firsts[1:])
    ]
    return parts, bool(quotes[-1])


@dataclass(frozen=True, slots=True)
class _Look:
    """What occurs in a stretch of the file."""

    newlines: int
    quotes: int
    returns: bool


def _looks(path: str, lows: range, sep: int, quote: int) -> list[_Look]:
    """What occurs in some stretches of the file, in memory that is taken once."""
    data, masks = np.empty(_STRETCH + 1, np.uint8), np.empty((2, _STRETCH), bool)
    found = []
    with open(path, "rb", buffering=0) as file:
        for low in lows:
            file.seek(low)
            found.append(_look(data[: file.readinto(data.data)], masks, sep, quote))
    return found


def _look(data: np.ndarray, masks: np.ndarray, sep: int, quote: int) -> _Look:
    """What a stretch holds, given with the byte behind it, if any; ``masks``: to work in."""
    part, after = data[:_STRETCH], data[1:]
    ends = np.equal(part, _NEWLINE, out=masks[0, : len(part)])
    newlines = int(np.count_nonzero(ends))
    # A blank line may hold blanks; a line may begin with a separator.
    blank = np.less_equal(after, _BLANK, out=masks[1, : len(after)])
    blank &= ends[: len(after)]
    if blank.any() and (after[blank] != sep).any():
        raise WholeFile("a line that is blank or begins with a blank")
    returns = False
    if np.count_nonzero(np.less(part, _BLANK, out=ends)) > newlines:
        if not part.all():
            raise WholeFile("a NUL byte")
        returns = bool((part == _RETURN).any())
    quotes = int(np.count_nonzero(np.equal(part, quote, out=ends)))
    return _Look(newlines, quotes, returns)


def check_widths(text: bytes, part: Part, width: int, sep: int, quote: int | None) -> None:
    """WholeFile if a record may have less than ``width`` fields; none has more.

    ``quote``: None if no field is quoted.
    """
    array = np.frombuffer(text, np.uint8)
    found, inside = 0, _U(0)
    for low in range(0, len(array), _WINDOW):
        window = array[low : low + _WINDOW]
        if quote is None:
            found += int(np.count_nonzero(window == sep))
            continue
        quoted, inside = _quoted(_bits(window == quote), inside)
        outside = _bits(window == sep) & ~quoted
        found += int(np.count_nonzero(np.unpackbits(outside.view(np.uint8))))
    if found != part.rows * (width - 1):
        raise WholeFile("records that may be too short")


_U = np.uint64


def _bits(mask: np.ndarray) -> np.ndarray:
    """A mask as bits of words, the first in the lowest one."""
    packed = np.packbits(mask, bitorder="little")
    return np.append(packed, np.zeros(-len(packed) % 8, np.uint8)).view("<u8")


def _quoted(marks: np.ndarray, inside: np.uint64) -> tuple[np.ndarray, np.uint64]:
    """Which bytes have an odd number of quotes up to them; ``inside``: 1 if so before, behind."""
    for shift in (1, 2, 4, 8, 16, 32):
        marks = marks ^ marks << _U(shift)
    odd = np.bitwise_xor.accumulate(np.append(inside, marks >> _U(63)))
    return marks ^ _U(0) - odd[:-1], odd[-1]
