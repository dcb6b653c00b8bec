"""Reductions on Dask with many small partitions give exactly what pandas gives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import assert_same, outcome
from test_groupby_native import frame

import pandas_dist
from pandas_dist.config import options

NUMBERS = ["i", "f", "u8", "f4", "b", "odd", "big", "kf"]
TIMES = ["when", "gap", "kd"]
TEXTS = ["kt", "kn", "full", "kc"]
NAMES = ["sum", "mean", "min", "max", "count", "std", "var", "prod", "any", "all", "median"]


@pytest.fixture(autouse=True)
def small_partitions() -> Iterator[None]:
    wanted = {"backend": "dask", "fallback": "silent", "partition_bytes": 4000}
    with options.context(**wanted), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def data(pd: Any, seed: int = 0, rows: int = 300) -> Any:
    df = frame(pd, seed, rows)
    df["full"] = df["kt"].fillna("none")
    df["tz"] = df["when"].dt.tz_localize("UTC")
    return df


def check(run: Any, **options: Any) -> None:
    """The same outcome from pandas and from us."""
    expected = outcome(lambda: run(data(plain, **options)))
    assert_same(outcome(lambda: run(data(pandas_dist, **options))), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("column", NUMBERS)
def test_numbers(name: str, column: str) -> None:
    if (name, column) in {("prod", "f4"), ("prod", "odd")}:
        pytest.skip("rounding of products is not compared")
    check(lambda df: getattr(df[column], name)())
    check(lambda df: getattr(df[df["i"] > 97][column], name)())


@pytest.mark.parametrize("column", [*TIMES, *TEXTS, "tz"])
@pytest.mark.parametrize("name", ["min", "max", "count", "mean", "std", "sum", "nunique"])
def test_times_and_text(name: str, column: str) -> None:
    check(lambda df: getattr(df[column], name)())


@pytest.mark.parametrize("column", [*NUMBERS, *TIMES, *TEXTS, "tz", "k", "sorted"])
@pytest.mark.parametrize("seed", [0, 1])
def test_distinct_values(column: str, seed: int) -> None:
    def run(df: Any) -> Any:
        s = df[column]
        return (
            s.value_counts(),
            s.value_counts(dropna=False),
            s.value_counts(normalize=True),
            s.value_counts(ascending=True),
            s.value_counts(sort=False),
            s.value_counts(dropna=False, normalize=True, sort=False),
            s.unique(),
            s.nunique(),
            s.nunique(dropna=False),
            s.iloc[:0].value_counts(),
            s.iloc[:0].unique(),
            df[df["i"] > 98][column].value_counts(),
        )

    check(run, seed=seed)


FRAMES = [
    ["i", "big"],
    ["i", "f"],
    ["b"],
    ["b", "kb"],
    ["i", "b"],
    ["f", "b"],
    ["u8", "i"],
    ["u8"],
    ["f4", "f"],
    ["when", "kd"],
    ["when", "i"],
    ["gap", "gap"],
    ["full", "i"],
    ["full"],
    ["kt", "f"],
    ["kc", "i"],
    ["tz"],
]


@pytest.mark.parametrize("columns", FRAMES, ids=str)
@pytest.mark.parametrize("name", [n for n in NAMES if n != "prod"])
def test_frames(name: str, columns: list[str]) -> None:
    check(lambda df: getattr(df[columns], name)())
    check(lambda df: getattr(df[columns], name)(numeric_only=True) if name != "count" else 0)


def test_frames_of_masks() -> None:
    def run(df: Any) -> Any:
        return (
            df.isna().sum(),
            df.notna().all(),
            df.isna().any(),
            df.isna().mean(),
            df.nunique(),
            df[["i", "kt"]].nunique(dropna=False),
            (df[["i", "f"]] > 0).sum(),
            df.count(),
            df.sum(numeric_only=True),
            df.max(numeric_only=True),
        )

    check(run)


def test_options() -> None:
    def run(df: Any) -> Any:
        f = df["f"]
        return (
            f.sum(skipna=False),
            f.sum(min_count=5),
            f.sum(min_count=10**6),
            f.std(ddof=0),
            f.var(ddof=3),
            f.std(ddof=10**6),
            df[["i", "f"]].std(ddof=0),
            df[["i", "f"]].sum(axis=1),
            df[["i", "f"]].sum(min_count=10**6),
            f.mean(skipna=False),
            df[["i", "f"]].max(axis=None),
        )

    check(run)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows(rows: int) -> None:
    def run(df: Any) -> Any:
        few = df.iloc[:rows]
        columns = [*NUMBERS, "when", "full"]
        return (
            {c: {n: outcome(getattr(few[c], n)) for n in NAMES if n != "prod"} for c in columns},
            few[["i", "f"]].std(),
            few[["i", "b"]].sum(),
            few[["i", "f"]].max(),
            few[["f"]].mean(),
        )

    check(run)


def test_all_missing() -> None:
    def run(df: Any) -> Any:
        none = df["f"].where(df["f"] > 10**9)
        return [getattr(none, n)() for n in NAMES if n not in ("any", "all")], none.value_counts()

    check(run)


def test_overflow_and_infinity() -> None:
    def run(df: Any) -> Any:
        huge = df["big"] * 0 + 2**62
        return huge.sum(), df["odd"].sum(), df["odd"].mean(), df["odd"].std(), huge.mean()

    check(run)


@pytest.mark.parametrize("seed", range(3))
def test_ties_keep_the_order_of_pandas(seed: int) -> None:
    def run(df: Any) -> Any:
        s = (df["i"] * 7919 + seed) % 97
        words = s.astype(str)
        return s.value_counts(), words.value_counts(), s.value_counts(ascending=True)

    check(run, seed=seed)


def test_functions_on_series() -> None:
    pairs = [(m.unique(data(m)["kt"]), m.unique(data(m)["f"])) for m in (plain, pandas_dist)]
    assert_same(pairs[1], pairs[0])


def test_one_execution_each() -> None:
    from pandas_dist.report import counters

    df = data(pandas_dist)
    for run in ("value_counts", "unique", "nunique", "std", "sum"):
        before = counters.executions
        getattr(df["f"] + 1, run)()
        assert counters.executions - before == 1, run


def test_numpy_functions() -> None:
    check(lambda df: (np.sum(df["i"]), np.mean(df["f"]), np.std(df["f"]), np.max(df["kd"])))
