"""How a plan would run, without running it: the real lowering over empty leaves."""

from __future__ import annotations

from typing import Any

import polars as pl

from pandas_dist.backends.lowering import Sketch, nothing
from pandas_dist.backends.polars import scan
from pandas_dist.backends.polars.frames import Frame, from_pandas, from_polars
from pandas_dist.backends.polars.lower import Lowering
from pandas_dist.plan.relations import Attach, Local, Relation, Scan
from pandas_dist.plan.rewrites import Need


def sketch(plan: Relation, needs: dict[int, Need]) -> dict[int, Sketch]:
    """For each node of an optimised plan (by ``id``) that would run: how it would."""
    return Sketch.all(_Dry.of(plan, needs), plan, "streamed")


class _Dry(Lowering):
    """The lowering with no rows in place of data."""

    def _stored(self, node: Relation) -> Frame | None:
        wanted = sorted(self.needs[id(node)].columns)
        state = node.state
        for held in (state.persisted, state.unordered):
            if wanted and all(i in held for i in wanted):
                return from_polars({i: (held[i][0].clear(), held[i][1]) for i in wanted})
        if not wanted or not all(i in state.columns for i in wanted):
            return None
        return _empty(node, {i: state.columns[i] for i in wanted})

    def _lower(self, node: Relation) -> Frame:
        need = self.needs[id(node)]
        if isinstance(node, Local):
            return _empty(node, {i: node.frame[i] for i in node.fields if i in need.columns})
        if isinstance(node, Scan):
            return self._scan(node, [i for i in node.fields if i in need.columns])
        if isinstance(node, Attach):
            below = self.lower(node.child)
            kept = {i: c for i, c in node.columns.items() if i in need.columns}
            beside = _empty(node, kept)
            rows = pl.concat([below.rows, beside.rows], how="horizontal")
            return Frame(rows, {**below.columns, **beside.columns})
        return super()._lower(node)

    def _scan(self, node: Scan, ids: list[str]) -> Frame:
        rows, columns = scan.lazy(node, ids)
        if rows is not None:
            return Frame(pl.DataFrame(schema=rows.collect_schema()).lazy(), columns)
        self.how[id(node)] = scan.BY_PIECES
        fields = {i: node.fields[i] for i in ids}
        empty = node.source.read(nothing(node), {i: node.names[i] for i in ids}, fields)
        return from_pandas({i: empty[i] for i in ids}, node.fields, None, 0)


def _empty(node: Relation, columns: dict[str, Any]) -> Frame:
    return from_pandas({i: c.iloc[:0] for i, c in columns.items()}, node.fields, None, 0)
