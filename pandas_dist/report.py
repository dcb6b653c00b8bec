"""What ran where in this process: executions, fallbacks, Python functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Fallback:
    """A method that ran in local pandas, why, and the user's line that called it."""

    method: str
    reason: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.method}: {self.reason} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """Where a user's Python function ran and why there."""

    method: str
    distributed: bool
    reason: str
    file: str
    line: int

    def __str__(self) -> str:
        where = "distributed" if self.distributed else "local"
        reason = self.reason.removeprefix(f"{where}: ")
        return f"{self.method}: {where}, {reason} ({self.file}:{self.line})"


@dataclass(slots=True)
class Counters:
    """Running totals of this process.

    ``fallbacks`` maps (method, reason) to the number of calls; ``sites`` and
    ``functions`` count the same kind of event per line of the user's code.
    ``promotions`` are operations on data in memory that went to an engine under ``auto``, with
    the reason.
    """

    executions: int = 0
    fallbacks: dict[tuple[str, str], int] = field(default_factory=dict)
    sites: dict[Fallback, int] = field(default_factory=dict)
    functions: dict[PythonFunction, int] = field(default_factory=dict)
    promotions: dict[tuple[str, str], int] = field(default_factory=dict)

    def reset(self) -> None:
        self.executions = 0
        self.fallbacks.clear()
        self.sites.clear()
        self.functions.clear()
        self.promotions.clear()


counters = Counters()


def record_fallback(method: str, reason: str, file: str, line: int) -> None:
    """Count one call that runs in local pandas."""
    key = (method, reason)
    counters.fallbacks[key] = counters.fallbacks.get(key, 0) + 1
    event = Fallback(method, reason, file, line)
    counters.sites[event] = counters.sites.get(event, 0) + 1


def record_function(method: str, distributed: bool, reason: str, file: str, line: int) -> None:
    """Count one call with a Python function."""
    event = PythonFunction(method, distributed, reason, file, line)
    counters.functions[event] = counters.functions.get(event, 0) + 1


def record_promotion(what: str, why: str) -> None:
    """Count an operation on data in memory that went to an engine."""
    counters.promotions[what, why] = counters.promotions.get((what, why), 0) + 1


def came_from(obj: Any, what: str) -> Any:
    """``obj``, whose plan (if it has one) remembers the operation that gave its rows."""
    plan = getattr(obj, "__dict__", {}).get("_plan")
    if plan is not None:
        plan.relation.state.origin = what
    return obj


def summary() -> str:
    """The totals, fallbacks and Python functions so far, most frequent first."""
    first = f"pandas_dist: {counters.executions} engine executions"
    lines = [first if counters.sites else first + ", no fallbacks"]
    if counters.sites:
        lines += ["fallbacks to local pandas:", *_table(counters.sites.items())]
    if counters.functions:
        lines += ["Python functions:", *_table(counters.functions.items())]
    if counters.promotions:
        shown = {f"{what}: {why}": n for (what, why), n in counters.promotions.items()}
        lines += ["data in memory that auto gave to an engine:", *_table(shown.items())]
    return "\n".join(lines)


def _table(events: Iterable[tuple[Any, int]]) -> list[str]:
    ordered = sorted(events, key=lambda event: (-event[1], str(event[0])))
    return [f"  {calls:5d} x {event}" for event, calls in ordered]
