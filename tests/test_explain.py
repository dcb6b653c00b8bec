"""What users see of a plan: ``explain()``, ``df.dist``, and the report of what ran where."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pandas_dist as pd
from pandas_dist import report
from pandas_dist.config import options
from pandas_dist.fallback import FallbackWarning

ROWS = 120_000
PRIVATE = re.compile(r"\bc\d+\b|0x[0-9a-f]{6,}")


@pytest.fixture(autouse=True)
def dask() -> Iterator[None]:
    with options.context(backend="dask", partition_bytes=100_000, fallback="warn"):
        report.counters.reset()
        yield
        report.counters.reset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Ten row groups, sorted by ``id``."""
    at = np.arange(ROWS)
    columns = {
        "id": at,
        "shop": at % 7,
        "price": (at % 1000) / 8,
        "amount": at % 5,
        "colour": np.array(["red", "green", "blue"])[at % 3],
        "unused": at / 3,
    }
    file = tmp_path / "sales.parquet"
    pq.write_table(pa.table(columns), file, row_group_size=ROWS // 10)
    assert file.stat().st_size > 1 << 20
    return file


@pytest.fixture
def sales(path: Path) -> Any:
    return pd.read_parquet(path)


def parts(text: str) -> tuple[str, str, str]:
    """Header, plan as written, plan as run."""
    header, rest = str(text).split("\n\nPlan as written\n")
    before, after = rest.split("\n\nPlan as run on dask\n")
    return header, before, after


def step(plan: str, name: str) -> list[str]:
    """The lines of the first step called ``name``."""
    lines = plan.splitlines()
    first = next(n for n, line in enumerate(lines) if line.lstrip().startswith(name))
    indent = len(lines[first]) - len(lines[first].lstrip())
    found = [lines[first].strip()]
    for line in lines[first + 1 :]:
        if len(line) - len(line.lstrip()) <= indent or not line.startswith(" " * (indent + 4)):
            break
        found.append(line.strip())
    return found


def query(sales: Any) -> Any:
    late = sales[(sales["id"] >= 90_000) & (sales["colour"] == "red")]
    late = late.assign(total=late["price"] * late["amount"])
    return late.groupby("shop").agg(total=("total", "sum"), n=("id", "count"))


# -- structure -------------------------------------------------------------------------------


def test_header_names_columns_dtypes_and_index(sales: Any) -> None:
    header, _, _ = parts(query(sales).dist.explain())
    assert header.splitlines() == [
        "DataFrame on dask",
        "columns: total float64, n int64",
        "index: shop (computed from columns)",
    ]


def test_the_plan_as_written_and_as_run(sales: Any, path: Path) -> None:
    _, before, after = parts(query(sales).dist.explain())
    assert [line.split()[0] for line in before.splitlines()] == [
        "Aggregate", "Extend", "Filter", "Position", "Scan",
    ]  # fmt: skip
    titles = [line for line in after.splitlines() if not re.match(r" +(runs|reads|gives): ", line)]
    assert [line.split()[0] for line in titles] == ["Aggregate", "Extend", "Filter", "Scan"]
    assert str(path) in before and str(path) in after


def test_labels_never_ids(sales: Any) -> None:
    text = query(sales).dist.explain()
    assert not PRIVATE.search(text)
    assert "(id >= 90000) & (colour == 'red')" in text
    assert "total = sum(price * amount)" in text


def test_the_scan_reads_what_is_needed(sales: Any) -> None:
    _, _, after = parts(query(sales).dist.explain())
    _, runs, reads, gives = step(after, "Scan")
    assert reads.startswith("reads: 5 of 6 columns, 3 of 10 row groups; by statistics of")
    assert "unused" not in gives and "row order not required" in gives
    assert runs == "runs: dask, native, 3 partitions"


def test_a_scan_for_several_filters_is_one(sales: Any) -> None:
    few, last = sales[sales["id"] < 100], sales[sales["id"] >= 110_000]
    late = last[last["shop"] > 2]
    both = few[["price", "shop"]].merge(late[["amount", "shop"]], on="shop")
    _, _, after = parts(both.dist.explain())
    assert after.count("Scan") == 1
    _, _, reads, _ = step(after, "[1] Scan")
    assert reads == (
        "reads: 4 of 6 columns, 2 of 10 row groups; "
        "by statistics of id < 100 or shop > 2 and id >= 110000"
    )
    whole = few.merge(sales.groupby("shop", as_index=False)["price"].max(), on="shop")
    _, _, after = parts(whole.dist.explain())
    assert after.count("Scan") == 1 and step(after, "[1] Scan")[2].endswith("10 of 10 row groups")


def test_a_scanned_csv_file_shows_labels(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    plain = pandas.DataFrame({"first": range(80_000), "second": range(80_000)})
    plain.to_csv(path, index=False)
    with options.context(memory_limit=2_000_000):
        frame = pd.read_csv(path)
        _, before, after = parts(frame[frame["first"] > 5]["second"].dist.explain())
    assert "Filter first > 5" in before
    assert re.fullmatch(r"reads: 2 of 2 columns, (\d+) of \1 pieces", step(after, "Scan")[2])


def test_how_an_aggregation_runs(sales: Any) -> None:
    _, _, after = parts(query(sales).dist.explain())
    assert step(after, "Aggregate")[1] == "runs: dask, native, tree: 3 partitions to one"
    median = sales.groupby("shop")["price"].median()
    _, _, after = parts(median.dist.explain())
    how = "runs: dask, native, shuffle of the rows of 10 partitions by key, then put in order"
    assert step(after, "Aggregate by shop")[1] == how


def test_a_small_side_is_broadcast(sales: Any) -> None:
    shops = pd.DataFrame({"shop": range(7), "city": list("abcdefg")})
    _, _, after = parts(sales.merge(shops, on="shop")[["price", "city"]].dist.explain())
    title, how, gives = step(after, "Join")[:3]
    assert title == "Join inner on shop"
    assert how == "runs: dask, native, broadcast: the smaller side to each of 10 partitions"
    assert gives.startswith("gives: city, price; row order required")
    assert "into one partition" in step(after, "Local 7 rows, 2 columns")[1]


def test_a_small_left_side_is_broadcast_too(sales: Any) -> None:
    shops = pd.DataFrame({"shop": range(7), "city": list("abcdefg")})
    joined = shops.merge(sales, on="shop")
    how = "broadcast: the smaller side to each of 10 partitions"
    _, _, after = parts(joined.groupby("city")["price"].sum().dist.explain())
    assert step(after, "Join")[1] == f"runs: dask, native, {how}"
    _, _, after = parts(joined["price"].dist.explain())
    assert step(after, "Join")[1] == f"runs: dask, native, {how}, then put in order"


def test_an_outer_join_is_gathered(sales: Any) -> None:
    shops = pd.DataFrame({"shop": range(9), "city": list("abcdefghi")})
    _, _, after = parts(sales.merge(shops, on="shop", how="outer")["city"].dist.explain())
    how = "runs: dask, pandas' kernel, gathered: 10 and 1 partitions to one"
    assert step(after, "Join")[1] == how


def test_large_sides_are_shuffled(sales: Any) -> None:
    with options.context(memory_limit=1_000_000):
        joined = sales.merge(sales[["id", "shop"]], on="id")
        _, _, after = parts(joined.groupby("shop_x")["price"].sum().dist.explain())
        assert "shuffle of 10 and 10 partitions" in step(after, "Join")[1]
    assert "[1] Scan" in after and "[1] (the same step as above)" in after


def test_sort_slice_and_distinct(sales: Any) -> None:
    chosen = sales.sort_values(["price", "id"], ascending=[False, True]).drop_duplicates("shop")
    _, before, _ = parts(chosen.head(3).dist.explain())
    assert "Slice [:3]" in before
    assert "Distinct by shop; keep 'first'" in before
    assert "Sort by price descending, id; missing values last" in before


def test_index_lines(sales: Any) -> None:
    def index(obj: Any) -> str:
        return obj.dist.explain().split("index: ")[1].splitlines()[0]

    assert index(sales) == "0, 1, … (a range; nothing is computed)"
    assert "taken by the positions" in index(sales[sales["shop"] == 1])
    assert index(sales.groupby("shop")[["price"]].sum()) == "shop (computed from columns)"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda s: s["price"] * 2 > s["amount"] + 1, "(price * 2) > (amount + 1)"),
        (lambda s: 1 - s["price"], "1 - price"),
        (lambda s: ~(s["shop"] == 1), "~(shop == 1)"),
        (lambda s: s["shop"].between(1, 3), "(shop >= 1) & (shop <= 3)"),
        (lambda s: s["shop"].isin(range(2)) | s["price"].isna(), "price.isna()"),
        (lambda s: s["colour"].str.startswith("r"), "colour.str.startswith('r')"),
        (lambda s: np.tanh(s["price"]), "tanh(price)"),
        (lambda s: s["shop"].isin([1, 2, 3, 4, 5]), "shop.isin([1, 2, 3, … 5 values])"),
    ],
)
def test_expressions_read_as_pandas(sales: Any, make: Any, text: str) -> None:
    _, before, _ = parts(make(sales).rename("out").dist.explain())
    assert text in before


