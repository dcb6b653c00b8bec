"""Joins on Dask with many small partitions give exactly what pandas gives, in its order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as plain
import pytest
from strict import assert_same

import pandas_dist
from pandas_dist.backends.dask import join
from pandas_dist.config import options


@pytest.fixture(autouse=True)
def many_partitions() -> Iterator[None]:
    before = options.backend, options.partition_bytes
    options.backend, options.partition_bytes = "dask", 400
    yield
    options.backend, options.partition_bytes = before


def sides(seed: int, text: bool) -> tuple[plain.DataFrame, plain.DataFrame]:
    """A left side, and a right one that has as many matches in all as the left one has rows."""
    rng = np.random.default_rng(seed)
    rows, others = (int(n) for n in rng.integers(20, 120, 2))
    left = plain.DataFrame({"k": rng.integers(0, others, rows), "a": np.arange(rows)})
    right = plain.DataFrame({"k": rng.integers(0, others, others), "b": np.arange(others)})
    counts = left["k"].value_counts()
    missing = rows - len(left.merge(right, on="k"))
    single = counts.index[counts == 1]
    if missing > 0 and len(single):
        more = plain.DataFrame({"k": [single[0]] * missing, "b": range(missing)})
        right = plain.concat([right, more], ignore_index=True)
    if text:
        left["k"], right["k"] = left["k"].astype(str), right["k"].astype(str)
    return left, right


@pytest.mark.parametrize("fits", [True, False])
@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("how", ["inner", "left", "right"])
def test_order(how: str, text: bool, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "fits", lambda *_: fits)
    rearranged = 0
    for seed in range(12):
        left, right = sides(seed, text)
        expected = left.merge(right, on="k", how=how)
        rearranged += len(expected) == len(left) and not expected["a"].is_monotonic_increasing
        ours = [pandas_dist.DataFrame(x) for x in (left, right)]
        assert_same(ours[0].merge(ours[1], on="k", how=how).head(5), expected.head(5))
        assert_same(ours[0].merge(ours[1], on="k", how=how), expected)
    if how == "inner" and plain.__version__.startswith("2."):
        assert rearranged  # the case that only the counts of all partitions tell


@pytest.mark.parametrize("text", [True, False])
def test_order_under_a_filter(text: bool) -> None:
    for seed in range(12):
        both = sides(seed, text)
        ours = [pandas_dist.DataFrame(x) for x in both]
        for column, least in ("a", 3), ("b", 5):
            kept = [x[0].merge(x[1], on="k") for x in (ours, both)]
            kept = [x.assign(c=x["a"] + x["b"]) for x in kept]
            kept = [x[x[column] > least] for x in kept]
            assert_same(*kept)
            assert_same(*(x.reset_index(drop=True) for x in kept))
            assert_same(*(x.groupby("k", sort=False)["c"].first() for x in kept))
            assert_same(*(x["c"].sum() for x in kept))


def filter_below(frame: object) -> bool:
    """Whether the filter runs before the join, if all columns are needed in order."""
    frame = frame.reset_index(drop=True)  # type: ignore[attr-defined]
    after = str(frame.dist.explain()).partition("Plan as run")[2]
    return after.index("Join") < after.index("Filter")


def test_filters_go_below_a_join_whose_order_does_not_change() -> None:
    rng = np.random.default_rng(6)
    left = pandas_dist.DataFrame({"k": rng.integers(0, 9, 300), "a": np.arange(300)})
    right = pandas_dist.DataFrame({"k": rng.integers(0, 9, 60), "b": np.arange(60.0)})
    once = pandas_dist.DataFrame({"k": np.arange(9), "b": np.arange(9)})
    groups = right.groupby("k", as_index=False)["b"].sum()
    for other in (once, groups, right.drop_duplicates("k")):
        merged = left.merge(other, on="k")
        assert filter_below(merged[merged["a"] > 5])
    merged = left.merge(right, on="k")
    assert not filter_below(merged[merged["a"] > 5])
    assert filter_below(merged[merged["a"] > 5].groupby("k")["b"].sum())
    merged = left.merge(right, on="k", how="left")
    assert filter_below(merged[merged["a"] > 5])


@pytest.mark.parametrize("keys", [["k"], ["k", "j"]])
@pytest.mark.parametrize("low, high", [(0, 9), (-(2**62), 2**62), (10**7, 10**8)])
def test_keys_of_any_span(keys: list[str], low: int, high: int) -> None:
    rng = np.random.default_rng(3)
    pool = rng.integers(low, high, 40)
    left = plain.DataFrame({c: rng.choice(pool, 300) for c in "kj"} | {"a": np.arange(300.0)})
    right = plain.DataFrame({c: rng.choice(pool, 60) for c in "kj"} | {"b": np.arange(60)})
    for how in ("inner", "left"):
        expected = left.merge(right, on=keys, how=how)
        ours = pandas_dist.DataFrame(left).merge(pandas_dist.DataFrame(right), on=keys, how=how)
        assert_same(ours, expected)
        counts = expected.groupby("k")["b"].count().reset_index()
        again = pandas_dist.DataFrame(left).merge(pandas_dist.DataFrame(right), on=keys, how=how)
        assert_same(again.groupby("k")["b"].count().reset_index(), counts)


@pytest.mark.parametrize("rows", [0, 1, 500])
def test_left_join_of_a_small_side(rows: int) -> None:
    rng = np.random.default_rng(4)
    left = plain.DataFrame({"k": [1, 2, 2, 3, 900], "a": list("abcde")})
    right = plain.DataFrame({"j": rng.integers(0, 50, rows), "b": rng.integers(0, 9, rows)})
    ours = [pandas_dist.DataFrame(x) for x in (left, right)]
    joined = ours[0].merge(ours[1], how="left", left_on="k", right_on="j")
    expected = left.merge(right, how="left", left_on="k", right_on="j")
    assert_same(joined.groupby("a")["b"].count(), expected.groupby("a")["b"].count())
    assert_same(joined.groupby("a")["b"].max(), expected.groupby("a")["b"].max())


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("high", [3, 50, 2**62])
def test_distinct_values_of_integers(in_order: bool, high: int) -> None:
    rng = np.random.default_rng(5)
    frame = plain.DataFrame({c: rng.integers(-high, high, 500) for c in "kv"})
    if in_order:
        frame = frame.sort_values("k", ignore_index=True)
    expected = frame.groupby("k")["v"].nunique()
    assert_same(pandas_dist.DataFrame(frame).groupby("k")["v"].nunique(), expected)
