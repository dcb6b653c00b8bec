"""What Spark would answer otherwise than pandas, through the spark backend."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_ops import Script, scripts
from pyspark.errors import PySparkException
from spark_cluster import java
from strict import assert_as_pandas, assert_same, outcome
from test_polars_native import CASES as SHARED
from test_polars_native import data
from test_properties import compare, profile

import pandas_dist
from pandas_dist import report
from pandas_dist.backends.spark import pieces, scan, session
from pandas_dist.backends.spark.rows import Rows
from pandas_dist.config import options


@pytest.fixture(autouse=True)
def spark() -> Iterator[None]:
    with options.context(backend="spark", fallback="error"):
        yield


def odd_names(pd: Any) -> Any:
    frame = pd.DataFrame({"a.b": [3, 1, 2], "a`b": [1.5, np.nan, 2.5], "A": list("xyx"), 7: 1})
    frame["a"] = frame["a.b"] * frame["a`b"]
    return frame


CASES: dict[str, Callable[[Any], Any]] = {
    **SHARED,
    "names": lambda df: [
        odd_names(pd).sort_values(["A", "a.b"]).groupby(["A", "a.b"])["a`b"].sum()
        for pd in [pandas if type(df) is pandas.DataFrame else pandas_dist]
    ],
    "division by zeros": lambda df: [df["y"] / df["f"], df["x"] / df["f"], df["k"] / df["k"]],
    "every kind of median": lambda df: [
        df.groupby("k")["y"].median(),
        df.groupby("small")["n"].median(),
        df.groupby("s")["x"].median(),
    ],
    "replace of a dict": lambda df: [
        df["k"].replace({1: 2, 2: 1, 3: -1}),
        df["s"].replace({"ab": "ba", "": "empty"}),
        df["f"].replace({0.0: 9.0, 1.5: np.nan}),
    ],
    "map of a dict": lambda df: [
        df["s"].map({"ab": 1.5, "": -0.0, "ZOË": np.nan}),
        df["k"].map({n: n / 3 for n in range(0, 50, 3)}),
    ],
    "clip": lambda df: [df["x"].clip(-1, 2), df["y"].clip(lower=0.0), df["n"].clip(upper=5)],
    "masks": lambda df: [df["x"].where(df["y"] > 0), df["x"].mask(df["b"], df["y"])],
    "dates between": lambda df: df[df["t"].between("1960-06-01", "1961-01-01 07:30")].shape,
    "patterns": lambda df: df["s"].fillna("\r\n").str.contains("a.b|S"),
    "nanoseconds": lambda df: [
        (df["t"] + pandas.Timedelta(1, "ns")).max(),
        df[df["t"] > pandas.Timestamp("1960-02-01 00:00:00.000000001")]["t"].min(),
    ],
    "groups of times": lambda df: df.head(70).groupby("t")["k"].sum(),
    "outer joins": lambda df: [
        df.head(200)[[*on, "x"]].merge(df.iloc[80:300][[*on, "y", "small"]], on=on, how="outer")
        for on in (["t"], ["k", "s"], ["f"], ["b", "t"])
    ],
    "sorted from the end": lambda df: [
        df.sort_values(["s", "y"], ascending=[False, True], na_position="first").head(20),
        df.sort_values(["x", "k"], ascending=False).tail(5),
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_as_pandas(name: str) -> None:
    assert_as_pandas(lambda pd: CASES[name](data(pd)))


@pytest.mark.parametrize("name", [name for name in CASES if "objects" not in name])
def test_as_pandas_from_files(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_from(tmp_path, "part-{}.parquet", CASES[name], monkeypatch)


def test_files_with_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_from(tmp_path, "ü part+ {}'.parquet", lambda df: df[df["k"] > 20], monkeypatch)


def read_from(
    tmp_path: Path, pattern: str, case: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of several row groups, the larger ones later: Spark would start with those."""
    rows = data(pandas).drop(columns=["mixed", "c", "i"])
    for n, (start, stop) in enumerate([(0, 300), (300, 1500), (1500, 5000)]):
        part = rows.iloc[start:stop].reset_index(drop=True)
        part.to_parquet(tmp_path / pattern.format(n), row_group_size=700)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    with np.errstate(all="ignore"):
        expected = outcome(lambda: case(pandas.read_parquet(tmp_path)))
        got = outcome(lambda: case(pandas_dist.read_parquet(tmp_path)))
        assert_same(got, expected)


