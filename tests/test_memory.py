"""Data larger than memory: streamed where the plan allows, refused before reading elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist import report
from pandas_dist.config import options
from pandas_dist.ops.parquet import SMALL_FILE
from pandas_dist.plan import bounds

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits address space")

COPIES = 40
ROWS = 1_000_000
GROUP = 100_000
COLUMNS = 12
# Pandas form: COPIES * ROWS * COLUMNS * 8 bytes; four times what a process may use.
DATA_BYTES = COPIES * ROWS * COLUMNS * 8
LIMIT = DATA_BYTES // 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of Parquet files: small on disk, 3.8 GB as pandas columns."""
    path = tmp_path_factory.mktemp("wide")
    random = np.random.default_rng(3)
    columns = {f"v{n}": np.arange(ROWS) // 50 % (n + 2) for n in range(COLUMNS - 3)}
    frame = pandas.DataFrame(
        {
            "key": np.sort(random.integers(0, 200, ROWS)),
            "x": (random.integers(0, 100, ROWS) / 4.0),
            "flag": np.arange(ROWS) // 1000 % 7,
            **columns,
        }
    )
    first = path / "part-00.parquet"
    frame.to_parquet(first, row_group_size=GROUP)
    for n in range(1, COPIES):
        shutil.copy(first, path / f"part-{n:02}.parquet")
    return path


SCRIPT = """
    import resource, sys
    import pyarrow, pyarrow.parquet
    import MODULE as pd

    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    df = pd.read_parquet("FOLDER")
    small = pd.DataFrame({"key": range(0, 200, 2), "name": [f"n{k % 5}" for k in range(100)]})
    some = df[df["flag"] != 3]
    joined = some.merge(small, on="key")
    joined["total"] = joined["x"] * joined["v1"]
    columns = ["x", "total", *(f"v{n}" for n in range(9))]
    print(joined.groupby("name")[columns].sum())
    print(len(joined), df["x"].sum())
"""


def run(module: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    script = textwrap.dedent(SCRIPT).replace("MODULE", module)
    script = script.replace("FOLDER", str(folder)).replace("BYTES", str(LIMIT))
    # Arrow's and OpenBLAS' own pools reserve much more address space than they use.
    lean = {
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "4",
    }
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **lean, **settings},
        capture_output=True,
        text=True,
        timeout=150,
    )


def expected(folder: Path) -> str:
    """The script's output, from one of the equal files."""
    df = pandas.read_parquet(folder / "part-00.parquet")
    small = pandas.DataFrame({"key": range(0, 200, 2), "name": [f"n{k % 5}" for k in range(100)]})
    joined = df[df["flag"] != 3].merge(small, on="key")
    joined["total"] = joined["x"] * joined["v1"]
    columns = ["x", "total", *(f"v{n}" for n in range(9))]
    sums = joined.groupby("name")[columns].sum() * COPIES
    return f"{sums}\n{len(joined) * COPIES} {df['x'].sum() * COPIES}\n"


def test_four_times_the_memory(folder: Path) -> None:
    done = run("pandas_dist", folder, PANDAS_DIST_BACKEND="dask", PANDAS_DIST_FALLBACK="error")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr == ""
    assert done.stdout == expected(folder)


PEAK = """
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(int(status["VmHWM"].split()[0]) * 1024, file=sys.stderr)
"""


