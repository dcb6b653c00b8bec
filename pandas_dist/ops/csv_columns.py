"""The types of CSV columns, proved to be those that pandas 2 gives, and their values.

pandas types a file in chunks of some thousand rows and joins them.  What is read here has the
same type in every chunk, or holds numbers for which it makes no difference; for anything else
`WholeFile` is raised, and pandas reads the file:

- *integers* as Polars reads them: all that it accepts as int64, pandas does too;
- *floats* of at most 16 characters between 1e-6 and 2**53: their digits make an integer
  below 2**53 and their power of ten is exact (at most 22), so that pandas' converter
  rounds once, as any correct one.  Longer ones are converted in the steps that pandas takes
  (`csv_digits`), or by pandas itself, in threads;
- *truth values*, if missing ones are in every chunk or in none;
- *text* where each chunk has, before any number too long for an integer, a value that is
  neither number nor truth value: it stays Arrow text until somebody looks at it.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from pandas_dist.ops import csv_digits
from pandas_dist.ops.csv_reconcile import Marks
from pandas_dist.ops.csv_split import WholeFile
from pandas_dist.plan.schema import TEXT_STORAGE, Field

# Rows of a first look, of a piece that stays in the cache, and of one call of pandas.
_LOOK = 64
_ROWS = 1 << 14
_BLOCK = 1 << 17
# Characters and sizes of numbers that any correct converter reads as pandas does.
_SHORT = 16
_LEAST, _MOST = 1e-6, float(2**53)
# What only a float, or a word for infinity or "not a number", has in it.
_POINT = [".", "e", "E", "n", "N"]
_TRUTH = {"true": True, "false": False}
_LETTER = re.compile(r"\s*[+-]?[^\W\d_]")
_MIXTURE = re.compile(r"\d{1,15}[-/:A-DF-Za-df-z]")
_NUMBER_WORDS = ("inf", "nan", "true", "false")
# A number in this many characters fits into an integer of 64 bits.
_FITS = 18


class NotNumbers(Exception):
    """A column holds something that is not a number."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result."""

    values: pd.Series
    field: Field


def pooled(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """The function's results, by one thread for each core."""
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(function, items))


def column_of(values: pl.Series, missing: Marks, fixed: Any, rows: int) -> Column:
    """One column, typed as pandas types it; ``rows`` is the length of pandas' chunks."""
    if values.dtype == pl.Int64:
        return numbers(values.to_numpy())
    if "" not in missing.texts and (values.null_count() or (values == "").any()):
        raise WholeFile("empty text that is not missing")
    if fixed is not None and fixed == np.dtype(object):
        return text_of(values, missing)
    if fixed is not None and fixed != np.dtype("float64"):
        raise WholeFile(f"dtype {fixed}")
    truth = truth_of(values, missing, rows) if fixed is None else None
    if truth is not None:
        return truth
    try:
        return floats_of(values, missing, exact=fixed is None)
    except NotNumbers:
        if fixed is not None:
            raise WholeFile("values that are not numbers") from None
    check_text(values, missing.texts, rows)
    return text_of(values, missing)


def numbers(values: np.ndarray) -> Column:
    if not values.flags.writeable:
        values = values.copy()
    return Column(pd.Series(values, copy=False), Field(values.dtype, values.dtype.kind == "f"))


def truth_of(values: pl.Series, missing: Marks, rows: int) -> Column | None:
    """A column of truth values; None if it does not begin as one."""
    head = [one for one in values.head(_LOOK) if one is not None and one not in missing.texts]
    if not head or any(one.lower() not in _TRUTH for one in head):
        return None
    yes, no = (values.is_in([word, word.upper(), word.title()]) for word in _TRUTH)
    others = [one for one in values.filter(~(yes | no)).unique() if one not in missing.texts]
    if any(one.lower() not in _TRUTH for one in others):
        raise WholeFile("truth values and other values")
    if others:  # such as "tRuE"
        yes = yes | values.is_in([one for one in others if _TRUTH[one.lower()]])
    truth = yes.fill_null(False).to_numpy()
    absent = (values.is_null() | values.is_in(list(missing.texts)).fill_null(False)).to_numpy()
    if not absent.any():
        return numbers(truth)
    for low in range(0, len(absent), rows):
        if absent[low : low + rows].all() or not absent[low : low + rows].any():
            raise WholeFile("a part of the file with only truth values, or only missing ones")
    objects = truth.astype(object)
    objects[absent] = np.nan
    return Column(pd.Series(objects, copy=False), Field(objects.dtype))


