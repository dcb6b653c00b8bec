"""The types of CSV columns, proved to be those that pandas 2 gives, and their values.

pandas types a file in chunks of some thousand rows and joins them.  What is read here has the
same type in every chunk, or holds numbers for which it makes no difference; for anything else
`WholeFile` is raised, and pandas reads the file:

- *integers* as Polars reads them: all that it accepts as int64, pandas does too;
- *floats* of at most 16 characters, a minus sign apart, between 1e-6 and 2**53: their digits make
  an integer below 2**53 and their power of ten is exact (at most 22), so that pandas' converter
  rounds once, as any correct one.  Longer ones are converted in the steps that pandas takes
  (`csv_floats`, `csv_digits`), or by pandas itself;
- *truth values*, if missing ones are in every chunk or in none;
- *text* where each chunk has, before any number too long for an integer, a value that is
  neither number nor truth value: it stays Arrow text until somebody looks at it.

Each kind is a class of columns to which parts of the file are added, by several threads and in
any order; parts begin where a chunk of pandas does.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pandas_dist.ops.csv_parts import Part
from pandas_dist.ops.csv_reconcile import Marks
from pandas_dist.ops.csv_split import WholeFile
from pandas_dist.pandas_private import inferred_categories
from pandas_dist.plan.schema import TEXT_STORAGE, Field

# Rows of a first look, and of one that tells whether values repeat.
_LOOK, _MANY = 64, 1 << 15
TRUTH = {"true": True, "false": False}
_LETTER = re.compile(r"\s*[+-]?[^\W\d_]")
# What no number has: first of all, or after digits; or two points.
_MARK = re.compile(r"\s*[+-]?[^\w\s.,'+-]")
_MIXTURE = re.compile(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{0,15})?(\s*[^\w\s.,'+]|\s*[^\W\d_eE]|\s+\d)")
_POINTS = re.compile(r"\s*[+-]?[0-9]{1,15}\.[0-9]{0,15}\.")
_NUMBER_WORDS = ("inf", "infinity", "nan", "true", "false")
# What is an integer of 64 bits, if it is one at all.
_FITS = re.compile(r"\s*[+-]?[0-9]{0,18}(?![0-9])")


class NotNumbers(Exception):
    """A column holds something that is not a number."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result."""

    values: pd.Series
    field: Field


class Builder:
    """A column of ``rows`` rows to come, its pieces added as Polars finds them.

    ``missing``: what means missing in it; ``chunk``: the rows that pandas types together;
    ``dtype``: the caller's, None if it is inferred.  `add` raises NotNumbers if some text is no
    such number, and WholeFile where only pandas is right.
    """

    values: Any = None  # (rows,), if it is made of numbers

    def __init__(self, rows: int, missing: Marks, chunk: int, dtype: Any) -> None:
        self.rows, self.missing, self.chunk, self.dtype = rows, missing, chunk, dtype

    def add(self, part: Part, values: pl.Series) -> None:
        """The values of one part of the file."""
        raise NotImplementedError

    def finish(self) -> Column:
        """The whole column, once all parts are there."""
        raise NotImplementedError

    def check_empty(self, values: pl.Series) -> None:
        if "" not in self.missing.texts and (values.null_count() or (values == "").any()):
            raise WholeFile("empty text that is not missing")


def numbers(values: np.ndarray) -> Column:
    return Column(pd.Series(values, copy=False), Field(values.dtype, values.dtype.kind == "f"))


def side_by_side(columns: Iterable[Builder]) -> None:
    """Let numbers of one dtype be the rows of one array, as they are in a pandas frame."""
    alike: dict[np.dtype, list[Builder]] = {}
    for column in columns:
        if column.values is not None and column.values.dtype.kind in "iufb":
            alike.setdefault(column.values.dtype, []).append(column)
    for dtype, some in alike.items():
        for column, row in zip(some, np.empty((len(some), some[0].rows), dtype)):
            column.values = row


# ---- integers, truth values ----------------------------------------------------------------


