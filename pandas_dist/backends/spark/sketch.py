"""How a plan would run, without running it: the real lowering over empty leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from pandas_dist.backends.spark import scan
from pandas_dist.backends.spark.columns import ARROW, to_pandas
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.local import from_pandas
from pandas_dist.backends.spark.lower import Lowering
from pandas_dist.plan.payload import looked_at
from pandas_dist.plan.relations import Local, Relation, Scan, assemble
from pandas_dist.plan.rewrites import Need, topological
from pandas_dist.plan.schema import Field


@dataclass(frozen=True, slots=True)
class Sketch:
    """One node of a lowered plan: in words how it would run."""

    how: str


def sketch(plan: Relation, needs: dict[int, Need]) -> dict[int, Sketch]:
    """For each node of an optimised plan (by ``id``) that would run: how it would."""
    lowering = _Dry(needs, looked_at(plan, needs))
    lowering.lower(plan)
    found = {id(node) for node in topological(plan) if not isinstance(node, Local)}
    return {i: Sketch(lowering.how.get(i, "Spark SQL")) for i in lowering.done if i in found}


class _Dry(Lowering):
    """The lowering with no rows in place of data; Spark is not asked for anything."""

    run = False

    def export(self, frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
        columns = {}
        for i in ids:
            column = frame.columns[i]
            empty = pa.chunked_array([], type=ARROW[column.physical])
            columns[i] = to_pandas(empty, column, fields[i])
        return assemble(columns, 0)

    def from_pandas(self, columns: Mapping[str, Any], fields: Any, *given: Any) -> Frame:
        return from_pandas({i: c.iloc[:0] for i, c in columns.items()}, fields, None, 0)

    def scan(self, node: Scan, ids: list[str]) -> pd.DataFrame:
        fields = {i: node.fields[i] for i in ids}
        return node.source.read(scan.nothing(node), {i: node.names[i] for i in ids}, fields)
