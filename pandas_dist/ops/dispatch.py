"""Which way a call goes: pandas' own method, or a rule of an engine (``ops.calls``).

Frames in memory need this module and none of the plan's, whose names arrive at their first use.
"""

from __future__ import annotations

import functools
import inspect
import os
import stat
import sys
from copy import deepcopy
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import pandas

from pandas_dist import callers, chained, config, gains
from pandas_dist.interrupts import imported
from pandas_dist.local_mode import is_local_mode
from pandas_dist.pandas_private import (
    NDFrame,
    copy_on_write,
    manager_of,
    mgr_bytes,
    shallow_frame,
    shallow_series,
)

if TYPE_CHECKING:
    from pandas_dist.ops.calls import RULES as RULES
    from pandas_dist.ops.calls import Rule as Rule
    from pandas_dist.ops.calls import adopt as adopt
    from pandas_dist.ops.calls import call_function as call_function
    from pandas_dist.ops.calls import call_method as call_method
    from pandas_dist.ops.calls import call_setter as call_setter
    from pandas_dist.ops.calls import held as held
    from pandas_dist.ops.calls import make as make
    from pandas_dist.ops.calls import plan_of as plan_of
    from pandas_dist.ops.calls import present as present
    from pandas_dist.ops.calls import rebind as rebind
    from pandas_dist.ops.calls import rule as rule

PlainFrame, PlainSeries = pandas.DataFrame, pandas.Series


def __getattr__(name: str) -> Any:
    """The names of ``ops.calls``, which brings the plan along, at their first use."""
    if name.startswith("__"):
        raise AttributeError(name)
    value = globals()[name] = getattr(imported("pandas_dist.ops.calls"), name)
    return value


def lazy_engine() -> bool:
    """Whether calls go to an engine now (not in user functions, not plain pandas)."""
    return config.engine_name() != "pandas" and not is_local_mode()


def by_engine(obj: Any, caller: FrameType) -> bool:
    """Whether a method of ``obj`` called by ``caller`` goes to the engine.

    Not for classes that users derive from ours, nor for calls that pandas itself makes
    on an object it was handed: pandas then works on the manager, as on its own objects.
    """
    engine = config.engine_name()
    is_local = "_mgr" in obj.__dict__
    if engine == "pandas" or (engine == "auto" and is_local):
        return False
    if is_local_mode():
        return False
    if "_pandas_dist" not in type(obj).__dict__ or callers.is_pandas(caller):
        return False
    if engine == "auto":
        # What is here already and small is LOCAL from here on.
        return not gains.is_small(obj) or obj._mgr is None
    return not is_local or not below_minimum(obj._mgr)


def below_minimum(mgr: Any) -> bool:
    """Whether data in memory are too few for an engine (``PANDAS_DIST_MIN_BYTES``)."""
    least = config.options.min_bytes
    return least > 0 and mgr_bytes(mgr) < least


# -- between handles and plain objects ----------------------------------------------------


def bare(obj: Any) -> Any:
    """A plain pandas object around a LOCAL object's manager."""
    mgr = manager_of(obj)
    if isinstance(obj, PlainFrame):
        plain: Any = shallow_frame(mgr)
    else:
        plain = shallow_series(mgr, obj.__dict__.get("_name"))
    if obj.__dict__.get("_attrs"):
        plain.attrs = obj.__dict__["_attrs"]
    return plain


def is_ours(obj: Any) -> bool:
    return isinstance(obj, NDFrame) and hasattr(type(obj), "_pandas_dist")


def collected(obj: Any) -> Any:
    """The plain, shared result of one of our objects: read only, by our own code."""
    if "_plan" not in obj.__dict__:
        return bare(obj)
    from pandas_dist.ops import calls

    return calls.result_of(obj)


def plain(obj: Any, private: bool = True) -> Any:
    """A plain pandas object that pandas may do anything with."""
    shared = collected(obj)
    result = shared.copy(deep=private and not copy_on_write())
    if obj.__dict__.get("_attrs"):
        result.attrs = deepcopy(obj.__dict__["_attrs"])
    flags = obj.__dict__.get("_flags")
    if flags is not None and not flags.allows_duplicate_labels:
        result.flags.allows_duplicate_labels = False
    return result


