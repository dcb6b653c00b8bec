"""``.str``, ``.dt`` and ``.cat``: per row where the answer depends on the row alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import fallback
from pandas_dist.ops import dispatch
from pandas_dist.ops.blockwise import agreed, blockwise, counts, flags, numbers, objects, times
from pandas_dist.ops.common import aligned, call
from pandas_dist.ops.memo import Keyed, key_of, remembered
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.schema import Field, is_str_dtype, sample

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
# Pieces of each text: text or missing.
PARTS = frozenset({"extract", "get", "__getitem__"})
# Methods that give an object for each text, or raise: one call per partition.
EACH = frozenset(
    "split rsplit findall join get __getitem__ repeat encode decode normalize wrap translate "
    "extract".split()
)
DT_FIELDS = frozenset(
    "year month day hour minute second microsecond nanosecond dayofweek day_of_week weekday "
    "dayofyear day_of_year quarter days_in_month daysinmonth".split()
)
DT_FLAGS = frozenset(
    "is_month_start is_month_end is_quarter_start is_quarter_end is_year_start is_year_end "
    "is_leap_year".split()
)

# Fields of spans: integers, floats where values are missing.
SPAN_FIELDS = frozenset("days seconds microseconds nanoseconds".split())
# One dtype for any dates, and no date that they refuse.
DT_STATIC = frozenset("month_name day_name total_seconds isocalendar to_period as_unit".split())


class Through(Keyed):
    """An accessor's method or property as a kernel."""

    def __init__(
        self, accessor: str, name: str, args: tuple[Any, ...] | None, kwargs: dict[str, Any]
    ) -> None:
        self.accessor, self.name, self.args, self.kwargs = accessor, name, args, kwargs

    def __call__(self, values: pd.Series) -> Any:
        found = getattr(getattr(values, self.accessor), self.name)
        return found if self.args is None else found(*self.args, **self.kwargs)

    def key(self) -> Hashable:
        return Through, self.accessor, self.name, key_of(self.args), key_of(self.kwargs)


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
        lowered = _by_partition(plan, kernel)
    if lowered is None:
        fallback.guard(f"Series.{accessor}.{name}", [plan])
        source = plan.collect()
        with local_mode():
            lowered = aligned(plan, source, kernel(source))
    return dispatch.present(lowered, obj)


# -- text ------------------------------------------------------------------------------------------


def _text(plan: SeriesPlan, kernel: Through) -> Any:
    f = plan.expr.field
    if not f.is_text:
        return None
    fast = None if f.nulls else _on_arrow(plan, kernel)
    if fast is not None:
        return fast
    found = _remembered(kernel, f, _answer) if _simple(kernel) else None
    if found is None:
        return None
    if isinstance(found, pd.DataFrame):
        if kernel.name != "extract" or len(found.columns) == 0:
            return None
        parts = Call("extract", kernel, (plan.expr,), Field(None))
        columns = [
            Call(f"extract_{n}", Group(n), (parts,), Field(dtype, text=True))
            for n, dtype in enumerate(found.dtypes)
        ]
        return FramePlan(plan.relation, found.columns, tuple(columns), plan.index)
    expr = Call(kernel.name, kernel, (plan.expr,), _field(kernel, f, found))
    name = plan.name if found.name is None else found.name  # a group's own name
    return SeriesPlan(plan.relation, expr, name, plan.index)


class Group:
    """One column of a frame that a kernel gives."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, parts: pd.DataFrame) -> pd.Series:
        return parts.iloc[:, self.n]


def _field(kernel: Through, field: Field, found: pd.Series) -> Field:
    """What is known of a result that has the same dtype whatever the values."""
    if found.dtype == np.dtype(bool) or found.dtype == np.dtype("int64"):
        return Field(found.dtype, nulls=False)
    return Field(found.dtype, field.nulls or kernel.name not in TEXT, text=True)


def _simple(kernel: Through) -> bool:
    return kernel.args is not None and all(
        _is_constant(v) for v in (*kernel.args, *kernel.kwargs.values())
    )


def _is_constant(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, bool, re.Pattern))


# Text in which a method's answer may be of another dtype than for other text.
SAMPLES = ([""], ["a"], ["a", ""])


def _remembered(kernel: Through, field: Field, ask: Any) -> Any:
    """An answer for samples, which depends on the step and the dtype alone."""
    return remembered(
        ask.__name__,
        lambda: (kernel.key(), key_of(field.dtype), field.nulls),
        lambda: ask(kernel, field),
    )


def _answer(kernel: Through, field: Field) -> Any:
    """pandas' answer for samples, if it has one dtype whatever the text; None otherwise."""
    if kernel.name not in TEXT | FLAGS | COUNTS | PARTS:
        return None
    samples: list[list[Any]] = [list(s) for s in SAMPLES]
    if field.nulls:
        samples += [[None], [np.nan], ["a", None], ["", np.nan]]
    found, quiet = _tried(kernel, [pd.Series(s, dtype=field.dtype) for s in samples])
    if not quiet:
        return None
    first = found[0]
    same = all(type(f) is type(first) for f in found)
    if not same or not isinstance(first, (pd.Series, pd.DataFrame)):
        return None
    if isinstance(first, pd.DataFrame):
        return first if all(f.dtypes.equals(first.dtypes) for f in found) else None
    kept = first.dtype in (np.dtype(bool), np.dtype("int64"), field.dtype)
    return first if kept and all(f.dtype == first.dtype for f in found) else None


