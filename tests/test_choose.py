"""``PANDAS_DIST_BACKEND=auto``: which engine runs what, and when data come back to pandas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest

import pandas_dist as pd
from pandas_dist.config import options
from tests.strict import assert_same

ROWS = 40_000


@pytest.fixture(autouse=True)
def auto() -> Iterator[None]:
    with options.context(backend="auto", min_bytes=100_000, fallback="error"):
        yield


def numbers(module: object, rows: int = ROWS) -> pandas.DataFrame:
    data = {"k": np.arange(rows) % 7, "x": np.arange(rows) * 0.5}
    made: pandas.DataFrame = module.DataFrame(data)  # type: ignore[attr-defined]
    return made


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "sales.parquet")
    rng = np.random.default_rng(0)
    numbers(pandas, 400_000).assign(noise=rng.normal(size=400_000)).to_parquet(path)
    return path


SCRIPT = """
import sys
import pandas_dist as pd
df = pd.DataFrame({"k": [1, 2, 1], "x": [0.5, 1.5, 2.5], "s": ["a", "b", None]})
df["y"] = df["x"] * 2
df.groupby("k").sum(numeric_only=True)
df.merge(df, on="k").sort_values("x_x")
pd.concat([df, df]).drop_duplicates()
df["s"].str.upper()
found = {"polars", "dask", "pyspark", "ray"} & set(sys.modules)
assert not found, found
assert not df.dist.is_lazy
"""


def test_small_data_start_no_engine() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_groups_of_a_large_frame_in_memory() -> None:
    df = numbers(pd)
    groups = df.groupby("k")["x"].mean()
    assert_same(groups, numbers(pandas).groupby("k")["x"].mean())
    assert not df.dist.is_lazy  # it stays what it is


def test_data_changed_after_the_groups() -> None:
    got, expected = [], []
    for module, out in ((pd, got), (pandas, expected)):
        df = numbers(module)
        view = df["x"].to_numpy()
        groups = df.groupby("k")["x"].sum()
        if view.flags.writeable:
            view[:] = 0
        df.loc[0, "x"] = 1e9
        out += [groups, df["x"].sum()]
    assert_same(got, expected)


def test_objects_stay_in_pandas() -> None:
    df = numbers(pd).assign(s=pandas.Series(["a"] * ROWS, dtype=object))
    assert not df.groupby("k").size().dist.is_lazy


def test_pivot_of_a_large_frame_in_memory() -> None:
    df, plain = (numbers(module).assign(c=lambda d: d["k"] % 3) for module in (pd, pandas))
    expected = plain.pivot_table("x", "k", "c", aggfunc="sum")
    assert_same(df.pivot_table("x", "k", "c", aggfunc="sum"), expected)


def test_a_large_file_is_lazy_and_its_result_comes_back(file: str) -> None:
    df = pd.read_parquet(file)
    assert df.dist.is_lazy and df.dist.backend == "polars"
    result = df[df["x"] > 10].groupby("k").agg(total=("noise", "sum"), n=("x", "count"))
    assert result.dist.is_lazy
    plain = pandas.read_parquet(file)
    expected = plain[plain["x"] > 10].groupby("k").agg(total=("noise", "sum"), n=("x", "count"))
    assert_same(result, expected)
    assert not (result * 2).dist.is_lazy  # few rows, and they are here


def test_a_small_file_is_read_by_pandas(tmp_path: Path) -> None:
    path = str(tmp_path / "small.parquet")
    numbers(pandas, 100).to_parquet(path)
    assert not pd.read_parquet(path).dist.is_lazy


def test_no_to_and_fro(file: str) -> None:
    """Between a quarter of the threshold and the threshold things stay where they are."""
    df = pd.read_parquet(file)
    rows = 100_000 // 16 - 10  # two columns of 8 bytes: just below the threshold
    part = df[["k", "x"]].head(rows)
    len(part)
    repr(part)
    assert (part + 1).dist.is_lazy
    assert not numbers(pd, rows).groupby("k").sum().dist.is_lazy


def test_explain_says_why(file: str) -> None:
    text = str(pd.dist.explain(pd.read_parquet(file)))
    assert "DataFrame on polars" in text
    assert "chosen by auto: the inputs are about" in text
    narrow = pd.read_parquet(file, columns=["k"])
    with options.context(min_bytes="1GB"):
        assert "chosen by auto" in str(pd.dist.explain(narrow))
        assert narrow.dist.backend == "pandas"
        assert_same(narrow["k"].sum(), pandas.read_parquet(file)["k"].sum())


def test_a_frame_meets_a_large_file(file: str) -> None:
    for module in (pd, pandas):
        df = module.read_parquet(file)
        names = module.DataFrame({"k": range(7), "name": list("abcdefg")})
        joined = df.merge(names, on="k").groupby("name")["x"].max()
        if module is pd:
            got = joined
    assert_same(got, joined)
