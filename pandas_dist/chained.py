"""pandas' warnings about assignments that reach a copy.

pandas recognises chained assignment by the number of references to an object, which a
function in between changes.  So the count is taken where pandas would take it, in our own
methods, and the rest of pandas' conditions is asked here.
"""

from __future__ import annotations

import dis
import warnings
import weakref
from types import FrameType
from typing import Any

import numpy as np
import pandas
from pandas import errors

from pandas_dist.pandas_private import (
    PANDAS_3,
    REFERENCES_INDEXER,
    REFERENCES_METHOD,
    REFERENCES_SETITEM,
    ChainedTexts,
    check_copy,
    copy_on_write,
    has_reference,
    is_cached,
    is_mixed,
    is_view,
)

_errors: Any = errors

# Methods that look at the references when they work in place.
METHODS = frozenset("fillna ffill bfill replace interpolate clip where mask update".split())
_STORE = frozenset(dis.opmap[n] for n in ("STORE_SUBSCR", "STORE_SLICE") if n in dis.opmap)
# Methods of frames whose results pandas 2 marks as copies of a part.
_PARTS = frozenset("__getitem__ loc.get iloc.get head tail query dropna drop_duplicates".split())
_ROWS = frozenset(["loc.get", "iloc.get", "xs"])  # a row as a series
_NO_REFERENT = frozenset(["reset_index", "set_index", "rename_axis"])


def method(obj: Any, name: str, references: int, caller: FrameType) -> None:
    """Warn where a method changes the result of an expression in place."""
    if copy_on_write():
        if references > REFERENCES_METHOD or _is_local(obj, caller):
            return
        text = ChainedTexts.method
        if name == "update" and PANDAS_3:
            text = ChainedTexts.update
        warnings.warn(text, _errors.ChainedAssignmentError, stacklevel=3)
    elif _is_view(obj) and references <= REFERENCES_METHOD + _cached(obj):
        text = ChainedTexts.warning_method
        warnings.warn(text, FutureWarning, stacklevel=3)


def setitem(obj: Any, references: int, caller: FrameType) -> None:
    """Warn where values are set in the result of an expression."""
    if copy_on_write():
        if references > REFERENCES_SETITEM:
            return
        by_subscript = caller.f_code.co_code[caller.f_lasti] in _STORE
        if not PANDAS_3 or (by_subscript and not _is_local(obj, caller)):
            _warn(_errors.ChainedAssignmentError, ChainedTexts.item)
    elif _has_reference(obj) and references <= REFERENCES_SETITEM + _cached(obj):
        _warn(FutureWarning, ChainedTexts.warning_item)


def indexer(obj: Any, references: int) -> None:
    """The same for ``loc``, ``iloc``, ``at`` and ``iat``."""
    if copy_on_write():
        if references <= REFERENCES_INDEXER:
            _warn(_errors.ChainedAssignmentError, ChainedTexts.item)
    elif references <= REFERENCES_INDEXER + _cached(obj):
        _warn(FutureWarning, ChainedTexts.warning_item)


def _warn(category: Any, text: str) -> None:
    warnings.warn(text, category, stacklevel=4)


def _is_local(obj: Any, caller: FrameType) -> bool:
    return PANDAS_3 and any(value is obj for value in caller.f_locals.values())


def _cached(obj: Any) -> int:
    """One reference more where pandas 2 keeps the column in its frame's cache."""
    return int(not PANDAS_3 and "_mgr" in obj.__dict__ and is_cached(obj))


def _is_view(obj: Any) -> bool:
    if "_mgr" in obj.__dict__:
        return is_view(obj)
    if not isinstance(obj, pandas.Series) or "_parent" not in obj.__dict__:
        return False
    from pandas_dist import views

    return views.parent_of(obj) is not None


def _has_reference(obj: Any) -> bool:
    if "_mgr" in obj.__dict__:
        return has_reference(obj)
    return _is_view(obj)