class Integers(Builder):
    """Integers without missing values: int64, or what the caller gives if they fit into it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.values = np.empty(self.rows, dtype="int64" if self.dtype is None else self.dtype)

    def add(self, part: Part, values: pl.Series) -> None:
        if values.null_count():
            raise NotNumbers
        array = values.to_numpy()
        self.values[part.place] = array
        if self.values.dtype != np.int64 and (self.values[part.place] != array).any():
            raise WholeFile(f"integers too large for {self.dtype}")

    def finish(self) -> Column:
        return numbers(self.values)


class Truth(Builder):
    """Truth values: bool, or objects where some are missing."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if any(one.lower() in TRUTH for one in self.missing.texts):
            raise WholeFile("truth values that mean missing")
        self.values = np.empty(self.rows, dtype=bool)
        self.absent: list[tuple[Part, np.ndarray | None]] = []

    def add(self, part: Part, values: pl.Series) -> None:
        self.check_empty(values)
        yes, no = values == "True", values == "False"
        absent = None
        if not (yes | no).all(ignore_nulls=False):
            yes, no = (values.is_in([word, word.upper(), word.title()]) for word in TRUTH)
            texts = self.missing.texts
            others = [one for one in values.filter(~(yes | no)).unique() if one not in texts]
            if any(one.lower() not in TRUTH for one in others):
                raise WholeFile("truth values and other values")
            if others:  # such as "tRuE"
                yes = yes | values.is_in([one for one in others if TRUTH[one.lower()]])
                no = no | values.is_in([one for one in others if not TRUTH[one.lower()]])
            missing = ~(yes | no).fill_null(False)
            absent = missing.to_numpy() if missing.any() else None
        self.values[part.place] = yes.fill_null(False).to_numpy()
        self.absent.append((part, absent))

    def finish(self) -> Column:
        if all(absent is None for _, absent in self.absent):
            return numbers(self.values)
        if self.dtype is not None:
            raise WholeFile("missing truth values")
        objects = self.values.astype(object)
        for part, absent in self.absent:
            for low in range(0, part.rows, self.chunk):
                some = absent is not None and absent[low : low + self.chunk].any()
                if absent is None or not some or absent[low : low + self.chunk].all():
                    raise WholeFile("a part of the file with only truth values, or missing ones")
            objects[part.place][absent] = np.nan
        return Column(pd.Series(objects, copy=False), Field(objects.dtype))


# ---- text ----------------------------------------------------------------------------


class Text(Builder):
    """Text, its missing values null, as Arrow holds it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parts: dict[int, pa.Array] = {}

    def add(self, part: Part, values: pl.Series) -> None:
        self.parts[part.first] = self.text(values).to_arrow()

    def text(self, values: pl.Series) -> pl.Series:
        """The values, proved to be text, null where they are missing."""
        self.check_empty(values)
        if self.dtype is None:
            check_text(values, self.missing.texts, self.chunk)
        texts = self.missing.texts
        shortest: Any = values.str.len_bytes().min()
        if texts and (shortest or 0) <= max(len(one.encode()) for one in texts):
            absent = values.is_in(list(texts))
            if absent.any():
                values = values.set(absent.fill_null(False), None)
        return values

    def finish(self) -> Column:
        storage: Any = TEXT_STORAGE
        parts = [self.parts[first] for first in sorted(self.parts)]
        text = storage.__from_arrow__(pa.chunked_array(parts))
        return Column(pd.Series(text, copy=False), Field(np.dtype(object), True, True, "nan"))


def check_text(values: pl.Series, missing: frozenset[str], rows: int) -> None:
    """WholeFile unless pandas reads every chunk of ``rows`` as text."""
    for low in range(0, len(values), rows):
        for one in chunk(values, low, rows):
            if one is None or one in missing:
                continue
            if is_text(one):
                break
            if not _FITS.match(one):
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
        return one.strip().lstrip("+-").lower() not in _NUMBER_WORDS
    return any(form.match(one) for form in (_MIXTURE, _MARK, _POINTS))


# ---- categories, dates, index --------------------------------------------------------------------


class Categories(Text):
    """Text as categories, made for each chunk and joined, as pandas does."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.chunks: dict[int, pd.Categorical] = {}

    def add(self, part: Part, values: pl.Series) -> None:
        for low in range(0, part.rows, self.chunk):
            text = self.text(values.slice(low, self.chunk)).to_arrow().dictionary_encode()
            codes = text.indices.fill_null(-1).to_numpy().astype("int64")
            self.chunks[part.first + low] = inferred_categories(text.dictionary.to_pandas(), codes)

    def finish(self) -> Column:
        chunks = [self.chunks[first] for first in sorted(self.chunks)]
        values = chunks[0] if len(chunks) == 1 else pd.api.types.union_categoricals(chunks)
        return Column(pd.Series(values, copy=False), Field(values.dtype))


