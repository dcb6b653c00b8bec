"""What pandas does with the keys of ``groupby`` at the call, before any aggregation."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.labels import index_of
from pandas_dist.ops.common import equal_labels
from pandas_dist.plan.execute import count, local_mode
from pandas_dist.plan.frames import FramePlan, SeriesPlan


def settle_keys(plan: Any, given: dict[str, Any]) -> None:
    """Functions are called on the labels, lengths of lists compared, kinds of labels checked.

    Replaces functions in ``given["by"]`` by what they give.  Raises what they raise, and pandas'
    errors for keys of another length and for frequencies over labels that are no times.
    """
    if given["level"] is not None:
        return
    by = given["by"]
    if isinstance(by, list):
        nested = any(map(_is_key, by))
        given["by"] = [_settled(plan, item, nested) for item in by]
    else:
        given["by"] = _settled(plan, by, True)


def _is_key(item: Any) -> bool:
    return callable(item) or isinstance(item, (list, np.ndarray, pd.Index, pd.Series, pd.Grouper))


def _settled(plan: Any, item: Any, nested: bool) -> Any:
    if isinstance(item, pd.Grouper):
        if getattr(item, "freq", None) is not None and item.key is None and item.level is None:
            _zeros(index_of(plan)[:0]).groupby(item)
        return item
    if callable(item):
        with local_mode():
            found = index_of(plan).map(item)
        if isinstance(found, pd.MultiIndex):
            raise NotNative("a function that gives tuples")
        return found
    if nested and isinstance(item, (list, np.ndarray, pd.Index)):
        rows = count(plan.relation)
        if len(item) != rows:
            _zeros(pd.RangeIndex(rows)).groupby([item])
    return item


def _zeros(index: pd.Index) -> pd.Series:
    return pd.Series(0, index=index)


def own_column(plan: Any, key: SeriesPlan) -> set[Hashable]:
    """pandas drops a column that is itself the key (``df.groupby(df["a"])``)."""
    if isinstance(plan, FramePlan) and plan.position_of(key.name) is not None:
        n = plan.position_of(key.name)
        if n is not None and plan.exprs[n] is key.expr and equal_labels(plan, key):
            return {key.name}
    return set()
