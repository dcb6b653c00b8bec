"""The engine that is no engine: the kernels of a plan, in order, in this process.

``Interpreter`` is the walk itself; the ``modin`` engine sends it to a Ray worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import pandas as pd

from pandas_dist.config import is_fork
from pandas_dist.plan.execute import local_mode, stored
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Relation, Scan, assemble
from pandas_dist.plan.rewrites import Need, optimise, requirements, restricted, topological

V = TypeVar("V")


class Interpreter(Generic[V]):
    """Walks a plan from its leaves; a subclass says what the values of nodes are."""

    def held(self, node: Relation, wanted: set[str]) -> V | None:
        """A frame in memory, or columns that an earlier execution left on the node."""
        raise NotImplementedError

    def scan(self, node: Scan, wanted: set[str]) -> V:
        """The columns of files."""
        raise NotImplementedError

    def kernel(self, node: Relation, wanted: set[str], inputs: Sequence[V]) -> V:
        """A node without the columns that nobody needs, on values of its children."""
        raise NotImplementedError

    def run(self, plan: Relation, needs: dict[int, Need]) -> V:
        """The value of an optimised plan."""
        values: dict[int, V] = {}
        for node in reversed(topological(plan)):
            need = needs[id(node)]
            if node is not plan and not need.parents:
                continue
            value = self.held(node, need.columns)
            if value is None and isinstance(node, Scan):
                value = self.scan(node, need.columns)
            if value is None:
                inputs = [values[id(child)] for child in node.children]
                value = self.kernel(restricted(node, need), need.columns, inputs)
            values[id(node)] = value
        return values[id(plan)]


class Here(Interpreter[pd.DataFrame]):
    """Values are whole frames."""

    def held(self, node: Relation, wanted: set[str]) -> pd.DataFrame | None:
        state = node.state
        if not wanted:
            return None
        for kept in (state.persisted, state.unordered):
            if wanted <= kept.keys():
                columns = {i: kept[i] for i in wanted}
                return assemble(columns, len(next(iter(columns.values()))))
        return stored(node, wanted)

    def scan(self, node: Scan, wanted: set[str]) -> pd.DataFrame:
        return Read(node, wanted)()

    def kernel(
        self, node: Relation, wanted: set[str], inputs: Sequence[pd.DataFrame]
    ) -> pd.DataFrame:
        with local_mode():
            return node.kernel(*inputs)


_left: list[Any] = []


def leave(relation: Relation) -> None:
    """Forget columns that an engine holds which is not this one; they are computed again."""
    for node in topological(relation):
        for held in (node.state.persisted, node.state.unordered):
            if not all(isinstance(values, pd.Series) for values in held.values()):
                if is_fork():
                    _left.append(dict(held))  # the engine's objects are not this process's to free
                held.clear()


class Backend:
    """Runs each node's kernel on whole frames."""

    name = "pandas"

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        leave(relation)
        plan = optimise(relation, ids, ordered)
        return Here().run(plan, requirements(plan, ids, ordered))[list(ids)]

    def count(self, relation: Relation) -> int:
        return len(self.collect(relation, set(), False))

    def map_blocks(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        return [function(item) for item in items]

    def persist(self, relation: Relation, ids: set[str]) -> tuple[dict[str, Any], int]:
        frame = self.collect(relation, ids, True)
        return {i: frame[i] for i in frame.columns}, len(frame)

    def sketch(self, plan: Relation, needs: dict[int, Need]) -> dict[int, Any]:
        return {}

    def reduce(self, relation: Relation, ids: set[str], reduction: Any) -> Any:
        return reduction.combine([reduction.part(self.collect(relation, ids, True))])


class Read:
    """All rows of a scan that may matter, with the chosen columns."""

    def __init__(self, node: Scan, wanted: set[str]) -> None:
        self.source = node.source
        self.pieces = node.source.select(node.source.pieces(), node)
        self.ids = {i: n for i, n in node.names.items() if i in wanted}
        self.fields = {i: node.fields[i] for i in self.ids}

    def __call__(self) -> pd.DataFrame:
        return gather([self.source.read(p, self.ids, self.fields) for p in self.pieces])
