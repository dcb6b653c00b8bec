"""Calls that an engine serves: rule → plan, or a declared reason → local pandas."""

from __future__ import annotations

import functools
import sys
from copy import deepcopy
from typing import Any

import pandas

from pandas_dist import callers, chained, config, fallback, report, views
from pandas_dist.fallback import NotNative
from pandas_dist.interrupts import held_back
from pandas_dist.local_mode import local_mode
from pandas_dist.ops.binding import bind, signature
from pandas_dist.ops.dispatch import bare, is_ours, lazy_engine, plain, to_plain, wrap_result
from pandas_dist.ops.rules import RULES as RULES
from pandas_dist.ops.rules import Rule as Rule
from pandas_dist.ops.rules import rule as rule
from pandas_dist.pandas_private import (
    INPLACE_RETURNS_SELF,
    PANDAS_3,
    NDFrame,
    copy_on_write,
    in_blocks,
    infinite_is_missing,
    init_lazy,
    validate_bool_kwarg,
)
from pandas_dist.plan.frames import FramePlan, Plan, SeriesPlan, from_pandas, from_pandas_series

PlainFrame, PlainSeries = pandas.DataFrame, pandas.Series
NO_DEFAULT = pandas.api.extensions.no_default
INFINITE = "the option mode.use_inf_as_na is set"
# With attrs, pandas runs what keeps or drops them by its arguments.
ATTRS = "pandas decides which results keep attrs"
ATTRS_BY_ARGUMENTS = frozenset(
    "agg aggregate memory_usage pivot quantile to_parquet unstack value_counts".split()
)
FUNCTIONS_BY_ARGUMENTS = frozenset({"get_dummies", "pivot"})
# Functions that give frames with the attrs that all their objects have.
KEEPING_ATTRS = frozenset(
    "isna isnull merge merge_asof merge_ordered notna notnull pivot_table".split()
)


@functools.cache
def _load_rules() -> None:
    from pandas_dist.ops import load

    with held_back():
        load()


# -- between handles, plans and plain objects ---------------------------------------------


def plan_of(obj: Any) -> Plan:
    """The plan of one of our objects; a LOCAL one becomes LAZY over a snapshot."""
    state = obj.__dict__
    plan = state.get("_plan")
    if plan is None:
        adopt(obj, copy=not copy_on_write())
        plan = state["_plan"]
    if "_shown" in state:
        plan = state["_plan"] = views.renamed(plan, state["_shown"])
    if isinstance(plan, SeriesPlan):
        name = state.get("_name")
        if plan.name is not name:
            plan = SeriesPlan(plan.relation, plan.expr, name, plan.index)
            state["_plan"] = plan
    return plan


def adopt(obj: Any, copy: bool) -> None:
    """Turn a LOCAL object into a LAZY one over its own data."""
    plain = bare(obj)
    if copy:
        plain = plain.copy(deep=True)
    plan = plan_from(plain)
    config.planned()
    obj.__dict__["_plan"] = plan
    obj.__dict__.pop("_mgr", None)
    if "_item_cache" in obj.__dict__:
        obj.__dict__["_item_cache"] = {}


def plan_from(plain_obj: Any) -> Plan:
    """A plan over a snapshot of a plain pandas object, which the caller gives away."""
    is_frame = isinstance(plain_obj, PlainFrame)
    return from_pandas(plain_obj) if is_frame else from_pandas_series(plain_obj)


def lazy(plain_obj: Any) -> Any:
    """A plain pandas object, which the caller gives away, as a LAZY one of ours."""
    return make(plan_from(plain_obj))


def result_of(obj: Any) -> Any:
    """The plain, shared result of a LAZY object."""
    plan = plan_of(obj)
    fallback.guard(f"reading all rows of a {type(obj).__name__}", [plan])
    return plan.collect()


def held(obj: Any) -> tuple[pandas.DataFrame, dict[int, Any]] | None:
    """A LAZY frame's columns as they are held in memory, if they can be decoded from there."""
    plan = plan_of(obj)
    found = plan.held() if isinstance(plan, FramePlan) else None
    if found is not None:
        fallback.guard(f"reading all rows of a {type(obj).__name__}", [plan])
    return found


def make(plan: Plan, attrs: dict[Any, Any] | None = None) -> Any:
    """One of our objects, LAZY over a plan."""
    from pandas_dist.frame import DataFrame
    from pandas_dist.series import Series

    cls: Any = DataFrame if isinstance(plan, FramePlan) else Series
    config.planned()
    obj = object.__new__(cls)
    init_lazy(obj, attrs if attrs is not None else {})
    obj.__dict__["_plan"] = plan
    if isinstance(plan, SeriesPlan):
        obj.__dict__["_name"] = plan.name
    return obj


