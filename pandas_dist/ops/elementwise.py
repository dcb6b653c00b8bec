"""Operators, comparisons, ufuncs: one value per row from values of that row."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import fallback
from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.blockwise import agreed, blockwise
from pandas_dist.ops.common import (
    Method,
    aligned,
    arguments,
    call,
    gather,
    is_scalar,
    operand,
    together,
)
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.membership import Membership
from pandas_dist.ops.memo import Keyed, key_of, remembered
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Expr, Lit
from pandas_dist.plan.frames import FramePlan, SeriesPlan, from_pandas, from_pandas_series
from pandas_dist.plan.schema import Field, is_str_dtype

ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
COMPARISON = ("eq", "ne", "lt", "le", "gt", "ge")
LOGICAL = ("and", "or", "xor")

OPERATORS: dict[str, Callable[..., Any]] = {
    **{n: getattr(operator, n) for n in (*ARITHMETIC, *COMPARISON, "xor")},
    "and": operator.and_,
    "or": operator.or_,
}


def reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return _Reflected(function)


class _Reflected(Keyed):
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, left: Any, right: Any) -> Any:
        return self.function(right, left)

    def key(self) -> Hashable:
        return _Reflected, self.function


def comparable(left: Field, right: Expr) -> bool:
    """Whether ordering two columns (or a column and a constant) never raises."""
    if isinstance(left.dtype, pd.DatetimeTZDtype):
        return isinstance(right, Lit) and zoned(right.value)
    if isinstance(right, Lit):
        value: Any = right.value
        if left.numeric:
            return isinstance(value, (int, float, np.number, np.bool_)) and bool(value == value)
        if left.kind in "mM":
            return isinstance(value, (pd.Timestamp, pd.Timedelta, np.datetime64, str)) or (
                hasattr(value, "isoformat") and hasattr(value, "hour")
            )
        return left.is_text and isinstance(value, str)
    other = right.field
    return (
        (left.numeric and other.numeric)
        or (left.kind == other.kind and left.kind in "mM")
        or (left.is_text and other.is_text)
    )


def zoned(value: Any) -> bool:
    """A time of some zone, or the text of a time."""
    if isinstance(value, str):
        return True
    return isinstance(value, pd.Timestamp) and value.tzinfo is not None


def labelled(field: Field, values: list[Any]) -> bool:
    """Whether values are of the kind of a column's categories, which are all text or integers."""
    if not isinstance(field.dtype, pd.CategoricalDtype) or field.dtype.categories is None:
        return False
    categories = field.dtype.categories
    if categories.dtype.kind in "iu" and isinstance(categories.dtype, np.dtype):
        return all(type(v) is int and abs(v) < 2**53 for v in values)
    return categories.inferred_type == "string" and all(type(v) is str for v in values)


def static(name: str, left: Expr, right: Expr, flipped: bool) -> bool:
    """Whether result dtype and success depend on dtypes alone, not on the data."""
    a, b = left.field, right.field
    numeric = a.numeric and (_number(right) if isinstance(right, Lit) else b.numeric)
    if name in LOGICAL:
        return a.kind == "b" and (
            isinstance(right.value, (bool, np.bool_)) if isinstance(right, Lit) else b.kind == "b"
        )
    if name in ("eq", "ne"):
        if isinstance(a.dtype, pd.CategoricalDtype):
            return isinstance(right, Lit) and labelled(a, [right.value])
        if a.is_text and isinstance(right, Lit):
            return isinstance(right.value, str)
        return comparable(a, right)
    if name in COMPARISON:
        quiet = is_str_dtype(a.dtype) or not (a.is_text and a.nulls)
        if isinstance(right, Lit):
            return comparable(a, right) and quiet
        return (
            comparable(a, right)
            and quiet
            and (is_str_dtype(b.dtype) or not (b.is_text and b.nulls))
        )
    if not numeric or a.kind == "b":
        return False
    if name in ("floordiv", "mod"):
        return _nonzero(right, flipped) or (
            a.kind == "f" and not isinstance(right, Lit) and b.kind == "f"
        )
    if name == "pow":
        whole = a.kind in "iu"
        return not whole or (not flipped and isinstance(right, Lit) and _at_least_zero(right.value))
    return True


def _number(lit: Lit) -> bool:
    return isinstance(lit.value, (int, float, np.integer, np.floating)) and not isinstance(
        lit.value, bool
    )


def _nonzero(right: Expr, flipped: bool) -> bool:
    return isinstance(right, Lit) and not flipped and right.value != 0


def _at_least_zero(value: Any) -> bool:
    return isinstance(value, float) or value >= 0


