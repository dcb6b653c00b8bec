"""Dask: partitions are ordered pandas frames, kernels run per partition.

``parts.py`` holds partitions and scheduling, ``lower.py`` one lowering per node,
``groupby.py`` and ``join.py`` the families that move rows between partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd

from pandas_dist.backends.dask import lower, parts
from pandas_dist.backends.dask.join import Check
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Relation, Slice
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import Need, optimise, requirements

Finish = Callable[[Any], Any]


class Backend:
    """Lowers a relation to Dask tasks and runs them."""

    name = "dask"
    blocks = True
    lowering: type[lower.Lowering] = lower.Lowering

    def _run(
        self, relation: Relation, ids: set[str], ordered: bool, finish: Finish | None = None
    ) -> list[Any]:
        """Results of all partitions; groups computed on the way stay on their nodes."""
        return self._plan(relation, ids, ordered, partial(self._all, finish=finish))

    def _plan(
        self, relation: Relation, ids: set[str], ordered: bool, run: Callable[..., Any]
    ) -> Any:
        """What ``run`` makes of the lowered plan, with the order of all joins verified."""
        plan = optimise(relation, ids, ordered)
        needs = requirements(plan, ids, ordered)
        whole: frozenset[int] = frozenset()
        while True:
            lowering = self.lowering(needs, whole)
            lowered = lowering.lower(plan)
            results, odd = run(lowering, lowered)
            if not odd:
                return results
            whole |= odd

    def _all(
        self, lowering: lower.Lowering, lowered: parts.Parts, finish: Finish | None
    ) -> tuple[list[Any], set[int]]:
        if finish is not None:
            lowered = lowered.then(finish)
        groups = [task for _, task in lowering.kept]
        results = parts.compute(lowered, [*groups, *(c.odd for c in lowering.checks)])
        rows, extra = results[: len(lowered.tasks)], results[len(lowered.tasks) :]
        odd = _odd(lowering.checks, extra[len(groups) :])
        if not odd:
            for (node, _), frame in zip(lowering.kept, extra):
                node.state.count = len(frame)
                if len(frame) * node.bytes_per_row() < KEPT_BYTES:
                    node.state.columns.update({name: frame[name] for name in frame.columns})
        return rows, odd

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        order = [i for i in relation.fields if i in ids]
        projected = partial(parts.project, ids=order)
        # A dtype that depends on the data depends on all partitions.
        known = all(relation.fields[i].known for i in ids)
        if known and isinstance(relation, Slice) and lower.has_head(relation):
            run = partial(self._head, window=relation.window, project=projected)
            frame = self._plan(relation.child, ids, True, run)
        else:
            frame = gather(self._run(relation, ids, ordered, projected))
        return frame[order]

    def _head(
        self, lowering: lower.Lowering, lowered: parts.Parts, window: slice, project: Finish
    ) -> tuple[Any, set[int]]:
        """The first rows from as few partitions as needed, unless a join's order needs all."""
        lowered = lowered.then(project)
        certain = all(c.possible is not None for c in lowering.checks)
        if certain:
            possible = [c.possible for c in lowering.checks if c.possible is not None]
            frame, repeats = parts.head(lowered, window, possible)
            if not any(repeats):
                return frame, set()
        rows, odd = self._all(lowering, lowered, None)
        return parts.own(gather(rows).iloc[window].reset_index(drop=True)), odd

    def count(self, relation: Relation) -> int:
        return sum(self._run(relation, set(), False, len))

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        chain = parts.Chain((function,))
        return parts.compute(parts.Parts(tuple(parts.call(chain, item) for item in items)))

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        order = [i for i in relation.fields if i in ids]
        project = partial(parts.project, ids=order)
        held = self._plan(relation, ids, True, partial(self._hold, project=project))
        assert held.starts is not None
        last = parts.compute(parts.Parts(held.tasks[-1:]).then(len))[0]
        return dict.fromkeys(order, held), held.starts[-1] + last

    def _hold(
        self, lowering: lower.Lowering, lowered: parts.Parts, project: Finish
    ) -> tuple[parts.Parts, set[int]]:
        odd = set[int]()
        if lowering.checks:
            checks = parts.compute(parts.Parts(tuple(c.odd for c in lowering.checks)))
            odd = _odd(lowering.checks, checks)
        return (lowered if odd else parts.kept(lowered.then(project))), odd

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        from pandas_dist.backends.dask.sketch import sketch

        return sketch(plan, needs)

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        return reduction.combine(self._run(relation, ids, reduction.ordered, reduction.part))


def _odd(checks: Sequence[Check], answers: Sequence[bool]) -> set[int]:
    """Joins that have to be joined as a whole."""
    return {id(check.node) for check, yes in zip(checks, answers) if yes}
