"""Plans of frames and series: a relation, the values over it, the labels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.plan import execute
from pandas_dist.plan.expressions import Col, Expr
from pandas_dist.plan.index import (
    POSITION_FIELD,
    Labels,
    RangeLabels,
    TakenLabels,
    after_choice,
    before_choice,
    sliced,
)
from pandas_dist.plan.relations import Extend, Filter, Local, Relation, assemble
from pandas_dist.plan.schema import decode, field_of, new_id, writer
from pandas_dist.plan.window import EXTENSIONS, over

MANY_BLOCKS = 100  # more of them, and pandas warns of a fragmented frame


@dataclass(slots=True)
class Outcome:
    """The memoised result of a plan, or the exception that it ended in."""

    value: Any = None
    error: BaseException | None = None
    trace: TracebackType | None = None

    def get(self) -> Any:
        if self.error is not None:
            # Without the lines of those who met it before.
            raise self.error.with_traceback(self.trace)
        return self.value


@dataclass(frozen=True, eq=False)
class FramePlan:
    """Rows of ``relation``; column ``labels[n]`` has the values ``exprs[n]``."""

    relation: Relation
    columns: pd.Index
    exprs: tuple[Expr, ...]
    index: Labels
    memo: list[Outcome] = field(default_factory=list, compare=False)

    # -- looking, without executing -------------------------------------------------
    def position_of(self, label: Hashable) -> int | None:
        """Position of a column label that occurs once; None if it is missing or repeated."""
        if isinstance(label, Iterator):
            return None
        try:
            place = self.columns.get_loc(label)
        except (KeyError, TypeError, pd.errors.InvalidIndexError):
            return None
        return place if isinstance(place, int) else None

    def series(self, n: int) -> SeriesPlan:
        return SeriesPlan(self.relation, self.exprs[n], self.columns[n], self.index)

    def with_exprs(self, columns: pd.Index, exprs: Iterable[Expr]) -> FramePlan:
        return FramePlan(self.relation, columns, tuple(exprs), self.index)

    def over(self, relation: Relation, index: Labels | None = None) -> FramePlan:
        return FramePlan(relation, self.columns, self.exprs, index or self.index)

    def rebuild(self, relation: Relation, index: Labels) -> FramePlan:
        return FramePlan(relation, self.columns, self.exprs, index)

    # -- rows -----------------------------------------------------------------------
    def collect(self) -> pd.DataFrame:
        """The plain pandas frame, computed once; not to be changed by anyone."""
        return once(self, self._collect)

    def _collect(self) -> pd.DataFrame:
        _, values, labels = fetch(self.relation, self.exprs, self.index)
        # pandas puts columns of a dtype together, and warns of frames where many are not.
        return make_frame(values, self.columns, labels, together=len(values) > MANY_BLOCKS)

    def held(self) -> tuple[pd.DataFrame, dict[int, Any]] | None:
        """The columns as they are held in memory, and what decodes those of Arrow text.

        None if they are not in memory, or have been put together already.
        """
        source, exprs = self.relation, (*self.exprs, *self.index.exprs)
        ids = [e.id for e in exprs if isinstance(e, Col)]
        if self.memo or not isinstance(source, Local) or len(ids) < len(exprs):
            return None
        values = [source.frame[i] for i in ids]
        text = {
            n: partial(writer, source.fields[i])
            for n, i in enumerate(ids[: len(self.exprs)])
            if source.fields[i].encoding is not None and values[n].dtype != object
        }
        if isinstance(self.index, TakenLabels):
            return None
        width = len(self.exprs)
        keys = [decode(v, source.fields[i]) for i, v in zip(ids[width:], values[width:])]
        labels = self.index.build(keys, len(source.frame))
        return make_frame(values[:width], self.columns, labels), text


@dataclass(frozen=True, eq=False)
class SeriesPlan:
    """One expression over the rows of ``relation``."""

    relation: Relation
    expr: Expr
    name: Hashable
    index: Labels
    memo: list[Outcome] = field(default_factory=list, compare=False)

    @property
    def exprs(self) -> tuple[Expr, ...]:
        return (self.expr,)

    def over(self, relation: Relation, index: Labels | None = None) -> SeriesPlan:
        return SeriesPlan(relation, self.expr, self.name, index or self.index)

    def rebuild(self, relation: Relation, index: Labels) -> SeriesPlan:
        return SeriesPlan(relation, self.expr, self.name, index)

    def with_expr(self, expr: Expr) -> SeriesPlan:
        return SeriesPlan(self.relation, expr, self.name, self.index)

    def collect(self) -> pd.Series:
        """The plain pandas series, computed once; not to be changed by anyone."""
        return once(self, self._collect)

    def _collect(self) -> pd.Series:
        _, values, labels = fetch(self.relation, (self.expr,), self.index)
        result = values[0].copy(deep=False)
        result.index = labels
        result.name = self.name
        return result


Plan = FramePlan | SeriesPlan


# Errors of the moment: a lost worker or too little memory says nothing of the next attempt.
PASSING = (ConnectionError, MemoryError)


def once(plan: Plan, compute: Callable[[], Any]) -> Any:
    """Run a plan one time for all threads and handles; keep an exception as well."""
    if not plan.memo:
        with plan.relation.state.lock:
            if not plan.memo:
                try:
                    plan.memo.append(Outcome(value=compute()))
                except PASSING:
                    raise
                except Exception as error:  # noqa: BLE001  (kept and raised again, never hidden)
                    plan.memo.append(Outcome(error=error, trace=error.__traceback__))
    return plan.memo[0].get()


def ensure_columns(relation: Relation, exprs: Iterable[Expr]) -> tuple[Relation, list[str]]:
    """Column ids for expressions, extending the relation where they are not columns."""
    new: dict[str, Expr] = {}
    ids: list[str] = []
    given: dict[int, str] = {}
    for expr in exprs:
        if isinstance(expr, Col):
            ids.append(expr.id)
        elif id(expr) in given:
            ids.append(given[id(expr)])
        else:
            name = given[id(expr)] = new_id()
            new[name] = expr
            ids.append(name)
    return (Extend(relation, new) if new else relation), ids


def fetch(
    relation: Relation, exprs: tuple[Expr, ...], index: Labels
) -> tuple[int, list[pd.Series], pd.Index]:
    """Values and labels in this process, decoded to what pandas shows."""
    if isinstance(index, TakenLabels):
        index.prepare()
    both = (*exprs, *index.exprs)
    source, ids = ensure_columns(relation, both)
    if ids:
        frame = execute.collect(source, set(ids))
        rows = len(frame)
    else:
        rows = execute.count(source)
        frame = pd.DataFrame(index=pd.RangeIndex(rows))
    decoded = {i: decode(frame[i], source.fields[i]) for i in dict.fromkeys(ids)}
    values = [decoded[i] for i in ids[: len(exprs)]]
    labels = index.build([decoded[i] for i in ids[len(exprs) :]], rows)
    return rows, values, labels


def make_frame(
    values: list[pd.Series], columns: pd.Index, index: pd.Index, together: bool = False
) -> pd.DataFrame:
    """A frame from columns, with any labels (repeated ones too).

    together: the values of a dtype are copied into one block.
    """
    frame = assemble({str(n): v for n, v in enumerate(values)}, len(index), together)
    frame.index = index
    frame.columns = columns
    return frame


# -- in-memory data --------------------------------------------------------------------


def local_labels(index: pd.Index, relation: Relation, ids: dict[str, pd.Series]) -> Labels:
    """Labels of an in-memory index; ``ids`` gets the position column if one is needed."""
    if type(index) is pd.RangeIndex:
        return RangeLabels.of(index, index.name)
    name = new_id()
    ids[name] = pd.Series(np.arange(len(index), dtype="int64"))
    return TakenLabels(index, Col(name, POSITION_FIELD), relation)


def from_pandas(obj: pd.DataFrame) -> FramePlan:
    """A plan over a snapshot: the caller gives the frame away."""
    values = [obj.iloc[:, n] for n in range(obj.shape[1])]
    relation, exprs, labels = _snapshot(values, obj.index)
    plan = FramePlan(relation, obj.columns, exprs, labels)
    plan.memo.append(Outcome(value=obj))
    return plan


def from_pandas_series(obj: pd.Series) -> SeriesPlan:
    """A plan over a snapshot: the caller gives the series away."""
    relation, exprs, labels = _snapshot([obj], obj.index)
    plan = SeriesPlan(relation, exprs[0], obj.name, labels)
    plan.memo.append(Outcome(value=obj))
    return plan


def _snapshot(
    values: list[pd.Series], index: pd.Index
) -> tuple[Relation, tuple[Expr, ...], Labels]:
    ids = [new_id() for _ in values]
    fields = {i: field_of(v) for i, v in zip(ids, values)}
    columns = dict(zip(ids, values))
    extra: dict[str, pd.Series] = {}
    placeholder = Relation()
    labels = local_labels(index, placeholder, extra)
    fields |= {i: POSITION_FIELD for i in extra}
    shown = {i: v.name for i, v in columns.items()}
    relation = Local(assemble({**columns, **extra}, len(index)), fields, labels=shown)
    if isinstance(labels, TakenLabels):
        labels = replace(labels, origin=relation)
    return relation, tuple(Col(i, fields[i]) for i in ids), labels


# -- the same rows? ------------------------------------------------------------------------


def row_root(relation: Relation) -> Relation:
    """The node that fixed the rows, below pure extensions."""
    while isinstance(relation, EXTENSIONS):
        relation = relation.child
    return relation


def same_rows(a: Relation, b: Relation) -> bool:
    return a is b or row_root(a) is row_root(b)


def unify(a: Relation, b: Relation) -> Relation:
    """A relation with the columns of both, which have the same rows."""
    if a is b:
        return a
    layers: list[Relation] = []
    node = b
    above = set()
    walk = a
    while isinstance(walk, EXTENSIONS):
        above.add(id(walk))
        walk = walk.child
    while isinstance(node, EXTENSIONS) and id(node) not in above:
        layers.append(node)
        node = node.child
    if node is a:
        return b
    result = a
    for layer in reversed(layers):
        if all(i in result.fields for i in layer.fields):
            continue
        result = over(layer, result)
    return result


# -- choices of rows -----------------------------------------------------------------------


def filtered(plan: Any, relation: Relation, predicate: Expr, how: str) -> Any:
    """The plan's rows where a predicate over ``relation`` (same rows) holds."""
    extended, labels = before_choice(relation, plan.index)
    out = Filter(extended, predicate)
    return plan.rebuild(out, after_choice(labels, out, how))


def rows_between(plan: Any, window: slice) -> Any:
    """A positional slice of a plan."""
    relation, labels = sliced(plan.relation, plan.index, window)
    result = plan.rebuild(relation, labels)
    if plan.memo and plan.memo[0].error is None:
        result.memo.append(Outcome(value=plan.memo[0].value.iloc[window]))
    return result


def row_count(plan: Plan) -> int:
    """Rows of a plan; a small one is collected for it, as its values are looked at next."""
    if plan.memo and plan.memo[0].error is None:
        return len(plan.memo[0].value)
    if plan.relation.rows() is None and execute.is_small(plan.relation):
        return len(plan.collect())
    return execute.count(plan.relation)
