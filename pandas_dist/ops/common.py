"""What the families share: operands, probes, and the gathered kernel."""

from __future__ import annotations

import datetime
import numbers
import operator
import types
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import fallback
from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.memo import Keyed, Unkeyed, key_of, remembered
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Col, Expr, Lit
from pandas_dist.plan.frames import FramePlan, Outcome, Plan, SeriesPlan, same_rows, unify
from pandas_dist.plan.index import KeyLabels, RangeLabels, TakenLabels
from pandas_dist.plan.relations import Attach
from pandas_dist.plan.schema import Field, field_of, new_id, sample

SCALARS = (
    numbers.Number,
    np.generic,
    str,
    bytes,
    datetime.date,
    datetime.timedelta,
    pd.Timestamp,
    pd.Timedelta,
    type(None),
    type(pd.NaT),
    type(pd.NA),
)


COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv)
LOGICAL = (operator.and_, operator.or_, operator.xor, operator.invert)


def is_scalar(value: Any) -> bool:
    return isinstance(value, SCALARS)


def operand(plan: Plan, other: Any) -> SeriesPlan | FramePlan | None:
    """The plan of another of our objects if its rows and labels are those of ``plan``."""
    if not dispatch.is_ours(other):
        return None
    found = dispatch.plan_of(other)
    return found if same_rows(plan.relation, found.relation) and equal_labels(plan, found) else None


def is_one_of(value: Any, allowed: tuple[Any, ...]) -> bool:
    """Whether an argument is one of some values, and of its type: 1 is not True."""
    return any(value is v or (type(value) is type(v) and value == v) for v in allowed)


def equal_labels(a: Any, b: Any) -> bool:
    """Whether two plans over the same rows have the same labels by construction.

    Names of levels do not matter: they take no part in alignment.
    """
    x, y = a.index, b.index
    if x is y:
        return True
    if isinstance(x, RangeLabels) and isinstance(y, RangeLabels):
        return (x.start, x.step) == (y.start, y.step)
    if isinstance(x, TakenLabels) and isinstance(y, TakenLabels):
        return _same_base(x.base, y.base) and _same_expr(x.position, y.position)
    if isinstance(x, KeyLabels) and isinstance(y, KeyLabels):
        return len(x.exprs) == len(y.exprs) and all(map(_same_expr, x.exprs, y.exprs))
    return False


def _same_base(x: Any, y: Any) -> bool:
    return x is y or (isinstance(x, pd.Index) and isinstance(y, pd.Index) and x.is_(y))


def _same_expr(a: Expr, b: Expr) -> bool:
    return a is b or getattr(a, "id", a) == getattr(b, "id", b)


def together(plan: Any, other: Any) -> tuple[Any, Any]:
    """Both plans over one relation, for operands with the same rows."""
    relation = unify(plan.relation, other.relation)
    return plan.over(relation), other.over(relation)


def result_field(dtype: Any, nulls: bool | None = None) -> Field:
    """The field of a computed column."""
    kind = dtype.kind if isinstance(dtype, np.dtype) else "E"
    if nulls is None:
        nulls = kind not in "iub"
    return Field(dtype, nulls=nulls)


def probe(kernel: Callable[..., Any], *operands: Expr) -> Any:
    """The dtype that pandas gives for one row of such operands; NotNative if unknown.

    Errors of the kernel are the user's: they appear at the call, as in pandas.
    """
    return remembered(
        "dtype", lambda: probe_key(kernel, operands), lambda: _asked_dtype(kernel, operands)
    )


def _asked_dtype(kernel: Callable[..., Any], operands: tuple[Expr, ...]) -> Any:
    plain = _plain_row(kernel, operands)
    if plain is not None:
        with np.errstate(all="ignore"):  # the values are samples
            return kernel(*plain).dtype
    values: list[Any] = []
    for expr in operands:
        if isinstance(expr, Lit):
            values.append(expr.value)
            continue
        row = sample(expr.field)
        if row is None:
            raise NotNative("the dtype depends on the data")
        values.append(row)
    return kernel(*values).dtype


def _plain_row(kernel: Any, operands: tuple[Expr, ...]) -> list[Any] | None:
    """One row in NumPy's terms, where pandas leaves the dtype to NumPy; None otherwise."""
    function = kernel.function if isinstance(kernel, Keyed) else kernel
    numbers_only = function in (*COMPARISONS, *ARITHMETIC)
    if not (numbers_only or function in LOGICAL):
        return None
    known = ("int64", "float64") if numbers_only else ("bool",)
    values: list[Any] = []
    for expr in operands:
        if isinstance(expr, Lit):
            value = expr.value
            small = type(value) is float or (type(value) is int and abs(value) < 2**31)
            if not (numbers_only and small):
                return None
            values.append(value)
        elif expr.field.dtype in known:
            values.append(np.ones(1, dtype=expr.field.dtype))
        else:
            return None
    return values


def probe_key(kernel: Any, operands: tuple[Expr, ...]) -> Hashable:
    """What the result dtype of a kernel depends on; Unkeyed where it may be a value."""
    parts: list[Hashable] = [kernel_key(kernel)]
    constants = [expr.value for expr in operands if isinstance(expr, Lit)]
    for expr in operands:
        if isinstance(expr, Lit):
            parts.append(constant_key(expr.value))
        elif constants and not unlimited(kernel, expr.field, constants):
            raise Unkeyed
        else:
            field = expr.field
            parts.append((key_of(field.dtype), field.is_text, bool(field.encoding)))
    return tuple(parts)


