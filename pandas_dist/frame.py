"""``pandas_dist.DataFrame``: pandas' class, whose data may not have arrived yet."""

from __future__ import annotations

import functools
import sys
from collections.abc import Hashable, Iterator
from typing import Any

import pandas

from pandas_dist import callers, chained, config, indexing
from pandas_dist.objects import (
    Lazy,
    Manager,
    construct,
    install_methods,
    lazy_plan,
    pandas_pickle,
    row_count,
    text_of,
    with_names,
)
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bind
from pandas_dist.pandas_private import COLUMN_OF, attribute_labels, holds_attribute

Base: Any = pandas.DataFrame
Index = pandas.Index


class DataFrame(Base, metaclass=Lazy):  # type: ignore[misc]
    __doc__ = Base.__doc__
    _pandas_dist = True
    _pandas_class = Base
    _mgr = Manager()

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if config._idle:
            Base.__init__(self, data, *args, **kwargs)
            return
        construct(self, Base, data, args, kwargs)

    # -- construction by pandas' own methods -----------------------------------------
    @property
    def _constructor(self) -> Any:
        return DataFrame

    def _constructor_from_mgr(self, mgr: Any, axes: Any) -> Any:
        if type(self) is not DataFrame:
            return Base._constructor_from_mgr(self, mgr, axes)
        return DataFrame._from_mgr(mgr, axes=axes)

    @property
    def _constructor_sliced(self) -> Any:
        return _series or _series_class()

    def _constructor_sliced_from_mgr(self, mgr: Any, axes: Any) -> Any:
        if type(self) is not DataFrame:
            return Base._constructor_sliced_from_mgr(self, mgr, axes)
        result = (_series or _series_class())._from_mgr(mgr, axes)
        result.__dict__["_name"] = None  # the caller sets the name
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        return pandas_pickle(self, protocol)

    # -- from the schema ---------------------------------------------------------------
    @property
    def columns(self) -> Any:
        if "_mgr" in (state := self.__dict__):
            return state["_mgr"].axes[0]
        return indexing.labels_of(self, "columns")

    @columns.setter
    def columns(self, labels: Any) -> None:
        plan = lazy_plan(self)
        if plan is None:
            Base.columns.__set__(self, labels)  # type: ignore[attr-defined]
        else:
            dispatch.call_setter("DataFrame", "_set_columns", _set_columns, self, (labels,))

    @property
    def index(self) -> Any:
        if "_mgr" in (state := self.__dict__):
            return state["_mgr"].axes[1]
        return indexing.labels_of(self, "index")

    @index.setter
    def index(self, labels: Any) -> None:
        if lazy_plan(self) is None:
            Base.index.__set__(self, labels)  # type: ignore[attr-defined]
        else:
            dispatch.call_setter("DataFrame", "_set_index", _set_index, self, (labels,))

    @property
    def axes(self) -> Any:
        return [self.index, self.columns]

    @property
    def dtypes(self) -> Any:
        plan = lazy_plan(self)
        if plan is None:
            return Base.dtypes.fget(self)  # type: ignore[attr-defined]
        known = [e.field.dtype for e in plan.exprs]
        if any(dtype is None for dtype in known):  # a NumPy dtype equals None
            return dispatch.wrap_result(plan.collect().dtypes)
        return dispatch.local(pandas.Series(known, index=plan.columns.view(), dtype=object))

    @property
    def shape(self) -> tuple[int, int]:
        plan = lazy_plan(self)
        if plan is None:
            columns, index = self._mgr.axes
            return len(index), len(columns)
        return row_count(plan), len(plan.columns)

    def __len__(self) -> int:
        state = self.__dict__
        if "_mgr" in state:
            return len(state["_mgr"].axes[1])
        return row_count(state["_plan"]) if "_plan" in state else len(self.index)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def size(self) -> int:
        rows, columns = self.shape
        return rows * columns

    @property
    def empty(self) -> bool:
        return 0 in self.shape

    def __contains__(self, key: Any) -> bool:
        return key in self.columns

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.columns)

    def keys(self) -> Any:
        return self.columns

    # -- expressions in text: the names are those of the caller --------------------------------
    def query(self, expr: Any, **kwargs: Any) -> Any:
        with_names(kwargs, sys._getframe(1))
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            return Base.query(self, expr, **kwargs)
        return dispatch.call_method("DataFrame", "query", Base.query, self, (expr,), kwargs)

    def eval(self, expr: Any, **kwargs: Any) -> Any:
        with_names(kwargs, sys._getframe(1))
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            return dispatch.wrap_result(Base.eval(self, expr, **kwargs))
        from pandas_dist.ops.query import assigns

        if kwargs.get("inplace") is True and not assigns(expr):
            return Base.eval(dispatch.plain(self), expr, **kwargs)  # pandas has an error to raise
        return dispatch.call_method("DataFrame", "eval", Base.eval, self, (expr,), kwargs)

    def __getattr__(self, name: str) -> Any:
        plan = self.__dict__.get("_plan")
        if plan is None:
            return Base.__getattr__(self, name)
        if name not in self._internal_names_set and holds_attribute(plan.columns, name):
            return self[name]
        return object.__getattribute__(self, name)

    def __dir__(self) -> list[str]:
        plan = lazy_plan(self)
        if plan is None:
            return list(Base.__dir__(self))
        return sorted({*object.__dir__(self), *attribute_labels(plan.columns)})

    # -- items -------------------------------------------------------------------------------
    def __getitem__(self, key: Any) -> Any:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            if type(key) is str and type(self) is DataFrame:
                columns = self.columns
                if type(columns) is Index and columns.is_unique and key in columns:
                    return COLUMN_OF(self, key)  # what pandas comes to after more checks
            return Base.__getitem__(self, key)
        found = dispatch.call_method("DataFrame", "__getitem__", Base.__getitem__, self, (key,), {})
        if type(key) is not str:
            return found
        from pandas_dist import views

        return views.take(self, key, found)

    def __setitem__(self, key: Any, value: Any) -> None:
        references = sys.getrefcount(self)
        if references <= chained.REFERENCES_SETITEM:
            chained.setitem(self, references, sys._getframe(1))
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            Base.__setitem__(self, key, value)
            return
        before = dispatch.plan_of(self)
        dispatch.call_setter("DataFrame", "__setitem__", Base.__setitem__, self, (key, value))
        if isinstance(key, (pandas.DataFrame, pandas.Series)):  # a mask: written in place
            from pandas_dist import views

            views.refresh(self, before)
        chained.copied(self)

    def __delitem__(self, key: Any) -> None:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            Base.__delitem__(self, key)
        else:
            dispatch.call_setter("DataFrame", "__delitem__", Base.__delitem__, self, (key,))

    def insert(self, *args: Any, **kwargs: Any) -> None:
        if config._idle or not dispatch.by_engine(self, sys._getframe(1)):
            Base.insert(self, *args, **kwargs)
            return
        p = bind(Base.insert, (self, *args), kwargs)
        given = (p.loc, p.column, p.value, p.allow_duplicates)
        dispatch.call_setter("DataFrame", "insert", Base.insert, self, given)

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

    @property
    def dist(self) -> Any:
        from pandas_dist.dist import Accessor

        return Accessor(self)

    # -- everything in this process --------------------------------------------------------
    def items(self) -> Iterator[tuple[Hashable, Any]]:
        if lazy_plan(self) is None:
            yield from Base.items(self)
        else:
            columns = self.columns
            for n, label in enumerate(columns):
                yield label, self.iloc[:, n]

    def iterrows(self) -> Any:
        if lazy_plan(self) is None:
            return Base.iterrows(self)
        return dispatch.plain(self).iterrows()

    def itertuples(self, index: bool = True, name: str | None = "Pandas") -> Any:
        if lazy_plan(self) is None:
            return Base.itertuples(self, index=index, name=name)
        return dispatch.collected(self).itertuples(index=index, name=name)

    def __repr__(self) -> str:
        return Base.__repr__(self) if lazy_plan(self) is None else text_of(self)

    def _repr_html_(self) -> Any:
        if lazy_plan(self) is None:
            return Base._repr_html_(self)  # type: ignore[operator]
        return text_of(self, "_repr_html_")


def _set_columns(self: Any, labels: Any) -> None:
    self.columns = labels


def _set_index(self: Any, labels: Any) -> None:
    self.index = labels


_DOCUMENTED = """
__init__ __getitem__ __setitem__ __delitem__ items iterrows itertuples keys insert pop query eval
"""
for _name in _DOCUMENTED.split():
    functools.update_wrapper(getattr(DataFrame, _name), getattr(Base, _name))
DataFrame.__name__ = DataFrame.__qualname__ = "DataFrame"
DataFrame.__module__ = Base.__module__
callers.attribute_warnings(chained, indexing, sys.modules[__name__])
install_methods(DataFrame, Base, "DataFrame")


_series: Any = None  # our Series, once it is needed


def _series_class() -> Any:
    global _series
    from pandas_dist.series import Series

    _series = Series
    return Series
