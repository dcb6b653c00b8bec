"""The table of rules: what engines serve, by owner and name of the pandas method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """Declared support of one pandas method.

    ``run(plan, p)`` gives a plan, a pandas object or a scalar; ``p`` holds the
    arguments by name with pandas' defaults.  It raises NotNative with the reason
    before anything has happened.  ``strategy`` says how engines run it: ``rows``,
    ``tree``, ``join``, ``order``, ``schema`` or ``gathered``.
    """

    owner: str
    name: str
    run: Callable[..., Any]
    strategy: str
    note: str = ""


RULES: dict[tuple[str, str], Rule] = {}


def rule(owner: str, *names: str, strategy: str, note: str = "") -> Callable[[Any], Any]:
    """Register a rule for methods of ``owner`` (DataFrame, Series, pandas, …)."""

    def register(run: Any) -> Any:
        for name in names:
            RULES[owner, name] = Rule(owner, name, run, strategy, note)
        return run

    return register
