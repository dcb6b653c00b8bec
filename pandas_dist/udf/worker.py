"""The calls of a function that another process makes."""

from __future__ import annotations

import decimal
import locale
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.udf import pool
from pandas_dist.udf.packing import pack, unpack_data
from pandas_dist.udf.task import BATCH, Task, kept, portable


@dataclass(frozen=True)
class Environment:
    """Settings of the process that a function's result may depend on."""

    options: dict[str, Any]
    errors: dict[str, Any]
    context: decimal.Context
    locale: str
    timezone: str | None
    recursion: int

    @classmethod
    def captured(cls) -> Environment:
        return cls(
            {name: pd.get_option(name) for name in _OPTIONS},
            {**np.geterr()},
            decimal.getcontext().copy(),
            locale.setlocale(locale.LC_ALL),
            os.environ.get("TZ"),
            sys.getrecursionlimit(),
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """In a worker only: the settings of the process are changed for good."""
        sys.setrecursionlimit(self.recursion)
        decimal.setcontext(self.context.copy())
        if locale.setlocale(locale.LC_ALL) != self.locale:
            locale.setlocale(locale.LC_ALL, self.locale)
        if os.environ.get("TZ") != self.timezone and hasattr(time, "tzset"):
            os.environ.pop("TZ", None)
            if self.timezone is not None:
                os.environ["TZ"] = self.timezone
            time.tzset()
        pairs = [part for pair in self.options.items() for part in pair]
        with pd.option_context(*pairs), np.errstate(**self.errors):
            yield


# those that change values; other ones are deprecated (reading them warns) or only for display
_OPTIONS = ["mode.string_storage"]
if pd.__version__.startswith("2."):
    _OPTIONS += ["mode.copy_on_write", "mode.chained_assignment"]
    _OPTIONS += ["future.infer_string", "future.no_silent_downcasting"]


@dataclass
class Chunk:
    """What the calls for a chunk returned, packed; stopped: the next call raised, or no copy of
    a result can stand for it; warned: positions of calls that warned."""

    raw: bytes | None
    stopped: bool
    warned: list[int]


class _Stop(BaseException):
    pass


class _Results:
    """What calls return, packed on the way where that saves objects."""

    def __init__(self, shares: bool, method: str) -> None:
        self.shares = shares
        self.method = method
        self.packs: list[Any] = []
        self.batch: list[Any] = []
        self.count = 0

    def add(self, result: Any, row: Any) -> None:
        if isinstance(result, pd.Series):
            result = kept(result, row)
            if len(self.batch) >= BATCH:
                self.flush()
        self.batch.append(result)
        self.count += 1

    def flush(self) -> None:
        """Raises _NotPortable where a copy of a result cannot stand for it."""
        batch, self.batch = self.batch, []
        if not portable(batch, self.shares, self.method):
            raise _NotPortable
        self.packs.append(pack(batch))


class _NotPortable(Exception):
    pass


def run_chunk(data: Any, calls: int, task: Task, shares: bool, environment: Environment) -> Chunk:
    """Make pandas' `calls` calls for a chunk of the data and keep what they return."""
    results = _Results(shares, task.method)
    warned: list[int] = []
    with environment.applied(), warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        func, size, keep = task.func, calls, results.add

        def collect(*args: Any, **kwargs: Any) -> None:
            try:
                result = func(*args, **kwargs)
            except Exception as error:  # not hidden: the caller makes this call again
                raise _Stop from error
            if log:
                warned.append(results.count)
                log.clear()
            keep(result, args[0])
            if results.count == size:
                raise _Stop  # the results here need no frame around them

        try:
            with suppress(_Stop):
                task.call_each(unpack_data(data), collect)
            results.flush()
        except _NotPortable:
            return Chunk(None, True, [])
    try:
        return Chunk(pool.dumps(results.packs), results.count < calls, warned)
    except pool.PICKLE_ERRORS:
        return Chunk(None, True, [])
