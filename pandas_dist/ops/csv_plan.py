"""What a block-wise CSV read is made of: plain, picklable data classes, no behaviour.

A *chunk* is a run of rows whose types pandas infers together: the whole file with
``low_memory=False``, else ``chunk_rows`` rows.  A *piece* is a byte range inside one chunk,
and a *block* is one or more consecutive pieces: the unit of parallel work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas

from pandas_dist.ops.files import Pin

_NOWHERE = Pin("", 0, 0, 0)


@dataclass(frozen=True)
class Piece:
    """Byte range ``[start, stop)`` of whole records, ``rows`` of them, all in one chunk.

    ``starts_chunk``: the first piece of a chunk other than the file's first.
    """

    start: int
    stop: int
    rows: int
    chunk: int
    number: int
    starts_chunk: bool = False


@dataclass(frozen=True)
class Block:
    """The unit of parallel work: consecutive pieces covering ``[start, stop)``."""

    pieces: tuple[Piece, ...]

    @property
    def start(self) -> int:
        return self.pieces[0].start

    @property
    def stop(self) -> int:
        return self.pieces[-1].stop

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


@dataclass(frozen=True)
class CsvPlan:
    """How to read one file.

    With ``whole`` set (the reason), the only way is `read_whole`; there are no blocks then.
    ``labels`` maps a used file position to its column label; ``index_labels`` are the labels
    of the columns which become the index, named ``index_names``; ``columns`` are the columns
    of the result.  ``rows`` is the exact row count of the result.
    """

    path: str
    kwargs: Mapping[str, Any]
    whole: str | None = None
    blocks: tuple[Block, ...] = ()
    names: tuple[Any, ...] = ()
    labels: Mapping[int, Any] = field(default_factory=dict)
    columns: pandas.Index = field(default_factory=lambda: pandas.Index([]))
    index_labels: tuple[Any, ...] = ()
    index_names: tuple[Any, ...] = ()
    date_labels: tuple[Any, ...] = ()
    pin: Pin = _NOWHERE

    @property
    def rows(self) -> int:
        return sum(block.rows for block in self.blocks)


@dataclass(frozen=True)
class ColumnSummary:
    """What reconciling needs to know of one column in one piece.

    ``kind``: int, uint, float, na (float64, all missing), bool, boolna (bools and missing, as
    object), text, fixed (the user's dtype), or other (only pandas' whole read is right).
    ``sure``: holds a number that is not an integer, so the text was parsed as floats.
    ``unsafe``: holds numbers that may differ when parsed as int64 and cast, or as float64.
    ``wordy``: the first text present does not look like a number or a truth value.
    """

    kind: str
    dtype: Any
    sure: bool = False
    unsafe: bool = False
    wordy: bool = False


@dataclass(frozen=True)
class BlockSummary:
    """The summaries of a block: per piece, file position -> summary; or why it has none."""

    pieces: tuple[tuple[Piece, Mapping[int, ColumnSummary]], ...]
    error: str | None = None


@dataclass(frozen=True)
class BlockResult:
    """A parsed block: one frame per piece (columns by file label) and its summary."""

    block: Block
    frames: tuple[pandas.DataFrame, ...]
    summary: BlockSummary


@dataclass(frozen=True)
class ColumnDecision:
    """By piece number: the casts to apply in turn, and the pieces to read again as text.

    ``text``: the whole column holds only strings and missing values.
    """

    casts: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)
    reread: frozenset[int] = frozenset()
    text: bool = False


@dataclass(frozen=True)
class Decisions:
    """What to do with each column (by file position), or why only the whole read is right.

    ``warning`` is the text of the DtypeWarning that pandas gives for this file, if any.
    """

    whole: str | None = None
    columns: Mapping[int, ColumnDecision] = field(default_factory=dict)
    warning: str | None = None
