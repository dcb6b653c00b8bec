"""The way of every call: rule → plan, or a declared reason → local pandas."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pandas

from pandas_dist import callers, chained, choose, config, fallback, report, views
from pandas_dist.fallback import NotNative
from pandas_dist.ops.binding import bind, signature
from pandas_dist.pandas_private import (
    INPLACE_RETURNS_SELF,
    PANDAS_3,
    NDFrame,
    copy_on_write,
    init_lazy,
    manager_of,
    mgr_bytes,
    shallow_frame,
    shallow_series,
)
from pandas_dist.plan.execute import is_local_mode, local_mode
from pandas_dist.plan.frames import FramePlan, Plan, SeriesPlan, from_pandas, from_pandas_series

PlainFrame, PlainSeries = pandas.DataFrame, pandas.Series
NO_DEFAULT = pandas.api.extensions.no_default


@dataclass(frozen=True, slots=True)
class Rule:
    """Declared support of one pandas method.

    ``run(plan, p)`` gives a plan, a pandas object or a scalar; ``p`` holds the
    arguments by name with pandas' defaults.  It raises NotNative with the reason
    before anything has happened.  ``strategy`` says how engines run it: ``rows``,
    ``tree``, ``join``, ``order``, ``schema`` or ``gathered``.
    """

    owner: str
    name: str
    run: Callable[..., Any]
    strategy: str
    note: str = ""


RULES: dict[tuple[str, str], Rule] = {}


def rule(owner: str, *names: str, strategy: str, note: str = "") -> Callable[[Any], Any]:
    """Register a rule for methods of ``owner`` (DataFrame, Series, pandas, …)."""

    def register(run: Any) -> Any:
        for name in names:
            RULES[owner, name] = Rule(owner, name, run, strategy, note)
        return run

    return register


@functools.cache
def _load_rules() -> None:
    from pandas_dist.ops import load

    load()


def lazy_engine() -> bool:
    """Whether calls go to an engine now (not in user functions, not plain pandas)."""
    return config.engine_name() != "pandas" and not is_local_mode()


def by_engine(obj: Any, caller: FrameType, name: str = "") -> bool:
    """Whether a method of ``obj`` called by ``caller`` goes to the engine.

    Not for classes that users derive from ours, nor for calls that pandas itself makes
    on an object it was handed: pandas then works on the manager, as on its own objects.
    """
    engine = config.engine_name()
    if engine == "auto" and "_mgr" in obj.__dict__:
        if name not in choose.GAINS:
            return False
    elif engine == "pandas":
        return False
    if is_local_mode():
        return False
    if "_pandas_dist" not in type(obj).__dict__ or callers.is_pandas(caller):
        return False
    if engine == "auto":
        return _by_chosen_engine(obj, name)
    return "_mgr" not in obj.__dict__ or not below_minimum(obj._mgr)


def _by_chosen_engine(obj: Any, name: str) -> bool:
    """``auto``: LAZY objects, until they are few rows in memory, and what gains by an engine."""
    if "_mgr" in obj.__dict__:
        return choose.gains(obj, name)
    if not choose.is_small(obj):
        return True
    return obj._mgr is None  # the object is LOCAL from here on


def below_minimum(mgr: Any) -> bool:
    """Whether data in memory are too few for an engine (``PANDAS_DIST_MIN_BYTES``)."""
    least = config.options.min_bytes
    return least > 0 and mgr_bytes(mgr) < least


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
    plan = from_pandas(plain) if isinstance(plain, PlainFrame) else from_pandas_series(plain)
    obj.__dict__["_plan"] = plan
    obj.__dict__.pop("_mgr", None)
    if "_item_cache" in obj.__dict__:
        obj.__dict__["_item_cache"] = {}


def bare(obj: Any) -> Any:
    """A plain pandas object around a LOCAL object's manager."""
    mgr = manager_of(obj)
    if isinstance(obj, PlainFrame):
        plain: Any = shallow_frame(mgr)
    else:
        plain = shallow_series(mgr, obj.__dict__.get("_name"))
    if obj.__dict__.get("_attrs"):
        plain.attrs = obj.__dict__["_attrs"]
    return plain


