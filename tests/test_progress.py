"""The line that tells how long an engine has been running."""

from __future__ import annotations

import contextlib
import io
import re
import time
from typing import Any

import pandas
import pytest

import pandas_dist as pd
from pandas_dist import backends, progress
from pandas_dist.backends.dask import parts
from pandas_dist.config import options


class Stderr(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.05)
    monkeypatch.setattr(progress, "EACH", 0.05)


def shown(backend: str, terminal: bool = True, error: bool = False) -> str:
    """What is written while something is collected, and the engine takes its time."""
    with options.context(backend=backend), pytest.MonkeyPatch.context() as patch:
        engine: Any = backends.current().__class__
        keep = engine.collect

        def collect(*args: Any) -> Any:
            time.sleep(0.3)
            if error:
                raise ZeroDivisionError
            return keep(*args)

        patch.setattr(engine, "collect", collect)
        stderr = Stderr(terminal)
        df = pd.DataFrame({"x": range(9)})
        lazy = df[df["x"] > 3]["x"] * 2
        with contextlib.redirect_stderr(stderr), contextlib.suppress(ZeroDivisionError):
            assert pandas.Series(lazy).tolist() == [8, 10, 12, 14, 16]
    assert progress.current() is None
    return stderr.getvalue()


@pytest.mark.parametrize("backend", ["polars", "dask"])
def test_a_line_while_it_takes_long(backend: str) -> None:
    lines = shown(backend).split("\r")
    assert re.fullmatch(rf"pandas_dist: {backend}, \d s", lines[1].rstrip())
    assert lines[-2].strip() == lines[-1] == ""


def test_gone_after_an_error() -> None:
    assert shown("polars", error=True).endswith(" \r")


def test_no_line_without_a_terminal() -> None:
    assert shown("polars", terminal=False) == ""
    with options.context(progress="on"):
        assert shown("polars", terminal=False) != ""
    with options.context(progress="off"):
        assert shown("polars") == ""


def test_dask_tells_its_tasks() -> None:
    stderr = Stderr(terminal=True)
    tasks = parts.Parts(tuple(parts.call(time.sleep, 0.03) for _ in range(20)))
    with options.context(backend="dask"), contextlib.redirect_stderr(stderr), progress.execution():
        parts.compute(tasks)
    assert re.search(r"pandas_dist: dask, [1-9]\d* of \d+ tasks, \d s", stderr.getvalue())
