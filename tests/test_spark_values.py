"""Columns that Spark holds as other types, and steps on them: native, and as pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist.backends import lowering
from pandas_dist.config import options
from tests.strict import assert_as_pandas, assert_same

ROWS = 60


@pytest.fixture(autouse=True)
def spark() -> Iterator[None]:
    with options.context(backend="spark", fallback="error"):
        yield


def data(pd: Any) -> Any:
    rng = np.random.default_rng(3)
    text = np.array(["a", "b", "c", "dé", "e"], dtype=object)[rng.integers(0, 5, ROWS)]
    none, nan, mixed = text.copy(), text.copy(), text.copy()
    none[::7], nan[::5] = None, np.nan
    mixed[::3], mixed[::4], mixed[[1, 2, 5]] = 1.5, None, [np.nan, pandas.NaT, pandas.NA]
    x = rng.normal(size=ROWS)
    x[::6], x[[3, 4, 7, 8]] = np.nan, [np.inf, -np.inf, -0.0, 0.0]
    when = pandas.Series(pandas.date_range("2023-01-01", periods=ROWS, freq="7h"))
    when = when.sample(frac=1, random_state=1, ignore_index=True)
    when[::9] = pandas.NaT
    holes = np.arange(ROWS) % 4 == 0
    return pd.DataFrame(
        {
            "text": text,
            "none": none,
            "nan": nan,
            "mixed": mixed,
            "x": x,
            "g": rng.integers(0, 4, ROWS),
            "n": rng.integers(-50, 50, ROWS),
            "big": rng.integers(-(2**62), 2**62, ROWS),
            "u8": rng.integers(0, 256, ROWS).astype("uint8"),
            "v8": rng.integers(0, 256, ROWS).astype("uint8"),
            "u16": rng.integers(0, 2**16, ROWS).astype("uint16"),
            "u32": rng.integers(0, 2**32, ROWS).astype("uint32"),
            "u64": rng.integers(0, 2**64, ROWS, dtype="uint64"),
            "i8": rng.integers(-128, 128, ROWS).astype("int8"),
            "b": rng.random(ROWS) < 0.5,
            "when": when,
            "zoned": when.dt.tz_localize("UTC").dt.tz_convert("Europe/Paris"),
            "day": when.dt.to_period("D"),
            "whole": pandas.array(np.where(holes, None, np.arange(ROWS) % 7), dtype="Int64"),
            "flag": pandas.array(np.where(holes, None, np.arange(ROWS) % 3 == 0), dtype="boolean"),
            "string": pandas.array(np.where(holes, None, text), dtype="string"),
            "real": pandas.array(np.where(holes, None, np.arange(ROWS) / 3), dtype="Float64"),
            "c": pandas.Categorical(none, categories=["e", "c", "a", "b", "dé", "no"]),
            "span": pandas.cut(rng.normal(size=ROWS), [-9, -1, 0, 1, 9]),
            "key": np.arange(ROWS)[::-1],
        }
    )


def ranks(rows: Any, names: list[str]) -> list[Any]:
    ways = [("keep", False), ("top", False), ("bottom", False), ("keep", True)]
    return [
        rows[name].rank(method=method, ascending=up, na_option=option, pct=pct)
        for name in names
        for method in ("average", "min", "max", "first")
        for up in (True, False)
        for option, pct in ways
        if (method, option) in (("first", "keep"), ("average", option), ("min", "keep"))
    ]


WINDOWS = [slice(*ends) for ends in [(None, None, -1), (None, None, -3), (10, 2, -2), (2, 10, 3)]]
ENDS = [slice(-5, None), slice(None, -5), slice(-9, -2), slice(-1, None, -7), slice(99, None, 2)]

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "unsigned arithmetic": lambda pd, df: [
        *(df["u8"] + df["v8"], df["u8"] - df["v8"], df["u8"] * df["v8"], df["u8"] * 7),
        *(200 - df["u8"], df["u32"] * df["u32"], df["u32"] - df["u16"], df["u8"] + df["b"]),
        *(df["u8"] / 2, df["u8"] / df["v8"], df["u8"] + df["n"], df["u8"] * 1.5, -df["u8"]),
        *(df["u8"] // 3, df["u8"] % 7, df["u8"] & 3, ~df["u8"], df["u8"] + df["i8"]),
    ],
    "unsigned comparisons": lambda pd, df: [
        *(df["u8"] > 100, df["u8"] == 300, df["u8"] > -1, df["u8"] < 12.5, df["u8"] < df["v8"]),
        *(df["u8"] == df["u16"], df["u8"] > df["n"], df["u32"] >= 2**31, df["u8"].between(3, 99)),
        *(df["u8"].isin([1, 2, 300, -1]), df[df["u8"] > 100]["u8"].max(), df["u8"].clip(3, 9)),
    ],
    "unsigned groups": lambda pd, df: [
        df.groupby("g")["u8"].agg(["min", "max", "mean", "count", "nunique", "first", "std"]),
        df.groupby("u8")["n"].sum(),
        df.drop_duplicates("u8"),
        df.sort_values(["u8", "key"]),
        df.head(5).merge(df[["u8", "u16"]].head(2), on="u8", how="left"),
    ],
    "casts": lambda pd, df: [
        *(df["u8"].astype("int8"), df["n"].astype("uint8"), df["big"].astype("int16")),
        *(df["n"].astype(str), df["b"].astype(str), df["u8"].astype(str), df["x"].astype(str)),
        *(df["none"].astype(str), df["nan"].astype(str), df["x"].astype(bool)),
        *(df["n"].astype("Int64"), df["n"].astype("string"), df["b"].astype("boolean")),
    ],
    "masked text": lambda pd, df: [
        *(df["none"].where(df["b"], "zz"), df["nan"].mask(df["b"]), df["text"].mask(df["b"])),
        *(df["none"].fillna(df["nan"]), df["nan"].fillna(df["none"])),
        *(df["none"].mask(df["b"], "it's \\ \n"), df["none"].str.extract("([ab])")),
        *(df["nan"].str.extract("([ab])", expand=False), df["nan"].str.get(1)),
    ],
    "names of times": lambda pd, df: [
        *(df["when"].dt.day_name(), df["when"].dt.month_name(), df["when"].dt.isocalendar()),
        *(df["when"].dt.to_period("M"), df["zoned"].dt.hour, df["zoned"].dt.day_name()),
        df.groupby(df["when"].dt.to_period("M"))["n"].sum(),
        df[df["zoned"] > pandas.Timestamp("2023-01-05", tz="UTC")]["n"],
        *(df.groupby("zoned")["n"].sum(), df.groupby("g")["zoned"].agg(["min", "first"])),
        *(df.sort_values(["day", "key"]), df["day"].isna(), df["zoned"].shift(2)),
        *(df["when"].shift(), df["zoned"].ffill(), df["when"].rank(), df["when"].cummax()),
    ],
    "shifts": lambda pd, df: [
        *(df["text"].shift(), df["none"].shift(), df["text"].shift(2, fill_value="q")),
        *(df["n"].shift(fill_value=0), df["u8"].shift(), df["i8"].shift(-1), df["n"].shift(100)),
        *(df.groupby("g")["text"].shift(), df.groupby("g")["nan"].shift()),
        *(df.groupby("none")["n"].shift(), df.groupby("g")["u8"].shift()),
        *(df.groupby("g")["n"].shift(fill_value=-1), df.groupby("g")["n"].diff()),
    ],
    "fills": lambda pd, df: [
        *(df["x"].ffill(limit=1), df["x"].bfill(limit=2), df["none"].ffill(), df["none"].bfill()),
        *(df.groupby("g")["x"].ffill(limit=1), df.groupby("g")["when"].ffill()),
        df.groupby("g")["none"].ffill(),
    ],
    "cumulative": lambda pd, df: [
        *(df["n"].cumsum(), df["big"].cumsum(), df["b"].cumsum(), df["i8"].cumsum()),
        *(df["u8"].cummax(), df["i8"].cummin(), df["x"].cummax(), df["when"].cummin()),
        *(df.groupby("g")["b"].cumsum(), df.groupby("g")["u8"].cummin()),
        *(df.groupby("g").cumcount(), df.groupby("g").cumcount(ascending=False)),
    ],
    "ranks": lambda pd, df: ranks(df, ["x", "none"]),
    "ranks of groups": lambda pd, df: ranks(df.groupby("g"), ["x"]),
    "transforms": lambda pd, df: [
        *(df.groupby("g")["x"].transform(f) for f in ("median", "max", "count", "size")),
        *(df.groupby("g")["mixed"].transform("count"), df.groupby("none")["n"].transform("median")),
    ],
    "slices": lambda pd, df: [
        *(rows.iloc[s] for rows in (df[["n", "text"]], df["n"]) for s in WINDOWS + ENDS),
        *(df[df["b"]].iloc[::2], df.sort_values(["g", "key"]).iloc[::-1]["n"]),
        *(df.iloc[::-1].groupby("g")["n"].first(), df.iloc[::-1].drop_duplicates("g")),
        *(pd.concat([df.iloc[::-1][["n", "text"]], df[["n", "text"]]]), df["n"][::-1].cumsum()),
    ],
    "unique keys": lambda pd, df: [df.sort_values("key"), df.sort_values("key").head(3)],
    "columns outside": lambda pd, df: [
        *(df.isna(), df.isna().sum(), df.count(), df[df["mixed"].notna()], df.dropna()),
        *(df.groupby("g")[["mixed", "real", "span", "u64"]].count(), df.isna().any(axis=1)),
        df.head(9).merge(df[["key", "mixed", "span"]].iloc[50:53], on="key", how="left"),
    ],
    "nullable columns": lambda pd, df: [
        *(df.groupby(k)["n"].sum() for k in ("whole", "flag")),
        *(df.groupby("string", dropna=False)["n"].sum(), df.sort_values(["whole", "key"])),
        *(df.drop_duplicates(["whole", "flag"]), df.groupby("g")[["whole", "string"]].first()),
        df.merge(df[["whole", "n"]].drop_duplicates("whole"), on="whole", how="left"),
        df.head(4).merge(df[["key", "whole", "string", "c"]].tail(2), on="key", how="left"),
    ],
    "categories": lambda pd, df: [
        *(df["c"] == "a", df["c"] != "zz", df["c"].isin(["a", "e"]), df["c"].isin(["a", None])),
        *(df.groupby("c", observed=False)["n"].agg(["sum", "count", "mean"]),),
        *(df.groupby("g")["c"].first(), df.groupby("g")["c"].nunique()),
        *(df.merge(df[["c", "n"]].drop_duplicates("c"), on="c"), pd.concat([df, df.head(3)])["c"]),
        *(df["c"].where(df["b"], "e"), df["c"].str.upper(), df["c"].cat.codes),
    ],
    "indicators": lambda pd, df: [
        df.merge(df[["key", "n"]].head(7), on="key", how=how, indicator=True)
        for how in ("left", "right", "outer", "inner")
    ],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_native_and_as_pandas(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step takes all rows to pandas."""
    by_kernel = lowering.Lowering.by_kernel

    def checked(self: Any, node: Any, need: Any) -> Any:
        assert self.how.get(id(node)) != lowering.GATHERED, (type(node).__name__, node.fields)
        return by_kernel(self, node, need)

    monkeypatch.setattr(lowering.Lowering, "by_kernel", checked)
    assert_as_pandas(lambda pd: CASES[name](pd, data(pd)))