def binary(plan: SeriesPlan, other: Any, name: str, flipped: bool) -> Any:
    """``series <op> other`` as an expression, or pandas on both sides gathered."""
    kernel = OPERATORS[name]
    if flipped:
        kernel = reflected(kernel)
    if is_scalar(other):
        right: Expr | None = Lit(other)
        result = plan
        out = plan.name
    else:
        same = operand(plan, other)
        if not isinstance(same, SeriesPlan):
            return _collected(plan, kernel, other)
        result, with_other = together(plan, same)
        right = with_other.expr
        out = _name(plan.name, same.name)
    assert right is not None
    if not static(name, result.expr, right, flipped):
        return _collected(plan, kernel, other)
    if isinstance(result.expr.field.dtype, pd.CategoricalDtype):
        field = Field(np.dtype(bool), nulls=False)
        tested = Call(name, kernel, (result.expr, right), field)
        return SeriesPlan(result.relation, tested, out, result.index)
    try:
        expr = call(name + ("_" if name in ("and", "or") else ""), kernel, result.expr, right)
    except NotNative:
        return _collected(plan, kernel, other)
    return SeriesPlan(result.relation, expr, out, result.index)


def _name(a: Any, b: Any) -> Any:
    if a is b:
        return a
    return remembered("name", lambda: (key_of(a), key_of(b)), lambda: _asked_name(a, b))


def _asked_name(a: Any, b: Any) -> Any:
    return (pd.Series([0], name=a) + pd.Series([0], name=b)).name


def _collected(plan: Any, kernel: Callable[..., Any], other: Any) -> Any:
    source = plan.collect()
    with local_mode():
        result = kernel(source, dispatch.to_plain(other))
    return aligned(plan, source, result)


def binary_frame(plan: FramePlan, other: Any, name: str, flipped: bool) -> Any:
    """``frame <op> other``: per column where that is exact."""
    kernel = OPERATORS[name]
    if flipped:
        kernel = reflected(kernel)
    same = operand(plan, other)
    if is_scalar(other):
        rights: list[Expr] = [Lit(other)] * len(plan.exprs)
        base = plan
    elif (
        isinstance(same, FramePlan)
        and same.columns.identical(plan.columns)
        and plan.columns.is_unique
    ):
        base, with_other = together(plan, same)
        rights = list(with_other.exprs)
    else:
        return _collected(plan, kernel, other)
    if not all(static(name, left, r, flipped) for left, r in zip(base.exprs, rights)):
        return _collected(plan, kernel, other)
    exprs = [call(name, kernel, left, r) for left, r in zip(base.exprs, rights)]
    return base.with_exprs(base.columns, exprs)


def _register_operators() -> None:
    for name in (*ARITHMETIC, *COMPARISON, *LOGICAL):
        flips = (False,) if name in COMPARISON else (False, True)
        for flipped in flips:
            dunder = f"__{'r' if flipped else ''}{name}__"
            _operator_rule(dunder, name, flipped)
            method = f"{'r' if flipped else ''}{name}"
            if name not in LOGICAL:
                _method_rule(method, name, flipped)
    for alias, name, flipped in (
        ("div", "truediv", False),
        ("divide", "truediv", False),
        ("rdiv", "truediv", True),
        ("multiply", "mul", False),
        ("subtract", "sub", False),
    ):
        _method_rule(alias, name, flipped)


def _operator_rule(dunder: str, name: str, flipped: bool) -> None:
    @rule("Series", dunder, strategy="rows")
    def series(plan: SeriesPlan, p: Any) -> Any:
        return binary(plan, p.other, name, flipped)

    @rule("DataFrame", dunder, strategy="rows")
    def frame(plan: FramePlan, p: Any) -> Any:
        return binary_frame(plan, p.other, name, flipped)


def _method_rule(method: str, name: str, flipped: bool) -> None:
    @rule("Series", method, strategy="rows")
    def series(plan: SeriesPlan, p: Any) -> Any:
        if p.level is None and p.fill_value is None and is_scalar(p.other):
            return binary(plan, p.other, name, flipped)
        return gather(plan, getattr(pd.Series, method), **arguments(p))

    @rule("DataFrame", method, strategy="rows")
    def frame(plan: FramePlan, p: Any) -> Any:
        if p.level is None and getattr(p, "fill_value", None) is None and is_scalar(p.other):
            return binary_frame(plan, p.other, name, flipped)
        return gather(plan, getattr(pd.DataFrame, method), **arguments(p))


_register_operators()


# -- one operand ---------------------------------------------------------------------------


