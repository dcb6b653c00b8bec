"""Merge on Dask: broadcast the smaller side, or shuffle both by key.

A broadcast keeps the order of the partitioned side, which is pandas' order for
left, inner and cross (partitioned left) and right (partitioned right) joins.  A
shuffle carries row positions when order is required and sorts by them after.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import dask
import numpy as np
import pandas as pd

from pandas_dist.backends.dask.parts import Parts, call, current_client, gather
from pandas_dist.config import options
from pandas_dist.plan.relations import Join, Relation, assemble, numbered, take
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field

# pandas' inner join leaves the order of the left rows where repeated matches happen to make up
# for missing ones.  Up to this number of rows pandas joins the whole, in its own order.
WHOLE_ROWS = 100_000
LEFT_POSITION, RIGHT_POSITION, BUCKET = "_lpos", "_rpos", "_bucket"


def lower(node: Join, need: Need, left: Parts, right: Parts) -> Parts:
    trim = Merge(node, need.columns)
    lefts, rights = node.needs(need.columns)
    if node.how == "outer" or (len(left.tasks) == 1 and len(right.tasks) == 1):
        return Parts((call(trim, left.gathered().delayed()[0], right.gathered().delayed()[0]),))
    if node.how in ("left", "cross"):
        if node.how == "cross" or fits(node.right, rights, right):
            return broadcast_right(trim, left, right)
    elif node.how == "right":
        if fits(node.left, lefts, left):
            return broadcast_left(trim, left, right)
    else:
        return lower_inner(node, need, left, right)
    return shuffled(node, need, left, right)


def lower_inner(node: Join, need: Need, left: Parts, right: Parts) -> Parts:
    """Broadcast the smaller side; in left order if order is required."""
    if need.ordered and max(node.left.row_bound(), node.right.row_bound()) <= WHOLE_ROWS:
        trim = Merge(node, need.columns)
        return Parts((call(trim, left.gathered().delayed()[0], right.gathered().delayed()[0]),))
    lefts, rights = node.needs(need.columns)
    left_smaller = size(node.left, lefts) < size(node.right, rights)
    if left_smaller and len(right.tasks) > 1 and fits(node.left, lefts, left):
        if not need.ordered:
            return broadcast_left(Merge(node, need.columns), left, right)
        left = with_position(left, LEFT_POSITION)
        right = with_position(right, RIGHT_POSITION)
        trim = Merge(node, need.columns, (LEFT_POSITION, RIGHT_POSITION))
        return restored(broadcast_left(trim, left, right), node.how)
    if fits(node.right, rights, right):
        trim = InOrder(node, need.columns) if need.ordered else Merge(node, need.columns)
        return broadcast_right(trim, left, right)
    return shuffled(node, need, left, right)


def size(relation: Relation, columns: set[str]) -> float:
    """An estimate of the bytes of some columns of a side."""
    return relation.row_bound() * relation.bytes_per_row(columns)


def fits(relation: Relation, columns: set[str], parts: Parts) -> bool:
    """Whether one side may be held whole by every worker."""
    if len(parts.tasks) == 1:
        return True
    limit = 256e6 if current_client() is not None else options.memory_limit / 8
    return size(relation, columns) <= limit


def broadcast_right(trim: Merge, left: Parts, right: Parts) -> Parts:
    whole = right.gathered().delayed()[0]
    return Parts(tuple(call(trim, task, whole) for task in left.delayed()))


def broadcast_left(trim: Merge, left: Parts, right: Parts) -> Parts:
    whole = left.gathered().delayed()[0]
    return Parts(tuple(call(trim, whole, task) for task in right.delayed()))


class Merge:
    """The join's kernel with only the columns that are needed."""

    def __init__(self, node: Join, wanted: set[str], extra: tuple[str, str] | None = None) -> None:
        lefts = {n: i for n, i in node.left_out.items() if n in wanted}
        rights = {n: i for n, i in node.right_out.items() if n in wanted}
        if extra is not None:
            lefts[LEFT_POSITION], rights[RIGHT_POSITION] = extra
        self.node = bare(node, lefts, rights, wanted)

    def __call__(self, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        return self.node.merge(left, right)


class InOrder(Merge):
    """An inner join of a part of the left side, in the order of its rows.

    pandas leaves that order for an input with as many rows as its result of
    repeated matches; the whole may be another case than a part of it.
    """

    def __init__(self, node: Join, wanted: set[str]) -> None:
        super().__init__(node, wanted)
        self.numbered = Merge(node, wanted, (LEFT_POSITION, RIGHT_POSITION)).node

    def __call__(self, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        merged = self.node.merge(left, right)
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


def shuffled(node: Join, need: Need, left: Parts, right: Parts) -> Parts:
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
    return restored(joined, node.how) if ordered else joined


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
    from pandas_dist.backends.dask.lower import starts_of

    shared, starts = starts_of(parts)
    return Parts(tuple(call(numbered, t, name, s) for t, s in zip(shared.delayed(), starts)))


def shuffle(
    parts: Parts, relation: Relation, ids: list[str], on: tuple[str, ...], buckets: int
) -> list:
    """Partitions of the columns ``ids`` by key; on a cluster by Dask DataFrame's own shuffle."""
    if current_client() is None:
        pieces = parts.then(partial(_split, on=on, buckets=buckets)).delayed()
        return [call(partial(_bucket_of, number=n), *pieces) for n in range(buckets)]
    import dask.dataframe as dd

    keyed = parts.then(partial(_with_bucket, ids=ids, on=on, buckets=buckets)).delayed()
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dd.from_delayed(list(keyed), meta=meta(relation, ids), verify_meta=False)
        moved = frame.shuffle(BUCKET, npartitions=buckets, shuffle_method="p2p")
        return list(moved.to_delayed())


def _split(frame: pd.DataFrame, on: tuple[str, ...], buckets: int) -> list[pd.DataFrame]:
    """The rows of each bucket, in order."""
    number = _bucket(frame, on, buckets)
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(buckets + 1))
    return [take(frame, order[a:b]) for a, b in pairwise(ends)]


def _bucket_of(*pieces: list[pd.DataFrame], number: int) -> pd.DataFrame:
    return gather([piece[number] for piece in pieces])


def _with_bucket(
    frame: pd.DataFrame, ids: list[str], on: tuple[str, ...], buckets: int
) -> pd.DataFrame:
    number = pd.Series(_bucket(frame, on, buckets))
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


def _bucket(frame: pd.DataFrame, on: tuple[str, ...], buckets: int) -> np.ndarray:
    keys = assemble({str(n): _normal(frame[i]) for n, i in enumerate(on)}, len(frame))
    hashes = pd.util.hash_pandas_object(keys, index=False).to_numpy()
    return (hashes % np.uint64(buckets)).astype("int64")


def _normal(values: pd.Series) -> pd.Series:
    """Equal keys in one form: -0.0 is 0.0."""
    return values + 0.0 if values.dtype.kind == "f" else values
