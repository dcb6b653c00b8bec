"""Merge on Dask: broadcast the smaller side, or shuffle both by key.

A broadcast keeps the order of the partitioned side, which is pandas' order for
left, inner and cross (partitioned left) and right (partitioned right) joins.  A
shuffle carries row positions when order is required and sorts by them after.  pandas sorts
outer joins by key: where that order is needed, the whole is joined in one task.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import dask
import numpy as np
import pandas as pd
from dask.delayed import Delayed

from pandas_dist.backends.dask import probe
from pandas_dist.backends.dask.cluster import shuffles
from pandas_dist.backends.dask.exchange import bucket_of, split_by_key
from pandas_dist.backends.dask.parts import Parts, call, current_client, starts_of
from pandas_dist.config import options
from pandas_dist.interrupts import imported
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Join, Relation, assemble, numbered, take
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field

LEFT_POSITION, RIGHT_POSITION, BUCKET = "_lpos", "_rpos", "_bucket"


@dataclass(frozen=True, slots=True)
class Check:
    """Tasks that tell whether an inner join has to be joined as a whole, for pandas' order.

    pandas leaves the order of the left rows where repeated matches happen to make up for missing
    ones.  ``odd``: whether they do, by the counts of all partitions.  ``possible``: whether they
    could, by the right side alone; None where that does not tell.
    """

    node: Join
    odd: Delayed
    possible: Delayed | None = None


def lower(node: Join, need: Need, left: Parts, right: Parts) -> tuple[Parts, Check | None]:
    """Partitions of the join, and what has to be checked once they are there."""
    if (node.how == "outer" and need.ordered) or (len(left.tasks) == 1 and len(right.tasks) == 1):
        return as_whole(node, need, left, right), None  # outer joins sort by key
    lefts, rights = node.needs(need.columns)
    trim = Merge(node, need.columns)
    if streams(node, need, left, right):
        return stream_right(trim.node, left, right), None
    if node.how in ("left", "cross"):
        if node.how == "cross" or fits(node.right, rights, right):
            return broadcast_right(trim, left, right), None
    elif node.how == "right":
        if fits(node.left, lefts, left):
            return broadcast_left(trim, left, right), None
    elif need.ordered:
        return ordered_inner(node, need, left, right)
    elif size(node.left, lefts) < size(node.right, rights) and len(right.tasks) > 1:
        if fits(node.left, lefts, left):
            return broadcast_left(trim, left, right), None
    elif fits(node.right, rights, right):
        return broadcast_right(trim, left, right), None
    return shuffled(node, need, left, right)


def streams(node: Join, need: Need, left: Parts, right: Parts) -> bool:
    """Whether the large right side of a left join goes by, part for part, in any order."""
    lefts, rights = node.needs(need.columns)
    if node.how != "left" or need.ordered or len(right.tasks) < 2 or node.coalesced:
        return False
    keys = [node.left.fields[i] for i in node.left_on]
    by_number = len(keys) == 1 and isinstance(keys[0].dtype, np.dtype) and keys[0].kind in "iuM"
    smaller = 2 * size(node.left, lefts) < size(node.right, rights)
    return by_number and smaller and fits(node.left, lefts, left)


def stream_right(node: Join, left: Parts, right: Parts) -> Parts:
    by_key = call(partial(probe.table, on=node.left_on), left.gathered().delayed()[0])
    sides = right.delayed()
    done = [call(partial(probe.streamed, node), by_key, side) for side in sides]
    rest = call(partial(probe.unmatched, node), by_key, sides[0], *done)
    return Parts((*(call(_merged, d) for d in done), rest))


def _merged(done: probe.Streamed) -> pd.DataFrame:
    return done.merged


def as_whole(node: Join, need: Need, left: Parts, right: Parts) -> Parts:
    """Both sides in one task: pandas' own merge, or a quicker one that gives the same."""
    sides = left.gathered().delayed()[0], right.gathered().delayed()[0]
    return Parts((call(Merge(node, need.columns), *sides),))


