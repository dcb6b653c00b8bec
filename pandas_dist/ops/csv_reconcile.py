"""From the types of the pieces of a column to the type pandas gives the whole column.

pandas tries int64, uint64 on overflow, float64, bool and then text on all the rows of a
chunk, and joins chunks as `concat` does.  A piece's kind tells which attempts its own rows
pass, so the kind of their union follows, except in the cases marked "other" or "unsafe".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas

from pandas_dist.ops.csv_native import PANDAS_3, given
from pandas_dist.ops.csv_plan import (
    BlockSummary,
    ColumnDecision,
    ColumnSummary,
    CsvPlan,
    Decisions,
    Piece,
)

TEXT: Any = "str" if PANDAS_3 else object
_EXACT = float(2**53)
_INTEGER = re.compile(r"\s*[+-]?[\d,.\s_']+\Z")
_NUMBERLIKE = re.compile(r"\s*([+-.\d]|inf|nan|true|false|t\Z|f\Z|yes|no|none|na)", re.IGNORECASE)

_DEFAULT_MARKS = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip


class _WholeFile(Exception):
    """Only pandas' whole read is right; the argument says why."""


# ---- summaries -----------------------------------------------------------------------


@dataclass(frozen=True)
class Marks:
    """What means "missing" in a column: texts (none if nothing does), and numbers."""

    texts: frozenset[str]
    numbers: frozenset[float]


def marks(user: Mapping[str, Any], position: int, label: Any) -> Marks:
    """The missing-value marks of a column under these ``read_csv`` arguments."""
    if not user.get("na_filter", True):
        return Marks(frozenset(), frozenset())
    values = user.get("na_values")
    if isinstance(values, Mapping):
        values = values.get(label, values.get(position))
    if isinstance(values, str) or not isinstance(values, Iterable):
        values = [] if values is None else [values]
    values = list(values)
    default = _DEFAULT_MARKS if user.get("keep_default_na", True) else frozenset()
    return Marks(default | {str(one) for one in values}, frozenset(_numbers(values)))


def summarise(column: pandas.Series, negative_zero: Any, missing: Marks) -> ColumnSummary:
    """Summary of a column whose type pandas inferred on one piece.

    ``negative_zero()`` tells whether the piece's text holds a '-0' that an int64 would lose.
    """
    dtype = column.dtype
    if dtype == np.int64:
        unsafe = _unsafe(column.to_numpy(), negative_zero, missing)
        return ColumnSummary("int", dtype, unsafe=unsafe)
    if dtype == np.uint64:
        return ColumnSummary("uint", dtype)
    if dtype == np.float64:
        return _summarise_float(column.to_numpy(), negative_zero, missing)
    if dtype == np.bool_:
        return ColumnSummary("bool", dtype)
    if isinstance(dtype, pandas.StringDtype) or dtype.kind == "O":
        return _summarise_object(column, missing)
    return ColumnSummary("other", dtype)


def _summarise_float(values: np.ndarray, negative_zero: Any, missing: Marks) -> ColumnSummary:
    present = values[~np.isnan(values)]
    if not present.size:
        return ColumnSummary("na", values.dtype)
    # An infinity or a fraction cannot come from integer text.
    sure = bool((np.isinf(present) | (present != np.floor(present))).any())
    unsafe = not sure and _unsafe(present, negative_zero, missing)
    return ColumnSummary("float", values.dtype, sure=sure, unsafe=unsafe)


def _unsafe(values: np.ndarray, negative_zero: Any, missing: Marks) -> bool:
    if values.size and float(np.abs(values.astype(np.float64)).max()) >= _EXACT:
        return True
    if missing.numbers and np.isin(values, list(missing.numbers)).any():
        # '099' with na_values=[99] is 99 as an integer and missing as a float
        return True
    return bool((values == 0).any()) and negative_zero()


def _numbers(values: Iterable[Any]) -> set[float]:
    numbers = set()
    for one in values:
        try:
            numbers.add(float(one))
        except (TypeError, ValueError):
            continue
    return numbers


def _summarise_object(column: pandas.Series, missing: Marks) -> ColumnSummary:
    values = column.dropna()
    if not len(values):
        return ColumnSummary("other", column.dtype)
    first = values.iloc[0]
    if isinstance(first, bool | np.bool_):
        return ColumnSummary("boolna", column.dtype)
    if not isinstance(first, str):
        return ColumnSummary("other", column.dtype)
    if missing.texts and _overflows(values, missing.texts):
        return ColumnSummary("other", column.dtype)
    return ColumnSummary("text", column.dtype, wordy=not _NUMBERLIKE.match(first))


def _overflows(values: Iterable[str], missing: frozenset[str]) -> bool:
    """Whether an integer too large for 64 bits precedes all other text.

    pandas then leaves the missing-value marks of the column as they are, and which path it
    takes depends on what comes first in the file.
    """
    for value in values:
        if not _INTEGER.match(value):
            # A missing-value mark left as text also shows that path.
            return value in missing
        if len(value) >= 19 and sum(c.isdigit() for c in value) >= 19:
            return True
    return False


def summarise_fixed(column: pandas.Series, dtype: Any, has_words: Any) -> ColumnSummary:
    """Summary of a column whose type the user gave.  ``has_words()``: 'true' in the text."""
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        if column.dtype != dtype:
            return ColumnSummary("other", column.dtype)
        values = column.to_numpy()
        # Words of truth pass as 0 and 1 in a piece, but not beside other numbers.
        if np.isin(values[values == values], [0, 1]).all() and has_words():
            return ColumnSummary("other", dtype)
        # '1e3' is let through to an integer by way of floats, which round large numbers.
        large = dtype.itemsize == 8 and dtype.kind in "iu" and values.size
        if large and float(np.abs(values.astype(np.float64)).max()) >= _EXACT:
            return ColumnSummary("other", dtype)
    return ColumnSummary("fixed", column.dtype)


