"""What DataFrame and Series share: the manager that arrives when touched, equality of classes.

A LAZY object has ``_plan`` and no ``_mgr`` in its ``__dict__``.  ``_mgr`` on the
class is a non-data descriptor, so the first touch by anything at all (pandas
internals, NumPy, Arrow, scikit-learn) runs the plan and makes the object LOCAL.
"""

from __future__ import annotations

import copyreg
import functools
import operator
import sys
import types
from types import FrameType
from typing import Any

import pandas

from pandas_dist import callers, chained, config
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bind
from pandas_dist.pandas_private import Lent, copy_on_write, private_copy, settle

OPERATORS = [
    "add",
    "radd",
    "sub",
    "rsub",
    "mul",
    "rmul",
    "truediv",
    "rtruediv",
    "floordiv",
    "rfloordiv",
    "mod",
    "rmod",
    "pow",
    "rpow",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and",
    "rand",
    "or",
    "ror",
    "xor",
    "rxor",
    "neg",
    "pos",
    "invert",
    "abs",
    "matmul",
    "rmatmul",
    "getitem",
    "setitem",
    "delitem",
    "contains",
    "round",
]
IN_PLACE = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"]

# Methods that work through others (``pipe``) or are served by the classes themselves.
NOT_WRAPPED = frozenset({"pipe", "keys", "items", "iterrows", "itertuples"})


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
        held = None if copy_on_write() else dispatch.held(obj)
        lent: list[Lent] = []
        manager = private_copy(*held, lent) if held else private_copy(dispatch.collected(obj))
        state["_mgr"] = manager
        for name in ("_plan", "_shown", "_items", "_parent"):
            state.pop(name, None)
        del plan, held
        settle(lent)
        return manager


def public_methods(cls: type) -> dict[str, Any]:
    """pandas' public methods and operators, by name."""
    members: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        members.update(owner.__dict__)
    dunders = {f"__{name}__" for name in OPERATORS}
    return {
        name: value
        for name, value in members.items()
        if isinstance(value, types.FunctionType)
        and (name in dunders if name.startswith("_") else name not in NOT_WRAPPED)
    }


def install_methods(cls: Any, base: type, owner: str) -> None:
    """Give ``cls`` the dispatched form of each public method that it does not define."""
    for name, method in public_methods(base).items():
        if name not in cls.__dict__:
            setattr(cls, name, dispatch.dispatched(owner, name, method))
    for name in IN_PLACE:
        setattr(cls, f"__i{name}__", inplace_operator(owner, base, name))
    cls.set_flags = flagged(base)
    if hasattr(base, "_check_inplace_deprecation"):
        cls._check_inplace_deprecation = chained.check_inplace
    cls.__array_ufunc__ = array_ufunc
    cls.__copy__, cls.__deepcopy__ = copy_, deepcopy_


def flagged(base: Any) -> Any:
    """``set_flags``, which needs no row."""
    method = base.set_flags

    @functools.wraps(method)
    def call(self: Any, **kwargs: Any) -> Any:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            return method(self, **kwargs)
        allows = bind(method, (self,), kwargs).allows_duplicate_labels
        result = self.copy()
        if allows is not None:
            result.flags.allows_duplicate_labels = allows
        return result

    return call


def with_names(kwargs: dict[str, Any], frame: FrameType) -> None:
    """Resolve the names that ``query`` and ``eval`` may use: those of the caller's frame."""
    level = kwargs.get("level", 0)
    for _ in range(level if isinstance(level, int) else 0):
        frame = frame.f_back or frame
    if kwargs.get("local_dict") is None:
        kwargs["local_dict"] = frame.f_locals
    if kwargs.get("global_dict") is None:
        kwargs["global_dict"] = frame.f_globals


def lazy_plan(obj: Any) -> Any:
    """The plan of a LAZY object; None for a LOCAL one."""
    return obj.__dict__.get("_plan")


def row_count(plan: Any) -> int:
    """The number of rows of a LAZY object."""
    from pandas_dist.plan.frames import row_count

    return row_count(plan)


