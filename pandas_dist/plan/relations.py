"""Relations: plan nodes that each fix a set of rows.

Nodes are immutable and shared.  Columns are named by ids that are unique in the
process and keep their id through every node that passes them on, so an
expression over a relation is also valid over anything built on it by filters,
sorts, slices and extensions.  ``kernel`` of a node is its definition on whole
pandas frames; engines may take any faster way to the same rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pandas_dist.plan.expressions import Expr, column_ids, evaluate
from pandas_dist.plan.schema import Field, decode


def row_bytes(fields: Iterable[Field]) -> float:
    """A rough estimate of a row's size in memory."""
    return sum(24.0 if field.kind in "OE?" else 8.0 for field in fields)


@dataclass(slots=True, eq=False)
class State:
    """What execution has found out about a node; shared by all its handles."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    count: int | None = None
    columns: dict[str, pd.Series] = field(default_factory=dict)
    uses: int = 0
    runs: int = 0
    unique: dict[frozenset[str], bool] = field(default_factory=dict)
    persisted: dict[str, Any] = field(default_factory=dict)
    unordered: dict[str, Any] = field(default_factory=dict)  # persisted, the rows in any order
    converted: dict[str, Any] = field(default_factory=dict)
    engine: str = ""
    origin: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return State, ()  # a node in a task on another machine knows nothing of its rows


class Source(Protocol):
    """A data set on disk: ordered partitions of known, pinned files."""

    def describe(self) -> str: ...
    def pieces(self) -> Sequence[Any]: ...
    def read(
        self, piece: Any, ids: Mapping[str, str], fields: Mapping[str, Field]
    ) -> pd.DataFrame: ...
    def rows(self) -> int | None: ...
    def share(self, names: Mapping[str, str], terms: Sequence[Expr]) -> float: ...
    def verify(self) -> None: ...


class Relation:
    """Base of all nodes."""

    fields: Mapping[str, Field]
    children: tuple[Relation, ...]
    state: State

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        """The rows of this node, given those of its children."""
        raise NotImplementedError

    def needs(self, wanted: set[str]) -> list[set[str]]:
        """Columns that each child must give so that this node gives ``wanted``."""
        raise NotImplementedError

    def rows(self) -> int | None:
        """The number of rows if it is known without executing."""
        return self.state.count

    def bytes_per_row(self, ids: set[str] | None = None) -> float:
        """A rough estimate of a row's size in memory."""
        chosen = self.fields if ids is None else [i for i in ids if i in self.fields]
        return row_bytes(self.fields[i] for i in chosen)


@dataclass(eq=False, slots=True)
class Local(Relation):
    """A snapshot of an in-memory frame; its columns are named by id.

    ``labels``: what the user called them, for ``explain()`` alone.
    """

    frame: pd.DataFrame
    fields: Mapping[str, Field]
    children: tuple[Relation, ...] = ()
    state: State = field(default_factory=State)
    labels: Mapping[str, Any] = field(default_factory=dict)

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return []

    def rows(self) -> int | None:
        return len(self.frame)

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return self.frame


@dataclass(eq=False, slots=True)
class Scan(Relation):
    """Rows of files, in file order; ``names`` maps ids to the source's columns.

    ``small``: the files are in memory, and any look at them is cheap.
    """

    source: Any
    names: Mapping[str, str]
    fields: Mapping[str, Field]
    predicate: Any = None
    small: bool = False
    children: tuple[Relation, ...] = ()
    state: State = field(default_factory=State)

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return []

    def rows(self) -> int | None:
        return self.source.rows() if self.predicate is None else self.state.count


@dataclass(eq=False, slots=True)
class Extend(Relation):
    """The child's rows with further columns computed by expressions."""

    child: Relation
    exprs: Mapping[str, Expr]
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = {**self.child.fields, **{i: e.field for i, e in self.exprs.items()}}

    def needs(self, wanted: set[str]) -> list[set[str]]:
        below = {i for i in wanted if i not in self.exprs}
        for i in wanted:
            if i in self.exprs:
                column_ids(self.exprs[i], below)
        return [below]

    def rows(self) -> int | None:
        return self.child.rows()

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return extend(frames[0], self.exprs)


