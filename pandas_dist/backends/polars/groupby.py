"""Groups: Polars' own aggregations where they are pandas'."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import polars as pl

from pandas_dist.backends.lowering import aggregated_column
from pandas_dist.backends.polars.columns import Column, native, of_field
from pandas_dist.backends.polars.expressions import Opaque
from pandas_dist.backends.polars.frames import Frame, collect
from pandas_dist.plan.relations import Agg, Aggregate
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field


def wide(field: Field) -> bool:
    """Numbers that pandas adds without another type in between."""
    return field.kind in "iuf" and field.dtype.itemsize == 8


def any_number(field: Field) -> bool:
    return field.kind in "iuf" and (field.kind != "f" or field.dtype.itemsize == 8)


def averaged(field: Field) -> bool:
    return any_number(field) or field.kind == "b"


def summable(field: Field) -> bool:
    return wide(field) or field.kind == "b"


def boolean(field: Field) -> bool:
    return field.kind == "b"


def ordered(field: Field) -> bool:
    return field.kind in "iufbmM" or field.is_text


def whatever(field: Field) -> bool:
    return True


def median(values: pl.Expr) -> pl.Expr:
    """The mean of the two middle values; Polars' own median interpolates, inf - inf included."""
    return (values.quantile(0.5, "lower") + values.quantile(0.5, "higher")) / 2


# Each aggregation: which columns, and the Polars expression of their values (null: missing).
FUNCTIONS: dict[str, tuple[Callable[[Field], bool], Callable[..., pl.Expr]]] = {
    "sum": (summable, lambda e: e.sum()),
    "mean": (averaged, lambda e: e.mean()),
    "min": (ordered, lambda e: e.min()),
    "max": (ordered, lambda e: e.max()),
    "count": (whatever, lambda e: e.count()),
    "std": (any_number, lambda e, ddof=1: e.std(ddof)),
    "var": (any_number, lambda e, ddof=1: e.var(ddof)),
    "median": (any_number, lambda e: median(e)),
    "nunique": (ordered, lambda e: e.n_unique()),
    "first": (ordered, lambda e: e.drop_nulls().first()),
    "last": (ordered, lambda e: e.drop_nulls().last()),
    "any": (boolean, lambda e: e.any()),
    "all": (boolean, lambda e: e.all()),
}


# Aggregations in which one NaN among the values makes the result NaN.
SPREADING = frozenset({"sum", "mean", "std", "var"})


def aggregation(
    agg: Agg, below: Frame, fields: Mapping[str, Field], out: Field, cleaned: bool = True
) -> pl.Expr:
    """One aggregated column, in the type of the result; NaN counts as missing if ``cleaned``."""
    if agg.func == "size":
        return pl.len().cast(pl.Int64)
    assert agg.column is not None
    field, column = fields[agg.column], below.columns[agg.column]
    accepts, function = FUNCTIONS.get(agg.func, (None, None))
    known = field.known or agg.func == "count"
    if accepts is None or function is None or native(out) is None or not known:
        raise Opaque
    options = dict(agg.options)
    if column.opaque or not accepts(field) or options.keys() - {"ddof"}:
        raise Opaque
    if agg.func == "count" and not (column.nulls or column.nans):
        return pl.len().cast(native(out))
    values = clean(agg.column, column) if cleaned else pl.col(agg.column)
    if agg.func == "nunique" and (column.nulls or column.nans):
        values = values.drop_nulls()
    return function(values, **options).cast(native(out))


def clean(i: str, column: Column) -> pl.Expr:
    """A column with null as the only missing value."""
    return pl.col(i).fill_nan(None) if column.nans else pl.col(i)


