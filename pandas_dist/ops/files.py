"""What lazily read files have in common: they must not change before they are read."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pandas_dist.ops.places import information, is_url
from pandas_dist.plan.relations import Scan

ADVICE = "read it again, or call .dist.persist() before changing it"


class FileChangedError(OSError):
    """A file that a plan reads was changed or removed between read and execution."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a file was when it was opened; ``changed``: the time of its inode's last change."""

    path: str
    size: int
    mtime: int
    inode: int
    changed: int = 0

    @classmethod
    def of(cls, path: str) -> Pin:
        """The file as it is now.  OSError if it cannot be looked at."""
        if is_url(path):
            known = information(path)
            return cls(path, known.size, known.mtime_ns or 0, 0)
        stat = os.stat(path)
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns)

    def verify(self, elsewhere: bool = False) -> None:
        """Raise FileChangedError unless the file is the one that was opened.

        ``elsewhere``: called by a task, perhaps on another machine, whose inodes may differ.
        """
        try:
            now = Pin.of(self.path)
        except FileNotFoundError:
            raise FileChangedError(
                f"{self.path} was removed after it was opened and before its rows were needed; "
                f"keep it until the results are computed, or {ADVICE}"
            ) from None
        same = (now.size, now.mtime) == (self.size, self.mtime)
        if not same or (now.inode != self.inode and not elsewhere):
            raise FileChangedError(
                f"{self.path} was changed after it was opened and before its rows were needed; "
                + ADVICE
            )


# Per source: what makes a scan of it, without keeping the source alive.
_live: weakref.WeakKeyDictionary[Any, tuple[Any, ...]] = weakref.WeakKeyDictionary()


def register(scan: Scan) -> Scan:
    """Remember a scan of files that this process itself may be told to overwrite."""
    _live[scan.source] = (scan.names, scan.fields, scan.state)
    return scan


def scans_of(path: str) -> Iterator[Scan]:
    """The live scans that read ``path``, or files below it."""
    target = os.path.realpath(path)
    for source, (names, fields, state) in list(_live.items()):
        files = [os.path.realpath(pin.path) for pin in source.pins]
        if any(f == target or f.startswith(target + os.sep) for f in files):
            yield Scan(source, names, fields, state=state)


def local_path(path: Any) -> str | list[str] | None:
    """Paths as text; None for anything else."""
    if isinstance(path, list):
        paths = [local_path(one) for one in path]
        return paths if all(isinstance(one, str) for one in paths) else None  # type: ignore[return-value]
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    return name if isinstance(name, str) else None