# ---- floats --------------------------------------------------------------------------


def floats_of(values: pl.Series, missing: Marks, exact: bool) -> Column:
    """A column of floats.  ``exact``: pandas infers its type, and some chunk may be integers.

    NotNumbers if it holds something else.
    """
    parse(values.head(_LOOK), missing)
    lengths = values.str.len_bytes()
    longest: Any = lengths.max()
    long = (longest or 0) > _SHORT
    array = by_pandas(values, missing) if long else parse(values, missing).to_numpy()
    seen = sizes_of(array)
    if exact:
        check_inference(values, array, lengths, seen, long)
    if not long and (seen.small or seen.large):
        array = by_pandas(values, missing)
    return numbers(array)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What occurs among floats; ``negative``: a negative zero."""

    small: bool
    large: bool
    missing: bool
    fraction: bool
    negative: bool


def sizes_of(array: np.ndarray) -> Sizes:
    small = large = missing = fraction = negative = False
    for low in range(0, len(array), _ROWS):  # pieces that stay in the cache
        part = array[low : low + _ROWS]
        size = np.abs(part)
        largest = np.fmax.reduce(size)
        large = large or bool(largest >= _MOST)
        missing = missing or bool(np.isnan(size.max()))
        fraction = fraction or bool(((part != np.floor(part)) & (part == part)).any())
        few = int(np.count_nonzero(size < _LEAST))
        if few:
            zero = part == 0
            small = small or few > int(np.count_nonzero(zero))
            negative = negative or bool(np.signbit(part[zero]).any())
    return Sizes(small, large, missing, fraction, negative)


def parse(values: pl.Series, missing: Marks) -> pl.Series:
    """The nearest floats.  NotNumbers if some text is neither a number nor means missing."""
    parsed = values.cast(pl.Float64, strict=False)
    others = values.filter(parsed.is_null() | parsed.is_nan()).drop_nulls()
    if len(others) and not others.is_in(list(missing.texts)).all():
        raise NotNumbers
    return parsed


def check_inference(
    values: pl.Series, array: np.ndarray, lengths: pl.Series, seen: Sizes, long: bool
) -> None:
    """WholeFile if pandas may read some chunk as integers, with another result."""
    if seen.large:
        infinite = values.filter(pl.Series(np.abs(array) >= _MOST)).unique()
        words = {one.lstrip("+-").lower() for one in infinite.to_list()}
        if not words <= {"inf", "infinity"}:
            raise WholeFile("numbers that differ when read as integers or as floats")
    if not (seen.missing or seen.fraction) and not values.str.contains_any(_POINT).any():
        raise WholeFile("integers that look like floats at first")
    if not (long or seen.negative):
        return
    odd = (lengths > _SHORT).fill_null(False)
    if seen.fraction:
        odd = odd & pl.Series(~(np.abs(array - np.floor(array)) > 0))  # what may be an integer
    if seen.negative:
        odd = odd | pl.Series((array == 0) & np.signbit(array))
    if odd.any() and not values.filter(odd).str.contains_any(_POINT).all():
        raise WholeFile("integers that differ when read as floats")


def by_pandas(values: pl.Series, missing: Marks) -> np.ndarray:
    """The numbers as pandas' own converter gives them."""
    converted = np.empty(len(values))
    by_digits = csv_digits.trusted()

    def convert(low: int) -> None:
        part = values.slice(low, _BLOCK)
        numbers, known = np.full(len(part), np.nan), part.is_null().to_numpy()
        if by_digits:
            found, of_form = csv_digits.convert(part)
            np.copyto(numbers, found, where=of_form & ~known)
            known = known | of_form
        left = np.flatnonzero(~known)
        if len(left):
            numbers[left] = read_numbers(part.gather(left), missing)
        converted[low : low + _BLOCK] = numbers

    pooled(convert, range(0, len(values), _BLOCK))
    return converted


