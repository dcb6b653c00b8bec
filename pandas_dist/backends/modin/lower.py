"""Plans on Ray: a small one is a single task, a larger one a graph over row partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from pandas_dist.backends.dask import lower
from pandas_dist.backends.dask.order import ends
from pandas_dist.backends.dask.parts import (
    Parts,
    call,
    detached,
    project,
    rows_per_partition,
    starts_of,
)
from pandas_dist.backends.modin import frames, session
from pandas_dist.backends.modin.tasks import Held, put
from pandas_dist.backends.pandas import Interpreter, Read
from pandas_dist.config import MIB, options
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.relations import (
    Attach,
    Local,
    Relation,
    Scan,
    Slice,
    State,
    assemble,
    attach,
)
from pandas_dist.plan.rewrites import Need, topological

# Plans that read less run in one task: to part them would cost more than it gains.
SMALL = 8 * MIB
SENT = "<ray>"


class Lowering(lower.Lowering):
    """Dask's lowering, with frames in Ray's object store."""

    root: Relation | None = None

    def lower(self, node: Relation) -> Parts:
        if self.root is None:
            self.root = node
            if is_small(node, self.needs):
                return self.alone(node)
        return super().lower(node)

    def alone(self, plan: Relation) -> Parts:
        """The whole plan as one task."""
        program = Program(self.held)
        last = program.run(plan, self.needs)
        steps = Steps(tuple(program.steps), last)
        return Parts((call(steps, *program.leaves),), (), (0,))

    def _stored(self, node: Relation) -> Parts | None:
        wanted = self.needs[id(node)].columns
        if node.state.persisted or not wanted or not wanted <= node.state.columns.keys():
            return super()._stored(node)
        columns = {i: node.state.columns[i] for i in sorted(wanted)}
        return self.held(node, columns, node.state.count or 0)

    def _lower(self, node: Relation) -> Parts:
        wanted = self.needs[id(node)].columns
        if isinstance(node, Local):
            columns = {i: node.frame[i] for i in node.fields if i in wanted}
            return self.held(node, columns, len(node.frame))
        if isinstance(node, Attach):
            return self._attached(node, wanted)
        if on_modin(node, wanted):
            below = self.lower(node.children[0])
            if len(below.tasks) > 1 and frames.available():
                return frames.run(node, below)
        return super()._lower(node)

    def _attached(self, node: Attach, wanted: set[str]) -> Parts:
        below = self.lower(node.child)
        columns = {i: c for i, c in node.columns.items() if i in wanted}
        if not columns:
            return below
        rows = len(next(iter(columns.values())))
        whole = self.held(node, columns, rows, cut=False).tasks[0]
        shared, starts = starts_of(below)
        tasks = (call(_attach, t, whole, start) for t, start in zip(shared.delayed(), starts))
        return Parts(tuple(tasks), (), below.starts)

    def held(
        self, node: Relation, columns: dict[str, pd.Series], rows: int, cut: bool = True
    ) -> Parts:
        """In-memory columns in the store, where they are sent once."""
        ids = list(columns)
        sent = in_store(node.state, columns, rows, node.bytes_per_row(set(ids)) if cut else 0.0)
        parts = Parts(sent.pieces, (), sent.starts)
        if sent.columns == tuple(ids):
            return parts
        return parts.then(partial(project, ids=ids), keeps_rows=True)


def on_modin(node: Relation, wanted: set[str]) -> bool:
    """Whether a node of several partitions runs on a Modin frame; a slice's ends need none."""
    return frames.sound(node, wanted) and not (isinstance(node, Slice) and ends(node) is not None)


@dataclass(frozen=True, slots=True)
class Sent:
    """Columns in the store of one Ray, by pieces of rows."""

    ray: str
    columns: tuple[str, ...]
    rows_each: int
    pieces: tuple[Held, ...]
    starts: tuple[int, ...]


