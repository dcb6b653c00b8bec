"""Ctrl-C while a package is imported: it waits for the import's end.

An import that breaks off leaves parts of its package behind, and Python cannot import many a large
package again: every later operation of the session would fail.  Engines are imported in the middle
of the first operation, where a user may well press Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType, ModuleType


@contextmanager
def held_back() -> Iterator[None]:
    """An interrupt reaches the handler at the end.  Only the main thread is interrupted."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(signal.SIGINT, came[-1])


def imported(name: str) -> ModuleType:
    """A module, imported to its end."""
    if name in sys.modules:
        return import_module(name)
    with held_back():
        return import_module(name)


__all__ = ["held_back", "imported"]
