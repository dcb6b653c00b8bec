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

from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.expressions import Col, Expr, as_text
from pandas_dist.plan.relations import Attach, Extend, Position, Relation, Slice
from pandas_dist.plan.schema import Field, field_of, new_id
from pandas_dist.plan.window import EXTENSIONS

POSITION_FIELD = Field(np.dtype("int64"), nulls=False)


@dataclass(frozen=True, eq=False)
class RangeLabels:
    """``RangeIndex(start, start + step * rows, step)`` over the plan's own rows.

    ``stop``: another end of the range, as slices with a step leave it.
    """

    start: int = 0
    step: int = 1
    name: Any = None
    stop: int | None = None

    @classmethod
    def of(cls, index: range | pd.RangeIndex, name: Any) -> RangeLabels:
        """The labels of a range."""
        usual = index.start + index.step * len(index)
        stop = None if index.stop == usual else index.stop
        return cls(index.start, index.step, name, stop)

    def span(self, rows: int) -> range:
        stop = self.start + self.step * rows if self.stop is None else self.stop
        return range(self.start, stop, self.step)

    @property
    def names(self) -> list[Any]:
        return [self.name]

    @property
    def exprs(self) -> tuple[Expr, ...]:
        return ()

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        return pd.RangeIndex(self.span(rows), name=self.name)


@dataclass(frozen=True, eq=False)
class Step:
    """One way in which rows were chosen: the relation after it, and pandas' path.

    ``how``: ``filter`` (frame[mask]), ``take`` (loc[mask]), ``mask`` (series[mask]),
    ``dropna`` (of a series), ``sort`` and ``order`` (of a frame and a series), ``largest``
    (``nlargest``), ``join`` (by the index of another frame; it may repeat rows), or a
    positional slice.
    """

    relation: Relation
    how: str | slice


@dataclass(frozen=True, eq=False)
class TakenLabels:
    """Labels of an index by position: in memory, a range in closed form, or keys of ``origin``."""

    base: pd.Index | RangeLabels | KeyLabels
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
        base = self.base
        if isinstance(base, KeyLabels):
            base = base.whole(self.origin)
        if isinstance(base, pd.Index):
            if not (isinstance(base, pd.RangeIndex) or getattr(base, "freq", None) is not None):
                return base if is_identity(chosen, len(base)) else base.take(chosen)
            if evenly_spaced(chosen):
                return self._replayed(base, chosen)
            return base.take(chosen)
        if evenly_spaced(chosen):
            from pandas_dist.plan.execute import count

            moved_only = all(s.how in ("sort", "order") for s in self.steps)
            rows = len(chosen) if moved_only else count(self.origin)
            return self._replayed(base.build([], rows), chosen)
        values = base.start + base.step * chosen
        return pd.Index(values, name=base.name, dtype="int64")

    def prepare(self) -> None:
        """Before the rows: a small grouped result below is kept, not computed twice."""
        from pandas_dist.plan.execute import collect
        from pandas_dist.plan.relations import Aggregate

        if isinstance(self.base, KeyLabels):
            grouped = self.origin
            while isinstance(grouped, EXTENSIONS):
                grouped = grouped.child
            if isinstance(grouped, Aggregate):
                collect(grouped, set(grouped.fields))

    def _replayed(self, index: pd.Index, chosen: np.ndarray) -> pd.Index:
        """Few rows, or regular ones: the class or frequency depends on each step."""
        before: np.ndarray | None = None
        history = [*self._positions_before(), chosen]
        for step, now in zip(self.steps, history):
            index = replay(index, step.how, now, before)
            before = now
        return index

    def _positions_before(self) -> list[np.ndarray]:
        from pandas_dist.plan.execute import collect

        if len(self.steps) < 2:
            return []
        assert isinstance(self.position, Col)
        name = self.position.id
        return [collect(s.relation, {name})[name].to_numpy() for s in self.steps[:-1]]


def evenly_spaced(values: np.ndarray) -> bool:
    return len(values) < 3 or bool((np.diff(values) == values[1] - values[0]).all())


def replay(
    index: pd.Index, how: str | slice, now: np.ndarray, before: np.ndarray | None
) -> pd.Index:
    """One choice of rows as pandas does it, with positions relative to the last one."""
    if isinstance(how, slice):
        return index[how]
    if before is not None:
        order = np.argsort(before, kind="stable")
        ordered = before[order]
        now = order[np.searchsorted(ordered, now)]
        if (ordered[1:] == ordered[:-1]).any():
            return index.take(now)  # no range and no frequency any more: any way gives the same
    return select(index, now, how)


def select(index: pd.Index, rows: np.ndarray, how: str) -> pd.Index:
    """Labels of rows that pandas chooses by one of the ways of ``Step``."""
    if how == "largest":
        return index.take(rows)
    if how in ("sort", "order", "join"):
        if is_identity(rows, len(index)):
            return index
        return index[rows] if how == "order" else index.take(rows)
    mask = np.zeros(len(index), dtype=bool)
    mask[rows] = True
    probe = pd.Series(np.where(mask, 1.0, np.nan), index=index)
    if how == "dropna":
        return probe.dropna().index
    if how == "mask":
        return probe[mask].index
    frame = probe.to_frame()
    return frame[mask].index if how == "filter" else frame.loc[mask].index


