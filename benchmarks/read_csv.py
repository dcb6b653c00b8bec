"""read_csv on plain pandas and on pandas_dist: ``python -m benchmarks.read_csv --size 1GB``.

Every reading has a process of its own; the engines take turns.  The times are those of whole
scripts: until all columns are in memory as an ordinary pandas frame, until the sum of one column
is known, and until the length and the means of groups are.  Importing pandas and pandas_dist
does not count, starting the engine does.  What each backend reads is compared with what pandas
reads: values, dtypes, index and columns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

import pandas_dist
from pandas_dist.config import parse_bytes

ROOT = Path(__file__).resolve().parents[1]
BLOCK = 100_000  # rows
PLAIN = "pandas"
TASKS = {"frame": "frame in memory", "sum": "sum of a column", "groups": "len and groupby"}
_CHILD = "import sys; from benchmarks.read_csv import child; child(*sys.argv[1:])"


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; 0 if every backend read what pandas reads, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_csv", description=__doc__)
    parser.add_argument("--size", default="1GB", help="of the file (default 1GB)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--backends", type=lambda text: text.split(","), default=["polars"])
    parser.add_argument("--output", type=Path, default=None, help="file for the report")
    options = parser.parse_args(argv)
    path = ensure(options.size)
    differences = {b: _child(b, "check", path)["difference"] for b in options.backends}
    seconds = _measure([PLAIN, *options.backends], path, options.repeat)
    report = _report(argv if argv is not None else sys.argv[1:], path, seconds, differences)
    print(report)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(report)
    return int(any(differences.values()))


def _report(
    argv: list[str],
    path: Path,
    seconds: dict[tuple[str, str], list[float]],
    differences: dict[str, str],
) -> str:
    engines = [PLAIN, *differences]
    head = [f"{title}, s | pandas / it" for title in TASKS.values()]
    lines = [
        "# read_csv",
        "",
        f"`python -m benchmarks.read_csv {' '.join(argv)}`",
        "",
        f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, two columns of integers, two of floats,"
        " three of text (names, regions, dates), one of truth values; Python"
        f" {platform.python_version()}, pandas {pandas.__version__},"
        f" {len(os.sched_getaffinity(0))} cores; medians, in seconds.",
        "",
        f"| engine | {' | '.join(head)} | same |",
        f"| --- |{' --: | --: |' * len(TASKS)} --- |",
    ]
    for engine in engines:
        cells = []
        for task in TASKS:
            ours, theirs = median(seconds[engine, task]), median(seconds[PLAIN, task])
            cells += [f"{ours:.2f}", f"{theirs / ours:.2f}"]
        same = "no" if differences.get(engine) else "yes"
        lines.append("| " + " | ".join([engine, *cells, same]) + " |")
    lines += [f"\n{engine}:\n{found}" for engine, found in differences.items() if found]
    return "\n".join(lines) + "\n"


def ensure(size: str) -> Path:
    """Return the CSV file of about `size` (such as "50MB"), generating it once.

    Columns: two of int64, two of float64 (one with missing values), short text with missing
    values, text of few distinct values, dates as text, bool.
    """
    path = ROOT / "build" / "csv" / f"mixed-{parse_bytes(size)}.csv"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_suffix(f".{os.getpid()}")
    with open(work, "wb") as file:
        block = 0
        while file.tell() < parse_bytes(size):
            # Without quotes, as pandas writes such text.
            write = pyarrow.csv.WriteOptions(include_header=block == 0, quoting_style="none")
            pyarrow.csv.write_csv(_rows(block), file, write)
            block += 1
    work.rename(path)
    return path


def _rows(block: int) -> pa.Table:
    random = np.random.default_rng([7, block])

    def text(prefix: str, distinct: int) -> pa.Array:
        words = pa.array([f"{prefix}{number}" for number in range(distinct)])
        return words.take(pa.array(random.integers(0, distinct, BLOCK)))

    def missing(values: pa.Array, share: float) -> pa.Array:
        kept = pa.array(random.random(BLOCK) >= share)
        return pc.if_else(kept, values, pa.scalar(None, values.type))

    days = random.integers(0, 10_000, BLOCK).astype("datetime64[D]")
    flags = pa.array(["False", "True"]).take(pa.array(random.integers(0, 2, BLOCK)))
    columns = {
        "id": pa.array(np.arange(block * BLOCK, (block + 1) * BLOCK)),
        "quantity": pa.array(random.integers(-50, 50, BLOCK)),
        "price": pa.array(random.integers(0, 10_000_000, BLOCK) / 100),
        "ratio": missing(pa.array(random.normal(size=BLOCK)), 0.05),
        "name": missing(text("customer ", 50_000), 0.1),
        "region": text("region-", 20),
        "date": pa.array(days).cast(pa.string()),
        "paid": flags,
    }
    return pa.table(columns)


def _measure(engines: list[str], path: Path, repeat: int) -> dict[tuple[str, str], list[float]]:
    seconds: dict[tuple[str, str], list[float]] = {}
    for task in TASKS:
        for _ in range(repeat):
            for engine in engines:
                seconds.setdefault((engine, task), []).append(_child(engine, task, path)["seconds"])
    return seconds


def _child(engine: str, task: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", _CHILD, engine, task, str(path)]
    environment = os.environ | {"PANDAS_DIST_BACKEND": engine}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def child(engine: str, task: str, path: str) -> None:
    """Run in a process of its own: read once, print the result as JSON."""
    if task == "check":
        print(json.dumps({"difference": _difference(path)}))
        return
    pd: Any = pandas if engine == PLAIN else pandas_dist
    start = time.perf_counter()
    frame = pd.read_csv(path)
    if task == "frame":
        pandas.DataFrame(frame)  # a lazy frame becomes an ordinary one
    elif task == "sum":
        frame["price"].sum()
    else:
        len(frame)
        pandas.DataFrame(frame.groupby("region")[["price", "ratio"]].mean())
    print(json.dumps({"seconds": time.perf_counter() - start}))


def _difference(path: str) -> str:
    actual = pandas.DataFrame(pandas_dist.read_csv(path))
    expected = pandas.read_csv(path)
    try:
        pandas.testing.assert_frame_equal(
            actual, expected, check_exact=True, check_index_type=True, check_column_type=True
        )
    except AssertionError as difference:
        return str(difference)
    return ""


if __name__ == "__main__":
    sys.exit(main())
