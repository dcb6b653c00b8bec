"""``groupby().transform`` by name: the groups are aggregated, rows look their group up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.groupby import Grouping
from pandas_dist.ops.grouping_result import Item, Keys, aggregate_node, labels_of, result_field
from pandas_dist.plan.execute import collect
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.relations import assemble
from pandas_dist.plan.schema import Field


class Lookup:
    """One value per row, by the row's keys; missing where they have none."""

    def __init__(self, keys: Sequence[pd.Series], values: pd.Series) -> None:
        self.keys = [k.reset_index(drop=True) for k in keys]
        self.values = values.reset_index(drop=True)
        self.index = pd.Index(self.keys[0]) if len(keys) == 1 else None
        if self.index is not None:
            self.index.get_indexer(self.index[:1])  # builds the hash table, before threads do

    def __call__(self, *keys: pd.Series) -> pd.Series:
        if self.index is not None:
            rows = self.index.get_indexer(pd.Index(keys[0]))
        else:
            rows = self._rows(keys)
        taken = pd.api.extensions.take(
            self.values.to_numpy(), rows, allow_fill=bool((rows < 0).any())
        )
        return pd.Series(taken, index=keys[0].index, copy=False)

    def _rows(self, keys: Sequence[pd.Series]) -> np.ndarray:
        table = assemble({str(n): k for n, k in enumerate(self.keys)}, len(self.values))
        names = list(table.columns)
        table["row"] = np.arange(len(table))
        left = assemble({str(n): k for n, k in enumerate(keys)}, len(keys[0]))
        found = left.merge(table, how="left", on=names)["row"]
        return found.fillna(-1).to_numpy().astype("int64")


def transform(spec: Grouping, plan: Any, keys: Keys, items: Sequence[Item], series: bool) -> Any:
    """The result over the plan's own rows; the aggregation runs at the call."""
    nullable = any(e.field.nulls for e in keys.exprs)
    if keys.categorical or (nullable and not spec.options["dropna"]):
        raise NotNative("rows of such keys")
    if not items:
        raise NotNative("there is nothing to transform")
    fields = [result_field(item, keys, True) for item in items]
    if any(not f.known or f.kind not in "iufmM" for f in fields):
        raise NotNative("the dtype depends on the data")
    node, key_cols, values = aggregate_node(spec, keys, items, fields, dropna=not nullable)
    table = collect(node, set(node.fields), ordered=False)
    missing = np.zeros(len(table), dtype=bool)
    for key in key_cols:
        missing |= table[key.id].isna().to_numpy()
    kept = table[~missing]
    exprs: list[Expr] = []
    for value, item in zip(values, items, strict=True):
        column = kept[value.id]
        if missing.any() and column.dtype.kind in "iu":
            column = column.astype("float64")
        lookup = Lookup([kept[k.id] for k in key_cols], column)
        nulls = column.dtype.kind not in "iub"
        field = Field(column.dtype, nulls=nulls)
        exprs.append(Call(f"groupby.{item.func}", lookup, keys.exprs, field, encoded=True))
    if series:
        return SeriesPlan(keys.relation, exprs[0], items[0].label, plan.index)
    labels = labels_of([item.label for item in items], spec.obj.columns)
    return FramePlan(keys.relation, labels, tuple(exprs), plan.index)
