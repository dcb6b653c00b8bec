"""Shifts, cumulative functions, fills and ranks on Dask, over many partitions, against pandas."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict import assert_same, outcome

import pandas_dist
from pandas_dist import report
from pandas_dist.config import options

WANTED = {"backend": "dask", "fallback": "silent", "partition_bytes": 40}
INTEGERS = ["int64", "int8", "uint8", "uint64", "int32"]
FLOATS = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.0, 1e308, 3e-3]
KINDS = [*INTEGERS, "bool", "float64", "float32", "datetime", "timedelta", "tz", "text", "full"]


@pytest.fixture(autouse=True)
def small_partitions() -> Iterator[None]:
    with options.context(**WANTED), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def column(kind: str, rng: Any, rows: int) -> plain.Series:
    """Values of one kind: runs of missing ones, infinities, zeros of both signs, wrap-arounds."""
    if kind in INTEGERS:
        info = np.iinfo(kind)
        return plain.Series(rng.integers(info.min, info.max, rows, dtype=kind))
    if kind == "bool":
        return plain.Series(rng.random(rows) < 0.7)
    if kind in ("float64", "float32"):
        wild = rng.random() < 0.5
        pool = np.array(FLOATS if wild else [1.25, -3.0, np.nan, 0.5, -0.0])
        with np.errstate(over="ignore"):
            values = rng.choice(pool, rows).astype(kind)
        return plain.Series(values).where(_runs(rng, rows))
    if kind in ("text", "full"):
        words = plain.Series(rng.choice(["b", "a", "", "äb"], rows), dtype=object)
        return words if kind == "full" else words.where(_runs(rng, rows), None)
    days = rng.integers(0, 9, rows)
    gaps = plain.Series(plain.to_timedelta(days, "D")).where(_runs(rng, rows))
    if kind == "timedelta":
        return gaps
    when = plain.Timestamp("2024-01-01") + gaps
    return when if kind == "datetime" else when.dt.tz_localize("Europe/Paris")


def _runs(rng: Any, rows: int) -> np.ndarray:
    """Where values are present: missing ones often come one after the other."""
    changes = rng.random(rows) < 0.3
    return np.cumsum(changes) % 3 != 0


def table(pd: Any, kinds: list[str], seed: int, rows: int) -> Any:
    rng = np.random.default_rng(seed)
    data = {f"{n}{kind}": column(kind, rng, rows) for n, kind in enumerate(kinds)}
    data["k"] = plain.Series(rng.integers(0, 4, rows))
    data["keep"] = plain.Series(rng.random(rows) < 0.6)
    data["kf"] = plain.Series(rng.integers(0, 3, rows) / 2).where(_runs(rng, rows))
    data["kt"] = column("text", rng, rows)
    return pd.DataFrame({name: pd.Series(c) for name, c in data.items()})


def check(run: Any, *args: Any) -> None:
    """The same outcome from pandas and from us."""
    with np.errstate(all="ignore"):
        expected = outcome(lambda: run(table(plain, *args)))
        assert_same(outcome(lambda: run(table(pandas_dist, *args))), expected)


PERIODS = st.sampled_from([1, -1, 0, 2, -3, 7, -11, 40, -60])
LIMITS = st.sampled_from([None, 1, 2, 6, 50])
METHODS = st.sampled_from(["average", "min", "max", "first", "dense"])


@st.composite
def calls(draw: Any, grouped: bool = False) -> tuple[str, dict[str, Any]]:
    """A method with arguments."""
    names = ["shift", "diff", "cumsum", "cumprod", "cummax", "cummin", "ffill", "bfill", "rank"]
    name = draw(st.sampled_from([*names, *(["cumcount"] if grouped else ["pct_change"])]))
    if name == "shift":
        fill = draw(st.sampled_from([None, None, 0, 1.5, 300, "x", -1]))
        return name, {"periods": draw(PERIODS)} | ({} if fill is None else {"fill_value": fill})
    if name == "diff":
        return name, {"periods": draw(PERIODS)}
    if name == "pct_change":
        method = draw(st.sampled_from([{}, {"fill_method": None}]))
        return name, {"periods": draw(PERIODS), **method}
    if name in ("ffill", "bfill"):
        return name, {"limit": draw(LIMITS)}
    if name == "rank":
        options = {"method": draw(METHODS), "ascending": draw(st.booleans())}
        option = draw(st.sampled_from(["keep", "top", "bottom"]))
        return name, {**options, "na_option": option, "pct": draw(st.booleans())}
    if name == "cumcount":
        return name, {"ascending": draw(st.booleans())}
    return name, {} if grouped else {"skipna": draw(st.booleans())}


SIZES = st.sampled_from([0, 1, 2, 9, 30, 47])
SEEDS = st.integers(0, 2**16)
HARD = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))


@HARD
@given(call=calls(), kind=st.sampled_from(KINDS), seed=SEEDS, rows=SIZES, filtered=st.booleans())
def test_series(
    call: tuple[str, dict[str, Any]], kind: str, seed: int, rows: int, filtered: bool
) -> None:
    name, options = call

    def run(df: Any) -> Any:
        df = df[df["keep"]] if filtered else df
        result = getattr(df[f"0{kind}"], name)(**options)
        return result, result.dtype, df.assign(new=result)

    check(run, [kind], seed, rows)


@HARD
@given(
    call=calls(),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    seed=SEEDS,
    rows=SIZES,
)
def test_frames(call: tuple[str, dict[str, Any]], kinds: list[str], seed: int, rows: int) -> None:
    name, options = call

    def run(df: Any) -> Any:
        columns = [f"{n}{kind}" for n, kind in enumerate(kinds)]
        return getattr(df[df["keep"]][columns], name)(**options)

    check(run, kinds, seed, rows)


KEYS = st.sampled_from(["k", "kf", "kt", ["k", "kt"], ["kf", "k"]])


@HARD
@given(
    call=calls(grouped=True),
    kind=st.sampled_from(KINDS),
    keys=KEYS,
    seed=SEEDS,
    rows=SIZES,
    how=st.fixed_dictionaries(
        {"dropna": st.booleans(), "sort": st.booleans(), "as_index": st.booleans()}
    ),
    filtered=st.booleans(),
)
def test_groups(
    call: tuple[str, dict[str, Any]],
    kind: str,
    keys: Any,
    seed: int,
    rows: int,
    how: dict[str, bool],
    filtered: bool,
) -> None:
    name, options = call

    def run(df: Any) -> Any:
        df = df[df["keep"]] if filtered else df
        groups = df.groupby(keys, **how)
        one = getattr(groups[f"0{kind}"], name)(**options)
        chosen = groups[[f"0{kind}", "k"]]
        return one, one.dtype, outcome(lambda: getattr(chosen, name)(**options))

    check(run, [kind], seed, rows)


FUNCTIONS = """sum mean min max count std var sem median nunique first last prod any all size"""


@HARD
@given(
    func=st.sampled_from(FUNCTIONS.split()),
    kind=st.sampled_from([k for k in KINDS if k not in ("float32", "text", "full")]),
    keys=KEYS,
    seed=SEEDS,
    rows=SIZES,
)
def test_transforms(func: str, kind: str, keys: Any, seed: int, rows: int) -> None:
    def run(df: Any) -> Any:
        df = df[df["keep"]]
        if kind == "float64":
            df[f"0{kind}"] = df[f"0{kind}"].clip(-50, 50)  # the rounding of sums may differ
        result = df.groupby(keys)[f"0{kind}"].transform(func)
        return result, result.dtype

    check(run, [kind], seed, rows)


def test_nothing_runs_at_the_call() -> None:
    df = table(pandas_dist, ["int64", "float64"], 3, 60)
    before = report.counters.executions
    df["prev"] = df["0int64"].shift()
    df["step"] = df["0int64"] - df["prev"]
    df["total"] = df["1float64"].cumsum()
    df["filled"] = df["1float64"].ffill(limit=2)
    df["mean"] = df.groupby("k")["0int64"].transform("mean")
    df["n"] = df.groupby("k").cumcount()
    df["before"] = df.groupby("k")["0int64"].shift()
    df["place"] = df.groupby("k")["1float64"].rank()
    chosen = df[df["n"] > 1]
    assert report.counters.executions == before
    expected = table(plain, ["int64", "float64"], 3, 60)
    expected["prev"] = expected["0int64"].shift()
    expected["step"] = expected["0int64"] - expected["prev"]
    expected["total"] = expected["1float64"].cumsum()
    expected["filled"] = expected["1float64"].ffill(limit=2)
    expected["mean"] = expected.groupby("k")["0int64"].transform("mean")
    expected["n"] = expected.groupby("k").cumcount()
    expected["before"] = expected.groupby("k")["0int64"].shift()
    expected["place"] = expected.groupby("k")["1float64"].rank()
    assert_same(chosen, expected[expected["n"] > 1])
    assert report.counters.executions == before + 1


def test_order_is_observed_only_where_it_matters() -> None:
    df = table(pandas_dist, ["int64"], 5, 60)
    df["mean"] = df.groupby("k")["0int64"].transform("mean")
    df["total"] = df["0int64"].cumsum()
    text = str(df.groupby("k")["mean"].max().dist.explain())
    assert "mean(0int64) by k" in text
    assert "cumsum" not in text.partition("Plan as run")[2]
    assert "row order required" not in text.partition("mean(0int64) by k")[2].partition("runs:")[0]


def test_text_from_files(tmp_path: Path) -> None:
    """Text that the engine holds as Arrow: what is put in is missing as in pandas."""
    for name in ("text", "full"):
        data = table(plain, [name], 1, 50)
        data.to_parquet(tmp_path / f"{name}.parquet", row_group_size=9)

    def run(pd: Any) -> Any:
        out = []
        for name in ("text", "full"):
            df = pd.read_parquet(tmp_path / f"{name}.parquet")
            s = df[f"0{name}"]
            df["new"] = s.shift(2)
            groups = df.groupby("kt")[f"0{name}"]
            out += [df, s.shift(-1, fill_value="?"), s.ffill(), s.bfill(limit=1), s.rank()]
            out += [groups.shift(), groups.ffill(), groups.cumcount(), s.shift().str.upper()]
        return out

    with options.context(min_bytes=0):
        assert_same(outcome(lambda: run(pandas_dist)), outcome(lambda: run(plain)))


def test_explain() -> None:
    df = table(pandas_dist, ["float64"], 2, 60)
    df["total"] = df["0float64"].cumsum()
    df["place"] = df["0float64"].rank()
    df["mean"] = df.groupby("k")["0float64"].transform("mean")
    text = str(df.dist.explain())
    assert "Window total = cumsum(0float64, skipna=True)" in text
    assert "mean = mean(0float64) by k" in text
