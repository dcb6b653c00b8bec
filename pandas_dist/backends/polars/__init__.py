"""Polars: relations become one lazy query, run by the streaming engine.

``columns.py`` says how pandas columns are held, ``expressions.py`` (with ``text.py`` and
``times.py``) lowers expressions, ``lower.py`` nodes, ``groupby.py``, ``join.py`` and
``scan.py`` their families.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist import threads
from pandas_dist.backends.lowering import explained
from pandas_dist.backends.polars import lower, reduce
from pandas_dist.backends.polars.frames import Frame, export
from pandas_dist.backends.polars.groups import computed, hold_reduced, prepared
from pandas_dist.backends.polars.sketch import sketch
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.relations import Relation
from pandas_dist.plan.rewrites import Need, planned

# Polars panics at some files.
FAILURES = (pl.exceptions.PolarsError, pl.exceptions.PanicException)

# Polars imports a part of NumPy at the first use of each, and panics if Ctrl-C breaks that off.
pl.Series([0.0]).to_numpy()
pl.Series(np.zeros(1))


class Backend:
    """Lowers a relation to a Polars query and runs it."""

    name = "polars"

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        order = [i for i in relation.fields if i in ids]
        with explained(relation, FAILURES):
            return export(lowered(relation, ids, ordered), order, relation.fields)

    def count(self, relation: Relation) -> int:
        with explained(relation, FAILURES):
            return lowered(relation, set(), False).count()

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        with threads.pool(pl.thread_pool_size()) as pool:
            return list(pool.map(function, items))

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        with explained(relation, FAILURES):
            return computed(relation, ids, *prepared(relation, ids, True))

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        return sketch(plan, needs)

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        order = [i for i in relation.fields if i in ids]
        with explained(relation, FAILURES):
            plan, needs = prepared(relation, ids, reduction.ordered)
            if hold_reduced(relation, ids, reduction.ordered):
                plan, needs = planned(relation, ids, reduction.ordered)
            frame = lower.Lowering.of(plan, needs).lower(plan)
            few = row_bound(relation) * relation.bytes_per_row(ids) < reduce.FEW_BYTES
            part = reduce.part(reduction, frame, relation.fields, few)
            if part is None:
                part = reduction.part(export(frame, order, relation.fields))
        return reduction.combine([part])


def lowered(relation: Relation, ids: set[str], ordered: bool) -> Frame:
    """The columns of a relation, whose groups with sums of floats are kept."""
    plan, needs = prepared(relation, ids, ordered)
    return lower.Lowering.of(plan, needs).lower(plan)
