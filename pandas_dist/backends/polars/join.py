"""Joins: by Polars, where missing keys match each other as in pandas."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl

from pandas_dist.backends.lowering import joined_columns
from pandas_dist.backends.polars.columns import Column, alike
from pandas_dist.backends.polars.expressions import Opaque
from pandas_dist.backends.polars.frames import Frame, collect
from pandas_dist.plan.bounds import unique_right
from pandas_dist.plan.relations import Extend, Filter, Join
from pandas_dist.plan.rewrites import Need, is_filtered

# pandas' row order: by the rows of one side, then of the other.
ORDER: dict[str, Any] = {
    "inner": "left_right",
    "left": "left_right",
    "right": "right_left",
    "cross": "left_right",
    "outer": "none",
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
    by_keys = how == "outer" and need.ordered
    sorted_here = by_keys or (order.after and not order.deferred)
    lefts = side(node, need, left, 0, LEFT_ROW if sorted_here or order != Order() else None)
    rights = side(node, need, right, 1, RIGHT_ROW if sorted_here else None, left.columns)
    chosen = [pl.col(old).alias(i) for i, old in (*lefts.outs.items(), *rights.outs.items())]
    if how == "cross":
        joined = lefts.rows.join(
            rights.rows, how="cross", maintain_order="left_right" if need.ordered else None
        )
        return joined.select(chosen or pl.first().is_null().alias("<row>")), outs
    cast_keys(node, left, right)
    joined = lefts.rows.join(
        rights.rows,
        left_on=lefts.keys,
        right_on=rights.keys,
        how="full" if how == "outer" else how,
        nulls_equal=missing_on_both(node, left, right),
        coalesce=False,
        maintain_order=ORDER[how] if need.ordered and not order.after else "none",
    )
    if sorted_here:
        joined = in_order_of_keys(joined, lefts, rights) if by_keys else joined.sort(*ROWS)
    for i, (one, two) in node.coalesced.items():
        if i in outs:
            pair = lefts.keys[node.left_on.index(one)], rights.keys[node.right_on.index(two)]
            chosen.append(pl.coalesce(*pair).alias(i))
    if not chosen:
        chosen.append(pl.col(lefts.keys[0]).is_null().alias("<row>"))
    if order.deferred or order.checked:
        chosen.append(pl.col(LEFT_ROW))
    rows = joined.select(chosen)
    if order.checked:
        rows = in_order(node, rows, lefts.rows)
    return rows, {i: c.with_origin(i, rows) for i, c in outs.items()}


LEFT_ROW = "<left row>"
RIGHT_ROW = "<right row>"
ROWS = (LEFT_ROW, RIGHT_ROW)


def in_order_of_keys(joined: pl.LazyFrame, lefts: Side, rights: Side) -> pl.LazyFrame:
    """The rows of an outer join, which pandas sorts by the keys; NaT is its least time."""
    schema = lefts.rows.collect_schema()
    keys, last = [], []
    for one, two in zip(lefts.keys, rights.keys, strict=True):
        key, kind = pl.coalesce(one, two), schema[one]
        keys.append(key + 0.0 if kind.is_float() else key)  # no order between 0.0 and -0.0
        last.append(not kind.is_temporal())
    return joined.sort([*keys, *ROWS], nulls_last=[*last, True, True])


def in_order(node: Join, rows: pl.LazyFrame, lefts: pl.LazyFrame) -> pl.LazyFrame:
    """The joined rows, if they come in left order in pandas as well.

    pandas takes a short cut where the result has as many rows as the left side, and then
    leaves the left order unless each row occurred exactly once.
    """
    data = collect(rows)
    found = data[LEFT_ROW].to_numpy()
    if (found[1:] == found[:-1]).any():  # several of one: in left order, so neighbours
        count = node.left.rows()
        if count is None:
            count = collect(lefts.select(pl.len())).item()
        if data.height == count:
            raise Opaque
    return data.lazy()


def missing_on_both(node: Join, left: Frame, right: Frame) -> bool:
    """Whether some key may be missing on both sides: Polars filters scans by keys otherwise."""
    pairs = zip(node.left_on, node.right_on, strict=True)
    return any(left.columns[one].may_miss and right.columns[two].may_miss for one, two in pairs)


@dataclass(frozen=True, slots=True)
class Side:
    """One input: the names of its keys, and of its columns by their new ids."""

    rows: pl.LazyFrame
    keys: list[str]
    outs: Mapping[str, str]


def side(
    node: Join, need: Need, frame: Frame, n: int, row: str | None, taken: Collection[str] = ()
) -> Side:
    """``row``: the name of a further column, which grows from row to row; ``taken``: names that
    the other side has."""
    out, on, letter = ((node.left_out, node.left_on, "l"), (node.right_out, node.right_on, "r"))[n]
    outs = {i: old for i, old in out.items() if i in need.columns}
    used = dict.fromkeys([*on, *outs.values()])
    nans = [i for i in on if frame.columns[i].nans]
    itself = any(i in taken for i in used)
    if used and not (itself or nans or row):
        return Side(frame.rows, list(on), outs)
    names = {i: f"{letter}{i}" if itself else i for i in used}
    exprs = [pl.col(i).alias(name) for i, name in names.items()]
    exprs += [pl.col(i).fill_nan(None).alias(f"{letter}<{i}>") for i in dict.fromkeys(nans)]
    if not exprs:
        exprs.append(pl.first().alias(f"{letter}<row>"))
    keys = [f"{letter}<{i}>" if i in nans else names[i] for i in on]
    outs = {i: names[old] for i, old in outs.items()}
    if row is not None and frame.place is not None:
        return Side(frame.rows.select([*exprs, pl.col(frame.place).alias(row)]), keys, outs)
    rows = frame.rows.select(exprs)
    return Side(rows if row is None else rows.with_row_index(row), keys, outs)


def cast_keys(node: Join, left: Frame, right: Frame) -> None:
    """Keys of one type on both sides."""
    for one, two in zip(node.left_on, node.right_on, strict=True):
        a, b = left.columns[one], right.columns[two]
        outer = node.how == "outer" and isinstance(a.dtype, pd.CategoricalDtype)
        if not alike(a, b) or outer:  # pandas puts missing categories elsewhere
            raise Opaque