def ordered_inner(node: Join, need: Need, left: Parts, right: Parts) -> tuple[Parts, Check | None]:
    """An inner join in the order of the left rows; the smaller side is broadcast."""
    lefts, rights = node.needs(need.columns)
    left_smaller = size(node.left, lefts) < size(node.right, rights)
    if left_smaller and len(right.tasks) > 1 and fits(node.left, lefts, left):
        left = with_position(left, LEFT_POSITION).gathered()
        right = with_position(right, RIGHT_POSITION)
        trim = Merge(node, need.columns, (LEFT_POSITION, RIGHT_POSITION))
        joined = broadcast_left(trim, left, right)
        odd = call(_odd, call(len, left.delayed()[0]), *joined.tasks)
        return restored(joined, node.how), Check(node, odd)
    if not fits(node.right, rights, right):
        return shuffled(node, need, left, right)
    left = left.sealed()
    whole = right.gathered().delayed()[0]
    by_key = call(partial(probe.table, on=node.right_on), whole)
    joined = Parts(tuple(call(InOrder(node, need.columns), t, by_key) for t in left.tasks))
    counts = [call(_rows, a, b) for a, b in zip(left.tasks, joined.tasks)]
    possible = call(partial(_repeats, on=list(node.right_on)), by_key)
    return joined, Check(node, call(_coincident, possible, *counts), possible)


def _rows(left: pd.DataFrame, joined: pd.DataFrame) -> tuple[int, int]:
    return len(left), len(joined)


def _repeats(right: probe.Table | pd.DataFrame, on: list[str]) -> bool:
    if isinstance(right, probe.Table):
        return not right.unique
    return bool(right.duplicated(on).any())


def _coincident(possible: bool, *counts: tuple[int, int]) -> bool:
    """Whether as many rows came out as went in, though not one for one."""
    return possible and sum(a for a, _ in counts) == sum(b for _, b in counts)


def _odd(rows: int, *joined: pd.DataFrame) -> bool:
    """As `_coincident`, by the positions of left rows in the result."""
    if sum(map(len, joined)) != rows:
        return False
    positions = np.concatenate([f[LEFT_POSITION].to_numpy() for f in joined])
    return bool((np.bincount(positions, minlength=rows) != 1).any())


def size(relation: Relation, columns: set[str]) -> float:
    """An estimate of the bytes of some columns of a side."""
    return likely_rows(relation) * relation.bytes_per_row(columns)


def fits(relation: Relation, columns: set[str], parts: Parts) -> bool:
    """Whether one side may be held whole by every worker."""
    if len(parts.tasks) == 1:
        return True
    limit = 256e6 if current_client() is not None else options.memory_limit / 8
    return size(relation, columns) <= limit


def broadcast_right(trim: Merge, left: Parts, right: Parts) -> Parts:
    whole = right.gathered().delayed()[0]
    by_key = call(partial(probe.table, on=trim.node.right_on), whole)
    return Parts(tuple(call(trim, task, by_key) for task in left.delayed()))


def broadcast_left(trim: Merge, left: Parts, right: Parts) -> Parts:
    whole = left.gathered().delayed()[0]
    by_key = call(partial(probe.table, on=trim.node.left_on), whole)
    return Parts(tuple(call(trim, by_key, task) for task in right.delayed()))


class Merge:
    """The join's kernel with only the columns that are needed."""

    def __init__(self, node: Join, wanted: set[str], extra: tuple[str, str] | None = None) -> None:
        lefts = {n: i for n, i in node.left_out.items() if n in wanted}
        rights = {n: i for n, i in node.right_out.items() if n in wanted}
        if extra is not None:
            lefts[LEFT_POSITION], rights[RIGHT_POSITION] = extra
        self.node = bare(node, lefts, rights, wanted)

    def __call__(
        self, left: pd.DataFrame | probe.Table, right: pd.DataFrame | probe.Table
    ) -> pd.DataFrame:
        if isinstance(left, probe.Table) or isinstance(right, probe.Table):
            return probe.merge(self.node, left, right)
        if self.node.how not in ("inner", "left"):
            return self.node.merge(left, right)
        merged = probe.merge(self.node, left, probe.table(right, self.node.right_on))
        if self.node.how == "left" or len(merged) != len(left):
            return merged
        # One for one, or pandas' other order by coincidence.
        if not right.duplicated(list(self.node.right_on)).any():
            return merged
        return self.node.merge(left, right)


class InOrder(Merge):
    """An inner join of a part of the left side, in the order of its rows.

    pandas leaves that order for an input with as many rows as its result of
    repeated matches; the whole may be another case than a part of it.
    """

    def __init__(self, node: Join, wanted: set[str]) -> None:
        super().__init__(node, wanted)
        self.numbered = Merge(node, wanted, (LEFT_POSITION, RIGHT_POSITION)).node

    def __call__(
        self, left: pd.DataFrame | probe.Table, right: pd.DataFrame | probe.Table
    ) -> pd.DataFrame:
        merged = probe.merge(self.node, left, right)
        if isinstance(right, probe.Table):
            return merged
        assert isinstance(left, pd.DataFrame)
        keys = list(self.node.right_on)
        if len(merged) != len(left) or not right.duplicated(keys).any():
            return merged
        sides = numbered(left, LEFT_POSITION, 0), numbered(right, RIGHT_POSITION, 0)
        return _restore(self.numbered.merge(*sides), keys=[LEFT_POSITION, RIGHT_POSITION])


