"""How often each value occurs, for a column in memory: pandas alone, without a plan."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import callers
from pandas_dist.gains import NOTHING
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bound
from pandas_dist.pandas_private import PANDAS_3


def value_counts(method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """How often each object occurs: pandas counts faster if it need not look for missing ones.

    NOTHING where it is pandas' own method that counts.
    """
    column = dispatch.bare(self)
    if column.dtype != object:
        return NOTHING
    p = bound(method, (self, *args), kwargs)
    if p is None or p.bins is not None:
        return NOTHING
    counts = column.value_counts(sort=False, dropna=False)
    keys = pd.Series(counts.index, copy=False)
    return dispatch.local(arranged(keys, counts.to_numpy(), column.name, p))


def arranged(keys: pd.Series, counts: np.ndarray, label: Any, p: Any) -> pd.Series:
    """The counts as pandas arranges them: by the sort of the installed pandas."""
    if p.dropna:
        present = keys.notna().to_numpy()
        keys, counts = keys[present], counts[present]
    index = pd.Index(keys, dtype=keys.dtype).rename(label)
    result = pd.Series(counts, index=index, name="proportion" if p.normalize else "count")
    if p.sort and PANDAS_3:
        result = result.sort_values(ascending=p.ascending, kind="stable")
    elif p.sort:
        result = result.sort_values(ascending=p.ascending)
    return result / counts.sum() if p.normalize else result


callers.attribute_warnings(sys.modules[__name__])