def is_ours(obj: Any) -> bool:
    return isinstance(obj, NDFrame) and hasattr(type(obj), "_pandas_dist")


def collected(obj: Any) -> Any:
    """The plain, shared result of one of our objects: read only, by our own code."""
    plan = obj.__dict__.get("_plan")
    if plan is None:
        return bare(obj)
    plan = plan_of(obj)
    fallback.guard(f"reading all rows of a {type(obj).__name__}", [plan])
    return plan.collect()


def plain(obj: Any, private: bool = True) -> Any:
    """A plain pandas object that pandas may do anything with."""
    shared = collected(obj)
    result = shared.copy(deep=private and not copy_on_write())
    if obj.__dict__.get("_attrs"):
        result.attrs = deepcopy(obj.__dict__["_attrs"])
    flags = obj.__dict__.get("_flags")
    if flags is not None and not flags.allows_duplicate_labels:
        result.flags.allows_duplicate_labels = False
    return result


def to_plain(value: Any) -> Any:
    """Arguments for pandas: our objects inside containers become plain ones."""
    if isinstance(value, NDFrame):
        return plain(value) if is_ours(value) else value
    kind = type(value)
    if kind in (list, tuple):
        return kind(to_plain(v) for v in value)
    if kind is dict:
        return {k: to_plain(v) for k, v in value.items()}
    groupby = getattr(kind, "_pandas_dist_groupby", None)
    return value.to_pandas() if groupby else value


def make(plan: Plan, attrs: dict[Any, Any] | None = None) -> Any:
    """One of our objects, LAZY over a plan."""
    from pandas_dist.frame import DataFrame
    from pandas_dist.series import Series

    cls: Any = DataFrame if isinstance(plan, FramePlan) else Series
    obj = object.__new__(cls)
    init_lazy(obj, attrs if attrs is not None else {})
    obj.__dict__["_plan"] = plan
    if isinstance(plan, SeriesPlan):
        obj.__dict__["_name"] = plan.name
    return obj


def wrap_plain(obj: Any) -> Any:
    """A plain pandas object as ours: LAZY where calls go to an engine."""
    if config.engine_name() != "auto" and lazy_engine() and not below_minimum(manager_of(obj)):
        is_frame = isinstance(obj, PlainFrame)
        ours = make(from_pandas(obj) if is_frame else from_pandas_series(obj))
    else:
        ours = local(obj)
    if obj.attrs:
        ours.__dict__["_attrs"] = obj.attrs
    if not obj.flags.allows_duplicate_labels:
        ours.flags.allows_duplicate_labels = False
    return ours


def local(obj: Any) -> Any:
    """A plain pandas object as ours, LOCAL."""
    from pandas_dist.frame import DataFrame
    from pandas_dist.series import Series

    mgr = manager_of(obj)
    is_frame = isinstance(obj, PlainFrame)
    cls: Any = DataFrame if is_frame else Series
    ours = cls._from_mgr(mgr, axes=mgr.axes)
    if not is_frame:
        object.__setattr__(ours, "_name", obj.name)
    return ours


def wrap_result(result: Any) -> Any:
    """pandas' results as ours: frames and series, also inside containers."""
    kind = type(result)
    if kind is PlainFrame or kind is PlainSeries:
        return wrap_plain(result)
    if kind is tuple or kind is list:
        if any(isinstance(v, (NDFrame, list, tuple)) for v in result):
            return kind(wrap_result(v) for v in result)
        return result
    if kind is dict and any(isinstance(v, NDFrame) for v in result.values()):
        return {k: wrap_result(v) for k, v in result.items()}
    return result


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
    if config.engine_name() == "auto" and "_mgr" in self.__dict__:
        self = promoted(self)
    found = RULES.get((owner, name))
    if found is None:
        return run_fallback(owner, name, method, self, args, kwargs, "it has no native form")
    try:
        p = bind(method, (self, *args), kwargs)
    except TypeError:
        return method(plain(self), *args, **kwargs)
    inplace = getattr(p, "inplace", False) is True
    if PANDAS_3 and "inplace" in p.__dict__:
        usual = signature(method).parameters["inplace"].default
        if usual is NO_DEFAULT and p.inplace is not usual:
            chained.check_inplace(self, p.inplace, name)
            p.inplace = usual
            args, kwargs = _without_inplace(method, self, args, kwargs)
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


