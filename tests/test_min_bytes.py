"""``PANDAS_DIST_MIN_BYTES``: small in-memory data stay in pandas on a named backend."""

from __future__ import annotations

import pandas

import pandas_dist as pd
from pandas_dist.config import options
from tests.strict import assert_same


def frame(module: object, rows: int) -> pandas.DataFrame:
    made: pandas.DataFrame = module.DataFrame({"a": range(rows), "b": [1.5] * rows})  # type: ignore[attr-defined]
    return made


def test_small_data_stay_in_pandas() -> None:
    with options.context(backend="dask", min_bytes=10_000):
        small, large = frame(pd, 10), frame(pd, 10_000)
        assert not small.dist.is_lazy
        assert not small.groupby("a").sum().dist.is_lazy
        assert large.dist.is_lazy
        assert large["a"].dist.is_lazy


def test_small_meets_large() -> None:
    with options.context(backend="dask", min_bytes=10_000, fallback="error"):
        small, large = frame(pd, 10), frame(pd, 10_000)
        for left, right in ((small, large), (large, small)):
            merged = left.merge(right, on="a")
            assert merged.dist.is_lazy
            expected = frame(pandas, len(left)).merge(frame(pandas, len(right)), on="a")
            assert_same(merged, expected)
