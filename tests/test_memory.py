"""Data larger than memory: streamed where the plan allows, refused before reading elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist import report
from pandas_dist.config import options

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


def test_pandas_alone_runs_out_of_memory(folder: Path) -> None:
    done = run("pandas", folder)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr or "malloc" in done.stderr, done.stderr[-3000:]
