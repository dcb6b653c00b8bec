"""``loc iloc at iat`` of LAZY objects."""

from __future__ import annotations

import sys
from typing import Any

import pandas

from pandas_dist import chained, config
from pandas_dist.ops import dispatch
from pandas_dist.pandas_private import (
    _AtIndexer,
    _iAtIndexer,
    _iLocIndexer,
    _LocIndexer,
)


def labels_of(obj: Any, axis: str) -> pandas.Index:
    """``index`` or ``columns`` of a LAZY object."""
    from pandas_dist import labels

    return labels.labels_of(obj, axis)


def may_hold(series: Any, name: str) -> bool:
    """Whether ``name`` may be a label of a LAZY series."""
    from pandas_dist import labels

    return labels.may_hold(dispatch.plan_of(series), name)


class _Indexer:
    """Common to all: reads and writes go through rules named after the indexer."""

    _kind: str

    def __getitem__(self, key: Any) -> Any:
        obj = self.obj  # type: ignore[attr-defined]
        if config._idle or not dispatch.by_engine(obj, sys._getframe(1)):
            return super().__getitem__(key)  # type: ignore[misc]
        owner = "DataFrame" if isinstance(obj, pandas.DataFrame) else "Series"
        if self._axis() is not None:
            args = (key, self._kind, self._axis())
            return dispatch.call_method(owner, f"{self._kind}(axis).get", _get_along, obj, args, {})
        return dispatch.call_method(
            owner, f"{self._kind}.get", _GETTERS[self._kind], obj, (key,), {}
        )

    def _axis(self) -> Any:
        """What ``frame.loc(axis=...)`` was given."""
        return getattr(self, "axis", None)

    def __setitem__(self, key: Any, value: Any) -> None:
        references = sys.getrefcount(self.obj)  # type: ignore[attr-defined]
        if references <= chained.REFERENCES_INDEXER + 1:
            chained.indexer(self.obj, references)  # type: ignore[attr-defined]
        obj = self.obj  # type: ignore[attr-defined]
        if config._idle or not dispatch.by_engine(obj, sys._getframe(1)):
            super().__setitem__(key, value)  # type: ignore[misc]
            return
        owner = "DataFrame" if isinstance(obj, pandas.DataFrame) else "Series"
        from pandas_dist import views

        frame = obj if owner == "DataFrame" else views.parent_of(obj)
        before = None if frame is None else dispatch.plan_of(frame)
        if self._axis() is not None:
            args = (key, value, self._kind, self._axis())
            dispatch.call_setter(owner, f"{self._kind}(axis).set", _set_along, obj, args)
        else:
            name = f"{self._kind}.set"
            dispatch.call_setter(owner, name, _SETTERS[self._kind], obj, (key, value))
        if frame is not None:
            views.refresh(frame, before)
        if self._kind in ("loc", "iloc"):
            chained.copied(obj, self._kind)


class Loc(_Indexer, _LocIndexer):
    _kind = "loc"


class ILoc(_Indexer, _iLocIndexer):
    _kind = "iloc"


class At(_Indexer, _AtIndexer):
    _kind = "at"


class IAt(_Indexer, _iAtIndexer):
    _kind = "iat"


def _get_along(self: Any, key: Any, kind: str, axis: Any) -> Any:
    return getattr(self, kind)(axis=axis)[key]


def _set_along(self: Any, key: Any, value: Any, kind: str, axis: Any) -> None:
    getattr(self, kind)(axis=axis)[key] = value


def _loc_get(self: Any, key: Any) -> Any:
    return self.loc[key]


def _iloc_get(self: Any, key: Any) -> Any:
    return self.iloc[key]


def _at_get(self: Any, key: Any) -> Any:
    return self.at[key]


def _iat_get(self: Any, key: Any) -> Any:
    return self.iat[key]


def _loc_set(self: Any, key: Any, value: Any) -> None:
    self.loc[key] = value


def _iloc_set(self: Any, key: Any, value: Any) -> None:
    self.iloc[key] = value


def _at_set(self: Any, key: Any, value: Any) -> None:
    self.at[key] = value


def _iat_set(self: Any, key: Any, value: Any) -> None:
    self.iat[key] = value


_GETTERS = {"loc": _loc_get, "iloc": _iloc_get, "at": _at_get, "iat": _iat_get}
_SETTERS = {"loc": _loc_set, "iloc": _iloc_set, "at": _at_set, "iat": _iat_set}
