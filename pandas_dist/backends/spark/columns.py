"""How pandas columns are held in Spark, and back.

A column whose values Spark can hold is held as such: times are whole numbers of their unit,
which keeps nanoseconds.  Any other one (mixed objects, categories, unsigned integers, …)
stays a pandas series outside; what moves through the engine are positions in it, and the
values are taken at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.backends.held import Held, taken, text_series, widened_series
from pandas_dist.plan.schema import Field, is_str_dtype

NUMBERS = {
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float32": "float",
    "float64": "double",
    "bool": "boolean",
}
ARROW = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
}
_NAT = np.iinfo("int64").min


class Column(Held):
    """One column of a frame."""

    __slots__ = ()

    @property
    def physical(self) -> str:
        """The Spark type."""
        kind = "bigint" if self.opaque else spark_type(self.dtype, text=True)
        assert kind is not None
        return kind


BOOL = Column(np.dtype(bool), nulls=False)


@dataclass(frozen=True, slots=True)
class Values:
    """A lowered expression, in SQL, and how its values are held."""

    sql: str
    column: Column

    def clean(self) -> str:
        """The values with null as the only missing one."""
        return without_nan(self.sql, self.column)


def without_nan(sql: str, column: Column) -> str:
    return f"nanvl({sql}, CAST(NULL AS {column.physical}))" if column.nans else sql


def spark_type(dtype: Any, text: bool) -> str | None:
    """The Spark type of a pandas dtype; None where Spark has no such values.

    ``text``: an object column that holds only str and missing values.
    """
    if isinstance(dtype, np.dtype):
        if dtype.kind in "mM":
            return "bigint"
        if dtype.kind == "O":
            return "string" if text else None
        return NUMBERS.get(dtype.name)
    return "string" if is_str_dtype(dtype) else None


def native(field: Field) -> str | None:
    """The Spark type of a field; None if it is held outside."""
    return None if field.dtype is None else spark_type(field.dtype, field.is_text)


of_field = Column.of_field


# -- into Arrow ------------------------------------------------------------------------------


def to_arrow(values: pd.Series, field: Field) -> tuple[pa.Array, Column]:
    """A pandas column as the Arrow array that goes to Spark."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.name in NUMBERS:
        held = pa.array(values.to_numpy(), from_pandas=False)
        return held, Column(dtype, nulls=False, nans=dtype.kind == "f")
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        whole = values.to_numpy().view("int64")
        return pa.array(whole, mask=whole == _NAT), Column(dtype)
    try:
        text = Column.of_text(values, field, pa.string())
    except UnicodeEncodeError:  # halves of a surrogate pair: Spark's text is UTF-8
        text = None
    return positions_in(values) if text is None else text


def positions_in(values: pd.Series) -> tuple[pa.Array, Column]:
    """A column that stays outside."""
    positions = pa.array(np.arange(len(values), dtype="int64"))
    return positions, Column(values.dtype, nulls=False, source=values)


# -- out of Arrow ----------------------------------------------------------------------------


def to_pandas(
    values: pa.ChunkedArray, column: Column, field: Field, widened: bool = False
) -> pd.Series:
    """An Arrow column as the pandas column that engines give for ``field``.

    ``widened``: an integer or bool column has had missing values.
    """
    if column.source is not None:
        fill = bool(values.null_count)
        return taken(column.source, (values.fill_null(-1) if fill else values).to_numpy(), fill)
    dtype = column.dtype
    if column.is_text:
        return text_series(values, column, field)
    if dtype.kind in "ib" and (widened or values.null_count):
        whole = values.fill_null(False if dtype.kind == "b" else 0).to_numpy()
        return widened_series(whole, values.is_null().to_numpy())
    if dtype.kind in "mM":
        whole = _writable(values.fill_null(_NAT).to_numpy())
        return pd.Series(whole.view(dtype), copy=False)
    return pd.Series(_writable(values.to_numpy()).astype(dtype, copy=False), copy=False)


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()
