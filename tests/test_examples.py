"""The examples print and write the same on every backend as on plain pandas."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pandas
import pytest
from spark_cluster import java

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = ("flights.py", "sales_cleanup.py", "text_processing.py")
BACKENDS = ["pandas", "polars", "auto", "dask", "spark"]
PANDAS_3 = pandas.__version__ >= "3"
if not PANDAS_3:
    BACKENDS.append("modin")
# Each of these runs on one line of pandas: they take their time.
ELSEWHERE = (
    [("sales_cleanup.py", "spark"), ("flights.py", "pandas")]
    if PANDAS_3
    else [("text_processing.py", "spark")]
)


def _run(command: list[str], output: Path) -> tuple[str, dict[str, bytes]]:
    """Standard output and the written files; fails with the script's own traceback."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    clean["PYTHONUTF8"] = "1"
    clean["PANDAS_DIST_SPARK_CONF"] = f"spark.driver.extraJavaOptions={java()} -Xmn300m"
    done = subprocess.run(
        [sys.executable, *command, str(output)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=clean,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    files = {path.name: path.read_bytes() for path in output.glob("*")}
    return done.stdout, files


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory):
    """What a script gives on plain pandas; each script runs once."""

    @cache
    def run(script: str) -> tuple[str, dict[str, bytes]]:
        return _run([str(EXAMPLES / script)], tmp_path_factory.mktemp("plain"))

    return run


@pytest.mark.parametrize(
    ("script", "backend"),
    [(s, b) for s in SCRIPTS for b in BACKENDS if (s, b) not in ELSEWHERE],
)
def test_same_output_as_pandas(script: str, backend: str, plain, tmp_path: Path) -> None:
    command = ["-m", "pandas_dist", "--backend", backend, str(EXAMPLES / script)]
    stdout, files = _run(command, tmp_path)
    expected_stdout, expected_files = plain(script)
    assert stdout == expected_stdout
    assert files.keys() == expected_files.keys()
    assert [name for name in files if files[name] != expected_files[name]] == []


def test_flights_writes_its_files(plain) -> None:
    _, files = plain("flights.py")
    assert sorted(files) == ["airlines.csv", "delays.png", "monthly.csv"]