def to_plain(value: Any) -> Any:
    """Arguments for pandas: our objects inside containers become plain ones."""
    if isinstance(value, NDFrame):
        return plain(value) if is_ours(value) else value
    kind = type(value)
    if kind in (list, tuple):
        return kind(to_plain(v) for v in value)
    if kind is dict:
        return {k: to_plain(v) for k, v in value.items()}
    groupby = getattr(kind, "_pandas_dist_groupby", None)
    return value.to_pandas() if groupby else value


def wrap_plain(obj: Any) -> Any:
    """A plain pandas object as ours: LAZY where calls go to an engine."""
    if config.engine_name() != "auto" and lazy_engine() and not below_minimum(manager_of(obj)):
        from pandas_dist.ops import calls

        ours = calls.lazy(obj)
    else:
        ours = local(obj)
    if obj.attrs:
        ours.__dict__["_attrs"] = obj.attrs
    if not obj.flags.allows_duplicate_labels:
        ours.flags.allows_duplicate_labels = False
    return ours


def local(obj: Any) -> Any:
    """A plain pandas object as ours, LOCAL."""
    from pandas_dist.frame import DataFrame
    from pandas_dist.series import Series

    mgr = manager_of(obj)
    is_frame = isinstance(obj, PlainFrame)
    cls: Any = DataFrame if is_frame else Series
    ours = cls._from_mgr(mgr, axes=mgr.axes)
    if not is_frame:
        object.__setattr__(ours, "_name", obj.name)
    return ours


def wrap_result(result: Any) -> Any:
    """pandas' results as ours: frames and series, also inside containers."""
    kind = type(result)
    if kind is PlainFrame or kind is PlainSeries:
        return wrap_plain(result)
    if kind is tuple:
        if any(isinstance(v, (NDFrame, list, tuple)) for v in result):
            return tuple(map(wrap_result, result))
    # Objects come with objects: a list of values is not looked through.
    elif kind is list:
        if result and isinstance(result[0], NDFrame):
            return list(map(wrap_result, result))
    elif kind is dict and result and isinstance(next(iter(result.values())), NDFrame):
        return {k: wrap_result(v) for k, v in result.items()}
    return result


# -- calls ---------------------------------------------------------------------------------

# Functions that choose an engine by the size of a file, and the parameter with its path.
READERS = {
    "read_parquet": "path",
    "read_csv": "filepath_or_buffer",
    "read_table": "filepath_or_buffer",
}
SMALL_FILE = 1 << 20
UNPACKED = 16  # times its size a packed text file may have in memory