def read_numbers(values: pl.Series, missing: Marks) -> np.ndarray:
    """The numbers by pandas' own converter, which leaves other threads running."""
    text = io.BytesIO()
    values.to_frame("x").write_csv(text, include_header=False, quote_style="never")
    text.seek(0)
    try:
        frame = pd.read_csv(
            text,
            header=None,
            names=["x"],
            sep="\x01",
            dtype="float64",
            quoting=3,
            skip_blank_lines=False,
            na_values=sorted(missing.texts),
            keep_default_na=False,
            low_memory=False,
        )
    except ValueError as error:
        raise NotNumbers from error
    if len(frame) != len(values):
        raise WholeFile("numbers on several lines")
    return frame["x"].to_numpy()


# ---- text ----------------------------------------------------------------------------


def text_of(values: pl.Series, missing: Marks) -> Column:
    """A column of text, its missing values null."""
    if missing.texts:
        absent = values.is_in(list(missing.texts))
        if absent.any():
            values = values.set(absent.fill_null(False), None)
    storage: Any = TEXT_STORAGE
    text = storage.__from_arrow__(pa.chunked_array([values.to_arrow()]))
    return Column(pd.Series(text, copy=False), Field(np.dtype(object), True, True, "nan"))


def check_text(values: pl.Series, missing: frozenset[str], rows: int) -> None:
    """WholeFile unless pandas reads every chunk of ``rows`` as text."""
    for low in range(0, len(values), rows):
        for one in chunk(values, low, rows):
            if one is None or one in missing:
                continue
            if is_text(one):
                break
            if len(one) >= _FITS:
                raise WholeFile("long numbers before text")
        else:
            raise WholeFile("a part of the file without text in a column of text")


def chunk(values: pl.Series, low: int, rows: int) -> Iterator[str | None]:
    yield from values.slice(low, min(_LOOK, rows)).to_list()
    if rows > _LOOK:
        yield from values.slice(low + _LOOK, rows - _LOOK).to_list()


def is_text(one: str) -> bool:
    """Whether a value is surely neither number nor truth value."""
    if _LETTER.match(one):
        return not one.strip().lstrip("+-").lower().startswith(_NUMBER_WORDS)
    return _MIXTURE.match(one) is not None


# ---- dates, index --------------------------------------------------------------------


def dates_of(column: Column) -> Column:
    """Text as dates: each distinct value once, in order of appearance, as pandas' cache does."""
    encoded = pa.chunked_array(column.values.array.__arrow_array__()).combine_chunks()
    encoded = encoded.dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype=object)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dates = pd.to_datetime(distinct).to_numpy()
    except (ValueError, TypeError, UserWarning) as error:
        raise WholeFile("dates that need pandas") from error
    if not len(dates) or dates.dtype != np.dtype("M8[ns]"):
        raise WholeFile("dates of several kinds")
    codes = encoded.indices.fill_null(len(dates)).to_numpy(zero_copy_only=False)
    values = np.append(dates, np.datetime64("NaT"))[codes]
    return Column(pd.Series(values, copy=False), Field(values.dtype))


def check_index(column: Column) -> None:
    """Columns of the index go through a second round of inference."""
    if column.values.dtype == np.int64:
        return
    values = column.values.dropna()
    if column.field.encoding is None or not len(values) or not is_text(values.iloc[0]):
        raise WholeFile("an index that needs the whole column")