def is_identity(rows: np.ndarray, size: int) -> bool:
    """Whether all rows are chosen, in order."""
    return len(rows) == size and bool((rows == np.arange(size)).all())


@dataclass(frozen=True, eq=False)
class KeyLabels:
    """Labels computed from columns: one level for each expression.

    ``set_by_user``: built as ``set_index`` does (pandas 3 may make it a range).
    """

    exprs: tuple[Expr, ...]
    names: list[Any]
    multi: bool = False
    set_by_user: bool = False

    @property
    def lasting(self) -> bool:
        """Whether a choice of rows can be built like the whole: no unused levels, no range."""
        if self.multi:
            return False
        return not (self.set_by_user and PANDAS_3 and self.exprs[0].field.kind == "i")

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        if self.set_by_user:
            frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
            index: pd.Index = frame.set_index(list(frame.columns)).index
            return index.set_names(self.names)
        if self.multi:
            return pd.MultiIndex.from_arrays(columns, names=self.names)
        return pd.Index(columns[0]).rename(self.names[0])

    def levels(self) -> list[Expr]:
        """The labels as columns: levels, where there are several, show None as NaN."""
        return [as_text(e) if self.multi and _with_none(e.field) else e for e in self.exprs]

    def whole(self, relation: Relation) -> pd.Index:
        """The labels of all rows of ``relation``."""
        from pandas_dist.plan.frames import fetch

        return fetch(relation, (), self)[2]


def _with_none(field: Field) -> bool:
    return field.kind == "O" and field.text and field.nulls and field.encoding != "nan"


Labels = RangeLabels | TakenLabels | KeyLabels


def rename_labels(labels: Labels, names: list[Any]) -> Labels:
    """The same labels under other level names."""
    if isinstance(labels, KeyLabels):
        return replace(labels, names=list(names))
    if isinstance(labels, RangeLabels):
        return replace(labels, name=names[0])
    if isinstance(labels.base, pd.Index):
        return replace(labels, base=labels.base.set_names(names))
    renamed = rename_labels(labels.base, names)
    assert not isinstance(renamed, TakenLabels)
    return replace(labels, base=renamed)


def before_choice(relation: Relation, labels: Labels) -> tuple[Relation, Labels]:
    """Labels in a form that survives dropping or moving rows of ``relation``."""
    if isinstance(labels, RangeLabels) or (isinstance(labels, KeyLabels) and not labels.lasting):
        name = new_id()
        extended = Position(relation, name)
        return extended, TakenLabels(labels, Col(name, POSITION_FIELD), relation)
    return relation, labels


def after_choice(labels: Labels, relation: Relation, how: str | slice) -> Labels:
    """Record that ``relation`` chose among the rows."""
    if isinstance(labels, TakenLabels):
        return replace(labels, steps=(*labels.steps, Step(relation, how)))
    return labels


def sliced(relation: Relation, labels: Labels, window: slice) -> tuple[Relation, Labels]:
    """A positional slice of rows and labels."""
    if isinstance(labels, RangeLabels):
        rows = relation.rows()
        if rows is not None:
            kept = labels.span(rows)[window]
            return Slice(relation, window), RangeLabels.of(kept, labels.name)
        stop = window.stop
        prefix = not window.start and window.step in (None, 1) and stop is not None and stop >= 0
        if prefix and labels.stop is None:
            return Slice(relation, window), labels
    extended, moved = before_choice(relation, labels)
    out = Slice(extended, window)
    return out, after_choice(moved, out, window)


def as_columns(relation: Relation, labels: Labels) -> tuple[Relation, list[Expr]]:
    """The labels as expressions, one for each level; adds columns where needed."""
    if isinstance(labels, KeyLabels):
        return relation, labels.levels()
    if isinstance(labels, RangeLabels):
        name = new_id()
        return Position(relation, name), [affine(Col(name, POSITION_FIELD), labels)]
    if isinstance(labels.base, KeyLabels):
        return relation, labels.base.levels()
    if isinstance(labels.base, RangeLabels):
        return relation, [affine(labels.position, labels.base)]
    from pandas_dist.plan.execute import collect, count

    rows = count(relation)
    if isinstance(labels.position, Col):
        name, source = labels.position.id, relation
    else:
        name = new_id()
        source = Extend(relation, {name: labels.position})
    positions = collect(source, {name})[name].to_numpy() if rows else np.array([], dtype="int64")
    taken = labels.base.take(positions)
    anonymous = taken.set_names(range(taken.nlevels))
    shown = pd.DataFrame(index=anonymous).reset_index()
    levels = [shown[n] for n in range(taken.nlevels)]
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
