"""How a plan would run, without running it: the real lowering over empty leaves.

Tasks are built by the same code as for an execution, so what is said here about
partitions, shuffles and gathering is what would happen; only the tasks that hold
data are replaced by empty ones.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from dask.delayed import Delayed

from pandas_dist.backends.dask.lower import Lowering
from pandas_dist.backends.dask.parts import Parts, call, rows_per_partition
from pandas_dist.plan.relations import Local, Relation, Scan
from pandas_dist.plan.rewrites import Need, topological

# What `parts.call` (and Dask itself) put around a function's name to make a task's.
_AROUND = re.compile(r"-[0-9a-f]{32}(-\d+)?$|-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


@dataclass(frozen=True, slots=True)
class Sketch:
    """One node of a lowered plan: partitions of the inputs, its own, and in words how."""

    inputs: tuple[int, ...]
    partitions: int
    how: str


def sketch(plan: Relation, needs: dict[int, Need]) -> dict[int, Sketch]:
    """For each node of an optimised plan (by ``id``) that would run: how it would."""
    lowering = _Dry(needs)
    lowering.lower(plan)
    return {
        id(node): _describe(node, lowering)
        for node in topological(plan)
        if id(node) in lowering.done
    }


class _Dry(Lowering):
    """The lowering with empty tasks in place of data."""

    def _stored(self, node: Relation) -> Parts | None:
        wanted = self.needs[id(node)].columns
        if node.state.persisted and wanted <= node.state.persisted.keys():
            return _empty(len(next(iter(node.state.persisted.values())).tasks))
        if not wanted or not wanted <= node.state.columns.keys():
            return None
        return _cut(node, wanted, node.state.count or 0)

    def _lower(self, node: Relation) -> Parts:
        if isinstance(node, Local):
            return _cut(node, self.needs[id(node)].columns, len(node.frame))
        if isinstance(node, Scan):
            return _empty(len(node.source.select(node.source.pieces(), node)))
        return super()._lower(node)


def _cut(node: Relation, wanted: set[str], rows: int) -> Parts:
    each = rows_per_partition(node.bytes_per_row(wanted))
    return _empty(max(1, -(-rows // each)))


def _empty(partitions: int) -> Parts:
    return Parts(tuple(call(_nothing) for _ in range(partitions)), (), (0,) * partitions)


def _nothing() -> None:
    return None


def _describe(node: Relation, lowering: Lowering) -> Sketch:
    children = [lowering.done[id(c)] for c in node.children if id(c) in lowering.done]
    own = lowering.done[id(node)]
    inputs = tuple(len(c.tasks) for c in children)
    return Sketch(inputs, len(own.tasks), _words(inputs, own, _new_names(own, children)))


def _words(inputs: tuple[int, ...], own: Parts, names: Counter[str]) -> str:
    """What the tasks of one node do with its inputs' partitions."""
    partitions = len(own.tasks)
    many = any(n > 1 for n in inputs)
    order = ", then put in order" if partitions == 1 else ""
    if not inputs:
        return _count(partitions)
    if not many:
        return "in one partition"
    if "Whole" in names:
        return f"gathered: {_counts(inputs)} to one task, and cut again"
    if "Carry" in names:
        return f"carried through {_count(partitions)}"
    if "Table" in names:
        return f"groups of {_counts(inputs)}, looked up by each"
    if any("shuffle" in name or "bucket" in name for name in names):
        return f"shuffle of {_counts(inputs)}{order}"
    if "aggregate" in names:
        return f"shuffle of the rows of {_counts(inputs)} by key{order}"
    if "FirstRows" in names or "picked" in names:
        which = "first or last rows of each of" if "FirstRows" in names else "key gathered from"
        return f"{which} {_counts(inputs)}"
    merges = names["Merge"] + names["InOrder"]
    if merges > 1:
        return f"broadcast: the smaller side to each of {_count(merges)}{order}"
    if partitions == sum(inputs):
        return f"rows of each of {_count(partitions)}"
    if any("gather_all" in name for name in names):
        return f"gathered: {_counts(inputs)} to one"
    return f"tree: {_counts(inputs)} to {partitions if partitions > 1 else 'one'}"


def _count(n: int) -> str:
    return "one partition" if n == 1 else f"{n} partitions"


def _counts(inputs: tuple[int, ...]) -> str:
    return " and ".join(str(n) for n in inputs) + " partitions"


def _new_names(own: Parts, children: list[Parts]) -> Counter[str]:
    """Functions of the tasks that a node adds to those of its inputs, with their numbers."""
    before = {key for c in children for task in c.tasks for key in _keys(task)}
    new = {key for t in own.tasks for key in _keys(t)} - before
    return Counter(_AROUND.sub("", key) for key in new if not key.startswith("f-"))


def _keys(task: Delayed) -> list[str]:
    return [str(key[0] if isinstance(key, tuple) else key) for key in task.__dask_graph__()]