def rebind(obj: Any, plan: Plan) -> None:
    """In-place change: the handle gets another plan."""
    state = obj.__dict__
    state["_plan"] = plan
    state.pop("_mgr", None)
    if "_item_cache" in state:
        state["_item_cache"] = {}
    if isinstance(plan, SeriesPlan):
        state["_name"] = plan.name
        views.write_through(obj, plan)


# -- calls ---------------------------------------------------------------------------------


def call_method(
    owner: str, name: str, method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A method of one of our objects, with an engine chosen."""
    _load_rules()
    found = RULES.get((owner, name))
    if found is None:
        return run_fallback(owner, name, method, self, args, kwargs, "it has no native form")
    if infinite_is_missing():
        return run_fallback(owner, name, method, self, args, kwargs, INFINITE)
    if name in ATTRS_BY_ARGUMENTS and self.__dict__.get("_attrs"):
        return run_fallback(owner, name, method, self, args, kwargs, ATTRS)
    try:
        p = bind(method, (self, *args), kwargs)
    except TypeError:
        return method(plain(self), *args, **kwargs)
    given = getattr(p, "inplace", False)
    inplace = given is True
    if PANDAS_3 and "inplace" in p.__dict__:
        usual = signature(method).parameters["inplace"].default
        if usual is NO_DEFAULT and p.inplace is not usual:
            chained.check_inplace(self, p.inplace, name)
            p.inplace = usual
            args, kwargs = _without_inplace(method, self, args, kwargs)
    if type(given) is not bool and given is not NO_DEFAULT:
        if (owner, name) != ("DataFrame", "rename"):  # pandas takes any value for true or false
            validate_bool_kwarg(given, "inplace")
        inplace = bool(given)
        if p.inplace is not NO_DEFAULT:
            p.inplace = inplace
        if "inplace" in kwargs:
            kwargs = {**kwargs, "inplace": inplace}
    if inplace:
        views.check_inplace(self, name)
        if name in WRITES_IN_PLACE or (
            name in INPLACE_RETURNS_SELF
            and not all(e.field.kind in "iufb" for e in plan_of(self).exprs)
        ):
            return _in_place(name, method, self, args, kwargs)
        if p.inplace is True:
            p.inplace = False
    try:
        result = found.run(plan_of(self), p)
    except NotNative as why:
        if not (inplace and p.inplace is NO_DEFAULT):
            return run_fallback(owner, name, method, self, args, kwargs, str(why))
        result = plain(run_fallback(owner, name, method, self, args, kwargs, str(why)))
    if inplace:
        _put_back(self, result)
        chained.copied(self, name)
        return self if name in INPLACE_RETURNS_SELF else None
    shown = present(result, self)
    if name in ("merge", "join") and self.__dict__.get("_attrs"):
        shown.__dict__["_attrs"] = _common_attrs([self, *_objects([*args, *kwargs.values()])])
    if isinstance(shown, NDFrame):
        chained.mark(shown, self, name, args[0] if args else None)
    return traced(shown, result, f"{owner}.{name}", found.strategy)


def _without_inplace(
    method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments without a deprecated ``inplace``, which has been warned about."""
    bound = signature(method).bind(self, *args, **kwargs)
    del bound.arguments["inplace"]
    return bound.args[1:], bound.kwargs


def call_setter(owner: str, name: str, method: Any, self: Any, args: tuple[Any, ...]) -> None:
    """An assignment: the rule gives the plan that the object has afterwards."""
    _load_rules()
    found = RULES.get((owner, name))
    reason = "it has no native form"
    if found is not None:
        try:
            rebind(self, found.run(plan_of(self), *args))
            return
        except NotNative as why:
            reason = str(why)
    plans = [plan_of(o) for o in _objects((self, *args))]
    fallback.guard(f"{owner}.{name}", plans)
    fallback.announce(f"{owner}.{name}", reason, plans)
    change(self, method, *args)


def change(self: Any, method: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a mutating pandas method on a private copy, which the object then is."""
    local = plain(self).copy(deep=True)
    values = [in_blocks(to_plain(v)) for v in args]
    with local_mode():
        result = method(local, *values, **{k: to_plain(v) for k, v in kwargs.items()})
    rebind(self, plan_from(local))
    return result


WRITES_IN_PLACE = frozenset({"where", "mask"})  # other dtypes and errors than of the result


def _in_place(
    name: str, method: Any, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """pandas' own change in place, which may refuse values that would need another dtype."""
    fallback.guard(name, [plan_of(self)])
    change(self, method, *args, **kwargs)
    chained.copied(self, name)
    return self if name in INPLACE_RETURNS_SELF else None


def _put_back(self: Any, result: Any) -> None:
    if not isinstance(result, (FramePlan, SeriesPlan)):
        result = plan_from(result)
    rebind(self, result)


def present(result: Any, parent: Any = None) -> Any:
    """A rule's result for the user, with the parent's attrs as pandas propagates them."""
    result = make(result) if isinstance(result, (FramePlan, SeriesPlan)) else wrap_result(result)
    if parent is not None and isinstance(result, NDFrame):
        attrs = parent.__dict__.get("_attrs")
        if attrs and not result.__dict__.get("_attrs"):
            result.__dict__["_attrs"] = deepcopy(attrs)
        if not parent.__dict__["_flags"].allows_duplicate_labels:
            result.flags.allows_duplicate_labels = False  # type: ignore[attr-defined]
    return result


def _common_attrs(objects: list[Any]) -> dict[Any, Any]:
    """What all of some objects have as attrs; nothing where they differ."""
    found = [o.__dict__.get("_attrs") or {} for o in objects]
    same = bool(found) and all(attrs == found[0] for attrs in found)
    return deepcopy(found[0]) if same else {}


def traced(shown: Any, result: Any, what: str, strategy: str) -> Any:
    """Remember which operation gave rows that are now in memory, for ``explain()``."""
    if shown is not result and isinstance(result, (PlainFrame, PlainSeries)):
        report.came_from(shown, f"result of {what} ({strategy})")
    return shown


MUTATORS = frozenset(
    {"update", "insert", "pop", "__setitem__", "__delitem__", "isetitem", "backfill", "pad"}
)


def run_fallback(
    owner: str,
    name: str,
    method: Any,
    self: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    reason: str,
) -> Any:
    """Collect, run pandas' own method, wrap."""
    what = f"{owner}.{name}"
    ours = [o for o in (self, *args, *kwargs.values()) if is_ours(o)]
    plans = [plan_of(o) for o in ours]
    fallback.guard(what, plans)
    fallback.announce(what, reason, plans)
    local = plain(self)
    with local_mode():
        result = method(local, *map(to_plain, args), **{k: to_plain(v) for k, v in kwargs.items()})
    if (
        kwargs.get("inplace") is True
        or name in MUTATORS
        or _positional_inplace(method, local, args)
    ):
        rebind(self, plan_from(local))
        if kwargs.get("inplace") is True:
            return self if result is local else None
    if result is local:
        return self
    shown = wrap_result(result)
    chained.mark_like(shown, self, result)
    return report.came_from(shown, f"{what} in local pandas (fallback: {reason})")


def _positional_inplace(method: Any, local: Any, args: tuple[Any, ...]) -> bool:
    if not any(a is True for a in args) or "inplace" not in signature(method).parameters:
        return False
    return signature(method).bind_partial(local, *args).arguments.get("inplace") is True


def call_function(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A module-level pandas function."""
    if not lazy_engine():
        result = function(*args, **kwargs)
        return wrap_result(result)
    _load_rules()
    found = RULES.get(("pandas", name))
    reason = "it has no native form"
    if found is not None and infinite_is_missing():
        found, reason = None, INFINITE
    attrs = _common_attrs(_objects((*args, *kwargs.values())))
    if attrs and name in FUNCTIONS_BY_ARGUMENTS:
        found, reason = None, ATTRS
    if found is not None:
        try:
            p = bind(function, args, kwargs)
        except TypeError:
            if not _objects((*args, *kwargs.values())):
                return wrap_result(function(*args, **kwargs))  # the TypeError is pandas' own
            p = None
        if p is not None:
            try:
                result = found.run(p)
                shown = present(result)
                if attrs and name in KEEPING_ATTRS and shown.ndim == 2:
                    shown.__dict__["_attrs"] = attrs
                return traced(shown, result, f"pandas.{name}", found.strategy)
            except NotNative as why:
                reason = str(why)
    return function_fallback(name, function, args, kwargs, reason)


def function_fallback(
    name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], reason: str
) -> Any:
    """pandas' own function on collected arguments; announced if data moved for it."""
    ours = [o for o in _objects((*args, *kwargs.values()))]
    if ours or name.startswith("read_"):
        plans = [plan_of(o) for o in ours]
        fallback.guard(f"pandas.{name}", plans)
        fallback.announce(f"pandas.{name}", reason, plans)
    with local_mode():
        result = function(*map(to_plain, args), **{k: to_plain(v) for k, v in kwargs.items()})
    what = f"pandas.{name} in local pandas (fallback: {reason})"
    return report.came_from(wrap_result(result), what)


def _objects(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if is_ours(value):
            found.append(value)
        elif type(value) in (list, tuple):
            found += _objects(value)
        elif type(value) is dict:
            found += _objects(value.values())
    return found


callers.attribute_warnings(sys.modules[__name__])
