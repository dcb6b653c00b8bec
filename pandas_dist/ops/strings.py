"""``.str``, ``.dt`` and ``.cat``: per row where the answer depends on the row alone."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import fallback
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import aligned, call
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call
from pandas_dist.plan.frames import SeriesPlan
from pandas_dist.plan.schema import Field

# Boolean results that Arrow text and str objects agree on, missing values apart.
TESTS = frozenset({"startswith", "endswith", "contains"})
# Patterns that RE2 and Python's re search alike: literals, any character, repetition, choice.
COMMON_PATTERN = re.compile(r"(?:[^.^$*+?{}\[\]\\|()][*+?]?|\.[*+?]?|\|)*", re.ASCII)
# Methods of str that give text for text, missing values apart.
TEXT = frozenset(
    "lower upper title capitalize swapcase casefold strip lstrip rstrip pad center ljust rjust "
    "zfill slice slice_replace replace removeprefix removesuffix".split()
)
FLAGS = frozenset(
    "isalnum isalpha isdigit isspace islower isupper istitle isnumeric isdecimal "
    "contains startswith endswith match fullmatch".split()
)
COUNTS = frozenset({"len", "count", "find", "rfind"})
DT_FIELDS = frozenset(
    "year month day hour minute second microsecond nanosecond dayofweek day_of_week weekday "
    "dayofyear day_of_year quarter days_in_month daysinmonth".split()
)
DT_FLAGS = frozenset(
    "is_month_start is_month_end is_quarter_start is_quarter_end is_year_start is_year_end "
    "is_leap_year".split()
)


class Through:
    """An accessor's method or property as a kernel."""

    def __init__(
        self, accessor: str, name: str, args: tuple[Any, ...] | None, kwargs: dict[str, Any]
    ) -> None:
        self.accessor, self.name, self.args, self.kwargs = accessor, name, args, kwargs

    def __call__(self, values: pd.Series) -> Any:
        found = getattr(getattr(values, self.accessor), self.name)
        return found if self.args is None else found(*self.args, **self.kwargs)


def accessor_call(
    obj: Any, accessor: str, name: str, args: tuple[Any, ...] | None, kwargs: dict[str, Any]
) -> Any:
    """One call of an accessor on a LAZY series."""
    plan = dispatch.plan_of(obj)
    assert isinstance(plan, SeriesPlan)
    plain_args = None if args is None else tuple(map(dispatch.to_plain, args))
    kernel = Through(
        accessor, name, plain_args, {k: dispatch.to_plain(v) for k, v in kwargs.items()}
    )
    lowered = _text(plan, kernel) if accessor == "str" else _dates(plan, kernel)
    if lowered is None:
        fallback.guard(f"Series.{accessor}.{name}", [plan])
        source = plan.collect()
        with local_mode():
            lowered = aligned(plan, source, kernel(source))
    return dispatch.present(lowered, obj)


def _text(plan: SeriesPlan, kernel: Through) -> Any:
    f = plan.expr.field
    if not f.is_text:
        return None
    fast = None if f.nulls else _on_arrow(plan, kernel)
    if fast is not None:
        return fast
    simple = kernel.args is not None and all(
        _is_constant(v) for v in (*kernel.args, *kernel.kwargs.values())
    )
    if not simple or not _accepted(kernel, f):
        return None
    if kernel.name in TEXT:
        field = Field(f.dtype, f.nulls, True)
    elif f.nulls:
        return None
    elif kernel.name in FLAGS:
        field = Field(np.dtype(bool), nulls=False)
    elif kernel.name in COUNTS:
        field = Field(np.dtype("int64"), nulls=False)
    else:
        return None
    return plan.with_expr(Call(kernel.name, kernel, (plan.expr,), field))


def _is_constant(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, bool, re.Pattern))


def _accepted(kernel: Through, field: Field) -> bool:
    """Ask pandas about one value: its errors for bad arguments appear at the call."""
    if kernel.name in TEXT:
        expected = field.dtype
    elif kernel.name in FLAGS | COUNTS:
        expected = np.dtype(bool if kernel.name in FLAGS else "int64")
    else:
        return False
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        one = kernel(pd.Series(["a"], dtype=field.dtype))
    return not seen and isinstance(one, pd.Series) and one.dtype == expected


def _on_arrow(plan: SeriesPlan, kernel: Through) -> Any:
    """Steps that Arrow text answers as str objects do; no missing values."""
    f = plan.expr.field
    args, name = kernel.args, kernel.name
    if (
        name in TESTS
        and args
        and len(args) == 1
        and not kernel.kwargs
        and _plain_pattern(name, args[0])
    ):
        field = Field(np.dtype(bool), nulls=False)
        return plan.with_expr(Call(name, kernel, (plan.expr,), field, encoded=True))
    if name == "len" and args == () and not kernel.kwargs:
        field = Field(np.dtype("int64"), nulls=False)
        return plan.with_expr(Call(name, kernel, (plan.expr,), field, encoded=True))
    sliced = _prefix(kernel)
    if sliced is not None:
        step = Through("str", "slice", sliced, {})
        return plan.with_expr(Call("slice", step, (plan.expr,), f, encoded=True))
    return None


def _plain_pattern(name: str, pattern: Any) -> bool:
    if name == "contains":
        return isinstance(pattern, str) and COMMON_PATTERN.fullmatch(pattern) is not None
    return isinstance(pattern, str) or (
        isinstance(pattern, tuple) and bool(pattern) and all(isinstance(p, str) for p in pattern)
    )


def _prefix(kernel: Through) -> tuple[int | None, int | None] | None:
    """``str[a:b]`` and ``str.slice(a, b)`` with bounds at or above zero."""
    args = kernel.args
    if (
        kernel.name == "__getitem__"
        and args
        and isinstance(args[0], slice)
        and args[0].step in (None, 1)
    ):
        start, stop = args[0].start, args[0].stop
    elif kernel.name == "slice" and args is not None and len(args) in (1, 2) and not kernel.kwargs:
        start, stop = (args[0], args[1] if len(args) == 2 else None)
    else:
        return None
    whole = all(b is None or (isinstance(b, int) and b >= 0) for b in (start, stop))
    return (start, stop) if whole else None


def _dates(plan: SeriesPlan, kernel: Through) -> Any:
    f = plan.expr.field
    if f.kind != "M" or kernel.accessor != "dt":
        return None
    if kernel.name in DT_FLAGS and kernel.args is None:
        return plan.with_expr(call(kernel.name, kernel, plan.expr, nulls=False))
    if not f.nulls and kernel.name in DT_FIELDS and kernel.args is None:
        return plan.with_expr(call(kernel.name, kernel, plan.expr, nulls=False))
    if kernel.name == "normalize" and kernel.args == ():
        return plan.with_expr(call(kernel.name, kernel, plan.expr))
    return None
