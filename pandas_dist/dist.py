"""``pandas_dist.dist`` and ``df.dist``: what pandas does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas

from pandas_dist import backends, fallback
from pandas_dist.choose import choice
from pandas_dist.config import engine_name, options
from pandas_dist.ops import dispatch
from pandas_dist.plan.explain import Text
from pandas_dist.plan.explain import explain as explain_plan
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan, Plan, ensure_columns, fetch
from pandas_dist.plan.index import (
    POSITION_FIELD,
    KeyLabels,
    Labels,
    RangeLabels,
    TakenLabels,
)
from pandas_dist.plan.relations import Local, Position, Relation
from pandas_dist.plan.schema import new_id
from pandas_dist.plan.window import EXTENSIONS

__all__ = ["explain", "options", "report"]


def explain(obj: Any) -> Text:
    """How the frame or series ``obj`` is computed: its plan as written and as it runs.

    Executes nothing.  A plain pandas object, and one of ours that is in memory, has no plan.
    Raises TypeError for anything else.
    """
    if not isinstance(obj, (pandas.DataFrame, pandas.Series)):
        raise TypeError(f"explain() takes a DataFrame or Series, not {type(obj).__name__}")
    kind = "DataFrame" if isinstance(obj, pandas.DataFrame) else "Series"
    return explain_plan(kind, obj.__dict__.get("_plan"))


def report() -> Text:
    """What ran where in this process: executions, fallbacks and Python functions, with reasons."""
    from pandas_dist import report as counts

    return Text(counts.summary())


class Accessor:
    """``df.dist`` and ``series.dist``."""

    __slots__ = ("_obj",)

    def __init__(self, obj: Any) -> None:
        self._obj = obj

    @property
    def is_lazy(self) -> bool:
        """Whether the object is a plan; False once its data is ordinary pandas data."""
        return "_plan" in self._obj.__dict__

    @property
    def backend(self) -> str:
        """The engine that runs the object's plan; "pandas" for an object in memory."""
        if not self.is_lazy or engine_name() != "auto":
            return engine_name() if self.is_lazy else "pandas"
        plan = dispatch.plan_of(self._obj)
        relation, ids = ensure_columns(plan.relation, (*plan.exprs, *plan.index.exprs))
        return choice(relation, set(ids)).engine

    def explain(self) -> Text:
        """The plan as written and as it runs; executes nothing."""
        return explain(self._obj)

    def persist(self) -> Any:
        """Compute all columns now and keep them on the engine; returns the same object.

        Later operations on the object start from what is kept: files are not read again, and
        may be changed or deleted.  An object in memory is returned as it is.  Raises
        MemoryError beyond ``options.memory_limit`` where the engine is this process.
        """
        if self.is_lazy and engine_name() != "pandas":
            self._obj.__dict__["_plan"] = persisted(dispatch.plan_of(self._obj))
        return self._obj

    def __repr__(self) -> str:
        kind = "DataFrame" if isinstance(self._obj, pandas.DataFrame) else "Series"
        state = "lazy" if self.is_lazy else "in memory"
        return f"<dist of a {kind}: {state}, backend {self.backend}>"


def persisted(plan: Plan) -> Plan:
    """The same plan over a relation whose rows the engine holds."""
    if options.address is None:
        fallback.guard("persist", [plan])
    relation, ids = ensure_columns(plan.relation, (*plan.exprs, *plan.index.exprs))
    if _is_held(relation, set(ids)):
        return plan
    if not isinstance(relation, Local):
        _hold(relation, set(ids))
    columns = [Col(i, relation.fields[i]) for i in ids]
    values, labels = columns[: len(plan.exprs)], columns[len(plan.exprs) :]
    relation, index = _settled(relation, plan.index, labels)
    if isinstance(plan, FramePlan):
        return replace(plan, relation=relation, exprs=tuple(values), index=index)
    return replace(plan, relation=relation, expr=values[0], index=index)


def _is_held(relation: Relation, ids: set[str]) -> bool:
    """Whether the engine holds the columns already; positions cost nothing."""
    while isinstance(relation, Position):
        ids = ids - {relation.id}
        relation = relation.child
    return bool(ids) and ids <= relation.state.persisted.keys()


def _settled(relation: Relation, index: Labels, columns: list[Col]) -> tuple[Relation, Labels]:
    """Labels that need nothing from below ``relation``; ``columns`` are what they are made of."""
    if isinstance(index, RangeLabels):
        return relation, index
    if isinstance(index, KeyLabels):
        index = replace(index, exprs=tuple(columns))
        if type(index) is KeyLabels:  # others take their levels from below
            return relation, index
    else:
        index = replace(index, position=columns[0])
    built = fetch(relation, (), index)[2]
    name = new_id()
    return Position(relation, name), TakenLabels(built, Col(name, POSITION_FIELD), relation)


def _hold(relation: Relation, ids: set[str]) -> None:
    """Compute columns on the engine and keep them, and the number of rows, on the node."""
    from pandas_dist.progress import execution

    state = relation.state
    with state.lock:
        if ids <= state.persisted.keys() and state.count is not None:
            return
        with execution():
            held, rows = backends.current().persist(relation, ids | state.persisted.keys())
        state.persisted = held
    below: Relation = relation
    below.state.count = rows
    while isinstance(below, EXTENSIONS):
        below = below.child
        below.state.count = rows
