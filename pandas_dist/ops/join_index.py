"""Joins by the index: one side gives the rows' labels, the other is looked up by its own.

Row for row these are joins by columns.  What differs is the index of the result, which is that
of one side ("keeper"): unchanged where no row can be repeated or lost, chosen from otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pandas_dist.plan.bounds import unique_left, unique_right
from pandas_dist.plan.execute import collect, count
from pandas_dist.plan.expressions import Expr, column_ids
from pandas_dist.plan.frames import FramePlan, ensure_columns
from pandas_dist.plan.index import KeyLabels, Labels, TakenLabels, as_columns
from pandas_dist.plan.relations import Join, Local, Relation


@dataclass(frozen=True, slots=True)
class Side:
    """One input: its plan, and the labels of its key columns (None: its index)."""

    plan: FramePlan
    keys: list[Any] | None

    def by_labels(self) -> bool:
        """Whether the keys are labels, not values."""
        return all(pd.api.types.is_hashable(k) for k in self.keys or ())

    def exprs(self) -> tuple[Relation, list[Expr]] | None:
        """The keys as expressions; None where they are not columns, or would have to run."""
        if self.keys is not None:
            places = [self.plan.position_of(k) for k in self.keys]
            if None in places:
                return None
            return self.plan.relation, [self.plan.exprs[n] for n in places if n is not None]
        labels = self.plan.index
        held = isinstance(labels, TakenLabels) and isinstance(labels.base, pd.Index)
        if held and not isinstance(self.plan.relation, Local):
            return None
        return as_columns(self.plan.relation, labels)


def sides(p: Any, left: FramePlan, right: FramePlan) -> tuple[Side, Side]:
    """Both inputs with their keys."""
    chosen = []
    for plan, by_index, on in ((left, p.left_index, p.left_on), (right, p.right_index, p.right_on)):
        keys = None if by_index else list(on) if isinstance(on, (list, tuple)) else [on]
        chosen.append(Side(plan, keys))
    return chosen[0], chosen[1]


def keeps_right(p: Any) -> bool:
    """Whether the index of the result is the right side's."""
    return p.how == "right" or (p.how == "inner" and not p.right_index)


def supported(p: Any, keeper: Side, other: Side) -> bool:
    """Whether the other side is looked up by its index, and the labels are the keeper's."""
    if p.how not in ("left", "right", "inner") or other.keys is not None:
        return False
    if keeper.keys is None:  # pandas' Index.join, which has its own ways for each class
        alike = keeper.plan.index.names == other.plan.index.names
        return p.how != "inner" and alike and len(other.plan.index.names) == 1
    # Without any row the index would be of the other side.
    return p.how != "inner" or count(keeper.plan.relation) > 0


def comparable(keeper: Side, pair: tuple[Expr, Expr]) -> bool:
    """Whether keys compare in an index as in a column: there None and NaN are two objects."""
    return keeper.keys is not None or not any(e.field.kind == "O" and e.field.nulls for e in pair)


def label_ids(labels: Labels) -> set[str]:
    """All columns that the labels are built from."""
    found: set[str] = set()
    base = labels.base if isinstance(labels, TakenLabels) else None
    for expr in (*labels.exprs, *(base.exprs if isinstance(base, KeyLabels) else ())):
        column_ids(expr, found)
    return found


def repeats(relation: Relation, keys: list[Expr]) -> bool:
    """Whether a key occurs twice, by a look at all of them."""
    return bool(_looked_up(relation, keys).duplicated().any())


def missing_in_levels(relation: Relation, keys: list[Expr]) -> bool:
    """Whether several levels have missing values, to which pandas' merge finds odd matches."""
    doubtful = [key for key in keys if key.field.nulls]
    if len(keys) < 2 or not doubtful:
        return False
    return bool(_looked_up(relation, doubtful).isna().any(axis=None))


def _looked_up(relation: Relation, keys: list[Expr]) -> pd.DataFrame:
    source, ids = ensure_columns(relation, keys)
    return collect(source, set(ids), ordered=False)


def one_for_one(how: str, left: Relation, right: Relation, pairs: list[tuple[Expr, Expr]]) -> bool:
    """Whether the rows of the join are those of the left (or right) side, in its order."""
    left, lids = ensure_columns(left, [x for x, _ in pairs])
    right, rids = ensure_columns(right, [y for _, y in pairs])
    node = Join(left, right, how, tuple(lids), tuple(rids), {}, {}, {})
    if how == "left":
        return unique_right(node)
    return how == "right" and unique_left(node)