def constant_key(value: Any) -> Hashable:
    """What a result's dtype depends on of a constant."""
    kind = type(value)
    if kind is int and abs(value) >= 2**31:
        raise Unkeyed
    if kind is pd.Timestamp:
        return kind.__name__, value.unit, str(value.tz)
    if kind is float or kind is int or kind is str:
        return kind.__name__
    raise Unkeyed


def unlimited(kernel: Any, field: Field, constants: list[Any]) -> bool:
    """Whether constants of these types fit a column, whatever they are."""
    if field.kind in "iuf" and field.dtype.itemsize == 8:
        return True
    if field.is_text:
        return all(type(c) is str for c in constants)
    compared = kernel in COMPARISONS and field.kind == "M"
    return compared and all(type(c) is pd.Timestamp for c in constants)


def kernel_key(kernel: Any) -> Hashable:
    """An operator, or a method with its arguments, as part of a key."""
    if isinstance(kernel, types.BuiltinFunctionType):
        return kernel
    if isinstance(kernel, Keyed):
        return kernel.key()
    raise Unkeyed


def call(name: str, kernel: Callable[..., Any], *operands: Expr, nulls: bool | None = None) -> Expr:
    """A kernel whose result dtype depends on the operands' dtypes alone."""
    encoded = any(e.field.encoding for e in operands)
    dtype = probe(kernel, *operands)
    field = result_field(dtype, nulls)
    if isinstance(dtype, pd.StringDtype) and encoded:
        raise NotNative("the result is text")
    return Call(name, kernel, operands, field, encoded=True)


def gather(plan: Any, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """pandas' kernel on all rows of the columns it needs; row-aligned results stay lazy."""
    fallback.guard(getattr(method, "__qualname__", "an operation"), [plan])
    source = plan.collect()
    with local_mode():
        result = method(
            source,
            *map(dispatch.to_plain, args),
            **{k: dispatch.to_plain(v) for k, v in kwargs.items()},
        )
    out = aligned(plan, source, result)
    if isinstance(out, (FramePlan, SeriesPlan)):
        owner = "DataFrame" if isinstance(plan, FramePlan) else "Series"
        out.relation.state.origin = f"{owner}.{getattr(method, '__name__', 'operation')}"
    return out


def aligned(plan: Any, source: Any, result: Any) -> Any:
    """A result with the same labels as its source becomes columns of the same relation."""
    if isinstance(result, pd.Series) and same_labels(result, source):
        relation, exprs = attach(plan.relation, [result])
        series = SeriesPlan(relation, exprs[0], result.name, plan.index)
        series.memo.append(Outcome(value=result))
        return series
    if isinstance(result, pd.DataFrame) and same_labels(result, source) and result.shape[1]:
        values = [result.iloc[:, n] for n in range(result.shape[1])]
        relation, exprs = attach(plan.relation, values)
        frame = FramePlan(relation, result.columns, tuple(exprs), plan.index)
        frame.memo.append(Outcome(value=result))
        return frame
    return result


def same_labels(result: Any, source: Any) -> bool:
    if len(result) != len(source):
        return False
    a, b = result.index, source.index
    if a is b:
        return True
    if isinstance(a, pd.RangeIndex) and isinstance(b, pd.RangeIndex):
        # Empty ranges are identical to pandas, but show their ends.
        return (a.start, a.stop, a.step, a.name) == (b.start, b.stop, b.step, b.name)
    if type(a) is not type(b) or not a.identical(b):
        return False
    # Levels may have lost what no row shows.
    return not isinstance(a, pd.MultiIndex) or all(map(pd.Index.identical, a.levels, b.levels))


def attach(relation: Any, values: list[pd.Series]) -> tuple[Any, list[Expr]]:
    """In-memory columns beside the rows of a relation."""
    ids = [new_id() for _ in values]
    fields = {i: field_of(v) for i, v in zip(ids, values)}
    index = pd.RangeIndex(len(values[0]))
    columns = {i: v.set_axis(index) for i, v in zip(ids, values)}
    return Attach(relation, columns, fields), [Col(i, fields[i]) for i in ids]


class Method(Keyed):
    """A pandas method by name with its keyword arguments, as a picklable kernel."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        self.name, self.args, self.kwargs = name, args, kwargs

    def __call__(self, first: Any, *operands: Any) -> Any:
        return getattr(first, self.name)(*operands, *self.args, **self.kwargs)

    def key(self) -> Hashable:
        return Method, self.name, key_of(self.args), key_of(self.kwargs)


def arguments(p: Any) -> dict[str, Any]:
    """A rule's parameters without ``self``, for calling pandas by keyword."""
    given = dict(vars(p))
    given.pop("self", None)
    more, keywords = given.pop("_variadic")
    if more is not None and given.pop(more):
        raise NotNative("positional arguments beyond pandas' own")
    if keywords is not None:
        given.update(given.pop(keywords))
    return given