def extend(frame: pd.DataFrame, exprs: Mapping[str, Expr]) -> pd.DataFrame:
    """``frame`` with the expressions' values as further columns."""
    memo: dict[int, Any] = {}
    new: dict[str, Any] = {}
    for name, expr in exprs.items():
        value = evaluate(expr, frame, memo)
        new[name] = value if isinstance(value, pd.Series) else constant(value, expr.field, frame)
    return assemble({**{c: frame[c] for c in frame.columns}, **new}, len(frame))


def constant(value: Any, kind: Field, frame: pd.DataFrame) -> pd.Series:
    """A scalar repeated on every row."""
    dtype = kind.dtype if kind.known else None
    if value is None:  # pandas.Series(None) would hold NaN
        return pd.Series([None] * len(frame), index=frame.index, dtype=dtype)
    if dtype is None and len(frame) == 0:
        dtype = pd.Series([value]).dtype
    return pd.Series(value, index=frame.index, dtype=dtype)


def assemble(columns: Mapping[str, pd.Series], rows: int, together: bool = False) -> pd.DataFrame:
    """A frame of equally long columns with a fresh default index; shared, or put together."""
    index = pd.RangeIndex(rows)
    data = {name: relabelled(c, index) for name, c in columns.items()}
    return pd.DataFrame(data, index=index, copy=together)


def relabelled(column: pd.Series, index: pd.Index) -> pd.Series:
    """The same values under other labels, without a copy on any pandas line."""
    result = column.copy(deep=False)
    result.index = index
    return result


@dataclass(eq=False, slots=True)
class Position(Relation):
    """The child's rows with their position (0, 1, …) as column ``id``."""

    child: Relation
    id: str
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = {**self.child.fields, self.id: Field(np.dtype("int64"), nulls=False)}

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [wanted - {self.id}]

    def rows(self) -> int | None:
        return self.child.rows()

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return numbered(frames[0], self.id, 0)


def numbered(frame: pd.DataFrame, name: str, start: int) -> pd.DataFrame:
    """``frame`` with the positions ``start, start + 1, …`` as a column."""
    values = pd.Series(np.arange(start, start + len(frame), dtype="int64"))
    return assemble({**{c: frame[c] for c in frame.columns}, name: values}, len(frame))


@dataclass(eq=False, slots=True)
class Attach(Relation):
    """The child's rows with in-memory columns of the same length, by position."""

    child: Relation
    columns: Mapping[str, pd.Series]
    new: Mapping[str, Field]
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = {**self.child.fields, **self.new}

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [wanted - set(self.columns)]

    def rows(self) -> int | None:
        return len(next(iter(self.columns.values())))

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return attach(frames[0], self.columns, 0)


def attach(frame: pd.DataFrame, columns: Mapping[str, pd.Series], start: int) -> pd.DataFrame:
    """``frame`` with the rows ``start …`` of whole columns beside it."""
    stop = start + len(frame)
    pieces = {i: c.iloc[start:stop] for i, c in columns.items()}
    return assemble({**{c: frame[c] for c in frame.columns}, **pieces}, len(frame))


@dataclass(eq=False, slots=True)
class Filter(Relation):
    """The rows where ``predicate`` (boolean, no missing values) is true."""

    child: Relation
    predicate: Expr
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = self.child.fields

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [column_ids(self.predicate, set(wanted))]

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return keep(frames[0], self.predicate)


def keep(frame: pd.DataFrame, predicate: Expr, columns: list[str] | None = None) -> pd.DataFrame:
    """The rows of ``frame`` where ``predicate`` holds, of some columns only if named."""
    mask = evaluate(predicate, frame)
    if columns is not None and len(columns) < len(frame.columns):
        frame = frame[columns]
    values = mask.to_numpy(dtype=bool) if isinstance(mask, pd.Series) else np.full(len(frame), mask)
    if values.all():
        return frame
    return take(frame, values.nonzero()[0])