def unary(plan: Any, kernel: Callable[..., Any], name: str, ok: Callable[[Field], bool]) -> Any:
    """A kernel on each column, where all allow it; otherwise pandas on the gathered rows."""
    if all(ok(e.field) for e in plan.exprs):
        exprs = [call(name, kernel, e) for e in plan.exprs]
        if isinstance(plan, FramePlan):
            return plan.with_exprs(plan.columns, exprs)
        return plan.with_expr(exprs[0])
    return gather(plan, kernel)


@rule("Series", "__neg__", strategy="rows")
@rule("DataFrame", "__neg__", strategy="rows")
def neg(plan: Any, p: Any) -> Any:
    return unary(plan, operator.neg, "neg", lambda f: f.kind in "if")


@rule("Series", "__invert__", strategy="rows")
@rule("DataFrame", "__invert__", strategy="rows")
def invert(plan: Any, p: Any) -> Any:
    return unary(plan, operator.invert, "invert", lambda f: f.kind in "ib")


@rule("Series", "abs", "__abs__", strategy="rows")
@rule("DataFrame", "abs", "__abs__", strategy="rows")
def abs_(plan: Any, p: Any) -> Any:
    return unary(plan, operator.abs, "abs", lambda f: f.kind in "if")


@rule("Series", "__pos__", strategy="rows")
@rule("DataFrame", "__pos__", strategy="rows")
def pos(plan: Any, p: Any) -> Any:
    return unary(plan, operator.pos, "pos", lambda f: f.kind in "if")


def _nullness(plan: Any, method: str) -> Any:
    exprs = [
        Call(method, Method(method), (e,), Field(np.dtype(bool), nulls=False), encoded=True)
        for e in plan.exprs
    ]
    return (
        plan.with_exprs(plan.columns, exprs)
        if isinstance(plan, FramePlan)
        else plan.with_expr(exprs[0])
    )


def _register_nullness() -> None:
    for method in ("isna", "isnull", "notna", "notnull"):
        kernel = "isna" if method.startswith("is") else "notna"

        @rule("Series", method, strategy="rows")
        @rule("DataFrame", method, strategy="rows")
        def nullness(plan: Any, p: Any, kernel: str = kernel) -> Any:
            return _nullness(plan, kernel)

        @rule("pandas", method, strategy="rows")
        def function(p: Any, method: str = method, kernel: str = kernel) -> Any:
            if dispatch.is_ours(p.obj):
                return _nullness(dispatch.plan_of(p.obj), kernel)
            raise NotNative("it is not one of our objects")


_register_nullness()


@rule("Series", "round", "__round__", strategy="rows")
def round_series(plan: SeriesPlan, p: Any) -> Any:
    decimals = p.decimals
    more = (*getattr(p, "args", ()), *getattr(p, "kwargs", {}).items())
    if isinstance(decimals, int) and plan.expr.field.kind in "if" and not more:
        return plan.with_expr(call("round", Method("round", decimals), plan.expr))
    return _round_gathered(plan, pd.Series.round, p)


def _round_gathered(plan: Any, method: Any, p: Any) -> Any:
    extra, keywords = getattr(p, "args", ()), getattr(p, "kwargs", {})
    return gather(plan, method, p.decimals, *extra, **keywords)


@rule("DataFrame", "round", "__round__", strategy="rows")
def round_frame(plan: FramePlan, p: Any) -> Any:
    decimals = p.decimals
    numbers = plan.exprs and all(e.field.kind in "if" for e in plan.exprs)
    more = (*getattr(p, "args", ()), *getattr(p, "kwargs", {}).items())
    if isinstance(decimals, int) and numbers and not more:
        kernel = Method("round", decimals)
        return plan.with_exprs(plan.columns, [call("round", kernel, e) for e in plan.exprs])
    return _round_gathered(plan, pd.DataFrame.round, p)


# The two comparisons of ``between``.
INSIDE = {
    "both": (("ge", operator.ge), ("le", operator.le)),
    "left": (("ge", operator.ge), ("lt", operator.lt)),
    "right": (("gt", operator.gt), ("le", operator.le)),
    "neither": (("gt", operator.gt), ("lt", operator.lt)),
}


@rule("Series", "between", strategy="rows")
def between(plan: SeriesPlan, p: Any) -> Any:
    bounds = (Lit(p.left), Lit(p.right))
    quiet = (
        not plan.expr.field.is_text
        or is_str_dtype(plan.expr.field.dtype)
        or not plan.expr.field.nulls
    )
    if all(is_scalar(b.value) and comparable(plan.expr.field, b) for b in bounds) and quiet:
        if plan.expr.field.kind in "iufmM" and type(p.inclusive) is str and p.inclusive in INSIDE:
            # As pandas has it; engines and statistics of files know comparisons.
            (low, low_kernel), (high, high_kernel) = INSIDE[p.inclusive]
            above = call(low, low_kernel, plan.expr, bounds[0])
            below = call(high, high_kernel, plan.expr, bounds[1])
            return plan.with_expr(call("and_", operator.and_, above, below))
        kernel = Method("between", p.left, p.right, inclusive=p.inclusive)
        return plan.with_expr(call("between", kernel, plan.expr))
    return gather(plan, pd.Series.between, p.left, p.right, inclusive=p.inclusive)


