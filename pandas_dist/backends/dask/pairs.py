"""Numbers of distinct values of integers, per group of integers: sorted pairs in a tree.

pandas numbers keys and values by hashing and sorts afterwards.  A key and a value that fit into
one integer are sorted as such, which is several times as fast, and small to pass on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pandas_dist.plan.relations import Aggregate, assemble
from pandas_dist.plan.schema import Field

LARGEST_PAIR = 1 << 62


def suitable(key: Field, value: Field) -> bool:
    """Whether both are integers without missing values, which int64 holds."""
    return all(
        f.kind in "iu" and isinstance(f.dtype, np.dtype) and f.dtype != np.uint64
        for f in (key, value)
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Pairs of one partition, by key: key k has ``counts[k]`` of the ``values``."""

    keys: np.ndarray
    counts: np.ndarray
    values: np.ndarray


class Pairs:
    """The two steps for the counts ``outs`` of one column, by one key, sorted by it."""

    def __init__(self, node: Aggregate, outs: Sequence[str], column: str) -> None:
        ((self.out, self.key),) = node.keys.items()
        self.column, self.outs = column, list(outs)
        self.dtype = node.child.fields[self.key].dtype

    def partial(self, frame: pd.DataFrame) -> Part:
        """Each pair that occurs, once."""
        return distinct(frame[self.key].to_numpy(), frame[self.column].to_numpy())

    def finish(self, *parts: Part) -> pd.DataFrame:
        """The counts of all groups."""
        keys = np.concatenate([p.keys for p in parts])
        counts = np.concatenate([p.counts for p in parts])
        if not (keys[1:] > keys[:-1]).all():
            keys, counts = _combined(keys, counts, parts)
        columns = {self.out: pd.Series(keys).astype(self.dtype)}
        columns |= {i: pd.Series(counts.copy()) for i in self.outs}
        return assemble(columns, len(keys))


def _combined(
    keys: np.ndarray, counts: np.ndarray, parts: Sequence[Part]
) -> tuple[np.ndarray, np.ndarray]:
    """Keys of several partitions in order; only those that more than one has are counted anew."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    again = ~_changes(ordered)
    again[:-1] |= again[1:].copy()
    repeated = np.zeros(len(keys), dtype=bool)
    repeated[order] = again
    pairs = np.repeat(repeated, counts)
    values = np.concatenate([p.values for p in parts])[pairs]
    whole = distinct(np.repeat(keys[repeated], counts[repeated]), values)
    keys = np.concatenate([keys[~repeated], whole.keys])
    order = np.argsort(keys, kind="stable")
    return keys[order], np.concatenate([counts[~repeated], whole.counts])[order]


def distinct(keys: np.ndarray, values: np.ndarray) -> Part:
    """Each pair once, sorted."""
    keys = keys.astype("int64", copy=False)
    values = values.astype("int64", copy=False)
    if len(keys):
        low, base = int(keys.min()), int(values.min())
        span = int(values.max()) - base + 1
        if (int(keys.max()) - low + 1) * span <= LARGEST_PAIR:
            codes = _sorted((keys - low) * np.int64(span) + (values - base))
            codes = codes[_changes(codes)]
            keys = codes // np.int64(span)
            values = codes - keys * np.int64(span) + base
            keys += low
        else:
            order = np.lexsort([values, keys])
            keys, values = keys[order], values[order]
            first = _changes(keys) | _changes(values)
            keys, values = keys[first], values[first]
    starts = _changes(keys).nonzero()[0]
    counts = np.diff(starts, append=len(keys)).astype("int64", copy=False)
    return Part(keys[starts], counts, values)


def _sorted(codes: np.ndarray) -> np.ndarray:
    """Rows that are almost in order (as in files) take one pass."""
    rising = np.count_nonzero(codes[1:] >= codes[:-1])
    if rising >= len(codes) - 1:
        return codes
    return np.sort(codes, kind="stable" if rising > 0.99 * len(codes) else "quicksort")


def _changes(values: np.ndarray) -> np.ndarray:
    """Where a sorted array has another value than the place before."""
    first = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first
