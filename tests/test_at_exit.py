"""Lazy frames where threads are missing: at exit Python starts none, a fork has none."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

SCRIPT = """
import atexit, sys
import pandas_dist as pd

df = pd.read_parquet(sys.argv[1])
print(len(df[df["n"] == 7]))
atexit.register(lambda: print(df[df["n"] > 5]["text"].to_numpy()[-1], df["n"].sum()))
"""


def written(folder: Path, rows: int) -> Path:
    """A file of numbers and of text that repeats."""
    words = np.array(["one", "two", "three"], dtype=object)[np.arange(rows) % 3]
    pandas.DataFrame({"n": np.arange(rows), "text": words}).to_parquet(folder / "many.parquet")
    return folder / "many.parquet"


@pytest.mark.parametrize("backend", ["polars", "dask", "auto"])
def test_rows_are_read_at_exit(tmp_path: Path, backend: str) -> None:
    n = 1_200_000  # more than the rows of one task of a thread
    file = written(tmp_path, n)
    environment = {**os.environ, "PANDAS_DIST_BACKEND": backend}
    got = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert got.stdout.split() == ["1", "three", str(n * (n - 1) // 2)], got.stderr


FORK = """
import multiprocessing, sys, warnings
import pandas_dist as pd

warnings.simplefilter("ignore", DeprecationWarning)  # of forks where there are threads
df = pd.read_parquet(sys.argv[1])
high = df[df["n"] > 5].dist.persist()
print(len(high))

def work(n):
    again = pd.read_parquet(sys.argv[1])
    some = again[again["n"] > n].groupby("text")["n"].sum()
    return some.sum() + high["n"].sum() + df["n"].map(lambda v: v % 2).sum()

with multiprocessing.get_context("fork").Pool(1) as pool:
    print(*pool.map_async(work, [5]).get(60))
print(high["n"].sum())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("backend", ["polars", "dask", "auto"])
def test_rows_are_read_in_a_fork(tmp_path: Path, backend: str) -> None:
    n = 100_000
    file = written(tmp_path, n)
    environment = {**os.environ, "PANDAS_DIST_BACKEND": backend, "PANDAS_DIST_MIN_BYTES": "0"}
    environment["PANDAS_DIST_PARTITION_BYTES"] = "200kB"
    got = subprocess.run(
        [sys.executable, "-c", FORK, str(file)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    total = n * (n - 1) // 2 - 15
    assert got.stdout.split() == [str(n - 6), str(2 * total + n // 2), str(total)], got.stderr
    assert got.stderr == ""
