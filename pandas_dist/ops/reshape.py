"""``reset_index`` and ``set_index``: labels become columns and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops.common import gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.memo import key_of, labels_key, names_key, remembered
from pandas_dist.ops.order import keys_of
from pandas_dist.ops.schema import columns_of
from pandas_dist.ops.select import _without_inplace
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.expressions import Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.index import KeyLabels, RangeLabels, TakenLabels, as_columns


def marked(plan: FramePlan) -> pd.DataFrame:
    """One row: columns hold 0, 1, …; index levels -1, -2, …"""
    frame = pd.DataFrame(
        np.arange(len(plan.columns), dtype="int64").reshape(1, -1), columns=plan.columns
    )
    names = plan.index.names
    levels = [[-1 - n] for n in range(len(names))]
    if len(names) == 1:
        frame.index = pd.Index(levels[0], name=names[0])
    else:
        frame.index = pd.MultiIndex.from_arrays(levels, names=names)
    return frame


def guessed(plan: Any) -> bool:
    """Whether reset_index finds a level's dtype from its values, all of them objects."""
    labels = plan.index.base if isinstance(plan.index, TakenLabels) else plan.index
    if not isinstance(labels, KeyLabels):
        return False
    fields = [e.field for e in labels.exprs]
    return any(not f.known or (f.kind == "O" and (PANDAS_3 or not f.text)) for f in fields)


@rule("DataFrame", "reset_index", strategy="schema")
def reset_index(plan: FramePlan, p: Any) -> Any:
    given = _without_inplace(p)
    if p.level is not None:
        return gather(plan, pd.DataFrame.reset_index, **given)
    answer = remembered(
        "reset_index",
        lambda: (labels_key(plan.columns), names_key(plan.index.names), key_of(given)),
        lambda: columns_of(marked(plan).reset_index(**given)),
    )
    places = answer.places
    assert answer.labels is not None
    relation = plan.relation
    levels: list[Expr] = []
    if any(n < 0 for n in places):
        if guessed(plan):
            return gather(plan, pd.DataFrame.reset_index, **given)
        relation, levels = as_columns(plan.relation, plan.index)
    exprs = [plan.exprs[n] if n >= 0 else levels[-1 - n] for n in places]
    return FramePlan(relation, answer.labels, tuple(exprs), RangeLabels())


@rule("Series", "reset_index", strategy="schema")
def reset_series(plan: SeriesPlan, p: Any) -> Any:
    given = _without_inplace(p)
    if p.level is not None:
        return gather(plan, pd.Series.reset_index, **given)
    if p.drop:
        return plan.rebuild(plan.relation, RangeLabels())
    if guessed(plan):
        return gather(plan, pd.Series.reset_index, **given)
    columns = remembered(
        "Series.reset_index",
        lambda: (key_of(plan.name), names_key(plan.index.names), key_of(given)),
        lambda: _marked_series(plan).reset_index(**given).columns,
    )
    relation, levels = as_columns(plan.relation, plan.index)
    return FramePlan(relation, columns, (*levels, plan.expr), RangeLabels())


def _marked_series(plan: SeriesPlan) -> pd.Series:
    frame = FramePlan(plan.relation, pd.Index([plan.name]), (plan.expr,), plan.index)
    shown: Any = plan.name
    return marked(frame).iloc[:, 0].rename(shown)


@rule("DataFrame", "set_index", strategy="schema", note="columns as keys, without append")
def set_index(plan: FramePlan, p: Any) -> Any:
    labels = p.keys if isinstance(p.keys, list) else [p.keys]
    hashable = all(pd.api.types.is_hashable(k) for k in labels)
    checks = p.verify_integrity not in (False, pd.api.extensions.no_default)
    exprs = keys_of(plan, labels) if hashable and not p.append and not checks else None
    if not exprs or not all(e.field.known for e in exprs):
        return gather(plan, pd.DataFrame.set_index, **_without_inplace(p))
    answer = remembered(
        "set_index",
        lambda: (labels_key(plan.columns), key_of(labels), key_of(p.drop)),
        lambda: columns_of(marked(plan).set_index(labels, drop=p.drop)),
    )
    assert answer.labels is not None
    index = KeyLabels(tuple(exprs), list(labels), len(labels) > 1, set_by_user=True)
    kept = tuple(plan.exprs[n] for n in answer.places)
    return FramePlan(plan.relation, answer.labels, kept, index)
