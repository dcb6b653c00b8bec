"""Row-wise kernels that run per partition, against pandas on the whole column.

Each way of running them is forced, so that small columns in several partitions show every
combination of dtypes that partitions can have.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from cluster import Cluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict import assert_same, outcome

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.ops import blockwise
from pandas_dist.report import counters

PANDAS_3 = int(plain.__version__.split(".")[0]) >= 3
TEXT = "str" if PANDAS_3 else object

WORDS = ["a", "b2", "", "A b", "1", "2", "3.5", "1e3", "x1 y", "True"]
DAYS = ["2020-01-31", "2021-02-28", "1999-12-31", "not a day"]
STAMPS = ["2020-01-31", "2021-02-28T10:30:01.5", "1999-12-31T23:59", "NaT"]

Operation = Callable[[Any, Any], Any]

TEXT_OPERATIONS: dict[str, Operation] = {
    "len": lambda pd, s: s.str.len(),
    "contains": lambda pd, s: s.str.contains("b"),
    "contains na": lambda pd, s: s.str.contains("b", na=False),
    "isdigit": lambda pd, s: s.str.isdigit(),
    "count": lambda pd, s: s.str.count("b"),
    "index": lambda pd, s: s.str.index("a"),
    "split": lambda pd, s: s.str.split(" "),
    "first": lambda pd, s: s.str[0],
    "second": lambda pd, s: s.str.split(" ").str[1],
    "extract": lambda pd, s: s.str.extract(r"([a-z])(\d)?"),
    "extract one": lambda pd, s: s.str.extract(r"(\d)", expand=False),
    "findall": lambda pd, s: s.str.findall("b"),
    "map text": lambda pd, s: s.map({"a": "apple", "1": "one"}),
    "map int": lambda pd, s: s.map({"a": 10, "1": 20, "b2": 30}),
    "map bool": lambda pd, s: s.map({"a": True, "1": False}),
    "map float": lambda pd, s: s.map({"a": 0.5}),
    "map mixed": lambda pd, s: s.map({"a": 1, "1": "one"}),
    "map missing": lambda pd, s: s.map({None: "none", "a": "x"}),
    "replace": lambda pd, s: s.replace({"a": "b2", "b2": "a"}),
    "replace one": lambda pd, s: s.replace("a", "z"),
    "replace by number": lambda pd, s: s.replace({"1": 1, "2": 2}),
    "replace by missing": lambda pd, s: s.replace({"a": np.nan, "": np.nan}),
    "replace regex": lambda pd, s: s.replace("a", "z", regex=True),
    "fillna": lambda pd, s: s.fillna("none"),
    "fillna number": lambda pd, s: s.fillna(0),
    "where": lambda pd, s: s.where(s.str.len() > 1),
    "mask": lambda pd, s: s.mask(s == "a", "z"),
    "isin": lambda pd, s: s.isin(["a", "1", None]),
    "astype str": lambda pd, s: s.astype(str),
    "astype int": lambda pd, s: s.astype("int64"),
    "astype float": lambda pd, s: s.astype(float),
    "to_numeric": lambda pd, s: pd.to_numeric(s),
    "to_numeric coerce": lambda pd, s: pd.to_numeric(s, errors="coerce"),
}

DAY_OPERATIONS: dict[str, Operation] = {
    "to_datetime": lambda pd, s: pd.to_datetime(s),
    "to_datetime coerce": lambda pd, s: pd.to_datetime(s, errors="coerce"),
    "to_datetime format": lambda pd, s: pd.to_datetime(s, format="%Y-%m-%d"),
    "to_datetime utc": lambda pd, s: pd.to_datetime(s, utc=True, errors="coerce"),
    "to_timedelta": lambda pd, s: pd.to_timedelta(s, errors="coerce"),
}

STAMP_OPERATIONS: dict[str, Operation] = {
    "year": lambda pd, s: s.dt.year,
    "date": lambda pd, s: s.dt.date,
    "day_name": lambda pd, s: s.dt.day_name(),
    "floor": lambda pd, s: s.dt.floor("D"),
    "period": lambda pd, s: s.dt.to_period("M"),
    "isocalendar": lambda pd, s: s.dt.isocalendar(),
    "zone": lambda pd, s: s.dt.tz_localize("Europe/Paris").dt.hour,
    "fillna": lambda pd, s: s.fillna(plain.Timestamp("2020-05-05")),
    "span": lambda pd, s: (s - plain.Timestamp("2020-01-01")).dt.days,
}

NUMBER_OPERATIONS: dict[str, Operation] = {
    "map": lambda pd, s: s.map({1: 10, 2: 20}),
    "map text": lambda pd, s: s.map({1: "one", 2: "two"}),
    "replace": lambda pd, s: s.replace(1, 5),
    "replace float": lambda pd, s: s.replace(1, 5.5),
    "replace missing": lambda pd, s: s.replace({1: np.nan}),
    "replace text": lambda pd, s: s.replace({1: "one"}),
    "replace infinite": lambda pd, s: s.replace([np.inf, -np.inf], np.nan),
    "where": lambda pd, s: s.where(s > 1),
    "where number": lambda pd, s: s.where(s > 1, 0),
    "where series": lambda pd, s: s.where(s > 1, -s),
    "clip": lambda pd, s: s.clip(0, 2),
    "clip float": lambda pd, s: s.clip(0.5, 2.5),
    "astype int": lambda pd, s: s.astype("int64"),
    "astype int8": lambda pd, s: s.astype("int8"),
    "astype str": lambda pd, s: s.astype(str),
    "astype Int64": lambda pd, s: s.astype("Int64"),
    "to_datetime": lambda pd, s: pd.to_datetime(s, unit="D", errors="coerce"),
    "fillna": lambda pd, s: s.fillna(0),
}


@pytest.fixture(params=["here", "held", "again"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Kernels run per partition, in one of the ways, in partitions of very few rows."""

    def forced(plan: Any, stable: bool) -> str:
        return request.param if stable else "here"

    monkeypatch.setattr(blockwise, "way", forced)
    monkeypatch.setattr("pandas_dist.ops.convert.way", forced)
    with options.context(backend="dask", partition_bytes=40, fallback="silent"):
        yield request.param


