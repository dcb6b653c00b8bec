"""Files: Polars' own Parquet reader where its types are pandas', pieces by pyarrow otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import pandas as pd
import polars as pl

from pandas_dist.backends.polars.columns import Column, native, of_field, stand_in
from pandas_dist.ops.parquet import ParquetSource
from pandas_dist.plan.relations import Scan
from pandas_dist.plan.schema import Field

BY_PIECES = "read by pyarrow"


def held_as(field: Field) -> Any:
    """The Polars type of a field that Polars reads; None for those that pyarrow has to read."""
    return stand_in(field.dtype) if zoned(field) else native(field)


def zoned(field: Field) -> bool:
    """Times of a zone that Polars knows as well."""
    dtype = field.dtype
    return isinstance(dtype, pd.DatetimeTZDtype) and str(dtype.tz) in zones()


zones = cache(available_timezones)


# The position of each row in the files.
PLACE = "<place>"


def lazy(
    node: Scan, ids: list[str], placed: bool = False
) -> tuple[pl.LazyFrame | None, Mapping[str, Column]]:
    """The files as a lazy frame; None where Polars' types are not those of pandas.

    ``placed``: with a further column ``PLACE``.
    """
    source = node.source
    fields = {i: node.fields[i] for i in ids}
    if not ids or type(source) is not ParquetSource or source.held:
        return None, {}
    if any(held_as(f) is None for f in fields.values()):
        return None, {}
    places: Any = list(source.places())
    rows = pl.scan_parquet(
        places,
        glob=False,
        hive_partitioning=False,
        row_index_name=PLACE if placed else None,
    )
    schema = rows.collect_schema()
    exprs = []
    for i, field in fields.items():
        name = node.names[i]
        wanted = held_as(field)
        column = pl.col(name)
        found = schema[name]
        if isinstance(found, pl.Datetime) and found.time_zone and zoned(field):
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            found = pl.Datetime(found.time_unit)
        if found != wanted:
            if not (found.is_numeric() and wanted.is_float()):
                return None, {}
            column = column.cast(wanted)
        exprs.append(column.alias(i))
    if placed:
        exprs.append(pl.col(PLACE))
    # Of floats statistics tell the nulls, not the NaN.
    columns = {i: replace(of_field(f), nulls=f.nulls or f.kind == "f") for i, f in fields.items()}
    return rows.select(exprs), columns
