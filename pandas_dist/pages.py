"""Arrays for results, in pages of the usual size.

NumPy asks the kernel for large pages.  On virtual machines that give free memory back to their
host, those cost several times as much when they are touched first (for 400 MB on such a machine,
0.6 to 1.2 s, and 0.24 s in small pages), and gain nothing for columns that are walked through.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    from numpy._core import multiarray
except ImportError:  # NumPy 1
    from numpy.core import multiarray  # type: ignore[no-redef]

_private: Any = multiarray
_ask_for_large = _private._set_madvise_hugepage
_lock = threading.Lock()
_inside = 0
_before = True


@contextmanager
def small_pages() -> Iterator[None]:
    """New arrays have small pages meanwhile, those of all threads of the process."""
    global _inside, _before
    with _lock:
        if not _inside:
            _before = _ask_for_large(False)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _ask_for_large(_before)
