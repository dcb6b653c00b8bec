"""``isin`` of another lazy series: its values are put into a table once, for all partitions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops.common import Method
from pandas_dist.plan.expressions import Lookup
from pandas_dist.plan.frames import SeriesPlan

# Bytes of a table that is addressed by the value itself, where there are far fewer values.
SMALL_SPAN = 1 << 23

Find = Callable[[pd.Series], np.ndarray]


class Membership(Lookup):
    """``isin`` of another lazy series, whose rows are computed when they are needed."""

    def __init__(self, values: SeriesPlan) -> None:
        self.values = values
        self.lock = threading.Lock()
        self.made: Find | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Method, ("isin", self.values.collect())

    def __call__(self, column: pd.Series) -> pd.Series:
        values = self.values.collect()
        if not _suitable(column, values):
            return column.isin(values)
        with self.lock:
            if self.made is None:
                self.made = _table(values)
        return pd.Series(self.made(column), index=column.index, name=column.name)


def _suitable(column: pd.Series, values: pd.Series) -> bool:
    """Whether a table finds what pandas finds: integers of one dtype, or text as objects."""
    if column.dtype == object:
        return bool(pd.api.types.is_string_dtype(values.dtype)) and len(values) > 0
    integers = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu"
    return integers and column.dtype == values.dtype and len(values) > 0


def _table(values: pd.Series) -> Find:
    if values.dtype == object or values.dtype.kind not in "iu":
        return _Hashed(values.to_numpy(dtype=object))
    low, high = int(values.min()), int(values.max())
    span = high - low + 1
    if span <= max(SMALL_SPAN, 8 * len(values)):
        return _Addressed(values.to_numpy(), low, span)
    return _Hashed(values.to_numpy())


class _Addressed:
    """Whether each of the integers from ``low`` occurs."""

    def __init__(self, values: np.ndarray, low: int, span: int) -> None:
        self.low, self.span = low, span
        self.held = np.zeros(span, dtype=bool)
        self.held[self._places(values)] = True

    def _places(self, values: np.ndarray) -> np.ndarray:
        # Modulo 2 ** 64: a value below ``low`` has a place far beyond the last.
        return values.astype("uint64") - np.uint64(self.low % (1 << 64))

    def __call__(self, column: pd.Series) -> np.ndarray:
        places = self._places(column.to_numpy())
        beyond = places >= np.uint64(self.span)
        if not beyond.any():
            return self.held.take(places.view("int64"))
        places[beyond] = 0
        found: np.ndarray = self.held.take(places.view("int64")) & ~beyond
        return found


class _Hashed:
    """The values by their hash."""

    def __init__(self, values: np.ndarray) -> None:
        self.index = pd.Index(pd.unique(values), dtype=values.dtype)
        self.index.get_indexer(self.index[:1])  # fills the hash table before threads use it

    def __call__(self, column: pd.Series) -> np.ndarray:
        found = self.index.get_indexer(pd.Index(column.to_numpy(), dtype=column.dtype))
        return found >= 0