SPANS: list[Callable[[Any], Any]] = [
    lambda df: df[df["t"] >= "1910-01-01"],
    lambda df: df[(df["t"] > "1902-03-04 05:06:07") & (df["k"] > 5)]["k"],
    lambda df: df[df["t"].between("1899-12-31", "1901-02-03")].index,
    lambda df: df[(df["t"] < "1901") | (df["k"] == 3)].shape,
    lambda df: df[df["t"] == pandas.Timestamp("1899-12-31 12:00")].reset_index(),
    lambda df: df[df["t"] <= pandas.Timestamp("1900-01-09 00:00:00.000000001")]["t"].max(),
]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_skip_row_groups(unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = pandas.Series(pandas.date_range("1899-12-31", periods=4000, freq="36h"))
    times[::9] = pandas.NaT
    frame = pandas.DataFrame({"t": times.astype(f"M8[{unit}]"), "k": np.arange(4000) % 11})
    path = tmp_path / "times.parquet"
    frame.to_parquet(path, row_group_size=500)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    skipped: list[dict[str, list[str]]] = []
    told = scan.told
    monkeypatch.setattr(scan, "told", lambda node: skipped.append(told(node)) or skipped[-1])
    for case in SPANS:
        assert_same(case(pandas_dist.read_parquet(path)), case(pandas.read_parquet(path)))
    if unit == "us":
        assert any(skipped) and not all(skipped)


def test_groups_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after sums of few groups is done here."""
    path = tmp_path / "rows.parquet"
    data(pandas)[["k", "y", "s"]].to_parquet(path)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    collected: list[Any] = []
    collect = Rows.collect
    monkeypatch.setattr(Rows, "collect", lambda self: collected.append(self) or collect(self))

    def top(pd: Any) -> Any:
        sums = pd.read_parquet(path).groupby(["k", "s"], as_index=False)["y"].sum()
        return sums[sums["y"] > 0].sort_values("y").head(7)

    assert_same(top(pandas_dist), top(pandas))
    assert len(collected) == 1


@profile(40)
@given(scripts(), st.just(("spark", 10**6)))
def test_random_scripts(script: Script, engine: tuple[str, int]) -> None:
    compare(script, engine)


def test_a_chain_is_one_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.parquet"
    data(pandas)[["k", "x", "y", "t"]].to_parquet(path)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    df = pandas_dist.read_parquet(path)
    df["z"] = df["x"] * df["y"]
    small = pandas_dist.DataFrame({"k": range(0, 50, 2), "name": [f"n{i}" for i in range(25)]})
    before = report.counters.executions
    found = df[df["y"] > 0].merge(small, on="k").groupby("name")["z"].median()
    shown = str(found.dist.explain())
    assert "spark, native" in shown and "gathered" not in shown
    assert report.counters.executions == before
    assert len(found) == 25
    assert report.counters.executions == before + 1


NATIVE: dict[str, Callable[[Any], Any]] = {
    "median": lambda df: df.groupby("k").median(numeric_only=True),
    "median of groups of text": lambda df: df.groupby("s")["x"].median(),
    "replace": lambda df: df["k"].replace({1: 2, 2: 1, 3: -1}),
    "replace of a frame": lambda df: df[["k", "x"]].replace({1: 2, 7: 0}),
    "replace of text": lambda df: df["s"].replace({"ab": "ba", "": "empty"}),
    "replace by column": lambda df: df.replace({"k": {1: 2}, "s": {"ab": "x"}}),
}


@pytest.mark.parametrize("name", NATIVE)
def test_spark_sql_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas' kernels, in workers or here."""
    path = tmp_path / "rows.parquet"
    data(pandas)[["k", "x", "y", "s"]].to_parquet(path)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    found = NATIVE[name](pandas_dist.read_parquet(path))
    runs = [line for line in str(found.dist.explain()).splitlines() if "runs:" in line]
    assert len(runs) > 1 and all("spark, native" in line for line in runs), runs
    assert_same(found, NATIVE[name](pandas.read_parquet(path)))


def test_large_frames_and_reductions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a file, and by Spark's own aggregates."""
    monkeypatch.setattr("pandas_dist.backends.spark.local.LARGE_BYTES", 0)
    monkeypatch.setattr("pandas_dist.backends.spark.reduce.FEW_BYTES", 0)
    given, expected = data(pandas_dist), data(pandas)
    for column in ("x", "y", "n", "small", "k"):
        for name in ("sum", "mean", "min", "max", "std", "var", "count"):
            with np.errstate(all="ignore"):
                want = outcome(lambda c=column, m=name: getattr(expected[c], m)())
                got = outcome(lambda c=column, m=name: getattr(given[c], m)())
            assert_same(got, want)
    assert_same(given["s"].value_counts(), expected["s"].value_counts())
    assert_same(given["f"].unique(), expected["f"].unique())
    assert_same(given["t"].nunique(), expected["t"].nunique())


def test_too_little_memory_is_told() -> None:
    with pytest.raises(MemoryError, match=r"spark\.executor\.memory"), session.running():
        raise PySparkException("Job aborted: java.lang.OutOfMemoryError: Java heap space")
    assert len(data(pandas_dist).query("k > 7")) == len(data(pandas).query("k > 7"))


def test_a_python_worker_dies() -> None:
    """As when the system ends it because memory is short; the session goes on."""
    with pytest.raises(ConnectionError, match="Python worker"), session.running():
        pieces.mapped(os._exit, [137])
    assert len(data(pandas_dist).query("k > 7")) == len(data(pandas).query("k > 7"))


# -- sessions: each in a process of its own -------------------------------------------------------


COUNT = "import pandas_dist as pd; print(len(pd.DataFrame({'a': [1, 2]}).query('a > 1')))"


def script(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    conf = f"spark.master=local[2],spark.driver.extraJavaOptions={java()}"
    env = {**os.environ, "PANDAS_DIST_BACKEND": "spark", "PANDAS_DIST_SPARK_CONF": conf, **settings}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=180
    )


def test_a_session_of_the_script_stays_as_it_is() -> None:
    done = script(
        f"java = {java()!r}"
        + """
from pyspark.sql import SparkSession
spark = (
    SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.ansi.enabled", "true").config("spark.driver.host", "127.0.0.1")
    .config("spark.sql.session.timeZone", "Asia/Tokyo")
    .config("spark.driver.extraJavaOptions", java).getOrCreate()
)
before = {k: v for k, v in spark.conf.getAll.items()}
import pandas_dist as pd
df = pd.DataFrame({"a": [1, 0, 2**62], "t": pd.date_range("1890-01-01", periods=3)})
df = df[df["a"] >= 0]
print((df["a"] * 4).tolist(), (1 / df["a"]).tolist(), df["t"].dt.year.tolist())
assert {k: v for k, v in spark.conf.getAll.items()} == before
print(spark.range(3).count(), len(pd.DataFrame({"a": [1]}).query("a > 0")))
"""
    )
    assert done.stdout == "[4, 0, 0] [1.0, inf, 2.168404344971009e-19] [1890, 1890, 1890]\n3 1\n", (
        done.stderr
    )


def test_quiet() -> None:
    done = script(
        "import pandas_dist as pd\nprint(len(pd.DataFrame({'a': [1, 2]}).query('a > 1')))"
    )
    assert done.stdout == "1\n"
    # Java's own words about the modules that Spark asks for.
    assert [x for x in done.stderr.splitlines() if "incubator modules" not in x] == []


def test_settings_of_a_local_session() -> None:
    """A task may fill all memory with pages; where the user says how much, they are Spark's."""
    ours = session._of_this_machine("local[2]", {})
    names = "spark.driver.memory", "spark.buffer.pageSize"
    memory, page = (int(ours[name].removesuffix("m")) for name in names)
    assert memory <= page * 8192
    told = session._of_this_machine("local[2]", {"spark.driver.memory": "300g"})
    assert "spark.buffer.pageSize" not in told
    # Spark puts these before spark.driver.extraJavaOptions, and Java takes the last of two.
    assert ours["spark.driver.defaultJavaOptions"] == session.JAVA
    assert "spark.driver.defaultJavaOptions" not in session._of_this_machine("spark://a:1", {})


def test_without_java(tmp_path: Path) -> None:
    done = script(COUNT, JAVA_HOME=str(tmp_path))
    assert done.returncode == 1
    assert "RuntimeError: backend 'spark' needs Java 17 or newer" in done.stderr


def test_java_runs_out_of_memory() -> None:
    """The session is gone: the error says so, and the next operation has another one."""
    done = script(
        """
import pandas_dist as pd
from pandas_dist.backends.spark import session
df = pd.DataFrame({"a": [1, 2, 3]})
print(len(df.query("a > 1")))
try:
    with session.running() as spark:
        spark.range(2).selectExpr("length(repeat(CAST(id AS string), 2000000000))").collect()
except MemoryError as error:
    print(error)
print(len(df.query("a > 2")))
""",
        PANDAS_DIST_SPARK_CONF="spark.master=local[2],spark.driver.memory=480m,"
        f"spark.driver.extraJavaOptions={java()}",
    )
    assert done.returncode == 0, done.stderr
    before, told, after = done.stdout.splitlines()
    assert "spark.driver.memory" in told and "the next operation starts another" in told
    assert (before, after) == ("2", "1")


def test_interrupted_in_a_job() -> None:
    """pyspark cancels the job, which then fails: what the user sees is the interrupt."""
    df = pandas_dist.DataFrame({"x": np.arange(40_000)})
    df["x"][df["x"] > 3].sum()  # the session is there
    timer = threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(20):
                pairs = df.merge(df, how="cross")
                pairs[(pairs["x_x"] * pairs["x_y"]) % 7 == 3].groupby("x_x")["x_y"].max().sum()
    finally:
        timer.cancel()
        timer.join()
    assert df["x"][df["x"] > 3].sum() == sum(range(4, 40_000))
