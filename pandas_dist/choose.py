"""``auto``: which engine runs a plan, and which data are worth one, by bytes.

Data below ``options.min_bytes`` stay in pandas, and no engine is imported for them.  A file of
several times that size (``gains.FILES``) is read lazily; a larger frame in memory goes to the
engine for the operations that gain by it (``gains.py``).  A result comes back to pandas once it
is known to be a quarter of that size, so that nothing goes to and fro.  The default of
``min_bytes`` is measured by ``benchmarks/calibrate.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pandas_dist import backends, config
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.relations import Local, Relation, Scan
from pandas_dist.plan.rewrites import Need, optimise, requirements, topological


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, and in words why."""

    engine: str
    why: str


def choice(relation: Relation, ids: set[str]) -> Choice:
    """The engine for the columns ``ids`` of a relation."""
    states = [node.state for node in topological(relation)]
    held = {s.engine for s in states if s.persisted or s.unordered} - {""}
    if held:
        return Choice(held.pop(), "it holds persisted columns")
    plan = optimise(relation, ids, True)
    size = input_bytes(plan, requirements(plan, ids, True))
    options = config.options
    shown = f"the inputs are about {size / 1e6:,.1f} MB"
    if size < options.min_bytes:
        return Choice("pandas", f"{shown}, less than {options.min_bytes / 1e6:,.0f} MB")
    if options.address is not None and size > options.memory_limit:
        engine = config.cluster_engine(options.address)
        return Choice(engine, f"{shown}, more than the memory limit, and there is a cluster")
    return Choice("polars", f"{shown}, {options.min_bytes / 1e6:,.0f} MB or more")


def input_bytes(plan: Relation, needs: dict[int, Need]) -> float:
    """An estimate of the bytes of all columns that a plan reads."""
    total = 0.0
    for node in topological(plan):
        if isinstance(node, (Local, Scan)):
            total += row_bound(node) * node.bytes_per_row(needs[id(node)].columns)
    return total


class Backend:
    """Hands each plan to the engine that is chosen for it."""

    name = "auto"
    blocks = False

    def _of(self, relation: Relation, ids: set[str]) -> Any:
        return backends.load(choice(relation, ids).engine)

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        frame: pd.DataFrame = self._of(relation, ids).collect(relation, ids, ordered)
        return frame

    def count(self, relation: Relation) -> int:
        return int(self._of(relation, set()).count(relation))

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return backends.load("polars").map_blocks(function, items)

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        chosen = choice(relation, ids).engine
        relation.state.engine = chosen
        return backends.load(chosen).persist(relation, ids)

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        return self._of(plan, needs[id(plan)].columns).sketch(plan, needs)

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        return self._of(relation, ids).reduce(relation, ids, reduction)
