"""Grouped functions with a row for each row: windows within the groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pandas_dist.fallback import NotNative
from pandas_dist.groupby import Grouping
from pandas_dist.ops import common
from pandas_dist.ops.common import arguments
from pandas_dist.ops.grouping_result import Item, Keys, aggregate_node, labels_of, result_field
from pandas_dist.ops.window import (
    FILLS,
    NO_DEFAULT,
    Options,
    may_be_empty,
    options_of,
    supported,
    temporal,
    with_windows,
)
from pandas_dist.plan.execute import collect
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.schema import Field, sample
from pandas_dist.plan.window import Lookup

ROWS = ("cumsum", "cumprod", "cummax", "cummin", "cumcount", "shift", "diff", *FILLS, "rank")


def along(spec: Grouping, plan: Any, keys: Keys, name: str, p: Any, given: Any) -> Any:
    """A row function within groups, as windows over the plan's own rows.

    ``given``: labels and expressions of the columns that it applies to.
    """
    options = grouped_options(name, arguments(p))
    dropna = bool(spec.options["dropna"])
    series = is_series(spec, plan)
    items: list[tuple[Any, Expr | None]] = [(None, None)] if name == "cumcount" else list(given)
    if not items:
        raise NotNative("there are no columns")
    dropped = dropna and any(e.field.nulls for e in keys.exprs)
    fields = [grouped_field(name, e, options, dropped) for _, e in items]
    if any(needs_rows(name, e) for _, e in items) and may_be_empty(keys.relation):
        raise NotNative("the dtype depends on whether there are rows")
    calls = [(e, name, options) for _, e in items]
    relation, exprs = with_windows(keys.relation, calls, fields, keys.exprs, dropna)
    if series or name == "cumcount":
        return SeriesPlan(relation, exprs[0], items[0][0], plan.index)
    labels = labels_of([label for label, _ in items], spec.obj.columns)
    return FramePlan(relation, labels, tuple(exprs), plan.index)


def is_series(spec: Grouping, plan: Any) -> bool:
    """Whether one column was selected."""
    return isinstance(plan, SeriesPlan) or (
        spec.selection is not None and not isinstance(spec.selection, list)
    )


def grouped_options(name: str, given: dict[str, Any]) -> Options:
    """As of a series; within groups missing values are always passed over."""
    if given.pop("axis", NO_DEFAULT) is not NO_DEFAULT:
        raise NotNative("pandas warns about axis")
    if given.pop("skipna", True) is not True:
        raise NotNative("the option 'skipna'")
    return options_of(name, given)


def grouped_field(name: str, expr: Expr | None, options: Options, dropped: bool) -> Field:
    """The field of the new column; ``dropped``: some rows may be in no group."""
    if expr is None:
        if dropped:
            raise NotNative("rows without a key make floats of integers")
        return Field(np.dtype("int64"), nulls=False)
    field = expr.field
    periods, moved = dict(options).get("periods", 1), name in ("shift", "diff")
    whole = field.kind in "iub"
    if whole and dropped and name != "rank" and not moved:
        raise NotNative("rows without a key make floats of integers")
    if not grouped_support(name, field, options) or (whole and moved and periods == 0):
        raise NotNative("the dtype depends on the data")
    one = sample(replace(field, encoding=None))
    if one is None:
        raise NotNative("the dtype depends on the data")
    dtype = getattr(one.groupby([0]), name)(**dict(options)).dtype
    if field.is_text and name != "rank":
        return Field(field.dtype, text=field.text)
    return common.result_field(dtype)


def grouped_support(name: str, field: Field, options: Options) -> bool:
    """Whether the dtype follows from the column's where there are rows, and no value raises."""
    if name in ("cumsum", "cumprod") and field.kind in "iu" and field.dtype.itemsize < 8:
        return False  # pandas goes back to the narrow dtype if all values fit
    if name == "rank" and (field.is_text or field.kind == "b"):
        return False
    if name in FILLS:
        return field.numeric or temporal(field) or field.is_text
    return supported(name, field, options)


def needs_rows(name: str, expr: Expr | None) -> bool:
    """Whether the dtype of the result is another one if there are no rows at all."""
    return name in ("shift", "diff") and expr is not None and expr.field.kind in "iub"


# -- transform ---------------------------------------------------------------------------------


def transform(spec: Grouping, plan: Any, keys: Keys, items: Sequence[Item], series: bool) -> Any:
    """``transform`` with the name of an aggregation: a window over the plan's own rows."""
    nullable = any(e.field.nulls for e in keys.exprs)
    if keys.categorical or (nullable and not spec.options["dropna"]):
        raise NotNative("rows of such keys")
    if not items:
        raise NotNative("there is nothing to transform")
    fields = [result_field(item, keys, True) for item in items]
    if any(not f.known or f.kind not in "iufmM" for f in fields):
        raise NotNative("the dtype depends on the data")
    relation, exprs = keys.relation, []
    if nullable and any(f.kind in "iu" for f in fields):
        exprs = looked_up(spec, keys, items, fields)
    else:
        calls = [(item.expr, item.func, item.options) for item in items]
        relation, exprs = with_windows(relation, calls, fields, keys.exprs)
    if series:
        return SeriesPlan(relation, exprs[0], items[0].label, plan.index)
    labels = labels_of([item.label for item in items], spec.obj.columns)
    return FramePlan(relation, labels, tuple(exprs), plan.index)


def looked_up(spec: Grouping, keys: Keys, items: Sequence[Item], fields: list[Field]) -> list[Expr]:
    """Values of the groups, which are computed at the call: it tells whether a key is missing.

    pandas then makes floats of integers.
    """
    node, key_cols, values = aggregate_node(spec, keys, items, fields, dropna=False)
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
        field = Field(column.dtype, nulls=column.dtype.kind not in "iub")
        exprs.append(Call(f"groupby.{item.func}", lookup, keys.exprs, field, encoded=True))
    return exprs
