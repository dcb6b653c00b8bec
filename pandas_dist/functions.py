"""The module-level functions of pandas, wrapped to accept and return our frames."""

from __future__ import annotations

import importlib
import operator
import sys
from collections.abc import Callable
from types import FrameType, FunctionType, ModuleType
from typing import Any, cast

import pandas
import wrapt

from pandas_dist import mirror
from pandas_dist.config import engine_name

# ops.dispatch, from the first call on: it brings the frames along.
_dispatch: ModuleType | None = None


def _load() -> ModuleType:
    global _dispatch
    _dispatch = importlib.import_module("pandas_dist.ops.dispatch")
    return _dispatch


class PandasFunction(wrapt.FunctionWrapper):
    """A pandas function that accepts and returns our frames.

    Everything that can be asked of it (signature, documentation, source) is pandas' own; its
    pickle is that of the pandas function, so that a reader needs no pandas_dist.
    """

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return operator.itemgetter(0), ((self.__wrapped__,),)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.__reduce_ex__(2)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __copy__(self) -> PandasFunction:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> PandasFunction:
        return self


def _stays(dispatch: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call is pandas' own: no engine, or under ``auto`` nothing for one."""
    engine = engine_name()
    return engine == "pandas" or (
        engine == "auto" and not dispatch.is_for_engine(name, args, kwargs)
    )


@wrapt.decorator(proxy=PandasFunction)
@mirror.count_as_pandas
def _through_dispatch(
    wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    dispatch = _dispatch or _load()
    if _stays(dispatch, wrapped.__name__, args, kwargs):
        return dispatch.wrap_result(wrapped(*args, **kwargs))
    return dispatch.call_function(wrapped.__name__, wrapped, args, kwargs)


@wrapt.decorator(proxy=PandasFunction)
@mirror.count_as_pandas
def _eval_through_dispatch(
    wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    # pandas looks for the expression's names `level` frames above its caller, which should be
    # the user: hand that frame's names over, however many of our frames lie in between.
    given = dict(zip(_EVAL_PARAMETERS, args), **kwargs)
    if len(given) == len(args) + len(kwargs):  # else pandas has a TypeError to raise
        frame = caller(given.get("level", 0))
        if given.get("local_dict") is None:
            given["local_dict"] = frame.f_locals
        if given.get("global_dict") is None:
            given["global_dict"] = frame.f_globals
        args, kwargs = (), given
    dispatch = _dispatch or _load()
    if _stays(dispatch, "eval", args, kwargs):
        return dispatch.wrap_result(wrapped(*args, **kwargs))
    return dispatch.call_function("eval", wrapped, args, kwargs)


def caller(level: int = 0) -> FrameType:
    """The frame `level` above the one that called the wrapped function whose wrapper asks."""
    frame = sys._getframe(2)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("wrapt."):
        frame = frame.f_back  # there only when wrapt runs without its C extension
    for _ in range(level):
        frame = frame.f_back or frame
    return frame


_EVAL_PARAMETERS = tuple(pandas.eval.__code__.co_varnames[: pandas.eval.__code__.co_argcount])
_wrappers: dict[int, PandasFunction] = {}


def wrapped(function: FunctionType) -> PandasFunction:
    """One wrapper per function: pandas' aliases (isna, isnull) stay the same object."""
    wrapper = _wrappers.get(id(function))
    if wrapper is None:
        decorate = _eval_through_dispatch if function is pandas.eval else _through_dispatch
        wrapper = _wrappers.setdefault(id(function), cast(PandasFunction, decorate(function)))
    return wrapper


def unwrapped(function: Any) -> Any:
    """The inverse of `wrapped`; any other function as it is."""
    return function.__wrapped__ if type(function) is PandasFunction else function
