"""About sixty common operations by themselves: ``python -m benchmarks.operations``.

Each is measured on frames in memory of several sizes, on plain pandas and on every backend: the
least seconds of several runs from a new frame to the answer as a pandas object.  They take turns;
pandas and ``auto`` share a process and its data, the engines have one each.  The last column is
what ``auto`` costs beside the better of what it chooses from, pandas and Polars.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import math
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas

import pandas_dist
from pandas_dist.config import options

RESULTS = Path(__file__).parent / "results"
SIZES = (10**3, 10**5, 10**7)
BACKENDS = ("polars", "auto", "dask")
CHOICES = ("pandas", "polars")  # what `auto` chooses from on one machine
LIMIT = 1.2
PATIENCE = 30.0  # seconds that one run may take
ENOUGH = 0.05  # seconds of one operation in one turn
SLOW = 3.0  # seconds of a run that is not repeated
SEVERAL = 2  # turns that are enough for long runs
AGAIN = 4  # times as many turns before a cell counts as beyond the limit
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
WORDS = np.array([f"word {n:03}" for n in range(500)], dtype=object)
MOMENT = pandas.Timestamp("2024-07-01")

Operation = Callable[[Any, Any], Any]  # (module, frame) -> answer
Seconds = dict[str, float | None]  # by backend; None: stopped

OPERATIONS: dict[str, Operation] = {
    "column": lambda pd, df: df["value"],
    "columns": lambda pd, df: df[["key", "value"]],
    "head": lambda pd, df: df.head(),
    "tail": lambda pd, df: df.tail(),
    "len": lambda pd, df: len(df),
    "iloc slice": lambda pd, df: df.iloc[10:500],
    "mask": lambda pd, df: df[df["value"] > 0.5],
    "mask of two": lambda pd, df: df[(df["value"] > 0.5) & (df["group"] == 7)],
    "loc mask, column": lambda pd, df: df.loc[df["value"] > 0.5, "amount"],
    "query": lambda pd, df: df.query("value > 0.5 and group < 50"),
    "isin": lambda pd, df: df[df["group"].isin([1, 5, 9])],
    "between": lambda pd, df: df[df["value"].between(0.2, 0.4)],
    "add": lambda pd, df: df["value"] + df["amount"],
    "arithmetic": lambda pd, df: df["value"] * (1 - df["amount"]) / 3,
    "assign": lambda pd, df: df.assign(total=df["value"] + df["amount"]),
    "np.log1p": lambda pd, df: np.log1p(df["value"]),
    "where": lambda pd, df: df["amount"].where(df["amount"] > 0, 0.0),
    "clip": lambda pd, df: df["amount"].clip(-1, 1),
    "round": lambda pd, df: df["value"].round(2),
    "abs": lambda pd, df: df["amount"].abs(),
    "astype": lambda pd, df: df["key"].astype("float64"),
    "isna": lambda pd, df: df["gaps"].isna(),
    "fillna": lambda pd, df: df["gaps"].fillna(0.0),
    "dropna": lambda pd, df: df.dropna(),
    "rename": lambda pd, df: df.rename(columns={"value": "v"}),
    "drop": lambda pd, df: df.drop(columns=["value"]),
    "map dict": lambda pd, df: df["group"].map({n: -n for n in range(100)}),
    "replace": lambda pd, df: df["group"].replace({1: 100, 2: 200}),
    "sum": lambda pd, df: df["value"].sum(),
    "mean of all": lambda pd, df: df[["value", "amount", "gaps"]].mean(),
    "std": lambda pd, df: df["value"].std(),
    "min": lambda pd, df: df["value"].min(),
    "median": lambda pd, df: df["value"].median(),
    "quantile": lambda pd, df: df["value"].quantile([0.1, 0.9]),
    "nunique": lambda pd, df: df["group"].nunique(),
    "describe": lambda pd, df: df.describe(),
    "value_counts": lambda pd, df: df["word"].value_counts(),
    "unique": lambda pd, df: df["group"].unique(),
    "corr": lambda pd, df: df["value"].corr(df["amount"]),
    "groupby sum": lambda pd, df: df.groupby("group")["value"].sum(),
    "groupby text": lambda pd, df: df.groupby("word")["value"].mean(),
    "groupby two keys": lambda pd, df: df.groupby(["group", "word"])["value"].sum(),
    "groupby agg": lambda pd, df: df.groupby("group").agg(
        n=("key", "count"), low=("value", "min"), high=("value", "max")
    ),
    "groupby median": lambda pd, df: df.groupby("group")["value"].median(),
    "groupby nunique": lambda pd, df: df.groupby("group")["word"].nunique(),
    "groupby size": lambda pd, df: df.groupby("word").size(),
    "groupby transform": lambda pd, df: df.groupby("group")["value"].transform("mean"),
    "merge": lambda pd, df: df.merge(other(pd, df), on="key"),
    "merge left": lambda pd, df: df.merge(groups(pd), on="group", how="left"),
    "concat": lambda pd, df: pd.concat([df, df], ignore_index=True),
    "sort_values": lambda pd, df: df.sort_values("value"),
    "sort by two": lambda pd, df: df.sort_values(["group", "value"]),
    "nlargest": lambda pd, df: df.nlargest(10, "value"),
    "drop_duplicates": lambda pd, df: df.drop_duplicates("group"),
    "set_index": lambda pd, df: df.set_index("key"),
    "reset_index": lambda pd, df: df.reset_index(),
    "shift": lambda pd, df: df["value"].shift(),
    "cumsum": lambda pd, df: df["value"].cumsum(),
    "rank": lambda pd, df: df["value"].rank(),
    "rolling mean": lambda pd, df: df["value"].rolling(10).mean(),
    "str.contains": lambda pd, df: df["word"].str.contains("99"),
    "str.upper": lambda pd, df: df["word"].str.upper(),
    "dt.year": lambda pd, df: df["when"].dt.year,
    "date mask": lambda pd, df: df[df["when"] >= MOMENT],
    "pivot_table": lambda pd, df: df.pivot_table("value", "group", "kind", aggfunc="sum"),
}


def other(pd: Any, df: Any) -> Any:
    """A frame with half of the keys."""
    return pd.DataFrame({"key": np.arange(0, len(df), 2), "other": 1.5})


def groups(pd: Any) -> Any:
    """A small table."""
    return pd.DataFrame({"group": np.arange(100), "name": WORDS[:100]})


def data(rows: int) -> dict[str, Any]:
    """The columns of a frame: numbers, numbers with gaps, text and times."""
    random = np.random.default_rng(7)
    gaps = random.random(rows)
    gaps[random.random(rows) < 0.1] = np.nan
    seconds = random.integers(0, 366 * 86400, rows).astype("timedelta64[s]")
    return {
        "key": random.permutation(rows),
        "group": random.integers(0, 100, rows),
        "kind": random.integers(0, 5, rows),
        "value": random.random(rows),
        "amount": random.normal(size=rows),
        "gaps": gaps,
        "word": WORDS[random.integers(0, len(WORDS), rows)],
        "when": (np.datetime64("2024-01-01") + seconds).astype("datetime64[ns]"),
    }


def main(argv: list[str] | None = None) -> int:
    """Measure, write the table; 0 if ``auto`` was never beyond the limit, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description=__doc__)
    parser.add_argument("--sizes", type=_list(lambda t: int(float(t))), default=list(SIZES))
    parser.add_argument("--backends", type=_list(str), default=list(BACKENDS))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--operations", type=_list(str), default=list(OPERATIONS))
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--resume", type=Path, help="cells that are measured: kept, and added to")
    given = parser.parse_args(argv)
    names = ["pandas", *given.backends]
    cells = _kept(given.resume)
    lines = [
        f"# {len(given.operations)} operations on frames in memory",
        "",
        f"`{' '.join(['python -m benchmarks.operations', *sys.argv[1:]])}`: the least seconds of "
        f"up to {given.repeat} turns ({given.clock} clock), pandas {pandas.__version__}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores.  Backends take turns.  A run of "
        f"more than {PATIENCE:.0f} s is stopped, one of more than {SLOW:.0f} s is not repeated.  "
        f"Where `auto` seems beyond {LIMIT} times the better choice, they take more turns.",
    ]
    beyond: list[str] = []
    for rows in given.sizes:
        lines += ["", f"## {rows:,} rows", "", *_header(names)]
        workers = Workers(names, rows, given.clock)
        with contextlib.closing(workers):
            for name in given.operations:
                found = cells.get((rows, name), {})
                if not found.keys() >= set(names):
                    found = cells[rows, name] = measure(name, workers, given.repeat)
                    _keep(given.resume, rows, name, found)
                line, ratio = _row(name, {backend: found[backend] for backend in names})
                if ratio is not None and ratio > LIMIT:
                    beyond.append(f"{name} of {rows:,} rows ({ratio:.2f})")
                lines.append(line)
                print(f"{rows:>9} {line}", file=sys.stderr, flush=True)
    lines += ["", f"Cells where auto is beyond {LIMIT} times the better choice: {len(beyond)}"]
    lines += [f"- {cell}" for cell in beyond]
    text = "\n".join(lines) + "\n"
    print(text)
    output = given.output
    if output is None and given.operations == list(OPERATIONS):
        output = RESULTS / "operations.md"
    if output is not None:
        output.write_text(text)
    return int(bool(beyond))


