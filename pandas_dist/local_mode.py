"""Where our objects behave as plain pandas ones: inside kernels and users' functions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class _Thread(threading.local):
    depth = 0


_thread = _Thread()


@contextlib.contextmanager
def local_mode() -> Iterator[None]:
    """Objects made or used inside (by user functions) behave as plain pandas."""
    depth = _thread.depth
    _thread.depth = depth + 1
    try:
        yield
    finally:
        _thread.depth = depth


def is_local_mode() -> bool:
    """Whether this thread runs a kernel or user function."""
    return _thread.depth > 0
