"""``rolling``, ``expanding``, ``ewm`` and ``resample``: pandas' own on the columns they need.

Nothing is computed before a method asks, so that a column chosen afterwards is the only one
that is read.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from pandas_dist import fallback, report
from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import aligned, arguments
from pandas_dist.ops.dispatch import rule
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan, SeriesPlan

NO_DEFAULT = pd.api.extensions.no_default
KINDS = ("rolling", "expanding", "ewm", "resample")


@dataclass(frozen=True)
class Windows:
    """What the user said: rows, method, its arguments, the columns chosen since."""

    plan: FramePlan | SeriesPlan
    kind: str
    options: dict[str, Any]
    selection: Any = None
    attrs: dict[Any, Any] | None = None

    def narrowed(self) -> Any:
        """The plan of the columns that the selection and ``on`` need."""
        if self.selection is None or not isinstance(self.plan, FramePlan):
            return self.plan
        chosen = self.selection if isinstance(self.selection, list) else [self.selection]
        on = self.options.get("on")
        return only(self.plan, [*([] if on is None else [on]), *chosen])

    def over(self, rows: Any) -> Any:
        """pandas' own object over some collected rows."""
        options = {k: dispatch.to_plain(v) for k, v in self.options.items()}
        windows = getattr(rows, self.kind)(**options)
        return windows if self.selection is None else windows[self.selection]


def only(plan: FramePlan, labels: list[Hashable]) -> FramePlan:
    """The columns of these labels; all of them where a label does not occur once."""
    places = [plan.position_of(label) for label in dict.fromkeys(labels)]
    if None in places or isinstance(plan.columns, pd.MultiIndex):
        return plan
    kept = [n for n in places if n is not None]
    return plan.with_exprs(plan.columns[kept], [plan.exprs[n] for n in kept])


class _Lazy:
    """Shared by the classes below."""

    _pandas_dist_groupby = True
    _spec: Windows

    def __init__(self, spec: Windows) -> None:
        self.__dict__["_spec"] = spec

    def to_pandas(self) -> Any:
        """pandas' own object over the collected rows."""
        fallback.guard(self._spec.kind, [self._spec.plan])
        return self._spec.over(self._spec.plan.collect().copy(deep=False))

    def __getitem__(self, key: Any) -> Any:
        spec = self._spec
        if not isinstance(spec.plan, FramePlan) or spec.selection is not None:
            return self.to_pandas()[key]
        labels = key if isinstance(key, list) else [key]
        if not all(isinstance(k, str) and spec.plan.position_of(k) is not None for k in labels):
            return self.to_pandas()[key]
        return type(self)(replace(spec, selection=key))

    def __getattr__(self, name: str) -> Any:
        if name == "_spec" or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        plan = self._spec.plan
        if isinstance(plan, FramePlan) and not name.startswith("_") and name in plan.columns:
            return self[name]
        return getattr(self.to_pandas(), name)

    def __iter__(self) -> Iterator[Any]:
        for item in self.to_pandas():
            yield dispatch.wrap_result(item)

    def __len__(self) -> int:
        return len(self.to_pandas())

    def __repr__(self) -> str:
        return repr(self.to_pandas())

    def __str__(self) -> str:
        return str(self.to_pandas())


def run(windows: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A method of lazy windows: pandas' own, on the rows of the columns that it needs."""
    spec: Windows = windows._spec
    plan = spec.narrowed()
    fallback.guard(f"{spec.kind}.{name}", [plan])
    source = plan.collect()
    called = any(map(callable, (*args, *kwargs.values())))
    given = source.copy(deep=called) if called or spec.attrs else source
    if spec.attrs:
        given.attrs = spec.attrs

    def operand(value: Any) -> Any:
        """pandas looks whether the other frame is the one with the windows."""
        same = spec.selection is None and dispatch.is_ours(value)
        own = same and value.__dict__.get("_plan") is plan
        return given if own else dispatch.to_plain(value)

    more = {k: operand(v) for k, v in kwargs.items()}
    with local_mode():
        result = getattr(spec.over(given), name)(*map(operand, args), **more)
    marks = result.attrs if isinstance(result, (pd.Series, pd.DataFrame)) else {}
    if isinstance(result, (pd.Series, pd.DataFrame)):
        result = aligned(plan, source, result)
    shown = dispatch.present(result)
    if marks:
        shown.__dict__["_attrs"] = marks
    what = f"{type(source).__name__}.{spec.kind}.{name}"
    return report.came_from(shown, f"{what} in local pandas (gathered)")


def _property(self: Any, name: str) -> Any:
    return getattr(self.to_pandas(), name)


_made: dict[Any, Any] = {}


def proxy(base: Any) -> Any:
    """The class of lazy windows for one of pandas' classes."""
    if base not in _made:
        _made[base] = _proxy(base)
    return _made[base]


def _proxy(cls: Any) -> Any:
    """A subclass of one of pandas' classes whose methods wait for their columns."""

    def method(name: str, pandas_method: Any) -> Any:
        @functools.wraps(pandas_method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return run(self, name, args, kwargs)

        return call

    members: dict[str, Any] = dict(vars(_Lazy))
    for name in dir(cls):
        if name.startswith("_") or name in members:
            continue
        value = next(k.__dict__[name] for k in cls.__mro__ if name in k.__dict__)
        if isinstance(value, types.FunctionType) and name != "pipe":
            members[name] = method(name, value)
        elif name != "pipe":
            members[name] = property(functools.partial(_property, name=name))
    for name in ("__dict__", "__weakref__"):
        members.pop(name, None)
    members |= {"__module__": cls.__module__, "__doc__": cls.__doc__}
    return type(cls.__name__, (cls,), members)


def _register(owner: str, kind: str) -> None:
    @rule(owner, kind, strategy="gathered", note="on the columns that are chosen")
    def make(plan: Any, p: Any) -> Any:
        given = arguments(p)
        if given.get("axis", NO_DEFAULT) is not NO_DEFAULT:
            raise NotNative("pandas warns about axis")
        if any(dispatch.is_ours(v) for v in given.values()):
            raise NotNative("other objects among the arguments")
        spec = Windows(plan, kind, given, attrs=deepcopy(p.self.__dict__.get("_attrs")))
        return proxy(type(spec.over(probed(plan, kind, given))))(spec)


def probed(plan: Any, kind: str, given: dict[str, Any]) -> Any:
    """Rows on which pandas checks the arguments, with its own errors."""
    by_rows = isinstance(given.get("window", 1), int) and given.get("times") is None
    if kind != "resample" and by_rows and given.get("on") is None:
        return pd.Series([0.5]) if isinstance(plan, SeriesPlan) else pd.DataFrame({"a": [0.5]})
    if isinstance(plan, SeriesPlan) or isinstance(plan.columns, pd.MultiIndex):
        return plan.collect()
    on = given.get("on")
    if on is not None:
        return on_alone(plan, on)
    rows = plan.with_exprs(plan.columns[:0], []).collect()
    # pandas checks no window of a frame that is empty.
    return rows.assign(a=0.5) if len(plan.columns) else rows


def on_alone(plan: FramePlan, on: Any) -> pd.DataFrame:
    n = plan.position_of(on) if isinstance(on, str) else None
    return (plan if n is None else only(plan, [on])).collect()


for _kind in KINDS:
    _register("DataFrame", _kind)
    _register("Series", _kind)