def _list(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    return lambda text: [kind(part) for part in text.split(",")]


def _kept(path: Path | None) -> dict[tuple[int, str], Seconds]:
    """The cells of an earlier run, a line of JSON each."""
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {(rows, name): found for rows, name, found in lines}


def _keep(path: Path | None, rows: int, name: str, found: Seconds) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps([rows, name, found]) + "\n")


class Workers:
    """A process for each backend, from its first cell on; plain pandas and ``auto`` share one."""

    def __init__(self, names: list[str], rows: int, clock: str) -> None:
        self.names, self.rows, self.clock = names, rows, clock
        self.made: dict[str, Worker] = {}

    def seconds(self, backend: str, name: str) -> float | None:
        process = "pandas" if backend == "auto" else backend
        if process not in self.made:
            self.made[process] = Worker(self.rows, self.clock)
        return self.made[process].seconds(backend, name)

    def close(self) -> None:
        for worker in self.made.values():
            worker.stop()


def measure(name: str, workers: Workers, repeat: int) -> Seconds:
    """The least seconds of each backend; None where a run was stopped.  They take turns."""
    best: Seconds = {backend: float("inf") for backend in workers.names}
    deciding = [backend for backend in workers.names if backend in (*CHOICES, "auto")]
    for turn in range(AGAIN * repeat):
        if turn >= repeat and not ratio_of_auto(best) > LIMIT:
            break
        for backend in workers.names if turn < repeat else deciding:
            least = best[backend]
            if least is None or (turn and least > SLOW):
                continue
            if turn and least > SLOW / 10 and backend not in deciding:
                continue  # nothing is chosen by it
            if turn >= SEVERAL and least > SLOW / 6 and not ratio_of_auto(best) > LIMIT:
                continue
            seconds = workers.seconds(backend, name)
            best[backend] = None if seconds is None else min(least, seconds)
    return best


