"""Joins: by Polars, where missing keys match each other as in pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from pandas_dist.backends.lowering import joined_columns
from pandas_dist.backends.polars.columns import Column, alike
from pandas_dist.backends.polars.expressions import Opaque
from pandas_dist.plan.bounds import unique_right
from pandas_dist.plan.relations import Extend, Filter, Join
from pandas_dist.plan.rewrites import Need, topological

if TYPE_CHECKING:
    from pandas_dist.backends.polars.lower import Frame

# pandas' row order: by the rows of one side, then of the other.
ORDER: dict[str, Any] = {
    "inner": "left_right",
    "left": "left_right",
    "right": "right_left",
    "cross": "left_right",
}


@dataclass(frozen=True, slots=True)
class Order:
    """How the rows of a join come in order.

    ``checked``: where a left row has several matches, pandas may leave the left order.
    ``after``: few rows are cheaper to sort than to join in order; ``deferred``: not here, but
    when someone needs them in order.
    """

    checked: bool = False
    after: bool = False
    deferred: bool = False


def order_of(node: Join, need: Need, few: set[int]) -> Order:
    """``few``: joins of whose rows one above takes few."""
    if not need.ordered or node.how not in ("inner", "left"):
        return Order()
    once, inner = unique_right(node), node.how == "inner"
    filtered = is_filtered(node)
    deferred = once and (filtered or id(node) in few)
    return Order(inner and not once, deferred or (filtered and inner), deferred)


def joins_below(node: Join) -> set[int]:
    """The joins (by ``id``) that give the rows of this one's inputs."""
    found = set()
    for below in node.children:
        while isinstance(below, (Extend, Filter)):
            below = below.child
        if isinstance(below, Join):
            found.add(id(below))
    return found


def lower(
    node: Join, need: Need, order: Order, left: Frame, right: Frame
) -> tuple[pl.LazyFrame, dict[str, Column]]:
    how: Any = node.how
    if how not in ORDER:
        raise Opaque
    outs = joined_columns(node, need, left.columns, right.columns)
    sorted_here = order.after and not order.deferred
    lefts = side(node, need, left, 0, LEFT_ROW if order.checked or order.after else None)
    rights = side(node, need, right, 1, RIGHT_ROW if sorted_here else None)
    if how == "cross":
        rows = lefts.join(
            rights, how="cross", maintain_order="left_right" if need.ordered else None
        )
        return rows.select(list(outs)), outs
    cast_keys(node, left, right)
    joined = lefts.join(
        rights,
        left_on=[f"l{n}" for n in range(len(node.left_on))],
        right_on=[f"r{n}" for n in range(len(node.right_on))],
        how=how,
        nulls_equal=missing_on_both(node, left, right),
        coalesce=False,
        maintain_order=ORDER[how] if need.ordered and not order.after else "none",
    )
    if sorted_here:
        joined = joined.sort(LEFT_ROW, RIGHT_ROW)
    rows = in_order(joined, lefts) if order.checked else joined
    outs = {i: c.with_origin(i, rows) for i, c in outs.items()}
    chosen = [pl.col(i) for i in outs if i not in node.coalesced]
    for i, (one, two) in node.coalesced.items():
        if i in outs:
            pair = f"l{node.left_on.index(one)}", f"r{node.right_on.index(two)}"
            chosen.append(pl.coalesce(*pair).alias(i))
    if not chosen:
        rows = rows.select(pl.col("l0").is_null().alias("<row>"))
        return rows, {}
    if order.deferred:
        chosen.append(pl.col(LEFT_ROW))
    return rows.select(chosen), outs


LEFT_ROW = "<left row>"
RIGHT_ROW = "<right row>"


def is_filtered(node: Join) -> bool:
    """Whether it is likely that many rows of a side have no match."""
    return any(isinstance(below, Filter) for below in topological(node))


def in_order(rows: pl.LazyFrame, lefts: pl.LazyFrame) -> pl.LazyFrame:
    """The joined rows, if they come in left order in pandas as well.

    pandas takes a short cut where the result has as many rows as the left side, and then
    leaves the left order unless each row occurred exactly once.
    """
    from pandas_dist.backends.polars.lower import collect

    data = collect(rows)
    found = data[LEFT_ROW].to_numpy()
    several = bool((found[1:] == found[:-1]).any())  # in left order, so neighbours
    if several and data.height == collect(lefts.select(pl.len())).item():
        raise Opaque
    return data.lazy()


def missing_on_both(node: Join, left: Frame, right: Frame) -> bool:
    """Whether some key may be missing on both sides: Polars filters scans by keys otherwise."""
    pairs = zip(node.left_on, node.right_on, strict=True)
    return any(left.columns[one].may_miss and right.columns[two].may_miss for one, two in pairs)


def side(node: Join, need: Need, frame: Frame, n: int, row: str | None = None) -> pl.LazyFrame:
    """One input: its keys under fixed names, and its output columns under their new ids.

    ``row``: the name of a further column, which grows from row to row.
    """
    out, on, letter = ((node.left_out, node.left_on, "l"), (node.right_out, node.right_on, "r"))[n]
    exprs = []
    for k, i in enumerate(on):
        key = pl.col(i).fill_nan(None) if frame.columns[i].nans else pl.col(i)
        exprs.append(key.alias(f"{letter}{k}"))
    exprs += [pl.col(old).alias(i) for i, old in out.items() if i in need.columns]
    if not exprs:
        return frame.rows.select(pl.first().alias(f"{letter}<row>"))
    if row is not None and frame.place is not None:
        return frame.rows.select([*exprs, pl.col(frame.place).alias(row)])
    rows = frame.rows.select(exprs)
    return rows if row is None else rows.with_row_index(row)


def cast_keys(node: Join, left: Frame, right: Frame) -> None:
    """Keys of one type on both sides."""
    for one, two in zip(node.left_on, node.right_on, strict=True):
        a, b = left.columns[one], right.columns[two]
        if not alike(a, b):
            raise Opaque