def _tried(kernel: Through, samples: list[pd.Series]) -> tuple[list[Any], bool]:
    """Answers for samples, and whether all came without an error or a warning.

    Errors for bad arguments are left to the column itself: pandas has none where it is empty.
    """
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            found = [kernel(s) for s in samples]
        except (ValueError, TypeError, AttributeError, LookupError, NotImplementedError, re.error):
            return [], False
    return found, not seen


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


# -- dates and spans -------------------------------------------------------------------------------


def _dates(plan: SeriesPlan, kernel: Through) -> Any:
    f = plan.expr.field
    if f.kind not in "mM" and not isinstance(f.dtype, pd.DatetimeTZDtype):
        return None
    if kernel.accessor != "dt":
        return None
    known = kernel.name in DT_FLAGS or (not f.nulls and kernel.name in DT_FIELDS)
    if f.kind != "m" and kernel.args is None and known:
        return plan.with_expr(call(kernel.name, kernel, plan.expr, nulls=False))
    if kernel.name == "normalize" and kernel.args == () and f.kind == "M":
        return plan.with_expr(call(kernel.name, kernel, plan.expr))
    if kernel.name not in DT_STATIC or not _simple(kernel):
        return None
    found = _remembered(kernel, f, _date_answer)
    if found is None:
        return None
    if isinstance(found, pd.DataFrame):
        if len(plan.index.names) > 1:
            return None  # pandas makes the levels anew
        parts = Call(kernel.name, kernel, (plan.expr,), Field(None))
        columns = [
            Call(str(c), Group(n), (parts,), Field(d))
            for n, (c, d) in enumerate(found.dtypes.items())
        ]
        return FramePlan(plan.relation, found.columns, tuple(columns), plan.index)
    text = found.dtype == object
    return plan.with_expr(
        Call(kernel.name, kernel, (plan.expr,), Field(found.dtype, nulls=f.nulls, text=text))
    )


def _date_answer(kernel: Through, field: Field) -> Any:
    """As `_answer`, for dates and spans."""
    one = sample(field)
    assert one is not None
    missing = pd.Series([pd.NaT], dtype=field.dtype)
    found, quiet = _tried(kernel, [one, missing, pd.concat([one, missing])])
    if not quiet or not all(type(f) is type(found[0]) for f in found):
        return None
    if isinstance(found[0], pd.DataFrame):
        return found[0] if all(f.dtypes.equals(found[0].dtypes) for f in found) else None
    return found[0] if all(f.dtype == found[0].dtype for f in found) else None


# -- one call per partition ------------------------------------------------------------------------


def _by_partition(plan: SeriesPlan, kernel: Through) -> SeriesPlan | None:
    """Where the result's dtype, or success, depends on the values of the column."""
    f, name = plan.expr.field, kernel.name
    if kernel.accessor == "str" and f.is_text and _simple(kernel):
        if name in FLAGS:
            return blockwise(plan, name, kernel, flags, stable=True)
        if name in COUNTS or name in ("index", "rindex"):
            return blockwise(plan, name, kernel, counts, stable=True)
        if name in EACH and kernel.kwargs.get("expand", False) is False:
            known = is_str_dtype(f.dtype)  # missing values are all NaN
            return blockwise(plan, name, kernel, objects if known else agreed, stable=known)
    if kernel.accessor == "dt" and (f.kind in "mM" or isinstance(f.dtype, pd.DatetimeTZDtype)):
        if kernel.args is None and name in DT_FIELDS | SPAN_FIELDS:
            return blockwise(plan, name, kernel, numbers, stable=True)
        if kernel.args is None and name in ("date", "time", "timetz"):
            return blockwise(plan, name, kernel, objects, stable=True)
        if name in ("floor", "ceil", "round") and _simple(kernel):
            return blockwise(plan, name, kernel, times, stable=True)
        if name in ("tz_localize", "tz_convert") and _simple(kernel):
            return blockwise(plan, name, kernel, agreed, stable=False)
    return None
