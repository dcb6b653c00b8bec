"""Kernels that run on ``modin.pandas`` frames, of the partitions that the other steps made.

``sound`` is the table of them: where Modin 0.37 gives pandas' rows in pandas' order, and does it
in parallel where the rows would have to be brought to one task otherwise.  It is not exact in:

- ``groupby``: order with ``sort=False``, ``min_count``, NaN partial sums, widened dtypes;
- ``merge``: order with ``sort=True``, dtypes of sides without rows;
- ``sort_values`` by text or categories (fails, or takes the order of values), or by one key with
  a sort that is not stable (ties); ``drop_duplicates`` that leaves a partition without rows;
- expressions: narrow integers and floats are widened.

These run our kernels on partitions as Ray tasks (``lower.py``).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.dask.parts import Parts, detached
from pandas_dist.backends.modin.tasks import Client, Held
from pandas_dist.plan.relations import Relation, Slice, Sort, assemble
from pandas_dist.plan.schema import Field


def sound(node: Relation, wanted: set[str]) -> bool:
    """Whether the node's kernel is exact, and gains, on a Modin frame of the columns."""
    if not all(stays(node.fields[i]) for i in wanted):
        return False
    if isinstance(node, Sort):
        stable = len(node.by) > 1 or node.kind in ("stable", "mergesort")
        first = node.child.fields[node.by[0]]
        by_number = isinstance(first.dtype, np.dtype) and first.kind in "iufM"
        return stable and by_number
    if isinstance(node, Slice):
        return node.window.step in (None, 1)
    return False


def stays(field: Field) -> bool:
    """Whether rows of partitions put together in any way have the dtype, and missing values."""
    return field.known and (field.kind != "O" or field.encoding is not None)


def run(node: Relation, below: Parts) -> Parts:
    """The node's kernel, given its input as a Modin frame; pandas' if that has no rows.

    The same on a single processor, where Modin makes one partition of all.
    """
    from modin.config import NPartitions
    from modin.distributed.dataframe.pandas import from_partitions, unwrap_partitions

    # References: as long as the frame is there, its partitions are.
    held: list[Any] = Client().persist(below.delayed())
    bare = detached(node)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # advice on Modin's own settings
        frame: Any = from_partitions([piece.ref for piece in held], axis=0)
        # Known once Modin has seen Ray.  With one, its sort leaves the partitions as they are.
        parallel = NPartitions.get() > 1
        result: Any = bare.kernel(frame) if parallel and len(frame) else frame
        if parallel and len(result):
            return Parts(tuple(map(Held, unwrap_partitions(result, axis=0)))).then(numbered_anew)
    return Parts(tuple(held)).gathered().then(bare.kernel)


def numbered_anew(frame: pd.DataFrame) -> pd.DataFrame:
    """A partition as ours are, with labels of its own; Modin's go on from the one before."""
    return assemble({i: frame[i] for i in frame.columns}, len(frame))


def available() -> bool:
    """Whether Modin runs on Ray here (a script may have given it another engine)."""
    from modin.config import Engine

    return bool(Engine.get() == "Ray")
