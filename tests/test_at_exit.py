"""Lazy frames in ``atexit`` functions: Python starts no pool of threads any more."""

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


@pytest.mark.parametrize("backend", ["polars", "dask", "auto"])
def test_rows_are_read_at_exit(tmp_path: Path, backend: str) -> None:
    n = 1_200_000  # more than the rows of one task of a thread
    file = tmp_path / "many.parquet"
    words = np.array(["one", "two", "three"], dtype=object)[np.arange(n) % 3]
    pandas.DataFrame({"n": np.arange(n), "text": words}).to_parquet(file)
    environment = {**os.environ, "PANDAS_DIST_BACKEND": backend}
    got = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert got.stdout.split() == ["1", "three", str(n * (n - 1) // 2)], got.stderr
