"""Python functions and replacements by value."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist import fallback, report
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import aligned, arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.lookup import mapped
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan, SeriesPlan


@rule(
    "Series",
    "map",
    strategy="rows",
    note="pure functions use all cores; dicts and series are looked up per row",
)
def map_(plan: SeriesPlan, p: Any) -> Any:
    given = arguments(p)
    function = given.pop("arg" if "arg" in given else "func")
    if (
        not callable(function)
        or isinstance(function, (dict, pd.Series))
        or given.pop("engine", None)
    ):
        found = mapped(plan, function, given.get("na_action"))
        return gather(plan, pd.Series.map, **arguments(p)) if found is None else found
    from pandas_dist.udf.apply import map_series

    return _distributed(plan, "Series.map", map_series, function, method="map", **given)


@rule("Series", "apply", strategy="rows")
def apply_series(plan: SeriesPlan, p: Any) -> Any:
    if not callable(p.func):
        return _udf_gather(plan, pd.Series.apply, p)
    from pandas_dist.udf.apply import map_series

    given = {
        k: v for k, v in vars(p).items() if k not in ("self", "func", "args", "kwargs", "_variadic")
    }
    return _distributed(
        plan,
        "Series.apply",
        map_series,
        p.func,
        method="apply",
        args=tuple(p.args),
        **given,
        **p.kwargs,
    )


@rule("DataFrame", "apply", strategy="rows")
def apply_frame(plan: FramePlan, p: Any) -> Any:
    if p.axis not in (1, "columns") or not callable(p.func):
        return _udf_gather(plan, pd.DataFrame.apply, p)
    from pandas_dist.udf.apply import apply_rows

    skip = ("self", "func", "args", "kwargs", "_variadic", "axis")
    given = {k: v for k, v in vars(p).items() if k not in skip}
    return _distributed(
        plan, "DataFrame.apply", apply_rows, p.func, tuple(p.args), p.kwargs, **given
    )


def _distributed(plan: Any, what: str, run: Any, *args: Any, **kwargs: Any) -> Any:
    fallback.guard(what, [plan])
    source = plan.collect()
    private = source.copy(deep=True)
    with local_mode():
        outcome = run(private, *args, **kwargs)
    file, line, _ = fallback.user_site()
    report.record_function(what, outcome.distributed, outcome.reason, file, line)
    return aligned(plan, source, outcome.result)


def _udf_gather(plan: Any, method: Any, p: Any) -> Any:
    """pandas' own method on a private copy: the function may change what it is given."""
    fallback.guard(method.__qualname__, [plan])
    source = plan.collect()
    given = {k: dispatch.to_plain(v) for k, v in arguments(p).items()}
    if any(callable(v) for v in given.values()):
        file, line, _ = fallback.user_site()
        reason = "it runs on the gathered rows"
        report.record_function(method.__qualname__, False, reason, file, line)
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
