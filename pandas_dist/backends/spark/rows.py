"""Spark DataFrames that are built when they are run.

Lowering a plan composes SQL expressions as text and steps as functions; Spark hears of them
only when rows are wanted, so ``explain()`` needs no session.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

_counter = itertools.count()


def new_name() -> str:
    """A name for a column that only the engine sees."""
    return f"o{next(_counter)}"


def quoted(name: str) -> str:
    """A column name in SQL."""
    return "`" + name.replace("`", "``") + "`"


class Rows:
    """A DataFrame to be; ``make`` is called at the first use.

    What ``make`` refers to lives as long as the rows do: a file that they come from, above all.
    """

    __slots__ = ("__weakref__", "_frame", "_make")

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._frame: Any = None

    @property
    def frame(self) -> Any:
        """The DataFrame."""
        if self._frame is None:
            self._frame = self._make()
        return self._frame

    def _then(self, step: Callable[[Any], Any]) -> Rows:
        return Rows(lambda: step(self.frame))

    def select(self, columns: Mapping[str, str]) -> Rows:
        """Only some columns: SQL by name."""
        chosen = [f"{sql} AS {quoted(name)}" for name, sql in columns.items()]
        return self._then(lambda frame: frame.selectExpr(*chosen or ["0 AS `<row>`"]))

    def extend(self, columns: Mapping[str, str]) -> Rows:
        """Further columns: SQL by new name."""
        if not columns:
            return self
        new = [f"{sql} AS {quoted(name)}" for name, sql in columns.items()]
        return self._then(lambda frame: frame.selectExpr("*", *new))

    def apply(self, name: str, function: Any, operands: Sequence[str], kind: str) -> Rows:
        """A further column by a Python function of Arrow arrays."""

        def step(frame: Any) -> Any:
            # A function without annotations: Spark warns of a kind that is named instead.
            arrow_udf: Any = F.arrow_udf
            udf = arrow_udf(lambda *batches: function(*batches), kind)
            return frame.withColumn(name, udf(*[F.expr(sql) for sql in operands]))

        return self._then(step)

    def where(self, sql: str) -> Rows:
        return self._then(lambda frame: frame.filter(sql))

    def join(self, other: Rows, on: str, how: str, small: bool = False) -> Rows:
        """``small``: the other side is known to fit into each worker."""

        def step(frame: Any) -> Any:
            right = F.broadcast(other.frame) if small else other.frame
            return frame.join(right, F.expr(on), how)

        return self._then(step)

    def cross(self, other: Rows) -> Rows:
        return self._then(lambda frame: frame.crossJoin(other.frame))

    def group(self, keys: Mapping[str, str], values: Mapping[str, str]) -> Rows:
        """One row per group: SQL of keys and of aggregates by name."""

        def step(frame: Any) -> Any:
            by = [F.expr(f"{sql} AS {quoted(name)}") for name, sql in keys.items()]
            new = [F.expr(f"{sql} AS {quoted(name)}") for name, sql in values.items()]
            groups = frame.groupBy(*by)
            return groups.agg(*new) if new else groups.agg(F.expr("0 AS `<row>`"))

        return self._then(step)

    def sort(self, order: Sequence[Key]) -> Rows:
        return self._then(lambda frame: frame.orderBy(*[key.column() for key in order]))

    def limit(self, count: int) -> Rows:
        return self._then(lambda frame: frame.limit(count))

    def offset(self, count: int) -> Rows:
        return self._then(lambda frame: frame.offset(count))

    def union(self, others: Iterable[Rows]) -> Rows:
        """The rows of all, by position of the columns."""

        def step(frame: Any) -> Any:
            for other in others:
                frame = frame.unionAll(other.frame)
            return frame

        return self._then(step)

    def persist(self) -> Rows:
        """The rows, kept by Spark once they are computed, until nobody holds them."""
        held = Rows(lambda: self.frame.persist())
        weakref.finalize(held, _release, held.frame)
        return held

    # -- to here ---------------------------------------------------------------------------------
    def collect(self) -> pa.Table:
        """All rows, in no particular order unless they are sorted."""
        table = self.frame.toArrow()
        assert isinstance(table, pa.Table)
        return table

    def value(self, sql: str) -> Any:
        """One aggregate of all rows."""
        return self.values([sql])[0]

    def values(self, sqls: Sequence[str]) -> list[Any]:
        """Some aggregates of all rows."""
        names = [f"v{n}" for n in range(len(sqls))]
        found = self._then(
            lambda frame: frame.selectExpr(*[f"{s} AS {n}" for s, n in zip(sqls, names)])
        )
        table = found.collect()
        return [table.column(n)[0].as_py() for n in names]


def _release(frame: Any) -> None:
    """Quiet if the session has ended."""
    with contextlib.suppress(Py4JError, PySparkException, OSError):
        frame.unpersist()


@dataclass(frozen=True, slots=True)
class Key:
    """One column that rows are sorted by; ``whole``: integers without missing values."""

    name: str
    descending: bool = False
    nulls_first: bool = False
    whole: bool = False

    @property
    def rises(self) -> bool:
        """Whether larger integers come later."""
        return self.whole and not self.descending

    @property
    def sql(self) -> str:
        direction = "DESC" if self.descending else "ASC"
        return f"{quoted(self.name)} {direction} NULLS {'FIRST' if self.nulls_first else 'LAST'}"

    def column(self) -> Any:
        """The key as Spark sorts by it."""
        column = F.col(quoted(self.name))
        if self.descending:
            return column.desc_nulls_first() if self.nulls_first else column.desc_nulls_last()
        return column.asc_nulls_first() if self.nulls_first else column.asc_nulls_last()

    def reverse(self) -> Key:
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)


def order_by(order: Sequence[Key]) -> str:
    """The ORDER BY clause of a window."""
    return "ORDER BY " + ", ".join(key.sql for key in order)


# -- constants -----------------------------------------------------------------------------------


def literal(value: Any, kind: str) -> str:
    """A Python value as SQL of a Spark type."""
    if value is None:
        return f"CAST(NULL AS {kind})"
    if kind == "string":
        return text(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("double", "float"):
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            return f"CAST('{number}' AS {kind})"
        shown = f"{number!r}D"
        return shown if kind == "double" else f"CAST({shown} AS float)"
    whole = int(value)
    if whole == -(2 ** (8 * _SIZES[kind][0] - 1)):
        return f"CAST('{whole}' AS {kind})"  # -128Y would be minus 128Y, which is too large
    return f"{whole}{_SIZES[kind][1]}"


# Bytes of whole numbers, and the letter that ends a constant.
_SIZES = {"tinyint": (1, "Y"), "smallint": (2, "S"), "int": (4, ""), "bigint": (8, "L")}


def text(value: str) -> str:
    """A string constant; what SQL might read otherwise is written by its code."""
    shown = []
    for char in value:
        plain = char.isalnum() if ord(char) < 128 else True
        shown.append(char if plain or char in " ,.:;_-/()%" else f"\\u{ord(char):04X}")
    return "'" + "".join(shown) + "'"
