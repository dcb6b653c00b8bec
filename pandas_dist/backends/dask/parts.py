"""Partitions of a relation as Dask tasks, and running them."""

from __future__ import annotations

import contextlib
import copy
import itertools
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, TypeVar

import dask
import dask.threaded
import pandas as pd
from dask.callbacks import Callback
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.task_spec import Task, TaskRef

from pandas_dist import progress
from pandas_dist.backends.dask import cluster
from pandas_dist.backends.dask.cluster import current_client
from pandas_dist.config import options
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Relation, State
from pandas_dist.threads import ending

N = TypeVar("N", bound=Relation)


@dataclass(frozen=True, slots=True)
class Chain:
    """Functions applied one after the other in a single task."""

    steps: tuple[Callable[[Any], Any], ...]

    def __call__(self, value: Any) -> Any:
        with local_mode():
            for step in self.steps:
                value = step(value)
        return value


@dataclass(frozen=True, slots=True)
class Parts:
    """Ordered partitions: one task each, and steps still to be fused onto it.

    ``starts``: the position of each partition's first row where it is known.
    """

    tasks: tuple[Delayed, ...]
    steps: tuple[Callable[[Any], Any], ...] = ()
    starts: tuple[int, ...] | None = None

    def then(self, step: Callable[[Any], Any], keeps_rows: bool = False) -> Parts:
        return Parts(self.tasks, (*self.steps, step), self.starts if keeps_rows else None)

    def delayed(self) -> tuple[Delayed, ...]:
        if not self.steps:
            return self.tasks
        chain = Chain(self.steps)
        return tuple(call(chain, task) for task in self.tasks)

    def sealed(self) -> Parts:
        """The same partitions with all steps inside the tasks, to be shared."""
        return Parts(self.delayed(), (), self.starts)

    def gathered(self) -> Parts:
        """One partition with all rows, in order."""
        if len(self.tasks) == 1:
            return self
        return Parts((call(gather_all, *self.delayed()),))


_tasks = itertools.count()
_process = uuid.uuid4().hex


class Call(Delayed):
    """One task over others, which makes its graph when somebody asks for it.

    Each of Dask's own holds the graph of all tasks below it.
    """

    __slots__ = ("inputs", "task")

    def __init__(self, task: Task, inputs: tuple[Delayed, ...]) -> None:
        self.task, self.inputs = task, inputs
        self._key, self._layer, self._length = task.key, task.key, None

    @property
    def dask(self) -> HighLevelGraph:
        return HighLevelGraph.from_collections(self._key, graph_of([self]))


def call(function: Callable[..., Any], *args: Any) -> Delayed:
    """One task; arguments that are not tasks are passed as they are.

    Named by us: Dask's own naming would print each argument.
    """
    named = getattr(function, "func", function)
    label = getattr(named, "__name__", type(named).__name__).lstrip("_")
    key = f"{label}-{_process}-{next(_tasks)}"
    operands = [TaskRef(a.key) if isinstance(a, Delayed) else a for a in args]
    return Call(Task(key, function, *operands), tuple(a for a in args if isinstance(a, Delayed)))


def graph_of(tasks: Sequence[Delayed]) -> dict[Any, Any]:
    """All that the tasks need, each once."""
    graph: dict[Any, Any] = {}
    stack = list(tasks)
    while stack:
        task = stack.pop()
        if task.key in graph:
            continue
        if isinstance(task, Call):
            graph[task.key] = task.task
            stack.extend(task.inputs)
        else:
            graph.update(task.__dask_graph__())
    return graph


def gather_all(*frames: pd.DataFrame) -> pd.DataFrame:
    return gather(frames)


