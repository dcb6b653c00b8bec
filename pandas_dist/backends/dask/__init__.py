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
from pandas_dist.plan.relations import Relation, Slice
from pandas_dist.plan.rewrites import Need, optimise, requirements


class Backend:
    """Lowers a relation to Dask tasks and runs them."""

    name = "dask"

    def _lower(self, relation: Relation, ids: set[str], ordered: bool) -> parts.Parts:
        return self._plan(relation, ids, ordered)[1]

    def _plan(
        self, relation: Relation, ids: set[str], ordered: bool
    ) -> tuple[lower.Lowering, parts.Parts]:
        plan = optimise(relation, ids, ordered)
        lowering = lower.Lowering(requirements(plan, ids, ordered))
        return lowering, lowering.lower(plan)

    def _run(self, lowering: lower.Lowering, lowered: parts.Parts) -> list[Any]:
        """Results of all partitions; groups computed on the way stay on their nodes."""
        kept = list(lowering.kept)
        results = parts.compute(lowered, [task for _, task in kept])
        for (node, _), frame in zip(kept, results[len(lowered.tasks) :]):
            node.state.count = len(frame)
            node.state.columns.update({name: frame[name] for name in frame.columns})
        return results[: len(lowered.tasks)]

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        order = [i for i in relation.fields if i in ids]
        # A dtype that depends on the data depends on all partitions.
        known = all(relation.fields[i].known for i in ids)
        if known and isinstance(relation, Slice) and lower.is_head(relation):
            below = self._lower(relation.child, ids, True)
            frame = parts.head(below.then(partial(parts.project, ids=order)), relation.window)
        else:
            lowering, lowered = self._plan(relation, ids, ordered)
            projected = lowered.then(partial(parts.project, ids=order))
            frame = parts.gather(self._run(lowering, projected))
        return frame[order]

    def count(self, relation: Relation) -> int:
        lowering, lowered = self._plan(relation, set(), False)
        return sum(self._run(lowering, lowered.then(len)))

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        chain = parts.Chain((function,))
        return parts.compute(parts.Parts(tuple(parts.call(chain, item) for item in items)))

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        order = [i for i in relation.fields if i in ids]
        lowered = self._lower(relation, ids, True).then(partial(parts.project, ids=order))
        held = parts.kept(lowered)
        assert held.starts is not None
        last = parts.compute(parts.Parts(held.tasks[-1:]).then(len))[0]
        return dict.fromkeys(order, held), held.starts[-1] + last

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        from pandas_dist.backends.dask.sketch import sketch

        return sketch(plan, needs)

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        lowering, lowered = self._plan(relation, ids, reduction.ordered)
        return reduction.combine(self._run(lowering, lowered.then(reduction.part)))
