"""Assigning to columns, rows and labels; values by a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import (
    arguments,
    attach,
    equal_labels,
    gather,
    is_scalar,
    operand,
    result_field,
    together,
)
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.fill import chosen as chosen_rows
from pandas_dist.ops.fill import negated
from pandas_dist.ops.memo import Unkeyed, remembered
from pandas_dist.ops.schema import asked, numbers, picked, relabel
from pandas_dist.ops.select import mask_of
from pandas_dist.pandas_private import in_blocks
from pandas_dist.plan.execute import count
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.frames import (
    FramePlan,
    SeriesPlan,
    from_pandas,
    same_rows,
    unify,
)
from pandas_dist.plan.index import TakenLabels
from pandas_dist.plan.relations import Extend
from pandas_dist.plan.schema import Field, field_of, new_id

NO_DEFAULT = pd.api.extensions.no_default


def value_expr(plan: FramePlan, value: Any) -> tuple[Any, Expr]:
    """A value to assign to a column as (relation, expression); NotNative otherwise."""
    if is_scalar(value):
        name, field = new_id(), scalar_field(value)
        return Extend(plan.relation, {name: Lit(value, field)}), Col(name, field)
    if dispatch.is_ours(value) and isinstance(value, pd.Series):
        return _aligned_series(plan, value)
    if isinstance(value, (np.ndarray, list, tuple, pd.Index, range)) or _is_array(value):
        return _array(plan, value)
    raise NotNative("the value has to be aligned")


def scalar_field(value: Any) -> Field:
    """The field of a column that holds one scalar, as pandas makes it."""
    return remembered("scalar", lambda: _scalar_key(value), lambda: _assigned_field(value))


def _assigned_field(value: Any) -> Field:
    one = pd.DataFrame({"a": [0]})
    one["b"] = value
    return field_of(one["b"])


def _scalar_key(value: Any) -> Any:
    """What the field depends on; Unkeyed where it may be the value itself."""
    kind = type(value)
    if kind in (bool, str) or (kind is int and -(2**63) <= value < 2**63):
        return kind
    if kind is float:
        return kind, value == value
    raise Unkeyed


def _is_array(value: Any) -> bool:
    return isinstance(value, pd.api.extensions.ExtensionArray)


def _aligned_series(plan: FramePlan, value: Any) -> tuple[Any, Expr]:
    other: Any = dispatch.plan_of(value)
    if same_rows(plan.relation, other.relation) and equal_labels(plan, other):
        return unify(plan.relation, other.relation), other.expr
    plain_frame = pd.DataFrame(index=_labels(plan))
    plain_frame["x"] = dispatch.collected(value)
    relation, exprs = attach(plan.relation, [plain_frame["x"]])
    return relation, exprs[0]


def _labels(plan: Any) -> pd.Index:
    from pandas_dist.labels import index_of

    return index_of(plan)


def _array(plan: FramePlan, value: Any) -> tuple[Any, Expr]:
    frame = pd.DataFrame(index=_labels(plan))
    frame["x"] = dispatch.to_plain(value)
    relation, exprs = attach(plan.relation, [frame["x"].copy()])
    return relation, exprs[0]


def assigned(plan: FramePlan, label: Any, value: Any) -> FramePlan:
    """``frame[label] = value`` for one label, new or not."""
    n = plan.position_of(label)
    if n is None and label in plan.columns:
        raise NotNative("the column label is repeated")
    if isinstance(plan.columns, pd.MultiIndex):
        raise NotNative("columns have several levels")
    if gives_rows(plan, value):
        return changed(plan, _setitem, label, value)
    relation, expr = value_expr(plan, value)
    if n is not None:
        exprs = [*plan.exprs[:n], expr, *plan.exprs[n + 1 :]]
        return FramePlan(relation, plan.columns, tuple(exprs), plan.index)
    columns = plan.columns.insert(len(plan.columns), label)
    return FramePlan(relation, columns, (*plan.exprs, expr), plan.index)


def gives_rows(plan: FramePlan, value: Any) -> bool:
    """Whether a frame without rows gets them from the value."""
    if is_scalar(value):
        return (
            len(plan.columns) == 0
            and not isinstance(plan.index, TakenLabels)
            and count(plan.relation) == 0
        )
    if dispatch.is_ours(value) and same_rows(plan.relation, dispatch.plan_of(value).relation):
        return False
    known = plan.relation.rows()
    return known == 0 if known is not None else len(_labels(plan)) == 0


@rule("DataFrame", "__setitem__", strategy="rows")
def setitem(plan: FramePlan, key: Any, value: Any) -> Any:
    if callable(key):
        key = key(dispatch.make(plan))
    if pd.api.types.is_hashable(key) and not isinstance(key, (slice, tuple)):
        return assigned(plan, key, value)
    if isinstance(key, list) and all(isinstance(k, str) for k in key) and len(set(key)) == len(key):
        if is_scalar(value):
            for label in key:
                plan = assigned(plan, label, value)
            return plan
        if (
            dispatch.is_ours(value)
            and isinstance(value, pd.DataFrame)
            and len(value.columns) == len(key)
        ):
            source: Any = dispatch.plan_of(value)
            for n, label in enumerate(key):
                plan = assigned(plan, label, dispatch.make(source.series(n)))
            return plan
    return changed(plan, _setitem, key, value)


def _setitem(frame: Any, key: Any, value: Any) -> None:
    frame[key] = value


def changed(plan: Any, method: Any, *args: Any) -> Any:
    """A mutating pandas method on a private copy of the gathered rows."""
    from pandas_dist.plan.execute import local_mode
    from pandas_dist.plan.frames import from_pandas_series

    local = plan.collect().copy(deep=True)
    values = [in_blocks(dispatch.to_plain(v)) for v in args]
    with local_mode():
        method(local, *values)
    return from_pandas(local) if isinstance(local, pd.DataFrame) else from_pandas_series(local)


@rule("Series", "__setitem__", strategy="rows")
def setitem_series(plan: SeriesPlan, key: Any, value: Any) -> Any:
    found = mask_of(plan, key)
    if found is not None and is_scalar(value):
        expr = masked(plan.expr, found[1], value)
        if expr is not None:
            return SeriesPlan(found[0], expr, plan.name, plan.index)
    return changed(plan, _setitem, key, value)


def masked(expr: Expr, predicate: Expr, value: Any) -> Expr | None:
    """``expr`` with ``value`` where the predicate holds, where no dtype can change."""
    f = expr.field
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, (bool, np.timedelta64)
    )
    fits = (
        (f.kind == "f" and f.dtype.itemsize == 8 and number and _is_float64(value))
        or (
            f.kind == "i"
            and f.dtype.itemsize == 8
            and isinstance(value, (int, np.int64))
            and number
            and abs(int(value)) < 2**62
        )
        or (f.kind == "b" and isinstance(value, bool))
    )
    if not fits:
        return None
    nulls = f.nulls or (isinstance(value, float) and value != value)
    return Call("put", _Put(value), (expr, predicate), result_field(f.dtype, nulls), encoded=True)


def _is_float64(value: Any) -> bool:
    """Whether a float64 holds a number exactly."""
    try:
        return bool(value != value or float(value) == value)
    except OverflowError:
        return False


class _Put:
    """``series[mask] = value`` on a copy."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, values: pd.Series, mask: Any) -> pd.Series:
        out = values.copy()
        out[mask] = self.value
        return out


