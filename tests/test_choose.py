"""``PANDAS_DIST_BACKEND=auto``: which engine runs what, and when data come back to pandas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist as pd
from pandas_dist import report
from pandas_dist.config import options
from tests.strict import assert_same

ROWS = 80_000


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
df.to_csv(sys.argv[1])
pd.read_csv(sys.argv[1], index_col=0).pivot_table("x", "k", "s")
pd.to_datetime(["2024-01-01"])
pd.DataFrame({"a": pd.Series([1, 2])})
str(df), df.describe(), df.loc[0, "k"], df["s"].value_counts()
found = {"polars", "dask", "pyspark", "ray"} & set(sys.modules)
assert not found, found
found = {name for name in sys.modules if name.startswith(("pandas_dist.plan", "pandas_dist.back"))}
assert not found, found
assert not df.dist.is_lazy
"""


def test_small_data_start_no_engine(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path / "small.csv")]
    done = subprocess.run(command, capture_output=True)
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


def test_a_file_is_worth_an_engine_by_the_columns_that_are_read(file: str) -> None:
    with options.context(min_bytes=1_000_000):
        assert pd.read_parquet(file).dist.is_lazy  # 9.6 MB
        assert not pd.read_parquet(file, columns=["k"]).dist.is_lazy  # 3.2 MB
    with options.context(min_bytes=2_000_000):
        assert not pd.read_parquet(file).dist.is_lazy


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


# -- data in memory that go to an engine, one operation at a time ---------------------------------


def mixed(module: Any) -> Any:
    """Numbers, numbers with gaps, times and text."""
    rng = np.random.default_rng(0)
    data = {
        "k": rng.integers(0, 7, ROWS),
        "j": rng.integers(0, 3, ROWS),
        "x": rng.random(ROWS),
        "y": rng.normal(size=ROWS),
        "i": rng.integers(-5, 5, ROWS).astype("int32"),
        "w": np.array([f"w{n % 11}" for n in range(ROWS)], dtype=object),
        "t": pandas.Timestamp("2024-01-01") + pandas.to_timedelta(np.arange(ROWS) % 9999, "h"),
        "gap": np.where(rng.random(ROWS) < 0.1, np.nan, 1.5),
    }
    return module.DataFrame(data)


def named(module: Any, df: Any) -> Any:
    """A name and a number for some values of two columns."""
    part = df[["i", "k"]].drop_duplicates("k").head(5)
    return module.DataFrame({"i": part["i"], "k": part["k"], "name": "a"})


