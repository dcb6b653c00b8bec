"""The registry of conformance cases: functions `case(pd, np, data, tmp)` that return what a
script would look at."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAMILIES = (
    "construct",
    "io",
    "select",
    "arith",
    "missing",
    "strings",
    "datetimes",
    "reductions",
    "groupby",
    "join",
    "concat",
    "sort",
    "reshape",
    "index",
    "window",
    "functions",
    "mutation",
    "objects",
    "errors",
    "laziness",
)
# One column alone makes three partitions or more of the large data, and of ten rows.
LARGE_PARTITION, SMALL_PARTITION = 6_000, 24
LARGE_DATA = {"sales", "sales_parquet", "sales_csv", "parts", "targets"}


@dataclass(frozen=True)
class Case:
    """One case.

    native: it must run on an engine without falling back to pandas.
    max_executions: how often an engine may execute, from the data to the compared result.
    large: the data has hundreds of rows (by default, whether the case uses the large data).
    may_raise: an exception out of the case is what is compared (otherwise a case that raises
        under plain pandas is a broken case).
    """

    run: Callable[..., Any]
    family: str
    native: bool
    max_executions: int | None
    may_raise: bool
    large: bool | None = None

    @property
    def name(self) -> str:
        return f"{self.family}.{self.run.__name__}"

    @property
    def partition_bytes(self) -> int:
        """A size that splits the data of this case into several partitions."""
        large = self.large
        if large is None:
            large = bool(LARGE_DATA & set(self.run.__code__.co_names))
        return LARGE_PARTITION if large else SMALL_PARTITION


_cases: dict[str, Case] = {}


def case(
    native: bool = False,
    max_executions: int | None = None,
    may_raise: bool = False,
    large: bool | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as a case of the family its module is named for."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        family = fn.__module__.rpartition("cases_")[2].partition("__")[0]
        new = Case(fn, family, native, max_executions, may_raise, large)
        if new.name in _cases:
            raise ValueError(f"two cases are named {new.name}")
        _cases[new.name] = new
        return fn

    return register


def all_cases() -> list[Case]:
    """Every case, in the order of the families."""
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")
    order = {family: i for i, family in enumerate(FAMILIES)}
    return sorted(_cases.values(), key=lambda c: order[c.family])
