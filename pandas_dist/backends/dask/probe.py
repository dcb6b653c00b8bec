"""A join's smaller side as a table by key: made once, looked up by every partition.

pandas' merge numbers the keys of both sides anew in each call; with many partitions the side
that they share would be numbered as often.  Whole-number and time keys only: other keys go to
pandas' merge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pandas_dist.plan.relations import Join, State, assemble, take

# Slots of a table that is addressed by the key itself, where there are far fewer rows.
SMALL_SPAN = 1 << 23
LARGEST_CODE = 1 << 62


@dataclass(frozen=True, slots=True)
class Streamed:
    """Matches of a part of the right side, and which groups of the left side had one."""

    merged: pd.DataFrame
    seen: np.ndarray | None


@dataclass(slots=True)
class Table:
    """Rows of ``frame`` by the columns ``on``.

    A key is turned into one number ("code"), each column taking the ``spans`` above its ``lows``;
    a single one that spans too much is its own code.
    ``slots`` gives the group of a code (-1: none), or ``codes`` holds the code of each group.
    Group g has the rows ``rows[starts[g] : starts[g] + counts[g]]``; without ``rows`` it is row g.
    """

    frame: pd.DataFrame
    on: tuple[str, ...]
    lows: list[int]
    spans: list[int]
    slots: np.ndarray | None = None
    codes: pd.Index | None = None
    rows: np.ndarray | None = None
    starts: np.ndarray | None = None
    counts: np.ndarray | None = None

    @property
    def unique(self) -> bool:
        """Whether no key occurs twice."""
        return self.rows is None

    def groups_of(self, frame: pd.DataFrame, on: tuple[str, ...]) -> np.ndarray | None:
        """The group of each row's key, -1 where there is none; None for keys of another dtype."""
        if any(frame[a].dtype != self.frame[b].dtype for a, b in zip(on, self.on)):
            return None
        code, outside = _codes([_numbers(frame[i]) for i in on], self.lows, self.spans)
        if self.slots is None:
            assert self.codes is not None
            groups = self.codes.get_indexer(pd.Index(code))
        else:
            groups = self.slots.take(code)
        if outside is not None:
            groups[outside] = -1
        return groups

    def matches(
        self, frame: pd.DataFrame, on: tuple[str, ...], outer: bool
    ) -> tuple[np.ndarray | None, np.ndarray] | None:
        """Row numbers of ``frame`` (None: each row once) and of the table, in their order.

        With ``outer`` rows without a match are kept, with -1 for the table's row.
        """
        groups = self.groups_of(frame, on)
        if groups is None:
            return None
        if self.rows is None:
            if outer or (groups >= 0).all():
                return None, groups
            found = (groups >= 0).nonzero()[0]
            return found, groups.take(found)
        assert self.starts is not None and self.counts is not None
        counts = np.where(groups >= 0, self.counts.take(groups), 1 if outer else 0)
        mine = np.repeat(np.arange(len(groups)), counts)
        within = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
        theirs = groups.take(mine)
        rows = self.rows.take(np.where(theirs >= 0, self.starts.take(theirs) + within, 0))
        return mine, np.where(theirs >= 0, rows, -1)


def streamed(node: Join, left: Table | pd.DataFrame, right: pd.DataFrame) -> Streamed:
    """A part of the right side of a left join, for a single key that makes a table of the left."""
    inner = replace(node, how="inner", state=State())
    merged = merge(inner, left, right)
    seen: np.ndarray | None = None
    if isinstance(left, Table):
        groups = left.groups_of(right, node.right_on)
        assert groups is not None, "keys of a join have the same dtype"
        seen = np.zeros(len(left.frame), dtype=bool)  # by group, of which there are fewer than rows
        seen[groups[groups >= 0]] = True
    return Streamed(merged, seen)


def unmatched(
    node: Join, left: Table | pd.DataFrame, right: pd.DataFrame, *done: Streamed
) -> pd.DataFrame:
    """The rows of the left side that no part of the right side matched; ``right`` is one part."""
    if not isinstance(left, Table):
        return node.merge(left, right.iloc[:0])
    found = np.logical_or.reduce([d.seen for d in done if d.seen is not None])
    own = left.groups_of(left.frame, left.on)
    assert own is not None
    return node.merge(take(left.frame, (~found[own]).nonzero()[0]), right.iloc[:0])


