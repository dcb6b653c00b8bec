"""A call of pandas with a Python function, and what may be done with the function's results."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.udf.plain import ATOM, is_atom, plainness, plainness_of_all
from pandas_dist.udf.rows import light_rows

# Results that are kept as objects before they are packed.
BATCH = 1000


@dataclass(frozen=True)
class Task:
    """One call of pandas: data.<method>(func, ...), without the data."""

    method: str  # "map" and "apply" of a series, "rows" for DataFrame.apply(axis=1)
    func: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)  # of pandas and of the function
    light: bool = False  # whether light rows may stand for the rows

    def run(self, data: Any, func: Callable[..., Any]) -> Any:
        """pandas' own method with another function in the place of ours."""
        if self.method == "map":
            return data.map(func, **self.kwargs)
        if self.method == "apply":
            return data.apply(func, args=self.args, **self.kwargs)
        return data.apply(func, axis=1, args=self.args, **self.kwargs)

    def call_each(self, data: Any, func: Callable[..., Any]) -> None:
        """pandas' calls of another function in the place of ours, on light rows where they do."""
        rows = light_rows(data) if self.light else None
        if rows is None:
            self.run(data, func)
            return
        with as_pandas_applies():
            for row in rows:
                func(row, *self.args, **self.own_kwargs)

    @property
    def own_kwargs(self) -> dict[str, Any]:
        """The keyword arguments that reach the function."""
        taken = _PANDAS_KEYWORDS[self.method]
        return {k: v for k, v in self.kwargs.items() if k not in taken}


def as_pandas_applies() -> AbstractContextManager[Any]:
    """What pandas sets while it applies a function to rows."""
    return nullcontext() if PANDAS_3 else pd.option_context("mode.chained_assignment", None)


_PANDAS_KEYWORDS = {
    "map": {"na_action", "engine"},
    "apply": {"convert_dtype", "by_row"},
    "rows": {"raw", "result_type", "by_row", "engine", "engine_kwargs"},
}


def kept(result: pd.Series, row: Any) -> pd.Series:
    """A plain Series that stays as it is when the next row comes; pandas makes this copy too."""
    if "_pandas_dist" in type(result).__dict__:
        return pd.Series(result, copy=False)  # the user's ``pd.Series`` is ours
    return result.copy(deep=False) if result is row or type(result) is not pd.Series else result


def portable(raw: list[Any], shares: bool, method: str) -> bool:
    """Copies of these results cannot be told from the results themselves."""
    kinds = set(map(type, raw))
    if all(map(is_atom, kinds)):
        return True
    if pd.Series in kinds and method == "rows":
        series = [r for r in raw if type(r) is pd.Series]
        if not all(r.dtype != object or plainness_of_all(r.tolist()) == ATOM for r in series):
            return False
        raw = [r for r in raw if type(r) is not pd.Series]
    rest = [r for r in raw if not is_atom(type(r))]
    if not _are_trees(rest):
        return False
    return not shares or all(type(r) is tuple and plainness(r) == ATOM for r in rest)


def _are_trees(values: list[Any]) -> bool:
    """Lists, tuples and dicts of immutable objects, however deep."""
    kinds = {kind for kind in set(map(type, values)) if not is_atom(kind)}
    if not kinds <= {list, tuple, dict}:
        return False
    parts = [v for v in values if not is_atom(type(v))] if kinds else []
    dicts = (v.values() for v in parts if type(v) is dict)
    return not parts or _are_trees(list(itertools.chain(*parts, *dicts)))