# ---- reconciling ---------------------------------------------------------------------


def reconcile(plan: CsvPlan, summaries: Iterable[BlockSummary]) -> Decisions:
    """Decide each column's type from the summaries of all blocks, in order.

    The decision's ``whole`` is set, with the reason, when the result of the whole file does
    not follow from its parts (or a part failed: pandas then raises its own exception).
    """
    blocks = list(summaries)
    if plan.whole:
        return Decisions(whole=plan.whole)
    for block in blocks:
        if block.error:
            return Decisions(whole=block.error)
    pieces = [entry for block in blocks for entry in block.pieces]
    user = given(plan.kwargs)
    columns: dict[int, ColumnDecision] = {}
    mixed: list[int] = []
    for position, label in plan.labels.items():
        parts = [(piece, found[position]) for piece, found in pieces]
        try:
            columns[position], is_mixed = _decide(parts, user)
            if label in plan.index_labels:
                _check_index(parts)
        except _WholeFile as stop:
            return Decisions(whole=f"column {label!r}: {stop}")
        if is_mixed:
            mixed.append(position)
    if not mixed:
        return Decisions(columns=columns)
    warning = (
        f"Columns ({','.join(map(str, mixed))}) have mixed types. "
        "Specify dtype option on import or set low_memory=False."
    )
    return Decisions(columns=columns, warning=warning)


def _check_index(parts: list[tuple[Piece, ColumnSummary]]) -> None:
    """Index columns of text go through a second round of inference, over the whole column."""
    kinds = {summary.kind for _, summary in parts}
    if len(kinds) > 1 or kinds <= {"fixed", "boolna", "uint", "na"}:
        raise _WholeFile("an index that needs the whole column")
    if kinds == {"text"} and not any(summary.wordy for _, summary in parts):
        raise _WholeFile("an index of text that looks like numbers")


def _decide(
    parts: list[tuple[Piece, ColumnSummary]], user: Mapping[str, Any]
) -> tuple[ColumnDecision, bool]:
    """The decision for one column, and whether pandas warns of mixed types."""
    chunks: dict[int, list[ColumnSummary]] = defaultdict(list)
    for piece, summary in parts:
        chunks[piece.chunk].append(summary)
    kinds = {number: _merge(chunk, user) for number, chunk in chunks.items()}
    distinct = set(kinds.values())
    if PANDAS_3 and distinct <= {"int", "float", "na"} and len(parts) > 1:
        # Newer versions read large files in parallel with other limits than these chunks.
        _check_numbers([summary for _, summary in parts])
    casts, reread = {}, set()
    joined = _join(distinct)
    for piece, summary in parts:
        casts[piece.number] = tuple(_CASTS.get(kinds[piece.chunk], ())) + joined
        if kinds[piece.chunk] == "text" and summary.kind != "text":
            reread.add(piece.number)
    # Truth values beside missing ones are objects, as text is: pandas warns by dtype.
    dtypes = {"object" if kind in ("boolna", "text") else kind for kind in distinct}
    is_mixed = len(dtypes) > 1 and np.dtype(object) in joined
    text = distinct <= {"text", "na"} and "text" in distinct
    if distinct == {"fixed"}:
        text = all(s.dtype == object or isinstance(s.dtype, pandas.StringDtype) for _, s in parts)
    return ColumnDecision(casts, frozenset(reread), text), is_mixed


# What a piece is cast to when its chunk has this kind.
_CASTS = {"float": (np.dtype("float64"),), "boolna": (np.dtype(object),)}
_SIMPLE = {"int", "float", "na"}


def _merge(chunk: list[ColumnSummary], user: Mapping[str, Any]) -> str:
    """The kind pandas infers for the rows of all these pieces together."""
    kinds = {summary.kind for summary in chunk}
    if "other" in kinds:
        raise _WholeFile("numbers that only a whole read types")
    if kinds == {"fixed"} or len(chunk) == 1:
        return chunk[0].kind
    if kinds <= _SIMPLE:
        if kinds != {"int"}:
            _check_numbers(chunk)
        return kinds.pop() if len(kinds) == 1 else "float"
    if len(kinds) == 1:
        return kinds.pop()
    if "uint" in kinds:
        raise _WholeFile("unsigned and other numbers")
    if "text" in kinds:
        return "text"
    custom = {"true_values", "false_values", "na_values", "keep_default_na", "na_filter"}
    if custom & set(user):
        raise _WholeFile("truth values and other values")
    return "boolna" if kinds <= {"bool", "boolna", "na"} else "text"


def _check_numbers(parts: list[ColumnSummary]) -> None:
    kinds = {part.kind for part in parts}
    if kinds != {"int"} and any(part.unsafe for part in parts):
        raise _WholeFile("numbers that differ when read as integers or as floats")


def _join(kinds: set[str]) -> tuple[Any, ...]:
    """The casts, one after the other, by which pandas joins chunks of these kinds.

    NumPy joins numbers and truth values as numbers (True is 1), which pandas then makes
    objects; beside text every value keeps its own type.
    """
    if len(kinds) == 1:
        return ()
    if kinds <= _SIMPLE:
        return (np.dtype("float64"),)
    if PANDAS_3 or "uint" in kinds:
        raise _WholeFile("types that differ between parts of the file")
    if kinds <= _SIMPLE | {"bool"}:
        number = "int64" if kinds == {"int", "bool"} else "float64"
        return (np.dtype(number), np.dtype(object))
    return (np.dtype(object),)