ODD: dict[str, Callable[[Any, Any], Any]] = {
    "unsigned": lambda pd, df: [df["u64"] + 1, df["u64"] > 2**63, df.groupby("g")["u8"].sum()],
    "groups of no rows": lambda pd, df: [
        df.groupby("c", observed=False, sort=False)["n"].sum(),
        df.groupby("c", observed=False, dropna=False)["n"].sum(),
        df.groupby(["c", "span"], observed=False)["n"].sum(),
    ],
    "two kinds of missing text": lambda pd, df: [
        *(df["none"].mask(df["b"]), df["none"].mask(df["b"], df["nan"]), df["nan"].shift()),
        *(df["none"].str.extract("([ab])", expand=False), df.groupby("g")["none"].shift()),
    ],
    "outer joins": lambda pd, df: [
        df[["n", k]].merge(df[["key", k]].drop_duplicates(k).head(3), on=k, how="outer")
        for k in ("c", "zoned", "day", "whole", "string")
    ],
    "differences of times": lambda pd, df: [df["when"].diff(), df["zoned"].diff()],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD)
def test_by_pandas_where_spark_differs(name: str) -> None:
    with options.context(fallback="silent"):
        assert_as_pandas(lambda pd: ODD[name](pd, data(pd)))


def test_small_steps_run_twice_at_most() -> None:
    """The second execution keeps the rows of the step; nothing below it runs again."""

    def joined(pd: Any) -> Any:
        sales = pd.DataFrame({"k": np.arange(40) % 4, "x": np.arange(40.0)})
        rows = sales.merge(pd.DataFrame({"k": range(4), "w": list("abcd")}), on="k")
        rows["above"] = rows["x"] > 5
        return rows

    rows, expected = joined(pandas_dist), joined(pandas)
    for _ in range(2):
        assert_same(rows["x"].max(), expected["x"].max())
        assert_same(rows["w"].value_counts(), expected["w"].value_counts())
    text = str(rows.assign(y=rows["x"] * 2).groupby("w")["y"].sum().dist.explain())
    assert "not again: kept in memory" in text, text
    assert_same(rows, expected)