def lower(node: Aggregate, need: Need, below: Frame) -> tuple[pl.LazyFrame, dict[str, Column]]:
    keys, rows = list(node.keys), below.rows
    held = {k: below.columns[i] for k, i in node.keys.items()}
    if any(c.opaque for c in held.values()):
        raise Opaque
    if not node.observed and (len(keys) > 1 or not is_categorical(held[keys[0]])):
        raise Opaque  # combinations of categories
    fields = node.child.fields
    wanted = {i: a for i, a in node.aggs.items() if i in need.columns}
    doubtful = {
        i
        for i, a in wanted.items()
        if a.func in SPREADING and a.column is not None and below.columns[a.column].nans
    }
    aggs = {i: aggregation(a, below, fields, node.fields[i]).alias(i) for i, a in wanted.items()}
    plain = {
        i: aggregation(wanted[i], below, fields, node.fields[i], False).alias(i) for i in doubtful
    }
    names = {k: f"<{k}>" if fields[i].kind == "f" else k for k, i in node.keys.items()}
    exprs = [clean(i, held[k]).alias(names[k]) for k, i in node.keys.items()]
    # Polars makes -0.0 a 0.0 in keys; pandas shows the first one.
    floats = [k for k in keys if names[k] != k]
    firsts = [clean(node.keys[k], held[k]).first().alias(k) for k in floats if k in need.columns]
    missing = [k for k, c in held.items() if c.nulls or c.nans]
    if node.dropna and missing:
        rows = rows.filter([clean(node.keys[k], held[k]).is_not_null() for k in missing])
    groups = rows.group_by(exprs, maintain_order=need.ordered and not node.sort)
    grouped = without_nan(groups, [*aggs.values(), *firsts], plain)
    if not node.observed:
        grouped = with_unobserved(grouped, keys[0], held[keys[0]], wanted, node.fields)
    elif node.sort and need.ordered:
        grouped = grouped.sort(list(names.values()), nulls_last=True)
    columns = {k: c.as_key() for k, c in held.items() if k in need.columns or names[k] == k}
    columns |= {
        i: aggregated_column(of_field(node.fields[i]), a, below.columns) for i, a in wanted.items()
    }
    return grouped, columns


def sort_keys(keys: list[str], groups: Mapping[str, tuple[pl.Series, Column]]) -> list[str]:
    """The keys that put groups in order: the first one alone where it tells them apart."""
    first, _ = groups[keys[0]]
    cheap = len(keys) > 1 and (first.dtype.is_integer() or first.dtype.is_temporal())
    return keys[:1] if cheap and first.n_unique() == len(first) else keys


def is_categorical(column: Column) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


# What pandas gives for a group without rows; a missing value otherwise.
OF_NOTHING = {"sum": 0, "count": 0, "size": 0, "nunique": 0}


def with_unobserved(
    grouped: pl.LazyFrame,
    key: str,
    column: Column,
    aggs: Mapping[str, Agg],
    fields: Mapping[str, Field],
) -> pl.LazyFrame:
    """The groups of all categories, in their order."""
    if any(a.func not in OF_NOTHING and fields[i].kind not in "fmM" for i, a in aggs.items()):
        raise Opaque
    count = len(column.dtype.categories)
    codes = pl.int_range(count, dtype=pl.Int32, eager=True).alias(key).to_frame().lazy()
    rows = codes.join(grouped, on=key, how="left", maintain_order="left")
    known = {i: OF_NOTHING[a.func] for i, a in aggs.items() if a.func in OF_NOTHING}
    return rows.with_columns([pl.col(i).fill_null(v) for i, v in known.items()])


def without_nan(
    groups: pl.lazyframe.group_by.LazyGroupBy, aggs: list[pl.Expr], plain: dict[str, pl.Expr]
) -> pl.LazyFrame:
    """The aggregations, without a look at each value for NaN where no result is NaN."""
    if not plain:
        return groups.agg(aggs)
    data = collect(groups.agg([plain.get(e.meta.output_name(), e) for e in aggs]))
    if any(data[i].is_nan().any() for i in plain):
        return groups.agg(aggs)
    return data.lazy()