def compare(operation: Operation, values: plain.Series) -> None:
    """The operation's result, and that result beside other columns, as in pandas."""

    def script(module: Any) -> Any:
        frame = module.DataFrame({"v": values, "n": range(len(values))})
        result = operation(module, frame["v"])
        if isinstance(result, plain.DataFrame):
            return result
        return result, frame.assign(new=result)[frame["n"] % 3 > 0], operation(module, frame["v"])

    def noted(module: Any) -> Any:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            made = outcome(lambda: _loaded(script(module)))
        return made, sorted({str(w.message) for w in seen})

    got, want = noted(pd), noted(plain)
    assert_same(got[0], want[0])
    assert got[1] == want[1]


def _loaded(result: Any) -> Any:
    """Warnings of results that are computed later belong to the comparison."""
    for part in result if isinstance(result, tuple) else (result,):
        len(part)
        repr(part)
    return result


def columns(values: Any, most: int = 9) -> Any:
    return st.lists(values, max_size=most)


# More examples while looking for bugs: PROPERTY_EXAMPLES=500.
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
few = settings(
    max_examples=EXAMPLES or 4,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("name", TEXT_OPERATIONS)
@few
@given(values=columns(st.sampled_from([*WORDS, None, np.nan])))
def test_text(way: str, name: str, values: list[Any]) -> None:
    compare(TEXT_OPERATIONS[name], plain.Series(values, dtype=TEXT))


@pytest.mark.parametrize("name", DAY_OPERATIONS)
@few
@given(values=columns(st.sampled_from([*DAYS, None])))
def test_days(way: str, name: str, values: list[Any]) -> None:
    compare(DAY_OPERATIONS[name], plain.Series(values, dtype=TEXT))


@pytest.mark.parametrize("name", STAMP_OPERATIONS)
@few
@given(values=columns(st.sampled_from(STAMPS)))
def test_stamps(way: str, name: str, values: list[Any]) -> None:
    compare(STAMP_OPERATIONS[name], plain.Series(np.array(values, dtype="M8[ns]")))


@pytest.mark.parametrize("name", NUMBER_OPERATIONS)
@few
@given(
    values=columns(st.sampled_from([1, 2, 3, -7, 2**53 + 1]))
    | columns(st.sampled_from([1.0, 2.5, np.nan, np.inf]))
    | columns(st.booleans())
)
def test_numbers(way: str, name: str, values: list[Any]) -> None:
    dtype = None if values else "int64"
    compare(NUMBER_OPERATIONS[name], plain.Series(values, dtype=dtype))


@pytest.mark.parametrize("way", ["held"], indirect=True)
def test_rows_stay_on_the_engine(way: str) -> None:
    frame = pd.DataFrame({"v": ["a", None, "ccc"] * 20, "k": [1, 2, 3] * 20})
    lengths = frame["v"].str.len()
    assert lengths.dist.is_lazy
    assert lengths.dtype == "float64"
    assert lengths.sum() == 80
    grouped = frame.assign(n=lengths).groupby("k")["n"].sum()
    assert grouped.tolist() == [20.0, 0.0, 60.0]


def test_values_by_a_table_are_lazy() -> None:
    with options.context(backend="dask", partition_bytes=200, fallback="error"):
        frame = pd.DataFrame({"group": ["A", "B", "C"] * 30, "n": range(90)})
        before = counters.executions
        named = frame.assign(group=frame["group"].replace({"A": "Apple", "B": "Banana"}))
        named["first"] = named["group"].map({"Apple": "first"})
        assert counters.executions == before
        assert named["first"].isna().sum() == 60
        assert named["group"].value_counts().to_dict() == {"Apple": 30, "Banana": 30, "C": 30}


def test_the_kernel_raises_where_pandas_does(way: str) -> None:
    column = pd.Series(["1"] * 20 + ["x"])
    with pytest.raises(ValueError, match="at position 20"):
        pd.to_numeric(column)
    with pytest.raises(ValueError, match="invalid literal"):
        column.astype(int)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("distributed")
    from pandas_dist.backends.dask import cluster as connection

    running = Cluster(tmp_path_factory.mktemp("cluster"))
    yield running.address
    connection.close(running.address)
    running.stop()


def test_on_a_cluster(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a file go to no gathered kernel; the answers are pandas'."""
    rows = 60_000
    file = tmp_path / "days.parquet"
    plain.DataFrame(
        {
            "day": [f"20{20 + n % 5}-01-{1 + n % 28:02d}" for n in range(rows)],
            "code": [None if n % 7 == 0 else str(n % 50) for n in range(rows)],
            "key": np.arange(rows) % 3,
        }
    ).to_parquet(file, row_group_size=10_000)

    def script(module: Any) -> Any:
        frame = module.read_parquet(file)
        frame["when"] = module.to_datetime(frame["day"])
        frame["length"] = frame["code"].str.len()
        frame["number"] = module.to_numeric(frame["code"])
        frame["known"] = frame["code"].map({"1": 1, "2": 2})
        sums = frame.groupby("key")[["length", "number", "known"]].sum()
        return (
            sums,
            frame["when"].dt.year.max(),
            frame.head(20),
            frame["code"].str.contains("1").notna().sum(),
        )

    want = script(plain)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_PIECE", 1)
    # A gathered column of text would be beyond the limit.
    settings = {"backend": "dask", "address": address, "fallback": "error"}
    with options.context(**settings, memory_limit=1_000_000):
        assert_same(script(pd), want)
    with options.context(**settings), pytest.raises(ValueError, match="at position 0"):
        pd.to_numeric(pd.read_parquet(file)["day"])
