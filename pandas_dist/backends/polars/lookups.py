"""Groups of which a join takes few: only their rows are grouped.

``late.merge(lines.groupby("order", as_index=False)["supplier"].nunique(), on="order")`` needs the
groups of those orders alone that are among the rows of the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pandas_dist.backends.lowering import is_added
from pandas_dist.backends.polars import groupby
from pandas_dist.backends.polars.columns import alike
from pandas_dist.backends.polars.frames import Frame, collect
from pandas_dist.backends.translation import Opaque
from pandas_dist.plan.bounds import guessed_rows, likely_rows
from pandas_dist.plan.relations import Aggregate, Extend, Filter, Join, Relation
from pandas_dist.plan.reuse import KEPT_BYTES
from pandas_dist.plan.rewrites import is_filtered, observes_order, satisfied

if TYPE_CHECKING:
    from pandas_dist.backends.polars.lower import Lowering

# Fewer rows are grouped as fast as looked up.
LEAST_ROWS = 1 << 19
# So many rows for each value that is looked up.
ROWS_EACH = 8
# The side of a join of which rows without a match are dropped.
DROPPED = {"inner": (1, 0), "left": (1,), "right": (0,)}


def narrow(lowering: Lowering, node: Join) -> None:
    """Lower the groups on one side of a join from the rows that the other side looks up."""
    for side in DROPPED.get(node.how, ()):
        group = grouped(lowering, node.children[side])
        other = node.children[1 - side]
        if group is None or likely_rows(group.child) < LEAST_ROWS or not is_filtered(other):
            continue
        keys = (node.left_on, node.right_on)
        pairs = {group.keys[i]: o for i, o in zip(keys[side], keys[1 - side]) if i in group.keys}
        most = int(KEPT_BYTES / max(8.0, other.bytes_per_row(lowering.needs[id(other)].columns)))
        if pairs and guessed_rows(other) < most:
            frame = lowering.loose(other)
            data = collect(frame.rows.head(most))
            if data.height < most:
                rows = lowering.done[id(other)] = frame.over(data.lazy())
                look_up(lowering, group, pairs, rows)
            return


def grouped(lowering: Lowering, node: Relation) -> Aggregate | None:
    """The groups that a join reads, and nobody else; None where they need all their rows."""
    while True:
        need = lowering.needs[id(node)]
        if need.parents > 1 or satisfied(node, need.columns, need.ordered):
            return None
        if not isinstance(node, (Extend, Filter)):
            break
        node = node.child
    if not isinstance(node, Aggregate) or is_added(node) or not node.dropna:
        return None
    free = not observes_order(node, lowering.needs[id(node)]) and id(node) not in lowering.done
    return node if free else None


def look_up(lowering: Lowering, group: Aggregate, pairs: Mapping[str, str], other: Frame) -> None:
    """Lower the groups of the values that ``other`` has, if these are few.

    ``pairs``: columns below the groups, and those of the other side that are looked up in them.
    """
    below = lowering.lower(group.child)
    one = {c: o for c, o in pairs.items() if plain(below, c, other, o)}
    if not one:
        return
    values = collect(other.rows.select(list(one.values())).unique())
    if len(values) * ROWS_EACH > likely_rows(group.child):
        return
    chosen = below.rows.join(
        values.lazy(), left_on=list(one), right_on=list(one.values()), how="semi"
    )
    need = lowering.needs[id(group)]
    try:
        rows, columns = groupby.lower(group, need, below.over(chosen))
    except Opaque:
        return
    lowering.done[id(group)] = Frame(rows, columns)


def plain(below: Frame, column: str, other: Frame, looked_up: str) -> bool:
    """Whether two columns have equal values where a merge finds them equal."""
    a, b = below.columns[column], other.columns[looked_up]
    return alike(a, b) and not (a.nans or b.nans)
