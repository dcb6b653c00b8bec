"""What Polars is asked for, and what files and labels are asked for once."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist.backends.polars import lookups
from pandas_dist.config import options
from pandas_dist.ops import parquet_open
from pandas_dist.ops.join_labels import side_by_side
from pandas_dist.plan import bounds
from pandas_dist.plan.relations import Join
from pandas_dist.plan.rewrites import topological
from tests.strict import assert_same, outcome

SIZE = 600


@pytest.fixture(autouse=True)
def polars() -> Iterator[None]:
    with options.context(backend="polars", fallback="error"):
        yield


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    rng = np.random.default_rng(5)
    name = rng.choice(np.array(["a", "b", "c", None], dtype=object), SIZE)
    frame = pandas.DataFrame(
        {
            "k": rng.integers(0, 150, SIZE),
            "u": rng.permutation(SIZE),
            "n": rng.integers(-3, 3, SIZE),
            "x": np.where(rng.random(SIZE) < 0.1, np.nan, rng.integers(0, 9, SIZE)),
            "s": name,
            "t": pandas.Timestamp("2020-01-01")
            + pandas.to_timedelta(rng.integers(0, 99, SIZE), "D"),
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


# -- groups that a join looks up -----------------------------------------------------------------

GROUPS: dict[str, Callable[[Any], Any]] = {
    "distinct": lambda df: df.groupby("k", as_index=False)["n"].nunique(),
    "size": lambda df: df.groupby("k").size().reset_index(name="n"),
    "two keys": lambda df: df.groupby(["s", "k"], as_index=False).agg(n=("n", "max")),
    "of chosen rows": lambda df: df[df["x"] > 2].groupby("k", as_index=False)["n"].min(),
    "chosen": lambda df: (g := df.groupby("k", as_index=False)["n"].count())[g["n"] > 4],
    "unsorted": lambda df: df.groupby("k", as_index=False, sort=False)["n"].max(),
    "the first": lambda df: df.groupby("k", as_index=False)["t"].first(),
    "with missing keys": lambda df: df.groupby("x", as_index=False, dropna=False)["k"].max(),
    "sums": lambda df: df.groupby("k", as_index=False)["x"].sum(),
    "computed": lambda df: (
        df.groupby("k", as_index=False)["n"].max().assign(m=lambda g: g["n"] + 1)
    ),
}


@pytest.mark.parametrize("how", ["inner", "left", "right"])
@pytest.mark.parametrize("name", GROUPS)
def test_groups_that_a_join_looks_up(
    name: str, how: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "LEAST_ROWS", 0)
    monkeypatch.setattr(lookups, "ROWS_EACH", 1)

    def joined(pd: Any) -> Any:
        df = pd.read_parquet(file)
        groups, few = GROUPS[name](df), df[df["u"] < 40]
        on = ["s", "k"] if name == "two keys" else "x" if "missing" in name else "k"
        return [
            few.merge(groups, on=on, how=how),
            groups.merge(few, on=on, how=how),
            few.merge(groups, on=on, how=how).merge(groups, on=on, how=how).groupby("u").size(),
        ]

    expected = outcome(lambda: joined(pandas))
    assert_same(outcome(lambda: joined(pandas_dist)), expected)


def test_few_groups_of_few_rows(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "LEAST_ROWS", 0)
    chosen: list[int] = []
    lower = lookups.groupby.lower

    def spy(node: Any, need: Any, below: Any) -> Any:
        chosen.append(below.count())
        return lower(node, need, below)

    monkeypatch.setattr(lookups.groupby, "lower", spy)
    df = pandas_dist.read_parquet(file)
    groups = df.groupby("k", as_index=False)["n"].nunique()
    few = df[df["u"] < 5]
    assert len(few.merge(groups, on="k")) == 5
    assert chosen and max(chosen) < SIZE / 5
    chosen.clear()
    str(df[df["u"] >= 0].merge(df.groupby("k", as_index=False)["n"].max(), on="k"))
    assert max(chosen) == SIZE, "many values are looked up"


# -- joins and sorts -----------------------------------------------------------------------------

PLANS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda df: df.merge(df, on="u"),
    "itself by other keys": lambda df: df.merge(df, left_on="u", right_on="k"),
    "itself twice": lambda df: df.merge(df, on="u").merge(df, left_on="k_x", right_on="u"),
    "floats": lambda df: df.merge(df[["x", "n"]].drop_duplicates("x"), on="x", how="left"),
    "found": lambda df: df[df["k"].isin(df[df["n"] > 1]["u"])],
    "found at last": lambda df: df[df["k"].isin(df[df["n"] > 1]["u"])].tail(3),
    "not found": lambda df: df[~df["k"].isin(df[df["n"] > 1]["u"])].head(7),
    "not found, joined": lambda df: df.merge(df[df["n"] > 0], on="u")[
        lambda j: ~j["k_x"].isin(df[df["n"] > 1]["k"])
    ],
    "not found, counted": lambda df: (
        df.merge(df[df["n"] > 0], on="u")[lambda j: ~j["k_x"].isin(df[df["n"] > 1]["k"])]
        .groupby("s_x")
        .size()
    ),
    "values of an array": lambda df: df[df["k"].isin(df[df["n"] > 1]["u"].unique())],
    "sort by groups": lambda df: df.groupby("k", as_index=False)["n"].max().sort_values("k"),
    "sort by text": lambda df: (
        df.groupby("s", as_index=False, dropna=False).size().sort_values("s", ascending=False)
    ),
    "sort by distinct": lambda df: df.drop_duplicates("k").sort_values("k", na_position="first"),
    "dates": lambda df: df[(df["t"] > pandas.Timestamp("2020-02-01")) & (df["s"] == "a")],
}


@pytest.mark.parametrize("name", PLANS)
def test_as_pandas(name: str, file: Path) -> None:
    expected = outcome(lambda: PLANS[name](pandas.read_parquet(file)))
    assert_same(outcome(lambda: PLANS[name](pandas_dist.read_parquet(file))), expected)


def test_how_many_groups_there_may_be(file: Path) -> None:
    df = pandas_dist.read_parquet(file)
    small = pandas_dist.DataFrame({"k": [1, 2, 2], "name": ["x", "y", "z"]})
    pairs = df.merge(small, on="k").merge(small, left_on="n", right_on="k", suffixes=("", "_2"))

    def most(groups: Any) -> float:
        return bounds.row_bound(groups.__dict__["_plan"].relation)

    assert most(pairs.groupby("name", as_index=False)["u"].max()) == 3
    assert most(pairs.groupby(["name", "name_2"], as_index=False)["u"].max()) == 9
    assert most(pairs[pairs["u"] > 3].groupby(["name", "x"], as_index=False)["u"].max()) == 1800
    outer = df.merge(small, on="k", how="left")
    assert most(outer.groupby("name", as_index=False)["u"].max()) > 3, "missing is one more"
    assert most(outer.groupby("u", as_index=False)["n"].max()) == SIZE


# -- asked once ----------------------------------------------------------------------------------


def test_footers_are_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    table_of = parquet_open.table_of
    monkeypatch.setattr(parquet_open, "table_of", lambda *a: asked.append(a) or table_of(*a))
    pandas_dist.read_parquet(file)
    pandas_dist.read_parquet(file)
    assert len(asked) == 2, "a file this young may change without a trace"
    monkeypatch.setattr(parquet_open, "YOUNG", 0.0)
    asked.clear()
    for _ in range(3):
        df = pandas_dist.read_parquet(file)
        assert df["n"].sum() == pandas.read_parquet(file)["n"].sum()
    pandas_dist.read_parquet(file, columns=["k", "n"])
    assert len(asked) == 2
    df.columns.name = "changed"
    assert pandas_dist.read_parquet(file).columns.name is None


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_a_file_that_was_written_again(
    small: int, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", small)
    monkeypatch.setattr(parquet_open, "YOUNG", 0.0)
    before = os.stat(file)
    first = pandas_dist.read_parquet(file)["n"].sum()
    assert pandas_dist.read_parquet(file)["n"].sum() == first
    frame = pandas.read_parquet(file)
    frame["n"] = frame["n"].iloc[::-1].to_numpy() - 1
    frame["k"] = frame["k"].astype("float64")
    frame.to_parquet(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = pandas_dist.read_parquet(file)
    assert again["k"].dtype == "float64"
    assert again["n"].sum() == first - SIZE


def test_labels_of_a_merge() -> None:
    rng = random.Random(3)
    labels = list("abcdef")
    answered = 0
    for _ in range(4000):
        left, right = (
            pandas.DataFrame(columns=rng.sample(labels, rng.randint(1, 4))) for _ in range(2)
        )
        given: dict[str, Any] = dict.fromkeys(("on", "left_on", "right_on"))
        given |= {"how": rng.choice(["inner", "left", "right", "outer", "cross"])}
        given |= {"left_index": False, "right_index": False, "suffixes": ("_x", "_y")}
        for name in rng.choice([["on"], ["left_on", "right_on"], ["left_on"], list(given)[:3]]):
            pool = list(right.columns if name == "right_on" else left.columns)
            keys = rng.sample(pool, min(len(pool), rng.randint(1, 2)))
            given[name] = keys[0] if len(keys) == 1 and rng.random() < 0.5 else keys
        found = side_by_side(left.columns, right.columns, given)
        if found is not None:
            answered += 1
            expected = pandas.merge(left, right, **given).columns
            assert found.identical(expected) and found.dtype == expected.dtype
    assert answered > 200


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@pytest.mark.parametrize("missing", [[], [None], [None, np.nan]])
def test_matches_of_missing_keys(missing: list[Any], how: str) -> None:
    """None and NaN are one key of a join; what the other side misses has no match."""
    many = pandas.DataFrame({"k": [None, "b", np.nan, "a", "b", None, "c"], "x": range(7)})
    few = pandas.DataFrame({"k": ["a", "b", *missing], "y": range(2 + len(missing))})
    plain = [f.astype({"k": object}) for f in (many, few)]
    ours = [pandas_dist.DataFrame(f) for f in plain]
    for one, two in ((0, 1), (1, 0)):
        found = ours[one].merge(ours[two], on="k", how=how)
        expected = plain[one].merge(plain[two], on="k", how=how)
        assert_same(found, expected)
        assert_same(found["x"].count(), expected["x"].count())
    join = ours[0].merge(ours[1], on="k").__dict__["_plan"].relation
    (node,) = (n for n in topological(join) if isinstance(n, Join))
    assert bounds.unique_right(node) == (not missing)
    assert not bounds.unique_left(node)
