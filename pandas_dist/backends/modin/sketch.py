"""How a plan would run, without running it: the real lowering over empty leaves."""

from __future__ import annotations

from dataclasses import dataclass

from pandas_dist.backends.dask import sketch as tasks
from pandas_dist.backends.modin.lower import is_small, on_modin
from pandas_dist.plan.relations import Local, Relation, Sort
from pandas_dist.plan.rewrites import Need, topological


@dataclass(frozen=True, slots=True)
class Sketch:
    """One node of a lowered plan: in words how it would run."""

    how: str


def sketch(plan: Relation, needs: dict[int, Need]) -> dict[int, Sketch]:
    """For each node of an optimised plan (by ``id``) that would run: how it would."""
    reached = [n for n in topological(plan) if n is plan or needs[id(n)].parents]
    if is_small(plan, needs):
        return {
            id(n): Sketch("one partition" if isinstance(n, Local) else "all in one Ray task")
            for n in reached
        }
    found = tasks.sketch(plan, needs)
    return {id(n): _words(n, needs[id(n)], found[id(n)]) for n in reached if id(n) in found}


def _words(node: Relation, need: Need, found: tasks.Sketch) -> Sketch:
    if on_modin(node, need.columns) and max(found.inputs, default=1) > 1:
        what = "range-partitioned sort" if isinstance(node, Sort) else "rows by position"
        return Sketch(f"Modin's {what} of {found.inputs[0]} partitions")
    return Sketch(found.how)
