"""Spark: relations become one Spark SQL query, on classic Spark or by Spark Connect.

``session.py`` finds or starts the session, ``columns.py`` says how pandas columns are held,
``frames.py`` what is known of rows and their order, ``expressions.py`` (with ``text.py``,
``times.py`` and ``batches.py``) lowers expressions, ``lower.py`` nodes, ``groupby.py``,
``join.py``, ``window.py``, ``scan.py`` and ``local.py`` their families.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from pyspark.errors import PySparkException

from pandas_dist import threads
from pandas_dist.backends.lowering import explained
from pandas_dist.backends.spark import blocks, lower, pieces, reduce
from pandas_dist.backends.spark.frames import export
from pandas_dist.backends.spark.groups import hold_groups
from pandas_dist.backends.spark.reused import hold_reused
from pandas_dist.backends.spark.session import on_cluster, running
from pandas_dist.backends.spark.sketch import sketch
from pandas_dist.ops.places import is_url
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.relations import Relation
from pandas_dist.plan.rewrites import Need


@contextmanager
def prepared(relation: Relation) -> Iterator[None]:
    """The session, with the settings that our plans need."""
    with running(), explained(relation, PySparkException):
        yield


def prepare(relation: Relation, ids: set[str], ordered: bool, whole: bool = False) -> None:
    """Compute and keep what a plan is going to read more often than now.

    ``whole``: the rows of ``relation`` come here and are kept by that.
    """
    hold_reused(relation, ids, ordered, whole)
    hold_groups(relation, ids, ordered, whole)


class Backend:
    """Lowers a relation to a Spark DataFrame and runs it."""

    name = "spark"
    blocks = False
    streams = True

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        order = [i for i in relation.fields if i in ids]
        with prepared(relation):
            prepare(relation, ids, ordered, whole=True)
            return export(lower.lowered(relation, ids, ordered), order, relation.fields)

    def stream(self, relation: Relation, ids: set[str], rows: int) -> Iterator[pd.DataFrame]:
        with prepared(relation):
            prepare(relation, ids, True)
            frame = lower.lowered(relation, ids, True)
            yield from blocks.blocks(frame, sorted(ids), relation.fields, rows)

    def reaches(self, path: str) -> bool:
        return on_cluster() is is_url(path)

    def in_parts(
        self, relation: Relation, ids: set[str], function: Callable[[int, pd.DataFrame], Any]
    ) -> list[Any]:
        with prepared(relation):
            prepare(relation, ids, True)
            frame = lower.lowered(relation, ids, True)
            return blocks.in_workers(frame, sorted(ids), relation.fields, function)

    def count(self, relation: Relation) -> int:
        with prepared(relation):
            prepare(relation, set(), False)
            frame = lower.lowered(relation, set(), False)
            return len(frame.here) if frame.here is not None else frame.rows.value("count(1)")

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        if len(items) > 1 and on_cluster():
            with running():
                return pieces.mapped(function, items)
        with threads.pool() as pool:
            return list(pool.map(function, items))

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        order = [i for i in relation.fields if i in ids]
        with prepared(relation):
            prepare(relation, ids, True)
            held = lower.lowered(relation, ids, True).select(order).persist()
            return dict.fromkeys(order, held), int(held.rows.value("count(1)"))

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        return sketch(plan, needs)

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        order = [i for i in relation.fields if i in ids]
        with prepared(relation):
            prepare(relation, ids, reduction.ordered)
            frame = lower.lowered(relation, ids, reduction.ordered)
            few = row_bound(relation) * relation.bytes_per_row(ids) < reduce.FEW_BYTES
            part = None
            if frame.here is None and not few:
                part = reduce.part(reduction, frame, relation.fields)
            if part is None:
                part = reduction.part(export(frame, order, relation.fields))
        return reduction.combine([part])
