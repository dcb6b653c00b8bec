"""The bytes of a file as an array that is read where it is looked at.

A map of the file would end this process, without an exception, if the file became shorter.
"""

from __future__ import annotations

from typing import overload

import numpy as np

from pandas_dist.ops.files import FileChangedError, Pin

_FEW = 16


class FileBytes:
    """What the code that cuts files needs of ``np.memmap(path, np.uint8, mode="r")``.

    FileChangedError where bytes are looked for that are not there any more.
    """

    def __init__(self, pin: Pin) -> None:
        self.pin = pin
        self._last = (0, np.empty(0, np.uint8))

    def __len__(self) -> int:
        return self.pin.size

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice | np.ndarray) -> np.ndarray: ...
    def __getitem__(self, at: int | slice | np.ndarray) -> int | np.ndarray:
        if isinstance(at, slice):
            start, stop, _ = at.indices(len(self))
            # The places that are looked at next are in here, or beside it.
            low = max(0, start - 1)
            self._last = low, self._read(low, min(stop + 1, len(self)))
            return self._last[1][start - low : stop - low]
        if isinstance(at, np.ndarray):
            return self._places(at)
        return int(self._read(at % len(self), at % len(self) + 1)[0])

    def _places(self, at: np.ndarray) -> np.ndarray:
        low, held = self._last
        others = np.flatnonzero((at < low) | (at >= low + len(held)))
        if len(others) > _FEW:
            low = int(at.min())
            return self._read(low, int(at.max()) + 1)[at - low]
        if not len(held):
            return np.array([self[int(place)] for place in at], np.uint8)
        found = held[np.clip(at - low, 0, len(held) - 1)]
        found[others] = [self[int(place)] for place in at[others]]
        return found

    def _read(self, start: int, stop: int) -> np.ndarray:
        count = max(0, stop - start)
        data = np.fromfile(self.pin.path, np.uint8, count, offset=start)
        if len(data) < count:
            self.pin.verify()
            raise FileChangedError(f"{self.pin.path} became shorter while it was read")
        return data


__all__ = ["FileBytes"]