def test_the_same_text_each_time(path: Path) -> None:
    first = query(pd.read_parquet(path)).dist.explain()
    assert query(pd.read_parquet(path)).dist.explain() == first


def test_it_shows_itself(sales: Any) -> None:
    text = sales.dist.explain()
    assert isinstance(text, str) and repr(text) == str(text) == f"{text}"
    assert pd.dist.explain(sales) == text
    with pytest.raises(TypeError, match="not int"):
        pd.dist.explain(3)


# -- what it says is what happens --------------------------------------------------------------


def test_explain_executes_nothing(sales: Any) -> None:
    query(sales).dist.explain()
    sales.merge(sales, on="id").dist.explain()
    assert report.counters.executions == 0


def test_partitions_are_those_of_the_lowering(sales: Any) -> None:
    from pandas_dist.backends.dask.lower import Lowering
    from pandas_dist.backends.dask.sketch import sketch
    from pandas_dist.plan.frames import ensure_columns
    from pandas_dist.plan.rewrites import optimise, requirements, topological

    shops = pd.DataFrame({"shop": range(7), "city": list("abcdefg")})
    large = pd.DataFrame({"id": range(50_000), "x": 1.5})
    merged = sales.merge(shops, on="shop").merge(large, on="id", how="left")
    shown = [merged, merged.groupby("city")["x"].sum(), merged.sort_values("x").head(5)]
    for obj in shown:
        plan = obj.__dict__["_plan"]
        source, ids = ensure_columns(plan.relation, (*plan.exprs, *plan.index.exprs))
        root = optimise(source, set(ids), ordered=True)
        needs = requirements(root, set(ids), ordered=True)
        real = Lowering(needs)
        real.lower(root)
        drawn = sketch(root, needs)
        for node in topological(root):
            assert len(real.done[id(node)].tasks) == drawn[id(node)].partitions


