"""The comparison tells apart what a script could tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from strict import Outcome, assert_same

INDEX = pd.Index([1, 2])
DAYS = pd.date_range("2024-01-01", periods=2)
LEVELS = pd.MultiIndex.from_product([["a", "b"], [1, 2]])


def attributed(frame: pd.DataFrame) -> pd.DataFrame:
    frame.attrs["a"] = 1
    return frame


DIFFERENT: list[tuple[Any, Any]] = [
    (1, 1.0),
    (1.0, np.float64(1)),
    (True, np.True_),
    (1.0, 1.0 + 1e-8),
    (0.0, -0.0),
    (None, np.nan),
    (pd.NaT, np.nan),
    (pd.NA, None),
    ("a", "b"),
    ([1], (1,)),
    ([1, 2], [2, 1]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1, 2}, {1, 3}),
    (np.array([1]), np.array([1], dtype="int32")),
    (np.array([[1]]), np.array([1])),
    (np.array([0.0]), np.array([-0.0])),
    (np.array([np.nan]), np.array([1.0])),
    (pd.RangeIndex(2), pd.Index([0, 1])),
    (pd.RangeIndex(0, 3, 2), pd.RangeIndex(0, 4, 2)),
    (INDEX, INDEX.rename("x")),
    (DAYS, pd.DatetimeIndex(list(DAYS))),
    (DAYS, DAYS.tz_localize("UTC")),
    (LEVELS[LEVELS.get_level_values(0) == "a"], pd.MultiIndex.from_product([["a"], [1, 2]])),
    (pd.Series([1]), pd.Series([1], name="x")),
    (pd.Series([1]), pd.Series([1.0])),
    (pd.Series([1]), pd.DataFrame([1])),
    (pd.Series([None], dtype=object), pd.Series([np.nan], dtype=object)),
    (pd.Series([1], dtype=object), pd.Series([True], dtype=object)),
    (pd.Series(["a"], dtype="string"), pd.Series(["a"], dtype=object)),
    (pd.Series(["a"], dtype="string[python]"), pd.Series(["a"], dtype="string[pyarrow]")),
    (pd.Series([1, None], dtype="Int64"), pd.Series([1, 0], dtype="Int64")),
    (pd.Series(["a"], dtype="category"), pd.Series(pd.Categorical(["a"], ["a", "b"]))),
    (pd.Series(pd.Categorical(["a"])), pd.Series(pd.Categorical(["a"], ordered=True))),
    (pd.Series(DAYS), pd.Series(DAYS.astype("datetime64[s]"))),
    (pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, index=[0])),
    (pd.DataFrame({"a": [1]}), attributed(pd.DataFrame({"a": [1]}))),
    (pd.DataFrame(columns=["a"]), pd.DataFrame(columns=pd.Index(["a"], name="c"))),
    (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01", tz="UTC")),
    (pd.Timestamp("2024-01-01").as_unit("s"), pd.Timestamp("2024-01-01").as_unit("ns")),
    (ValueError("a"), KeyError("a")),
    (ValueError("a"), ValueError("b")),
    (Outcome(value=1), Outcome(error=ValueError())),
    (Outcome(value=1), Outcome(value=2)),
]


@pytest.mark.parametrize("pair", DIFFERENT, ids=str)
def test_differences_are_seen(pair: tuple[Any, Any]) -> None:
    left, right = pair
    with pytest.raises(AssertionError):
        assert_same(left, right)
    with pytest.raises(AssertionError):
        assert_same(right, left)
    assert_same(left, left)
    assert_same(right, right)


def test_last_bits_of_floats_may_differ() -> None:
    assert_same(1.0 + 1e-12, 1.0)
    assert_same(pd.Series([0.3, np.inf, np.nan]), pd.Series([0.1 + 0.2, np.inf, np.nan]))


def test_new_objects_of_the_same_data_are_the_same() -> None:
    def build() -> pd.DataFrame:
        return pd.DataFrame(
            {"o": ["a", None, np.nan, pd.NA, [1, None]], "d": pd.NaT, "p": pd.Period("2024-01")}
        )

    assert_same(build(), build())
    assert_same(list(build().itertuples()), list(build().itertuples()))