Use = Callable[[Any, Any], Any]
GOES: dict[str, tuple[str, Use]] = {
    "one": ("groupby.sum", lambda m, df: df.groupby("k")["x"].sum()),
    "attribute": ("groupby.mean", lambda m, df: df.groupby("k").x.mean()),
    "two keys": ("groupby.max", lambda m, df: df.groupby(["k", "j"])["x"].max()),
    "named columns": (
        "groupby.sum",
        lambda m, df: df[["k", "x", "i"]].rename_axis(columns="what").groupby("k").sum(),
    ),
    "named pivot": (
        "DataFrame.pivot_table",
        lambda m, df: df.rename_axis(columns="what").pivot_table(["x", "y"], "k", "j"),
    ),
    "several": ("groupby.min", lambda m, df: df.groupby("k")[["x", "gap"]].min()),
    "all": ("groupby.sum", lambda m, df: df[["k", "x", "y", "i"]].groupby("k").sum()),
    "unsorted": ("groupby.count", lambda m, df: df.groupby("k", sort=False)["gap"].count()),
    "no index": ("groupby.std", lambda m, df: df.groupby("k", as_index=False)["x"].std()),
    "times": ("groupby.first", lambda m, df: df.groupby("t")["i"].first()),
    "named": (
        "groupby.agg",
        lambda m, df: df.groupby("k").agg(a=("x", "sum"), n=("i", "count"), g=("gap", "max")),
    ),
    "dict": ("groupby.agg", lambda m, df: df.groupby("k").agg({"x": "sum", "gap": "mean"})),
    "list": ("groupby.agg", lambda m, df: df.groupby("k")["x"].agg(["sum", "mean"])),
    "pivot": ("DataFrame.pivot_table", lambda m, df: df.pivot_table("x", "k", "j", "sum")),
    "median": ("groupby.median", lambda m, df: df.groupby("k")["gap"].median()),
    "merge": ("DataFrame.merge", lambda m, df: df.merge(named(m, df), on="k")),
    "left merge": (
        "DataFrame.merge",
        lambda m, df: df.set_index("x").merge(named(m, df), on=["i", "k"], how="left"),
    ),
    "merge by numbers with gaps": (
        "DataFrame.merge",
        lambda m, df: df.merge(df[["gap", "w"]].iloc[[0, 5]], on="gap", suffixes=("", "2")),
    ),
    "sort": ("DataFrame.sort_values", lambda m, df: df.set_index("t").sort_values(["k", "y"])),
    "sort, missing first": (
        "DataFrame.sort_values",
        lambda m, df: df.sort_values(["gap", "i"], na_position="first", ascending=[False, True]),
    ),
    "sort, new index": (
        "DataFrame.sort_values",
        lambda m, df: df.sort_values(["gap", "t"], ascending=False, ignore_index=True),
    ),
    "rank": ("Series.rank", lambda m, df: df.set_index("t")["gap"].rank(pct=True)),
    "rank of integers": ("Series.rank", lambda m, df: df["k"].rank(method="min", ascending=False)),
    "largest": ("DataFrame.nlargest", lambda m, df: df.set_index("t").nlargest(7, "gap")),
    "most of all": ("DataFrame.nlargest", lambda m, df: df.nlargest(len(df) + 1, "gap")),
    "smallest times": ("DataFrame.nsmallest", lambda m, df: df.nsmallest(2, ["t"])),
    "contains": ("Series.str.contains", lambda m, df: df.set_index("y")["w"].str.contains("w1.")),
    "length": ("Series.str.len", lambda m, df: df["w"].str.len()),
    "month": ("Series.dt.month", lambda m, df: df[df["x"] > 0.3]["t"].dt.month),
}
STAYS: dict[str, Use] = {
    "function": lambda m, df: df.groupby("k")["x"].agg(lambda s: s.max()),
    "text": lambda m, df: df.groupby("w")["x"].sum(),
    "quantile": lambda m, df: df.groupby("k")["x"].quantile(0.3),
    "merge by text": lambda m, df: df.head(99).merge(df[["w", "x"]].tail(70_000), on="w"),
    "outer merge": lambda m, df: df.merge(named(m, df), on="k", how="outer"),
    "merge on the index": lambda m, df: df.merge(named(m, df), left_index=True, right_index=True),
    "sort by one": lambda m, df: df.sort_values("y"),
    "sort by a function": lambda m, df: df.sort_values(["k", "y"], key=lambda c: -c),
    "sort in place": lambda m, df: (df.sort_values(["k", "y"], inplace=True), df)[1],
    "largest of fewer": lambda m, df: df.set_index("t").head(20_000).nlargest(7, "gap"),
    "smallest": lambda m, df: df.nsmallest(n=3, columns=["i"], keep="last"),
    "all of the smallest": lambda m, df: df.head(20_000).nsmallest(3, "k", keep="all"),
    "largest, the last ones": lambda m, df: df.nlargest(7, "gap", keep="last"),
    "largest of none": lambda m, df: df.nlargest(0, "y"),
    "largest by two": lambda m, df: df.nlargest(5, ["k", "y"]),
    "rank of text": lambda m, df: df["w"].rank(),
    "rank of a frame": lambda m, df: df[["x", "y"]].rank(),
    "iterated": lambda m, df: [part["x"].sum() for _, part in df.groupby("k")],
    "applied": lambda m, df: df.groupby("k")["x"].apply(lambda s: s.iloc[0]),
    "own key": lambda m, df: df.groupby("k")["k"].sum(),
    "missing keys": lambda m, df: df.groupby("gap", dropna=False)["x"].sum(),
    "gaps in text": lambda m, df: df["w"].where(df["k"] > 1).str.contains("w1"),
    "gaps in times": lambda m, df: df["t"].where(df["k"] > 1).dt.year,
    "counts": lambda m, df: df["w"].value_counts(),
    "gaps in counts": lambda m, df: df["w"].where(df["k"] > 1, None).value_counts(normalize=True),
    "gaps as values": lambda m, df: df["w"].where(df["k"] > 1).value_counts(dropna=False),
    "mixed objects": lambda m, df: df["w"].where(df["k"] > 1, 7).value_counts(),
    "few years": lambda m, df: df["t"].head(20_000).dt.year,
    "margins": lambda m, df: df.pivot_table("x", "k", "j", "sum", margins=True),
    "group": lambda m, df: df.groupby("k").get_group(3).head(),
    "labelled": lambda m, df: df.set_flags(allows_duplicate_labels=False).groupby("k")["x"].sum(),
}