@rule("DataFrame", "loc.set", strategy="rows", note="masked writes of one column")
def loc_set(plan: FramePlan, key: Any, value: Any) -> Any:
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[1], str) and is_scalar(value):
        n = plan.position_of(key[1])
        if isinstance(key[0], slice) and key[0] == slice(None) and n is None:
            return assigned(plan, key[1], value)
        found = mask_of(plan, key[0]) if n is not None else None
        if found is not None and n is not None:
            expr = masked(plan.exprs[n], found[1], value)
            if expr is not None:
                exprs = [*plan.exprs[:n], expr, *plan.exprs[n + 1 :]]
                return FramePlan(found[0], plan.columns, tuple(exprs), plan.index)
    return changed(plan, _loc_set, key, value)


def _loc_set(frame: Any, key: Any, value: Any) -> None:
    frame.loc[key] = value


def _iloc_set(frame: Any, key: Any, value: Any) -> None:
    frame.iloc[key] = value


def _at_set(frame: Any, key: Any, value: Any) -> None:
    frame.at[key] = value


def _iat_set(frame: Any, key: Any, value: Any) -> None:
    frame.iat[key] = value


def _register_setters() -> None:
    for owner in ("DataFrame", "Series"):
        for name, method in (
            ("loc", _loc_set),
            ("iloc", _iloc_set),
            ("at", _at_set),
            ("iat", _iat_set),
        ):
            if (owner, f"{name}.set") not in dispatch.RULES:

                @rule(owner, f"{name}.set", strategy="gathered")
                def setter(plan: Any, key: Any, value: Any, method: Any = method) -> Any:
                    return changed(plan, method, key, value)


