"""A pytest plugin: one line of JSON per test, and an end to files that take too long.

It stands alone, because it runs in the temporary directory with the copied tests.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from typing import Any

_OUTPUT = os.environ["PANDAS_SUITE_REPORT"]
_LIMIT = float(os.environ.get("PANDAS_SUITE_TIMEOUT", "300"))
_worst: dict[str, tuple[str, str]] = {}
_file = ""


def _write(kind: str, name: str, outcome: str = "", why: str = "") -> None:
    with open(_OUTPUT, "a", encoding="utf-8", errors="backslashreplace") as out:
        out.write(json.dumps([kind, name, outcome, why]) + "\n")


def pytest_runtest_logstart(nodeid: str, location: Any) -> None:
    global _file
    file = nodeid.partition("::")[0]
    if file != _file:
        _file = file
        _write("file", file)
        # The process ends; the runner goes on with the files that are left.
        faulthandler.dump_traceback_later(_LIMIT, exit=True, file=sys.__stderr__)


def pytest_runtest_logreport(report: Any) -> None:
    if report.when == "call" or report.outcome != "passed":
        outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        if _worst.get(report.nodeid, ("passed", ""))[0] in ("passed", "skipped"):
            _worst[report.nodeid] = (outcome, _reason(report))
    if report.when == "teardown":
        outcome, why = _worst.pop(report.nodeid, ("passed", ""))
        _write("test", report.nodeid, outcome, why)


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        _write("broken", report.nodeid, "failed", _reason(report))


def pytest_sessionfinish(session: Any) -> None:
    _write("end", "")


def _reason(report: Any) -> str:
    if report.outcome != "failed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)[-300:]
    return " ".join(text.split())[:400]
