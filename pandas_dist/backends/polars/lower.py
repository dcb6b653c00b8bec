"""One lowering per relation node, to a Polars lazy frame.

A node without an exact Polars form runs its pandas kernel on the collected rows of
its inputs (``by_kernel``); everything around it stays lazy.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import polars as pl

from pandas_dist.backends import lowering as common
from pandas_dist.backends.polars import groupby, join, lookups, scan, window
from pandas_dist.backends.polars.columns import Column, alike, to_polars
from pandas_dist.backends.polars.expressions import Opaque, Translator
from pandas_dist.backends.polars.frames import (
    ROW,
    Frame,
    collect,
    export,
    from_pandas,
    from_polars,
)
from pandas_dist.ops.membership import Membership
from pandas_dist.plan.bounds import unique
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Expr, Lit, column_ids, conjuncts, evaluate
from pandas_dist.plan.frames import ensure_columns
from pandas_dist.plan.relations import (
    Aggregate,
    Attach,
    Concat,
    Distinct,
    Extend,
    Filter,
    Join,
    Local,
    Position,
    Relation,
    Scan,
    Slice,
    Sort,
    constant,
)
from pandas_dist.plan.rewrites import (
    Need,
    conjunction,
    is_filtered,
    put_in_order,
    satisfied,
    topological,
)
from pandas_dist.plan.schema import Field
from pandas_dist.plan.window import Window


class Lowering(common.Lowering[Frame]):
    """Lowers each node of one plan once.

    ``few``: joins whose rows a join above them makes few, before they need to be in order.
    """

    def __init__(self, needs: dict[int, Need], looked_at: set[str]) -> None:
        super().__init__(needs, looked_at)
        self.few: set[int] = set()

    def lower(self, node: Relation) -> Frame:
        return self.loose(node).settled()

    def shuffled(self, node: Relation) -> bool:
        """Whether rows below a node are here, but in another order."""
        return any(
            satisfied(below, need.columns, False) and not satisfied(below, need.columns)
            for below in topological(node)
            if (need := self.needs.get(id(below))) is not None and need.parents
        )

    def loose(self, node: Relation) -> Frame:
        """The columns of a node whose rows may still have to be put in order."""
        return super().lower(node)

    def _stored(self, node: Relation) -> Frame | None:
        state = node.state
        # Rows alone are those of any column that is held.
        held = sorted(state.persisted or state.unordered)[:1]
        wanted = sorted(self.needs[id(node)].columns) or held
        if wanted and all(i in state.persisted for i in wanted):
            return from_polars({i: state.persisted[i] for i in wanted})
        if wanted and all(i in state.unordered for i in wanted):
            if not self.needs[id(node)].ordered:
                return from_polars({i: state.unordered[i] for i in wanted})
            if isinstance(node, Aggregate) and put_in_order(node):
                frame = from_polars({i: state.unordered[i] for i in [*node.keys, *wanted]})
                keys = groupby.sort_keys(list(node.keys), state.unordered)
                rows = frame.rows.sort(keys, nulls_last=True)
                return Frame(rows, frame.columns).select(wanted)
        if not wanted or not all(i in state.columns for i in wanted):
            return None
        columns = {i: state.columns[i] for i in wanted}
        return from_pandas(columns, node.fields, state, None, self.looked_at)

    def export(self, frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
        return export(frame, ids, fields)

    def imported(
        self, columns: Mapping[str, pd.Series], fields: Mapping[str, Field], rows: int
    ) -> Frame:
        return from_pandas(columns, fields, None, rows)


lowered = Lowering.lowered


# -- nodes -----------------------------------------------------------------------------------


def local(lowering: Lowering, node: Local, need: Need) -> Frame:
    ids = [i for i in node.fields if i in need.columns]
    columns = {i: node.frame[i] for i in ids}
    return from_pandas(columns, node.fields, node.state, len(node.frame), lowering.looked_at)


def scanned(lowering: Lowering, node: Scan, need: Need) -> Frame:
    ids = [i for i in node.fields if i in need.columns]
    node.source.verify()
    placed = need.ordered and scan.PLACE not in node.names.values()
    rows, columns = scan.lazy(node, ids, placed)
    if rows is not None:
        return Frame(rows, columns, scan.PLACE if placed else None)
    lowering.how[id(node)] = scan.BY_PIECES
    frame = common.by_pieces(node, {i: node.names[i] for i in ids})
    return from_pandas({i: frame[i] for i in ids}, node.fields, None, len(frame))


def extend(lowering: Lowering, node: Extend, need: Need) -> Frame:
    below = lowering.loose(node.child)
    exprs = {i: e for i, e in node.exprs.items() if i in need.columns}
    return computed(lowering, node, below, exprs)


def computed(
    lowering: Lowering, node: Extend | Filter, below: Frame, exprs: Mapping[str, Expr]
) -> Frame:
    """``below`` with expressions as further columns."""
    translator = Translator(below.columns, node.child.fields)
    new: dict[str, pl.Expr] = {}
    columns = dict(below.columns)
    outside: dict[str, Expr] = {}
    for i, expr in exprs.items():
        if isinstance(expr, Lit):
            new[i], columns[i] = literal(expr)
            continue
        try:
            values = translator.values(expr)
        except Opaque:
            outside[i] = expr
            continue
        new[i], columns[i] = values.expr, values.column
    if translator.kernels:
        lowering.how[id(node)] = f"pandas on batches of rows: {', '.join(translator.kernels)}"
    rows = below.rows.with_columns(**new) if new else below.rows
    if outside:
        lowering.how[id(node)] = "gathered: pandas on all rows of some columns"
        return beside(below.over(rows, columns), below, outside, node)
    return below.over(rows, columns)


def beside(frame: Frame, below: Frame, exprs: Mapping[str, Expr], node: Any) -> Frame:
    """Expressions by pandas on all rows, attached to the collected others."""
    kept = frame.collected()
    fields = node.child.fields
    ids = sorted(set().union(*(column_ids(e) for e in exprs.values())))
    source = export(kept, ids, fields)
    memo: dict[int, Any] = {}
    with local_mode():
        values = {i: evaluate(e, source, memo) for i, e in exprs.items()}
    kinds = {i: e.field for i, e in exprs.items()}
    series = {
        i: v if isinstance(v, pd.Series) else constant(v, kinds[i], source)
        for i, v in values.items()
    }
    return hstack(kept, from_pandas(series, kinds, None, len(source)))


def hstack(left: Frame, right: Frame) -> Frame:
    rows = pl.concat([left.rows, right.rows], how="horizontal")
    return left.over(rows, {**left.columns, **right.columns})


def literal(expr: Lit) -> tuple[pl.Expr, Column]:
    """A constant: as a Polars value, or as position 0 in a series of one."""
    one = constant(expr.value, expr.field, pd.DataFrame(index=pd.RangeIndex(1)))
    text = isinstance(expr.value, str)
    field = Field(one.dtype, nulls=not text, text=text and one.dtype == object)
    held, column = to_polars(one, field)
    return pl.lit(held[0], dtype=held.dtype), column


def filtered(lowering: Lowering, node: Filter, need: Need) -> Frame:
    below = lowering.loose(node.child)
    translator = Translator(below.columns, node.child.fields)
    ids = [i for i in node.fields if i in need.columns]
    rest: list[Expr] = []
    terms = conjuncts(node.predicate)
    few = len(terms) > 1 or is_filtered(node.child)
    for term in terms:
        chosen = semi_join(translator, below, term, need, few)
        if chosen is None:
            rest.append(term)
        else:
            below = chosen
    if not rest:
        return below.kept(ids) if ids else below
    try:
        if any(isinstance(term, Lit) for term in rest):
            raise Opaque
        mask = translator.predicate(conjunction(rest)).expr
    except Opaque:
        with_mask = computed(lowering, node, below, {MASK: node.predicate})
        kept = with_mask.over(with_mask.rows.filter(pl.col(MASK)))
        return kept.kept(ids) if ids else kept
    if translator.kernels:
        lowering.how[id(node)] = f"pandas on batches of rows: {', '.join(translator.kernels)}"
    kept = below.over(below.rows.filter(mask))
    return kept.kept(ids) if ids else kept


MASK = "<mask>"
MEMBER = "<member>"


def semi_join(
    translator: Translator, below: Frame, term: Expr, need: Need, few: bool
) -> Frame | None:
    """``isin`` of another lazy series as a join; None if the term is anything else.

    ``few``: rows of which few are probably left, which are cheaper to sort than to join in order.
    """
    how: Any = "semi"
    if isinstance(term, Call) and term.kernel is operator.invert:
        how, term = "anti", term.args[0]
    if not isinstance(term, Call) or not isinstance(term.kernel, Membership):
        return None
    other = term.kernel.values
    left = translator.values(term.args[0])
    source, (key,) = ensure_columns(other.relation, [other.expr])
    inner = lowered(source, {key}, False)
    if not alike(left.column, inner.columns[key]):
        return None
    later = few and need.ordered and below.place is not None
    order: Any = "left" if need.ordered and not later else "none"
    values = inner.rows.select(pl.col(key).alias(MEMBER))
    rows = below.rows.join(
        values,
        left_on=left.expr,
        right_on=MEMBER,
        how=how,
        nulls_equal=left.column.may_miss and inner.columns[key].may_miss,
        maintain_order=order,
    )
    return Frame(rows, below.columns, below.place, below.shuffled or later)


def position(lowering: Lowering, node: Position, need: Need) -> Frame:
    below = lowering.lower(node.child)
    if isinstance(node.child, Scan) and below.place is not None:
        # Filters above pass it on their way to the files.
        rows = below.rows.with_columns(pl.col(below.place).cast(pl.Int64).alias(node.id))
    else:
        rows = below.rows.with_row_index(node.id).with_columns(pl.col(node.id).cast(pl.Int64))
    column = Column(node.fields[node.id].dtype, nulls=False)
    return Frame(rows, {**below.columns, node.id: column}, below.place)


def attach(lowering: Lowering, node: Attach, need: Need) -> Frame:
    below = lowering.lower(node.child)
    columns = {i: c for i, c in node.columns.items() if i in need.columns}
    if not columns:
        return below
    beside = from_pandas(columns, node.new, node.state, None, lowering.looked_at)
    if not below.columns:
        return beside
    return hstack(below, beside)


FENCE = "<fence>"


def sliced(lowering: Lowering, node: Slice, need: Need) -> Frame:
    start, stop, step = node.window.start, node.window.stop, node.window.step
    below = None
    if isinstance(node.child, Sort) and node.child.first is not None and stop == node.child.first:
        below = largest(lowering, node.child, stop)
    if below is None:
        below = lowering.lower(node.child)
    if not need.ordered and may_join(node.child):
        below = fenced(below)
    if step in (None, 1) and (start or 0) >= 0 and (stop is None or stop >= 0):
        length = None if stop is None else max(0, stop - (start or 0))
        return Frame(below.rows.slice(start or 0, length), below.columns)
    if step in (None, 1) and stop is None:
        return Frame(below.rows.tail(-start), below.columns)
    return Frame(collect(below.rows)[node.window].lazy(), below.columns)


def may_join(node: Relation) -> bool:
    """Whether a join, or a filter that becomes one, gives the rows."""
    return isinstance(node, (Join, Filter)) or any(may_join(c) for c in node.children)


def fenced(frame: Frame) -> Frame:
    """The same rows.  Where the order of its result does not matter, Polars forgets that of a join
    below a slice, unless it cannot move the slice into the join: no slice passes a filter, and
    no filter passes the numbers of rows."""
    rows = frame.rows.with_row_index(FENCE).filter(pl.col(FENCE) >= 0)
    return frame.over(rows.drop(FENCE))


def sort(lowering: Lowering, node: Sort, need: Need) -> Frame:
    below = lowering.lower(node.child)
    held = [below.columns[i] for i in node.by]
    if any(c.opaque for c in held):
        raise Opaque
    stable = len(node.by) > 1 or node.kind in ("stable", "mergesort")
    if not stable and not unique(node.child, node.by):
        return unstable_sort(lowering, node, below)
    return stable_sort(node, below)


def stable_sort(node: Sort, below: Frame) -> Frame:
    rows = below.rows.sort(
        [groupby.clean(i, below.columns[i]) for i in node.by],
        descending=[not a for a in node.ascending],
        nulls_last=node.na_position == "last",
        maintain_order=True,
    )
    return Frame(rows, below.columns)


def largest(lowering: Lowering, node: Sort, rows: int) -> Frame | None:
    """The first rows of a sort that is stable if there are more; None if there are not."""
    need = lowering.needs[id(node)]
    if need.parents > 1 or satisfied(node, need.columns):
        return None
    below = lowering.lower(node.child)
    if any(below.columns[i].opaque for i in node.by):
        return None
    top = Frame(stable_sort(node, below).rows.head(rows + 1), below.columns).collected()
    return top if top.count() > rows else None


def unstable_sort(lowering: Lowering, node: Sort, below: Frame) -> Frame:
    """Ties come as in pandas: by its own sort of the key, which is not stable."""
    lowering.how[id(node)] = "by pandas' order of the key"
    data = collect(below.rows)
    (key,) = node.by
    keys = export(Frame(data.lazy(), below.columns), [key], node.child.fields)
    with local_mode():
        ordered = node.kernel(keys.assign(**{ROW: range(len(keys))}))
    return Frame(data[ordered[ROW].to_numpy()].lazy(), below.columns)


def distinct(lowering: Lowering, node: Distinct, need: Need) -> Frame:
    below = lowering.lower(node.child)
    held = {i: below.columns[i] for i in node.subset}
    if any(c.opaque for c in held.values()):
        raise Opaque
    rows = below.rows.with_columns([groupby.clean(i, c) for i, c in held.items() if c.nans])
    keep: Any = node.keep or "none"
    rows = rows.unique(list(node.subset), keep=keep, maintain_order=need.ordered)
    cleaned = {i: replace(c, nulls=True, nans=False) for i, c in held.items() if c.nans}
    return Frame(rows, {**below.columns, **cleaned})


def aggregate(lowering: Lowering, node: Aggregate, need: Need) -> Frame:
    if common.to_the_last_bit(node, need) and not lowering.shuffled(node):
        return lowering.added_by_pandas(node, need)
    below = lowering.lower(node.child)
    rows, columns = groupby.lower(node, need, below)
    return Frame(rows, columns)


def windowed(lowering: Lowering, node: Window, need: Need) -> Frame:
    if common.to_the_last_bit(node, need) and not lowering.shuffled(node):
        return lowering.added_by_pandas(node, need)
    rows, columns = window.lower(node, need, lowering.lower(node.child))
    return Frame(rows, columns)


def joined(lowering: Lowering, node: Join, need: Need) -> Frame:
    order = join.order_of(node, need, lowering.few)
    if order.after:
        lowering.few |= join.joins_below(node)
    lookups.narrow(lowering, node)
    lower = lowering.loose if order.after else lowering.lower
    rows, columns = join.lower(node, need, order, lower(node.left), lower(node.right))
    deferred = order.deferred and bool(columns)
    return Frame(rows, columns, join.LEFT_ROW if deferred else None, deferred)


def concat(lowering: Lowering, node: Concat, need: Need) -> Frame:
    ids = [i for i in node.fields if i in need.columns]
    parts: list[pl.LazyFrame] = []
    columns: dict[str, Column] = {}
    for child, names in zip(node.children, node.maps, strict=True):
        below = lowering.lower(child)
        for i in ids:
            if i not in names or not node.fields[i].known:
                raise Opaque
            column = below.columns[names[i]]
            same = column.dtype == node.fields[i].dtype
            known = columns.setdefault(i, column)
            if not same or not alike(column, known) or known.missing is not column.missing:
                raise Opaque
            columns[i] = replace(
                known, nulls=known.nulls or column.nulls, nans=known.nans or column.nans
            )
        if not ids:
            raise Opaque
        parts.append(below.rows.select([pl.col(names[i]).alias(i) for i in ids]))
    return Frame(pl.concat(parts, how="vertical"), columns)


Lowering.steps = {
    Local: local,
    Scan: scanned,
    Extend: extend,
    Filter: filtered,
    Position: position,
    Attach: attach,
    Slice: sliced,
    Sort: sort,
    Distinct: distinct,
    Aggregate: aggregate,
    Join: joined,
    Concat: concat,
    Window: windowed,
}
