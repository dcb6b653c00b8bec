"""Threads of this process, for work that leaves the interpreter lock to others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


def ending() -> bool:
    """Whether the script is over and its ``atexit`` functions run: Python starts no pool then."""
    return not threading.main_thread().is_alive()


def pool(workers: int | None = None) -> Executor:
    """That many threads (by default Python's own choice); at the script's end the calling one."""
    return _Calling() if ending() else ThreadPoolExecutor(workers)


class _Calling(Executor):
    """Runs everything at once, where it is asked for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
