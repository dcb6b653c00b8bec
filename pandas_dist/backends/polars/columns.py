"""How pandas columns are held in Polars, and back.

A column whose values Polars can hold is held as such: categories as their codes, times
of a zone as UTC.  Any other one (mixed objects, periods, …) stays a pandas series outside;
what moves through the engine are positions in it, and the values are taken at the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from pandas_dist.backends.held import Held, taken, text_series, widened_series
from pandas_dist.plan.schema import Field, is_str_dtype

NUMBERS: dict[str, Any] = {
    "int8": pl.Int8,
    "int16": pl.Int16,
    "int32": pl.Int32,
    "int64": pl.Int64,
    "uint8": pl.UInt8,
    "uint16": pl.UInt16,
    "uint32": pl.UInt32,
    "uint64": pl.UInt64,
    "float32": pl.Float32,
    "float64": pl.Float64,
    "bool": pl.Boolean,
}
UNITS = {"s": "ms", "ms": "ms", "us": "us", "ns": "ns"}


class Column(Held):
    """One column of a lazy frame."""

    __slots__ = ()

    @property
    def physical(self) -> Any:
        """The Polars type."""
        return pl.Int64 if self.opaque else stand_in(self.dtype) or polars_type(self.dtype, True)


BOOL = Column(np.dtype(bool), nulls=False)


class Values:
    """A lowered expression and how its values are held."""

    __slots__ = ("column", "expr")

    def __init__(self, expr: pl.Expr, column: Column) -> None:
        self.expr, self.column = expr, column

    def clean(self) -> pl.Expr:
        """The values with null as the only missing one."""
        return self.expr.fill_nan(None) if self.column.nans else self.expr


def polars_type(dtype: Any, text: bool) -> Any:
    """The Polars type of a pandas dtype; None where Polars has no such values.

    ``text``: an object column that holds only str and missing values.
    """
    if isinstance(dtype, np.dtype):
        if dtype.kind in "iufb":
            return NUMBERS.get(dtype.name)
        if dtype.kind in "mM":
            unit: Any = UNITS[np.datetime_data(dtype)[0]]
            return pl.Datetime(unit) if dtype.kind == "M" else pl.Duration(unit)
        return pl.String if dtype.kind == "O" and text else None
    if is_str_dtype(dtype):
        return pl.String
    return None


def stand_in(dtype: Any) -> Any:
    """The Polars type that stands for values of an extension dtype, in their order; or None."""
    if isinstance(dtype, pd.CategoricalDtype):
        return pl.Int32
    if isinstance(dtype, pd.DatetimeTZDtype):
        unit: Any = UNITS[dtype.unit]
        return pl.Datetime(unit)
    return None


def alike(one: Column, two: Column) -> bool:
    """Whether equal values of two columns are held as equal values."""
    if one.opaque or two.opaque or one.physical != two.physical:
        return False
    a, b = one.dtype, two.dtype
    if isinstance(a, pd.CategoricalDtype) or isinstance(b, pd.CategoricalDtype):
        return a == b and a.categories.identical(b.categories)
    return isinstance(a, pd.DatetimeTZDtype) == isinstance(b, pd.DatetimeTZDtype)


def native(field: Field) -> Any:
    """The Polars type of a field; None if it is held outside."""
    return None if field.dtype is None else polars_type(field.dtype, field.is_text)


of_field = Column.of_field


# -- into Polars -----------------------------------------------------------------------------


def to_polars(values: pd.Series, field: Field) -> tuple[pl.Series, Column]:
    """A pandas column as a Polars one."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iufb" and dtype.name in NUMBERS:
        held = pl.Series(np.ascontiguousarray(values.to_numpy()), dtype=NUMBERS[dtype.name])
        return held, Column(dtype, nulls=False, nans=dtype.kind == "f")
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        return _times(values), Column(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        codes = pl.Series(values.cat.codes.to_numpy(), dtype=pl.Int32)
        missing_codes = bool((codes < 0).any())
        held = codes.replace(-1, None) if missing_codes else codes
        return held, Column(dtype, nulls=missing_codes)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _times(values.dt.tz_convert(None)), Column(dtype)
    text = Column.of_text(values, field, pa.large_string())
    if text is not None:
        return _series(text[0]), text[1]
    return positions_in(values)


def positions_in(values: pd.Series) -> tuple[pl.Series, Column]:
    """A column that stays outside."""
    positions = pl.int_range(len(values), eager=True, dtype=pl.Int64)
    return positions, Column(values.dtype, nulls=False, source=values)


def _times(values: pd.Series) -> pl.Series:
    array = values.to_numpy()
    if np.datetime_data(array.dtype)[0] == "s":
        array = array.astype(f"{array.dtype.kind}8[ms]")
    return _series(pa.array(array))


def _series(array: Any) -> pl.Series:
    found = pl.from_arrow(array)
    assert isinstance(found, pl.Series)
    return found


# -- out of Polars ---------------------------------------------------------------------------


def to_pandas(values: pl.Series, column: Column, field: Field, widened: bool = False) -> pd.Series:
    """A Polars column as the pandas column that engines give for ``field``.

    ``widened``: an integer or bool column has had missing values.
    """
    if column.source is not None:
        fill = bool(values.null_count())
        rows = (values.fill_null(-1) if fill else values).to_numpy()
        return taken(column.source, rows, fill)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.fill_null(-1).to_numpy()
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), copy=False)
    if isinstance(dtype, pd.DatetimeTZDtype):
        instants = values.to_numpy().astype(f"M8[{dtype.unit}]")
        return pd.Series(instants, copy=False).dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
    if column.is_text:
        return text_series(pa.chunked_array([_text(values)]), column, field)
    if dtype.kind in "iub" and (widened or values.null_count()):
        whole = values.fill_null(False if dtype.kind == "b" else 0).to_numpy()
        return widened_series(whole, values.is_null().to_numpy())
    array = values.to_numpy(writable=True)
    if array.dtype != dtype:
        array = array.astype(dtype)
    return pd.Series(array, copy=False)


def _text(values: pl.Series) -> pa.Array:
    """As Arrow, without text below missing values: Polars may leave some there, and
    ``memory_usage`` would count it."""
    if not values.null_count():
        return values.to_arrow()
    valid, whole = pa.array(values.is_not_null().to_numpy()), values.fill_null("").to_arrow()
    buffers = [valid.buffers()[1], *whole.buffers()[1:]]
    return pa.Array.from_buffers(whole.type, len(whole), buffers)


def settled(
    values: pl.Series, column: Column, field: Field, widened: bool
) -> tuple[pl.Series, Column]:
    """A computed column, no longer dependent on joins."""
    if widened:
        shown = to_pandas(values, column, field, widened)
        return to_polars(shown, Field(shown.dtype))
    nulls = column.nulls and not column.origins
    return values, replace(column, origins=(), nulls=nulls)
