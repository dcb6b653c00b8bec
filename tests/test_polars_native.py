"""What Polars would answer otherwise than pandas, through the polars backend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist import report
from pandas_dist.config import options
from tests.strict import assert_as_pandas, assert_same, outcome

RNG = np.random.default_rng(0)
ROWS = 5000


@pytest.fixture(autouse=True)
def polars() -> Iterator[None]:
    with options.context(backend="polars", fallback="error"):
        yield


def data(pd: Any) -> Any:
    rng = np.random.default_rng(1)
    x = rng.normal(size=ROWS)
    x[::7], x[::11], x[::13] = np.nan, np.inf, -np.inf
    when = pandas.Series(pandas.date_range("1960-01-31", periods=ROWS, freq="7h"))
    when[::17] = pandas.NaT
    words = ["straße", "ZOË", "  a b\x1c", "", "İx", "ab", None, "Σας"]
    return pd.DataFrame(
        {
            "k": rng.integers(0, 50, ROWS),
            "f": rng.choice([0.0, -0.0, 1.5, np.nan], ROWS),
            "n": rng.integers(-(2**62), 2**62, ROWS),
            "small": rng.integers(-128, 127, ROWS).astype("int8"),
            "x": x,
            "y": rng.normal(size=ROWS),
            "b": rng.random(ROWS) < 0.3,
            "t": when,
            "s": rng.choice(np.array(words, dtype=object), ROWS),
            "mixed": rng.choice(np.array([1, "a", None, 2.5], dtype=object), ROWS),
            "c": pandas.Categorical(rng.choice(["u", "v"], ROWS), categories=["v", "u", "w"]),
            "i": pandas.array(rng.integers(0, 9, ROWS), dtype="Int64"),
        }
    )


CASES: dict[str, Callable[[Any], Any]] = {
    # Polars multiplies by the reciprocal of a constant.
    "division by a constant": lambda df: [df["y"] / c for c in (3.7, 100.0, -7.0, 4.0, 0.0)],
    "integer division and remainder": lambda df: [df["n"] // 7, df["n"] % -7, df["k"] // -3],
    "integers wrap": lambda df: [df["n"] * 5, df["n"] + df["n"], df["small"] + 100, -df["small"]],
    "rounding": lambda df: [df["y"].round(2), df["y"].round(0), (df["k"] / 4).round(1)],
    "comparisons with missing": lambda df: [
        f(df["x"]) for f in (lambda s: s > 0, lambda s: s < 0, lambda s: s != 1, lambda s: s >= s)
    ],
    "not of a comparison": lambda df: df[~(df["x"] > 0)].shape,
    "filters of text": lambda df: [df[df["s"] == "ab"], df[df["s"] != "ab"].index],
    "text": lambda df: [
        df["s"].str.upper(),
        df["s"].str.strip(),
        df["s"].str.len(),
        df["s"].str.lower(),
    ],
    "median of infinities": lambda df: df.groupby("k")["x"].median(),
    "groups by signed zeros": lambda df: 1 / np.asarray(df.groupby("f")["y"].sum().index),
    "groups keep missing keys": lambda df: df.groupby(["f", "s"], dropna=False)["y"].count(),
    "groups in order of appearance": lambda df: df.groupby("s", sort=False)["x"].max(),
    "sums of nothing": lambda df: df[df["k"] > 99].groupby("k")["x"].sum(),
    "first and last": lambda df: df.groupby("k").agg(a=("x", "first"), b=("s", "last")),
    "distinct": lambda df: [df["x"].nunique(), df["f"].unique(), df["s"].value_counts()],
    "ties of an unstable sort": lambda df: [df.sort_values("k"), df.sort_values("f")],
    "ties of a sort by two": lambda df: df.sort_values(["k", "f"], ascending=[False, True]),
    "joins of missing keys": lambda df: df.head(60)[["f", "s", "y"]].merge(
        df.tail(60)[["f", "s", "x"]], on=["f", "s"]
    ),
    "integers without a match": lambda df: (
        df[["k", "n", "b"]].merge(df[["k", "small"]].head(3), on="k", how="left").dtypes
    ),
    "no match left after a filter": lambda df: (
        df[["k"]]
        .merge(df[["k", "small", "b"]].head(3), on="k", how="left")
        .pipe(lambda j: j[j["small"].notna()])
    ),
    "text without a match": lambda df: (
        df[df["k"] < 40][["k", "s"]].head(50).merge(df[["k", "y"]].tail(40), on="k", how="right")
    ),
    "objects carried along": lambda df: df[df["k"] > 40][["mixed", "c", "i", "s"]],
    "objects joined": lambda df: df.head(90).merge(df[["k", "mixed", "c", "i"]].head(9), on="k"),
    "fields of dates": lambda df: [df["t"].dt.year, df["t"].dropna().dt.dayofweek],
    "comparisons of dates": lambda df: [df["t"] < "1961-01-01", df[df["t"] >= "1962-05-05"].shape],
    "windows": lambda df: [df["x"].cumsum(), df["n"].diff(), df.groupby("k")["y"].shift(2)],
    "ranks": lambda df: [df["x"].rank(), df.groupby("k")["y"].rank(method="dense")],
    "transform": lambda df: df["y"] - df.groupby("k")["y"].transform("mean"),
    "reductions": lambda df: [df["x"].sum(), df["y"].std(), df["n"].sum(), df["t"].max()],
    "isin of another column": lambda df: df[df["k"].isin(df[df["y"] > 3]["k"])].index,
    "slices": lambda df: [df["n"][5:90:7], df["n"][::-1], df["n"][-3:]],
}


@pytest.mark.parametrize("name", CASES)
def test_as_pandas(name: str) -> None:
    assert_as_pandas(lambda pd: CASES[name](data(pd)))


@pytest.mark.parametrize("name", [name for name in CASES if "objects" not in name])
def test_as_pandas_from_a_file(name: str, tmp_path: Path) -> None:
    kept = [c for c in data(pandas).columns if c != "mixed"]
    path = tmp_path / "rows.parquet"
    data(pandas)[kept].drop(columns=["c", "i"]).to_parquet(path)
    with np.errstate(all="ignore"):
        expected = outcome(lambda: CASES[name](pandas.read_parquet(path)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
            got = outcome(lambda: CASES[name](pandas_dist.read_parquet(path)))
            assert_same(got, expected)


def test_a_chain_is_one_query(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    data(pandas)[["k", "x", "y", "t"]].to_parquet(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
        df = pandas_dist.read_parquet(path)
        df["z"] = df["x"] * df["y"]
        small = pandas_dist.DataFrame({"k": range(0, 50, 2), "name": [f"n{i}" for i in range(25)]})
        before = report.counters.executions
        found = df[df["y"] > 0].merge(small, on="k").groupby("name")["z"].sum()
        assert "polars, native" in str(found.dist.explain())
        assert report.counters.executions == before
        print(found)
        assert report.counters.executions == before + 1


def test_explain_tells_of_kernels() -> None:
    df = data(pandas_dist)
    text = str(df["s"].str.title().dist.explain())
    assert "on batches of rows" in text
    sort = str(df.sort_values("k").dist.explain())
    assert "by pandas' order of the key" in sort


def test_only_polars_is_needed(tmp_path: Path) -> None:
    """Reads in pieces, and kernels over them, without Dask installed."""
    days = [date(2024, 1, 1 + i % 28) for i in range(5000)]
    pandas.DataFrame({"day": days, "k": [i % 7 for i in range(5000)], "v": range(5000)}).to_parquet(
        tmp_path / "t.parquet", row_group_size=500
    )
    code = (
        "import sys\n"
        "sys.modules['dask'] = sys.modules['distributed'] = None\n"
        "import pandas_dist as pd\n"
        f"df = pd.read_parquet({str(tmp_path / 't.parquet')!r})\n"
        "print(df.groupby('day')['v'].sum().iloc[3], df['v'].rolling(3).sum().iloc[-1])\n"
        "print(df.apply(lambda r: r['k'] + 1, axis=1).sum(), df.loc[df.k == 3, 'day'].iloc[1])\n"
    )
    frame = pandas.read_parquet(tmp_path / "t.parquet")
    want = (
        f"{frame.groupby('day')['v'].sum().iloc[3]} {frame['v'].rolling(3).sum().iloc[-1]}\n"
        f"{(frame['k'] + 1).sum()} {frame.loc[frame.k == 3, 'day'].iloc[1]}\n"
    )
    for backend in ("polars", "auto"):
        env = {**os.environ, "PANDAS_DIST_BACKEND": backend, "PANDAS_DIST_FALLBACK": "silent"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120
        )
        assert (done.stdout, done.stderr) == (want, "")


# -- files ---------------------------------------------------------------------------------------


def files(folder: Path) -> Path:
    frame = data(pandas)[["k", "x", "y", "t", "s"]]
    frame.to_parquet(folder / "rows.parquet", row_group_size=1000)
    frame.iloc[:50].to_parquet(folder / "few.parquet")
    return folder


FROM_FILES: dict[str, Callable[[Any, Any], Any]] = {
    "labels after filters": lambda rows, few: (m := rows[rows["y"] > 0])[m["x"] < 5],
    "labels, then a sort": lambda rows, few: rows[rows["y"] > 0].sort_values("y").head(7),
    "join in order": lambda rows, few: rows[rows["y"] > 0].merge(few[few["x"] > 0], on="k"),
    "join with few": lambda rows, few: few[few["y"] > 0].merge(rows, on="k"),
    "several joins in order": lambda rows, few: (
        rows.drop_duplicates("k")
        .merge(rows[rows["y"] > 1], on="k")
        .merge(few.drop_duplicates("k"), on="k")
    ),
    "left join in order": lambda rows, few: rows[rows["y"] > 1].merge(
        few.drop_duplicates("k"), on="k", how="left"
    ),
    "sorted by groups": lambda rows, few: (
        rows.groupby(["k", "s"])["x"].count().reset_index().sort_values(["x", "k", "s"])
    ),
    "isin": lambda rows, few: rows[rows["k"].isin(few["k"])].merge(few, on="k"),
    "reduced twice": lambda rows, few: (
        (m := rows.merge(few, on="k"))["y_x"].max(),
        m["y_x"][m["k"] > 3].min(),
    ),
    "between times": lambda rows, few: [
        rows["t"][rows["t"].between(few["t"].min(), few["t"].max(), inclusive=i)]
        for i in ("both", "left", "right", "neither")
    ],
    "constants by condition": lambda rows, few: (
        rows["x"].where(rows["k"] > 3, 0.5),
        rows["x"].mask(rows["k"] > 3, -0.0),
        rows["k"].where(rows["x"] > 0, 7),
        rows["x"].where(rows["k"] > 3),
    ),
    "matches counted": lambda rows, few: (
        few.merge(rows[rows["y"] > 1], on="k", how="left").groupby("k")["y_y"].count()
    ),
    "first key unique": lambda rows, few: few.groupby(["y", "k", "s"], as_index=False)["x"].sum(),
}


@pytest.mark.parametrize("small", [0, 1 << 20])
@pytest.mark.parametrize("name", FROM_FILES)
def test_files(name: str, small: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = files(tmp_path)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", small)

    def script(pd: Any) -> Any:
        tables = [pd.read_parquet(folder / f"{n}.parquet") for n in ("rows", "few")]
        return FROM_FILES[name](*tables)

    assert_as_pandas(script)


def test_small_files_may_change(tmp_path: Path) -> None:
    folder = files(tmp_path)
    expected = pandas.read_parquet(folder / "few.parquet")
    few = pandas_dist.read_parquet(folder / "few.parquet")
    (folder / "few.parquet").unlink()
    assert_same(few[few["y"] > 0], expected[expected["y"] > 0])
    assert_same(few, expected)


@pytest.mark.parametrize("how", ["inner", "left", "right", "cross"])
def test_reductions_of_a_part_of_a_join(tmp_path: Path, how: Any) -> None:
    """Polars forgets the order of a join below a slice whose own order does not matter."""
    random = np.random.default_rng(0)
    rows, keys = 3000, random.permutation(1000)
    a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pandas.DataFrame({"k": random.integers(0, 1000, rows), "c": range(rows)}).to_parquet(a)
    pandas.DataFrame({"k": keys[:500], "r": range(500)}).to_parquet(b)

    def run(pd: Any) -> Any:
        left, right = pd.read_parquet(a), pd.read_parquet(b)
        on = {} if how == "cross" else {"on": "k"}
        if how == "cross":
            left, right = left.head(90), right.head(40)
        joined = left.merge(right, how=how, **on)
        found = left[left["k"].isin(right["k"])]
        parts = [joined.head(50), joined.iloc[7:400], joined.tail(30), found.head(60)]
        sums = [(p["c"].sum(), p["c"].max(), p.groupby("c").size().sum(), len(p)) for p in parts]
        return sums, joined.head(20)["r"].sum(), joined[joined["c"] > 3].index

    assert_as_pandas(run)
