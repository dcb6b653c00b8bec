"""TPC-H on plain pandas, on pandas_dist and by hand: ``python -m benchmarks.run --sf 1``.

Each engine has a process of its own; for each query the engines take turns, one at a time, and
the medians over the repeats are reported.  Every answer of pandas_dist is compared with pandas'.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pickle
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.check import loose_difference, strict_difference
from benchmarks.report import Outcome, Report
from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES
from benchmarks.worker import BY_HAND, DROP_IN, PLAIN, Answer, Engine, Worker

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("pandas_dist", "pandas", "numpy", "pyarrow")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; 0 if every answer of pandas_dist was right, else 1."""
    options = _arguments(argv)
    directory = data.ensure(options.sf)
    engines = _engines(options.backends)
    outcomes = _measure(engines, options.queries, directory, options.repeat, options.timeout)
    title = f"TPC-H, scale factor {options.sf:g}"
    report = Report(title, _facts(options), options.backends, outcomes)
    text = report.markdown()
    print(text)
    output = options.output
    if output is None and options.queries == sorted(QUERIES):
        output = RESULTS / f"tpch-sf{options.sf:g}.md"
    if output is not None:  # a part of the queries does not overwrite the report of all
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
        print(f"written to {output}", file=sys.stderr)
    return 0 if report.all_right() else 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--sf", type=float, default=1.0, help="scale factor (default 1)")
    parser.add_argument("--repeat", type=int, default=3, help="repeats per query (default 3)")
    parser.add_argument("--backends", type=lambda text: text.split(","), default=["dask"])
    parser.add_argument("--queries", type=_numbers, default=sorted(QUERIES), help="for example 1,5")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for one query")
    parser.add_argument("--output", type=Path, default=None, help="file for the report")
    return parser.parse_args(argv)


def _numbers(text: str) -> list[int]:
    return sorted({int(number) for number in text.split(",")} & set(QUERIES))


def _engines(backends: list[str]) -> list[Engine]:
    engines = [Engine(PLAIN)]
    for backend in backends:
        engines.append(Engine(DROP_IN, backend))
        if importlib.util.find_spec(f"benchmarks.tpch.{backend}_queries"):
            engines.append(Engine(BY_HAND, backend))
    return engines


def _measure(
    engines: list[Engine], queries: list[int], directory: Path, repeat: int, timeout: float
) -> dict[int, dict[Engine, Outcome]]:
    warm_up = data.ensure(0.01)
    workers = [Worker(engine, warm_up) for engine in engines]
    outcomes: dict[int, dict[Engine, Outcome]] = {}
    try:
        for query in queries:
            answers: dict[Engine, list[Answer]] = {engine: [] for engine in engines}
            for _ in range(repeat):
                for worker in workers:
                    if not any(answer.error for answer in answers[worker.engine]):
                        answers[worker.engine].append(worker.run(query, directory, timeout))
            outcomes[query] = _judge(answers)
            line = "  ".join(f"{e}: {o.short()}" for e, o in outcomes[query].items())
            print(f"q{query:02}  {line}", file=sys.stderr, flush=True)
    finally:
        for worker in workers:
            worker.stop()
    return outcomes


def _judge(answers: dict[Engine, list[Answer]]) -> dict[Engine, Outcome]:
    """Compare every repeat of every engine with the first answer of plain pandas."""
    first = answers[Engine(PLAIN)][0]
    expected = None if first.error else pickle.loads(first.pickled)
    outcomes = {}
    for engine, given in answers.items():
        problem = next((answer.error for answer in given if answer.error), "")
        if not problem and expected is None:
            problem = "plain pandas failed: nothing to compare with"
        if not problem:
            compare = loose_difference if engine.kind == BY_HAND else strict_difference
            found = (compare(pickle.loads(answer.pickled), expected) for answer in given)
            problem = next(filter(None, found), "")
        seconds = [answer.seconds for answer in given if not answer.error]
        outcomes[engine] = Outcome(tuple(seconds), problem)
    return outcomes


def _facts(options: argparse.Namespace) -> list[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = [*PACKAGES, *(b for b in options.backends if b not in PACKAGES)]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return [
        f"{cores} cores, {platform.machine()}, {platform.system()}",
        f"Python {platform.python_version()}, {versions}",
        f"median of {options.repeat} repeats, in seconds, from reading Parquet to the answer in"
        " memory; the operating system's file cache is warm",
    ]


if __name__ == "__main__":
    sys.exit(main())
