"""Operations on columns alone: which there are, what they are called, in which order.

pandas itself answers: its method runs on a one-row frame that holds column
numbers, and the result says which column goes where, under which label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.memo import Columns, key_of, labels_key, remembered
from pandas_dist.pandas_private import INPLACE_WARNS
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.index import rename_labels

NO_DEFAULT = pd.api.extensions.no_default


def numbers(plan: FramePlan) -> pd.DataFrame:
    """One row with each column's number."""
    return pd.DataFrame(
        np.arange(len(plan.columns), dtype="int64").reshape(1, -1), columns=plan.columns
    )


def asked(
    plan: FramePlan, what: str, given: dict[str, Any], ask: Callable[[pd.DataFrame], Any]
) -> Columns:
    """pandas' answer on the numbers; the same question is asked once, errors each time."""
    if _warns(given):
        return columns_of(ask(numbers(plan)))
    return remembered(
        what,
        lambda: (labels_key(plan.columns), key_of(given)),
        lambda: columns_of(ask(numbers(plan))),
    )


def _warns(given: dict[str, Any]) -> bool:
    """Whether pandas may warn of an argument that it is about to drop."""
    if given.get("copy") not in (None, NO_DEFAULT):
        return True
    return INPLACE_WARNS and given.get("inplace", NO_DEFAULT) is not NO_DEFAULT


def columns_of(result: Any) -> Columns:
    """The columns that a result on the numbers holds."""
    if isinstance(result, pd.DataFrame):
        places = result.to_numpy()[0] if len(result) else []
        return Columns(result.columns, tuple(int(n) for n in places))
    if isinstance(result, pd.Series) and len(result) == 1:
        return Columns(None, (int(result.iloc[0]),), result.name)
    raise NotNative("the result is not a choice of columns")


def picked(plan: FramePlan, found: Columns) -> Any:
    """The plan of the columns that an answer names."""
    if found.labels is None:
        return SeriesPlan(plan.relation, plan.exprs[found.places[0]], found.name, plan.index)
    labels = found.labels
    if labels is plan.columns:  # pandas makes new ones, which have names of their own
        labels = labels.view()
    return plan.with_exprs(labels, [plan.exprs[n] for n in found.places])


def chosen(plan: FramePlan, result: Any) -> Any:
    """A plan from pandas' answer on the numbers."""
    return picked(plan, columns_of(result))


def choose(plan: FramePlan, key: Any) -> Any:
    """``frame[key]`` for labels."""
    return picked(plan, asked(plan, "[]", {"key": key}, lambda row: row[key]))


@rule("DataFrame", "drop", strategy="schema", note="columns; dropping rows by label is gathered")
def drop(plan: FramePlan, p: Any) -> Any:
    by_columns = p.index is None and (p.columns is not None or p.axis in (1, "columns"))
    if by_columns and p.level is None:
        given = arguments(p)
        return picked(plan, asked(plan, "drop", given, lambda row: row.drop(**given)))
    return gather(plan, pd.DataFrame.drop, **arguments(p))


@rule("DataFrame", "filter", strategy="schema")
def filter_(plan: FramePlan, p: Any) -> Any:
    given = arguments(p)
    first = given.pop("arg" if "arg" in given else "items")  # by position only on pandas 3.1
    labels = first is None or (
        isinstance(first, (list, tuple, pd.Index)) and not any(isinstance(x, bool) for x in first)
    )
    if p.axis in (None, 1, "columns") and labels and given.get("cond") is None:
        return chosen(plan, numbers(plan).filter(first, **given))
    return gather(plan, pd.DataFrame.filter, first, **given)


@rule("DataFrame", "rename", strategy="schema", note="columns; renaming labels of rows is gathered")
def rename(plan: FramePlan, p: Any) -> Any:
    given = arguments(p)
    columns_only = p.index is None and (
        (p.columns is not None and p.mapper is None) or p.axis in (1, "columns")
    )
    if columns_only and p.level is None:
        return picked(plan, asked(plan, "rename", given, lambda row: row.rename(**given)))
    return gather(plan, pd.DataFrame.rename, **given)


