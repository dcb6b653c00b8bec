"""Sums, means and spreads of large float columns in memory: pandas' own additions, fewer copies.

pandas copies all columns of a frame where one has missing values, and a column for its spread.
Column by column, and without copies, the same numbers are added in the same order.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import callers, threads
from pandas_dist.config import MIB
from pandas_dist.gains import NOTHING
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bound

SPREADS = frozenset({"std", "var"})
MANY = 16 * MIB  # bytes that are worth threads


def reduction(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Of a column, or of each column of a frame: float64, next to each other in memory."""
    p = bound(method, (self, *args), kwargs)
    if p is None:
        return NOTHING
    ddof = getattr(p, "ddof", 1)
    usual = p.skipna is True and type(ddof) is int and not getattr(p, "min_count", 0)
    series = self.ndim == 1
    along = p.axis in (0, "index") or (series and p.axis is None)
    if not usual or not along or type(p.numeric_only) is not bool or not len(self):
        return NOTHING
    plain = dispatch.bare(self)
    columns = [plain] if series else [plain.iloc[:, n] for n in range(plain.shape[1])]
    if not columns or not all(c.dtype == np.float64 for c in columns):
        return NOTHING
    arrays = [c.to_numpy() for c in columns]
    if not all(a.flags.c_contiguous for a in arrays):  # rows are added one after the other
        return NOTHING
    if method.__name__ in SPREADS:
        values = each(lambda n: spread(arrays[n], method.__name__, ddof), arrays)
        if not np.isfinite(values).all():
            return NOTHING  # pandas warns of some of them
    else:
        values = each(lambda n: getattr(columns[n], method.__name__)(), arrays)
    if series:
        return values[0]
    return dispatch.local(pd.Series(values, index=self.columns, dtype="float64"))


def each(function: Callable[[int], Any], arrays: list[np.ndarray]) -> list[Any]:
    """A number for each array, on all cores if they are large."""
    if len(arrays) > 1 and sum(a.nbytes for a in arrays) >= MANY:
        with threads.pool(os.cpu_count()) as pool:
            return list(pool.map(function, range(len(arrays))))
    return list(map(function, range(len(arrays))))


def spread(values: np.ndarray, name: str, ddof: int) -> Any:
    """Variance or standard deviation of what is not missing, in pandas' steps."""
    absent = np.isnan(values)
    missing = int(np.count_nonzero(absent))
    if missing:
        values = np.where(absent, 0, values)
    count = len(values) - missing
    if count <= ddof:
        return np.nan
    with np.errstate(all="ignore"):
        squares = values.sum() / count - values
        np.multiply(squares, squares, out=squares)
        if missing:
            squares[absent] = 0
        variance = squares.sum() / (count - ddof)
        return np.sqrt(variance) if name == "std" else variance


METHODS = dict.fromkeys(["mean", "std", "sum", "var"], reduction)
callers.attribute_warnings(sys.modules[__name__])
