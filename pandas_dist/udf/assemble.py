"""pandas' result from the values that a function returned, without making the calls again.

The general way is to "replay": pandas' own method runs over the known values.  Where its result
follows from their types alone it is built at once, as pandas makes a row or a column of each value.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.udf.packing import Rows, Scalars, pack
from pandas_dist.udf.plain import is_atom

_KINDS = ((float, np.float64), (int, np.int64), (bool, np.bool_))


def of_rows(
    frame: pd.DataFrame, packs: Sequence[Any], result_type: str | None
) -> pd.DataFrame | pd.Series | None:
    """``frame.apply(f, axis=1)`` where f gave the packed values, one for each row.

    None where only pandas itself can tell.
    """
    packs = [pack(p) if isinstance(p, list) else p for p in packs]
    numbers = _numbers(packs)
    result: Any = None
    if numbers is not None:
        result = pd.Series(numbers, index=frame.index)
    elif all(isinstance(p, Rows) for p in packs):
        result = _of_series(packs, frame.index)
    elif all(isinstance(p, (list, Scalars)) for p in packs):
        values = unpacked(packs)
        one_each = result_type != "expand" and not isinstance(values[0], pd.Series)
        if one_each or is_atom(type(values[0])):
            result = pd.Series(dict(enumerate(values)))
            result.index = frame.index
        elif result_type == "expand":
            result = _expanded(values, frame.index)
    return None if result is None else result.__finalize__(frame, method="apply")


def unpacked(packs: Sequence[Any]) -> list[Any]:
    return [v for pack in packs for v in (pack if isinstance(pack, list) else pack.unpack())]


def replay(known: list[Any], again: set[int], func: Callable[..., Any]) -> Callable[..., Any]:
    """A function for pandas' method that gives known values; the calls in `again` are made."""
    count, n = itertools.count(), len(known)

    def call(*args: Any, **kwargs: Any) -> Any:
        i = next(count)
        return known[i] if i < n and i not in again else func(*args, **kwargs)

    return call


def _numbers(packs: list[Any]) -> np.ndarray | None:
    """All results as one array where pandas would infer its dtype from them; else None."""
    if not all(isinstance(p, Scalars) for p in packs):
        return None
    kinds = set().union(*(p.kinds for p in packs))
    if bool in kinds and kinds != {bool}:
        return None  # pandas keeps booleans among numbers as objects
    return np.concatenate([p.values for p in packs])


def _of_series(packs: list[Rows], index: pd.Index) -> pd.DataFrame | None:
    """A row for each Series, where all are alike."""
    labels, dtype = packs[0].index, packs[0].values.dtype
    alike = all(p.values.dtype == dtype and p.index.identical(labels) for p in packs)
    if not alike or not labels.is_unique or dtype.kind not in "iufbO":
        return None
    values = np.concatenate([p.values for p in packs])
    frame = pd.DataFrame(values, index=index, columns=labels, dtype=dtype, copy=False)
    return frame.infer_objects()


def _expanded(values: list[Any], index: pd.Index) -> pd.DataFrame | None:
    """A row for each list or tuple, where the elements' types decide about the dtype."""
    if not set(map(type, values)) <= {list, tuple}:
        return None
    width = len(values[0])
    if width == 0 or set(map(len, values)) != {width}:
        return None
    places = [set(map(type, column)) for column in zip(*values)]
    dtype = _common(set().union(*places))
    if dtype is None and not _rows_are_objects(places):
        return None
    try:
        table = np.array(values, dtype=dtype or object)
    except OverflowError:
        return None
    if table.shape != (len(values), width):
        return None
    return pd.DataFrame(table, index=index, dtype=table.dtype, copy=False).infer_objects()


def _common(kinds: set[type]) -> str | None:
    """The dtype of rows of such numbers, made one by one and put together."""
    floats, ints, bools = (kinds & {*group} for group in _KINDS)
    if kinds - floats - ints - bools or (bools and (floats or ints)):
        return None
    return "?" if bools else "f8" if floats else "i8"


def _rows_are_objects(places: list[set[type]]) -> bool:
    """Whether each row has text and something that is no text, so that it is made of objects."""
    known = all(kinds <= {str, *itertools.chain(*_KINDS)} for kinds in places)
    return known and {str} in places and any(str not in kinds for kinds in places)
