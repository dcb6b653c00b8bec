"""The labels of LAZY objects, served from the plan."""

from __future__ import annotations

import sys
from typing import Any

import pandas

from pandas_dist import callers, views
from pandas_dist.ops import dispatch
from pandas_dist.pandas_private import holds_attribute
from pandas_dist.plan.frames import fetch
from pandas_dist.plan.index import KeyLabels, RangeLabels


def index_of(plan: Any) -> pandas.Index:
    """The labels, executing only what they need."""
    if plan.memo and plan.memo[0].error is None:
        return plan.memo[0].value.index
    return fetch(plan.relation, (), plan.index)[2]


def labels_of(obj: Any, axis: str) -> pandas.Index:
    """``index`` or ``columns`` of a LAZY object."""
    if "_plan" not in obj.__dict__:
        obj._mgr  # noqa: B018  (raises AttributeError: the object is being made)
    plan: Any = dispatch.plan_of(obj)
    if axis == "columns":
        return views.show(obj.__dict__, axis, plan, lambda: plan.columns)
    return views.show(obj.__dict__, axis, plan, lambda: index_of(plan))


def may_hold(plan: Any, name: str) -> bool:
    """Whether ``name`` may be a label of a series' index, by what is known without rows."""
    labels = plan.index
    if isinstance(labels, KeyLabels):
        kinds = [e.field.kind for e in labels.exprs]
        return len(kinds) == 1 and kinds[0] in "OE?"
    if isinstance(labels, RangeLabels) or isinstance(labels.base, RangeLabels):
        return False
    return holds_attribute(labels.base, name)


callers.attribute_warnings(sys.modules[__name__])
