"""The table of pandas' tests that fail through pandas_dist, with the reason of each group."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pandas

from tests.third_party import known
from tests.third_party.pandas_suite import Comparison

OTHER = "not yet explained"


def reason_of(test: str, why: str) -> str:
    """The group of a failing test."""
    return known.reason_of(test, why) or OTHER


def merge_stored(store: Path, found: list[Comparison]) -> list[Comparison]:
    """Add runs to those stored earlier; a folder that ran again replaces its earlier run."""
    runs = json.loads(store.read_text()) if store.exists() else {}
    for run in found:
        old = runs.get(run.folder, {"failed": {}})
        runs[run.folder] = asdict(run)
        runs[run.folder]["failed"] = {**old["failed"], **run.failed}
    store.write_text(json.dumps(runs, indent=1, sort_keys=True))
    return [Comparison(**run) for run in runs.values()]


def has_unknown(found: list[Comparison]) -> bool:
    """Whether a test fails for which no reason is known."""
    return any(
        reason_of(test, why) == OTHER
        for run in found
        for tests in run.failed.values()
        for test, why in tests.items()
    )


def markdown(found: list[Comparison]) -> str:
    """Counts per folder, then per reason the files and the number of their tests."""
    backends = sorted({b for run in found for b in run.failed}, reverse=True)
    lines = [
        f"# pandas' own tests, pandas {pandas.__version__}",
        "",
        "Tests that pass on plain pandas, and how many of them fail after `import pandas` has",
        "become `import pandas_dist`. By `python -m tests.third_party.pandas_suite`.",
        "",
        "| folder | pass on pandas | " + " | ".join(f"fail on `{b}`" for b in backends) + " |",
        "| --- | ---: |" + " ---: |" * len(backends),
    ]
    for run in sorted(found, key=lambda r: r.folder):
        counts = [str(len(run.failed[b])) if b in run.failed else "-" for b in backends]
        lines.append(f"| {run.folder} | {run.passed:,} | {' | '.join(counts)} |")
    totals = [f"{sum(len(r.failed.get(b, ())) for r in found):,}" for b in backends]
    lines.append(f"| all | {sum(r.passed for r in found):,} | {' | '.join(totals)} |")
    for backend in backends:
        lines += ["", f"## Failing on `{backend}`", *_reasons(found, backend)]
    return "\n".join(lines) + "\n"


def _reasons(found: list[Comparison], backend: str) -> list[str]:
    groups: dict[str, Counter[str]] = {}
    for run in found:
        for test, why in run.failed.get(backend, {}).items():
            file = test.partition("::")[0].removeprefix("suite/")
            groups.setdefault(reason_of(test, why), Counter())[file] += 1
    lines: list[str] = []
    for reason, files in sorted(groups.items(), key=lambda g: -g[1].total()):
        lines += ["", f"**{files.total():,}: {reason}**", ""]
        lines += [f"- {file}: {n}" for file, n in sorted(files.items())]
    return lines or ["", "None."]