def project(frame: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    return frame if list(frame.columns) == ids else frame[ids]


def own(frame: pd.DataFrame) -> pd.DataFrame:
    """Chosen rows on their own: a view would keep the whole partition in memory."""
    return frame.copy()


def from_frame(frame: pd.DataFrame, bytes_per_row: float) -> Parts:
    """An in-memory frame cut into partitions of about ``partition_bytes``."""
    rows = rows_per_partition(bytes_per_row)
    starts = tuple(range(0, len(frame), rows)) or (0,)
    look_up_categories(frame)
    if len(starts) == 1:
        return Parts((wrap(frame),), (), starts)
    cut = [frame.iloc[s : s + rows].reset_index(drop=True) for s in starts]
    return Parts(tuple(wrap(piece) for piece in cut), (), starts)


def look_up_categories(frame: pd.DataFrame) -> None:
    """Make the hash tables of categories that partitions share: pandas does it without a lock."""
    for dtype in frame.dtypes:
        if isinstance(dtype, pd.CategoricalDtype):
            labels = dtype.categories
            sides = (labels.left, labels.right) if isinstance(labels, pd.IntervalIndex) else ()
            for index in (labels, *sides):
                if index.is_unique:
                    index.get_indexer(index[:1])


def rows_per_partition(bytes_per_row: float) -> int:
    return max(1, int(options.partition_bytes / max(bytes_per_row, 1.0)))


def kept(parts: Parts) -> Parts:
    """The same partitions, computed now and held by the engine."""
    client = current_client()
    if client is None:
        frames = compute(parts)
        starts = (0, *accumulate(map(len, frames)))[:-1]
        return Parts(tuple(wrap(frame) for frame in frames), (), starts)
    tasks = cluster.persist(client, parts.delayed())
    counts = cluster.gather(client, [call(len, task) for task in tasks])
    return Parts(tuple(tasks), (), (0, *accumulate(counts))[:-1])


def wrap(value: Any) -> Delayed:
    """A value as a task, without copying or hashing it.

    On a cluster the value is part of the graph: one scattered to a worker would be lost with it.
    """
    return call(_identity, Constant(value))


@dataclass(frozen=True, slots=True)
class Constant:
    """Hides a frame from Dask's search for tasks in arguments."""

    value: Any


def _identity(value: Constant) -> Any:
    return value.value


def compute(parts: Parts, extra: Sequence[Delayed] = ()) -> list[Any]:
    """Run all partitions, and some more tasks, and bring the results here."""
    tasks = (*parts.delayed(), *extra)
    client = current_client()
    if client is not None:
        return cluster.gather(client, tasks)
    graph, keys = graph_of(tasks), [task.key for task in tasks]
    # One short chain: threads would only cost.
    if (len(graph) <= 3 and len(keys) == 1) or ending():
        return list(dask.get(graph, keys))
    with counted(len(graph)):
        return list(dask.threaded.get(graph, keys, num_workers=workers()))


def counted(tasks: int) -> contextlib.AbstractContextManager[Any]:
    """Dask tells the line that shows this execution, if there is one, of each task that is done."""
    line = progress.current()
    if line is None:
        return contextlib.nullcontext()
    line.tasks, line.done = tasks, 0
    return Callback(posttask=lambda *_: line.step())


def workers() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def head(
    parts: Parts, window: slice, extra: Sequence[Delayed] = ()
) -> tuple[pd.DataFrame, list[Any]]:
    """The first rows, computing no more partitions than needed, and the results of ``extra``."""
    tasks = parts.delayed()
    first = compute(Parts(tasks[:1]), extra)
    frames, done, batch = first[:1], 1, 2
    while done < len(tasks) and sum(map(len, frames)) < window.stop:
        frames += compute(Parts(tasks[done : done + batch]))
        done, batch = done + batch, batch * 2
    return own(gather(frames).iloc[window].reset_index(drop=True)), first[1:]


def starts_of(below: Parts) -> tuple[Parts, list]:
    """The partitions (now shared) and each one's first position, known or as a task."""
    if below.starts is not None:
        return below, list(below.starts)
    shared = below.sealed()
    if len(shared.tasks) == 1:
        return shared, [0]
    counts = [call(len, task) for task in shared.tasks]
    offsets = call(_offsets, *counts)
    return shared, [call(_item, offsets, n) for n in range(len(counts))]


def _offsets(*counts: int) -> tuple[int, ...]:
    return (0, *accumulate(counts))


def _item(values: tuple[int, ...], n: int) -> int:
    return values[n]


def detached(node: N) -> N:
    """The node without its inputs and results, so that a task carries no plan and no data."""
    alone = copy.copy(node)
    alone.children = ()
    alone.state = State()
    for name in ("child", "left", "right"):
        if hasattr(alone, name):
            setattr(alone, name, Relation())
    return alone
