"""Modin on Ray: kernels run on row partitions that are pandas frames in Ray's object store.

``session.py`` finds or starts Ray, ``tasks.py`` runs task graphs on it, ``lower.py`` makes them.
"""

from __future__ import annotations

from typing import Any

from pandas_dist.backends import dask
from pandas_dist.backends.modin.lower import Lowering
from pandas_dist.backends.modin.sketch import sketch
from pandas_dist.plan.relations import Relation
from pandas_dist.plan.rewrites import Need


class Backend(dask.Backend):
    """Lowers a relation to tasks and runs them on Ray."""

    name = "modin"
    lowering = Lowering

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        return sketch(plan, needs)