_register_setters()


@rule("DataFrame", "assign", strategy="rows")
def assign(plan: FramePlan, p: Any) -> Any:
    for label, value in p.kwargs.items():
        made = value(dispatch.make(plan)) if callable(value) else value
        plan = assigned(plan, label, made)
    return plan


def _register_where() -> None:
    for cls, owner in ((pd.DataFrame, "DataFrame"), (pd.Series, "Series")):
        for name in ("where", "mask"):

            @rule(owner, name, strategy="rows")
            def run(plan: Any, p: Any, name: str = name, cls: Any = cls) -> Any:
                given = {k: v for k, v in arguments(p).items() if k != "inplace"}
                for key in ("cond", "other"):
                    if callable(given.get(key)):
                        given[key] = given[key](dispatch.make(plan))
                if isinstance(plan, SeriesPlan) and _by_row(given):
                    result = _chosen(plan, given["cond"], given["other"], name)
                    if result is not None:
                        return result
                return gather(plan, getattr(cls, name), **given)


def _by_row(given: dict[str, Any]) -> bool:
    """Whether rows are chosen as they are, without other labels or levels."""
    return given.get("axis") is None and given.get("level") is None


def _chosen(plan: SeriesPlan, condition: Any, other: Any, name: str) -> SeriesPlan | None:
    """``where`` or ``mask`` of rows; None where pandas has to see the whole."""
    other = np.nan if other is pd.api.extensions.no_default else other
    beside = operand(plan, other)
    if isinstance(beside, SeriesPlan):
        plan, beside = together(plan, beside)
    elif not is_scalar(other):
        return None
    found = mask_of(plan, condition)
    if found is None:
        return None
    predicate = found[1] if name == "mask" else negated(found[1])
    plan = plan.over(found[0])
    if isinstance(beside, SeriesPlan):
        return chosen_rows(plan, predicate, beside.expr)
    expr = masked(plan.expr, predicate, other)
    return chosen_rows(plan, predicate, other) if expr is None else plan.with_expr(expr)


_register_where()


@rule("DataFrame", "insert", strategy="rows")
def insert(plan: FramePlan, loc: int, column: Any, value: Any, allow_duplicates: Any) -> FramePlan:
    """``frame.insert``; pandas' errors for a bad position or a label that exists."""
    probe = numbers(plan)
    probe.insert(loc, column, -1, allow_duplicates)
    if gives_rows(plan, value):
        return changed(plan, _insert, loc, column, value, allow_duplicates)
    relation, expr = value_expr(plan, value)
    exprs = [expr if n == -1 else plan.exprs[n] for n in probe.to_numpy()[0]]
    return FramePlan(relation, probe.columns, tuple(exprs), plan.index)


def _insert(frame: pd.DataFrame, *args: Any) -> None:
    frame.insert(*args)


@rule("DataFrame", "__delitem__", strategy="schema")
def deleted(plan: FramePlan, key: Any) -> FramePlan:
    """``del frame[key]``; pandas' KeyError at the call."""
    return picked(plan, asked(plan, "del", {"key": key}, lambda row: _without(row, key)))


def _without(row: pd.DataFrame, key: Any) -> pd.DataFrame:
    del row[key]
    return row


@rule("DataFrame", "_set_columns", strategy="schema")
def set_columns(plan: FramePlan, labels: Any) -> FramePlan:
    return relabel(plan, labels)


@rule("DataFrame", "_set_index", strategy="gathered")
@rule("Series", "_set_index", strategy="gathered")
def set_labels(plan: Any, labels: Any) -> Any:
    return changed(plan, _set_index, labels)


def _set_index(obj: Any, labels: Any) -> None:
    obj.index = labels
