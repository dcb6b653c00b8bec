"""Compact forms of data and results on their way between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_FLOATS, _INTS, _BOOLS = (float, np.float64), (int, np.int64), (bool, np.bool_)
_EXACT = 2**53  # integers up to here are exact as floats


@dataclass
class Scalars:
    """Numbers as an array: bool, int64, or float64 with the places of integers among them.

    kinds: {bool}, {int} or {int, float}, NumPy's scalars counted as Python's.  types: each
    value's exact type where they differ.  nans: the places of np.nan itself.
    """

    values: np.ndarray
    kinds: set[type]
    types: tuple[type, ...]
    type_of: np.ndarray | None
    nans: list[int]

    def __len__(self) -> int:
        return len(self.values)

    def unpack(self) -> list[Any]:
        if self.type_of is None:
            (kind,) = self.types
            plain = kind in (float, int, bool)
            result = self.values.tolist() if plain else list(self.values)
        else:
            of = [self.types[i] for i in self.type_of.tolist()]
            result = [kind(v) for kind, v in zip(of, self.values.tolist())]
        for i in self.nans:
            result[i] = np.nan
        return result


@dataclass
class Rows:
    """Series of one dtype and index as the rows of an array."""

    values: np.ndarray
    index: pd.Index
    names: list[Any]

    def __len__(self) -> int:
        return len(self.values)

    def unpack(self) -> list[Any]:
        rows, kind = zip(self.values, self.names), self.values.dtype
        return [pd.Series(v, self.index, kind, n, copy=False) for v, n in rows]


def pack(raw: list[Any]) -> Scalars | Rows | list[Any]:
    """Results in a compact form that gives exactly them back; the list itself where none does."""
    kinds = set(map(type, raw))
    if kinds == {pd.Series}:
        return _pack_series(raw)
    if not kinds or not (kinds.issubset((*_FLOATS, *_INTS)) or kinds.issubset(_BOOLS)):
        return raw
    basic: set[type] = {next(g[0] for g in (_FLOATS, _INTS, _BOOLS) if kind in g) for kind in kinds}
    dtype = "?" if bool in basic else "f8" if float in basic else "i8"
    try:
        values = np.array(raw, dtype=dtype)
    except OverflowError:
        return raw
    types = tuple(sorted(kinds, key=str))
    type_of = None
    if len(types) > 1:
        number = {kind: i for i, kind in enumerate(types)}
        type_of = np.fromiter(map(number.__getitem__, map(type, raw)), np.int8, len(raw))
        integer = np.isin(type_of, [number[k] for k in types if k in _INTS])
        if float in basic and (np.abs(values[integer]) > _EXACT).any():
            return raw
    missing = dtype == "f8" and np.isnan(values).any()
    nans = [i for i, v in enumerate(raw) if v is np.nan] if missing else []
    return Scalars(values, basic, types, type_of, nans)


def _pack_series(raw: list[Any]) -> Rows | list[Any]:
    first = raw[0]
    plain = isinstance(first.dtype, np.dtype) and len(first) > 0
    alike = plain and all(
        r.dtype == first.dtype and r.index.identical(first.index) and not r.attrs for r in raw
    )
    if not alike:
        return raw
    return Rows(np.stack([r.to_numpy() for r in raw]), first.index, [r.name for r in raw])


@dataclass
class Columns:
    """A frame whose object columns of only strings travel as Arrow arrays, by position."""

    frame: pd.DataFrame  # the other columns
    texts: dict[int, Any]
    columns: pd.Index


def pack_data(data: Any) -> Any:
    if isinstance(data, pd.Series):
        return data
    texts = {}
    for i, dtype in enumerate(data.dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind == "O":
            column = data.iloc[:, i].to_numpy()
            if set(map(type, column)) == {str}:
                try:
                    texts[i] = pa.array(column, pa.large_string())
                except UnicodeEncodeError:  # lone surrogates
                    continue
    others = [i for i in range(data.shape[1]) if i not in texts]
    return Columns(data.iloc[:, others], texts, data.columns) if texts else data


def unpack_data(data: Any) -> Any:
    if not isinstance(data, Columns):
        return data
    frame = data.frame
    others = iter(range(frame.shape[1]))
    arrays = {}
    for i in range(len(data.columns)):
        if i in data.texts:
            text = data.texts[i].to_numpy(zero_copy_only=False)
            arrays[i] = pd.Series(text, index=frame.index, dtype=object)
        else:
            arrays[i] = frame.iloc[:, next(others)]
    result: Any = pd.DataFrame(arrays, index=frame.index)
    result.columns = data.columns
    return result.__finalize__(frame)
