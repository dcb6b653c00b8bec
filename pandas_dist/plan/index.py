"""The index of a plan: row labels that are computed only where someone looks.

A default index is a range in closed form until rows are dropped; then the plan
carries each row's position in it, and pandas' own ``take`` builds the labels at
the end, so that their class (RangeIndex or Index) is the one pandas would show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.plan.expressions import Col, Expr
from pandas_dist.plan.relations import Attach, Position, Relation, Slice
from pandas_dist.plan.schema import Field, field_of, new_id

POSITION_FIELD = Field(np.dtype("int64"), nulls=False)


@dataclass(frozen=True, eq=False)
class RangeLabels:
    """``RangeIndex(start, start + step * rows, step)`` over the plan's own rows."""

    start: int = 0
    step: int = 1
    name: Any = None

    @property
    def names(self) -> list[Any]:
        return [self.name]

    @property
    def exprs(self) -> tuple[Expr, ...]:
        return ()

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        stop = self.start + self.step * rows
        return pd.RangeIndex(self.start, stop, self.step, name=self.name)


@dataclass(frozen=True, eq=False)
class Step:
    """One way in which rows were chosen: the relation after it, and pandas' path."""

    relation: Relation
    how: str


@dataclass(frozen=True, eq=False)
class TakenLabels:
    """Labels of an index by position: an index in memory, or a range of known closed form."""

    base: pd.Index | RangeLabels
    position: Expr
    origin: Relation
    steps: tuple[Step, ...] = ()

    @property
    def names(self) -> list[Any]:
        return list(self.base.names)

    @property
    def exprs(self) -> tuple[Expr, ...]:
        return (self.position,)

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        chosen = columns[0].to_numpy()
        if isinstance(self.base, pd.Index):
            return choose(self.base, chosen, self.steps)
        return self._from_range(self.base, chosen)

    def _from_range(self, base: RangeLabels, chosen: np.ndarray) -> pd.Index:
        if evenly_spaced(chosen):
            # Few rows, or regular ones: which class pandas shows depends on each step.
            index: pd.Index = base.build([], self._origin_rows())
            history = [*self._positions_before(), chosen]
            for step, now, before in zip(self.steps, history, [None, *history]):
                index = replay(index, step.how, now, before)
            return index
        values = base.start + base.step * chosen
        return pd.Index(values, name=base.name, dtype="int64")

    def _origin_rows(self) -> int:
        from pandas_dist.plan.execute import count

        return count(self.origin)

    def _positions_before(self) -> list[np.ndarray]:
        from pandas_dist.plan.execute import collect

        assert isinstance(self.position, Col)
        name = self.position.id
        return [collect(s.relation, {name})[name].to_numpy() for s in self.steps[:-1]]


def evenly_spaced(values: np.ndarray) -> bool:
    return len(values) < 3 or bool((np.diff(values) == values[1] - values[0]).all())


def replay(index: pd.Index, how: str, now: np.ndarray, before: np.ndarray | None) -> pd.Index:
    """One choice of rows as pandas does it, with positions relative to the last one."""
    if before is not None:
        order = np.argsort(before, kind="stable")
        now = order[np.searchsorted(before, now, sorter=order)]
    return select(index, now, how)


def select(index: pd.Index, rows: np.ndarray, how: str) -> pd.Index:
    """Rows of an index by a mask, a take or a slice."""
    if how == "slice" and len(rows) > 0:
        step = int(rows[1] - rows[0]) if len(rows) > 1 else 1
        stop = int(rows[-1]) + (1 if step > 0 else -1)
        return index[slice(int(rows[0]), None if stop < 0 else stop, step)]
    if how == "slice":
        return index[:0]
    if how == "mask":
        mask = np.zeros(len(index), dtype=bool)
        mask[rows] = True
        return index[mask]
    if how in ("filter", "dropna", "sort", "order") and is_identity(rows, len(index)):
        return index
    if how in ("dropna", "order"):
        return index[rows]
    return index.take(rows)


def is_identity(rows: np.ndarray, size: int) -> bool:
    """Whether all rows are chosen, in order."""
    return len(rows) == size and bool((rows == np.arange(size)).all())


def choose(index: pd.Index, rows: np.ndarray, steps: tuple[Step, ...]) -> pd.Index:
    """Rows of an index in memory; untouched where all rows are there in order."""
    if is_identity(rows, len(index)):
        return index
    how = steps[-1].how if steps else "take"
    if how == "slice" and not evenly_spaced(rows):
        how = "take"
    return select(index, rows, how if len(steps) == 1 else "take")


