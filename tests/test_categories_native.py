"""Categories and times of a zone: held by engines as what they are, against pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist.config import options
from tests.strict import assert_as_pandas, assert_same

ROWS = 500


@pytest.fixture(params=["polars", "dask", "spark"], autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    with options.context(backend=request.param, fallback="error", partition_bytes=3000):
        yield request.param


def data(pd: Any) -> Any:
    rng = np.random.default_rng(1)

    def category(labels: list[Any], first: int, ordered: bool = False) -> Any:
        codes = rng.integers(first, len(labels) - 1, ROWS)  # the last one does not occur
        return pandas.Categorical.from_codes(codes, categories=labels, ordered=ordered)

    when = pandas.Series(pandas.date_range("2024-03-30", periods=ROWS, freq="37min", tz="CET"))
    when[::11] = pandas.NaT
    x = rng.normal(size=ROWS)
    x[::7] = np.nan
    return pd.DataFrame(
        {
            "c": category(["z", "v", "u", "w"], 0),
            "o": category(["low", "mid", "high", "top"], -1, ordered=True),
            "i": category([10, 5, 7], -1),
            "t": when.sample(frac=1, random_state=2, ignore_index=True),
            "x": x,
            "n": rng.integers(0, 9, ROWS),
            "b": rng.random(ROWS) < 0.3,
            "s": rng.choice(["a", "b", "c"], ROWS),
        }
    )


def grouped(df: Any, by: Any, observed: bool, **given: Any) -> Any:
    return df.groupby(by, observed=observed, **given)


PARIS = pandas.Timestamp("2024-04-03", tz="Europe/Paris")

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "equality": lambda pd, df: [
        *(df["c"] == "u", df["c"] == "nope", df["c"] != "nope"),
        *(df["o"] != "mid", ~(df["o"] == "low"), df["i"] == 5, df["i"] != 5, df["i"] == 99),
    ],
    "filters": lambda pd, df: [
        df[df["c"] == "u"],
        df[(df["o"] != "low") & (df["i"] == 7)],
        df[df["c"].isin(["u", "q"])]["n"].sum(),
        df[df["o"].isin([])],
        df[df["t"] < PARIS]["n"].sum(),
    ],
    "membership": lambda pd, df: [
        *(df["c"].isin(["u", "z"]), df["o"].isin(["low", None]), df["c"].isin({"v"})),
        *(df["i"].isin([5, 10]), df["i"].isin({5}), df["c"].isin(["q"]), df["i"].isin([5.0])),
    ],
    "missing": lambda pd, df: [df["o"].isna(), df["c"].notna(), df.isna().sum(), df["t"].isna()],
    "observed groups": lambda pd, df: [
        grouped(df, "c", True)["x"].sum(),
        grouped(df, "o", True)[["x", "n"]].mean(),
        grouped(df, ["c", "o"], True)["n"].sum(),
        grouped(df, ["o", "s"], True)["x"].max(),
        grouped(df, "i", True).agg(a=("x", "mean"), b=("n", "sum"), c=("s", "nunique")),
        grouped(df, "c", True, as_index=False)["n"].min(),
    ],
    "groups of all categories": lambda pd, df: [
        grouped(df, "c", False)["x"].sum(),
        grouped(df, "o", False)[["x", "n"]].mean(),
        grouped(df, "c", False)["n"].sum(),
        grouped(df, "c", False)["n"].max(),
        grouped(df, "c", False).size(),
        grouped(df, "c", False)["x"].agg(["mean", "std", "count", "nunique", "min", "first"]),
        grouped(df, "c", False)["s"].first(),
        grouped(df, "c", False)["b"].any(),
        grouped(df, "o", False)["c"].count(),
        grouped(df, ["c", "o"], False)["x"].sum(),
        grouped(df, "c", False, as_index=False)["x"].median(),
        grouped(df[df["n"] > 99], "c", False)["x"].sum(),
    ],
    "sorting": lambda pd, df: [
        df.sort_values("o"),
        df.sort_values(["c", "n"], ascending=[False, True]),
        df.sort_values("o", na_position="first", kind="stable"),
        df.sort_values(["t", "o"]),
        df["o"].sort_values(),
        df["c"].sort_values(ascending=False),
        df.sort_values("t"),
    ],
    "duplicates": lambda pd, df: [
        df.drop_duplicates("o"),
        df.drop_duplicates(["c", "o"], keep="last"),
        df[["c", "i"]].drop_duplicates(),
        df.drop_duplicates("t"),
    ],
    "times of a zone": lambda pd, df: [
        *(df["t"] >= "2024-04-02", df["t"] == pandas.Timestamp("2024-04-01", tz="UTC")),
        *(df["t"].dt.hour, df["t"].dt.floor("D"), df["t"].dt.date, df["t"].dt.tz_convert("UTC")),
        *(df["t"].min(), df["t"].nunique(), df.groupby("s")["t"].max()),
        df.groupby("t")["n"].sum(),
        df.assign(d=df["t"].dt.normalize()).groupby("d")["x"].mean(),
        df[["t", "n"]].merge(df[["t", "x"]], on="t"),
    ],
    "a time without a zone": lambda pd, df: df["t"] >= pandas.Timestamp("2024-04-02"),
    "no time": lambda pd, df: df["t"] >= "yesterday's",
    "not in order": lambda pd, df: df["c"] > "u",
    "counts": lambda pd, df: [
        *(df["c"].value_counts(), df["o"].value_counts(dropna=False), df["c"].unique()),
        *(df["o"].nunique(), df["c"].cat.codes, df["c"].astype(str)),
    ],
    "windows": lambda pd, df: [
        grouped(df, "c", True)["n"].cumsum(),
        grouped(df, "o", True)["x"].shift(),
        grouped(df, "c", False)["x"].transform("mean"),
        df["o"].shift(),
    ],
    "joins": lambda pd, df: [
        df.head(50).merge(df.tail(9)[["c", "n"]], on="c"),
        df.head(50).merge(df[["o", "x"]].drop_duplicates("o"), on="o", how="left"),
        df.head(20).merge(df.tail(9)[["n", "o", "t"]], on="n", how="left"),
    ],
    "one after the other": lambda pd, df: [
        pd.concat([df, df.head(3)]),
        grouped(pd.concat([df[["c", "n"]], df[["c", "n"]]]), "c", True)["n"].sum(),
        pd.concat([df["c"], df["o"].head(4)]),
    ],
    "values": lambda pd, df: [
        *(df["o"].fillna("low"), df["o"].where(df["n"] > 3), df["c"].map({"u": 1, "v": 2})),
        *(df["x"].where(df["c"] == "u", 0), df.set_index("c")["n"].head()),
    ],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_as_pandas(name: str) -> None:
    assert_as_pandas(lambda pd: CASES[name](pd, data(pd)))


NATIVE: dict[str, Callable[[Any], Any]] = {
    "filter": lambda df: df[(df["c"] == "u") & df["o"].isin(["low", "mid"])],
    "missing": lambda df: df[df["o"].notna()],
    "groups": lambda df: df.groupby(["c", "s"], observed=True)["n"].sum(),
    "all groups": lambda df: df.groupby("c", observed=False)["n"].sum(),
    "sort": lambda df: df.sort_values(["o", "n"]),
    "duplicates": lambda df: df.drop_duplicates(["c", "t"]),
    "groups of times": lambda df: df.groupby("t")["n"].sum(),
}


@pytest.mark.parametrize("name", NATIVE)
def test_the_engine_computes_it(name: str, engine: str) -> None:
    if engine == "dask":
        pytest.skip("its partitions are pandas frames")
    text = str(NATIVE[name](data(pandas_dist)).dist.explain())
    assert "gathered" not in text, text


def test_times_of_a_zone_are_read_by_polars(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "times.parquet"
    plain = data(pandas)[["t", "n", "s"]]
    plain["u"] = plain["t"].dt.tz_convert("UTC")
    plain["fixed"] = plain["t"].dt.tz_convert("+02:00")
    plain.to_parquet(path, row_group_size=90)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
        df = pandas_dist.read_parquet(path)
    want = pandas.read_parquet(path)
    late = df[df["u"] > PARIS]
    if engine == "polars":
        assert "read by pyarrow" not in str(late[["t", "u", "n"]].dist.explain())
    assert_same(late, want[want["u"] > PARIS])
    assert_same(df.groupby("t")["n"].sum(), want.groupby("t")["n"].sum())
    assert_same(df.sort_values(["fixed", "n"]), want.sort_values(["fixed", "n"]))
