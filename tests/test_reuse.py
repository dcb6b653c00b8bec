"""A step that several executions have in common runs twice at most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pytest

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.plan import reuse
from tests.strict import assert_same

ROWS = 60_000


@pytest.fixture(params=["polars", "dask"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(reuse, "LEAST_BYTES", 1000)
    monkeypatch.setattr("pandas_dist.plan.execute.SMALL_BYTES", 0)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    with options.context(backend=request.param, fallback="error", partition_bytes=200_000):
        yield request.param


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "sales.parquet"
    data = {"k": rng.integers(0, 999, ROWS), "x": rng.normal(size=ROWS), "y": np.arange(ROWS)}
    pandas.DataFrame(data).to_parquet(path)
    return path


def joined(module: object, path: Path) -> pandas.DataFrame:
    sales = module.read_parquet(path)  # type: ignore[attr-defined]
    keys = module.DataFrame({"k": range(0, 999, 3), "w": range(333)})  # type: ignore[attr-defined]
    return sales[sales["x"] > 0].merge(keys, on="k")


def test_a_join_is_kept_at_its_second_use(backend: str, file: Path) -> None:
    rows = joined(pd, file)
    expected = joined(pandas, file)
    assert np.isclose(rows["x"].sum(), expected["x"].sum())
    assert "kept on" not in str((rows["x"] * 2).dist.explain())
    assert np.isclose(rows["x"].mean(), expected["x"].mean())
    assert f"not again: kept on {backend}" in str((rows["x"] * 2).dist.explain())
    file.unlink()  # nothing below the join is read any more
    assert_same(rows["x"].max(), expected["x"].max())
    assert_same((rows["x"] > 1).sum(), (expected["x"] > 1).sum())


def test_few_joined_rows_are_kept_at_their_first_reduction(
    backend: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reuse, "LEAST_BYTES", 1e6)
    rows, expected = joined(pd, file), joined(pandas, file)
    large, large_expected = (r["x"][r["w"] > 100] for r in (rows, expected))
    assert np.isclose(large.sum(), large_expected.sum())
    if backend == "polars":
        file.unlink()  # nothing below the join is read any more
    assert np.isclose(rows["x"].sum(), expected["x"].sum())
    assert_same(rows["w"].max(), expected["w"].max())


def test_other_columns_are_computed_again(backend: str, file: Path) -> None:
    rows, expected = joined(pd, file), joined(pandas, file)
    for _ in range(3):
        assert_same(rows["x"].max(), expected["x"].max())
    assert_same(rows["y"].max(), expected["y"].max())
    assert_same(rows.groupby("w")["y"].sum(), expected.groupby("w")["y"].sum())
    assert_same(rows, expected)


def test_large_steps_are_not_kept(
    backend: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reuse, "KEPT_BYTES", 1000)
    rows = joined(pd, file)
    for _ in range(3):
        rows["x"].max()
    assert "kept on" not in str((rows["x"] * 2).dist.explain())


def test_persisted_rows_of_which_no_column_is_needed(backend: str) -> None:
    def missing(module: object, hold: bool) -> object:
        frame = module.DataFrame({"a": [3, 1, 2, 5], "b": [1.0, 2.0, np.nan, 3.0]})  # type: ignore[attr-defined]
        kept = frame[frame["a"] > 1]
        kept = kept.dist.persist() if hold else kept.copy()
        more = module.Series([1.0, np.nan, 2.0], index=kept.index)  # type: ignore[attr-defined]
        kept = kept.assign(z=kept["b"].interpolate(), y=more)
        return kept["z"].isna().sum(), kept["y"].isna().sum()

    with options.context(fallback="silent"):
        assert missing(pd, True) == missing(pandas, False)
