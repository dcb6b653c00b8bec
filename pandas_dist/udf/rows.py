"""Rows of a frame for pure functions, without the cost of a Series for each.

A light row *is* a Series, whose block manager is made when something asks for it.  What functions
mostly do with a row (items, iteration, ``len``, ``get``, simple reductions) is answered from the
array of its values, with the very objects that pandas would give; the rest is pandas' own method.
Only its class tells it from pandas' row: functions that ask for that do not get light rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import FunctionType
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.pandas_private import manager_of, refill
from pandas_dist.udf.plain import ATOM, is_atom, plainness_of_all

_PLAIN = (np.dtype("float64"), np.dtype("int64"))  # whose reductions need no other type


def lightable(columns: pd.Index) -> bool:
    """Whether rows with these labels can be light."""
    return type(columns) in (pd.Index, pd.RangeIndex) and columns.is_unique and len(columns) > 0


def light_rows(frame: pd.DataFrame) -> Iterator[Any] | None:
    """A row for each row, valid until the next; None where pandas makes rows another way.

    frame: not empty, with `lightable` columns.
    """
    values, first = frame.to_numpy(), frame.iloc[0]
    dtype = first.dtype
    if not isinstance(dtype, np.dtype) or dtype != values.dtype or dtype.kind not in "iufbO":
        return None
    state = {k: v for k, v in vars(first).items() if k != "_mgr"}
    row = _new(_class_over(frame.columns, dtype, state, manager_of(first)))
    return _over(values, frame.index, row)


def _over(values: np.ndarray, labels: pd.Index, row: Any) -> Iterator[Any]:
    state, put, put_plain = vars(row), _VALUES.__set__, _IS_PLAIN.__set__
    for each, name, is_plain in zip(values, labels, _are_plain(values)):
        put(row, each)
        put_plain(row, is_plain)
        state["_name"] = name
        if "_mgr" in state:
            del state["_mgr"]
        yield row


def _are_plain(values: np.ndarray) -> Iterable[bool]:
    """Of each row whether NumPy's reductions are pandas': numbers, none missing or infinite."""
    if values.dtype not in _PLAIN:
        return itertools.repeat(False)
    finite = np.isfinite(values).all(axis=1)
    return itertools.repeat(True) if finite.all() else finite.tolist()


def own_results(results: list[Any]) -> bool:
    """Whether none of the results can hold a row that will change."""
    kinds = {kind for kind in set(map(type, results)) if not is_atom(kind)}
    if not kinds <= {list, tuple, dict, pd.Series, np.ndarray}:
        return False
    for kind in kinds:
        values: list[Any] = [r for r in results if type(r) is kind]
        if kind in (pd.Series, np.ndarray):
            objects = [v for v in values if v.dtype == object]
            parts = list(chain.from_iterable(np.asarray(v).ravel().tolist() for v in objects))
            if plainness_of_all(parts) != ATOM:
                return False
        else:
            more: list[Any] = [v.values() for v in values] if kind is dict else []
            if not own_results(list(chain.from_iterable(chain(values, more)))):
                return False
    return True


# ---------------------------------------------------------------------------------------------
# The row


class _Manager:
    """``_mgr`` of a row that does not have one yet."""

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return self
        manager = row._row_manager
        if manager is None:
            part = pd.Series(row._row, index=row._row_index, dtype=row._row.dtype, copy=False)
            manager = manager_of(part)
        else:
            refill(manager, row._row)
        vars(row)["_mgr"] = manager
        return manager


_NUMPY = frozenset(["axis", "dtype", "out"])  # what np.mean(row) adds


def _reduction(name: str, plain: Callable[[np.ndarray], Any]) -> Any:
    pandas_own = getattr(pd.Series, name)

    def reduce(self: Any, *args: Any, **kwargs: Any) -> Any:
        usual = not args and (
            not kwargs or (kwargs.keys() <= _NUMPY and all(v is None for v in kwargs.values()))
        )
        if usual and self._row_is_plain:
            return plain(self._row)
        return pandas_own(self, *args, **kwargs)

    return reduce


class _Row(pd.Series):
    __slots__ = ("_row", "_row_is_plain")

    _mgr: Any = _Manager()
    _row: np.ndarray
    _row_is_plain: bool
    # of a class for each set of labels:
    _row_index: pd.Index
    _row_kind: type  # of all labels: str or int
    _row_places: dict[Any, int]
    _row_parts: dict[Any, tuple[Any, type]]  # of slices and lists: place and class
    _row_state: dict[str, Any]  # what a Series has beside values and labels
    _row_manager: Any  # refilled for each row; None for parts

    def __iter__(self) -> Iterator[Any]:
        return iter(self._row.tolist())

    def __len__(self) -> int:
        return len(self._row)

    def tolist(self) -> list[Any]:
        return self._row.tolist()

    to_list = tolist

    def keys(self) -> pd.Index:
        return self._row_index

    def items(self) -> zip[tuple[Any, Any]]:
        return zip(iter(self._row_index), iter(self._row.tolist()))

    index = property(lambda self: self._row_index)  # type: ignore[assignment]
    sum = _reduction("sum", np.ndarray.sum)
    max = _reduction("max", np.ndarray.max)
    min = _reduction("min", np.ndarray.min)
    mean = _reduction("mean", lambda values: values.sum(dtype="f8") / len(values))


_VALUES: Any = vars(_Row)["_row"]
_IS_PLAIN: Any = vars(_Row)["_row_is_plain"]
_FILE = pd.Series.__getitem__.__code__.co_filename


def _shown_as_pandas(func: FunctionType) -> FunctionType:
    func.__code__ = func.__code__.replace(co_filename=_FILE)
    return func


def _of_pandas(cls: type) -> None:
    """Let the class and its functions count as pandas' own, in warnings that name the caller."""
    cls.__name__, cls.__qualname__, cls.__module__ = "Series", "Series", pd.Series.__module__
    for member in vars(cls).values():
        if isinstance(member, FunctionType):
            _shown_as_pandas(member)