class Dates(Text):
    """Text as dates: all of one layout, or each distinct value as pandas' cache takes it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.values = np.empty(self.rows, dtype="M8[ns]")
        self.layouts: set[int | None] = set()  # by the length of their texts; None: another one

    def add(self, part: Part, values: pl.Series) -> None:
        text = self.text(values)
        look = text.head(_MANY).drop_nulls()
        found = iso_dates(text) if 2 * look.n_unique() > len(look) else None
        if found is not None:
            self.layouts.add(found[0])
            self.values[part.place] = found[1]
            return
        encoded = self.parts[part.first] = text.to_arrow().dictionary_encode()
        found = iso_dates(pl.Series(encoded.dictionary))
        if len(encoded.dictionary):
            self.layouts.add(None if found is None else found[0])
        self.write(part.first, self.values[:0] if found is None else found[1])

    def write(self, first: int, dates: np.ndarray) -> None:
        """Write the dates of a part's distinct texts to its rows."""
        own = np.append(dates, np.datetime64("NaT", "ns"))
        codes = self.parts[first].indices.fill_null(len(own) - 1).to_numpy()
        np.take(own, codes, out=self.values[first : first + len(codes)], mode="clip")

    def finish(self) -> Column:
        if len(self.layouts) != 1 or None in self.layouts:
            if sum(map(len, self.parts.values())) < self.rows:
                raise WholeFile("dates of several layouts")
            parts = {first: self.parts[first].dictionary for first in sorted(self.parts)}
            distinct = pa.chunked_array(list(parts.values())).unique()
            dates = to_dates(distinct)
            for first, one in parts.items():
                self.write(first, dates[pc.index_in(one, distinct).to_numpy()])
        return Column(pd.Series(self.values, copy=False), Field(self.values.dtype))


# By their length: layouts that pandas recognises, and the texts that everybody reads so.
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LAYOUTS = {
    10: ("%Y-%m-%d", f"^{_DAY}$"),
    19: ("%Y-%m-%d %H:%M:%S", f"^{_DAY} [0-9]{{2}}:[0-9]{{2}}:[0-5][0-9]$"),
}


# Days in microseconds between which nanoseconds fit into 64 bits.
_FIRST, _LAST = np.array(["1678-01-01", "2262-01-01"], dtype="M8[us]").astype("i8").tolist()


def iso_dates(texts: pl.Series) -> tuple[int, np.ndarray] | None:
    """The length of texts that are all dates of one ISO layout, and the dates; else None."""
    lengths = texts.str.len_bytes()
    length: Any = lengths.min()
    if length not in _LAYOUTS or lengths.max() != length:
        return None
    layout, form = _LAYOUTS[length]
    if not texts.str.contains(form).all():
        return None
    kind = pl.Date if length == 10 else pl.Datetime("us")
    dates = texts.str.strptime(kind, layout, strict=False)
    moments = dates.cast(pl.Datetime("us")).to_physical()
    first, last = cast(int, moments.min()), cast(int, moments.max())
    if dates.null_count() > texts.null_count() or first < _FIRST or last > _LAST:
        return None
    return length, dates.cast(pl.Datetime("ns")).to_numpy()


def to_dates(distinct: pa.Array) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dates = pd.to_datetime(pd.Series(distinct.to_pandas(), dtype=object)).to_numpy()
    except (ValueError, TypeError, Warning) as error:
        raise WholeFile("dates that need pandas") from error
    if not len(dates) or dates.dtype != np.dtype("M8[ns]"):
        raise WholeFile("dates of several kinds")
    return dates


def check_index(column: Column) -> None:
    """Columns of the index go through a second round of inference."""
    if column.values.dtype == np.int64:
        return
    values = column.values.dropna()
    if column.field.encoding is None or not len(values) or not is_text(values.iloc[0]):
        raise WholeFile("an index that needs the whole column")
