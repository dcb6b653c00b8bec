"""Dask: partitions are ordered pandas frames, kernels run per partition.

``parts.py`` holds partitions and scheduling, ``lower.py`` one lowering per node,
``groupby.py`` and ``join.py`` the families that move rows between partitions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from pandas_dist.backends.dask import lower, parts
from pandas_dist.plan.relations import Relation, Slice
from pandas_dist.plan.rewrites import optimise, requirements


class Backend:
    """Lowers a relation to Dask tasks and runs them."""

    name = "dask"

    def _lower(self, relation: Relation, ids: set[str], ordered: bool) -> parts.Parts:
        plan = optimise(relation, ids, ordered)
        return lower.Lowering(requirements(plan, ids, ordered)).lower(plan)

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        order = [i for i in relation.fields if i in ids]
        if isinstance(relation, Slice) and lower.is_head(relation):
            below = self._lower(relation.child, ids, True)
            frame = parts.head(below.then(partial(parts.project, ids=order)), relation.window)
        else:
            lowered = self._lower(relation, ids, ordered)
            frame = parts.gather(parts.compute(lowered.then(partial(parts.project, ids=order))))
        return frame[order]

    def count(self, relation: Relation) -> int:
        lowered = self._lower(relation, set(), False)
        return sum(parts.compute(lowered.then(len)))

    def run_whole(
        self, relation: Relation, ids: set[str], kernel: Callable[[pd.DataFrame], Any]
    ) -> Any:
        order = [i for i in relation.fields if i in ids]
        lowered = self._lower(relation, ids, True).then(partial(parts.project, ids=order))
        return parts.compute(lowered.gathered().then(kernel))[0]

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        lowered = self._lower(relation, ids, reduction.ordered).then(reduction.part)
        return reduction.combine(parts.compute(lowered))