def ratio_of_auto(found: Seconds) -> float:
    """What ``auto`` costs beside the better of its choices; NaN if that is not known."""
    auto, choices = found.get("auto"), [found.get(key) for key in CHOICES]
    ran = [value for value in choices if value is not None]
    return auto / min(ran) if auto is not None and ran else float("nan")


class Worker:
    """A process that holds the data of one size and runs operations."""

    def __init__(self, rows: int, clock: str) -> None:
        self.rows, self.clock = rows, clock
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self.rows, self.clock))
        self.process.start()
        theirs.close()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    def seconds(self, backend: str, name: str) -> float | None:
        """The least seconds of one turn; None, and a new process, if it fails or takes too long."""
        self.pipe.send_bytes(json.dumps([backend, name]).encode())
        try:
            if self.pipe.poll(PATIENCE + 60):  # the data may still be made
                found: float = json.loads(self.pipe.recv_bytes())
                return found if found < PATIENCE else None
        except EOFError:  # the process has ended, and said why
            pass
        self.stop()
        self.start()
        return None


def serve(pipe: Any, rows: int, clock: str) -> None:
    """Answer backends and names of operations with their seconds."""
    now = CLOCKS[clock]
    columns = data(rows)
    base = pandas.DataFrame(columns)
    while True:
        backend, name = json.loads(pipe.recv_bytes())
        operation = OPERATIONS[name]
        options.backend, options.fallback = backend, "silent"
        least, spent = float("inf"), 0.0
        gc.collect()
        while spent < ENOUGH:
            start = time.perf_counter()
            least = min(least, timed(operation, backend, base, columns, now))
            spent += time.perf_counter() - start
        pipe.send_bytes(json.dumps(least).encode())


def timed(
    operation: Operation,
    backend: str,
    base: pandas.DataFrame,
    columns: dict[str, Any],
    now: Callable[[], float],
) -> float:
    """Seconds from a new frame to an answer that nothing is left to compute of."""
    pd: Any = pandas if backend == "pandas" else pandas_dist
    # Of a frame in memory nothing is remembered but what the frame itself holds.
    frame = pd.DataFrame(base if backend in ("pandas", "auto") else columns)
    start = now()
    answer = operation(pd, frame)
    if isinstance(answer, pandas.DataFrame):
        pandas.DataFrame(answer)
    elif isinstance(answer, pandas.Series):
        pandas.Series(answer)
    return now() - start


def _header(names: list[str]) -> list[str]:
    shown = ["operation", "pandas, ms", *(f"{name} / pandas" for name in names[1:])]
    titles = [*shown, "auto / better choice"] if "auto" in names else shown
    return ["| " + " | ".join(titles) + " |", "| --- |" + " --: |" * (len(titles) - 1)]


def _row(name: str, found: Seconds) -> tuple[str, float | None]:
    plain = found["pandas"]
    cells = [name, "stopped" if plain is None else f"{plain * 1e3:.3f}"]
    for key, value in found.items():
        if key != "pandas":
            known = value is not None and plain is not None
            cells.append(f"{value / plain:.2f}" if known else "stopped")  # type: ignore[operator]
    if "auto" not in found:
        return "| " + " | ".join(cells) + " |", None
    ratio = ratio_of_auto(found)
    if math.isnan(ratio):
        return "| " + " | ".join([*cells, "-"]) + " |", None
    return "| " + " | ".join([*cells, f"{ratio:.2f}"]) + " |", ratio


if __name__ == "__main__":
    sys.exit(main())
