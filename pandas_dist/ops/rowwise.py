"""Python functions and replacements by value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist import fallback
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import aligned, arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan, SeriesPlan


@rule("Series", "map", strategy="rows", note="pure functions use all cores; dicts and series are gathered")
def map_(plan: SeriesPlan, p: Any) -> Any:
    given = arguments(p)
    function = given.get("arg", given.get("func"))
    if not callable(function) or isinstance(function, (dict, pd.Series)) or getattr(p, "engine", None):
        return gather(plan, pd.Series.map, **given)
    from pandas_dist.udf.apply import map_series

    return _distributed(plan, "Series.map", map_series, function, na_action=p.na_action)


@rule("Series", "apply", strategy="rows")
def apply_series(plan: SeriesPlan, p: Any) -> Any:
    if not callable(p.func) or p.args or arguments(p).get("convert_dtype", None) is False:
        return _udf_gather(plan, pd.Series.apply, p)
    if p.kwargs or p.by_row != "compat":
        return _udf_gather(plan, pd.Series.apply, p)
    from pandas_dist.udf.apply import apply_series as run

    return _distributed(plan, "Series.apply", run, p.func)


@rule("DataFrame", "apply", strategy="rows")
def apply_frame(plan: FramePlan, p: Any) -> Any:
    rows = p.axis in (1, "columns") and callable(p.func)
    if not rows or p.raw or p.by_row != "compat" or p.engine not in (None, "python"):
        return _udf_gather(plan, pd.DataFrame.apply, p)
    from pandas_dist.udf.apply import apply_rows

    return _distributed(
        plan, "DataFrame.apply", apply_rows, p.func, p.args, p.kwargs, result_type=p.result_type
    )


def _distributed(plan: Any, what: str, run: Any, *args: Any, **kwargs: Any) -> Any:
    fallback.guard(what, [plan])
    source = plan.collect()
    private = source.copy(deep=True)
    with local_mode():
        result = run(private, *args, **kwargs)
    return aligned(plan, source, result)


def _udf_gather(plan: Any, method: Any, p: Any) -> Any:
    """pandas' own method on a private copy: the function may change what it is given."""
    fallback.guard(method.__qualname__, [plan])
    source = plan.collect()
    given = {k: dispatch.to_plain(v) for k, v in arguments(p).items()}
    with local_mode():
        result = method(source.copy(deep=True), **given)
    return aligned(plan, source, result)


def _register_functions() -> None:
    for cls, owner, names in (
        (pd.DataFrame, "DataFrame", ("map", "applymap", "agg", "aggregate", "transform")),
        (pd.Series, "Series", ("agg", "aggregate", "transform")),
    ):
        for name in names:
            method = getattr(cls, name, None)
            if method is None:
                continue

            @rule(owner, name, strategy="gathered")
            def run(plan: Any, p: Any, method: Any = method) -> Any:
                return _udf_gather(plan, method, p)


_register_functions()
