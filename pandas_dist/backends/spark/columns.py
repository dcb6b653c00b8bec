"""How pandas columns are held in Spark, and back.

A column whose values Spark can hold is held as such: times are whole numbers of their unit,
which keeps nanoseconds.  Any other one (mixed objects, categories, unsigned integers, …)
stays a pandas series outside; what moves through the engine are positions in it, and the
values are taken at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.backends.spark.rows import Rows
from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype, objects

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


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a frame.

    ``dtype`` is pandas'.  Missing values are nulls; floats may also hold NaN (``nans``).
    ``missing`` is what object columns show for a null.  ``source``: the values are
    positions in this series.  ``origins``: joins (and the column there) that may have given
    it rows without a match, which widens integers and bools even where no such row is left.
    """

    dtype: Any
    nulls: bool = True
    nans: bool = False
    missing: Any = np.nan
    source: pd.Series | None = None
    origins: tuple[tuple[Rows, str], ...] = ()

    @property
    def opaque(self) -> bool:
        return self.source is not None

    @property
    def physical(self) -> str:
        """The Spark type."""
        kind = "bigint" if self.opaque else spark_type(self.dtype, text=True)
        assert kind is not None
        return kind

    def nullable(self) -> Column:
        return self if self.nulls else replace(self, nulls=True)


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


def of_field(field: Field) -> Column:
    """The column that a native result of this field is."""
    missing = None if field.encoding == "none" else np.nan
    kind = field.kind
    return Column(field.dtype, nulls=kind not in "ib", nans=kind == "f", missing=missing)


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
        if isinstance(dtype, pd.StringDtype) and dtype.na_value is np.nan:
            text = pa.array(values.array, type=pa.string())
            text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
            missing = None if field.encoding == "none" else np.nan
            shown = field.dtype if field.dtype is not None else dtype
            return text, Column(shown, nulls=bool(text.null_count), missing=missing)
        if field.kind == "O" and field.is_text:
            found = _object_text(values)
            if found is not None:
                return found
    except UnicodeEncodeError:  # halves of a surrogate pair: Spark's text is UTF-8
        pass
    return positions_in(values)


def positions_in(values: pd.Series) -> tuple[pa.Array, Column]:
    """A column that stays outside."""
    positions = pa.array(np.arange(len(values), dtype="int64"))
    return positions, Column(values.dtype, nulls=False, source=values)


def _object_text(values: pd.Series) -> tuple[pa.Array, Column] | None:
    """Objects that are str, with one kind of missing value at most."""
    array = values.to_numpy()
    absent = values.isna().to_numpy()
    missing: Any = np.nan
    if absent.any():
        kinds = {type(v) for v in array[absent]}
        if kinds == {type(None)}:
            missing = None
        elif kinds != {float}:
            return None
    text = pa.array(array, type=pa.string(), from_pandas=True)
    text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    return text, Column(values.dtype, nulls=bool(absent.any()), missing=missing)


# -- out of Arrow ----------------------------------------------------------------------------


def to_pandas(
    values: pa.ChunkedArray, column: Column, field: Field, widened: bool = False
) -> pd.Series:
    """An Arrow column as the pandas column that engines give for ``field``.

    ``widened``: an integer or bool column has had missing values.
    """
    if column.source is not None:
        return _taken(values, column.source)
    dtype = column.dtype
    if is_str_dtype(dtype):
        return pd.Series(dtype.__from_arrow__(values), copy=False)
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        if field.encoding is not None:
            storage: Any = TEXT_STORAGE
            return pd.Series(storage.__from_arrow__(values), copy=False)
        return pd.Series(objects(values, column.missing), dtype=object, copy=False)
    if dtype.kind in "ib" and (widened or values.null_count):
        return _with_missing(values, dtype)
    if dtype.kind in "mM":
        whole = _writable(values.fill_null(_NAT).to_numpy())
        return pd.Series(whole.view(dtype), copy=False)
    return pd.Series(_writable(values.to_numpy()).astype(dtype, copy=False), copy=False)


def _writable(array: np.ndarray) -> np.ndarray:
    return array if array.flags.writeable else array.copy()


def _with_missing(values: pa.ChunkedArray, dtype: Any) -> pd.Series:
    """Integers and bools after rows without a match, as pandas widens them."""
    absent = values.is_null().to_numpy()
    whole = values.fill_null(False if dtype.kind == "b" else 0).to_numpy()
    if dtype.kind == "b":
        array = whole.astype(object)
    else:
        widened = pd.api.extensions.take(whole[:0], np.array([-1]), allow_fill=True)
        array = whole.astype(np.dtype(str(widened.dtype)))
    array[absent] = np.nan
    return pd.Series(array, copy=False)


def _taken(positions: pa.ChunkedArray, source: pd.Series) -> pd.Series:
    fill = bool(positions.null_count)
    rows = (positions.fill_null(-1) if fill else positions).to_numpy()
    if not fill and len(rows) == len(source) and np.array_equal(rows, np.arange(len(rows))):
        return source.reset_index(drop=True)
    if isinstance(source.dtype, np.dtype):
        taken: Any = pd.api.extensions.take(source.to_numpy(), rows, allow_fill=fill)
    else:
        taken = source.array.take(rows, allow_fill=fill)
    return pd.Series(taken, copy=False)