@pytest.mark.parametrize("backend", ["polars", "auto"])
def test_streamed_in_a_quarter(folder: Path, backend: str) -> None:
    """Polars reserves more addresses than it uses: the memory in use counts."""
    script = textwrap.dedent(SCRIPT + PEAK).replace("MODULE", "pandas_dist")
    script = script.replace("FOLDER", str(folder)).replace("(BYTES, BYTES)", "(-1, -1)")
    settings = {"PANDAS_DIST_BACKEND": backend, "PANDAS_DIST_FALLBACK": "error"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == expected(folder)
    assert int(done.stderr) < LIMIT


def test_pandas_alone_runs_out_of_memory(folder: Path) -> None:
    done = run("pandas", folder)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr or "malloc" in done.stderr, done.stderr[-3000:]


# -- the guard ---------------------------------------------------------------------------------


@pytest.fixture(params=["dask", "polars", "auto"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Engines of this process; for ``auto`` the file is a large one."""
    return {"backend": request.param, "min_bytes": 1000 if request.param == "auto" else 0}


def written(path: Path, rows: int) -> Path:
    """A Parquet file that is read lazily, of 32 bytes a row in memory."""
    numbers = np.arange(rows)
    random = np.random.default_rng(5)
    frame = pandas.DataFrame(
        {"a": numbers % 7, "b": numbers * 1.5, "c": random.random(rows), "k": numbers[::-1]}
    )
    frame.to_parquet(path, row_group_size=20_000)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("rows") / "rows.parquet", 300_000)


@pytest.fixture(scope="module")
def fewer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows that can be shown as text in a moment, of 3.2 MB in memory."""
    path = written(tmp_path_factory.mktemp("rows") / "fewer.parquet", 100_000)
    assert path.stat().st_size > SMALL_FILE
    return path


REFUSED = {
    "DataFrame.to_string": lambda df: df.sort_values("c").to_string(),
    "reading all rows of a DataFrame": lambda df: df.sort_values("c").values,
    "reading all rows of a Series": lambda df: np.asarray(df["b"] + 1),
    "to_csv": lambda df: df.to_csv(),
    "duplicated": lambda df: df["b"].duplicated(),
    "describe": lambda df: df.describe(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_before_reading(fewer: Path, what: str, settings: dict[str, Any]) -> None:
    with options.context(**settings, fallback="silent", memory_limit="0.5MB"):
        df = pandas_dist.read_parquet(fewer)
        before = report.counters.executions
        with pytest.raises(MemoryError, match=rf"{what}.*limit is 0\.5 MB.*PANDAS_DIST_MEMORY_LIM"):
            REFUSED[what](df)
        assert report.counters.executions == before
        total = df["b"].sum()
        assert total == pandas.read_parquet(fewer)["b"].sum(), "the frame is as good as before"
    with options.context(**settings, fallback="silent"):
        REFUSED[what](df)


def test_few_rows_of_many_are_no_reason_to_refuse(file: Path, settings: dict[str, Any]) -> None:
    with options.context(**settings, fallback="silent", memory_limit="1MB"):
        df = pandas_dist.read_parquet(file)
        few = df[df["b"] < 30]
        assert few.to_string() == pandas.read_parquet(file).iloc[:20].to_string()
        assert few["c"].rank().tolist() == pandas.read_parquet(file)["c"][:20].rank().tolist()


def test_the_rows_of_a_join_of_many_to_many(file: Path, settings: dict[str, Any]) -> None:
    with options.context(**settings, fallback="silent", memory_limit="20MB"):
        df = pandas_dist.read_parquet(file)
        few = df[df["b"] < 30]
        small = pandas_dist.DataFrame({"a": [1, 2, 2], "name": list("xyz")})
        once = pandas_dist.DataFrame({"a": [1, 2, 3], "name": list("xyz")})
        for many in (few.merge(df, on="a"), few.merge(few, on="a", how="outer")):
            assert bounds.row_bound(many.__dict__["_plan"].relation) == pytest.approx(9e10, 1e-4)
        before = report.counters.executions
        with pytest.raises(MemoryError, match=r"rank would bring about .* limit is 20\.0 MB"):
            few.merge(df, on="a").rank()
        assert report.counters.executions == before + 1, "the rows were counted"
        expected = pandas.read_parquet(file)
        few_expected = expected[expected["b"] < 30]
        got = few.merge(few, on="a")["k_x"].rank()
        assert got.tolist() == few_expected.merge(few_expected, on="a")["k_x"].rank().tolist()
        sizes = {
            "once": (df.merge(once, on="a"), 300_000),
            "left": (df.merge(once, on="a", how="left"), 300_000),
            "twice": (df.merge(small, on="a"), 900_000),
            "right": (once.merge(df, on="a", how="right"), 300_000),
            "groups": (df.merge(df.groupby("a", as_index=False)["b"].sum(), on="a"), 300_000),
            "distinct": (df.merge(df.drop_duplicates("k"), on="k"), 300_000),
            "cross": (few.merge(once, how="cross"), 900_000),
        }
        for name, (joined, rows) in sizes.items():
            assert bounds.row_bound(joined.__dict__["_plan"].relation) == rows, name


SHOWN = {
    "frame": lambda df: df,
    "column": lambda df: df["b"],
    "filtered": lambda df: df[df["a"] > 2],
    "filtered column": lambda df: df[df["a"] > 2]["k"],
    "sorted": lambda df: df.sort_values("c"),
    "index": lambda df: df.set_index(["a", "k"]),
}


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("shown", [{}, {"display.max_rows": 8}, {"display.width": 30}])
def test_repr_of_a_frame_that_is_too_large(file: Path, name: str, shown: dict[str, int]) -> None:
    methods = ["__repr__", "_repr_html_"] if "column" not in name else ["__repr__"]
    flat = [part for item in shown.items() for part in item]
    with pandas.option_context(*flat) if flat else pandas.option_context("display.precision", 6):
        for method in methods:
            expected = getattr(SHOWN[name](pandas.read_parquet(file)), method)()
            with options.context(backend="dask", fallback="error", memory_limit="1MB"):
                assert getattr(SHOWN[name](pandas_dist.read_parquet(file)), method)() == expected


@pytest.mark.parametrize("end", ["head", "tail"])
def test_a_few_rows_do_not_keep_their_partition(file: Path, end: str) -> None:
    with options.context(backend="dask", fallback="error"):
        few = getattr(pandas_dist.read_parquet(file), end)(3)
        plan = few.__dict__["_plan"]
        assert len(plan.collect()) == 3
        for column in plan.relation.state.columns.values():
            values = column.to_numpy()
            while values.base is not None:
                values = values.base
            assert values.nbytes < 1000
