"""What a groupby sees of changes that its object has had since."""

from __future__ import annotations

from typing import Any

from pandas_dist.ops import dispatch
from pandas_dist.ops.common import attach
from pandas_dist.plan.execute import count
from pandas_dist.plan.frames import FramePlan, SeriesPlan, same_rows, unify


def followed(obj: Any, now: Any, options: dict[str, Any]) -> Any:
    """The grouped object after the user's has changed to the plan ``now``.

    The keys are those of before; rows that are others are not followed.
    """
    before: Any = dispatch.plan_of(obj)
    same = same_rows(before.relation, now.relation)
    if _unchanged(before, now) or (options["level"] is not None and now.index is not before.index):
        return obj
    if not same and count(now.relation) != count(before.relation):
        return obj
    return dispatch.make(_with_keys(before, now, options, same))


def _unchanged(before: Any, now: Any) -> bool:
    alike = same_rows(before.relation, now.relation) and now.index is before.index
    if isinstance(now, FramePlan):
        alike = alike and now.columns.identical(before.columns)
    return alike and all(a is b for a, b in zip(before.exprs, now.exprs))


def _with_keys(before: Any, now: Any, options: dict[str, Any], same: bool) -> Any:
    """The plan ``now`` with the key columns of ``before``."""
    if isinstance(now, SeriesPlan):
        return now
    by = options["by"]
    relation, columns, exprs = now.relation, now.columns, list(now.exprs)
    for label in by if isinstance(by, list) else [by]:
        n = before.position_of(label) if isinstance(label, (str, int, float)) else None
        if n is None:
            continue
        m = now.position_of(label)
        if m is not None and now.exprs[m] is before.exprs[n]:
            continue
        if same:
            relation, key = unify(relation, before.relation), before.exprs[n]
        else:
            relation, (key,) = attach(relation, [before.series(n).collect()])
        if m is None:
            columns, exprs = columns.insert(len(columns), label), [*exprs, key]
        else:
            exprs[m] = key
    return FramePlan(relation, columns, tuple(exprs), now.index)
