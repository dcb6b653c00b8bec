"""The module-level functions of pandas, wrapped to accept and return our frames."""

from __future__ import annotations

import operator
import sys
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import pandas

from pandas_dist import mirror
from pandas_dist.config import engine_name
from pandas_dist.interrupts import imported

# ops.dispatch, from the first call on: it brings the frames along.
_dispatch: ModuleType | None = None


def _load() -> ModuleType:
    global _dispatch
    _dispatch = imported("pandas_dist.ops.dispatch")
    return _dispatch


class PandasFunction:
    """A pandas function that accepts and returns our frames.

    Everything that can be asked of it (signature, documentation, source, class) is pandas' own;
    its pickle is that of the pandas function, so that a reader needs no pandas_dist.  A
    ``wrapt.FunctionWrapper`` does the same, but its import takes as long as a small script's work.
    """

    __slots__ = ("__dict__", "__weakref__", "__wrapped__")

    def __init__(self, function: FunctionType) -> None:
        object.__setattr__(self, "__wrapped__", function)
        # These would be found on the class.
        self.__dict__.update(__doc__=function.__doc__, __module__=function.__module__)

    @mirror.count_as_pandas
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        dispatch, wrapped = _dispatch or _load(), self.__wrapped__
        if _stays(dispatch, wrapped.__name__, args, kwargs):
            return dispatch.wrap_result(wrapped(*args, **kwargs))
        return dispatch.call_function(wrapped.__name__, wrapped, args, kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # type: ignore[override]
        return FunctionType

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __dir__(self) -> list[str]:
        return dir(self.__wrapped__)

    def __eq__(self, other: object) -> bool:
        return bool(self.__wrapped__ == unwrapped(other))

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

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


class PandasEval(PandasFunction):
    """``pandas.eval``, which looks for names in its caller's frame."""

    __slots__ = ()

    @mirror.count_as_pandas
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        # pandas looks for the names `level` frames above its caller, which should be the user:
        # hand that frame's names over, however many of our frames lie in between.
        given = dict(zip(_EVAL_PARAMETERS, args), **kwargs)
        if len(given) == len(args) + len(kwargs):  # else pandas has a TypeError to raise
            frame = caller(given.get("level", 0))
            if given.get("local_dict") is None:
                given["local_dict"] = frame.f_locals
            if given.get("global_dict") is None:
                given["global_dict"] = frame.f_globals
            args, kwargs = (), given
        return PandasFunction.__call__(self, *args, **kwargs)


def _stays(dispatch: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call is pandas' own: no engine, or under ``auto`` nothing for one."""
    engine = engine_name()
    return engine == "pandas" or (
        engine == "auto" and not dispatch.is_for_engine(name, args, kwargs)
    )


def caller(level: int = 0) -> FrameType:
    """The frame `level` above the one that called the wrapper that asks."""
    frame = sys._getframe(2)
    for _ in range(level):
        frame = frame.f_back or frame
    return frame


_EVAL_PARAMETERS = tuple(pandas.eval.__code__.co_varnames[: pandas.eval.__code__.co_argcount])
_wrappers: dict[int, PandasFunction] = {}


def wrapped(function: FunctionType) -> PandasFunction:
    """One wrapper per function: pandas' aliases (isna, isnull) stay the same object."""
    wrapper = _wrappers.get(id(function))
    if wrapper is None:
        kind: Any = PandasEval if function is pandas.eval else PandasFunction
        wrapper = _wrappers.setdefault(id(function), kind(function))
    return wrapper


def unwrapped(function: Any) -> Any:
    """The inverse of `wrapped`; any other function as it is."""
    return function.__wrapped__ if issubclass(type(function), PandasFunction) else function
