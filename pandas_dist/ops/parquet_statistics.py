"""What the statistics in Parquet files tell: nulls, and which row groups a filter may skip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pandas_dist.ops.places import is_url, open_file
from pandas_dist.plan.expressions import Call, Col, Expr, Lit

# The largest integer below which floats and integers compare alike.
_EXACT = 1 << 53


def opened(place: str | bytes) -> Any:
    """What Arrow reads a file from."""
    if isinstance(place, bytes):
        return pa.BufferReader(place)
    return open_file(place) if is_url(place) else place


def parquet_file(place: str | bytes, metadata: pq.FileMetaData | None = None) -> pq.ParquetFile:
    """An open file.  Only remote ones are read ahead: Arrow's threads may keep what they read
    ahead until after the script's end, where giving back Python's memory aborts the process."""
    ahead = isinstance(place, str) and is_url(place)
    return pq.ParquetFile(opened(place), metadata=metadata, pre_buffer=ahead)


def comparison(term: Expr) -> tuple[str, str, Any] | None:
    """``column <op> constant``, which statistics can refute."""
    names = ("eq", "lt", "le", "gt", "ge")
    if isinstance(term, Call) and len(term.args) == 2 and term.name in names:
        left, right = term.args
        flipped = type(term.kernel).__name__ == "_Reflected"
        if isinstance(left, Col) and isinstance(right, Lit) and not flipped:
            return left.id, term.name, right.value
    return None


def bounds(metadata: Any, schema: pa.Schema, group: int, name: str) -> tuple[Any, Any] | None:
    """Least and greatest value of a column in a row group; None if they are not known."""
    kind = schema.field(name).type
    timestamps = pa.types.is_timestamp(kind) and kind.tz is None
    if not (pa.types.is_integer(kind) or timestamps):
        return None
    stats = metadata.row_group(group).column(leaf_of(schema, name)).statistics
    if stats is None or not stats.has_min_max:
        return None
    try:
        low, high = stats.min, stats.max
        return (pd.Timestamp(low), pd.Timestamp(high)) if timestamps else (low, high)
    except (ValueError, OverflowError):
        return None  # a date beyond what Python can say


def overlaps(span: tuple[Any, Any], op: str, value: Any) -> bool:
    """Whether a value within the bounds may satisfy the comparison, as pandas compares."""
    low, high = span
    try:
        if isinstance(low, pd.Timestamp):
            if isinstance(value, (int, float)):
                return True
            value = pd.Timestamp(value)
        elif max(abs(low), abs(high), abs(value)) >= _EXACT:
            return True  # pandas may compare as floats, which then are rounded
        if op == "eq":
            return bool(low <= value <= high)
        if op in ("lt", "le"):
            return bool(low < value if op == "lt" else low <= value)
        return bool(high > value if op == "gt" else high >= value)
    except (TypeError, ValueError):
        return True


@dataclass(slots=True)
class Span:
    """Values between which all, and the chosen ones, are."""

    least: Any
    greatest: Any
    low: Any = None
    high: Any = None

    def share(self) -> float:
        """The chosen part, if values are spread evenly."""
        low = self.least if self.low is None else max(self.low, self.least)
        high = self.greatest if self.high is None else min(self.high, self.greatest)
        if low > high:
            return 0.0
        width = self.greatest - self.least
        return float((high - low) / width) if width else 1.0


def narrowed(span: Span, op: str, value: Any) -> None:
    """Take ``column <op> value`` into account where it can be compared."""
    times = isinstance(span.least, pd.Timestamp)
    if isinstance(value, pd.Timestamp) is not times or not (times or isinstance(value, int)):
        return
    if times and value.tz is not None:
        return
    if op in ("gt", "ge", "eq"):
        span.low = value if span.low is None else max(span.low, value)
    if op in ("lt", "le", "eq"):
        span.high = value if span.high is None else min(span.high, value)


def leaf_of(schema: pa.Schema, name: str) -> int:
    """The number of a flat column among the file's leaves, of which nested ones have many."""
    place = schema.get_field_index(name)
    return sum(leaves(schema.field(n).type) for n in range(place))


def leaves(kind: pa.DataType) -> int:
    """How many Parquet columns hold a type."""
    if isinstance(kind, pa.BaseExtensionType):
        return leaves(kind.storage_type)
    if pa.types.is_nested(kind):
        inner = sum(leaves(kind.field(n).type) for n in range(kind.num_fields))
        return inner or 1
    return 1


def null_counts(
    places: Sequence[str | bytes],
    metadata: Sequence[Any],
    schema: pa.Schema,
    names: Sequence[str],
) -> dict[str, int]:
    """Number of nulls in each column: by the statistics, or by reading it where they do not say."""
    leaf = {n: leaf_of(schema, n) for n in names if tells_nulls(schema.field(n).type)}
    totals = dict.fromkeys(leaf, 0)
    for place, m in zip(places, metadata):
        for g in range(m.num_row_groups):
            group = m.row_group(g)
            for name, n in leaf.items():
                stats = group.column(n).statistics
                if stats is not None and stats.has_null_count:
                    totals[name] += stats.null_count
                elif not counts_nulls(schema.field(name).type):
                    totals[name] += 1  # unknown, and not worth reading
                elif schema.field(name).nullable:
                    with parquet_file(place, m) as file:
                        column = file.read_row_group(g, columns=[name]).column(name)
                    totals[name] += column.null_count
    return totals


def tells_nulls(kind: pa.DataType) -> bool:
    """Whether the number of nulls is of use: it may also make results' dtypes known."""
    return counts_nulls(kind) or bool(pa.types.is_timestamp(kind))


def counts_nulls(kind: pa.DataType) -> bool:
    """Whether the pandas column depends on the number of nulls."""
    t = pa.types
    return bool(
        t.is_integer(kind) or t.is_boolean(kind) or t.is_string(kind) or t.is_large_string(kind)
    )