def test_windows(sales: Any) -> None:
    sales["total"] = sales["price"].cumsum()
    sales["place"] = sales["amount"].rank(method="min")
    sales["share"] = sales["price"] / sales.groupby("shop")["price"].transform("sum")
    text = sales[["total", "place", "share"]].dist.explain()
    assert "sum(price) by shop" in text
    assert "total = cumsum(price, skipna=True)" in text
    assert "rank(amount, method='min'" in text
    after = sales[["total"]].dist.explain().partition("Plan as run")[2]
    assert "runs: dask, native, carried through" in after
    assert "rank" not in after and "by shop" not in after


def test_results_of_gathered_operations_and_fallbacks_are_named(sales: Any) -> None:
    repeated = sales["price"].duplicated()
    assert "from memory (gathered: Series.duplicated)" in repeated.dist.explain()
    with pytest.warns(FallbackWarning):
        wide = sales.head(20).combine_first(sales.head(5))
    text = wide.dist.explain()
    assert "DataFrame.combine_first in local pandas (fallback: it has no native form)" in text


# -- df.dist -----------------------------------------------------------------------------------


def test_backend_and_laziness(sales: Any) -> None:
    assert sales.dist.is_lazy and sales.dist.backend == "dask"
    assert sales["price"].dist.is_lazy
    assert "lazy" in repr(sales.dist)
    with options.context(backend="pandas"):
        local = pd.DataFrame({"a": [1]})
        assert not local.dist.is_lazy and local.dist.backend == "pandas"
        assert local.dist.explain() == "DataFrame in memory (pandas)"
        assert local.dist.persist() is local
    assert pd.dist.explain(pandas.Series([1])) == "Series in memory (pandas)"


