"""How a plan would run, without running it: the real lowering over empty leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from pandas_dist.backends.lowering import Sketch, nothing
from pandas_dist.backends.spark.columns import ARROW, to_pandas
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.local import from_pandas
from pandas_dist.backends.spark.lower import Lowering
from pandas_dist.plan.relations import Relation, Scan, assemble
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field


def sketch(plan: Relation, needs: dict[int, Need]) -> dict[int, Sketch]:
    """For each node of an optimised plan (by ``id``) that would run: how it would."""
    return Sketch.all(_Dry.of(plan, needs), plan, "Spark SQL")


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
        return node.source.read(nothing(node), {i: node.names[i] for i in ids}, fields)
