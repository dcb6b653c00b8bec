"""pandas' own tests through pandas_dist: ``python -m tests.third_party.pandas_suite``.

Folders of the installed pandas' test suite are copied to a temporary directory, once as they
are and once with ``import pandas`` replaced by ``import pandas_dist``; ``pandas._testing`` and
private modules stay pandas' own.  A test counts if it passes on plain pandas.  ``report`` writes
``benchmarks/results/pandas-suite.md`` from the runs that are stored.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas

PANDAS = Path(str(pandas.__file__)).parent
HERE = Path(__file__).parent
FOLDERS = (
    "frame/methods frame/indexing series/methods series/indexing series/accessors strings "
    "reductions groupby reshape window resample copy_view io/parser/common io/parser/usecols"
).split()
BACKENDS = ("pandas", "dask")

# pandas' settings that decide about an outcome.
SETTINGS = """[pytest]
addopts = --strict-markers -p no:cacheprovider -p reporter --continue-on-collection-errors
xfail_strict = true
markers =
    single_cpu
    slow
    network
    db
    clipboard
    arm_slow
    skip_ubsan
filterwarnings =
    error:::pandas
    error::ResourceWarning
    ignore:.*fallback.*::pandas_dist
"""


@dataclass
class Outcomes:
    """Of one run: outcome and reason by test, and files that could not be run to their end."""

    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def passed(self) -> set[str]:
        return {name for name, (outcome, _) in self.tests.items() if outcome == "passed"}


def replaced(source: str) -> str:
    """A test module's text with pandas' public namespace taken from pandas_dist."""
    source = re.sub(r"^(\s*)import pandas( as pd)$", r"\1import pandas_dist\2", source, flags=re.M)
    source = re.sub(r"^(\s*)import pandas$", r"\1import pandas_dist as pandas", source, flags=re.M)
    return re.sub(r"^(\s*)from pandas import ", r"\1from pandas_dist import ", source, flags=re.M)


def copy_suite(target: Path, ours: bool) -> None:
    """All tests, so that folders find their neighbours' helpers and fixtures."""
    shutil.copytree(PANDAS / "tests", target / "suite", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(PANDAS / "conftest.py", target / "conftest.py")
    shutil.copy(HERE / "reporter.py", target / "reporter.py")
    (target / "pytest.ini").write_text(SETTINGS)
    for path in target.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\bpandas\.tests\b", "suite", text)
        path.write_text(replaced(text) if ours else text, encoding="utf-8")


def test_files(root: Path, paths: Iterable[str]) -> list[str]:
    """Files below folders of the suite, relative to the temporary directory."""
    found: list[str] = []
    for path in paths:
        start = root / "suite" / path.partition("::")[0]
        if start.is_dir():
            found += [str(p.relative_to(root)) for p in sorted(start.rglob("test_*.py"))]
        else:
            found.append(f"suite/{path}")
    return found


def run(root: Path, files: list[str], backend: str | None, timeout: float) -> Outcomes:
    """Run files in one process; after a crash or a file without end, go on behind it."""
    outcomes, left = Outcomes(), list(files)
    while left:
        before = len(left)
        left = _run_once(root, left, backend, timeout, outcomes)
        if len(left) == before:
            outcomes.broken[left.pop(0)] = "pytest did not start"
    return outcomes


def _run_once(
    root: Path, files: list[str], backend: str | None, timeout: float, outcomes: Outcomes
) -> list[str]:
    output = root / "report.jsonl"
    output.unlink(missing_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    env |= {"PANDAS_SUITE_REPORT": str(output), "PANDAS_SUITE_TIMEOUT": str(timeout)}
    inherited = os.environ.get("PYTHONPATH")
    path = [str(root), *([inherited] if inherited else [])]
    env |= {"PYTHONPATH": os.pathsep.join(path), "MPLBACKEND": "Agg"}
    if backend is not None:
        env |= {"PANDAS_DIST_BACKEND": backend, "PANDAS_DIST_FALLBACK": "silent"}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", *files]
    with open(root / "pytest.log", "ab") as log:
        code = subprocess.run(command, cwd=root, env=env, stdout=log, stderr=log).returncode
    seen, ended = _read(output, outcomes)
    if ended:  # a file that takes too long ends the process with 1, as failed tests do
        return []
    last = next((f for f in reversed(seen) if f in _bare(files)), None)
    if last is None:
        return files
    outcomes.broken[last] = f"took more than {timeout:g} s, or ended the process (exit {code})"
    return files[_bare(files).index(last) + 1 :]


def _bare(files: list[str]) -> list[str]:
    return [f.partition("::")[0] for f in files]


def _read(output: Path, outcomes: Outcomes) -> tuple[list[str], bool]:
    """Add a report's lines to the outcomes; the files that were begun, and whether it is all."""
    seen: list[str] = []
    ended = False
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    for kind, name, outcome, why in map(json.loads, lines):
        if kind == "file":
            seen.append(name)
        elif kind == "end":
            ended = True
        elif kind == "broken":
            outcomes.broken[name] = why
        else:
            outcomes.tests[name] = (outcome, why)
    return seen, ended


@dataclass
class Comparison:
    """Tests of one folder that pass on plain pandas, and those that fail through us."""

    folder: str
    passed: int
    failed: dict[str, dict[str, str]]  # backend -> test -> reason


def compare(
    folder: str, paths: list[str], backends: Iterable[str], plain: Path, ours: Path, timeout: float
) -> Comparison:
    """Run a folder on plain pandas and on each backend."""
    files = test_files(plain, paths)
    wanted = run(plain, files, None, timeout).passed()
    failed: dict[str, dict[str, str]] = {}
    for backend in backends:
        got = run(ours, files, backend, timeout)
        failed[backend] = {}
        for name in sorted(wanted):
            file = name.partition("::")[0]
            outcome, why = got.tests.get(name, ("missing", got.broken.get(file, "not collected")))
            if outcome != "passed":
                failed[backend][name] = why or outcome
    return Comparison(folder, len(wanted), failed)


def compare_all(
    folders: Mapping[str, list[str]], backends: Iterable[str], timeout: float = 300
) -> list[Comparison]:
    """Compare each of the named groups of folders and files below pandas/tests."""
    with tempfile.TemporaryDirectory() as name:
        plain, ours = Path(name, "plain"), Path(name, "ours")
        for target in (plain, ours):
            copy_suite(target, ours=target is ours)
        return [
            compare(folder, paths, backends, plain, ours, timeout)
            for folder, paths in folders.items()
        ]


def main(argv: list[str] | None = None) -> int:
    """Run folders, store what was found, and write the report; 1 if an unknown test fails."""
    from tests.third_party import pandas_report

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=FOLDERS)
    parser.add_argument("--backend", action="append", choices=("pandas", "dask", "polars"))
    parser.add_argument("--timeout", type=float, default=300, help="seconds per file")
    parser.add_argument("--store", type=Path, help="a JSON file that collects several runs")
    parser.add_argument("--output", type=Path, help="the report; default: print it")
    options = parser.parse_args(argv)
    folders = {path: [path] for path in options.paths}
    found = compare_all(folders, options.backend or BACKENDS, options.timeout)
    if options.store is not None:
        found = pandas_report.merge_stored(options.store, found)
    text = pandas_report.markdown(found)
    print(text)
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")
    return int(pandas_report.has_unknown(found))


if __name__ == "__main__":
    sys.exit(main())
