"""The first or last rows of a sort, without moving or sorting all the others.

A stable sort takes them from the first rows of each partition.  Any other one leaves equal keys in
an order that only the whole key column tells: that column alone is brought together and sorted.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from pandas_dist.backends.dask.parts import (
    Parts,
    call,
    detached,
    project,
    starts_of,
)
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Slice, Sort, assemble, take

# More rows than this are sorted with all others.
MOST = 1 << 14
PLACE = "_place"


def ends(node: Slice) -> tuple[int, bool] | None:
    """How many rows at one end hold the slice, and whether it is the last ones."""
    w = node.window
    if (w.step or 1) < 0:
        return None
    if (w.start or 0) >= 0 and w.stop is not None and w.stop >= 0:
        return w.stop, False
    if w.start is not None and w.start < 0 and w.stop is None:
        return -w.start, True
    return None


def applies(node: Slice) -> bool:
    """Whether the slice is of few rows at one end of a sort."""
    found = ends(node)
    return isinstance(node.child, Sort) and found is not None and found[0] <= MOST


def alone(sort: Sort) -> Sort:
    """The sort without its input, by its kind in effect."""
    bare = detached(sort)
    if len(bare.by) > 1:
        bare.kind = "stable"  # as pandas sorts by several keys
    return bare


def lower(node: Slice, sort: Sort, below: Parts) -> tuple[Parts, Parts]:
    """Partitions that the sort leaves, and those of the slice."""
    kernel = alone(sort)
    if kernel.kind in ("stable", "mergesort"):
        found = ends(node)
        assert found is not None
        first = Parts(tuple(call(FirstRows(kernel, *found), t) for t in below.delayed()))
        return first, first.gathered().then(partial(_sliced, sort=kernel, window=node.window))
    return picked(node, kernel, below)


class FirstRows:
    """The rows of a partition that may be among the first (or last) of all."""

    def __init__(self, sort: Sort, rows: int, last: bool) -> None:
        self.sort, self.rows, self.last = sort, rows, last

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        order = self.sort.order(frame)
        if self.last:
            return take(frame, order[max(0, len(order) - self.rows) :])
        return take(frame, order[: self.rows])


def _sliced(frame: pd.DataFrame, sort: Sort, window: slice) -> pd.DataFrame:
    return take(frame, sort.order(frame)[window])


def picked(node: Slice, sort: Sort, below: Parts) -> tuple[Parts, Parts]:
    """Rows by the order of the whole key."""
    shared, starts = starts_of(below)
    shared = shared.sealed()
    keys = shared.then(partial(project, ids=list(sort.by))).gathered()
    chosen = call(partial(_chosen, sort=sort, window=node.window), keys.delayed()[0])
    pieces = [call(_picked, t, start, chosen) for t, start in zip(shared.tasks, starts)]
    return Parts(tuple(pieces)), Parts((call(_arranged, *pieces),))


def _chosen(keys: pd.DataFrame, sort: Sort, window: slice) -> np.ndarray:
    return sort.order(keys)[window].copy()


def _picked(frame: pd.DataFrame, start: int, chosen: np.ndarray) -> pd.DataFrame:
    """The chosen rows that are in this partition, with their places in the result."""
    mine = ((chosen >= start) & (chosen < start + len(frame))).nonzero()[0]
    rows = take(frame, chosen[mine] - start)
    return assemble({**{c: rows[c] for c in rows.columns}, PLACE: pd.Series(mine)}, len(mine))


def _arranged(*pieces: pd.DataFrame) -> pd.DataFrame:
    whole = gather(pieces)
    order = np.argsort(whole[PLACE].to_numpy(), kind="stable")
    return take(whole.drop(columns=PLACE), order)
