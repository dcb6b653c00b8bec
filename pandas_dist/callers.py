"""Who called: the user's own line, and whether it is pandas that calls us."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pandas

from pandas_dist.mirror import _renamed

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PANDAS = os.path.dirname(os.path.abspath(str(pandas.__file__))) + os.sep
_SKIP = (_PANDAS, _HERE)
_ROOTS = tuple(os.path.realpath(root) for root in (_HERE, _PANDAS))
_codes: dict[tuple[str, CodeType], CodeType] = {}


def user_site() -> tuple[str, int, int]:
    """File, line and stack level (for ``warnings.warn``) of the caller's own code."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        if not frame.f_code.co_filename.startswith(_SKIP):
            break
        frame = frame.f_back
        level += 1
    return frame.f_code.co_filename, frame.f_lineno, level


def user_frame(level: int = 0) -> FrameType:
    """The frame of the user's own code, or the one ``level`` callers above it."""
    frame = sys._getframe(user_site()[2] - 1)
    for _ in range(level):
        frame = frame.f_back or frame
    return frame


def is_pandas(frame: FrameType) -> bool:
    """Whether a frame runs code of pandas itself."""
    name = frame.f_globals.get("__name__")
    return type(name) is str and name.startswith("pandas.")


def attribute_warnings(*modules: ModuleType) -> None:
    """Let warnings that pandas raises below functions of ``modules`` point at the user's line.

    pandas looks for the first caller whose file is not under its own directory, so our
    functions get a second file name under it, which still opens the right source.
    """
    for module in modules:
        attribute_warnings_of(vars(module).values())


def attribute_warnings_of(values: Iterable[Any]) -> None:
    """The same for single functions and for the methods of classes."""
    for value in list(values):
        _rename(value)
        if isinstance(value, type) and not _is_pandas_own(value):
            for member in list(vars(value).values()):
                _rename(member)


def _is_pandas_own(cls: type) -> bool:
    module = cls.__module__
    if not module.startswith("pandas."):
        return vars(pandas).get(cls.__name__) is cls
    return vars(sys.modules.get(module, pandas)).get(cls.__name__) is cls


def _rename(value: Any) -> None:
    for function in _functions(value):
        code = function.__code__
        if code.co_filename.startswith(_HERE):
            key = (code.co_filename, code)
            if key not in _codes:
                _codes[key] = _renamed(code, _below_pandas(code.co_filename))
            function.__code__ = _codes[key]


@functools.cache
def _below_pandas(file: str) -> str:
    """Another name of one of our files, which begins with pandas' directory."""
    own, theirs = _ROOTS
    path = os.path.join(own, file.removeprefix(_HERE))
    return os.path.join(_PANDAS, os.path.relpath(path, theirs))


def _functions(value: Any) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, property):
        yield from (f for f in (value.fget, value.fset, value.fdel) if isinstance(f, FunctionType))
    elif isinstance(value, (staticmethod, classmethod)) and isinstance(
        value.__func__, FunctionType
    ):
        yield value.__func__
