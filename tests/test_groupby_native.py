"""Groupby on Dask with many small partitions gives exactly what pandas gives."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import assert_same, outcome

import pandas_dist
from pandas_dist.config import options

ROWS = 400
FUNCTIONS = ["sum", "mean", "min", "max", "count", "std", "var", "sem", "median", "nunique"]
FUNCTIONS += ["first", "last", "prod", "size"]
VALUES = ["i", "f", "u8", "f4", "b", "when", "gap", "text", "odd", "big"]


def frame(pd: Any, seed: int = 0, rows: int = ROWS) -> Any:
    """Keys and values of all kinds, with missing ones."""
    rng = np.random.default_rng(seed)

    def holes(values: Any, hole: Any, share: float = 0.15) -> list[Any]:
        gone = rng.random(rows) < share
        return [hole if g else v for g, v in zip(gone, values, strict=True)]

    words = np.array(["pear", "fig", "Kiwi", "plum", "äpfel", ""], dtype=object)
    text = words[rng.integers(0, 6, rows)]
    when = plain.Timestamp("2024-01-01") + plain.to_timedelta(rng.integers(0, 9, rows), "D")
    odd = rng.normal(size=rows)
    odd[rng.integers(0, rows, 3)] = np.inf
    odd[rng.integers(0, rows, 3)] = -np.inf
    few = rng.integers(-3, 4, rows)
    data = {
        "k": few,
        "kf": np.array(holes(few / 2, np.nan), dtype="float64"),
        "kt": holes(text, None),
        "kn": holes(text, np.nan),
        "kb": rng.random(rows) < 0.3,
        "kd": when,
        "sorted": np.sort(rng.integers(0, rows // 2, rows)),
        "kc": pd.Categorical(holes(text, None), categories=[*words[::-1], "never"]),
        "i": rng.integers(-100, 100, rows),
        "f": np.array(holes(rng.normal(size=rows) + 5, np.nan), dtype="float64"),
        "u8": rng.integers(0, 255, rows).astype("uint8"),
        "f4": rng.normal(size=rows).astype("float32"),
        "b": rng.random(rows) < 0.5,
        "when": plain.Series(holes(when, plain.NaT), dtype="datetime64[ns]").to_numpy(),
        "gap": plain.Series(holes(when - when[0], plain.NaT), dtype="timedelta64[ns]").to_numpy(),
        "text": holes(text, None),
        "odd": odd,
        "big": rng.integers(-(2**62), 2**62, rows),
    }
    return pd.DataFrame(data)


@pytest.fixture(autouse=True)
def small_partitions() -> Iterator[None]:
    wanted = {"backend": "dask", "fallback": "silent", "partition_bytes": 6000}
    with options.context(**wanted), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check(run: Any, seed: int = 0, rows: int = ROWS) -> None:
    """The same outcome from pandas and from us."""
    expected = outcome(lambda: run(frame(plain, seed, rows)))
    assert_same(outcome(lambda: run(frame(pandas_dist, seed, rows))), expected)


KEYS = ["k", "kf", "kt", "kn", "kb", "kd", "sorted", ["k", "kb"], ["kt", "kf"], ["kb", "sorted"]]


@pytest.mark.parametrize("sort", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions(function: str, key: Any, sort: bool) -> None:
    columns = [v for v in VALUES if v != "text" or function in ("count", "nunique", "min", "first")]
    if function in ("mean", "std", "var", "sem", "prod", "sum", "median"):
        columns = [c for c in columns if c != "when"]
    if function in ("prod", "var", "sem"):
        columns = [c for c in columns if c not in ("gap", "big", "text")]

    def run(df: Any) -> Any:
        groups = df.groupby(key, sort=sort)
        each = {c: getattr(groups[c], function)() for c in columns}
        return each, groups[["i", "f"]].agg(function) if function != "size" else groups.size()

    check(run)


@pytest.mark.parametrize("key", ["k", "kf", "kn", ["k", "kf"], ["kn", "kb"]], ids=str)
@pytest.mark.parametrize("sort", [True, False], ids=["sorted", "unsorted"])
def test_missing_keys_kept(key: Any, sort: bool) -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(key, dropna=False, sort=sort)
        return groups["i"].sum(), groups.size(), groups["f"].nunique(), groups["f"].median()

    check(run)


@pytest.mark.parametrize("key", ["k", "kt", ["k", "kb"], ["kt", "kf"]], ids=str)
def test_without_index(key: Any) -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(key, as_index=False)
        return (
            groups["i"].sum(),
            groups[["i", "f"]].mean(),
            groups.size(),
            groups.agg(a=("i", "sum"), b=("f", "nunique")),
            groups.agg({"i": "max", "f": "std"}),
        )

    check(run)


@pytest.mark.parametrize("key", ["kc", ["kc", "k"], ["kb", "kc"]], ids=str)
@pytest.mark.parametrize("observed", [True, False])
def test_categories(key: Any, observed: bool) -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(key, observed=observed)
        found = {f: groups["i"].agg(f) for f in FUNCTIONS if f != "size"}
        return found, groups.size(), groups["f"].mean(), groups[["i", "b"]].max()

    check(run)


def test_index_levels() -> None:
    def run(df: Any) -> Any:
        one, two = df.set_index("kt"), df.set_index(["k", "kb"])
        return (
            one.groupby(level=0)["i"].sum(),
            one.groupby("kt")["f"].mean(),
            two.groupby(level="kb")["i"].max(),
            two.groupby(level=[0, 1])["i"].max(),
            two.groupby(["kb", "kt"])["i"].max(),
            df["i"].groupby(level=0).sum().tail(3),
            two["i"].groupby(level=1).count(),
        )

    check(run)


def test_forms_of_agg() -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(["kb", "k"])
        return (
            groups["f"].agg(["sum", "max", "nunique"]),
            groups[["f", "b"]].agg(["max", "count"]),
            groups.agg({"i": ["sum", "mean"], "b": ["any"], "f": ["median"]}),
            groups.agg(x=("i", "sum"), y=("f", "std")),
            groups["f"].agg(low="min", high="max"),
            groups.agg({"i": "first", "kt": "count"}),
            df.groupby("k").agg({"b": ["all"], "i": ["sum"]}).columns,
            df.groupby("k").agg(np.sum)["i"],
            df.groupby("k")["f"].agg([np.mean, "max"]),
            df.groupby("k")["f"].agg(lambda s: s.max() - s.min()),
        )

    check(lambda df: run(df[["k", "kb", "kt", "i", "f", "b"]].drop(columns=[])))


def test_minimum_counts() -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(["k", "kb"])
        return [groups["f"].sum(min_count=n) for n in (0, 1, 20)], [
            groups[c].sum(min_count=25) for c in ("i", "u8", "big")
        ]

    check(run)


def test_sums_of_narrow_integers() -> None:
    def run(df: Any) -> Any:
        small = df.assign(i8=(df["i"] % 2).astype("int8"), u=(df["u8"] % 2).astype("uint8"))
        groups = small.groupby("k")
        return groups["i8"].sum(), groups["u"].sum(), groups["u8"].sum(), groups[["i8", "u8"]].sum()

    check(run)


def test_quantiles_and_any() -> None:
    def run(df: Any) -> Any:
        groups = df.groupby("kt")
        return (
            groups["f"].quantile(0.3),
            groups["f"].quantile([0.1, 0.9]),
            groups[["i", "f"]].quantile(),
            groups["b"].any(),
            groups["b"].all(),
            groups["f"].var(ddof=0),
            groups["f"].describe(),
        )

    check(run)


def test_after_filters_and_sorts() -> None:
    def run(df: Any) -> Any:
        out = df.groupby(["kt", "k"]).agg(n=("i", "count"), t=("i", "sum"))
        return (
            out[out["n"] > 9],
            out.sort_values("t"),
            out["t"].sort_values(ascending=False).head(3),
            out.reset_index(),
            out.reset_index().groupby("kt")["t"].max(),
            len(out),
            out[out["n"] > 10**6],
        )

    check(run)


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_few_rows(rows: int) -> None:
    def run(df: Any) -> Any:
        groups = df.groupby("kt")
        many = df.groupby(["k", "kt"])
        return (
            {f: groups["f"].agg(f) for f in FUNCTIONS if f != "size"},
            {f: groups["i"].agg(f) for f in FUNCTIONS if f != "size"},
            groups.size(),
            many["i"].sum(),
            many.size(),
            groups["i"].transform("sum"),
        )

    check(run, rows=max(rows, 3)) if rows >= 3 else check(lambda df: run(df.iloc[:rows]), rows=8)


def test_empty_partitions_and_groups() -> None:
    def run(df: Any) -> Any:
        few = df[df["i"] > 97]
        none = df[df["i"] > 1000]
        return (
            few.groupby("kt")["f"].mean(),
            few.groupby("k")["f"].std(),
            few.groupby("k")["f"].nunique(),
            none.groupby("kt")["i"].sum(),
            none.groupby(["kt", "k"])["f"].median(),
            none.groupby("k")["text"].nunique(),
        )

    check(run)


TRANSFORMS = ["sum", "mean", "max", "min", "count", "first", "std", "median", "nunique", "size"]


@pytest.mark.parametrize("key", ["k", "kt", "kf", ["kt", "kb"]], ids=str)
def test_transform(key: Any) -> None:
    def run(df: Any) -> Any:
        groups = df.groupby(key)
        kept = df[df["i"] > 0]
        return (
            {f: groups["f"].transform(f) for f in TRANSFORMS},
            {f: groups["i"].transform(f) for f in TRANSFORMS},
            groups["u8"].transform("sum"),
            groups["when"].transform("max"),
            groups[["i", "f"]].transform("mean"),
            df[df["f"] == groups["f"].transform("max")],
            df["i"] / groups["i"].transform("sum"),
            kept.groupby(key)["i"].transform("sum"),
            groups["text"].transform("first"),
        )

    check(run)


def test_the_object() -> None:
    def run(df: Any) -> Any:
        groups = df.groupby("kt")
        return (
            len(groups),
            groups.ngroups,
            {k: list(v) for k, v in groups.groups.items()},
            [(key, len(part), type(part).__name__) for key, part in groups],
            groups.get_group("fig"),
            groups.i.sum(),
            groups["i"].sum(),
            groups[["i"]].sum(),
            groups["i"].rolling(2).sum().head(3),
            groups.ndim,
            groups["i"].ndim,
        )

    check(run)


def test_classes() -> None:
    df = frame(pandas_dist)
    groups = df.groupby("k")
    assert isinstance(groups, plain.api.typing.DataFrameGroupBy)
    assert isinstance(groups["i"], plain.api.typing.SeriesGroupBy)
    assert isinstance(df["i"].groupby(df["k"]), plain.api.typing.SeriesGroupBy)


ERRORS = {
    "key": lambda df: df.groupby("nope"),
    "keys": lambda df: df.groupby(["k", "nope"]),
    "no key": lambda df: df.groupby(),
    "empty list": lambda df: df.groupby([]),
    "level": lambda df: df.groupby(level=3),
    "level name": lambda df: df.groupby(level="nope"),
    "column": lambda df: df.groupby("k")["nope"],
    "columns": lambda df: df.groupby("k")[["i", "nope"]],
    "tuple": lambda df: df.groupby("k")["i", "f"],
    "twice": lambda df: df.groupby("k")[["i"]]["i"],
    "attribute": lambda df: df.groupby("k").nope,
    "function": lambda df: df.groupby("k")["i"].agg("nope"),
    "named": lambda df: df.groupby("k").agg(x=("nope", "sum")),
    "malformed": lambda df: df.groupby("k").agg(x="sum"),
    "nothing": lambda df: df.groupby("k")["i"].agg(),
    "dict": lambda df: df.groupby("k").agg({"nope": "sum"}),
    "group": lambda df: df.groupby("k").get_group(99),
    "text": lambda df: df[["k", "text"]].groupby("k").mean(),
    "dates": lambda df: df[["k", "when"]].groupby("k").sum(),
    "transform": lambda df: df.groupby("k")["i"].transform("nope"),
    "length": lambda df: df.groupby([1, 2, 3])["i"].sum(),
    "argument": lambda df: df.groupby("k")["i"].sum(nope=1),
}


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_errors(case: str) -> None:
    expected = outcome(lambda: ERRORS[case](frame(plain)))
    assert expected.error is not None
    assert_same(outcome(lambda: ERRORS[case](frame(pandas_dist))), expected)


def test_functions_run_at_the_call_in_order() -> None:
    def run(df: Any) -> Any:
        seen: list[Any] = []

        def note(part: Any) -> Any:
            seen.append((part.name, len(part)))
            return part.sum()

        groups = df.groupby("k")["i"]
        total = groups.apply(note)
        first = list(seen)
        return total, first, groups.agg(note), groups.transform(note), seen

    check(run)


@pytest.mark.parametrize("seed", range(1, 6))
def test_random_plans(seed: int) -> None:
    def run(df: Any) -> Any:
        rng = np.random.default_rng(seed)
        results = []
        for _ in range(6):
            names = rng.choice(["k", "kf", "kt", "kb", "sorted"], rng.integers(1, 4), False)
            keys = [str(n) for n in names]
            value = str(rng.choice(["i", "f", "u8", "b", "odd"]))
            name = str(rng.choice(FUNCTIONS[:-1]))
            sort, dropna = bool(rng.random() < 0.6), bool(rng.random() < 0.8 or "kt" in keys)
            part = df[df["i"] > int(rng.integers(-100, 60))]
            groups = part.groupby(keys, sort=sort, dropna=dropna)
            results.append(getattr(groups[value], name)())
        return results

    check(run, seed)
