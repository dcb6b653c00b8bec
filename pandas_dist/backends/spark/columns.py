"""How pandas columns are held in Spark, and back.

A column whose values Spark can hold is held as such: times are whole numbers of their unit,
which keeps nanoseconds, and unsigned integers have the next larger type.  Any other one (mixed
objects, intervals, …) stays a pandas series outside; what moves through the engine are
positions in it (of missing values: their complement), and the values are taken at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.backends.held import Held, taken, text_series, widened_series
from pandas_dist.backends.spark import extension
from pandas_dist.plan.schema import Field

NUMBERS = {
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
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
    if column.opaque:
        return f"CASE WHEN {sql} >= 0L THEN {sql} END"
    return f"nanvl({sql}, CAST(NULL AS {column.physical}))" if column.nans else sql


def alike(one: Column, two: Column) -> bool:
    """Whether equal values of two columns are held as equal values."""
    if one.opaque or two.opaque or one.dtype != two.dtype:
        return False
    labels = isinstance(one.dtype, pd.CategoricalDtype)
    return not labels or one.dtype.categories.identical(two.dtype.categories)


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
    return extension.spark_type(dtype)


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
        held = held.cast(ARROW[NUMBERS[dtype.name]]) if dtype.kind == "u" else held
        return held, Column(dtype, nulls=False, nans=dtype.kind == "f")
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        whole = values.to_numpy().view("int64")
        return pa.array(whole, mask=whole == extension.NAT), Column(dtype)
    try:
        text = Column.of_text(values, field, pa.string())
        kind = None if text is not None else spark_type(dtype, text=False)
        if kind is not None:
            held = extension.to_arrow(values).cast(ARROW[kind])
            text = held, Column(dtype, nulls=bool(held.null_count))
    except UnicodeEncodeError:  # halves of a surrogate pair: Spark's text is UTF-8
        text = None
    return positions_in(values) if text is None else text


def positions_in(values: pd.Series) -> tuple[pa.Array, Column]:
    """A column that stays outside."""
    positions = np.arange(len(values), dtype="int64")
    missing = values.isna().to_numpy()
    if missing.any():
        positions = np.where(missing, ~positions, positions)
    return pa.array(positions), Column(values.dtype, nulls=bool(missing.any()), source=values)


# -- out of Arrow ----------------------------------------------------------------------------


def to_pandas(
    values: pa.ChunkedArray, column: Column, field: Field, widened: bool = False
) -> pd.Series:
    """An Arrow column as the pandas column that engines give for ``field``.

    ``widened``: an integer or bool column has had missing values.
    """
    if column.source is not None:
        rows = values.fill_null(0).to_numpy()
        rows = np.where(rows < 0, ~rows, rows)
        if values.null_count:  # rows without a match in a join
            rows[values.is_null().to_numpy()] = -1
        return taken(column.source, rows, bool(values.null_count))
    dtype = column.dtype
    if column.is_text:
        return text_series(values, column, field)
    if not isinstance(dtype, np.dtype):
        return extension.to_pandas(values, dtype)
    if dtype.kind in "iub" and (widened or values.null_count):
        whole = values.fill_null(False if dtype.kind == "b" else 0).to_numpy()
        return widened_series(whole.astype(dtype, copy=False), values.is_null().to_numpy())
    if dtype.kind in "mM":
        whole = _writable(values.fill_null(extension.NAT).to_numpy())
        return pd.Series(whole.view(dtype), copy=False)
    return pd.Series(_writable(values.to_numpy()).astype(dtype, copy=False), copy=False)


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()