def check_inplace(self: Any, inplace: Any, method: str) -> Any:
    """pandas 3.1's warning for ``inplace``, at the user's line; whether to work in place."""
    from pandas_dist.callers import user_site

    if inplace is pandas.api.extensions.no_default:
        return False
    text = (
        f"The inplace keyword in {type(self).__name__}.{method} is deprecated "
        "and will be removed in a future version (PDEP-8).\nSee "
        "https://pandas.pydata.org/docs/dev/whatsnew/v3.1.0.html#deprecation-inplace"
        " for more details."
    )
    warnings.warn(text, _errors.Pandas4Warning, stacklevel=user_site()[2])
    return inplace


# -- pandas 2: parts of a frame ----------------------------------------------------------------


def mark(result: Any, parent: Any, name: str, key: Any) -> None:
    """Remember that a LAZY object is a part of another, as pandas 2 does."""
    if PANDAS_3 or name not in _PARTS | _ROWS or result is parent or copy_on_write():
        return
    if not isinstance(parent, pandas.DataFrame) or "_plan" not in result.__dict__:
        return
    rows = key[0] if type(key) is tuple and key else key
    if isinstance(result, pandas.Series):
        part = name in _ROWS and type(key) is not tuple and pandas.api.types.is_scalar(key)
    elif name in ("loc.get", "iloc.get"):
        whole = _is_all(rows)
        # With columns too, what pandas marks is a part of an object that is gone.
        crossed = type(key) is tuple and not all(_is_all(k) for k in key[1:])
        part = not (whole or crossed) and (
            name == "iloc.get" or type(rows) is slice or _is_mask(rows)
        )
    else:
        part = name not in _ROWS
    if part:
        result.__dict__["_is_copy"] = weakref.ref(parent)


def _is_all(key: Any) -> bool:
    return type(key) is slice and key == slice(None)


def _is_mask(rows: Any) -> bool:
    """Whether ``loc`` chooses rows by truth; a function is taken to give a mask."""
    if isinstance(rows, list):
        return bool(rows) and isinstance(rows[0], (bool, np.bool_))
    return callable(rows) or str(getattr(rows, "dtype", "")) in ("bool", "boolean")


def mark_like(result: Any, parent: Any, plain: Any) -> None:
    """The same for a result that pandas itself has made, and marked, from collected rows."""
    if getattr(plain, "_is_copy", None) is not None and isinstance(result, type(plain)):
        result.__dict__["_is_copy"] = weakref.ref(parent)


def copied(obj: Any, after: str = "setting") -> None:
    """Warn, or raise, after a change of an object that is a part of another one.

    Where the numbers of rows are not known, the part is taken to be smaller: they are not
    counted for a warning.
    """
    if PANDAS_3 or after in _NO_REFERENT or copy_on_write():
        return
    state = obj.__dict__
    parent, forced = state.get("_is_copy"), False
    whole = parent() if parent is not None else None
    if after in ("loc", "iloc") and isinstance(obj, pandas.DataFrame) and _mixed(obj):
        return  # column by column, where pandas does not look
    if parent is None and "_parent" in state and after in ("values", "loc", "iloc"):
        whole = state["_parent"][0]()
        forced = whole is not None and _mixed(whole)
    if whole is None or not (forced or parent is not None):
        state["_is_copy"] = None
        return
    if not forced and _same_shape(obj, whole):
        state["_is_copy"] = None
        return
    twice = after in ("loc", "iloc") and isinstance(obj, pandas.DataFrame)  # as pandas does
    for _ in range(1 + twice):
        check_copy("setting" if after == "setting" else "referent", forced)


def _mixed(frame: Any) -> bool:
    plan = frame.__dict__.get("_plan")
    if plan is None:
        return is_mixed(frame)
    dtypes = [e.field.dtype for e in plan.exprs]
    kinds = {str(d) for d in dtypes}
    extension = any(isinstance(d, pandas.api.extensions.ExtensionDtype) for d in dtypes)
    return len(dtypes) > 1 and (len(kinds) > 1 or extension)


def _same_shape(part: Any, whole: Any) -> bool:
    """Whether nothing was left out, by what is known without counting."""
    rows = [_rows(o) for o in (part, whole)]
    if rows[0] == 0:
        return True
    if isinstance(part, pandas.Series) or None in rows or rows[0] != rows[1]:
        return False
    return len(part.columns) == len(whole.columns)


def _rows(obj: Any) -> int | None:
    plan = obj.__dict__.get("_plan")
    return len(obj) if plan is None else plan.relation.rows()
