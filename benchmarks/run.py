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
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.check import loose_difference, strict_difference
from benchmarks.report import Outcome, Report
from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES
from benchmarks.worker import (
    BY_HAND,
    DROP_IN,
    FIREDUCKS,
    INTERACTIVE,
    PLAIN,
    Answer,
    Engine,
    Worker,
)
from pandas_dist.config import parse_bytes

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("pandas_dist", "pandas", "numpy", "pyarrow")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark; 0 if every answer of pandas_dist was right, else 1."""
    options = _arguments(argv)
    directory = data.ensure(options.sf)
    done = _kept(options.resume)
    left = [query for query in options.queries if query not in done]
    for query, found in _measure(left, _engines(options), directory, options):
        done[query] = found
        if options.resume is not None:
            options.resume.write_bytes(pickle.dumps(done))
    outcomes = {query: done[query] for query in sorted(done)}
    title = f"TPC-H, scale factor {options.sf:g}"
    report = Report(title, _facts(options), options.backends, outcomes)
    text = report.markdown()
    print(text)
    output = options.output
    if output is None and list(outcomes) == sorted(QUERIES):
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
    parser.add_argument("--backends", type=lambda text: text.split(","), default=["polars"])
    parser.add_argument("--queries", type=_numbers, default=sorted(QUERIES), help="for example 1,5")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for one query")
    parser.add_argument(
        "--isolate",
        action=argparse.BooleanOptionalAction,
        help="a new process for each query and engine, one at a time (default: from --sf 10)",
    )
    parser.add_argument(
        "--memory",
        type=parse_bytes,
        default=int(0.85 * _physical_memory()),
        help="a query that holds more is stopped (default: 85%% of the machine's memory)",
    )
    parser.add_argument("--plain-memory", type=parse_bytes, help="the same for plain pandas alone")
    parser.add_argument("--plain-timeout", type=float, help="as --timeout, for plain pandas alone")
    parser.add_argument(
        "--resume",
        type=Path,
        default=None,
        help="a file that keeps what has been measured; its queries are not measured again",
    )
    parser.add_argument(
        "--fireducks",
        metavar="PYTHON",
        default="",
        help="the interpreter of an environment with fireducks and the same pandas",
    )
    parser.add_argument("--output", type=Path, default=None, help="file for the report")
    options = parser.parse_args(argv)
    if options.isolate is None:
        options.isolate = options.sf >= data.LARGE
    if options.plain_memory is None:
        options.plain_memory = options.memory
    if options.plain_timeout is None:
        options.plain_timeout = options.timeout
    return options


def _numbers(text: str) -> list[int]:
    return sorted({int(number) for number in text.split(",")} & set(QUERIES))


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _engines(options: argparse.Namespace) -> list[Engine]:
    engines = [Engine(PLAIN)]
    for backend in options.backends:
        engines.append(Engine(DROP_IN, backend))
        if importlib.util.find_spec(f"benchmarks.tpch.{backend}_queries"):
            engines.append(Engine(BY_HAND, backend))
    if options.fireducks:
        # An absolute path, with its links: that of a virtual environment is a link to Python.
        python = os.path.abspath(options.fireducks)
        engines += [Engine(FIREDUCKS, how, python) for how in ("", INTERACTIVE)]
    return engines


def _kept(path: Path | None) -> dict[int, dict[Engine, Outcome]]:
    """What an earlier run has measured."""
    return pickle.loads(path.read_bytes()) if path is not None and path.exists() else {}


def _measure(
    queries: list[int], engines: list[Engine], directory: Path, options: argparse.Namespace
) -> Iterator[tuple[int, dict[Engine, Outcome]]]:
    warm_up = data.ensure(0.01)
    workers: dict[Engine, Worker] = {}
    try:
        for query in queries:
            answers: dict[Engine, list[Answer]] = {engine: [] for engine in engines}
            for _ in range(options.repeat):
                for engine in engines:
                    if any(answer.error for answer in answers[engine]):
                        continue
                    memory, timeout = _limits(engine, options)
                    if engine not in workers:
                        workers[engine] = Worker(engine, warm_up, memory)
                    answer = workers[engine].run(query, directory, timeout)
                    answers[engine].append(answer)
                    if options.isolate:
                        workers.pop(engine).stop()
            outcomes = _judge(answers)
            line = "  ".join(f"{e}: {o.short()}" for e, o in outcomes.items())
            print(f"q{query:02}  {line}", file=sys.stderr, flush=True)
            yield query, outcomes
    finally:
        for worker in workers.values():
            worker.stop()


def _limits(engine: Engine, options: argparse.Namespace) -> tuple[int, float]:
    """Bytes and seconds that a query may take on an engine."""
    if engine.kind == PLAIN:
        return options.plain_memory, options.plain_timeout
    return options.memory, options.timeout


def _judge(answers: dict[Engine, list[Answer]]) -> dict[Engine, Outcome]:
    """Compare every repeat of every engine with the first answer of plain pandas."""
    first = answers[Engine(PLAIN)][0]
    expected = None if first.error else pickle.loads(first.pickled)
    return {
        engine: _outcome(engine, given, expected, _by_hand(engine, answers))
        for engine, given in answers.items()
    }


def _by_hand(engine: Engine, answers: dict[Engine, list[Answer]]) -> Any:
    """The answer of the engine's own API to the same query; None if there is none."""
    given = answers.get(Engine(BY_HAND, engine.backend), [])
    if engine.kind != DROP_IN or not given or given[0].error:
        return None
    return pickle.loads(given[0].pickled)


