"""Joins: by Spark, with missing keys that match each other as in pandas."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pandas_dist.backends.lowering import joined_columns
from pandas_dist.backends.spark.columns import alike, without_nan
from pandas_dist.backends.spark.expressions import Opaque
from pandas_dist.backends.spark.frames import Frame
from pandas_dist.backends.spark.rows import Key, Rows, new_name, quoted
from pandas_dist.plan.bounds import row_bound, unique_right
from pandas_dist.plan.relations import Join, Local, Relation
from pandas_dist.plan.rewrites import Need, looked_up
from pandas_dist.plan.window import EXTENSIONS

HOW = {
    "inner": "inner",
    "left": "left_outer",
    "right": "right_outer",
    "outer": "full_outer",
    "cross": "cross",
}
SMALL_BYTES = 10e6


def lower(node: Join, need: Need, left: Frame, right: Frame, run: bool) -> Frame:
    """``run``: whether counting rows is allowed."""
    if node.how not in HOW:
        raise Opaque
    outs = joined_columns(node, need, left.columns, right.columns)
    lefts, rights = side(node, need, left, 0), side(node, need, right, 1)
    order = joined_order(node, need, lefts, rights)
    hidden = {key.name: quoted(key.name) for key in order}
    if node.how == "cross":
        rows = lefts.rows.cross(rights.rows)
        return Frame(rows.select({i: quoted(i) for i in outs} | hidden), outs, order)
    cast_keys(node, left, right)
    rows = lefts.rows.join(
        rights.rows, condition(node, left, right), HOW[node.how], small=is_small(node.right)
    )
    # Where a left row has several matches, pandas may leave the left order.
    if run and need.ordered and node.how == "inner" and not unique_right(node):
        rows = rows.persist()
        in_left_order(rows, lefts)
    outs = {i: c.with_origin(i, rows) for i, c in outs.items()}
    chosen = {i: quoted(i) for i in outs if i not in node.coalesced} | hidden
    for i, (one, two) in node.coalesced.items():
        if i in outs:
            pair = f"l{node.left_on.index(one)}", f"r{node.right_on.index(two)}"
            chosen[i] = f"coalesce({pair[0]}, {pair[1]})"
    if node.how == "outer" and need.ordered:
        keys = sorted_keys(node, left)
        chosen |= {key.name: sql for key, sql in keys.items()}
        order = (*keys, *order)
    return Frame(rows.select(chosen), outs, order)


def sorted_keys(node: Join, left: Frame) -> dict[Key, str]:
    """The keys of both sides, by which pandas sorts an outer join; NaT is its least time."""
    found: dict[Key, str] = {}
    for n, one in enumerate(node.left_on):
        column = left.columns[one]
        sql, kind = f"coalesce(l{n}, r{n})", column.physical
        if kind in ("double", "float"):
            sql = f"({sql} + 0)"  # no order between 0.0 and -0.0
        if kind == "boolean":
            sql = f"CAST({sql} AS int)"
        times = kind == "bigint" and column.dtype.kind in "mM"
        found[Key(new_name(), nulls_first=times)] = sql
    return found


def condition(node: Join, left: Frame, right: Frame) -> str:
    """Equal keys, missing ones included."""
    terms = []
    for n, (one, two) in enumerate(zip(node.left_on, node.right_on, strict=True)):
        a, b = left.columns[one], right.columns[two]
        both = a.may_miss and b.may_miss
        terms.append(f"l{n} {'<=>' if both else '='} r{n}")
    return " AND ".join(terms)


def joined_order(node: Join, need: Need, lefts: Frame, rights: Frame) -> tuple[Key, ...]:
    """pandas' row order: by the rows of one side, then of the other."""
    if not need.ordered:
        return ()
    if node.how == "right":
        return rights.order if looked_up(node, 0) else (*rights.order, *lefts.order)
    if node.how == "outer":
        return (*maybe_absent(lefts), *maybe_absent(rights))
    if looked_up(node, 1):
        return lefts.order
    return (*lefts.order, *(maybe_absent(rights) if node.how == "left" else rights.order))


def maybe_absent(side: Frame) -> tuple[Key, ...]:
    """The order of one side's rows, in which rows without a match have no place."""
    return tuple(replace(key, whole=False) for key in side.order)


def is_small(node: Relation) -> bool:
    """Whether a relation is in memory and fits into each worker."""
    while isinstance(node, EXTENSIONS):
        node = node.child
    return isinstance(node, Local) and row_bound(node) * node.bytes_per_row() < SMALL_BYTES


def in_left_order(rows: Rows, lefts: Frame) -> None:
    """Opaque unless the joined rows come in left order in pandas as well.

    pandas takes a short cut where the result has as many rows as the left side, and then
    leaves the left order unless each row occurred exactly once.
    """
    names = ", ".join(quoted(key.name) for key in lefts.order)
    count, apart = rows.values(["count(1)", f"count(DISTINCT struct({names}))"])
    if count and count != apart and count == lefts.rows.value("count(1)"):
        raise Opaque


def side(node: Join, need: Need, frame: Frame, n: int) -> Frame:
    """One input: its keys under fixed names, its output columns under their new ids."""
    out, on, letter = ((node.left_out, node.left_on, "l"), (node.right_out, node.right_on, "r"))[n]
    names = {f"{letter}{k}": without_nan(quoted(i), frame.columns[i]) for k, i in enumerate(on)}
    names |= {i: quoted(old) for i, old in out.items() if i in need.columns}
    order = tuple(replace(key, name=new_name()) for key in frame.order)
    names |= {new.name: quoted(old.name) for new, old in zip(order, frame.order)}
    return Frame(frame.rows.select(names or {f"{letter}<row>": "0"}), {}, order)


def cast_keys(node: Join, left: Frame, right: Frame) -> None:
    """Keys of one type on both sides."""
    for one, two in zip(node.left_on, node.right_on, strict=True):
        a, b = left.columns[one], right.columns[two]
        outer = node.how == "outer" and isinstance(a.dtype, pd.CategoricalDtype)
        if not alike(a, b) or outer:  # pandas puts missing categories elsewhere
            raise Opaque
