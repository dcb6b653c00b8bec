"""``.str``, ``.dt`` and ``.cat`` of LAZY series."""

from __future__ import annotations

import sys
import types
from typing import Any

import pandas

from pandas_dist import config, gains
from pandas_dist.ops import dispatch


class Property:
    """Descriptor in place of pandas' ``CachedAccessor``."""

    def __init__(self, name: str, owner: type) -> None:
        self.name, self.accessor = name, getattr(owner, name)
        self.given: Any = vars(owner)[name]
        self.gains_from = gains.METHODS.get(("Series", name), 0)

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self.accessor
        if config._idle or not dispatch.by_engine(obj, sys._getframe(1)):
            if not self.gains_from or not gains.applies(obj, sys._getframe(1), self.gains_from):
                return self.given.__get__(obj, owner)  # which pandas 2 keeps on the object
            found = _of_large(self.name, self.accessor, obj)
            return self.given.__get__(obj, owner) if found is None else found
        plan = dispatch.plan_of(obj)
        return Accessor(obj, self.name, _validated(plan, self.accessor))


def _of_large(name: str, accessor: Any, obj: Any) -> Any:
    """The accessor of a large column in memory, some of whose methods gain; None: pandas' own."""
    if name == "str":
        from pandas_dist.ops import texts

        return texts.accessor(obj)
    from pandas_dist.ops import promoted

    return promoted.dates(accessor(obj), obj)


def _validated(plan: Any, accessor: Any) -> Any:
    """The class that pandas chooses for this dtype; its AttributeError where there is none."""
    from pandas_dist.ops.memo import key_of, remembered

    field = plan.expr.field
    if field.known and not (field.kind == "O" and not field.is_text):
        return remembered(
            (accessor, field.kind == "O"),
            lambda: key_of(field.dtype),
            lambda: type(accessor(_example(field))),
        )
    return type(accessor(plan.collect()))


def _example(field: Any) -> pandas.Series:
    if field.kind == "O":
        return pandas.Series(["a"], dtype=object)
    return pandas.Series([], dtype=field.dtype)


class Accessor:
    """The accessor of a LAZY series: methods go through rules, results are ours."""

    def __init__(self, obj: Any, name: str, cls: Any) -> None:
        self.__dict__.update(_obj=obj, _name=name, _cls=cls, __doc__=cls.__doc__)

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self._cls, name):
            raise AttributeError(f"You cannot add any new attribute '{name}'")
        object.__setattr__(self, name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # type: ignore[override,misc]
        """pandas' class, so that ``isinstance`` holds."""
        return self._cls

    def __dir__(self) -> list[str]:
        return [n for n in dir(self._cls) if not n.startswith("_")]

    def __getitem__(self, key: Any) -> Any:
        return self._call("__getitem__", (key,), {})

    def __iter__(self) -> Any:
        return iter(getattr(dispatch.plain(self._obj), self._name))

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        found = getattr(self._cls, attribute, None)
        if found is None:
            name = self._cls.__name__
            raise AttributeError(f"'{name}' object has no attribute '{attribute}'")
        if isinstance(found, types.FunctionType):
            return _Bound(self, attribute, found)
        return self._call(attribute, None, {})

    def _call(self, attribute: str, args: tuple[Any, ...] | None, kwargs: dict[str, Any]) -> Any:
        from pandas_dist.ops import strings

        return strings.accessor_call(self._obj, self._name, attribute, args, kwargs)


class _Bound:
    """A method of an accessor, bound; its help is pandas'."""

    def __init__(self, owner: Accessor, name: str, function: Any) -> None:
        self._owner, self.__name__ = owner, name
        self.__doc__, self.__wrapped__ = function.__doc__, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._owner._call(self.__name__, args, kwargs)
