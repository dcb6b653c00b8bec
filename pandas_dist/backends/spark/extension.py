"""Extension dtypes that Spark holds as whole numbers or text, in the order of their values.

Categories are their codes, times of a zone and periods their numbers since 1970, nullable
integers, booleans and text themselves; a null is the missing value of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

NULLABLE = {
    pd.Int8Dtype(): "tinyint",
    pd.Int16Dtype(): "smallint",
    pd.Int32Dtype(): "int",
    pd.Int64Dtype(): "bigint",
    pd.UInt8Dtype(): "smallint",
    pd.UInt16Dtype(): "int",
    pd.UInt32Dtype(): "bigint",
    pd.BooleanDtype(): "boolean",
}
NAT = np.iinfo("int64").min


def spark_type(dtype: Any) -> str | None:
    """The Spark type that holds an extension dtype; None where there is none."""
    if isinstance(dtype, pd.CategoricalDtype):
        return "int"
    if isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        return "bigint"
    return "string" if isinstance(dtype, pd.StringDtype) else NULLABLE.get(dtype)


def to_arrow(values: pd.Series) -> pa.Array:
    """Numbers or text; UnicodeEncodeError for text that UTF-8 does not have."""
    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        return pa.array(codes.astype("int32"), mask=codes < 0)
    if isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        array: Any = values.array
        return pa.array(array.asi8, mask=array.asi8 == NAT)
    if isinstance(dtype, pd.StringDtype):
        return pa.array(values, pa.string(), from_pandas=True)
    missing = values.isna().to_numpy()
    return pa.array(values.to_numpy(dtype=dtype.numpy_dtype, na_value=0), mask=missing)


def to_pandas(values: pa.ChunkedArray, dtype: Any) -> pd.Series:
    """The column of an extension dtype again."""
    if isinstance(dtype, pd.StringDtype):
        text: Any = dtype
        return pd.Series(text.__from_arrow__(values), copy=False)
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.fill_null(-1).to_numpy()
        return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), copy=False)
    if isinstance(dtype, pd.PeriodDtype):
        return pd.Series(pd.arrays.PeriodArray(_whole(values, NAT), dtype=dtype), copy=False)
    if isinstance(dtype, pd.DatetimeTZDtype):
        instants = pd.Series(_whole(values, NAT).view(f"M8[{dtype.unit}]"), copy=False)
        return instants.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
    missing = values.is_null().to_numpy()
    data = _whole(values, False if dtype.kind == "b" else 0).astype(dtype.numpy_dtype, copy=False)
    return pd.Series(dtype.construct_array_type()(data, missing), copy=False)


def _whole(values: pa.ChunkedArray, missing: Any) -> np.ndarray:
    array: np.ndarray = values.fill_null(missing).to_numpy()
    return array if array.flags.writeable else array.copy()
