"""One lowering per relation node: from partitions of the inputs to partitions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
from dask.delayed import Delayed

from pandas_dist.backends.dask import groupby, join, order, window
from pandas_dist.backends.dask.parts import (
    Parts,
    call,
    detached,
    from_frame,
    own,
    project,
    starts_of,
    wrap,
)
from pandas_dist.plan.bounds import likely_rows
from pandas_dist.plan.relations import (
    Aggregate,
    Attach,
    Concat,
    Distinct,
    Extend,
    Filter,
    Join,
    Local,
    Position,
    Relation,
    Scan,
    Slice,
    Sort,
    assemble,
    attach,
    extend,
    keep,
    numbered,
)
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.window import Window


class Lowering:
    """Lowers each node of one plan once; ``needs`` comes from the passes.

    ``kept``: groups that stay on their nodes.  ``checks``: joins with a task that says whether
    their order is one that only pandas' merge of the whole gives; ``whole`` are such (by ``id``).
    """

    def __init__(self, needs: dict[int, Need], whole: frozenset[int] = frozenset()) -> None:
        self.needs, self.whole = needs, whole
        self.done: dict[int, Parts] = {}
        self.kept: list[tuple[Aggregate, Delayed]] = []
        self.checks: list[join.Check] = []

    def lower(self, node: Relation) -> Parts:
        found = self.done.get(id(node))
        if found is None:
            found = self._stored(node) or self._lower(node)
            if self.needs[id(node)].parents > 1:
                found = found.sealed()
            self.done[id(node)] = found
        return found

    def _stored(self, node: Relation) -> Parts | None:
        wanted = self.needs[id(node)].columns
        state = node.state
        if state.persisted and wanted <= state.persisted.keys():
            held: Parts = next(iter(state.persisted.values()))
            return held.then(partial(project, ids=sorted(wanted)), keeps_rows=True)
        if not wanted or not wanted <= state.columns.keys():
            return None
        frame = assemble({i: state.columns[i] for i in wanted}, state.count or 0)
        return from_frame(frame, node.bytes_per_row(wanted))

    def _lower(self, node: Relation) -> Parts:
        need = self.needs[id(node)]
        if isinstance(node, Local):
            ids = [i for i in node.fields if i in need.columns]
            return from_frame(node.frame[ids], node.bytes_per_row(need.columns))
        if isinstance(node, Scan):
            return scan(node, need)
        if isinstance(node, Join):
            return self._join(node, need)
        if isinstance(node, Concat):
            return self._concat(node)
        if isinstance(node, Slice):
            return self._first_sorted(node) or sliced(node, self.lower(node.child))
        below = self.lower(node.children[0])
        if isinstance(node, Extend):
            exprs = {i: e for i, e in node.exprs.items() if i in need.columns}
            return below.then(partial(extend, exprs=exprs), keeps_rows=True)
        if isinstance(node, Filter):
            return below.then(Keep(node, need.columns))
        if isinstance(node, Position):
            return position(node, below)
        if isinstance(node, Attach):
            columns = {i: c for i, c in node.columns.items() if i in need.columns}
            return attached(columns, below)
        if isinstance(node, Window):
            return window.lower(node, need, below)
        if isinstance(node, Aggregate):
            return self._aggregate(node, need, below)
        if isinstance(node, Sort):
            return below.gathered().then(kernel_of(node))
        if isinstance(node, Distinct):
            return distinct(node, below)
        return below.gathered().then(kernel_of(node))

    def _join(self, node: Join, need: Need) -> Parts:
        left, right = self.lower(node.left), self.lower(node.right)
        if id(node) in self.whole:
            return join.as_whole(node, need, left, right)
        joined, check = join.lower(node, need, left, right)
        if check is not None:
            joined = joined.sealed()
            self.checks.append(check)
        return joined

    def _first_sorted(self, node: Slice) -> Parts | None:
        """The slice of a sort that nobody else uses, of several partitions."""
        sort = node.child
        if not isinstance(sort, Sort) or not order.applies(node):
            return None
        if self.needs[id(sort)].parents > 1 or id(sort) in self.done or self._stored(sort):
            return None
        below = self.lower(sort.child)
        if len(below.tasks) == 1:
            return None
        self.done[id(sort)], result = order.lower(node, sort, below)
        return result

    def _aggregate(self, node: Aggregate, need: Need, below: Parts) -> Parts:
        """Groups; a result of moderate size stays on the node for later executions."""
        result = groupby.lower(node, need, below)
        small = likely_rows(node) * node.bytes_per_row() < KEPT_BYTES
        if small and len(result.tasks) == 1 and (node.sort or need.ordered):
            result = result.sealed()
            self.kept.append((node, result.tasks[0]))
        return result

    def _concat(self, node: Concat) -> Parts:
        inputs = [self.lower(child) for child in node.children]
        alone = detached(node)
        renamed = [p.then(partial(alone.renamed, n=n)) for n, p in enumerate(inputs)]
        return Parts(tuple(task for p in renamed for task in p.delayed()))


def kernel_of(node: Relation) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The node's pandas kernel, as a step of a task."""
    return detached(node).kernel


