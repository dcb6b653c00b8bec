"""Ctrl-C while a package is imported, and errors that pass."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import pytest
from strict import assert_same

import pandas_dist
from pandas_dist import backends, interrupts
from pandas_dist.config import options

MODULE = (
    "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(999): done = True\n"
)


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that is interrupted while it is imported."""
    found = f"interrupted_{tmp_path.name}"
    (tmp_path / f"{found}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return found


def test_an_import_is_finished(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupts.imported(name)
    assert sys.modules[name].done
    assert signal.getsignal(signal.SIGINT) is before
    assert interrupts.imported(name) is sys.modules[name]
    monkeypatch.delitem(sys.modules, name)


def test_the_scripts_own_handler_is_told() -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    try:
        with interrupts.held_back():
            signal.raise_signal(signal.SIGINT)
            assert not told
        assert told == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_threads_import_as_ever() -> None:
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(interrupts.imported("colorsys")))
    thread.start()
    thread.join()
    assert found == [sys.modules["colorsys"]]


@pytest.mark.parametrize("error", [ConnectionError("lost"), MemoryError("too little")])
def test_an_error_that_passes_is_not_kept(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    with options.context(backend="polars"):
        df = pandas_dist.DataFrame({"a": [1, 2, 3]})
        some = df[df["a"] > 1]
        with monkeypatch.context() as patch:
            patch.setattr(type(backends.current()), "collect", fail)
            with pytest.raises(type(error)):
                some.to_numpy()
        assert_same(some["a"].tolist(), [2, 3])
        assert some.to_numpy().tolist() == [[2], [3]]
