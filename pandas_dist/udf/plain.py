"""Plain data: objects whose methods and operators are known to have no effect."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

NOT_PLAIN, MUTABLE, ATOM = 0, 1, 2

ATOMS = {
    *(int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented)),
    *(range, slice, type(pd.NA), type(pd.NaT), pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval),
}
_ATOM_NAMES = {
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "zoneinfo": {"ZoneInfo"},
    "uuid": {"UUID"},
    "re": {"Pattern", "Match"},
}
CONTAINERS = {list, dict, tuple, collections.OrderedDict, collections.Counter, collections.deque}


def is_atom(kind: type) -> bool:
    """Instances of the class cannot change and are plain data (tuples are not counted here)."""
    if kind in ATOMS or kind.__name__ in _ATOM_NAMES.get(kind.__module__, ()):
        return True
    return issubclass(kind, (np.generic, np.dtype)) and not issubclass(kind, np.void)


def plainness(obj: Any, depth: int = 0) -> int:
    """ATOM: plain and nothing in it can change; MUTABLE: plain; NOT_PLAIN: anything else.

    Sets are not plain: their order differs between processes.
    """
    kind = type(obj)
    if is_atom(kind):
        return ATOM
    if depth > 10:
        return NOT_PLAIN
    if kind in CONTAINERS:
        parts = (*obj.keys(), *obj.values()) if isinstance(obj, dict) else obj
        worst = plainness_of_all(parts, depth + 1)
        return min(worst, ATOM if kind is tuple else MUTABLE)
    if kind is np.ndarray:
        return (
            min(plainness_of_all(obj.ravel().tolist(), depth + 1), MUTABLE)
            if (obj.dtype == object)
            else (NOT_PLAIN if obj.dtype.hasobject else MUTABLE)
        )
    if isinstance(obj, (pd.DataFrame, pd.Series, pd.Index)):
        return _frame_plainness(obj, kind, depth)
    return NOT_PLAIN


def plainness_of_all(values: Iterable[Any], depth: int = 1) -> int:
    """The least plainness among values (ATOM when there are none)."""
    values = list(values)
    compound = [t for t in set(map(type, values)) if not is_atom(t)]
    if not compound:
        return ATOM
    trusted = ("pandas", "pandas_dist", "numpy")
    if not all(t in CONTAINERS or root_package(t.__module__) in trusted for t in compound):
        return NOT_PLAIN
    return min(plainness(v, depth) for v in values if not is_atom(type(v)))


def _frame_plainness(obj: Any, kind: type, depth: int) -> int:
    if kind.__module__.partition(".")[0] == "pandas_dist":
        return MUTABLE  # ours; reading its values would execute its plan
    if kind.__module__.partition(".")[0] != "pandas":
        return NOT_PLAIN
    columns = [c for _, c in obj.items()] if isinstance(obj, pd.DataFrame) else [obj]
    objects = [c for c in columns if c.dtype == object and not isinstance(c, pd.MultiIndex)]
    return min([MUTABLE, *(plainness_of_all(c.tolist(), depth + 1) for c in objects)])


def root_package(module: object) -> str:
    return module.partition(".")[0] if isinstance(module, str) else ""
