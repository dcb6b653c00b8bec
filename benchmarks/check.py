"""When two answers count as the same."""

from __future__ import annotations

import pandas as pd
from pandas.testing import assert_frame_equal

TOLERANCE = 1e-9  # a floating-point sum may be added up in another order


def strict_difference(actual: pd.DataFrame, expected: pd.DataFrame) -> str:
    """How `actual` differs from pandas' answer, or ""; only the last bits of floats may."""
    if type(actual) is not type(expected):
        return f"{type(actual)} instead of {type(expected)}"
    try:
        assert_frame_equal(
            actual,
            expected,
            check_exact=False,
            rtol=TOLERANCE,
            atol=0,
            check_index_type=True,
            check_column_type=True,
        )
    except AssertionError as difference:
        return str(difference)
    return ""


def loose_difference(actual: pd.DataFrame, expected: pd.DataFrame) -> str:
    """How the values differ, or ""; dtypes, index and the order of ties are left open."""
    try:
        assert_frame_equal(
            _values(actual), _values(expected), check_dtype=False, rtol=TOLERANCE, atol=0
        )
    except AssertionError as difference:
        return str(difference)
    return ""


def _values(frame: pd.DataFrame) -> pd.DataFrame:
    exact = [name for name in frame.columns if frame[name].dtype.kind != "f"]
    frame = frame.astype({name: object for name in exact})
    return frame.sort_values(exact, ignore_index=True) if exact else frame.reset_index(drop=True)
