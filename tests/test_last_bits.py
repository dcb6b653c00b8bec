"""Sums of few rows are those of pandas to the last bit: rounding would show a difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as plain
import pytest

import pandas_dist as pd
from pandas_dist.config import options


def prices(pd: Any) -> Any:
    random = np.random.default_rng(0)
    rows = 5000
    return pd.DataFrame(
        {
            "shop": random.integers(0, 20, rows),
            "kind": random.choice(list("abc"), rows),
            "price": random.gamma(2, 200, rows).round(2),
            "count": random.integers(0, 99, rows),
        }
    )


def joined(pd: Any) -> Any:
    return prices(pd).merge(pd.DataFrame({"shop": range(20), "rent": np.arange(20) / 7}), on="shop")


SUMS: dict[str, Callable[[Any], Any]] = {
    "groups": lambda pd: prices(pd).groupby("shop")["price"].sum(),
    "means": lambda pd: prices(pd).groupby(["shop", "kind"])["price"].mean(),
    "unsorted": lambda pd: prices(pd).groupby("kind", sort=False)["price"].mean(),
    "spread": lambda pd: prices(pd).groupby("kind")[["price", "count"]].std(),
    "transform": lambda pd: prices(pd).groupby("shop")["price"].transform("mean"),
    "running": lambda pd: prices(pd).groupby("shop")["price"].cumsum(),
    "pivot": lambda pd: prices(pd).pivot_table(index="shop", columns="kind", values="price"),
    "filtered": lambda pd: prices(pd).query("price > 100").groupby("shop")["price"].mean(),
    "joined": lambda pd: (
        joined(pd).groupby("kind").agg(a=("price", "sum"), b=("rent", "mean"), c=("count", "var"))
    ),
    "missing": lambda pd: (
        prices(pd)
        .assign(price=lambda d: d["price"].where(d["count"] > 30) - 399.9)[["price", "count"]]
        .agg(["mean", "std", "var"])
    ),
    "whole": lambda pd: prices(pd)[["price", "count"]].query("price > 9").var(),
    "column": lambda pd: joined(pd)[["price", "rent"]].agg(["sum", "mean", "std"]),
}


@pytest.mark.parametrize("backend", ["auto", "polars", "dask", "spark"])
@pytest.mark.parametrize("name", SUMS)
def test_as_pandas_adds(name: str, backend: str) -> None:
    want = SUMS[name](plain)
    with options.context(backend=backend):
        got = SUMS[name](pd)
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want))