def test_persist_runs_once_and_outlives_the_file(sales: Any, path: Path) -> None:
    expected = pandas.read_parquet(path)
    red = sales[sales["colour"] == "red"]
    assert red.dist.persist() is red
    runs = report.counters.executions
    assert len(red) == (expected["colour"] == "red").sum()
    assert red.dist.persist() is red
    assert report.counters.executions == runs
    path.unlink()
    _, _, after = parts((red["price"] * 2).dist.explain())
    assert "runs: not again: kept on dask" in after and "reads" not in after
    plain = expected[expected["colour"] == "red"]
    pandas.testing.assert_series_equal((red["price"] * 2).to_frame()["price"], plain["price"] * 2)
    pandas.testing.assert_frame_equal(red.sort_values("price"), plain.sort_values("price"))
    total = red.groupby("shop")["amount"].sum()
    pandas.testing.assert_series_equal(total, plain.groupby("shop")["amount"].sum())
    pandas.testing.assert_frame_equal(red, plain)


def test_persist_of_a_series(sales: Any, path: Path) -> None:
    expected = pandas.read_parquet(path)["price"] * 3
    triple = sales["price"] * 3
    assert triple.dist.persist() is triple
    path.unlink()
    assert triple.max() == expected.max()
    pandas.testing.assert_series_equal(triple, expected)


def test_persist_with_keys_as_index(sales: Any, path: Path) -> None:
    expected = pandas.read_parquet(path).set_index("id")
    keyed = sales.set_index("id").dist.persist()
    path.unlink()
    pandas.testing.assert_frame_equal(keyed[keyed["shop"] == 2], expected[expected["shop"] == 2])


def test_persist_of_labels_that_come_from_below(sales: Any, path: Path) -> None:
    plain = pandas.read_parquet(path)
    expected = plain.set_index("id").loc[lambda d: d["shop"] == 2].iloc[::3]
    counted = plain.groupby(["shop", "colour"])["amount"].sum()
    rows = sales.set_index("id").loc[lambda d: d["shop"] == 2].iloc[::3].dist.persist()
    groups = sales.groupby(["shop", "colour"])["amount"].sum().dist.persist()
    path.unlink()
    pandas.testing.assert_frame_equal(rows[rows["price"] > 9], expected[expected["price"] > 9])
    pandas.testing.assert_series_equal(groups[groups > 9], counted[counted > 9])


def test_persist_keeps_to_the_memory_limit(sales: Any) -> None:
    with options.context(memory_limit=1000), pytest.raises(MemoryError, match="persist"):
        sales.dist.persist()


# -- the report ----------------------------------------------------------------------------------


def test_report_names_method_reason_and_line(sales: Any) -> None:
    small = sales.head(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackWarning)
        for _ in range(2):
            small.combine_first(small)
    (event, calls), *more = report.counters.sites.items()
    assert calls == 2 and not more
    assert (event.method, event.file) == ("DataFrame.combine_first", __file__)
    assert report.counters.fallbacks == {("DataFrame.combine_first", event.reason): 2}
    text = pd.dist.report()
    assert f"2 x DataFrame.combine_first: {event.reason} ({__file__}:{event.line})" in text


def test_silent_fallbacks_are_reported_too(sales: Any) -> None:
    with options.context(fallback="silent"):
        sales.head(5).combine_first(sales.head(2))
    assert len(report.counters.sites) == 1


def test_python_functions_are_reported(sales: Any) -> None:
    seen: list[int] = []
    sales.head(3)["shop"].map(seen.append)
    sales.head(3)["shop"].map(lambda v: v + 1)
    first, second = report.counters.functions
    assert (first.method, first.distributed, first.file) == ("Series.map", False, __file__)
    assert "Python functions:" in report.summary()
    assert "Series.map: local, " in str(second)


def test_report_of_nothing() -> None:
    assert report.summary() == "pandas_dist: 0 engine executions, no fallbacks"
