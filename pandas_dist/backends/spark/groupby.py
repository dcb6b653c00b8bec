"""Groups: Spark's own aggregations where they are pandas'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from pandas_dist.backends.lowering import aggregated_column
from pandas_dist.backends.spark import session
from pandas_dist.backends.spark.columns import Column, native, of_field, without_nan
from pandas_dist.backends.spark.expressions import Opaque
from pandas_dist.backends.spark.frames import Frame, place
from pandas_dist.backends.spark.rows import Key, Rows, new_name, quoted
from pandas_dist.plan.relations import Agg, Aggregate
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field


def any_number(field: Field) -> bool:
    return field.kind in "iuf" and (field.kind != "f" or field.dtype.itemsize == 8)


def averaged(field: Field) -> bool:
    return any_number(field) or field.kind == "b"


def summable(field: Field) -> bool:
    return field.kind == "b" or (field.kind in "if" and field.dtype.itemsize == 8)


def boolean(field: Field) -> bool:
    return field.kind == "b"


def ordered(field: Field) -> bool:
    of_zone = isinstance(field.dtype, pd.DatetimeTZDtype)
    return field.kind in "iufbmM" or field.is_text or of_zone


def whatever(field: Field) -> bool:
    return True


def _sum(sql: str, field: Field, over: str) -> str:
    if field.kind == "f":
        return f"coalesce(sum({sql}){over}, 0D)"
    return f"coalesce(sum(CAST({sql} AS bigint)){over}, 0L)"


def _mean(sql: str, field: Field, over: str) -> str:
    return f"avg({f'CAST({sql} AS int)' if field.kind == 'b' else sql}){over}"


def _plain(call: str) -> Callable[..., str]:
    return lambda sql, field, over: f"{call.format(sql)}{over}"


def _spread(name: str) -> Callable[..., str]:
    def step(sql: str, field: Field, over: str, ddof: Any = 1) -> str:
        if ddof not in (0, 1) or isinstance(ddof, bool):
            raise Opaque
        return f"{name}_{'samp' if ddof else 'pop'}({sql}){over}"

    return step


# Each aggregation: which columns, and the SQL of their values (null: missing).
FUNCTIONS: dict[str, tuple[Callable[[Field], bool], Callable[..., str]]] = {
    "sum": (summable, _sum),
    "mean": (averaged, _mean),
    "min": (ordered, _plain("min({})")),
    "max": (ordered, _plain("max({})")),
    "std": (any_number, _spread("stddev")),
    "var": (any_number, _spread("var")),
    "median": (any_number, _plain("percentile({}, 0.5D)")),
    "nunique": (whatever, _plain("count(DISTINCT {})")),
    "any": (boolean, _plain("bool_or({})")),
    "all": (boolean, _plain("bool_and({})")),
}
# The value of the row that comes first or last.
PLACED = {"first": "min_by", "last": "max_by"}


def aggregation(
    agg: Agg,
    below: Frame,
    fields: Mapping[str, Field],
    out: Field,
    row: str | None = None,
    over: str = "",
) -> str:
    """One aggregated column, in the type of the result.

    ``row``: SQL that rows are ordered by.  ``over``: the clause of a window.
    """
    if agg.func == "size":
        return f"count(1){over}"
    assert agg.column is not None
    field, column = fields[agg.column], below.columns[agg.column]
    kind = native(out)
    sql = without_nan(quoted(agg.column), column)
    if agg.func == "count":
        # Of a column whose dtype depends on data, or that is outside, too.
        return f"count({sql if column.may_miss or column.origins else 1}){over}"
    if kind is None or not field.known or column.opaque:
        raise Opaque
    if agg.func in PLACED:
        if row is None or over or agg.options:
            raise Opaque
        return f"{PLACED[agg.func]}({sql}, {row}) FILTER (WHERE {sql} IS NOT NULL)"
    accepts, function = FUNCTIONS.get(agg.func, (None, None))
    options = dict(agg.options)
    if accepts is None or function is None or not accepts(field) or options.keys() - {"ddof"}:
        raise Opaque
    return f"CAST({function(sql, field, over, **options)} AS {kind})"


def lower(node: Aggregate, need: Need, below: Frame) -> Frame:
    held = {k: below.columns[i] for k, i in node.keys.items()}
    if any(c.opaque for c in held.values()):
        raise Opaque
    if not node.observed and (len(held) > 1 or not of_categories(held, node)):
        raise Opaque  # combinations of categories
    fields = node.child.fields
    wanted = {i: a for i, a in node.aggs.items() if i in need.columns}
    placed = any(a.func in PLACED for a in wanted.values())
    by_place = need.ordered and not node.sort
    floats = [k for k, i in node.keys.items() if fields[i].kind == "f"]
    row = None
    if placed or by_place or floats:
        below, row = place(below)
    values = {i: aggregation(a, below, fields, node.fields[i], row) for i, a in wanted.items()}
    rows = below.rows
    cleaned = {k: without_nan(quoted(node.keys[k]), c) for k, c in held.items()}
    missing = [k for k, c in held.items() if c.may_miss]
    if node.dropna and missing:
        rows = rows.where(" AND ".join(f"{cleaned[k]} IS NOT NULL" for k in missing))
    names = {k: new_name() if k in floats else k for k in held}
    for k in floats:  # Spark makes -0.0 a 0.0 in keys; pandas shows the first one
        values[k] = f"min_by({cleaned[k]}, {row})"
    order: tuple[Key, ...] = ()
    if by_place:
        order = (Key(new_name()),)
        values[order[0].name] = f"min({row})"
    elif need.ordered:
        order = tuple(Key(name) for name in names.values())
    rows = rows.group({names[k]: sql for k, sql in cleaned.items()}, values)
    if not node.observed:
        ((key, column),) = held.items()
        rows = with_unobserved(rows, key, column, wanted, node.fields)
    columns = {k: c.as_key() for k, c in held.items()}
    columns |= {
        i: aggregated_column(of_field(node.fields[i]), a, below.columns) for i, a in wanted.items()
    }
    return Frame(rows, columns, order)


def of_categories(held: Mapping[str, Column], node: Aggregate) -> bool:
    """Whether the groups are those of all categories, in their order."""
    (column,) = held.values()
    labels = isinstance(column.dtype, pd.CategoricalDtype)
    return labels and node.sort and (node.dropna or not column.may_miss)


# What pandas gives for a group without rows; a missing value otherwise.
OF_NOTHING = {"sum": 0, "count": 0, "size": 0, "nunique": 0}


def with_unobserved(
    grouped: Rows,
    key: str,
    column: Column,
    aggs: Mapping[str, Agg],
    fields: Mapping[str, Field],
) -> Rows:
    """The groups of all categories."""
    if any(a.func not in OF_NOTHING and fields[i].kind not in "fmM" for i, a in aggs.items()):
        raise Opaque
    count, code = len(column.dtype.categories), new_name()
    codes = Rows(lambda: session.current().range(0, count, 1, 1).selectExpr(f"int(id) AS {code}"))
    joined = codes.join(grouped, f"{code} = {quoted(key)}", "left_outer")
    values = {key: code}
    for i, agg in aggs.items():
        known = OF_NOTHING.get(agg.func)
        kind = native(fields[i])
        values[i] = (
            quoted(i) if known is None else f"coalesce({quoted(i)}, CAST({known} AS {kind}))"
        )
    return joined.select(values)