@dataclass(frozen=True, eq=False)
class KeyLabels:
    """Labels computed from columns: one level for each expression.

    ``set_by_user``: built as ``set_index`` does (pandas 3 may make it a range).
    """

    exprs: tuple[Expr, ...]
    names: list[Any]
    multi: bool = False
    set_by_user: bool = False

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        if self.set_by_user:
            frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
            index: pd.Index = frame.set_index(list(frame.columns)).index
            return index.set_names(self.names)
        if self.multi:
            return pd.MultiIndex.from_arrays(columns, names=self.names)
        return pd.Index(columns[0], name=self.names[0])


Labels = RangeLabels | TakenLabels | KeyLabels


def rename_labels(labels: Labels, names: list[Any]) -> Labels:
    """The same labels under other level names."""
    if isinstance(labels, KeyLabels):
        return replace(labels, names=list(names))
    if isinstance(labels, RangeLabels):
        return replace(labels, name=names[0])
    if isinstance(labels.base, pd.Index):
        return replace(labels, base=labels.base.set_names(names))
    return replace(labels, base=replace(labels.base, name=names[0]))


def before_choice(relation: Relation, labels: Labels) -> tuple[Relation, Labels]:
    """Labels in a form that survives dropping or moving rows of ``relation``."""
    if isinstance(labels, RangeLabels):
        name = new_id()
        extended = Position(relation, name)
        return extended, TakenLabels(labels, Col(name, POSITION_FIELD), relation)
    return relation, labels


def after_choice(labels: Labels, relation: Relation, how: str) -> Labels:
    """Record that ``relation`` chose among the rows."""
    if isinstance(labels, TakenLabels):
        return replace(labels, steps=(*labels.steps, Step(relation, how)))
    return labels


def sliced(relation: Relation, labels: Labels, window: slice) -> tuple[Relation, Labels]:
    """A positional slice of rows and labels."""
    step = window.step or 1
    if isinstance(labels, RangeLabels) and step == 1 and (window.start or 0) >= 0:
        start = labels.start + labels.step * (window.start or 0)
        if window.stop is not None and window.stop >= 0 or relation.rows() is not None:
            rows = relation.rows()
            if rows is not None:
                chosen = range(rows)[window]
                start = labels.start + labels.step * chosen.start
            return Slice(relation, window), replace(labels, start=start)
    extended, moved = before_choice(relation, labels)
    out = Slice(extended, window)
    return out, after_choice(moved, out, "slice")


def as_columns(relation: Relation, labels: Labels) -> tuple[Relation, list[Expr]]:
    """The labels as expressions, one for each level; adds columns where needed."""
    if isinstance(labels, KeyLabels):
        return relation, list(labels.exprs)
    if isinstance(labels, RangeLabels):
        name = new_id()
        return Position(relation, name), [affine(Col(name, POSITION_FIELD), labels)]
    if isinstance(labels.base, RangeLabels):
        return relation, [affine(labels.position, labels.base)]
    from pandas_dist.plan.execute import collect, count
    from pandas_dist.plan.relations import Extend

    rows = count(relation)
    if isinstance(labels.position, Col):
        name, source = labels.position.id, relation
    else:
        name = new_id()
        source = Extend(relation, {name: labels.position})
    positions = collect(source, {name})[name].to_numpy() if rows else np.array([], dtype="int64")
    taken = labels.base.take(positions)
    levels = [pd.Series(taken.get_level_values(n)) for n in range(taken.nlevels)]
    ids = [new_id() for _ in levels]
    fields = {i: field_of(s) for i, s in zip(ids, levels)}
    attached = Attach(relation, dict(zip(ids, levels)), fields)
    return attached, [Col(i, fields[i]) for i in ids]


def affine(position: Expr, labels: RangeLabels) -> Expr:
    """Range labels from positions."""
    if labels.start == 0 and labels.step == 1:
        return position
    from pandas_dist.plan.expressions import Call

    return Call("affine", _Affine(labels.start, labels.step), (position,), POSITION_FIELD)


@dataclass(frozen=True)
class _Affine:
    start: int
    step: int

    def __call__(self, position: pd.Series) -> pd.Series:
        return position * self.step + self.start