@pytest.mark.parametrize("what", GOES)
def test_operations_that_go_to_an_engine(what: str) -> None:
    name, use = GOES[what]
    report.counters.promotions.clear()
    got = use(pd, mixed(pd))
    assert [method for method, _ in report.counters.promotions] == [name]
    assert not got.dist.is_lazy
    assert_same(got, use(pandas, mixed(pandas)))


@pytest.mark.parametrize("what", STAYS)
def test_operations_that_stay(what: str) -> None:
    report.counters.promotions.clear()
    assert_same(STAYS[what](pd, mixed(pd)), STAYS[what](pandas, mixed(pandas)))
    assert not report.counters.promotions


@pytest.mark.parametrize(
    "wrong",
    [
        lambda df: df.groupby("zz"),
        lambda df: df.groupby("k")["zz"],
        lambda df: df.groupby("k").agg(a=("zz", "sum")),
        lambda df: df.groupby("k")["x"].sum(nothing=1),
        lambda df: df.pivot_table("zz", "k", "j"),
        lambda df: df.merge(df, on="zz"),
        lambda df: df.merge(df, on="k", nothing=1),
        lambda df: df.head(2000).merge(df, on="x", suffixes=("", "")),
        lambda df: df.sort_values(["k", "zz"]),
        lambda df: df.sort_values(["k", "x"], ascending=[True]),
        lambda df: df.rename_axis("k").sort_values(["k", "x"]),
        lambda df: df.sort_values(["k", "x"], inplace=0),
        lambda df: df.nlargest(3, "w"),
        lambda df: df.nlargest("3", "x"),
        lambda df: df.nlargest(3, "x", keep="some"),
        lambda df: df["x"].rank(method="none"),
        lambda df: df["x"].str,
        lambda df: df["w"].str.contains("("),
        lambda df: df["w"].head(5_000).str.contains("("),
        lambda df: df["w"].head(5_000).str.contains(1),
        lambda df: df["w"].head(5_000).str.startswith(1),
        lambda df: df["w"].head(5_000).str.len(1),
        lambda df: df["w"].value_counts(nothing=1),
    ],
)
def test_errors_are_those_of_pandas(wrong: Callable[[Any], Any]) -> None:
    found = []
    for module in (pandas, pd):
        with pytest.raises(Exception) as caught:
            wrong(mixed(module))
        found.append((type(caught.value), str(caught.value)))
    assert found[0] == found[1]


FEW: dict[str, Use] = {
    "contains": lambda m, s: s.str.contains("1"),
    "no pattern": lambda m, s: s.str.contains("w1.", regex=False),
    "pattern": lambda m, s: s.str.contains("w1."),
    "anything": lambda m, s: s.str.contains(""),
    "case": lambda m, s: s.str.contains("W1", case=False),
    "answer for missing": lambda m, s: s.str.contains("w1", na=True),
    "start": lambda m, s: s.str.startswith("w1"),
    "one of": lambda m, s: s.str.startswith(("w1", "w2")),
    "none of": lambda m, s: s.str.endswith(()),
    "end": lambda m, s: s.str.endswith("1"),
    "length": lambda m, s: s.str.len(),
    "gaps": lambda m, s: s.where(s.index % 3 > 0).str.contains("1"),
    "other objects": lambda m, s: s.where(s.index % 3 > 0, 7).str.len(),
    "categories": lambda m, s: s.astype("category").str.startswith("w1"),
    "strings": lambda m, s: s.astype("string").str.contains("1"),
    "labelled": lambda m, s: s.set_axis(s.index[::-1] * 2).rename("é").str.len(),
}


