"""Groups: Spark's own aggregations where they are pandas'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pandas_dist.backends.lowering import aggregated_column
from pandas_dist.backends.spark.columns import native, of_field, without_nan
from pandas_dist.backends.spark.expressions import Opaque
from pandas_dist.backends.spark.frames import Frame, place
from pandas_dist.backends.spark.rows import Key, new_name, quoted
from pandas_dist.plan.relations import Agg, Aggregate
from pandas_dist.plan.rewrites import Need
from pandas_dist.plan.schema import Field


def any_number(field: Field) -> bool:
    return field.kind in "if" and (field.kind != "f" or field.dtype.itemsize == 8)


def summable(field: Field) -> bool:
    return field.kind == "b" or (field.kind in "if" and field.dtype.itemsize == 8)


def boolean(field: Field) -> bool:
    return field.kind == "b"


def ordered(field: Field) -> bool:
    return field.kind in "ifbmM" or field.is_text


def _sum(sql: str, field: Field, over: str) -> str:
    if field.kind == "f":
        return f"coalesce(sum({sql}){over}, 0D)"
    return f"coalesce(sum(CAST({sql} AS bigint)){over}, 0L)"


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
    "mean": (any_number, _plain("avg({})")),
    "min": (ordered, _plain("min({})")),
    "max": (ordered, _plain("max({})")),
    "std": (any_number, _spread("stddev")),
    "var": (any_number, _spread("var")),
    "median": (any_number, _plain("percentile({}, 0.5D)")),
    "nunique": (ordered, _plain("count(DISTINCT {})")),
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
    if agg.func == "count" and not column.opaque:
        # Of a column whose dtype depends on data, too.
        return f"count({sql if column.may_miss or column.origins else 1}){over}"
    if kind is None or not field.known or column.opaque:
        raise Opaque
    if agg.func in PLACED:
        if row is None or over or agg.options or not ordered(field):
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
    columns = {k: c.as_key() for k, c in held.items()}
    columns |= {
        i: aggregated_column(of_field(node.fields[i]), a, below.columns) for i, a in wanted.items()
    }
    return Frame(rows, columns, order)