@rule("DataFrame", "add_prefix", "add_suffix", strategy="schema")
def affix(plan: FramePlan, p: Any) -> Any:
    if p.axis not in (None, 1, "columns"):
        raise NotNative("labels of rows change")
    name = "add_prefix" if hasattr(p, "prefix") else "add_suffix"
    given = arguments(p)
    return picked(plan, asked(plan, name, given, lambda row: getattr(row, name)(**given)))


@rule("DataFrame", "select_dtypes", strategy="schema")
def select_dtypes(plan: FramePlan, p: Any) -> Any:
    if not all(e.field.known for e in plan.exprs):
        return gather(plan, pd.DataFrame.select_dtypes, **arguments(p))
    typed = pd.DataFrame(
        {n: pd.Series([], dtype=e.field.dtype) for n, e in enumerate(plan.exprs)}
    ).select_dtypes(**arguments(p))
    places = [int(c) for c in typed.columns]
    shown = plan.columns[places] if places else plan.columns[:0]  # which stays a range
    return plan.with_exprs(shown, [plan.exprs[n] for n in places])


def relabel(plan: FramePlan, labels: Any) -> FramePlan:
    """``frame.columns = labels``; pandas' ValueError for a wrong number."""
    if type(labels) is not list:  # an index stays the user's own object
        return FramePlan(
            plan.relation, _relabelled(numbers(plan), labels).columns, plan.exprs, plan.index
        )
    found = asked(plan, "columns", {"labels": labels}, lambda row: _relabelled(row, labels))
    return picked(plan, found)


def _relabelled(row: pd.DataFrame, labels: Any) -> pd.DataFrame:
    row.columns = labels
    return row


@rule("DataFrame", "copy", strategy="schema")
@rule("Series", "copy", strategy="schema")
def copy(plan: Any, p: Any) -> Any:
    return plan


@rule("DataFrame", "set_axis", strategy="schema")
def set_axis(plan: FramePlan, p: Any) -> Any:
    if p.axis in (1, "columns"):
        return relabel(plan, dispatch.to_plain(p.labels))
    return gather(plan, pd.DataFrame.set_axis, **arguments(p))


@rule("Series", "rename", strategy="schema")
def rename_series(plan: SeriesPlan, p: Any) -> Any:
    if p.index is None or (pd.api.types.is_hashable(p.index) and not callable(p.index)):
        if isinstance(p.index, pd.Series):
            raise NotNative("labels of rows change")
        return SeriesPlan(plan.relation, plan.expr, p.index, plan.index)
    return gather(plan, pd.Series.rename, **arguments(p))


@rule("Series", "to_frame", strategy="schema")
def to_frame(plan: SeriesPlan, p: Any) -> Any:
    given = arguments(p)
    columns = remembered(
        "to_frame",
        lambda: (key_of(plan.name), key_of(given)),
        lambda: pd.Series([0], name=plan.name).to_frame(**given).columns,
    )
    return FramePlan(plan.relation, columns, (plan.expr,), plan.index)


@rule("DataFrame", "rename_axis", strategy="schema")
@rule("Series", "rename_axis", strategy="schema")
def rename_axis(plan: Any, p: Any) -> Any:
    mapper: Any = getattr(p, "mapper", None)
    simple = isinstance(mapper, str) or (
        isinstance(mapper, (list, tuple)) and len(mapper) == len(plan.index.names)
    )
    if simple and getattr(p, "axis", 0) in (0, "index"):
        names = [mapper] if isinstance(mapper, str) else list(mapper)
        if len(names) == len(plan.index.names):
            return plan.rebuild(plan.relation, rename_labels(plan.index, names))
    cls: Any = pd.DataFrame if isinstance(plan, FramePlan) else pd.Series
    return gather(plan, cls.rename_axis, **arguments(p))
