"""``pandas_dist.Series``: pandas' class, whose data may not have arrived yet."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from typing import Any

import pandas

from pandas_dist import accessors, callers, chained, config, indexing
from pandas_dist.frame import DataFrame
from pandas_dist.objects import (
    Lazy,
    Manager,
    construct,
    install_methods,
    lazy_plan,
    pandas_pickle,
    row_count,
    text_of,
)
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bind
from pandas_dist.pandas_private import holds_attribute

Base: Any = pandas.Series


class Series(Base, metaclass=Lazy):  # type: ignore[misc]
    __doc__ = Base.__doc__
    _pandas_dist = True
    _pandas_class = Base
    _mgr = Manager()

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if config._idle:
            Base.__init__(self, data, *args, **kwargs)
            return
        construct(self, Base, data, args, kwargs)

    @property
    def _constructor(self) -> Any:
        return Series

    def _constructor_from_mgr(self, mgr: Any, axes: Any) -> Any:
        if type(self) is not Series:
            return Base._constructor_from_mgr(self, mgr, axes)
        result = Series._from_mgr(mgr, axes)
        result.__dict__["_name"] = None  # the caller sets the name
        return result

    @property
    def _constructor_expanddim(self) -> Any:
        return DataFrame

    def _constructor_expanddim_from_mgr(self, mgr: Any, axes: Any) -> Any:
        if type(self) is not Series:
            return Base._constructor_expanddim_from_mgr(self, mgr, axes)
        return DataFrame._from_mgr(mgr, axes=mgr.axes)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return pandas_pickle(self, protocol)

    # -- from the schema ---------------------------------------------------------------
    @property
    def index(self) -> Any:
        if "_mgr" in (state := self.__dict__):
            return state["_mgr"].axes[0]
        return indexing.labels_of(self, "index")

    @index.setter
    def index(self, labels: Any) -> None:
        if lazy_plan(self) is None:
            Base.index.__set__(self, labels)  # type: ignore[attr-defined]
        else:
            dispatch.call_setter("Series", "_set_index", _set_index, self, (labels,))

    @property
    def axes(self) -> Any:
        return [self.index]

    @property
    def dtype(self) -> Any:
        state = self.__dict__
        if "_mgr" in state:
            return state["_mgr"].dtype
        plan = state.get("_plan")
        if plan is None:
            return self._mgr.dtype
        return plan.expr.field.dtype if plan.expr.field.known else plan.collect().dtype

    @property
    def dtypes(self) -> Any:
        return self.dtype

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __len__(self) -> int:
        state = self.__dict__
        if "_mgr" in state:
            return len(state["_mgr"].axes[0])
        return row_count(state["_plan"]) if "_plan" in state else len(self.index)

    @property
    def ndim(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return len(self)

    @property
    def empty(self) -> bool:
        return len(self) == 0

    @property
    def hasnans(self) -> bool:
        return dispatch.collected(self).hasnans

    @property
    def is_unique(self) -> bool:
        return dispatch.collected(self).is_unique

    def __contains__(self, key: Any) -> bool:
        return key in self.index

    def keys(self) -> Any:
        return self.index

    def __getattr__(self, name: str) -> Any:
        if "_plan" not in self.__dict__:
            return Base.__getattr__(self, name)
        if name in self._internal_names_set or name.startswith("_"):
            return object.__getattribute__(self, name)
        if indexing.may_hold(self, name) and holds_attribute(self.index, name):
            return self[name]
        return object.__getattribute__(self, name)

    def __setitem__(self, key: Any, value: Any) -> None:
        references = sys.getrefcount(self)
        if references <= chained.REFERENCES_SETITEM + ("_cacher" in self.__dict__):
            chained.setitem(self, references, sys._getframe(1))
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            Base.__setitem__(self, key, value)
            return
        from pandas_dist import views

        frame = views.parent_of(self)
        before = None if frame is None else frame.__dict__["_plan"]
        dispatch.call_setter("Series", "__setitem__", Base.__setitem__, self, (key, value))
        if frame is not None:
            views.refresh(frame, before)
        chained.copied(self, "values")

    def __delitem__(self, key: Any) -> None:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            Base.__delitem__(self, key)
        else:
            dispatch.call_setter("Series", "__delitem__", Base.__delitem__, self, (key,))

    def rename(self, *args: Any, **kwargs: Any) -> Any:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            return Base.rename(self, *args, **kwargs)
        result = dispatch.call_method("Series", "rename", Base.rename, self, args, kwargs)
        if result is None:  # a new name in place: pandas gives the series
            index = bind(Base.rename, (self, *args), kwargs).index
            if index is not None and not (callable(index) or pandas.api.types.is_dict_like(index)):
                return self
        return result

    def pop(self, item: Any) -> Any:
        result = self[item]
        del self[item]
        return result

    # -- indexers and accessors ----------------------------------------------------------
    @property
    def loc(self) -> Any:
        return indexing.Loc("loc", self)

    @property
    def iloc(self) -> Any:
        return indexing.ILoc("iloc", self)

    @property
    def at(self) -> Any:
        return indexing.At("at", self)

    @property
    def iat(self) -> Any:
        return indexing.IAt("iat", self)

    str = accessors.Property("str", Base)
    dt = accessors.Property("dt", Base)
    cat = accessors.Property("cat", Base)

    @property
    def dist(self) -> Any:
        from pandas_dist.dist import Accessor

        return Accessor(self)

    # -- everything in this process --------------------------------------------------------
    def __iter__(self) -> Iterator[Any]:
        return Base.__iter__(self) if lazy_plan(self) is None else iter(dispatch.collected(self))

    def items(self) -> Any:
        if lazy_plan(self) is None:
            return Base.items(self)
        return dispatch.collected(self).items()

    def __repr__(self) -> Any:
        return Base.__repr__(self) if lazy_plan(self) is None else text_of(self)


def _set_index(self: Any, labels: Any) -> None:
    self.index = labels


for _name in ("__init__", "__setitem__", "__delitem__", "items", "keys", "pop", "rename"):
    functools.update_wrapper(getattr(Series, _name), getattr(Base, _name))
Series.__name__ = Series.__qualname__ = "Series"
Series.__module__ = Base.__module__
callers.attribute_warnings(accessors, sys.modules[__name__])
install_methods(Series, Base, "Series")