def membership(plan: SeriesPlan, values: Any) -> SeriesPlan | None:
    """Rows whose value occurs in a lazy series of the same kind; None if it is none."""
    if not dispatch.is_ours(values) or not isinstance(values, pd.Series):
        return None
    other, f = dispatch.plan_of(values), plan.expr.field
    assert isinstance(other, SeriesPlan)
    g = other.expr.field
    same = (f.kind in "iu" and f.dtype == g.dtype) or (f.is_text and g.is_text and not f.nulls)
    if other.memo or not same:
        return None
    fallback.guard("Series.isin", [other])
    field = Field(np.dtype(bool), nulls=False)
    return plan.with_expr(Call("isin", Membership(other), (plan.expr,), field))


@rule("Series", "isin", strategy="rows")
def isin(plan: SeriesPlan, p: Any) -> Any:
    member = membership(plan, p.values)
    if member is not None:
        return member
    values = dispatch.to_plain(p.values)
    f = plan.expr.field
    if isinstance(values, (pd.Series, pd.Index, np.ndarray, list, tuple, set, frozenset, dict)):
        safe = f.numeric or f.kind in "M" or (f.is_text and all(isinstance(v, str) for v in values))
        if safe:
            frozen = list(values) if isinstance(values, (set, frozenset, tuple, dict)) else values
            kernel = Method("isin", frozen.copy() if hasattr(frozen, "copy") else frozen)
            return plan.with_expr(call("isin", kernel, plan.expr, nulls=False))
        if type(values) is list and labelled(f, values):
            field = Field(np.dtype(bool), nulls=False)
            return plan.with_expr(Call("isin", Method("isin", list(values)), (plan.expr,), field))
    return gather(plan, pd.Series.isin, values)


UFUNCS = frozenset(
    "sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh "
    "floor ceil trunc rint absolute fabs sign square cbrt degrees radians negative "
    "isnan isfinite isinf".split()
)
# NumPy warns of no value; the others run at the call, where a warning or error belongs.
QUIET = frozenset(
    "arctan tanh floor ceil trunc rint absolute fabs sign cbrt radians negative "
    "isnan isfinite isinf".split()
)


@rule("Series", "__array_ufunc__", strategy="rows")
def array_ufunc(plan: SeriesPlan, p: Any) -> Any:
    inputs, kwargs = p.inputs, getattr(p, "kwargs", {})
    ready = p.method == "__call__" and not kwargs and len(inputs) == 1
    name = p.ufunc.__name__
    if ready and name in UFUNCS and plan.expr.field.kind in "if":
        if name in QUIET or set(np.geterr().values()) == {"ignore"}:
            with np.errstate(all="ignore"):
                return plan.with_expr(call(name, _Ufunc(p.ufunc), plan.expr))
        found = blockwise(plan, name, p.ufunc, agreed, stable=True)
        if found is not None:
            return found
    return _ufunc_gathered(plan, p)


@rule("DataFrame", "__array_ufunc__", strategy="gathered")
def array_ufunc_frame(plan: FramePlan, p: Any) -> Any:
    return _ufunc_gathered(plan, p)


def _ufunc_gathered(plan: Any, p: Any) -> Any:
    source = plan.collect()
    inputs = [dispatch.to_plain(x) for x in p.inputs]
    kwargs = dispatch.to_plain(dict(getattr(p, "kwargs", {})))
    targets = getattr(p, "kwargs", {}).get("out", ())
    written = [dispatch.to_plain(x).copy() if dispatch.is_ours(x) else x for x in targets]
    if written:
        kwargs["out"] = tuple(written)
    if p.method == "at":  # it changes the first operand
        targets, written = p.inputs[:1], [inputs[0].copy()]
        inputs[0] = written[0]
    with local_mode():
        result = getattr(p.ufunc, p.method)(*inputs, **kwargs)
    for target, values in zip(targets, written, strict=True):
        if dispatch.is_ours(target):
            frame = isinstance(values, pd.DataFrame)
            dispatch.rebind(target, from_pandas(values) if frame else from_pandas_series(values))
    return None if result is None else aligned(plan, source, result)


class _Ufunc:
    """A ufunc as a kernel; floating point warnings belong to the user's line, not a worker."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, values: pd.Series) -> Any:
        with np.errstate(all="ignore"):
            return self.function(values)
