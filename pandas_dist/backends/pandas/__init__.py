"""The engine that is no engine: the kernels of a plan, in order, in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from pandas_dist.plan.execute import local_mode, stored
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Relation, Scan, assemble
from pandas_dist.plan.rewrites import Need, optimise, requirements, restricted, topological


class Backend:
    """Runs each node's kernel on whole frames."""

    name = "pandas"

    def collect(self, relation: Relation, ids: set[str], ordered: bool) -> pd.DataFrame:
        plan = optimise(relation, ids, ordered)
        needs = requirements(plan, ids, ordered)
        frames: dict[int, pd.DataFrame] = {}
        for node in reversed(topological(plan)):
            wanted = needs[id(node)].columns
            if node is not plan and not needs[id(node)].parents:
                continue
            held = self._held(node, wanted)
            if held is not None:
                frames[id(node)] = held
                continue
            inputs = [frames[id(child)] for child in node.children]
            if isinstance(node, Scan):
                frames[id(node)] = _scan(node, wanted)
            else:
                with local_mode():
                    frames[id(node)] = restricted(node, needs[id(node)]).kernel(*inputs)
        return frames[id(plan)][list(ids)]

    def _held(self, node: Relation, wanted: set[str]) -> pd.DataFrame | None:
        """Columns that an earlier execution left on the node."""
        state = node.state
        if not wanted:
            return None
        for kept in (state.persisted, state.unordered):
            if wanted <= kept.keys():
                columns = {i: kept[i] for i in wanted}
                return assemble(columns, len(next(iter(columns.values()))))
        return stored(node, wanted)

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


def _scan(node: Scan, wanted: set[str]) -> pd.DataFrame:
    ids = {i: n for i, n in node.names.items() if i in wanted}
    fields = {i: node.fields[i] for i in ids}
    return gather([node.source.read(piece, ids, fields) for piece in node.source.pieces()])
