"""read_csv on plain pandas and on pandas_dist: ``python -m benchmarks.read_csv --size 1GB``.

Every reading has a process of its own; the engines take turns.  Two times are reported: until
the whole frame is in memory, and until the sum of one column is known.  Importing pandas and
pandas_dist does not count, starting the engine does.
"""

from __future__ import annotations

import argparse
import json
import os
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
TASKS = ("frame", "sum")
_CHILD = "import sys; from benchmarks.read_csv import child; child(*sys.argv[1:])"


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; 0 if every backend read what pandas reads, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_csv", description=__doc__)
    parser.add_argument("--size", default="1GB", help="of the file (default 1GB)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--backends", type=lambda text: text.split(","), default=["polars"])
    options = parser.parse_args(argv)
    path = ensure(options.size)
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB", file=sys.stderr)
    differences = {b: _child(b, "check", path)["difference"] for b in options.backends}
    seconds = _measure([PLAIN, *options.backends], path, options.repeat)
    print("| engine | frame in memory, s | pandas / it | sum of a column, s | pandas / it | same |")
    print("| --- | --: | --: | --: | --: | --- |")
    for engine in [PLAIN, *options.backends]:
        cells = []
        for task in TASKS:
            ours, theirs = median(seconds[engine, task]), median(seconds[PLAIN, task])
            cells += [f"{ours:.2f}", f"{theirs / ours:.2f}"]
        same = "no" if differences.get(engine) else "yes"
        print("| " + " | ".join([engine, *cells, same]) + " |")
    for engine, difference in differences.items():
        if difference:
            print(f"\n{engine}:\n{difference}")
    return int(any(differences.values()))


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
    if task == "frame":
        pandas.DataFrame(pd.read_csv(path))  # a lazy frame becomes an ordinary one
    else:
        pd.read_csv(path)["price"].sum()
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
