"""Reductions: what ``ops/reductions.py`` and ``ops/counting.py`` ask of a partition, natively.

The whole relation is one partition here; each function gives what the reduction's own
``part`` would give for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import polars as pl

from pandas_dist.backends.polars.columns import Column, to_pandas
from pandas_dist.backends.polars.frames import Frame, collect
from pandas_dist.backends.polars.groupby import clean
from pandas_dist.plan.schema import Field

SPREAD = ("std", "var")
SUMS = frozenset({"sum", "mean", "prod", *SPREAD})
# What pandas adds in floating point, by the kind of the column.
ROUNDED = {"f": SUMS, "i": frozenset({"mean", *SPREAD}), "u": frozenset({"mean", *SPREAD})}
FEW_BYTES = 32e6


def part(reduction: Any, frame: Frame, fields: Mapping[str, Field], few: bool) -> Any:
    """The reduction's partial value of all rows; None where pandas has to compute it.

    ``few``: the rows are known to be few enough to hand them to pandas.
    """
    function = PARTS.get(reduction.name, scalars)
    ids = reduction.ids
    if not ids or any(frame.columns[i].opaque for i in ids):
        return None
    if few and any(reduction.name in ROUNDED.get(fields[i].kind, ()) for i in ids):
        return None  # NumPy adds in another order: to the last bit as pandas where it is cheap
    return function(reduction.name, frame, ids, fields)


def scalars(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> list[tuple[Any, int]] | None:
    step = STEPS.get(name)
    if step is None or not all(fields[i].known for i in ids):
        return None

    def of_all(cleaned: bool) -> pl.DataFrame:
        exprs: list[pl.Expr] = []
        for n, i in enumerate(ids):
            values = clean(i, frame.columns[i]) if cleaned else pl.col(i)
            exprs += [values.count().alias(f"n{n}")]
            exprs += [e.alias(f"v{n}_{k}") for k, e in enumerate(step(values, fields[i]))]
        return collect(frame.rows.select(exprs))

    row = of_all(cleaned=name not in SUMS)
    if name in SUMS and any(row[c].is_nan().any() for c in row.columns if row[c].dtype.is_float()):
        row = of_all(cleaned=True)
    out: list[tuple[Any, int]] = []
    for n, i in enumerate(ids):
        count = int(row[f"n{n}"][0])
        if name == "count":
            out.append((count, count))
        elif name in SPREAD:
            centre, variance = row[f"v{n}_0"][0], row[f"v{n}_1"][0]
            out.append(((centre or 0.0, (variance or 0.0) * count), count))
        else:
            out.append((_scalar(name, row[f"v{n}_0"], frame.columns[i], fields[i]), count))
    return out


def _scalar(name: str, value: pl.Series, column: Column, field: Field) -> Any:
    if value.null_count():
        return None
    return to_pandas(value, column, field).iloc[0] if name in ("min", "max") else value[0]


def _widest(values: pl.Expr, field: Field) -> pl.Expr:
    """In the type in which pandas adds; no narrower one may overflow."""
    return values.cast({"f": pl.Float64, "u": pl.UInt64}.get(field.kind, pl.Int64))


STEPS: dict[str, Callable[[pl.Expr, Field], list[pl.Expr]]] = {
    "count": lambda e, f: [],
    "sum": lambda e, f: [_widest(e, f).sum()],
    "mean": lambda e, f: [e.cast(pl.Float64).sum()],
    "min": lambda e, f: [e.min()],
    "max": lambda e, f: [e.max()],
    "any": lambda e, f: [pl.when(e.len() > 0).then(e.any())],
    "all": lambda e, f: [pl.when(e.len() > 0).then(e.all())],
    "std": lambda e, f: [e.cast(pl.Float64).mean(), e.cast(pl.Float64).var(0)],
    "var": lambda e, f: [e.cast(pl.Float64).mean(), e.cast(pl.Float64).var(0)],
}


def distinct(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> list[pd.Series]:
    out = []
    for i in ids:
        values = clean(i, frame.columns[i]).unique(maintain_order=True)
        out.append(to_pandas(collect(frame.rows.select(values))[i], frame.columns[i], fields[i]))
    return out


def value_counts(
    name: str, frame: Frame, ids: tuple[str, ...], fields: Mapping[str, Field]
) -> tuple[pd.Series, Any]:
    (i,) = ids
    groups = frame.rows.group_by(clean(i, frame.columns[i]), maintain_order=True)
    data = collect(groups.agg(pl.len().cast(pl.Int64).alias("<count>")))
    return to_pandas(data[i], frame.columns[i], fields[i]), data["<count>"].to_numpy()


PARTS: dict[str, Callable[..., Any]] = {"distinct": distinct, "value_counts": value_counts}