def take(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Rows by position, with a fresh default index."""
    result = frame.take(rows)
    result.index = pd.RangeIndex(len(result))
    return result


@dataclass(eq=False, slots=True)
class Slice(Relation):
    """Rows by a positional slice of the ordered child."""

    child: Relation
    window: slice
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = self.child.fields

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [wanted]

    def rows(self) -> int | None:
        below = self.child.rows()
        return None if below is None else len(range(below)[self.window])

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return frames[0].iloc[self.window].reset_index(drop=True)


@dataclass(eq=False, slots=True)
class Sort(Relation):
    """The child's rows in the order of ``DataFrame.sort_values``.

    ``first``: equal keys keep their order if there are more rows than this, whatever the kind.
    """

    child: Relation
    by: tuple[str, ...]
    ascending: tuple[bool, ...]
    na_position: str = "last"
    kind: str = "quicksort"
    first: int | None = None
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = self.child.fields

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [wanted | set(self.by)]

    def rows(self) -> int | None:
        return self.child.rows()

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        frame = frames[0]
        if self._as_shown() and self.fields[self.by[0]].encoding is not None:
            return take(frame, self.order(frame))
        return self._sorted(frame, ignore_index=True)

    def order(self, frame: pd.DataFrame) -> np.ndarray:
        """The rows' positions in sorted order; of the frame only the keys are looked at."""
        keys = {i: frame[i] for i in self.by}
        if self._as_shown():
            keys = {i: decode(c, self.fields[i]) for i, c in keys.items()}
        ordered = self._sorted(assemble(keys, len(frame)), ignore_index=False)
        rows: np.ndarray = ordered.index.to_numpy()
        return rows

    def _as_shown(self) -> bool:
        """Whether the places of equal keys depend on how pandas holds the values."""
        return len(self.by) == 1 and self.kind not in ("stable", "mergesort")

    def _sorted(self, frame: Any, ignore_index: bool) -> pd.DataFrame:
        one = len(self.by) == 1
        ordered: pd.DataFrame = frame.sort_values(
            self.by[0] if one else list(self.by),
            ascending=self.ascending[0] if one else list(self.ascending),
            na_position=self.na_position,
            kind="stable" if self.first is not None and len(frame) > self.first else self.kind,
            ignore_index=ignore_index,
        )
        return ordered


@dataclass(eq=False, slots=True)
class Distinct(Relation):
    """The first, last or only rows of each combination of ``subset``."""

    child: Relation
    subset: tuple[str, ...]
    keep: Any
    fields: Mapping[str, Field] = field(init=False)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)
        self.fields = self.child.fields

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [wanted | set(self.subset)]

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return frames[0].drop_duplicates(list(self.subset), keep=self.keep, ignore_index=True)


@dataclass(frozen=True, slots=True)
class Agg:
    """One aggregated column: pandas' function name, input id, keyword arguments."""

    func: str
    column: str | None
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(eq=False, slots=True)
class Aggregate(Relation):
    """One row per group, as ``groupby(...).agg``; ``keys`` maps new ids to the child's."""

    child: Relation
    keys: Mapping[str, str]
    aggs: Mapping[str, Agg]
    fields: Mapping[str, Field]
    sort: bool = True
    dropna: bool = True
    observed: bool = True
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.child,)

    def needs(self, wanted: set[str]) -> list[set[str]]:
        used = {a.column for i, a in self.aggs.items() if i in wanted and a.column is not None}
        return [used | set(self.keys.values())]

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return self.group(frames[0], self.aggs)

    def group(self, frame: pd.DataFrame, aggs: Mapping[str, Agg]) -> pd.DataFrame:
        """pandas' own groupby of ``frame``, with keys as columns."""
        keys = list(self.keys.values())
        groups = frame.groupby(
            keys[0] if len(keys) == 1 else keys,
            sort=self.sort,
            dropna=self.dropna,
            observed=self.observed,
        )
        columns = {i: apply_agg(groups, a) for i, a in aggs.items()}
        index = next(iter(columns.values())).index if columns else groups.size().index
        out = {i: index.get_level_values(n) for n, i in enumerate(self.keys)}
        data = {i: pd.Series(v, copy=False).reset_index(drop=True) for i, v in out.items()}
        data |= {i: c.reset_index(drop=True) for i, c in columns.items()}
        return assemble(data, len(index))


