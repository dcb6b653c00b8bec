"""What is known of a column before any row is read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist import threads

_counter = itertools.count()


def new_id() -> str:
    """A column id, unique in this process: relations never see user labels."""
    return f"c{next(_counter)}"


@dataclass(frozen=True, slots=True)
class Field:
    """Type knowledge of one column of a relation.

    ``dtype`` is the dtype that pandas would show, or None while it depends on
    data that has not been read (an int column after a left join).  ``nulls``
    says whether missing values may occur.  ``text`` marks an object column that
    holds only ``str`` and missing values.  ``encoding`` is physical: such a
    column is held as Arrow text inside the engine, and its missing values are
    shown as ``"none"`` (None) or ``"nan"`` (NaN).
    """

    dtype: Any
    nulls: bool = True
    text: bool = False
    encoding: str | None = None

    @property
    def known(self) -> bool:
        return self.dtype is not None

    @property
    def kind(self) -> str:
        """NumPy's kind letter; ``"E"`` for extension dtypes, ``"?"`` if unknown."""
        if self.dtype is None:
            return "?"
        return self.dtype.kind if isinstance(self.dtype, np.dtype) else "E"

    @property
    def numeric(self) -> bool:
        return self.kind in "iufb" and self.dtype != np.float16

    @property
    def is_text(self) -> bool:
        """Only ``str`` and missing values, by dtype or by knowledge."""
        return self.text or is_str_dtype(self.dtype)

    def nullable(self) -> Field:
        """This field after rows without a match may have been added."""
        if self.kind in "fmM":
            return self if self.nulls else replace(self, nulls=True)
        if self.encoding is not None:
            if self.encoding == "none" and self.nulls:
                return Field(None)
            return replace(self, nulls=True, encoding="nan")
        if self.kind == "O":
            return replace(self, nulls=True)
        own = getattr(self.dtype, "na_value", None) is pd.NA
        if own or isinstance(self.dtype, pd.CategoricalDtype) or is_str_dtype(self.dtype):
            return replace(self, nulls=True)
        return Field(None)


def is_str_dtype(dtype: Any) -> bool:
    """Whether ``dtype`` is pandas 3's default ``str`` (Arrow text, NaN missing)."""
    return isinstance(dtype, pd.StringDtype) and dtype.na_value is np.nan


TEXT_STORAGE = pd.StringDtype("pyarrow", na_value=np.nan)


def decode(series: pd.Series, field: Field) -> pd.Series:
    """Arrow text back to the object column that pandas would show."""
    if field.encoding is None or series.dtype == object:
        return series
    values = objects(series.array.__arrow_array__(), shown_missing(field))
    return pd.Series(values, index=series.index, dtype=object, copy=False)


def shown_missing(field: Field) -> Any:
    """What a missing value of Arrow text is shown as."""
    return None if field.encoding == "none" else np.nan


# What writes a column's objects to an array (n,).
Writer = Callable[[np.ndarray], Any]


def writer(field: Field, text: Any, pool: Executor) -> Writer:
    """Begin to decode a column's array of Arrow text, in other threads as far as they can."""
    chunks, missing = chunked(text.__arrow_array__()), shown_missing(field)
    if repeats(chunks):
        return partial(_take, _encoded(chunks, pool), missing)
    return partial(_write, chunks, missing)


# Rows by whose distinct values a column's are judged, and of one task.
_LOOK = 1 << 17
_TASK = 1 << 20


def chunked(text: Any) -> pa.ChunkedArray:
    return text if isinstance(text, pa.ChunkedArray) else pa.chunked_array([text])


def repeats(text: pa.ChunkedArray) -> bool:
    """Whether the first rows have few distinct values."""
    look = text.slice(0, _LOOK)
    return 2 * len(look.unique()) < len(look)


def objects(text: Any, missing: Any) -> np.ndarray:
    """Arrow text as ``str`` objects, fewer of them where values repeat."""
    text = chunked(text)
    if repeats(text):
        values = np.empty(len(text), dtype=object)
        with threads.pool(pa.cpu_count()) as pool:
            _take(_encoded(text, pool), missing, values)
        return values
    values = text.to_numpy()
    if not values.flags.writeable:
        values = values.copy()
    if missing is not None and text.null_count:
        values[text.is_null().to_numpy()] = missing
    return values


def _write(text: pa.ChunkedArray, missing: Any, out: np.ndarray) -> None:
    out[:] = objects(text, missing)


def _encoded(text: pa.ChunkedArray, pool: Executor) -> Iterator[pa.DictionaryArray]:
    """The codes of some rows after the other, found by the threads of the pool."""

    def encode(low: int) -> pa.DictionaryArray:
        return text.slice(low, _TASK).dictionary_encode("encode").combine_chunks()

    lows = range(0, len(text), _TASK)
    return pool.map(encode, lows) if len(lows) > 1 else map(encode, lows)


def _take(parts: Iterable[pa.DictionaryArray], missing: Any, out: np.ndarray) -> None:
    low = 0
    for encoded in parts:
        words = encoded.dictionary.to_numpy(zero_copy_only=False)
        if missing is not None and encoded.dictionary.null_count:
            words = words.copy()
            words[encoded.dictionary.is_null()] = missing  # itself: scripts ask `x is np.nan`
        place = out[low : low + len(encoded)]
        np.take(words, encoded.indices.to_numpy(), out=place, mode="clip")
        low += len(encoded)


_SAMPLES: dict[str, Any] = {
    "i": 1,
    "u": 1,
    "f": 1.5,
    "b": True,
    "M": "2020-02-03",
    "m": "1 days",
    "c": 1j,
}


def sample(field: Field) -> pd.Series | None:
    """A one-row series of the field's dtype to ask pandas for result dtypes.

    None where one row cannot stand for the column (unknown or mixed content).
    """
    dtype = field.dtype
    if dtype is None:
        return None
    if field.is_text:
        return pd.Series(["a"], dtype=TEXT_STORAGE if field.encoding else dtype)
    if isinstance(dtype, np.dtype):
        if dtype.kind in _SAMPLES:
            return pd.Series([_SAMPLES[dtype.kind]]).astype(dtype)
        return None
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(pd.to_datetime(["2020-02-03"]).tz_localize("UTC")).astype(dtype)
    return None


def field_of(series: pd.Series) -> Field:
    """The field of an in-memory column, by looking at its values where needed."""
    dtype = series.dtype
    kind = dtype.kind if isinstance(dtype, np.dtype) else "E"
    if kind in "iub":
        return Field(dtype, nulls=False)
    if kind == "O":
        values = series.to_numpy()  # attributes of a series are looked up in its index, too
        inferred = pd.api.types.infer_dtype(values, skipna=False)
        if inferred == "string":
            return Field(dtype, nulls=False, text=True)
        if pd.api.types.infer_dtype(values, skipna=True) == "string":
            return Field(dtype, nulls=True, text=True)
        return Field(dtype)
    return Field(dtype, nulls=bool(series.isna().any()))
