"""``.str`` of text in memory: some methods by an engine, or by pandas' own values in another way.

pandas makes its own accessor, with its own checks and errors; a subclass sends the methods
that gain to an engine (``ops.promoted``).  For fewer rows, Python's own functions of str give
the answers without a Python function in between, which is what takes pandas' time.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from itertools import repeat
from operator import contains
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import callers, gains
from pandas_dist.ops import dispatch
from pandas_dist.pandas_private import TextMethods

SPECIAL = frozenset(".^$*+?{}[]\\|()")  # a pattern without them is searched as it is


class Strings(TextMethods):
    """pandas' ``.str`` of a large column."""

    _series: Any


def accessor(series: Any) -> Any:
    """The ``.str`` of a large column of text; None where pandas' own will do."""
    dtype: Any = series.dtype
    # Of the nullable dtype, answers are nullable too, and pandas' own.
    strings = isinstance(dtype, pd.StringDtype) and dtype.na_value is not pd.NA
    if series.dtype != object and not (strings and gains.enough([series], 1)):
        return None
    found = Strings(series)
    found.__dict__["_series"] = series
    return found


def _method(name: str, method: Any) -> Any:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Of an accessor that is held the values may have been changed since the look at them.
        held = sys.getrefcount(self) > gains.TEMPORARY
        if (
            not held
            and self.complete is not False
            and gains.applies(self._series, sys._getframe(1), gains.LESS)
        ):
            result = _answer(self, name, args, kwargs)
            if result is not NotImplemented:
                return result
        return method(self, *args, **kwargs)

    return call


def _answer(found: Strings, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The answer of an engine or of Python's str; NotImplemented where pandas has to give it."""
    series = found._series
    column = dispatch.bare(series)
    if gains.enough([column], 1):
        from pandas_dist.ops import promoted

        result = promoted.through(found, "str", name, args, kwargs)
        if result is not NotImplemented:
            return result
    if column.dtype != object:
        return NotImplemented
    values = column.tolist()
    answers = _each(values, name, args, kwargs)
    if answers is None:
        return NotImplemented
    kind = np.int64 if name == "len" else np.bool_
    given: Any = np.fromiter(answers, kind, len(values))
    return dispatch.local(pd.Series(given, index=series.index, name=series.name))


def _each(
    values: list[str], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[Any] | None:
    """The answer for each text; None for arguments that are pandas' to look at."""
    if name == "len":
        return None if args or kwargs else map(len, values)
    if len(args) != 1:
        return None
    pattern = args[0]
    if name == "contains":
        regex = kwargs.get("regex", True)
        usual = type(pattern) is str and type(regex) is bool and not kwargs.keys() - {"regex"}
        if not usual or (regex and not SPECIAL.isdisjoint(pattern)):
            return None
        return map(contains, values, repeat(pattern))
    several = pattern if type(pattern) is tuple else (pattern,)
    if kwargs or not all(type(part) is str for part in several):
        return None
    return map(getattr(str, name), values, repeat(pattern))


for _name in sorted(gains.TEXT):
    setattr(Strings, _name, _method(_name, getattr(TextMethods, _name)))
_base = TextMethods.__mro__[1]
Strings.__name__, Strings.__qualname__ = _base.__name__, _base.__qualname__
Strings.__module__ = _base.__module__
callers.attribute_warnings(sys.modules[__name__])
