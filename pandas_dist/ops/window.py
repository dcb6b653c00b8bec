"""Functions of the order of rows: shifts, differences, cumulative functions, fills, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops.common import arguments, gather, is_one_of, result_field
from pandas_dist.ops.dispatch import rule
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.execute import collect
from pandas_dist.plan.expressions import Col, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.relations import Filter, Local, Scan, Slice
from pandas_dist.plan.schema import Field, is_str_dtype, new_id, sample
from pandas_dist.plan.window import EXTENSIONS, Window, WindowCall

NO_DEFAULT = pd.api.extensions.no_default
CUMULATIVE = ("cumsum", "cumprod", "cummax", "cummin")
FILLS = ("ffill", "bfill")
SHIFTS = ("shift", "diff", "pct_change")
NAMES = (*SHIFTS, *CUMULATIVE, *FILLS, "rank")

Options = tuple[tuple[str, Any], ...]

# Arguments that do not change the result at these values.
USUAL: dict[str, tuple[Any, ...]] = {
    "axis": (0, "index", None, NO_DEFAULT),
    "freq": (None, NO_DEFAULT),
    "suffix": (None,),
    "numeric_only": (False,),
    "limit_area": (None,),
    "downcast": (NO_DEFAULT,),
    "inplace": (False,),
    "fill_method": (None, NO_DEFAULT),
}


def integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def options_of(name: str, given: dict[str, Any]) -> Options:
    """The arguments that a call of the plan keeps; NotNative for those without such a form."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if key in USUAL:
            if not is_one_of(value, USUAL[key]):
                raise NotNative(f"the option {key!r}")
        elif key == "fill_value":
            if value is not NO_DEFAULT:
                found[key] = _fill_value(value)
        elif key == "periods" and integer(value):
            found[key] = int(value)
        elif key == "limit" and name in FILLS and (value is None or (integer(value) and value > 0)):
            found[key] = None if value is None else int(value)
        elif key == "limit" and name == "pct_change" and value is NO_DEFAULT:
            continue
        elif key in ("skipna", "ascending", "pct") and isinstance(value, (bool, np.bool_)):
            found[key] = bool(value)
        elif key in RANKS and value in RANKS[key]:
            found[key] = value
        else:
            raise NotNative(f"the option {key!r}")
    return tuple(found.items())


RANKS = {
    "method": ("average", "min", "max", "first", "dense"),
    "na_option": ("keep", "top", "bottom"),
}


def _fill_value(value: Any) -> Any:
    if isinstance(value, str) or integer(value):
        return value
    if isinstance(value, (float, np.floating)) and value == value:
        return value
    raise NotNative("the option 'fill_value'")


def temporal(field: Field) -> bool:
    return field.kind in "mM" or isinstance(field.dtype, pd.DatetimeTZDtype)


def supported(name: str, field: Field, options: Options) -> bool:
    """Whether the result's dtype follows from the column's, and no value raises."""
    given = dict(options)
    if name == "shift":
        fill = given.get("fill_value")
        if fill is None:
            return field.numeric or temporal(field) or field.is_text
        return field.is_text if isinstance(fill, str) else field.numeric and field.kind != "b"
    if name == "diff":
        return (field.numeric and field.kind != "b") or temporal(field)
    if name in ("cumsum", "cumprod"):
        # pandas 3.1 raises where a sum of durations is out of bounds.
        return field.numeric or (not PANDAS_3 and name == "cumsum" and field.kind == "m")
    if name in ("cummax", "cummin"):
        return field.numeric or temporal(field)
    if name in FILLS:
        # Objects that are all NaN would become floats.
        text = is_str_dtype(field.dtype) or (field.text and field.encoding == "none")
        return field.numeric or temporal(field) or text
    if name == "rank":
        return field.numeric or temporal(field) or field.is_text
    return field.numeric and field.kind != "b"


def plain_field(field: Field) -> Field:
    """A column as windows give it: decoded."""
    return replace(field, encoding=None)


