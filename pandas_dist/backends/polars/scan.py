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
    if not ids or type(source) is not ParquetSource or source.held:
        return None, {}
    if any(held_as(node.fields[i]) is None for i in ids):
        return None, {}
    places: Any = list(source.places())
    rows = pl.scan_parquet(
        places,
        glob=False,
        hive_partitioning=False,
        row_index_name=PLACE if placed else None,
    )
    exprs, columns = [], {}
    for i in ids:
        found = known(source, rows, node.names[i], node.fields[i])
        if found is None:
            return None, {}
        exprs.append(found[0].alias(i))
        columns[i] = found[1]
    if placed:
        exprs.append(pl.col(PLACE))
    return rows.select(exprs), columns


def known(
    source: ParquetSource, rows: pl.LazyFrame, name: str, field: Field
) -> tuple[pl.Expr, Column] | None:
    """A column as Polars reads it, once for each file; None where the types differ."""
    facts = source.facts
    if "polars" not in facts:
        facts["polars"] = dict(rows.collect_schema())
    key = "polars", name, field
    if key not in facts:
        facts[key] = as_read(name, field, facts["polars"][name])
    found: tuple[pl.Expr, Column] | None = facts[key]
    return found


def as_read(name: str, field: Field, found: Any) -> tuple[pl.Expr, Column] | None:
    """``found``: the type of the column in Polars' eyes."""
    wanted = held_as(field)
    column = pl.col(name)
    if isinstance(found, pl.Datetime) and found.time_zone and zoned(field):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        found = pl.Datetime(found.time_unit)
    if found != wanted:
        if not (found.is_numeric() and wanted.is_float()):
            return None
        column = column.cast(wanted)
    # Of floats statistics tell the nulls, not the NaN.
    return column, replace(of_field(field), nulls=field.nulls or field.kind == "f")