class Keep:
    """Filter, then drop the columns that only the predicate needed."""

    def __init__(self, node: Filter, wanted: set[str]) -> None:
        self.predicate = node.predicate
        self.wanted = [i for i in node.fields if i in wanted]

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        return keep(frame, self.predicate, self.wanted)


def scan(node: Scan, need: Need) -> Parts:
    """One task per piece of the files that may hold rows of the predicate."""
    node.source.verify()
    pieces = node.source.pieces()
    chosen = node.source.select(pieces, node)
    ids = {i: n for i, n in node.names.items() if i in need.columns}
    tasks = tuple(call(Read(node, ids), piece) for piece in chosen)
    return Parts(tasks, (), tuple(piece.start for piece in chosen))


class Read:
    """Reads one piece with the chosen columns."""

    def __init__(self, node: Scan, ids: dict[str, str]) -> None:
        self.source, self.ids = node.source, ids
        self.fields = {i: node.fields[i] for i in ids}

    def __call__(self, piece: object) -> pd.DataFrame:
        frame: pd.DataFrame = self.source.read(piece, self.ids, self.fields)
        return frame


def position(node: Position, below: Parts) -> Parts:
    shared, starts = starts_of(below)
    tasks = shared.delayed()
    out = tuple(call(numbered, task, node.id, start) for task, start in zip(tasks, starts))
    return Parts(out, (), below.starts)


def attached(columns: dict[str, pd.Series], below: Parts) -> Parts:
    shared, starts = starts_of(below)
    tasks = shared.delayed()
    if below.starts is None:
        whole = wrap(columns)  # one task, so that a cluster moves it once
        pieces = [call(cut_rows, whole, start, call(len, t)) for t, start in zip(tasks, starts)]
    else:
        rows = len(next(iter(columns.values())))
        stops = (*below.starts[1:], rows)
        pieces = [
            wrap(cut_rows(columns, start, stop - start)) for start, stop in zip(below.starts, stops)
        ]
    return Parts(tuple(map(partial(call, _attach), tasks, pieces)), (), below.starts)


def cut_rows(columns: dict[str, pd.Series], start: int, rows: int) -> dict[str, pd.Series]:
    """Some rows of whole columns."""
    return {i: c.iloc[start : start + rows] for i, c in columns.items()}


def _attach(frame: pd.DataFrame, columns: dict[str, pd.Series]) -> pd.DataFrame:
    return attach(frame, columns, 0)


def has_head(node: Slice) -> bool:
    """Whether partitions may be computed one by one until they hold the slice."""
    found = order.ends(node)
    return found is not None and not found[1] and not order.applies(node)


def sliced(node: Slice, below: Parts) -> Parts:
    found = order.ends(node)
    if found is not None:
        rows, last = found
        below = below.then(partial(_last if last else _first, rows=rows))
    return below.gathered().then(kernel_of(node)).then(own)


def _first(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    return own(frame.iloc[:rows])


def _last(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    return own(frame.iloc[-rows:] if rows else frame.iloc[:0])


def distinct(node: Distinct, below: Parts) -> Parts:
    if node.keep in ("first", "last") and len(below.tasks) > 1:
        below = below.then(kernel_of(node))
    return below.gathered().then(kernel_of(node))