def bare(node: Join, lefts: dict[str, str], rights: dict[str, str], wanted: set[str]) -> Join:
    """The join without its inputs, so that a task carries no plan."""
    empty = Relation()
    coalesced = {i: p for i, p in node.coalesced.items() if i in wanted}
    if node.coalesced and not coalesced:
        coalesced = dict(node.coalesced)
    return Join(empty, empty, node.how, node.left_on, node.right_on, lefts, rights, {}, coalesced)


def shuffled(node: Join, need: Need, left: Parts, right: Parts) -> tuple[Parts, Check | None]:
    ordered = need.ordered
    if ordered:
        left, right = with_position(left, LEFT_POSITION), with_position(right, RIGHT_POSITION)
    trim = Merge(node, need.columns, (LEFT_POSITION, RIGHT_POSITION) if ordered else None)
    buckets = max(len(left.tasks), len(right.tasks))
    needed = [sorted(ids) for ids in node.needs(need.columns)]
    if ordered:
        needed = [[*needed[0], LEFT_POSITION], [*needed[1], RIGHT_POSITION]]
    lefts = shuffle(left, node.left, needed[0], node.left_on, buckets)
    rights = shuffle(right, node.right, needed[1], node.right_on, buckets)
    joined = Parts(tuple(call(trim, a, b) for a, b in zip(lefts, rights)))
    if not ordered:
        return joined, None
    if node.how != "inner":
        return restored(joined, node.how), None
    rows = call(_total, *(call(len, t) for t in lefts))
    return restored(joined, node.how), Check(node, call(_odd, rows, *joined.tasks))


def _total(*counts: int) -> int:
    return sum(counts)


def restored(joined: Parts, how: str) -> Parts:
    """Rows in pandas' order, by the positions that they carry."""
    keys = [LEFT_POSITION, RIGHT_POSITION]
    if how == "right":
        keys.reverse()
    return Parts((call(partial(_restore, keys=keys), *joined.tasks),))


def _restore(*frames: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    whole = gather(frames)
    order = np.lexsort([whole[k].to_numpy() for k in reversed(keys)])
    return take(whole.drop(columns=keys), order)


def with_position(parts: Parts, name: str) -> Parts:
    shared, starts = starts_of(parts)
    return Parts(tuple(call(numbered, t, name, s) for t, s in zip(shared.delayed(), starts)))


def shuffle(
    parts: Parts, relation: Relation, ids: list[str], on: tuple[str, ...], buckets: int
) -> list:
    """Partitions of the columns ``ids`` by key; on Dask's cluster by its own shuffle."""
    if not shuffles(current_client()):
        pieces = parts.then(partial(split_by_key, keys=list(on), buckets=buckets)).delayed()
        return [call(partial(_bucket_of, number=n), *pieces) for n in range(buckets)]
    dd = imported("dask.dataframe")

    keyed = parts.then(partial(_with_bucket, ids=ids, on=on, buckets=buckets)).delayed()
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_delayed(list(keyed), meta=meta(relation, ids), verify_meta=False)
        moved = frame.shuffle(BUCKET, npartitions=buckets, shuffle_method="p2p")
        return [call(_renumbered, task) for task in moved.to_delayed()]


def _bucket_of(*pieces: list[pd.DataFrame], number: int) -> pd.DataFrame:
    return _renumbered(gather([piece[number] for piece in pieces]))


def _renumbered(frame: pd.DataFrame) -> pd.DataFrame:
    return assemble({c: frame[c] for c in frame.columns}, len(frame))


def _with_bucket(
    frame: pd.DataFrame, ids: list[str], on: tuple[str, ...], buckets: int
) -> pd.DataFrame:
    number = pd.Series(bucket_of(frame, list(on), buckets).astype("int64"))
    return assemble({**{c: frame[c] for c in ids}, BUCKET: number}, len(frame))


def meta(relation: Relation, ids: list[str]) -> pd.DataFrame:
    position = Field(np.dtype("int64"), nulls=False)
    names = {i: empty(relation.fields.get(i, position)) for i in ids}
    return assemble({**names, BUCKET: pd.Series([], dtype="int64")}, 0)


def empty(field: Field) -> pd.Series:
    from pandas_dist.plan.schema import TEXT_STORAGE

    if field.encoding is not None:
        return pd.Series([], dtype=TEXT_STORAGE)
    return pd.Series([], dtype=field.dtype if field.known else object)