def window_field(name: str, field: Field, options: Options) -> Field:
    """The field of the new column, by asking pandas about one row."""
    if not supported(name, field, options):
        raise NotNative("the dtype depends on the data")
    one = sample(plain_field(field))
    if one is None:
        raise NotNative("the dtype depends on the data")
    dtype = getattr(one, name)(**dict(options)).dtype
    if field.is_text and name != "rank":
        return replace(plain_field(field), nulls=True)
    if dtype == np.dtype(object) and field.kind != "b":
        raise NotNative("the dtype depends on the data")
    return result_field(dtype)


def may_be_empty(relation: Any) -> bool:
    """Whether a relation may have no rows; looks at the first ones where that is cheap."""
    rows = relation.rows()
    if rows is not None:
        return bool(rows == 0)
    below = relation
    while isinstance(below, (*EXTENSIONS, Filter)):
        below = below.child
    if not isinstance(below, (Scan, Local)):
        return True
    return len(collect(Slice(relation, slice(0, 1)), set())) == 0


def with_windows(
    relation: Any,
    calls: Sequence[tuple[Expr | None, str, Options]],
    fields: Sequence[Field],
    by: Sequence[Expr] = (),
    dropna: bool = True,
) -> tuple[Any, list[Expr]]:
    """The relation with a column for each call, and the expressions of these columns."""
    given = [expr for expr, _, _ in calls if expr is not None]
    source, ids = ensure_columns(relation, [*by, *given])
    keys, rest = tuple(ids[: len(by)]), iter(ids[len(by) :])
    made = {
        new_id(): WindowCall(
            func, None if expr is None else next(rest), options, keys, dropna or not keys
        )
        for expr, func, options in calls
    }
    new = dict(zip(made, fields))
    return Window(source, made, new), [Col(i, new[i]) for i in made]


def window(plan: Any, name: str, given: dict[str, Any]) -> Any:
    """``name`` of each column of a plan, as columns of a window over the same rows."""
    if not plan.exprs:
        raise NotNative("there are no columns")
    _check_warning(plan, name, given)
    options = options_of(name, given)
    fields = [window_field(name, e.field, options) for e in plan.exprs]
    if isinstance(plan, FramePlan):
        _check_frame(plan, name)
    if name == "pct_change":
        options = (*options, ("fill_method", None))
    full = [name in FILLS and not e.field.nulls for e in plan.exprs]  # nothing to fill
    calls = [(e, name, options) for e, done in zip(plan.exprs, full) if not done]
    if not calls:
        return plan
    kept = [f for f, done in zip(fields, full) if not done]
    relation, new = with_windows(plan.relation, calls, kept)
    rest = iter(new)
    exprs = [e if done else next(rest) for e, done in zip(plan.exprs, full)]
    if isinstance(plan, SeriesPlan):
        return SeriesPlan(relation, exprs[0], plan.name, plan.index)
    return FramePlan(relation, plan.columns, tuple(exprs), plan.index)


def _check_warning(plan: Any, name: str, given: dict[str, Any]) -> None:
    """pandas 2 fills missing values by default, and warns if there were any."""
    fills = name == "pct_change" and given.get("fill_method") is not None
    if fills and any(e.field.nulls for e in plan.exprs):
        raise NotNative("pandas fills missing values")


def _check_frame(plan: FramePlan, name: str) -> None:
    """Where pandas treats a frame otherwise than its columns one by one."""
    fields = [e.field for e in plan.exprs]
    several = len({f.dtype for f in fields}) > 1
    if name == "rank" and (several or not fields[0].numeric):
        raise NotNative("a frame is ranked as one array")
    shifted = name == "shift" and any(f.kind in "iub" for f in fields)
    if shifted and may_be_empty(plan.relation):
        raise NotNative("the dtype depends on whether there are rows")
    if name in CUMULATIVE and any(map(temporal, fields)):
        raise NotNative("pandas raises on times in a frame, by values and options")


def _register() -> None:
    for cls, owner in ((pd.DataFrame, "DataFrame"), (pd.Series, "Series")):
        for name in NAMES:

            @rule(owner, name, strategy="order", note="numbers, bools and times along the rows")
            def run(plan: Any, p: Any, name: str = name, cls: Any = cls) -> Any:
                given = arguments(p)
                try:
                    return window(plan, name, given)
                except NotNative:
                    given.pop("inplace", None)
                    return gather(plan, getattr(cls, name), **given)


_register()
