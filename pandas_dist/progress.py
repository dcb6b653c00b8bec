"""On a terminal, a line on stderr while something takes long.

It names the engine, or what runs beside one, and the seconds since its start, and the tasks done
where the engine tells; it is gone in the end.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from pandas_dist.config import engine_name, options
from pandas_dist.report import counters
from pandas_dist.threads import ending

FIRST, EACH = 2.0, 0.5  # seconds until the line appears, and from one to the next


class Line(threading.Thread):
    """One line, written by a thread of its own."""

    def __init__(self, what: str) -> None:
        super().__init__(name="pandas_dist progress", daemon=True)
        self.what, self.start_time = what, time.monotonic()
        self.tasks = self.done = 0
        self.ended = threading.Event()

    def run(self) -> None:
        width, wait = 0, FIRST
        while not self.ended.wait(wait):
            text, wait = self.text(), EACH
            self.write("\r" + text.ljust(width))
            width = len(text)
        if width:
            self.write("\r" + " " * width + "\r")

    def text(self) -> str:
        done = f", {self.done} of {self.tasks} tasks" if self.tasks else ""
        return f"pandas_dist: {self.what}{done}, {time.monotonic() - self.start_time:.0f} s"

    def write(self, text: str) -> None:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()

    def step(self) -> None:
        """One more task is done."""
        self.done += 1

    def end(self) -> None:
        self.ended.set()
        self.join()


_current: Line | None = None


def current() -> Line | None:
    """The line that is written now, if there is one."""
    return _current


def execution() -> AbstractContextManager[None]:
    """One execution on the current engine, which is counted."""
    counters.executions += 1
    return shown(engine_name())


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Something that may take long; one inside another is a part of it."""
    global _current
    if _current is not None or not is_shown() or ending():
        yield
        return
    line = _current = Line(what)
    line.start()
    try:
        yield
    finally:
        _current = None
        line.end()


def is_shown() -> bool:
    if options.progress != "auto":
        return options.progress == "on"
    return sys.stderr is not None and sys.stderr.isatty()