def apply_agg(groups: Any, agg: Agg) -> pd.Series:
    """One aggregation of a pandas groupby."""
    if agg.func == "size":
        return groups.size()
    return getattr(groups[agg.column], agg.func)(**dict(agg.options))


@dataclass(eq=False, slots=True)
class Join(Relation):
    """``pandas.merge``; ``left_out``/``right_out`` map new ids to the inputs' ids.

    ``coalesced`` maps a new id to the pair of key ids that pandas shows as one
    column (outer joins on the same label).
    """

    left: Relation
    right: Relation
    how: str
    left_on: tuple[str, ...]
    right_on: tuple[str, ...]
    left_out: Mapping[str, str]
    right_out: Mapping[str, str]
    fields: Mapping[str, Field]
    coalesced: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    children: tuple[Relation, ...] = field(init=False)
    state: State = field(default_factory=State)

    def __post_init__(self) -> None:
        self.children = (self.left, self.right)

    def needs(self, wanted: set[str]) -> list[set[str]]:
        pairs = [self.coalesced[i] for i in wanted if i in self.coalesced]
        left = {i for n, i in self.left_out.items() if n in wanted}
        right = {i for n, i in self.right_out.items() if n in wanted}
        return [
            left | set(self.left_on) | {p[0] for p in pairs},
            right | set(self.right_on) | {p[1] for p in pairs},
        ]

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return self.merge(*frames)

    def merge(self, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        """pandas' own merge, with columns under their new ids."""
        lefts = self._side(left, self.left_out, self.left_on, "l")
        rights = self._side(right, self.right_out, self.right_on, "r")
        if self.how == "cross":
            return pd.merge(lefts, rights, how="cross")
        how: Any = self.how
        left_keys = [f"l{n}" for n in range(len(self.left_on))]
        right_keys = [f"r{n}" for n in range(len(self.right_on))]
        if self.coalesced:
            rights.columns = pd.Index(
                [left_keys[right_keys.index(c)] if c in right_keys else c for c in rights.columns]
            )
            merged = pd.merge(lefts, rights, how=how, on=left_keys)
        else:
            merged = pd.merge(lefts, rights, how=how, left_on=left_keys, right_on=right_keys)
        places = {p: left_keys[self.left_on.index(p[0])] for p in self.coalesced.values()}
        columns = {i: merged[i] for i in [*self.left_out, *self.right_out] if i in merged.columns}
        columns |= {i: merged[places[p]] for i, p in self.coalesced.items()}
        return assemble(columns, len(merged))

    def _side(
        self, frame: pd.DataFrame, out: Mapping[str, str], on: tuple[str, ...], letter: str
    ) -> pd.DataFrame:
        present = set(frame.columns)
        columns = {new: frame[old] for new, old in out.items() if old in present}
        keys = {f"{letter}{n}": frame[i] for n, i in enumerate(on)}
        return assemble({**keys, **columns}, len(frame))


@dataclass(eq=False, slots=True)
class Concat(Relation):
    """The rows of several relations one after the other; ``maps`` are new id → old id."""

    children: tuple[Relation, ...]
    maps: tuple[Mapping[str, str], ...]
    fields: Mapping[str, Field]
    state: State = field(default_factory=State)

    def needs(self, wanted: set[str]) -> list[set[str]]:
        return [{old for new, old in m.items() if new in wanted} for m in self.maps]

    def rows(self) -> int | None:
        counts = [child.rows() for child in self.children]
        return None if None in counts else sum(c for c in counts if c is not None)

    def kernel(self, *frames: pd.DataFrame) -> pd.DataFrame:
        return pd.concat(
            [self.renamed(frame, n) for n, frame in enumerate(frames)], ignore_index=True
        )

    def renamed(self, frame: pd.DataFrame, n: int) -> pd.DataFrame:
        """The columns of the n-th input under their new ids, in one order."""
        present = set(frame.columns)
        return assemble(
            {new: frame[old] for new, old in self.maps[n].items() if old in present}, len(frame)
        )
