"""Columns of floats of CSV files, each number as pandas 2 converts it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.ops import csv_digits
from pandas_dist.ops.csv_columns import Builder, Column, NotNumbers, numbers
from pandas_dist.ops.csv_parts import Part
from pandas_dist.ops.csv_reconcile import Marks
from pandas_dist.ops.csv_split import WholeFile

# Rows of one look: threads wait for each other between short ones.
_ROWS = 1 << 18
# Characters (a minus sign apart) and sizes of numbers that any correct converter reads as pandas.
_SHORT = 16
_LEAST, _MOST = 1e-6, float(2**53)
# What only a float, or a word for infinity or "not a number", has in it.
_POINT = [".", "e", "E", "n", "N"]


class Floats(Builder):
    """float64, or float32.  If its type is inferred, some chunks may be integers for pandas."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.values = np.empty(self.rows, dtype="float64" if self.dtype is None else self.dtype)
        self.sure: list[bool] = []

    def add(self, part: Part, values: pl.Series) -> None:
        self.check_empty(values)
        parse(values.head(64), self.missing)
        longest: Any = values.str.len_bytes().max()
        long = (longest or 0) > _SHORT
        wide = self.values.dtype == np.float64
        array = self.values[part.place] if wide else np.empty(part.rows)
        if long:
            left = by_pandas(values, self.missing, array)
        else:
            array[:] = parse(values, self.missing).to_numpy()
        seen = sizes_of(array)
        if self.dtype is None:
            if long:
                check_integers(values.gather(left), array[left])
            elif seen.large or seen.negative:
                check_integers(values, array)
            self.sure.append(seen.missing or seen.fraction or has_point(values))
        if not long and (seen.small or seen.large):
            by_pandas(values, self.missing, array)
        if not wide:
            if seen.large and (np.abs(array[np.isfinite(array)]) >= _MOST).any():
                raise WholeFile(f"numbers that may be too large for {self.dtype}")
            self.values[part.place] = array

    def finish(self) -> Column:
        if self.dtype is None and not any(self.sure):
            raise WholeFile("integers that look like floats at first")
        return numbers(self.values)


def parse(values: pl.Series, missing: Marks) -> pl.Series:
    """The nearest floats.  NotNumbers if some text is neither a number nor means missing."""
    parsed = values.cast(pl.Float64, strict=False)
    if parsed.null_count() > values.null_count() or parsed.is_nan().any():
        others = values.filter(parsed.is_null() | parsed.is_nan()).drop_nulls()
        if not others.is_in(list(missing.texts)).all():
            raise NotNumbers
    return parsed


def has_point(values: pl.Series) -> bool:
    return bool(values.str.contains_any(_POINT).any())


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
    for low in range(0, len(array), _ROWS):
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


def check_integers(values: pl.Series, array: np.ndarray) -> None:
    """WholeFile if pandas may read some chunk as integers, with another result."""
    large = np.abs(array) >= _MOST
    if large.any():
        words = {one.lstrip("+-").lower() for one in values.filter(pl.Series(large)).unique()}
        if not words <= {"inf", "infinity"}:
            raise WholeFile("numbers that differ when read as integers or as floats")
    odd = (values.str.len_bytes() > _SHORT).fill_null(False)
    odd = odd | pl.Series((array == 0) & np.signbit(array))
    if odd.any() and not values.filter(odd).str.contains_any(_POINT).all():
        raise WholeFile("integers that differ when read as floats")


def by_pandas(values: pl.Series, missing: Marks, array: np.ndarray) -> np.ndarray:
    """Fill the array (n,) with the numbers as pandas' own converter gives them.

    The rows that may hold something else than a fraction, which has a point.
    """
    known = values.is_null().to_numpy()
    array[:] = np.nan
    if csv_digits.trusted():
        found, of_form = csv_digits.convert(values)
        of_form &= ~known
        np.copyto(array, found, where=of_form)
        known = known | of_form
    left = np.flatnonzero(~known)
    if len(left):
        others = values.gather(left)
        nearest = others.cast(pl.Float64, strict=False).to_numpy()
        size = np.abs(nearest)
        right = ((size >= _LEAST) & (size < _MOST)) | (size == 0)
        digits = others.str.len_bytes() - others.str.starts_with("-").cast(pl.UInt32)
        array[left] = nearest
        hard = np.flatnonzero(~(right & (digits <= _SHORT).to_numpy()))
        if len(hard):
            array[left[hard]] = read_numbers(others.gather(hard), missing)
    return left


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
