"""From how many bytes an engine is faster than pandas: ``python -m benchmarks.calibrate``.

For each kind of operation and each size: medians of the seconds on plain pandas and on the
engine, from the input (a frame in memory, or a Parquet file) to the answer as a pandas object.
The last lines are the sizes above which the engine stays ahead on this machine.

``--backend auto`` measures the operations on data in memory that ``auto`` gives to an engine
(``pandas_dist/gains.py``) by themselves; the sizes are those of the columns that they read.
``--cold`` measures the first look at a Parquet file in fresh processes, the engine's start
included: from how large a file on ``auto`` should read it lazily.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas

import pandas_dist
from benchmarks.operations import data, other
from pandas_dist.config import options, parse_bytes

FIRST = 64 << 10
FIRST_FILE = 4 << 20
STEP = 4
SMALL = 4 << 20  # below, a run takes milliseconds and is repeated more often
ROW_BYTES = 32  # four numeric columns

Task = Callable[[Any, Any], Any]  # (module, input) -> answer


def filter_groupby(pd: Any, frame: Any) -> Any:
    kept = frame[frame["value"] > 0.25]
    return kept.groupby("group", as_index=False)["value"].sum()


def merge(pd: Any, frame: Any) -> Any:
    right = pd.DataFrame({"key": np.arange(0, len(frame), 2), "other": 1.5})
    return frame.merge(right, on="key")["other"].sum()


def sort(pd: Any, frame: Any) -> Any:
    return frame.sort_values("value")


def reduction(pd: Any, frame: Any) -> Any:
    return (frame["value"] * frame["amount"]).sum()


def parquet_groupby(pd: Any, path: Path) -> Any:
    frame = pd.read_parquet(path)
    return frame[frame["value"] > 0.25].groupby("group")["amount"].mean()


def parquet_merge(pd: Any, path: Path) -> Any:
    return merge(pd, pd.read_parquet(path))


def parquet_sort(pd: Any, path: Path) -> Any:
    return pd.read_parquet(path).sort_values("value").head()


# Operations of ``gains.py``, and the bytes of a row that each reads.
IN_MEMORY: dict[str, tuple[int, Task]] = {
    "group sum": (16, lambda pd, df: df.groupby("group")["value"].sum()),
    "group mean": (16, lambda pd, df: df.groupby("group")["gaps"].mean()),
    "group max": (16, lambda pd, df: df.groupby("group")["value"].max()),
    "group count": (16, lambda pd, df: df.groupby("group")["gaps"].count()),
    "group std": (16, lambda pd, df: df.groupby("group")["value"].std()),
    "group first": (16, lambda pd, df: df.groupby("group")["value"].first()),
    "many groups": (16, lambda pd, df: df.groupby("key")["value"].sum()),
    "two keys": (24, lambda pd, df: df.groupby(["group", "kind"])["value"].sum()),
    "times": (16, lambda pd, df: df.groupby("when")["value"].sum()),
    "group median": (16, lambda pd, df: df.groupby("group")["value"].median()),
    "agg": (24, lambda pd, df: df.groupby("group").agg(a=("value", "sum"), b=("gaps", "max"))),
    "pivot_table": (24, lambda pd, df: df.pivot_table("value", "group", "kind", "sum")),
    "merge": (12, lambda pd, df: df.merge(other(pd, df), on="key")),
    "sort by two": (16, lambda pd, df: df.sort_values(["group", "value"])),
    "nlargest": (8, lambda pd, df: df.nlargest(10, "value")),
    "rank": (8, lambda pd, df: df["value"].rank()),
    "value_counts": (8, lambda pd, df: df["word"].value_counts()),
    "contains": (8, lambda pd, df: df["word"].str.contains("99")),
    "startswith": (8, lambda pd, df: df["word"].str.startswith("word 9")),
    "len": (8, lambda pd, df: df["word"].str.len()),
    "year": (8, lambda pd, df: df["when"].dt.year),
    "hour": (8, lambda pd, df: df["when"].dt.hour),
    "dayofweek": (8, lambda pd, df: df["when"].dt.dayofweek),
}
TASKS: dict[str, Task] = {
    "reduction": reduction,
    "filter_groupby": filter_groupby,
    "merge": merge,
    "sort": sort,
    "parquet_groupby": parquet_groupby,
}
COLD: dict[str, Task] = {
    "parquet_groupby": parquet_groupby,
    "parquet_merge": parquet_merge,
    "parquet_sort": parquet_sort,
}


def main(argv: list[str] | None = None) -> int:
    """Measure, print a table for each kind of operation and the suggested thresholds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibrate", description=__doc__)
    parser.add_argument("--backend", default="polars")
    parser.add_argument("--largest", type=parse_bytes, default=256 << 20)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=None)
    parser.add_argument("--cold", action="store_true", help="in fresh processes")
    parser.add_argument("--once", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.once:
        print(_once(*given.once))
        return 0
    known = COLD if given.cold else IN_MEMORY if given.backend == "auto" else TASKS
    names = given.tasks or list(known)
    compare = _compare_cold if given.cold else _compare
    thresholds = {}
    print(f"| operation | bytes | pandas, ms | {given.backend}, ms | pandas / {given.backend} |")
    print("| --- | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            ratios = {}
            for size in _sizes(given.largest, FIRST_FILE if given.cold else FIRST):
                numbers = given.cold or name in TASKS
                frame = _frame(size) if numbers else _columns(size // IN_MEMORY[name][0])
                plain, ours = compare(name, frame, Path(directory), given.backend, given.repeat)
                ratios[size] = plain / ours
                row = [name, f"{size}", f"{plain * 1e3:.2f}", f"{ours * 1e3:.2f}"]
                print("| " + " | ".join([*row, f"{ratios[size]:.2f}"]) + " |", flush=True)
            thresholds[name] = threshold(ratios)
    print(f"\nBytes from which {given.backend} is faster:")
    for name, bytes_ in thresholds.items():
        print(f"{name} = {bytes_}")
    return 0


def threshold(ratios: dict[int, float]) -> int | None:
    """The least size from which on every ratio exceeds 1, between two sizes by interpolation.

    None if the largest size is not ahead; the smallest size measured if all are.
    """
    sizes = sorted(ratios)
    behind = [size for size in sizes if ratios[size] <= 1]
    if not behind:
        return sizes[0]
    last = behind[-1]
    if last == sizes[-1]:
        return None
    above = sizes[sizes.index(last) + 1]
    low, high = np.log(ratios[last]), np.log(ratios[above])
    return int(last * (above / last) ** (-low / (high - low)))


def _sizes(largest: int, size: int) -> list[int]:
    sizes = []
    while size <= largest:
        sizes.append(size)
        size *= STEP
    return sizes


def _frame(size: int) -> pandas.DataFrame:
    rows = size // ROW_BYTES
    random = np.random.default_rng(7)
    return pandas.DataFrame(
        {
            "key": random.permutation(rows),
            "group": random.integers(0, 100, rows),
            "value": random.random(rows),
            "amount": random.normal(size=rows),
        }
    )


def _columns(rows: int) -> pandas.DataFrame:
    return pandas.DataFrame(data(rows))


def _compare(
    name: str, frame: pandas.DataFrame, directory: Path, backend: str, repeat: int
) -> tuple[float, float]:
    """Medians of seconds on pandas and on the engine, which take turns."""
    path = directory / f"{len(frame)}.parquet"
    if name.startswith("parquet"):
        frame.to_parquet(path, row_group_size=250_000)
    task = TASKS[name] if name in TASKS else IN_MEMORY[name][1]
    settings = {"min_bytes": 1} if backend == "auto" else {}  # every frame is a large one
    plain: list[float] = []
    ours: list[float] = []
    runs = repeat * 3 if len(frame) * ROW_BYTES < SMALL else repeat
    for _ in range(runs + 1):
        given: Any = path if name.startswith("parquet") else frame
        plain.append(_seconds(task, pandas, given))
        with options.context(backend=backend, fallback="error", **settings):
            if given is frame:
                # A new object: nothing may be left from the last run.
                given = pandas_dist.DataFrame(frame.copy())
            ours.append(_seconds(task, pandas_dist, given))
    return median(plain[1:]), median(ours[1:])  # the first run warms up


def _compare_cold(
    name: str, frame: pandas.DataFrame, directory: Path, backend: str, repeat: int
) -> tuple[float, float]:
    """The same for the first use of a file in fresh processes."""
    path = directory / f"{len(frame)}.parquet"
    frame.to_parquet(path, row_group_size=250_000)
    found: dict[str, list[float]] = {"pandas": [], backend: []}
    for _ in range(repeat):
        for each, seconds in found.items():
            command = [sys.executable, "-m", "benchmarks.calibrate", "--once"]
            command += [each, name, str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds.append(float(done.stdout))
    return median(found["pandas"]), median(found[backend])


def _once(backend: str, name: str, path: str) -> float:
    """Seconds of one task on a file in this process, which has done nothing before."""
    with options.context(backend=backend, fallback="error"):
        return _seconds(COLD[name], pandas if backend == "pandas" else pandas_dist, Path(path))


def _seconds(task: Task, pd: Any, given: Any) -> float:
    gc.collect()
    start = time.perf_counter()
    answer = task(pd, given)
    if isinstance(answer, pandas.DataFrame):
        pandas.DataFrame(answer)  # a lazy answer is not an answer yet
    elif isinstance(answer, pandas.Series):
        pandas.Series(answer)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
