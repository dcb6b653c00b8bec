"""What pandas answered before: labels and dtypes that follow from labels and arguments alone.

Asking pandas costs a tenth of a millisecond or more.  Its answer is kept under everything that it
depends on, where all of that is plain and hashable; an error is never kept, so it is pandas' own
each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from pandas_dist.pandas_private import text_options

T = TypeVar("T")

KEPT = 4096  # answers
KEPT_LABELS = 512  # column labels that were looked at
MOST_LABELS = 1000  # of one answer; more are not kept

_EXACT = frozenset({str, int, bool, bytes, type(None)})
_DTYPES = (np.dtype, pd.api.extensions.ExtensionDtype)
_NO_DEFAULT = pd.api.extensions.no_default
_answers: dict[Hashable, Any] = {}
_labels: dict[int, tuple[pd.Index, Hashable]] = {}


class Unkeyed(Exception):
    """A value that cannot be part of a key."""


class Keyed:
    """A kernel that says what its answer for one dtype depends on.

    ``function``: the operator that it applies, if that is all it does.
    """

    function: Any = None

    def key(self) -> Hashable:
        """Raises Unkeyed where that is not plain."""
        raise Unkeyed


class Columns(NamedTuple):
    """Which columns a result has: their labels and the numbers that pandas found in them.

    ``labels``: None for a series, which is called ``name``.
    """

    labels: pd.Index | None
    places: tuple[int, ...]
    name: Hashable = None


def remembered(what: Hashable, given: Callable[[], Hashable], ask: Callable[[], T]) -> T:
    """``ask()``, or what it gave before for the same ``what`` and ``given()``."""
    try:
        key = (what, given(), text_options())
    except Unkeyed:
        return ask()
    found = _answers.pop(key, None)
    if found is None or found[1] != _names(found[0]):
        answer = ask()
        found = answer, _names(answer)
        _make_room(_answers, KEPT)
    _answers[key] = found  # the last one used is the last one to go
    return found[0]


def _make_room(table: dict[Any, Any], size: int) -> None:
    """Forget what was not used for the longest time."""
    if len(table) >= size:
        for key in list(table)[: size // 4]:
            table.pop(key, None)


def _names(answer: Any) -> Any:
    """The names of an answer's labels, which whoever got hold of them could have changed."""
    labels = answer.labels if type(answer) is Columns else answer
    return tuple(labels.names) if isinstance(labels, pd.Index) else None


def key_of(value: Any) -> Hashable:
    """A plain value as part of a key, 1, True and "1" apart; raises Unkeyed for others."""
    kind = type(value)
    if kind in _EXACT:
        return kind, value
    if kind is float:
        return kind, repr(value)  # 0.0 and -0.0 apart
    if kind is tuple or kind is list:
        return kind, tuple(map(key_of, value))
    if kind is dict:
        return kind, tuple([(key_of(k), key_of(v)) for k, v in value.items()])
    if value is _NO_DEFAULT:
        return value
    if kind is re.Pattern:
        return value
    if kind is pd.Timestamp:
        return kind, value.value, value.unit, str(value.tz)
    if kind is pd.Index:
        return kind, labels_key(value)
    if isinstance(value, _DTYPES):
        return _Typed(value)
    raise Unkeyed


class _Typed:
    """A dtype by equality and class (``np.dtype("int64") == "int64"``)."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is _Typed
            and type(other.value) is type(self.value)
            and bool(other.value == self.value)
        )


def labels_key(labels: pd.Index) -> Hashable:
    """Column labels that are all ``str`` as part of a key; raises Unkeyed for others."""
    found = _labels.get(id(labels))
    if found is None or found[0] is not labels:
        found = labels, _text_labels(labels)
        _make_room(_labels, KEPT_LABELS)
        _labels[id(labels)] = found  # which keeps the labels, and so their id
    if found[1] is None:
        raise Unkeyed
    return found[1], key_of(labels.name)


def _text_labels(labels: pd.Index) -> Hashable:
    if type(labels) is not pd.Index or len(labels) > MOST_LABELS:
        return None
    values = labels.tolist()
    if not all(type(v) is str for v in values):
        return None
    return _Typed(labels.dtype), tuple(values)


def names_key(names: list[Any]) -> Hashable:
    """The names of an index as part of a key."""
    return tuple(map(key_of, names))