_of_pandas(_Row)


def _class_over(
    columns: pd.Index, dtype: np.dtype, state: dict[str, Any], manager: Any = None
) -> type[_Row]:
    kinds = set(map(type, columns))
    kind: Any = kinds.pop() if kinds in ({str}, {int}) else None
    members: dict[str, Any] = {
        label: _item(place)
        for place, label in enumerate(columns if kind is str else ())
        if not label.startswith("_") and not hasattr(pd.Series, label)
    }
    members |= {name: _shown_as_pandas(f) for name, f in _by_label(kind, columns).items()}
    members |= {
        "__slots__": (),
        "__module__": pd.Series.__module__,
        "_row_index": columns,
        "_row_kind": kind,
        "_row_places": {} if kind is None else {label: i for i, label in enumerate(columns)},
        "_row_parts": {},
        "_row_state": state,
        "_row_manager": manager,
        "dtype": property(lambda row: dtype),
    }
    return type("Series", (_Row,), members)


def _by_label(kind: type | None, columns: pd.Index) -> dict[str, Any]:
    """What looks labels up: the most frequent calls, so nothing is looked up on the class."""
    values_of, other = _VALUES.__get__, pd.Series
    place_of = ({} if kind is None else {label: i for i, label in enumerate(columns)}).get

    def __getitem__(self: Any, key: Any) -> Any:
        if type(key) is kind:
            place = place_of(key)
            if place is not None:
                return values_of(self)[place]
        elif type(key) is slice or type(key) is list:
            part = _part(self, key, type(key))
            if part is not None:
                return part
        return other.__getitem__(self, key)

    def get(self: Any, key: Any, default: Any = None) -> Any:
        if type(key) is kind:
            place = place_of(key)
            if place is not None:
                return values_of(self)[place]
        return other.get(self, key, default)

    def __contains__(self: Any, key: Any) -> bool:
        if type(key) is kind:
            return place_of(key) is not None
        return other.__contains__(self, key)

    return {"__getitem__": __getitem__, "get": get, "__contains__": __contains__}


def _item(place: int) -> property:
    values_of = _VALUES.__get__
    return property(lambda row: values_of(row)[place])


def _new(cls: type[_Row]) -> Any:
    """A row without values."""
    row: Any = object.__new__(cls)
    vars(row).update(cls._row_state)
    return row


def _part(row: Any, key: Any, kind: type) -> Any:
    """``row[key]`` of a slice or a list of labels; None where only pandas knows it."""
    if row._row_kind is not str:
        return None
    if kind is slice:
        known: Any = (key.start, key.stop)
        if key.step is not None or not all(v is None or type(v) is str for v in known):
            return None
    else:
        known = ("list", *key)
        if not key or set(map(type, key)) != {str}:
            return None
    found = row._row_parts.get(known)
    if found is None:
        if kind is list and (len(set(key)) != len(key) or not row._row_places.keys() >= set(key)):
            return None
        index = pd.Series.__getitem__(row, key).index
        places: Any = [row._row_places[label] for label in index]
        if not places:
            return None
        if places == list(range(places[0], places[0] + len(places))):
            places = slice(places[0], places[0] + len(places))
        found = row._row_parts[known] = (
            places,
            _class_over(index, row._row.dtype, row._row_state),
        )
    places, cls = found
    part = _new(cls)
    vars(part)["_name"] = row.name
    _VALUES.__set__(part, row._row[places])
    _IS_PLAIN.__set__(part, row._row_is_plain)
    return part