@pytest.mark.parametrize("what", FEW)
def test_text_of_fewer_rows_needs_no_engine(what: str) -> None:
    report.counters.promotions.clear()
    words = pandas.Series([f"w{n % 17}é😀"[: 2 + n % 4] for n in range(5_000)], dtype=object)
    assert_same(FEW[what](pd, pd.Series(words)), FEW[what](pandas, words))
    assert not report.counters.promotions


@pytest.mark.parametrize("name", ["mean", "std", "sum", "var"])
def test_numbers_are_added_as_pandas_adds_them(name: str) -> None:
    rng = np.random.default_rng(3)
    data = rng.normal(size=(40_001, 3)) * 10.0 ** np.array([0, 7, -7])
    data[rng.random(len(data)) < 0.1, 1] = np.nan
    frame = pandas.DataFrame(data, columns=["a", "b", "c"])
    whole = frame.copy()  # its columns are next to each other in memory
    whole.loc[5, "a"] = np.inf
    for one in (frame, whole, whole.iloc[7:], whole.iloc[::2], whole[["b"]], whole.iloc[:1]):
        ours = pd.DataFrame(one)
        for how in [{}, {"skipna": False}, {"axis": 1}, {"numeric_only": True}]:
            got, expected = getattr(ours, name)(**how), getattr(one, name)(**how)
            assert_same(got, expected)
            assert got.to_numpy().tobytes() == expected.to_numpy().tobytes()
        got, expected = getattr(ours["b"], name)(), getattr(one["b"], name)()
        assert type(got) is type(expected)
        assert got.tobytes() == expected.tobytes()


def replaced(df: Any) -> list[Any]:
    groups = df.groupby("k")
    out = [groups["x"].sum()]
    df["x"] = 1.5
    out.append(groups["x"].sum())
    df["k"] = 0
    return [*out, groups["x"].sum(), groups[["y"]].mean()]


def written(df: Any) -> list[Any]:
    groups, column = df.groupby("k"), df.groupby("k")["x"]
    out = [groups["x"].sum(), column.max()]
    df.loc[3, "k"] = 99
    df.loc[4, "x"] = 1e6
    return [*out, groups["x"].sum(), groups[["y"]].mean(), column.max()]


def written_first(df: Any) -> list[Any]:
    groups = df.groupby("k")
    df.loc[3, "k"] = 99
    out = [groups["x"].median(), groups["x"].sum()]
    df.loc[7, "k"] = 98
    return [*out, groups["x"].sum()]


def shortened(df: Any) -> list[Any]:
    groups = df.groupby("k")
    del df["y"]
    return [groups[["x"]].sum(), groups["x"].sum()]


def written_text(df: Any) -> list[Any]:
    words = df["w"]
    text = words.str
    df.loc[3, "w"] = None
    return [text.contains("w1"), text.len()]


@pytest.mark.parametrize("change", [replaced, written, written_first, shortened, written_text])
def test_changes_while_groups_are_held(change: Callable[[Any], Any]) -> None:
    assert_same(change(mixed(pd)), change(mixed(pandas)))


def test_the_report_says_why() -> None:
    report.counters.promotions.clear()
    mixed(pd).groupby("k")["x"].sum()
    text = str(pd.dist.report())
    assert "groupby.sum: on polars, the columns are 1.3 MB, 0.4 MB or more" in text


def test_the_columns_that_are_read_decide() -> None:
    report.counters.promotions.clear()
    with options.context(min_bytes=1_000_000):
        df = mixed(pd)
        assert df.memory_usage().sum() > 4_000_000
        df.groupby("k")["x"].sum()
    assert not report.counters.promotions
