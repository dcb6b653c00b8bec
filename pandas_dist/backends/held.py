"""What engines with values of their own know of a pandas column, and what they give back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype, objects


@dataclass(frozen=True, slots=True)
class Held:
    """One column of an engine's frame.

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
    origins: tuple[tuple[Any, str], ...] = ()

    @classmethod
    def of_field(cls, field: Field) -> Self:
        """The column that a native result of this field is."""
        kind = field.kind
        missing = None if field.encoding == "none" else np.nan
        return cls(field.dtype, nulls=kind not in "iub", nans=kind == "f", missing=missing)

    @classmethod
    def of_text(
        cls, values: pd.Series, field: Field, kind: pa.DataType
    ) -> tuple[pa.Array, Self] | None:
        """Text as an Arrow array of type ``kind``; None if the values are anything else.

        Objects are text if they are str, with one kind of missing value at most.
        """
        dtype = values.dtype
        if isinstance(dtype, pd.StringDtype) and dtype.na_value is np.nan:
            text = _whole(pa.array(values.array, type=kind))
            shown = field.dtype if field.dtype is not None else dtype
            missing = None if field.encoding == "none" else np.nan
            return text, cls(shown, nulls=bool(text.null_count), missing=missing)
        if field.kind != "O" or not field.is_text:
            return None
        array = values.to_numpy()
        text = _whole(pa.array(array, type=kind, from_pandas=True))
        if not text.null_count:
            return text, cls(dtype, nulls=False)
        kinds = {type(v) for v in array[text.is_null().to_numpy(zero_copy_only=False)]}
        if kinds not in ({type(None)}, {float}):
            return None
        return text, cls(dtype, missing=None if kinds == {type(None)} else np.nan)

    @property
    def opaque(self) -> bool:
        """Whether the values are outside the engine."""
        return self.source is not None

    @property
    def may_miss(self) -> bool:
        return self.nulls or self.nans

    @property
    def is_text(self) -> bool:
        dtype = self.dtype
        return is_str_dtype(dtype) or (isinstance(dtype, np.dtype) and dtype.kind == "O")

    def nullable(self) -> Self:
        return self if self.nulls else replace(self, nulls=True)

    def as_key(self) -> Self:
        """With one kind of missing value, as keys of groups have."""
        return replace(self, missing=np.nan, nulls=self.may_miss, nans=False)

    def with_missing(self) -> Self:
        """With rows that have no match in a join."""
        if self.dtype == object and not self.opaque:
            return replace(self, nulls=True, missing=np.nan)
        return self.nullable()

    def with_origin(self, name: str, rows: Any) -> Self:
        """Integers and bools remember where they may have been widened."""
        narrow = isinstance(self.dtype, np.dtype) and self.dtype.kind in "iub"
        if not narrow or not self.nulls or self.opaque:
            return self
        return replace(self, origins=(*self.origins, (rows, name)))


def _whole(text: Any) -> Any:
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


# -- out of an engine ----------------------------------------------------------------------------


def text_series(values: pa.ChunkedArray, column: Held, field: Field) -> pd.Series:
    """Arrow text as the pandas column that engines give for ``field``."""
    if is_str_dtype(column.dtype):
        return pd.Series(column.dtype.__from_arrow__(values), copy=False)
    if field.encoding is not None:
        storage: Any = TEXT_STORAGE
        return pd.Series(storage.__from_arrow__(values), copy=False)
    return pd.Series(objects(values, column.missing), dtype=object, copy=False)


def widened_series(whole: np.ndarray, absent: np.ndarray) -> pd.Series:
    """Integers or bools after rows without a match, as pandas widens them."""
    if whole.dtype.kind == "b":
        array = whole.astype(object)
    else:
        widened = pd.api.extensions.take(whole[:0], np.array([-1]), allow_fill=True)
        array = whole.astype(np.dtype(str(widened.dtype)))
    array[absent] = np.nan
    return pd.Series(array, copy=False)


def taken(source: pd.Series, rows: np.ndarray, fill: bool) -> pd.Series:
    """The values at these positions; ``fill``: -1 is a missing value."""
    if not fill and len(rows) == len(source) and np.array_equal(rows, np.arange(len(rows))):
        return source.reset_index(drop=True)
    if isinstance(source.dtype, np.dtype):
        found: Any = pd.api.extensions.take(source.to_numpy(), rows, allow_fill=fill)
    else:
        found = source.array.take(rows, allow_fill=fill)
    return pd.Series(found, dtype=found.dtype, copy=False)
