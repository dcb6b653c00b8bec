"""``groupby`` of LAZY objects: nothing is grouped before an aggregation asks.

Subclasses of pandas' GroupBy classes, whose internals (``_grouper`` and the rest)
come into being when pandas itself touches them.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any

import pandas

from pandas_dist.ops import dispatch

BaseFrame = pandas.api.typing.DataFrameGroupBy
BaseSeries = pandas.api.typing.SeriesGroupBy
NO_DEFAULT = pandas.api.extensions.no_default
_FLAGS = frozenset({"as_index", "sort", "group_keys", "observed", "dropna"})


class Grouping:
    """What the user said: the object, ``groupby``'s arguments, the selected columns.

    ``source`` is the user's own object, which pandas groups as it is when an aggregation asks:
    columns assigned since are there, while the keys stay those of the call.
    """

    __slots__ = ("_obj", "_seen", "options", "selection", "source")

    def __init__(
        self, obj: Any, options: dict[str, Any], selection: Any = None, source: Any = None
    ) -> None:
        # pandas asks whether they are true, and takes 0 for False.
        flags = {k: bool(v) for k, v in options.items() if k in _FLAGS and v is not NO_DEFAULT}
        self._obj, self.options, self.selection = obj, {**options, **flags}, selection
        self.source, self._seen = source, dispatch.plan_of(obj)

    @property
    def obj(self) -> Any:
        if self.source is not None:
            now = dispatch.plan_of(self.source)
            if now is not self._seen:
                from pandas_dist.ops.grouping_source import followed

                self._obj, self._seen = followed(self._obj, now, self.options), now
        return self._obj


class _Common:
    """Shared by both classes; ``_spec`` is the Grouping."""

    _pandas_dist_groupby = True
    _spec: Grouping

    def to_pandas(self) -> Any:
        """pandas' own groupby over the collected rows."""
        spec = self._spec
        from pandas_dist.ops.grouping_gathered import plain_options

        rows = dispatch.plain(spec.obj)
        groups = rows.groupby(**plain_options(spec, rows))
        return groups if spec.selection is None else groups[spec.selection]

    def __getattr__(self, name: str) -> Any:
        if name == "_spec" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        if name in _INTERNALS:
            for key, value in self.to_pandas().__dict__.items():
                self.__dict__.setdefault(key, value)
            if name in self.__dict__:
                return self.__dict__[name]
        spec = self._spec
        if isinstance(spec.obj, pandas.DataFrame) and name in spec.obj.columns:
            return self[name]  # type: ignore[index]
        return object.__getattribute__(self, name)

    def __iter__(self) -> Iterator[Any]:
        for key, group in self.to_pandas():
            yield key, dispatch.wrap_result(group)

    def __len__(self) -> int:
        return len(self.to_pandas())

    @property
    def groups(self) -> Any:
        return self.to_pandas().groups

    @property
    def indices(self) -> Any:
        return self.to_pandas().indices

    @property
    def ngroups(self) -> int:
        return int(self.to_pandas().ngroups)

    @property
    def ndim(self) -> int:
        return 2 if isinstance(self, BaseFrame) else 1


_INTERNALS = frozenset(
    [
        "obj",
        "_grouper",
        "grouper",
        "keys",
        "level",
        "exclusions",
        "axis",
        "as_index",
        "sort",
        "group_keys",
        "observed",
        "dropna",
        "_selection",
    ]
)


class DataFrameGroupBy(_Common, BaseFrame):  # type: ignore[misc]
    __doc__ = BaseFrame.__doc__

    def __init__(self, spec: Grouping) -> None:
        self.__dict__["_spec"] = spec

    def __getitem__(self, key: Any) -> Any:
        from pandas_dist.ops.grouping import select

        return select(self._spec, key)


class SeriesGroupBy(_Common, BaseSeries):  # type: ignore[misc]
    __doc__ = BaseSeries.__doc__

    def __init__(self, spec: Grouping) -> None:
        self.__dict__["_spec"] = spec

    def __getitem__(self, key: Any) -> Any:
        return self.to_pandas()[key]  # pandas' errors: it is one column already


def _method(name: str, pandas_method: Any) -> Any:
    @functools.wraps(pandas_method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        from pandas_dist.ops import grouping

        return grouping.call(self, name, pandas_method, args, kwargs)

    return call


def _install(cls: Any, base: Any) -> None:
    for name in dir(base):
        if (
            name.startswith("_")
            or name in cls.__dict__
            or name in _Common.__dict__
            or name == "pipe"
        ):
            continue
        value = next(k.__dict__[name] for k in base.__mro__ if name in k.__dict__)
        if isinstance(value, types.FunctionType):
            setattr(cls, name, _method(name, value))
        elif isinstance(value, property) and name not in _INTERNALS:
            setattr(cls, name, property(functools.partial(_property, name=name)))


def _property(self: Any, name: str) -> Any:
    return dispatch.wrap_result(getattr(self.to_pandas(), name))


_install(DataFrameGroupBy, BaseFrame)
_install(SeriesGroupBy, BaseSeries)
for _cls in (DataFrameGroupBy, SeriesGroupBy):
    _cls.__module__ = "pandas.core.groupby.generic"
