"""Groupby methods that pandas runs on collected rows."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist import fallback, report
from pandas_dist.groupby import Grouping
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import aligned
from pandas_dist.ops.grouping_keys import own_column
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan

FUNCTIONAL = frozenset({"apply", "agg", "aggregate", "transform", "filter", "pipe"})
GATHERED = frozenset(
    [
        "agg",
        "aggregate",
        "all",
        "any",
        "apply",
        "bfill",
        "count",
        "cumcount",
        "cummax",
        "cummin",
        "cumprod",
        "cumsum",
        "describe",
        "diff",
        "ewm",
        "expanding",
        "ffill",
        "fillna",
        "filter",
        "first",
        "get_group",
        "head",
        "idxmax",
        "idxmin",
        "last",
        "max",
        "mean",
        "median",
        "min",
        "ngroup",
        "nlargest",
        "nsmallest",
        "nth",
        "nunique",
        "pct_change",
        "prod",
        "quantile",
        "rank",
        "resample",
        "rolling",
        "sem",
        "shift",
        "size",
        "skew",
        "std",
        "sum",
        "tail",
        "transform",
        "unique",
        "value_counts",
        "var",
    ]
)


def gathered(
    groups: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], reason: str
) -> Any:
    """pandas' own groupby on the collected rows of the columns that it can need."""
    spec: Grouping = groups._spec
    plan = dispatch.plan_of(spec.obj)
    owner = type(groups).__name__
    fallback.guard(f"{owner}.{name}", [plan])
    if name not in GATHERED:
        fallback.announce(f"{owner}.{name}", reason, [plan])
    narrow = _narrowed(spec, plan)
    source = narrow.collect()
    attrs = spec.obj.__dict__.get("_attrs")
    private = source.copy(deep=name in FUNCTIONAL) if attrs or name in FUNCTIONAL else source
    if attrs:
        private.attrs = attrs
    plain = private.groupby(**plain_options(spec, private))
    if spec.selection is not None:
        plain = plain[spec.selection]
    if name in FUNCTIONAL and any(map(callable, (*args, *kwargs.values()))):
        file, line, _ = fallback.user_site()
        report.record_function(
            f"{owner}.{name}", False, "the function gets whole groups", file, line
        )
    with local_mode():
        result = getattr(plain, name)(
            *map(dispatch.to_plain, args), **{k: dispatch.to_plain(v) for k, v in kwargs.items()}
        )
    shown = dispatch.present(aligned(narrow, private, result), spec.obj)
    if attrs and isinstance(result, (pd.DataFrame, pd.Series)):
        shown.__dict__["_attrs"] = result.attrs
    kind = "gathered" if name in GATHERED else f"fallback: {reason}"
    return report.came_from(shown, f"{owner}.{name} in local pandas ({kind})")


def _narrowed(spec: Grouping, plan: Any) -> Any:
    """Only the keys and the selected columns, where keys are column labels."""
    if spec.selection is None or not isinstance(plan, FramePlan) or not plan.columns.is_unique:
        return plan
    by = spec.options["by"]
    keys = by if isinstance(by, list) else [by]
    if spec.options.get("level") is not None or not all(isinstance(k, str) for k in keys):
        return plan
    chosen = spec.selection if isinstance(spec.selection, list) else [spec.selection]
    labels = dict.fromkeys([*keys, *chosen])
    places = [plan.position_of(label) for label in labels]
    if None in places or isinstance(plan.columns, pd.MultiIndex):
        return plan
    kept = [n for n in places if n is not None]
    return plan.with_exprs(plan.columns[kept], [plan.exprs[n] for n in kept])


def plain_options(spec: Grouping, rows: Any) -> dict[str, Any]:
    """``groupby``'s arguments for pandas; a key that is a column of the object stays one."""
    plan, by = dispatch.plan_of(spec.obj), spec.options["by"]

    def key(item: Any) -> Any:
        if isinstance(plan, FramePlan) and dispatch.is_ours(item) and isinstance(item, pd.Series):
            series: Any = dispatch.plan_of(item)
            if own_column(plan, series) and series.name in rows.columns:
                return rows[series.name]
        return dispatch.to_plain(item)

    options = {k: dispatch.to_plain(v) for k, v in spec.options.items() if k != "by"}
    return {"by": [key(item) for item in by] if isinstance(by, list) else key(by), **options}