def change(self: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
    """Run a mutating pandas method on a private copy, which the object then is."""
    local = plain(self).copy(deep=True)
    with local_mode():
        result = method(local, *map(to_plain, args), **{k: to_plain(v) for k, v in kwargs.items()})
    rebind(self, from_pandas(local) if isinstance(local, PlainFrame) else from_pandas_series(local))
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
        result = (
            from_pandas(result) if isinstance(result, PlainFrame) else from_pandas_series(result)
        )
    rebind(self, result)


def present(result: Any, parent: Any = None) -> Any:
    """A rule's result for the user, with the parent's attrs as pandas propagates them."""
    result = make(result) if isinstance(result, (FramePlan, SeriesPlan)) else wrap_result(result)
    if parent is not None and parent.__dict__.get("_at_once"):
        _at_once(result)
    if parent is not None and isinstance(result, NDFrame):
        attrs = parent.__dict__.get("_attrs")
        if attrs and not result.__dict__.get("_attrs"):
            result.__dict__["_attrs"] = deepcopy(attrs)
        if not parent.__dict__["_flags"].allows_duplicate_labels:
            result.flags.allows_duplicate_labels = False  # type: ignore[attr-defined]
    return result


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
        rebind(
            self, from_pandas(local) if isinstance(local, PlainFrame) else from_pandas_series(local)
        )
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
                return traced(present(result), result, f"pandas.{name}", found.strategy)
            except NotNative as why:
                reason = str(why)
    return function_fallback(name, function, args, kwargs, reason)


# Functions that choose an engine by the size of a file.
READERS = frozenset({"read_parquet", "read_csv", "read_table"})


def is_for_engine(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function under ``auto`` reads a file or meets a LAZY object."""
    if name in READERS:
        return True
    return any("_plan" in o.__dict__ for o in _objects((*args, *kwargs.values())))


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


def promoted(obj: Any) -> Any:
    """A LAZY handle on a LOCAL object's own data, for one call under ``auto``.

    The object stays LOCAL.  Where its data may change in place, results do not wait.
    """
    plain_obj = bare(obj)
    is_frame = isinstance(plain_obj, PlainFrame)
    handle = make(from_pandas(plain_obj) if is_frame else from_pandas_series(plain_obj))
    plan_of(handle).memo.clear()
    handle.__dict__["_flags"] = obj.__dict__["_flags"]
    handle.__dict__["_attrs"] = obj.__dict__.get("_attrs", {})
    handle.__dict__["_at_once"] = not copy_on_write()
    return handle


def _at_once(result: Any) -> None:
    """Compute a result now, and those of groups when they are made."""
    if isinstance(result, NDFrame):
        manager_of(result)  # executes
    elif hasattr(type(result), "_pandas_dist_groupby"):
        result._spec.obj.__dict__["_at_once"] = True


def has_lazy(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a small LOCAL object meets a LAZY one: then both go to the engine."""
    if (
        not config.options.min_bytes
        or not lazy_engine()
        or "_pandas_dist" not in type(self).__dict__
    ):
        return False
    return any(is_ours(o) and "_plan" in o.__dict__ for o in (*args, *kwargs.values()))


def dispatched(owner: str, name: str, method: Any) -> Any:
    """The public method: pandas' own on LOCAL objects, a rule where an engine is chosen."""
    counts = name in chained.METHODS

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if counts and (kwargs.get("inplace") is True or name == "update"):
            references = sys.getrefcount(self)
            if references <= chained.REFERENCES_METHOD + 1:
                chained.method(self, name, references, sys._getframe(1))
        if config._engine != "pandas" and (
            by_engine(self, sys._getframe(1), name) or has_lazy(self, args, kwargs)
        ):
            return call_method(owner, name, method, self, args, kwargs)
        result = method(self, *args, **kwargs)
        kind = type(result)
        if (
            kind is PlainFrame
            or kind is PlainSeries
            or kind is tuple
            or kind is list
            or kind is dict
        ):
            return wrap_result(result)
        return result

    return call
