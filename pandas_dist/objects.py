"""What DataFrame and Series share: the manager that arrives when touched, equality of classes.

A LAZY object has ``_plan`` and no ``_mgr`` in its ``__dict__``.  ``_mgr`` on the
class is a non-data descriptor, so the first touch by anything at all (pandas
internals, NumPy, Arrow, scikit-learn) runs the plan and makes the object LOCAL.
"""

from __future__ import annotations

import types
from typing import Any

import pandas

from pandas_dist.ops import dispatch
from pandas_dist.pandas_private import private_copy

OPERATORS = """
add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow
eq ne lt le gt ge and rand or ror xor rxor neg pos invert abs matmul rmatmul
iadd isub imul itruediv ifloordiv imod ipow iand ior ixor
getitem setitem delitem contains array_ufunc round
""".split()

# Methods that work through others (``pipe``) or are served by the classes themselves.
NOT_WRAPPED = frozenset({"pipe", "keys", "items", "iterrows", "itertuples", "set_flags"})


class Lazy(type):
    """Metaclass: the classes pass for pandas' own in comparisons and instance checks."""

    _pandas_class: type

    def __instancecheck__(cls, obj: Any) -> bool:
        if type.__instancecheck__(cls, obj):
            return True
        return "_pandas_dist" in cls.__dict__ and isinstance(obj, cls._pandas_class)

    def __subclasscheck__(cls, other: type) -> bool:
        if type.__subclasscheck__(cls, other):
            return True
        return "_pandas_dist" in cls.__dict__ and issubclass(other, cls._pandas_class)

    def __eq__(cls, other: object) -> bool:
        if cls is other:
            return True
        return "_pandas_dist" in cls.__dict__ and other is cls._pandas_class

    def __hash__(cls) -> int:
        target = cls._pandas_class if "_pandas_dist" in cls.__dict__ else cls
        return type.__hash__(target)

    def __repr__(cls) -> str:
        target = cls._pandas_class if "_pandas_dist" in cls.__dict__ else cls
        return type.__repr__(target)


class Manager:
    """``_mgr`` of a LAZY object: run the plan, keep the result, become LOCAL."""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        state = obj.__dict__
        plan = state.get("_plan")
        if plan is None:
            if "_mgr" in state:
                return state["_mgr"]
            raise AttributeError("_mgr")
        manager = private_copy(dispatch.plan_of(obj).collect())
        state["_mgr"] = manager
        state.pop("_plan", None)
        return manager


def public_methods(cls: type) -> dict[str, Any]:
    """pandas' public methods and operators, by name."""
    found: dict[str, Any] = {}
    dunders = {f"__{name}__" for name in OPERATORS}
    for name in dir(cls):
        if (name.startswith("_") and name not in dunders) or name in NOT_WRAPPED:
            continue
        value = next(k.__dict__[name] for k in cls.__mro__ if name in k.__dict__)
        if isinstance(value, types.FunctionType):
            found[name] = value
    return found


def install_methods(cls: Any, base: type, owner: str) -> None:
    """Give ``cls`` the dispatched form of each public method that it does not define."""
    for name, method in public_methods(base).items():
        if name not in cls.__dict__:
            setattr(cls, name, dispatch.dispatched(owner, name, method))


def lazy_plan(obj: Any) -> Any:
    """The plan of a LAZY object; None for a LOCAL one."""
    return obj.__dict__.get("_plan")


def pandas_pickle(obj: Any, protocol: Any) -> Any:
    """The pickle of the plain pandas object: a reader needs no pandas_dist."""
    return dispatch.plain(obj, private=False).__reduce_ex__(1)


def construct(obj: Any, base: Any, data: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run pandas' constructor; with an engine chosen the object becomes LAZY."""
    shares_memory = not isinstance(data, (dict, list, tuple, type(None)))
    base.__init__(obj, dispatch.to_plain(data), *args, **kwargs)
    source = data if isinstance(data, (pandas.DataFrame, pandas.Series)) else None
    if source is not None and source.attrs and not obj.attrs:
        obj.attrs = source.attrs
    if dispatch.lazy_engine():
        dispatch.adopt(obj, copy=shares_memory and not dispatch.copy_on_write())
