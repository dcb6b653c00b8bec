"""What objects share with each other: labels handed out, columns that write through.

``frame.index.name = "id"`` changes the frame, so labels that a user has been given are
looked at again before the plan is used.  On pandas 2 without copy-on-write a column
taken from a frame shares memory with it: a change in place of either is a change of both,
as long as nobody has replaced the column.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import replace
from typing import Any

import pandas

from pandas_dist import callers
from pandas_dist.pandas_private import copy_on_write
from pandas_dist.plan.execute import count
from pandas_dist.plan.frames import (
    FramePlan,
    SeriesPlan,
    from_pandas,
    from_pandas_series,
    same_rows,
    unify,
)
from pandas_dist.plan.index import rename_labels

# -- labels ----------------------------------------------------------------------------------


def show(state: dict[str, Any], axis: str, plan: Any, make: Any) -> pandas.Index:
    """The labels of a LAZY object along an axis, the same object until they change."""
    shown = state.setdefault("_shown", {})
    found = shown.get(axis)
    key = plan.index if axis == "index" else plan.columns
    if found is None or found[0] is not plan.relation or found[1] is not key:
        labels = make().view()
        found = shown[axis] = (plan.relation, key, labels, frequency(labels))
    return found[2]


def frequency(labels: Any) -> Any:
    """The frequency of labels that are times; None for others."""
    times = isinstance(labels, (pandas.DatetimeIndex, pandas.TimedeltaIndex))
    return labels.freq if times else None


def renamed(plan: Any, shown: dict[str, Any]) -> Any:
    """The plan with the names and frequency that the user has given to labels handed out."""
    found = shown.get("index")
    if found is not None and found[0] is plan.relation and found[1] is plan.index:
        labels, freq = found[2:]
        names = list(labels.names)
        if frequency(labels) != freq:
            rows = plan.collect().set_axis(labels.view())
            plan = from_pandas(rows) if rows.ndim == 2 else from_pandas_series(rows)
            shown["index"] = (plan.relation, plan.index, labels, frequency(labels))
        elif names != list(plan.index.names):
            plan = plan.rebuild(plan.relation, rename_labels(plan.index, names))
            shown["index"] = (plan.relation, plan.index, labels, freq)
    found = shown.get("columns")
    if found is None or found[1] is not plan.columns:
        return plan
    if list(found[2].names) != list(plan.columns.names):
        plan = FramePlan(plan.relation, found[2].view(), plan.exprs, plan.index)
        shown["columns"] = (plan.relation, plan.columns, *found[2:])
    return plan


# -- columns -----------------------------------------------------------------------------------


def take(frame: Any, label: Any, made: Any) -> Any:
    """``frame[label]``: the series that pandas would have in its item cache, linked."""
    plan = frame.__dict__.get("_plan")
    if copy_on_write() or plan is None or not isinstance(made, pandas.Series):
        return made
    items = frame.__dict__.setdefault("_items", weakref.WeakValueDictionary())
    held = items.get(label)
    if held is not None and _is_column(plan, label, held.__dict__.get("_plan")):
        return held
    if _is_column(plan, label, made.__dict__.get("_plan")):
        made.__dict__["_parent"] = (weakref.ref(frame), label)
        items[label] = made
    return made


def _is_column(plan: Any, label: Any, column: Any) -> bool:
    """Whether a series is what ``frame[label]`` gives now."""
    if not isinstance(plan, FramePlan) or not isinstance(column, SeriesPlan):
        return False
    n = plan.position_of(label)
    return (
        n is not None
        and plan.exprs[n] is column.expr
        and plan.index is column.index
        and same_rows(plan.relation, column.relation)
    )


def parent_of(series: Any) -> Any:
    """The frame whose column ``series`` is now; None if there is none."""
    link = series.__dict__.get("_parent")
    frame = None if link is None else link[0]()
    if frame is None or not _is_column(
        frame.__dict__.get("_plan"), link[1], series.__dict__.get("_plan")
    ):
        return None
    return frame


def write_through(series: Any, after: SeriesPlan) -> None:
    """Put a changed column back into the frame that it was taken from.

    pandas 2 does so whenever the lengths agree, even if the column was replaced meanwhile.
    """
    link = series.__dict__.pop("_parent", None)
    frame = None if link is None else link[0]()
    plan = None if frame is None else frame.__dict__.get("_plan")
    n = plan.position_of(link[1]) if isinstance(plan, FramePlan) else None
    if plan is None or n is None or after.name not in plan.columns:
        return
    if same_rows(plan.relation, after.relation):
        relation, expr = unify(plan.relation, after.relation), after.expr
    elif count(plan.relation) == count(after.relation):
        from pandas_dist.ops.common import attach

        relation, (expr, *_) = attach(plan.relation, [after.collect()])
    else:
        return
    exprs = (*plan.exprs[:n], expr, *plan.exprs[n + 1 :])
    frame.__dict__["_plan"] = FramePlan(relation, plan.columns, exprs, plan.index)
    if same_rows(plan.relation, after.relation):
        series.__dict__["_plan"] = SeriesPlan(relation, expr, after.name, after.index)
    series.__dict__["_parent"] = link


def refresh(frame: Any, before: Any) -> None:
    """After a change in place of a frame: its columns in the user's hands show it too."""
    plan = frame.__dict__.get("_plan")
    items = frame.__dict__.get("_items")
    if not items or plan is None or copy_on_write():
        return
    for label, series in list(items.items()):
        held = series.__dict__.get("_plan")
        n = plan.position_of(label)
        if n is None or held is None or not _is_column(before, label, held):
            continue
        now = plan.series(n)
        same_type = (
            now.expr.field.known
            and held.expr.field.known
            and now.expr.field.dtype == held.expr.field.dtype
        )
        if now.expr is not held.expr and same_type and len(series) == count(plan.relation):
            series.__dict__["_plan"] = replace(now, name=held.name)


def check_inplace(obj: Any, name: str) -> None:
    """pandas 2 refuses to sort a column of a frame in place."""
    if name == "sort_values" and "_parent" in obj.__dict__:
        raise ValueError(
            "This Series is a view of some other array, to sort in-place you must create a copy"
        )


callers.attribute_warnings(sys.modules[__name__])