def text_of(obj: Any, how: str = "__repr__") -> Any:
    """The text of a LAZY object."""
    from pandas_dist import preview

    return preview.text(obj, how)


def pandas_pickle(obj: Any, protocol: Any) -> Any:
    """The pickle of the plain pandas object: a reader needs no pandas_dist."""
    return dispatch.plain(obj, private=False).__reduce_ex__(1)


def construct(
    obj: Any, base: Any, data: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Run pandas' constructor; with an engine chosen the object becomes LAZY."""
    if not dispatch.lazy_engine() or "_pandas_dist" not in type(obj).__dict__:
        base.__init__(obj, data, *args, **kwargs)
        return
    if config.engine_name() == "auto" and not dispatch.holds_lazy(data):
        base.__init__(obj, data, *args, **kwargs)
        return
    shares_memory = not isinstance(data, (dict, list, tuple, type(None)))
    base.__init__(obj, dispatch.to_plain(data), *args, **kwargs)
    if config.engine_name() != "auto" and not dispatch.below_minimum(obj._mgr):
        dispatch.adopt(obj, copy=shares_memory and not dispatch.copy_on_write())


def inplace_operator(owner: str, base: type, name: str) -> Any:
    """``a += b``: the operator, then pandas' rule for putting the result back."""
    method = getattr(base, f"__i{name}__")

    @functools.wraps(method)
    def call(self: Any, other: Any) -> Any:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            return method(self, other)
        result = getattr(self, f"__{name}__")(other)
        if result is NotImplemented:
            return result
        from pandas_dist import views
        from pandas_dist.plan.frames import SeriesPlan

        plan = _fitted(dispatch.plan_of(self), result)
        detached = isinstance(plan, SeriesPlan) and views.parent_of(self) is None
        link = self.__dict__.pop("_parent", None) if detached else None
        dispatch.rebind(self, plan)
        if link is not None:
            self.__dict__["_parent"] = link
        return self

    return call


_array_ufunc = pandas.Series.__array_ufunc__  # of frames, too


@functools.wraps(_array_ufunc)
def array_ufunc(self: Any, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
    """NumPy's functions, in one function for both classes.

    pandas defers to any operand whose class has another ``__array_ufunc__``.
    """
    if not config._idle and dispatch.by_engine(self, sys._getframe(1)):
        owner = "DataFrame" if isinstance(self, pandas.DataFrame) else "Series"
        return dispatch.call_method(
            owner, "__array_ufunc__", _array_ufunc, self, (ufunc, how, *inputs), kwargs
        )
    if len(inputs) > 1:
        inputs = tuple(map(dispatch.wrap_result, inputs))
    return dispatch.wrap_result(_array_ufunc(self, ufunc, how, *inputs, **kwargs))


def copy_(self: Any, deep: bool = False) -> Any:
    return self.copy(deep=deep)


def deepcopy_(self: Any, memo: Any = None) -> Any:
    return self.copy(deep=True)


def pandas_class(cls: Any) -> Any:
    """The pickle of a class: pandas' own for ours, by reference for a user's subclass."""
    if "_pandas_dist" not in cls.__dict__:
        return cls.__qualname__
    return operator.itemgetter(0), ((cls._pandas_class,),)


copyreg.pickle(Lazy, pandas_class)  # type: ignore[arg-type]


def _fitted(mine: Any, result: Any) -> Any:
    """The plan of an operator's result, with the labels of the object that it replaces."""
    from pandas_dist.ops.common import equal_labels
    from pandas_dist.plan.frames import SeriesPlan, from_pandas, from_pandas_series, same_rows

    plan: Any = dispatch.plan_of(result)
    same = same_rows(mine.relation, plan.relation) and equal_labels(mine, plan)
    if isinstance(mine, SeriesPlan):
        if not same:
            plan = from_pandas_series(plan.collect().reindex_like(mine.collect()))
        return SeriesPlan(plan.relation, plan.expr, mine.name, plan.index)
    if same and plan.columns.identical(mine.columns):
        return plan
    return from_pandas(plan.collect().reindex_like(mine.collect()))


callers.attribute_warnings(sys.modules[__name__])
