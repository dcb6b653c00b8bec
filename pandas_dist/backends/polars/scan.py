"""Files: Polars' own Parquet reader where its types are pandas', pieces by pyarrow otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import polars as pl

from pandas_dist.backends.polars.columns import Column, native, of_field
from pandas_dist.ops.parquet import ParquetSource
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Scan

BY_PIECES = "read by pyarrow"


def nothing(node: Scan) -> Any:
    """A piece of the files without rows."""
    first = node.source.pieces()[0]
    return replace(first, groups=(), rows=0) if hasattr(first, "groups") else first


def lazy(node: Scan, ids: list[str]) -> tuple[pl.LazyFrame | None, Mapping[str, Column]]:
    """The files as a lazy frame; None where Polars' types are not those of pandas."""
    source = node.source
    fields = {i: node.fields[i] for i in ids}
    if not ids or type(source) is not ParquetSource or source.held:
        return None, {}
    if any(native(f) is None for f in fields.values()):
        return None, {}
    rows = pl.scan_parquet([p.path for p in source.pins], glob=False, hive_partitioning=False)
    schema = rows.collect_schema()
    exprs = []
    for i, field in fields.items():
        name = node.names[i]
        wanted = native(field)
        column = pl.col(name)
        if schema[name] != wanted:
            if not (schema[name].is_numeric() and wanted.is_float()):
                return None, {}
            column = column.cast(wanted)
        exprs.append(column.alias(i))
    columns = {i: of_field(f) for i, f in fields.items()}
    return rows.select(exprs), columns


def by_pieces(node: Scan, names: Mapping[str, str]) -> pd.DataFrame:
    """The rows by the source's own reader."""
    chosen = node.source.select(node.source.pieces(), node)
    fields = {i: node.fields[i] for i in names}
    return gather([node.source.read(piece, names, fields) for piece in chosen])