def in_store(state: State, columns: dict[str, pd.Series], rows: int, each_bytes: float) -> Sent:
    """The columns in pieces of about ``partition_bytes``; remembered by ``state``."""
    ray = session.connect()
    each = min(rows_per_partition(each_bytes), max(rows, 1)) if each_bytes else max(rows, 1)
    known: list[Sent] = [s for s in state.converted.get(SENT, ()) if s.ray == ray]
    for sent in known:
        if columns.keys() <= set(sent.columns) and sent.rows_each == each:
            return sent
    frame = assemble(columns, rows)
    starts = tuple(range(0, rows, each)) or (0,)
    pieces = [frame] if len(starts) == 1 else [_cut(frame, s, each) for s in starts]
    sent = Sent(ray, tuple(columns), each, tuple(map(put, pieces)), starts)
    state.converted[SENT] = [*known, sent]
    return sent


def _cut(frame: pd.DataFrame, start: int, rows: int) -> pd.DataFrame:
    return frame.iloc[start : start + rows].reset_index(drop=True)


def _attach(frame: pd.DataFrame, columns: pd.DataFrame, start: int) -> pd.DataFrame:
    return attach(frame, {i: columns[i] for i in columns.columns}, start)


# -- one task ------------------------------------------------------------------------------------


def is_small(plan: Relation, needs: dict[int, Need]) -> bool:
    """Whether a plan reads so little that one task runs it, and no input is in several pieces."""
    total = 0.0
    for node in topological(plan):
        need = needs[id(node)]
        if node is not plan and not need.parents:
            continue
        if node.state.persisted or node.state.unordered:
            return False
        if isinstance(node, (Local, Scan)):
            total += row_bound(node) * node.bytes_per_row(need.columns)
    return total <= min(SMALL, options.partition_bytes)


Step = tuple[Callable[..., pd.DataFrame], tuple[int, ...]]


class Program(Interpreter[int]):
    """The interpreter that writes down what it would do.

    A value is the number of the step that gives it, or for an input of the program ``~number``.
    """

    def __init__(self, send: Callable[..., Parts]) -> None:
        self.send = send
        self.leaves: list[Any] = []
        self.steps: list[Step] = []

    def held(self, node: Relation, wanted: set[str]) -> int | None:
        if isinstance(node, Local):
            columns, rows = {i: node.frame[i] for i in sorted(wanted)}, len(node.frame)
        elif wanted and wanted <= node.state.columns.keys():
            columns = {i: node.state.columns[i] for i in sorted(wanted)}
            rows = node.state.count or 0
        else:
            return None
        return self._leaf(self.send(node, columns, rows, cut=False))

    def scan(self, node: Scan, wanted: set[str]) -> int:
        node.source.verify()
        return self._step(Read(node, wanted))

    def kernel(self, node: Relation, wanted: set[str], inputs: Sequence[int]) -> int:
        if isinstance(node, Attach):
            columns = {i: c for i, c in node.columns.items() if i in wanted}
            rows = len(next(iter(node.columns.values())))
            leaf = self._leaf(self.send(node, columns, rows, cut=False))
            return self._step(partial(_attach, start=0), *inputs, leaf)
        return self._step(detached(node).kernel, *inputs)

    def _leaf(self, parts: Parts) -> int:
        self.leaves.append(parts.tasks[0])
        number = ~(len(self.leaves) - 1)
        return self._step(parts.steps[0], number) if parts.steps else number

    def _step(self, function: Callable[..., pd.DataFrame], *inputs: int) -> int:
        self.steps.append((function, inputs))
        return len(self.steps) - 1


class Steps:
    """A program, to be run by a worker on its inputs."""

    def __init__(self, steps: tuple[Step, ...], last: int) -> None:
        self.steps, self.last = steps, last

    def __call__(self, *leaves: pd.DataFrame) -> pd.DataFrame:
        values: list[pd.DataFrame] = []

        def value(number: int) -> pd.DataFrame:
            return values[number] if number >= 0 else leaves[~number]

        for function, inputs in self.steps:
            values.append(function(*map(value, inputs)))
        return value(self.last)