def table(frame: pd.DataFrame, on: tuple[str, ...]) -> Table | pd.DataFrame:
    """The frame by key, or the frame itself where its keys are for pandas' merge."""
    if not len(frame) or not on or any(frame[i].dtype.kind not in "iuMm" for i in on):
        return frame
    if any(not isinstance(frame[i].dtype, np.dtype) for i in on):
        return frame
    keys = [_numbers(frame[i]) for i in on]
    lows = [int(k.min()) for k in keys]
    spans = [int(k.max()) - low + 1 for k, low in zip(keys, lows)]
    size = 1
    for span in spans:
        size *= span
    if size > LARGEST_CODE:
        if len(keys) > 1:
            return frame
        lows, spans, size = [], [], 0  # the key itself is the code
    made = Table(frame, on, lows, spans)
    code, _ = _codes(keys, lows, spans)
    if 0 < size <= max(SMALL_SPAN, 8 * len(frame)):
        _address(made, code, size)
    else:
        _hash(made, code)
    return made


def _numbers(values: pd.Series) -> np.ndarray:
    """Keys as int64; equal keys give equal numbers."""
    array = values.to_numpy()
    return array.view("int64") if array.dtype.kind in "Mm" else array.astype("int64", copy=False)


def _codes(
    keys: list[np.ndarray], lows: list[int], spans: list[int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """One number for each row, and which rows have a key outside of the spans (None: none)."""
    if not lows:
        return keys[0], None
    total: np.ndarray | None = None
    outside: np.ndarray | None = None
    for key, low, span in zip(keys, lows, spans):
        # A key below wraps around to a large one, also where the difference overflows.
        code = (key - np.int64(low)).view("uint64")
        beyond = code >= np.uint64(span)
        if beyond.any():
            code = np.where(beyond, np.uint64(0), code)
            outside = beyond if outside is None else outside | beyond
        number = code.view("int64")
        total = number if total is None else total * np.int64(span) + number
    assert total is not None
    return total, outside


def _address(made: Table, code: np.ndarray, size: int) -> None:
    """Groups are found by the code as an address."""
    slots = np.full(size, -1, dtype="int32" if len(code) < 1 << 31 else "int64")
    number = np.arange(len(code), dtype=slots.dtype)
    slots[code] = number
    if (slots.take(code) == number).all():
        made.slots = slots
        return
    held = np.unique(code) if size > 8 * len(code) else (slots >= 0).nonzero()[0]
    slots[held] = np.arange(len(held), dtype=slots.dtype)
    made.slots = slots
    _group(made, slots.take(code), len(held))


def _hash(made: Table, code: np.ndarray) -> None:
    """Groups are found by a hash of the code."""
    index = pd.Index(code)
    if not index.is_unique:
        groups, index = pd.factorize(index)
        _group(made, groups, len(index))
    index.get_indexer(index[:1])  # fills the hash table before threads use it
    made.codes = index


def _group(made: Table, groups: np.ndarray, number: int) -> None:
    made.rows = np.argsort(groups, kind="stable")
    made.counts = np.bincount(groups, minlength=number)
    made.starts = np.cumsum(made.counts) - made.counts


def merge(node: Join, left: pd.DataFrame | Table, right: pd.DataFrame | Table) -> pd.DataFrame:
    """``node.merge`` with one side as a table; in the order of the other side's rows."""
    if isinstance(right, Table):
        assert isinstance(left, pd.DataFrame)
        if len(left) and not node.coalesced and node.how in ("inner", "left"):
            found = right.matches(left, node.left_on, node.how == "left")
            if found is not None:
                return joined(left, node.left_out, found[0], right.frame, node.right_out, found[1])
        return node.merge(left, right.frame)
    if isinstance(left, Table):
        if len(right) and not node.coalesced and node.how in ("inner", "right"):
            found = left.matches(right, node.right_on, node.how == "right")
            if found is not None:
                return joined(right, node.right_out, found[0], left.frame, node.left_out, found[1])
        return node.merge(left.frame, right)
    return node.merge(left, right)


def joined(
    here: pd.DataFrame,
    outs: object,
    rows: np.ndarray | None,
    there: pd.DataFrame,
    others: object,
    matches: np.ndarray,
) -> pd.DataFrame:
    """Both sides' columns under their new ids, by row numbers."""
    assert isinstance(outs, dict) and isinstance(others, dict)
    mine = here[list(dict.fromkeys(i for i in outs.values() if i in here.columns))]
    theirs = there[list(dict.fromkeys(i for i in others.values() if i in there.columns))]
    if rows is not None:
        mine = take(mine, rows)
    # As in pandas' merge, only a row without a match makes room for missing values.
    whole = bool((matches >= 0).all())
    theirs = take(theirs, matches) if whole else theirs.reindex(matches)
    columns = _renamed(mine, outs) | _renamed(theirs, others)
    return assemble(columns, len(matches))


def _renamed(frame: pd.DataFrame, outs: dict[str, str]) -> dict[str, pd.Series]:
    """Columns under new ids; one that has two of them is copied."""
    columns: dict[str, pd.Series] = {}
    seen: set[str] = set()
    for new, old in outs.items():
        if old in frame.columns:
            columns[new] = frame[old].copy() if old in seen else frame[old]
            seen.add(old)
    return columns