def is_for_engine(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function under ``auto`` reads a file that is not small or meets a LAZY object."""
    if name in READERS:
        return not is_small_read(name, args[0] if args else kwargs.get(READERS[name]), kwargs)
    return any(map(holds_lazy, args)) or any(map(holds_lazy, kwargs.values()))


def is_small_read(name: str, source: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a reader's file is small, or none at all, and read as a whole.

    A text file is small as far as data in memory are; one of Parquet may hold far more.
    """
    if "chunksize" in kwargs or "iterator" in kwargs:
        return False
    if not isinstance(source, (str, os.PathLike)):
        return hasattr(source, "read")
    try:
        found = os.stat(source)
    except (OSError, ValueError):
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size >= config.least_bytes():
        return False
    if found.st_size < SMALL_FILE:
        return True
    return name != "read_parquet" and found.st_size * UNPACKED < config.options.memory_limit


def holds_lazy(value: Any) -> bool:
    """Whether a value is a LAZY object of ours, or holds one where pandas would look."""
    if isinstance(value, NDFrame):
        return is_ours(value) and "_plan" in value.__dict__
    kind = type(value)
    if kind is dict:
        return any(map(holds_lazy, value.values()))
    if kind is list or kind is tuple:
        # Objects come with objects: a list of values is not looked through.
        first = value[0] if value else None
        nested = isinstance(first, (NDFrame, list, tuple, dict))
        return nested and any(map(holds_lazy, value))
    return False


def has_lazy(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a small LOCAL object meets a LAZY one: then both go to the engine."""
    for value in args:
        if isinstance(value, NDFrame) and "_plan" in value.__dict__:
            break
    else:
        if not kwargs or not any(map(_is_lazy, kwargs.values())):
            return False
    return config.options.min_bytes > 0 and lazy_engine() and "_pandas_dist" in type(self).__dict__


def _is_lazy(value: Any) -> bool:
    return isinstance(value, NDFrame) and "_plan" in value.__dict__


# Operators of two: Python calls them with one operand, by position.
BINARY = frozenset(
    [
        f"__{reflected}{name}__"
        for name in "add sub mul truediv floordiv mod pow and or xor matmul".split()
        for reflected in ("", "r")
    ]
    + "__eq__ __ne__ __lt__ __le__ __gt__ __ge__".split()
)


def dispatched(owner: str, name: str, method: Any) -> Any:
    """The public method: pandas' own on LOCAL objects, a rule where an engine is chosen.

    In the usual case, where no object has a plan, that costs a look at one flag.
    """
    make = _binary if name in BINARY else _method
    call = functools.wraps(method)(make(owner, name, method))
    code = method.__code__
    if owner == "DataFrame" and "axis" in code.co_varnames[: _named(code)]:
        # ``apply("sum", axis=1)`` looks for the argument, and not through ``__wrapped__``.
        call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return call


def _named(code: CodeType) -> int:
    return code.co_argcount + code.co_kwonlyargcount


def _method(owner: str, name: str, method: Any) -> Any:
    counts = name in chained.METHODS
    gains_from = gains.METHODS.get((owner, name), 0)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if counts and (kwargs.get("inplace") is True or name == "update"):
            references = sys.getrefcount(self)
            if references <= chained.REFERENCES_METHOD + 1:
                chained.method(self, name, references, sys._getframe(1))
        if not config._idle and _is_for_engine(self, args, kwargs, sys._getframe(1)):
            from pandas_dist.ops.calls import call_method

            return call_method(owner, name, method, self, args, kwargs)
        if gains_from and gains.applies(self, sys._getframe(1), gains_from):
            result = _gaining(name)(method, self, args, kwargs)
            if result is not NotImplemented:
                return result
        result = method(self, *args, **kwargs)
        kind = type(result)
        if (
            kind is PlainFrame
            or kind is PlainSeries
            or kind is tuple
            or kind is list
            or kind is dict
        ):
            return wrap_result(result)
        return result

    return call


def _gaining(name: str) -> Any:
    """A method of large data in memory; it gives NotImplemented where it is pandas' to run."""
    if name == "value_counts":
        from pandas_dist.ops import frequencies

        return frequencies.value_counts
    from pandas_dist.ops import promoted_numbers

    if name in promoted_numbers.METHODS:
        return promoted_numbers.METHODS[name]
    from pandas_dist.ops import promoted, promoted_rows

    return promoted.METHODS.get(name) or promoted_rows.METHODS[name]


def _binary(owner: str, name: str, method: Any) -> Any:
    def call(self: Any, other: Any) -> Any:
        if not config._idle and _is_for_engine(self, (other,), {}, sys._getframe(1)):
            from pandas_dist.ops.calls import call_method

            return call_method(owner, name, method, self, (other,), {})
        result = method(self, other)
        kind = type(result)
        return wrap_result(result) if kind is PlainFrame or kind is PlainSeries else result

    return call


def _is_for_engine(
    self: Any, args: tuple[Any, ...], kwargs: dict[str, Any], caller: FrameType
) -> bool:
    """Whether a call goes to a rule: of a LAZY object, or of one that meets a LAZY one."""
    engine = config._engine or config.engine_name()
    if engine == "pandas":
        return False
    in_memory = engine == "auto" and "_mgr" in self.__dict__
    if not in_memory and by_engine(self, caller):
        return True
    return bool(args or kwargs) and has_lazy(self, args, kwargs)


# Before the methods are made, which share their code.
callers.attribute_warnings(sys.modules[__name__])
