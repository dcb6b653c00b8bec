"""Sorts on engines with many small partitions: pandas' order, ties included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import assert_same

import pandas_dist
from pandas_dist.config import options


@pytest.fixture(autouse=True, params=["dask", "polars"])
def many_partitions(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "polars":
        pytest.importorskip("polars")
    with options.context(backend=request.param, partition_bytes=2000, fallback="error"):
        yield


ROWS = 700


def data(pd: Any) -> Any:
    rng = np.random.default_rng(8)
    frame = plain.DataFrame(
        {
            "few": rng.integers(0, 4, ROWS),
            "many": rng.permutation(ROWS),
            "real": rng.integers(0, 90, ROWS) / 4.0,
            "text": rng.choice(list("abcde"), ROWS),
            "when": plain.to_datetime(rng.integers(0, 60, ROWS), unit="D"),
        }
    )
    frame.loc[::9, "real"] = np.nan
    frame.loc[::11, "text"] = None
    frame.loc[::13, "when"] = plain.NaT
    return pd.DataFrame(frame)


FIRST = [slice(0, 5), slice(3, 9), slice(0, 0), slice(0, 10_000)]
SLICES = [*FIRST, slice(-4, None), slice(-6, None, 2)]
KEYS: list[Any] = ["few", "many", "real", "text", "when", ["few", "text"], ["real", "when", "few"]]


@pytest.mark.parametrize("window", SLICES, ids=str)
@pytest.mark.parametrize("by", KEYS, ids=str)
def test_ends_of_a_sort(by: Any, window: slice) -> None:
    for kind in ("quicksort", "stable"):
        for ascending, na in ((True, "last"), (False, "first"), (False, "last")):
            given: Any = {"by": by, "kind": kind, "ascending": ascending, "na_position": na}
            ours, theirs = (data(pd).sort_values(**given).iloc[window] for pd in BOTH)
            assert_same(ours, theirs)
            ours, theirs = (
                data(pd).query("few != 2").sort_values(**given, ignore_index=True)[window]["many"]
                for pd in BOTH
            )
            assert_same(ours, theirs)


BOTH = (pandas_dist, plain)


def test_ends_of_sorted_series_and_chains() -> None:
    for pick in (
        lambda f: f["real"].sort_values(ascending=False).head(7),
        lambda f: f["text"].sort_values().tail(3),
        lambda f: f.sort_values("real").head(40).sort_values("few", kind="stable").head(4),
        lambda f: f.sort_values(["few", "many"]).head(30).groupby("text")["real"].sum(),
        lambda f: f.merge(f[["many"]].head(90), on="many", how="left").sort_values("real").head(3),
        lambda f: f.sort_values("many").head(3)["real"].sum(),
        lambda f: len(f.sort_values("many").head(3)),
    ):
        assert_same(*(pick(data(pd)) for pd in BOTH))
    ours, theirs = (data(pd).sort_values("few") for pd in BOTH)
    assert_same(ours.head(4), theirs.head(4))
    assert_same(ours, theirs)
    assert_same(ours.head(5), theirs.head(5))


def test_other_columns_do_not_move() -> None:
    options.backend = "dask"
    frame = pandas_dist.DataFrame(data(plain))
    assert "first or last rows of each of" in str(
        frame.sort_values("many", kind="stable").head(3).dist.explain()
    )
    assert "key gathered from" in str(frame.sort_values("many").head(3).dist.explain())


@pytest.mark.parametrize("ascending", [True, False])
def test_ties_of_text_from_files(ascending: bool, tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    rng = np.random.default_rng(1)
    frame = plain.DataFrame({"t": rng.choice(list("abc"), 200_000), "i": np.arange(200_000)})
    frame.loc[::7, "t"] = None
    frame.to_parquet(path, row_group_size=50_000)
    ours, theirs = (pd.read_parquet(path).sort_values("t", ascending=ascending) for pd in BOTH)
    assert_same(ours.head(10), theirs.head(10))
    assert_same(ours, theirs)
