"""Pieces of one relation put together, as pandas would have them whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def gather(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Partitions one after the other; empty ones only tell of missing values that they had."""
    if len(frames) == 1:
        return frames[0]
    filled = [f for f in frames if len(f)]
    if len(filled) < 2:
        return promoted(filled[0] if filled else frames[0], frames)
    return promoted(stacked(filled), frames)


def promoted(whole: pd.DataFrame, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Numbers and bools as a partition without rows has them: it lost those without a match."""
    wider: dict[int, Any] = {}
    for frame in frames:
        if len(frame) or frame is whole:
            continue
        for n, (now, dtype) in enumerate(zip(whole.dtypes, frame.dtypes)):
            kinds = f"{now.kind}{dtype.kind}" if isinstance(now, np.dtype) else ""
            if kinds in ("if", "uf", "bO") and isinstance(dtype, np.dtype):
                wider[n] = dtype
    if wider:
        whole = whole.copy(deep=False)
        for n, dtype in wider.items():
            column: Any = whole.iloc[:, n].astype(dtype)
            whole.isetitem(n, column)
    return whole


def stacked(filled: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Partitions with rows, one after the other."""
    whole = pd.concat(filled, ignore_index=True)
    for n, dtype in enumerate(whole.dtypes):
        # pandas 2 fills a piece without any value anew, with one kind of missing value.
        if dtype == np.dtype("O") and any(f.iloc[:1, n].isna().all() for f in filled):
            values = np.concatenate([f.iloc[:, n].to_numpy(dtype=object) for f in filled])
            column: Any = pd.Series(values, dtype=object)
            whole.isetitem(n, column)
    return whole