def _outcome(engine: Engine, given: list[Answer], expected: Any, by_hand: Any) -> Outcome:
    seconds = tuple(answer.seconds for answer in given if not answer.error)
    error = next((answer.error for answer in given if answer.error), "")
    if error:
        finished = all(answer.finished for answer in given)
        return Outcome(seconds, error, finished, checked=expected is not None, alike=False)
    actual = [pickle.loads(answer.pickled) for answer in given]
    if expected is None and by_hand is None:
        return Outcome(seconds, checked=False)
    if expected is None:
        differs = _first(loose_difference(answer, by_hand) for answer in actual)
        return Outcome(seconds, checked=False, by_hand=not differs)
    loose = _first(loose_difference(answer, expected) for answer in actual)
    strict = _first(strict_difference(answer, expected) for answer in actual)
    return Outcome(seconds, loose if engine.kind == BY_HAND else strict, alike=not loose)


def _first(problems: Iterable[str]) -> str:
    return next(filter(None, problems), "")


def _facts(options: argparse.Namespace) -> list[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = [{"spark": "pyspark"}.get(b, b) for b in options.backends]
    packages = [*PACKAGES, *(n for n in names if n not in PACKAGES)]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    facts = [
        f"{cores} cores, {_physical_memory() / 2**30:.0f} GiB, {platform.machine()},"
        f" {platform.system()}",
        f"Python {platform.python_version()}, {versions}",
        f"median of {options.repeat} repeats, in seconds, from reading Parquet to the answer in"
        " memory; the operating system's file cache is warm",
    ]
    if options.isolate:
        facts.append(
            "each query in a new process, one process at a time; 'did not finish': more than"
            f" {options.memory / 2**30:.1f} GiB or {options.timeout:g} s; of plain pandas:"
            f" {options.plain_memory / 2**30:.1f} GiB or {options.plain_timeout:g} s"
        )
    if options.fireducks:
        facts.append(f"FireDucks in an environment of its own: {_versions(options.fireducks)}")
    return facts


def _versions(python: str) -> str:
    code = (
        "from importlib.metadata import version\n"
        "print(', '.join(f'{p} {version(p)}' for p in ('fireducks', 'pandas', 'pyarrow')))"
    )
    result = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return result.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
