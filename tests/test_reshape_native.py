"""Pivots, cross tables, dummies, windows and resampling against pandas, argument by argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist.config import options
from tests.strict import assert_as_pandas

ROWS = 400


@pytest.fixture(params=["polars", "dask"], autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[None]:
    with options.context(backend=request.param, fallback="error", partition_bytes=2000):
        yield


def data(pd: Any) -> Any:
    rng = np.random.default_rng(3)
    a = rng.choice(np.array(["x", "y", "z", None], dtype=object), ROWS)
    x = rng.normal(size=ROWS)
    x[::9] = np.nan
    return pd.DataFrame(
        {
            "a": a,
            "b": rng.choice(["q", "p", "r"], ROWS, p=[0.7, 0.29, 0.01]),
            "n": rng.integers(0, 9, ROWS),
            "k": rng.integers(0, 4, ROWS),
            "x": x,
            "f": rng.random(ROWS) < 0.4,
            "c": pandas.Categorical(rng.choice(["u", "v"], ROWS), categories=["v", "u", "w"]),
            "t": pandas.date_range("2024-01-01", periods=ROWS, freq="5h"),
        }
    )


def pivots(df: Any, **given: Any) -> Any:
    return df.pivot_table(**given)


CASES: dict[str, Callable[[Any, Any], Any]] = {
    "pivot": lambda pd, df: [
        pivots(df, index="a", columns="b", values="x"),
        pivots(df, index="b", columns=["a", "k"], values="n", aggfunc="sum", fill_value=0),
        pivots(df, index=["a", "k"], values=["n", "x"], aggfunc="max"),
        pivots(df, index="a", columns="f", values="x", aggfunc=["mean", "count"]),
        pivots(df, index="a", values=["n", "x"], aggfunc={"n": "sum", "x": ["min", "max"]}),
        pivots(df[["a", "n", "x"]], index="a"),
        pivots(df, columns="b", values="n", aggfunc="sum"),
        pivots(df, index="a", columns="b", values="x", sort=False),
        pivots(df, index="a", columns="b", values="n", aggfunc=len),
        pivots(df[df["n"] > 99], index="a", columns="b", values="x"),
    ],
    "pivot of missing keys": lambda pd, df: [
        pivots(df[["b", "n", "x"]].assign(m=df["x"] > 0), index="b", columns="m", dropna=False),
        pivots(df[["b", "k", "x"]], index="b", columns="k", values="x", dropna=False),
    ],
    "pivot of categories": lambda pd, df: [
        pivots(df, index="c", columns="b", values="x", observed=True),
        pivots(df, index="c", columns="b", values="n", observed=False, aggfunc="sum"),
    ],
    "pivot margins": lambda pd, df: pivots(df, index="a", columns="b", values="n", margins=True),
    "pivot function": lambda pd, df: pd.pivot_table(df, "x", ["a"], ["f"], aggfunc=np.max),
    "pivot and pivot back": lambda pd, df: (
        df.groupby(["k", "b"])["x"].sum().reset_index().pivot(index="k", columns="b", values="x")
    ),
    "crosstab": lambda pd, df: [
        pd.crosstab(df["a"], df["b"]),
        pd.crosstab(df["k"], [df["b"], df["f"]]),
        pd.crosstab(df["a"], df["b"], margins=True),
        pd.crosstab(df["a"], df["b"], normalize=True),
        pd.crosstab(df["a"], df["b"], normalize="index", margins=True),
        pd.crosstab(df["k"], df["b"], normalize="columns", margins=True),
        pd.crosstab(df["a"], df["b"], rownames=["first"], colnames=["second"]),
        pd.crosstab(df["a"], df["a"]),
        pd.crosstab(df["c"], df["b"]),
        pd.crosstab(df["a"], df["b"], dropna=False),
        pd.crosstab(df["a"], df["b"], values=df["x"], aggfunc="mean"),
        pd.crosstab(df["a"], df["x"] > 0),
        pd.crosstab(df["n"] > 99, df["b"]),
    ],
    "melt": lambda pd, df: [
        df.melt("b", ["n", "k"]),
        df[["n", "k"]].melt(var_name="v"),
        pd.melt(df, id_vars=["b", "k"], value_vars="x", value_name="w"),
    ],
    "dummies": lambda pd, df: [
        pd.get_dummies(df[["a", "n", "c", "x"]]),
        pd.get_dummies(df, columns=["b", "k"], drop_first=True, dtype=int),
        pd.get_dummies(df[["a", "b"]], prefix={"a": "A", "b": "B"}, prefix_sep="-"),
        pd.get_dummies(df["a"], dummy_na=True),
        pd.get_dummies(df[["n", "x"]]),
        pd.get_dummies(df[df["n"] > 3][["b", "n"]]),
        pd.get_dummies(df[["a", "n"]]).groupby("n").sum(),
    ],
    "bins": lambda pd, df: [
        pd.cut(df["x"], [-9, 0, 9]).value_counts(sort=False),
        pd.cut(df["x"], 3, labels=["l", "m", "h"]),
        pd.qcut(df["x"], 4, labels=False),
        pd.qcut(df["x"], 4, retbins=True),
        df.assign(band=pd.cut(df["n"], [0, 3, 9])).groupby("band", observed=False)["x"].mean(),
    ],
    "mode": lambda pd, df: [
        df["n"].mode(),
        df["a"].mode(),
        df["x"].mode().shape,
        df["a"].mode(dropna=False),
        df["f"].mode(),
        df["t"].mode().shape,
        df[df["n"] > 99]["n"].mode(),
        df[["a", "n"]].mode(),
    ],
    "rolling": lambda pd, df: [
        df["x"].rolling(5).mean(),
        df["x"].rolling(5, min_periods=1, center=True).sum(),
        df[["n", "x"]].rolling(3).std(),
        df.rolling(4)["x"].max(),
        df.rolling(4)[["n", "x"]].agg(["min", "sum"]),
        df["x"].rolling(3).apply(np.nansum, raw=True),
        df["x"].expanding().count(),
        df["n"].ewm(span=5).mean(),
        df[["n", "x"]].expanding(2).min(),
        df.rolling(3).n.sum(),
        df["x"].rolling(5, win_type="triang").mean() if _scipy() else 0,
        df["n"].rolling(3).corr(df["x"]),
        df.set_index("t")["x"].rolling("2D").count(),
        df.rolling("1D", on="t")["n"].sum(),
        len(list(df["n"].head(7).rolling(3))),
        repr(df["n"].rolling(3)),
        df.groupby("k")["x"].rolling(3).mean(),
    ],
    "rolling in a frame": lambda pd, df: df.assign(
        m=df["n"].rolling(3).mean(), d=df["n"] - df["n"].expanding().max()
    )[df["n"] > 3],
    "wrong windows": lambda pd, df: df["n"].rolling(-1),
    "windows of text": lambda pd, df: df["b"].rolling(3).mean(),
    "windows by days without dates": lambda pd, df: df["n"].rolling("2D"),
    "an absent column": lambda pd, df: df.rolling(3)["zz"],
    "resample": lambda pd, df: [
        df.resample("D", on="t")["n"].sum(),
        df.set_index("t")[["n", "x"]].resample("W").mean(),
        df.set_index("t")["x"].resample("2D").agg(["min", "max"]),
        df.set_index("t").resample("D")["x"].ohlc(),
        df.set_index("t")["n"].resample("12h").ffill(),
        df.resample("D", on="t").agg({"n": "sum", "x": "mean"}),
        df.groupby("k").resample("W", on="t")["n"].sum(),
    ],
    "resample without dates": lambda pd, df: df.resample("D"),
    "as of": lambda pd, df: [
        pd.merge_asof(df[["t", "n"]], df[["t", "x", "b"]].iloc[::7], on="t"),
        pd.merge_asof(
            df[["t", "b", "n"]],
            df[["t", "x", "b"]].iloc[1::3],
            on="t",
            by="b",
            direction="nearest",
            tolerance=pandas.Timedelta("1D"),
            allow_exact_matches=False,
        ),
        pd.merge_ordered(df[["n", "x"]].head(9), df[["n", "k"]].tail(9), on="n"),
    ],
    "unstacked groups": lambda pd, df: [
        df.groupby(["a", "b"])["x"].mean().unstack(),
        df.groupby(["k", "f"]).size().unstack(fill_value=0).T,
    ],
}


def _scipy() -> bool:
    try:
        import scipy.signal  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_as_pandas(name: str) -> None:
    assert_as_pandas(lambda pd: CASES[name](pd, data(pd)))


def test_only_needed_columns_are_read() -> None:
    df = data(pandas_dist)
    df["u"] = df["x"] + df["n"]
    for made in (df.rolling(3)["n"].sum(), df.resample("D", on="t")["n"].sum()):
        assert made.notna().any()
    plan = df.__dict__["_plan"]
    assert not plan.memo
