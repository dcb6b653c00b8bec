"""Joins by the index, and indicators, as plans: rows, labels and dtypes are pandas' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import assert_same

import pandas_dist
from pandas_dist.config import options
from pandas_dist.ops import dispatch


@pytest.fixture(autouse=True, params=["dask", "polars"])
def many_partitions(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "polars":
        pytest.importorskip("polars")
    with options.context(backend=request.param, partition_bytes=400, fallback="error"):
        yield


ROWS = 90


def left(pd: Any, kind: str = "range") -> Any:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "k": rng.integers(0, 30, ROWS),
            "t": rng.choice(list("abcdefgh"), ROWS),
            "v": rng.random(ROWS),
        }
    )
    if kind == "filtered":
        return frame[frame["v"] > 0.4]
    if kind == "regular":
        return frame[frame["k"] >= 0].iloc[2::3]
    if kind == "keys":
        return frame.set_index("t")
    if kind == "numbers":
        return frame.set_index("k")
    if kind == "dates":
        frame.index = pd.date_range("2024-01-01", periods=ROWS, name="day")
        return frame
    return frame


def lookup(pd: Any, key: str, kind: str) -> Any:
    """One row for each key, several, or groups that are computed."""
    if kind == "groups":
        return left(pd).groupby(key)[["v"]].agg("sum").rename(columns={"v": "total"})
    frame = left(pd).iloc[10:40].rename(columns={"v": "w", "t": "t2", "k": "k2"})
    frame["q"] = range(30)
    if kind == "once":
        frame = frame.drop_duplicates({"k": "k2", "t": "t2"}[key])
    elif kind == "empty":
        frame = frame.iloc[:0]
    return frame.set_index({"k": "k2", "t": "t2"}[key])


def check(make: Callable[[Any], Any]) -> None:
    ours, theirs = make(pandas_dist), make(plain)
    assert dispatch.is_ours(ours), "a plan is made, not run"
    assert_same(ours, theirs)
    for step in STEPS:
        assert_same(step(make(pandas_dist)), step(theirs))


STEPS: list[Callable[[Any], Any]] = [
    lambda f: f[f["v"] > 0.6],
    lambda f: f.iloc[::2].index,
    lambda f: f[f["v"] > 0.2].iloc[1:4],
    lambda f: f.sort_values("v", kind="stable").head(3),
    lambda f: f.reset_index()["v"],
    lambda f: f["v"].sum(),
    lambda f: f.index,
    lambda f: f[f.columns[-1]].isna().sum(),
]


@pytest.mark.parametrize("kind", ["range", "filtered", "regular", "keys", "dates"])
@pytest.mark.parametrize("other", ["groups", "once", "several", "empty"])
@pytest.mark.parametrize("how", ["left", "inner"])
def test_columns_on_an_index(kind: str, other: str, how: str) -> None:
    key = "k" if kind == "keys" else "t"
    check(lambda pd: left(pd, kind).join(lookup(pd, key, other), on=key, how=how))
    check(
        lambda pd: left(pd, kind).merge(
            lookup(pd, key, other), left_on=key, right_index=True, how=how
        )
    )


@pytest.mark.parametrize("kind", ["range", "filtered", "dates"])
@pytest.mark.parametrize("other", ["groups", "once", "several"])
@pytest.mark.parametrize("how", ["right", "inner"])
def test_an_index_on_columns(kind: str, other: str, how: str) -> None:
    check(
        lambda pd: lookup(pd, "k", other).merge(
            left(pd, kind), left_index=True, right_on="k", how=how
        )
    )


@pytest.mark.parametrize("how", ["left", "right"])
@pytest.mark.parametrize("other", ["groups", "once"])
@pytest.mark.parametrize("key", ["k", "t"])
def test_index_on_index(how: str, other: str, key: str) -> None:
    def both(pd: Any) -> tuple[Any, Any]:
        small = lookup(pd, key, other)
        small.index.name = key
        return left(pd, "numbers" if key == "k" else "keys"), small

    if how == "left":
        check(lambda pd: both(pd)[0].join(both(pd)[1]))
    else:
        check(lambda pd: pd.merge(*both(pd)[::-1], left_index=True, right_index=True, how=how))


def suffixes(one: str, two: str) -> dict[str, Any]:
    if plain.__version__.startswith("2."):
        return {"lsuffix": one, "rsuffix": two}
    return {"suffixes": (one, two)}


def test_default_indexes() -> None:
    other = {"w": np.arange(60.0), "k": np.arange(60)}
    check(lambda pd: left(pd).join(pd.DataFrame(other), **suffixes("", "_r")))
    check(lambda pd: left(pd).join(left(pd), **suffixes("_l", ""))[["v", "v_l"]])
    check(lambda pd: left(pd).join(pd.Series(np.arange(60.0), name="w")))
    check(lambda pd: left(pd, "filtered").join(pd.DataFrame(other)[["w"]]))


def test_several_columns_on_levels() -> None:
    def groups(pd: Any) -> Any:
        return left(pd).groupby(["k", "t"])["v"].max().rename("most")

    check(lambda pd: left(pd).join(groups(pd), on=["k", "t"]))
    check(lambda pd: left(pd, "filtered").join(groups(pd).head(20), on=["k", "t"], how="inner"))


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
def test_indicator(how: str) -> None:
    def merged(pd: Any) -> Any:
        other = lookup(pd, "t", "several").reset_index().rename(columns={"t2": "t"}).iloc[:9]
        return left(pd).iloc[20:].merge(other, on="t", how=how, indicator=True)

    ours = merged(pandas_dist)
    assert dispatch.is_ours(ours)
    assert_same(ours, merged(plain))
    for value in ("both", "left_only", "no such"):
        pick = lambda f, v=value: f[f["_merge"] == v].drop(columns="_merge")  # noqa: E731
        assert_same(pick(merged(pandas_dist)), pick(merged(plain)))
        rest = lambda f, v=value: f[f["_merge"] != v]["v"].count()  # noqa: E731
        assert_same(rest(merged(pandas_dist)), rest(merged(plain)))
    counts = [merged(pd)["_merge"].value_counts() for pd in (pandas_dist, plain)]
    assert_same(*counts)


def test_values_as_keys() -> None:
    keys = np.arange(ROWS) % 30
    ours, theirs = (
        left(pd).merge(lookup(pd, "k", "once"), left_on=keys, right_index=True)
        for pd in (pandas_dist, plain)
    )
    assert_same(ours, theirs)


@pytest.mark.parametrize("how", ["inner", "left", "outer"])
def test_validated(how: str) -> None:
    def merged(pd: Any, kind: str, key: str) -> Any:
        other = lookup(pd, "k", "once").reset_index().rename(columns={"k2": "k", "t2": "t"})
        return left(pd).merge(other, on=key, how=how, validate=kind)

    for kind in ("m:1", "many_to_one", "m:m"):
        ours = merged(pandas_dist, kind, "k")
        assert dispatch.is_ours(ours)
        assert_same(ours, merged(plain, kind, "k"))
    for kind, key in (("1:1", "k"), ("one_to_many", "k"), ("m:1", "t")):
        with pytest.raises(plain.errors.MergeError, match="Merge keys are not unique"):
            merged(pandas_dist, kind, key)
    with pytest.raises(ValueError, match="not a valid argument"):
        merged(pandas_dist, "no such", "k")


def test_errors_are_raised_at_the_call() -> None:
    for pd in (pandas_dist, plain):
        with pytest.raises(ValueError, match="columns overlap"):
            left(pd).join(left(pd))
        with pytest.raises(KeyError):
            left(pd).join(lookup(pd, "t", "once"), on="none")
        with pytest.raises(ValueError, match="len"):
            left(pd).join(lookup(pd, "t", "once"), on=["k", "t"])


def test_index_on_a_large_index() -> None:
    """Nobody knows that the keys of the other side are unique: they alone are looked at."""
    rng = np.random.default_rng(2)

    def joined(pd: Any, keys: np.ndarray) -> Any:
        one = pd.DataFrame({"k": rng_keys, "v": np.arange(900)}).set_index("k")
        two = pd.DataFrame({"k": keys, "w": np.arange(len(keys))})
        return one.join(two[two["w"] >= 0].set_index("k"))

    rng_keys = rng.integers(0, 900, 900)
    once, several = rng.permutation(800), rng.integers(0, 900, 800)
    ours = joined(pandas_dist, once)
    assert dispatch.is_ours(ours)
    assert_same(ours, joined(plain, once))
    assert_same(ours["w"].max(), joined(plain, once)["w"].max())
    assert_same(joined(pandas_dist, several), joined(plain, several))
