"""Reductions: what ``ops/reductions.py`` and ``ops/counting.py`` ask of a partition, natively.

The whole relation is one partition here; each function gives what the reduction's own
``part`` would give for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.backends.spark.columns import Column, to_pandas, without_nan
from pandas_dist.backends.spark.frames import Frame, in_order, place
from pandas_dist.backends.spark.rows import Key, new_name, quoted
from pandas_dist.plan.schema import Field

# Fewer bytes come here, and pandas computes: exact to the last bit, and as fast.
FEW_BYTES = 4e6
SPREAD = ("std", "var")


def part(reduction: Any, frame: Frame, fields: Mapping[str, Field]) -> Any:
    """The reduction's partial value of all rows; None where pandas has to compute it."""
    ids = reduction.ids
    if not ids or any(frame.columns[i].opaque for i in ids):
        return None
    if any(not fields[i].known or fields[i].kind not in "ifbmMOE" for i in ids):
        return None
    return PARTS.get(reduction.name, scalars)(reduction.name, frame, ids, fields)


def scalars(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> list[tuple[Any, int]] | None:
    step = STEPS.get(name)
    if step is None:
        return None
    sqls: dict[str, str] = {}
    for n, i in enumerate(ids):
        values = without_nan(quoted(i), frame.columns[i])
        sqls[f"n{n}"] = f"count({values})"
        sqls |= {f"v{n}_{k}": e for k, e in enumerate(step(values, fields[i]))}
    row = frame.rows.group({}, sqls).collect()
    out: list[tuple[Any, int]] = []
    for n, i in enumerate(ids):
        count = int(row.column(f"n{n}")[0].as_py())
        if name == "count":
            out.append((count, count))
        elif name in SPREAD:
            centre, variance = (row.column(f"v{n}_{k}")[0].as_py() for k in (0, 1))
            out.append(((centre or 0.0, (variance or 0.0) * count), count))
        else:
            out.append((_scalar(name, row.column(f"v{n}_0"), frame.columns[i], fields[i]), count))
    return out


def _scalar(name: str, value: Any, column: Column, field: Field) -> Any:
    if value.null_count:
        return None
    if name in ("min", "max"):
        return to_pandas(value, column, field).iloc[0]
    return value[0].as_py()


def _sum(sql: str, field: Field) -> list[str]:
    kind = "double" if field.kind == "f" else "bigint"
    return [f"sum(CAST({sql} AS {kind}))"]


def _moments(sql: str, field: Field) -> list[str]:
    return [f"avg(CAST({sql} AS double))", f"var_pop(CAST({sql} AS double))"]


STEPS: dict[str, Callable[[str, Field], list[str]]] = {
    "count": lambda e, f: [],
    "sum": _sum,
    "mean": lambda e, f: [f"sum(CAST({e} AS double))"],
    "min": lambda e, f: [f"min({e})"],
    "max": lambda e, f: [f"max({e})"],
    "any": lambda e, f: [f"bool_or({e})"],
    "all": lambda e, f: [f"bool_and({e})"],
    "std": _moments,
    "var": _moments,
}


def _groups(
    frame: Frame, i: str, field: Field, sqls: Mapping[str, str]
) -> tuple[pd.Series, dict[str, np.ndarray]]:
    """The distinct values of a column in order of first appearance, and aggregates of each."""
    column = frame.columns[i]
    frame, row = place(frame)
    values = without_nan(quoted(i), column)
    key, order, first = new_name(), Key(new_name()), new_name()
    # The first value, not the group's own: Spark makes -0.0 a 0.0 there.
    aggregates = {order.name: f"min({row})", first: f"min_by({values}, {row})", **sqls}
    table = in_order(frame.rows.group({key: values}, aggregates).collect(), (order,))
    shown = to_pandas(table.column(first), column, field)
    return shown, {name: table.column(name).to_numpy() for name in sqls}


def distinct(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> list[pd.Series]:
    return [_groups(frame, i, fields[i], {})[0] for i in ids]


def value_counts(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> tuple[pd.Series, Any]:
    (i,) = ids
    shown, found = _groups(frame, i, fields[i], {"n": "count(1)"})
    return shown, found["n"]


PARTS: dict[str, Callable[..., Any]] = {"distinct": distinct, "value_counts": value_counts}
