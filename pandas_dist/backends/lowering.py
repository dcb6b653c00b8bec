"""Relations of a plan in an engine's own terms: what is the same for all engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Self, TypeVar

import pandas as pd

from pandas_dist.backends.held import Held
from pandas_dist.backends.translation import Opaque
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.payload import looked_at
from pandas_dist.plan.pieces import gather
from pandas_dist.plan.relations import Agg, Aggregate, Join, Local, Relation, Scan, assemble
from pandas_dist.plan.rewrites import (
    Need,
    planned,
    read_by,
    requirements,
    restricted,
    topological,
)
from pandas_dist.plan.schema import Field, decode
from pandas_dist.plan.window import Window, WindowCall

# A step that the engine has no exact form of.
GATHERED = "gathered: pandas on all rows"

F = TypeVar("F")
C = TypeVar("C", bound=Held)


class Lowering(Generic[F]):
    """Lowers each node of one plan once; ``how`` says in words what was done.

    ``steps`` has a lowering for each type of node.  A node without an exact one (``Opaque``)
    runs its pandas kernel on all rows of its inputs; what is around it stays in the engine.
    """

    steps: ClassVar[Mapping[type, Callable[[Any, Any, Need], Any]]]

    def __init__(self, needs: dict[int, Need], looked_at: set[str]) -> None:
        self.needs = needs
        self.looked_at = looked_at
        self.done: dict[int, F] = {}
        self.how: dict[int, str] = {}

    @classmethod
    def of(cls, plan: Relation, needs: dict[int, Need]) -> Self:
        """For a plan after the passes."""
        return cls(needs, looked_at(plan, needs))

    @classmethod
    def lowered(cls, relation: Relation, ids: set[str], ordered: bool) -> F:
        """The columns of a relation, after the passes."""
        plan, needs = planned(relation, ids, ordered)
        return cls.of(plan, needs).lower(plan)

    def lower(self, node: Relation) -> F:
        found = self.done.get(id(node))
        if found is None:
            found = self._stored(node) or self._lower(node)
            self.done[id(node)] = found
        return found

    def _lower(self, node: Relation) -> F:
        need = self.needs[id(node)]
        step = self.steps.get(type(node))
        if step is not None:
            try:
                return step(self, node, need)
            except Opaque:
                pass
        self.how[id(node)] = GATHERED
        return self.by_kernel(node, need)

    def by_kernel(self, node: Relation, need: Need) -> F:
        """The node's pandas kernel on all rows of its inputs."""
        inputs = []
        for child in node.children:
            below = self.lower(child)
            ids = [i for i in child.fields if i in self.needs[id(child)].columns]
            rows = self.export(below, ids, child.fields)
            if isinstance(node, Join) and not all(f.known for f in node.fields.values()):
                # What kind of missing values the result has, only decoded text tells.
                rows = assemble({i: decode(rows[i], child.fields[i]) for i in ids}, len(rows))
            inputs.append(rows)
        with local_mode():
            result = restricted(node, need).kernel(*inputs)
        wanted = {i: result[i] for i in result.columns if i in need.columns}
        return self.imported(wanted, node.fields, len(result))

    def added_by_pandas(self, node: Aggregate | Window, need: Need) -> F:
        """Groups of few rows by pandas, which adds in the order of rows, to the last bit."""
        (wanted,) = node.needs(need.columns)
        needs = dict(self.needs)
        for i, more in requirements(node.child, wanted, True).items():
            known = needs.get(i, more)
            columns, ordered = known.columns | more.columns, known.ordered or more.ordered
            needs[i] = Need(columns, ordered, max(known.parents, more.parents))
        in_order = type(self)(needs, self.looked_at)
        in_order.how = self.how
        found = in_order.by_kernel(node, need)
        self.done |= in_order.done
        self.how[id(node)] = "gathered: sums of few rows as pandas adds them"
        return found

    # -- what an engine adds ----------------------------------------------------------------------

    def _stored(self, node: Relation) -> F | None:
        """The needed columns of a node, if an earlier execution has kept them."""
        raise NotImplementedError

    def export(self, frame: F, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
        """Some columns as pandas columns."""
        raise NotImplementedError

    def imported(
        self, columns: Mapping[str, pd.Series], fields: Mapping[str, Field], rows: int
    ) -> F:
        """pandas columns, each of ``rows`` rows."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Sketch:
    """One node of a lowered plan: in words how it would run."""

    how: str

    @classmethod
    def all(cls, dry: Lowering[Any], plan: Relation, usual: str) -> dict[int, Self]:
        """For each node of an optimised plan (by ``id``) that would run: how it would."""
        dry.lower(plan)
        found = {id(node) for node in topological(plan) if not isinstance(node, Local)}
        return {i: cls(dry.how.get(i, usual)) for i in dry.done if i in found}


# -- columns of results ---------------------------------------------------------------------------


def joined_columns(
    node: Join, need: Need, left: Mapping[str, C], right: Mapping[str, C]
) -> dict[str, C]:
    """The needed columns of a join, from those of its inputs."""
    outs: dict[str, C] = {}
    for out, columns, may_miss in (
        (node.left_out, left, node.how in ("right", "outer")),
        (node.right_out, right, node.how in ("left", "outer")),
    ):
        for i, old in out.items():
            if i in need.columns:
                column = columns[old]
                if may_miss and column.dtype == object and column.missing is None and column.nulls:
                    raise Opaque  # None stays None, and rows without a match have NaN
                outs[i] = column.with_missing() if may_miss else column
    for i, (one, two) in node.coalesced.items():
        if i in need.columns:
            a, b = left[one], right[two]
            if (a.missing is None) != (b.missing is None) or a.dtype != b.dtype:
                raise Opaque
            outs[i] = replace(a, nulls=a.nulls or b.nulls, nans=a.nans or b.nans)
    return outs


def aggregated_column(out: C, agg: Agg, columns: Mapping[str, C]) -> C:
    """The column of an aggregation; ``out``: what one of its field is."""
    if agg.column is not None and agg.func in ("min", "max", "first", "last"):
        return replace(out, nulls=True, missing=columns[agg.column].missing)
    return out


# -- files ----------------------------------------------------------------------------------------


def nothing(node: Scan) -> Any:
    """A piece of the files without rows."""
    first = node.source.pieces()[0]
    return replace(first, groups=(), rows=0) if hasattr(first, "groups") else first


def by_pieces(node: Scan, names: Mapping[str, str]) -> pd.DataFrame:
    """The rows by the source's own reader."""
    chosen = node.source.select(node.source.pieces(), node)
    fields = {i: node.fields[i] for i in names}
    return gather([node.source.read(piece, names, fields) for piece in chosen])


@contextmanager
def explained(
    relation: Relation, error: type[Exception] | tuple[type[BaseException], ...]
) -> Iterator[None]:
    """Files that the engine cannot read raise what pandas' reader raises for them."""
    try:
        yield
    except error:
        for node in topological(relation):
            if isinstance(node, Scan):
                by_pieces(node, dict(node.names))
        raise


# -- groups ---------------------------------------------------------------------------------------

ADDED = frozenset({"sum", "mean", "std", "var", "sem", "prod", "cumsum"})


def is_added(node: Relation) -> bool:
    """Whether a node's values depend on the order in which floats are added.

    Engines add in another order each time: two executions would give sums that differ in
    their last bits, and a script that compares them (``totals == totals.max()``) another
    answer than pandas.  So such groups are computed once and kept.
    """
    if not isinstance(node, Aggregate):
        return False
    fields = node.child.fields
    return any(
        a.func in ADDED and a.column is not None and fields[a.column].kind not in "mM"
        for a in node.aggs.values()
    )


# Fewer bytes come here, and pandas adds: exact to the last bit, and as fast.
FEW_BYTES = 4e6


def are_few(node: Relation, ids: set[str]) -> bool:
    """Whether some columns of a relation are known to be few bytes."""
    return row_bound(node) * node.bytes_per_row(ids) < FEW_BYTES


def to_the_last_bit(node: Aggregate | Window, need: Need) -> bool:
    """Whether pandas is to add for these groups, because the rows are few.

    Engines add in another order, and the last bits of their sums differ: ``round(2)`` of a mean
    then shows it.
    """
    calls = node.aggs if isinstance(node, Aggregate) else node.calls
    fields = node.child.fields
    rounds = any(i in need.columns and _rounds(call, fields) for i, call in calls.items())
    return rounds and are_few(node.child, node.needs(need.columns)[0])


def _rounds(call: Agg | WindowCall, fields: Mapping[str, Field]) -> bool:
    if call.func not in ADDED or call.column is None:
        return False
    if call.func == "cumsum" and not (isinstance(call, WindowCall) and call.by):
        return False  # in the order of rows everywhere
    return fields[call.column].kind == "f" or call.func not in ("sum", "mean", "cumsum")


@dataclass(frozen=True, slots=True)
class Added:
    """A plan after the passes, and the groups with sums of floats that it is going to read."""

    plan: Relation
    needs: dict[int, Need]
    groups: list[Aggregate]


def added_groups(
    relation: Relation, ids: set[str], ordered: bool, whole: bool = False
) -> Added | None:
    """The groups to compute before a plan runs; those that others are made of come first.

    ``whole``: the rows of ``relation`` come here and are kept by that.
    """
    groups = [n for n in topological(relation) if is_added(n) and not (whole and n is relation)]
    if not groups:
        return None
    plan, needs = planned(relation, ids, ordered)
    read = read_by(plan, needs)
    found = [n for n in reversed(groups) if isinstance(n, Aggregate) and id(n.state) in read]
    return Added(plan, needs, found)
