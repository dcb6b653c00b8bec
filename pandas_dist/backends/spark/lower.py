"""One lowering per relation node, to Spark SQL.

A node without an exact form in Spark runs its pandas kernel on the collected rows of its
inputs (``by_kernel``); everything around it stays in Spark.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from pandas_dist.backends import lowering as common
from pandas_dist.backends.spark import groupby, join, local, pieces, scan, window
from pandas_dist.backends.spark.columns import Column, alike, native, to_arrow, without_nan
from pandas_dist.backends.spark.expressions import Opaque, Translator
from pandas_dist.backends.spark.frames import (
    Frame,
    export,
    numbered,
    sorted_rows,
)
from pandas_dist.backends.spark.rows import Key, Rows, literal, new_name, order_by, quoted
from pandas_dist.ops.membership import Membership
from pandas_dist.plan import relations as plans
from pandas_dist.plan.bounds import likely_rows, unique
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Expr, Lit, conjuncts
from pandas_dist.plan.frames import ensure_columns
from pandas_dist.plan.relations import Relation, assemble, constant
from pandas_dist.plan.rewrites import Need, conjunction, requirements
from pandas_dist.plan.schema import Field
from pandas_dist.plan.window import Window

# So few rows of an earlier step that pandas is done before Spark has begun.
FEW_ROWS = 10_000
# Less than this pandas sorts sooner than Spark.
SORTED_BYTES = 64e6


class Lowering(common.Lowering[Frame]):
    """Lowers each node of one plan once; ``run``: whether rows may be computed on the way."""

    run = True

    def _stored(self, node: Relation) -> Frame | None:
        wanted = sorted(self.needs[id(node)].columns)
        state = node.state
        if wanted and all(i in state.persisted for i in wanted):
            return state.persisted[wanted[0]].select(wanted)
        if not wanted or not all(i in state.columns for i in wanted):
            return None
        columns = {i: state.columns[i] for i in wanted}
        rows = len(columns[wanted[0]])
        found = self.from_pandas(columns, node.fields, state, rows, self.looked_at)
        return self.with_rows(found, columns, rows)

    def _lower(self, node: Relation) -> Frame:
        if not node.children or not all(map(self._few, node.children)):
            return super()._lower(node)
        self.how[id(node)] = "pandas, on the few rows that are here"
        return self.by_kernel(node, self.needs[id(node)])

    def _few(self, node: Relation) -> bool:
        """Whether the rows of a step are few and here; those of the user's frames go to Spark."""
        here = self.lower(node).here
        return here is not None and len(here) <= FEW_ROWS and not isinstance(node, plans.Local)

    def export(self, frame: Frame, ids: list[str], fields: Mapping[str, Field]) -> pd.DataFrame:
        return export(frame, ids, fields)

    def imported(
        self, columns: Mapping[str, pd.Series], fields: Mapping[str, Field], rows: int
    ) -> Frame:
        found = self.from_pandas(columns, fields, None, rows)
        return self.with_rows(found, columns, rows)

    def with_rows(self, frame: Frame, columns: Mapping[str, pd.Series], rows: int) -> Frame:
        """The frame of rows that are here."""
        here = assemble(columns, rows)
        if self.run:
            return replace(frame, here=here)
        return replace(frame, here=here.iloc[:0]) if rows <= FEW_ROWS else frame

    def from_pandas(self, *given: Any) -> Frame:
        return local.from_pandas(*given)

    def scan(self, node: plans.Scan, ids: list[str]) -> pd.DataFrame:
        """The rows of a scan by pyarrow."""
        return common.by_pieces(node, {i: node.names[i] for i in ids})


lowered = Lowering.lowered


# -- nodes -----------------------------------------------------------------------------------


def in_memory(lowering: Lowering, node: plans.Local, need: Need) -> Frame:
    columns = {i: node.frame[i] for i in node.fields if i in need.columns}
    rows = len(node.frame)
    found = lowering.from_pandas(columns, node.fields, node.state, rows, lowering.looked_at)
    return lowering.with_rows(found, columns, rows)


def scanned(lowering: Lowering, node: plans.Scan, need: Need) -> Frame:
    ids = [i for i in node.fields if i in need.columns]
    node.source.verify()
    found = scan.lazy(node, ids, need.ordered)
    if found is not None:
        return found
    found = None if common.are_few(node, set(ids)) else scan.by_workers(node, ids)
    if found is not None:
        lowering.how[id(node)] = pieces.BY_WORKERS
        return found
    lowering.how[id(node)] = scan.BY_PIECES
    frame = lowering.scan(node, ids)
    kept = node.state if node.small and not node.predicate else None
    return lowering.from_pandas({i: frame[i] for i in ids}, node.fields, kept, len(frame))


def extend(lowering: Lowering, node: plans.Extend, need: Need) -> Frame:
    below = lowering.lower(node.child)
    exprs = {i: e for i, e in node.exprs.items() if i in need.columns}
    translator = Translator(below.rows, below.columns, node.child.fields)
    new: dict[str, str] = {}
    columns = dict(below.columns)
    for i, expr in exprs.items():
        if isinstance(expr, Lit):
            new[i], columns[i] = fixed(expr)
            continue
        values = translator.values(expr)
        new[i], columns[i] = values.sql, values.column
    told(lowering, node, translator)
    return Frame(translator.rows.extend(new), columns, below.order, below.dense)


def told(lowering: Lowering, node: Relation, translator: Translator) -> None:
    if translator.kernels:
        names = ", ".join(translator.kernels)
        lowering.how[id(node)] = f"pandas on batches of rows, in Spark's workers: {names}"


def fixed(expr: Lit) -> tuple[str, Column]:
    """A constant: as a Spark value, or as position 0 in a series of one."""
    one = constant(expr.value, expr.field, pd.DataFrame(index=pd.RangeIndex(1)))
    text = isinstance(expr.value, str)
    field = Field(one.dtype, nulls=not text, text=text and one.dtype == object)
    held, column = to_arrow(one, field)
    return f"({literal(held[0].as_py(), column.physical)})", column


def filtered(lowering: Lowering, node: plans.Filter, need: Need) -> Frame:
    below = lowering.lower(node.child)
    ids = [i for i in node.fields if i in need.columns]
    rest: list[Expr] = []
    for term in conjuncts(node.predicate):
        chosen = semi_join(lowering, below, term, node.child.fields)
        if chosen is None:
            rest.append(term)
        else:
            below = chosen
    if rest:
        if any(isinstance(term, Lit) for term in rest):
            raise Opaque
        translator = Translator(below.rows, below.columns, node.child.fields)
        mask = translator.predicate(conjunction(rest)).sql
        told(lowering, node, translator)
        below = below.with_rows(translator.rows.where(mask))
    return below.select(ids)


def semi_join(
    lowering: Lowering, below: Frame, term: Expr, fields: Mapping[str, Field]
) -> Frame | None:
    """``isin`` of another lazy series as a join; None if the term is anything else."""
    how = "left_semi"
    if isinstance(term, Call) and term.kernel is operator.invert:
        how, term = "left_anti", term.args[0]
    if not isinstance(term, Call) or not isinstance(term.kernel, Membership):
        return None
    other = term.kernel.values
    translator = Translator(below.rows, below.columns, fields)
    left = translator.values(term.args[0])
    source, (key,) = ensure_columns(other.relation, [other.expr])
    inner = type(lowering).lowered(source, {key}, False)
    held = inner.columns[key]
    if not alike(left.column, held):
        return None
    name = new_name()
    values = inner.rows.select({name: without_nan(quoted(key), held)})
    missing = left.column.nulls or left.column.nans
    equal = "<=>" if missing and (held.nulls or held.nans) else "="
    rows = translator.rows.join(values, f"{left.clean()} {equal} {quoted(name)}", how)
    return below.with_rows(rows)


def position(lowering: Lowering, node: plans.Position, need: Need) -> Frame:
    below = numbered(lowering.lower(node.child))
    columns = {**below.columns, node.id: Column(node.fields[node.id].dtype, nulls=False)}
    rows = below.rows.extend({node.id: quoted(below.order[0].name)})
    return Frame(rows, columns, below.order, dense=True)


def attach(lowering: Lowering, node: plans.Attach, need: Need) -> Frame:
    together = memory_of(node)
    if together is not None and node.bytes_per_row() * (node.rows() or 0) < local.LARGE_BYTES:
        wanted = {i: c for i, c in together.items() if i in need.columns}
        count = len(next(iter(together.values())))
        return lowering.from_pandas(wanted, node.fields, node.state, count, lowering.looked_at)
    below = lowering.lower(node.child)
    columns = {i: c for i, c in node.columns.items() if i in need.columns}
    if not columns:
        return below
    count = len(next(iter(columns.values())))
    beside = lowering.from_pandas(columns, node.new, node.state, count, lowering.looked_at)
    if not below.columns:
        return beside
    below = numbered(below)
    (left,), (right,) = below.order, beside.order
    joined = below.rows.join(beside.rows, f"{quoted(left.name)} = {quoted(right.name)}", "inner")
    both = {**below.columns, **beside.columns}
    return Frame(joined, both, below.order, dense=True).select(both)


def memory_of(node: Relation) -> dict[str, pd.Series] | None:
    """The columns of a frame in memory, with those attached to it; None for anything else."""
    if isinstance(node, plans.Local):
        return {i: node.frame[i] for i in node.fields}
    if not isinstance(node, plans.Attach):
        return None
    below = memory_of(node.child)
    return None if below is None else {**below, **node.columns}


def sliced(lowering: Lowering, node: plans.Slice, need: Need) -> Frame:
    below = lowering.lower(node.child)
    if node.window.step not in (None, 1):
        return stepped(below, node)
    start, stop = node.window.start or 0, node.window.stop
    count = node.child.rows()
    if count is not None and (start < 0 or (stop is not None and stop < 0)):
        start, stop, _ = node.window.indices(count)
    if start < 0 and stop is None:
        last = below.rows.sort([key.reverse() for key in below.order]).limit(-start)
        return below.with_rows(last)
    if start < 0 or (stop is not None and stop < 0):
        raise Opaque
    if below.dense:
        row = quoted(below.order[0].name)
        upper = "" if stop is None else f" AND {row} < {stop}L"
        return below.with_rows(below.rows.where(f"{row} >= {start}L{upper}"))
    rows = sorted_rows(below)
    if start:
        rows = rows.offset(start)
    if stop is not None:
        rows = rows.limit(max(0, stop - start))
    return below.with_rows(rows)


def stepped(below: Frame, node: plans.Slice) -> Frame:
    """Each n-th row, from the start or backwards."""
    window, count = node.window, node.child.rows()
    backwards = tuple(key.reverse() for key in below.order)
    if (window.start, window.stop, window.step) == (None, None, -1):
        return replace(below.with_rows(below.rows), order=backwards)
    if count is None:
        if window.step < 0 or (window.start or 0) < 0 or (window.stop or 0) < 0:
            raise Opaque
        count = 2**62 if window.stop is None else window.stop
    chosen, below = range(count)[window], numbered(below)
    if not chosen:
        return below.with_rows(below.rows.where("false"))
    row, (low, high) = quoted(below.order[0].name), sorted((chosen[0], chosen[-1]))
    apart = f"({row} - {low}L) % {abs(chosen.step)}L = 0L"
    rows = below.rows.where(f"{row} BETWEEN {low}L AND {high}L AND {apart}")
    order = tuple(key.reverse() for key in below.order) if chosen.step < 0 else below.order
    return replace(below.with_rows(rows), order=order)


def sort(lowering: Lowering, node: plans.Sort, need: Need) -> Frame:
    below = lowering.lower(node.child)
    if not need.ordered:
        return below
    held = [below.columns[i] for i in node.by]
    if any(c.opaque for c in held):
        raise Opaque
    ties = len(node.by) == 1 and node.kind not in ("stable", "mergesort")
    if ties and not unique(node.child, node.by):
        return unstable_sort(lowering, node, need, below)
    names = {new_name(): without_nan(quoted(i), c) for i, c in zip(node.by, held)}
    nulls_first = node.na_position == "first"
    keys = [Key(n, not up, nulls_first) for n, up in zip(names, node.ascending)]
    return Frame(below.rows.extend(names), below.columns, (*keys, *below.order))


def unstable_sort(lowering: Lowering, node: plans.Sort, need: Need, below: Frame) -> Frame:
    """Ties come as in pandas: by its own sort of the key, which is not stable."""
    if likely_rows(node) * node.bytes_per_row(need.columns) < SORTED_BYTES:
        raise Opaque  # the whole rows by pandas: Spark would compute, then join them
    lowering.how[id(node)] = "by pandas' order of the key"
    below = numbered(below)
    if lowering.run and not is_read(node.child):
        below = below.persist()
    (key,) = node.by
    keys = lowering.export(below.select([key]), [key], node.child.fields)
    here = new_name()
    with local_mode():
        moved = node.kernel(keys.assign(**{here: range(len(keys))}))
    # The place of each row among the sorted ones, beside its place among those below.
    places = pd.Series(range(len(keys)), index=moved[here].to_numpy()).sort_index()
    beside = lowering.from_pandas(
        {here: places.reset_index(drop=True)}, {here: Field(places.dtype, False)}, None, len(keys)
    )
    (left,), (right,) = below.order, beside.order
    rows = below.rows.join(beside.rows, f"{quoted(left.name)} = {quoted(right.name)}", "inner")
    return Frame(rows, below.columns, (Key(here, whole=True),), dense=True)


def is_read(node: Relation) -> bool:
    """Whether rows cost no more than reading them again."""
    while isinstance(node, (plans.Extend, plans.Filter, plans.Position)):
        node = node.child
    return isinstance(node, (plans.Scan, plans.Local))


def distinct(lowering: Lowering, node: plans.Distinct, need: Need) -> Frame:
    below = keyed(lowering, node, need, node.subset)
    ids = [i for i in node.fields if i in need.columns]
    held = {i: below.columns[i] for i in node.subset}
    if any(c.opaque for c in held.values()):
        raise Opaque
    keys = {i: without_nan(quoted(i), c) for i, c in held.items()}
    if not below.order and node.keep is not False and set(ids) <= set(held):
        rows = below.rows.group(keys, {})
        columns = {i: replace(below.columns[i], nans=False) for i in held}
        columns = {i: replace(c, nulls=c.nulls or held[i].nans) for i, c in columns.items()}
        return Frame(rows, columns)
    by = f"PARTITION BY {', '.join(keys.values())}"
    name = new_name()
    if node.keep is False:
        rows = below.rows.extend({name: f"count(1) OVER ({by})"})
    else:
        order = below.order if node.keep == "first" else [k.reverse() for k in below.order]
        if not order:
            raise Opaque
        rows = below.rows.extend({name: f"row_number() OVER ({by} {order_by(order)})"})
    return below.with_rows(rows.where(f"{name} = 1")).select(ids)


def aggregate(lowering: Lowering, node: plans.Aggregate, need: Need) -> Frame:
    if common.to_the_last_bit(node, need):
        return lowering.added_by_pandas(node, need)
    return groupby.lower(node, need, keyed(lowering, node, need, node.keys.values()))


def keyed(
    lowering: Lowering, node: plans.Aggregate | plans.Distinct, need: Need, keys: Iterable[str]
) -> Frame:
    """The input, in row order if a key is a float: the first row tells 0.0 from -0.0."""
    below = lowering.lower(node.child)
    if below.order or not any(node.child.fields[i].kind in "f?" for i in keys):
        return below
    (wanted,) = node.needs(need.columns)
    needs = requirements(node.child, wanted, True)
    return type(lowering)(needs, lowering.looked_at).lower(node.child)


def windowed(lowering: Lowering, node: Window, need: Need) -> Frame:
    if common.to_the_last_bit(node, need):
        return lowering.added_by_pandas(node, need)
    return window.lower(node, need, lowering.lower(node.child))


def joined(lowering: Lowering, node: plans.Join, need: Need) -> Frame:
    left, right = lowering.lower(node.left), lowering.lower(node.right)
    return join.lower(node, need, left, right, lowering.run)


def concat(lowering: Lowering, node: plans.Concat, need: Need) -> Frame:
    ids = [i for i in node.fields if i in need.columns]
    part, row = Key(new_name(), whole=True), Key(new_name(), whole=True)
    parts: list[Rows] = []
    columns: dict[str, Column] = {}
    for n, (child, names) in enumerate(zip(node.children, node.maps, strict=True)):
        below = lowering.lower(child)
        for i in ids:
            if i not in names or native(node.fields[i]) is None:
                raise Opaque
            column = below.columns[names[i]]
            if column.dtype != node.fields[i].dtype:
                raise Opaque
            known = columns.setdefault(i, column)
            if not alike(known, column) or (known.missing is None) != (column.missing is None):
                raise Opaque
            columns[i] = replace(
                known, nulls=known.nulls or column.nulls, nans=known.nans or column.nans
            )
        chosen = {i: quoted(names[i]) for i in ids}
        if need.ordered:
            if not (len(below.order) == 1 and below.order[0].rises):
                below = numbered(below)
            chosen |= {part.name: f"{n}L", row.name: quoted(below.order[0].name)}
        parts.append(below.rows.select(chosen))
    order = (part, row) if need.ordered else ()
    return Frame(parts[0].union(parts[1:]), columns, order)


Lowering.steps = {
    plans.Local: in_memory,
    plans.Scan: scanned,
    plans.Extend: extend,
    plans.Filter: filtered,
    plans.Position: position,
    plans.Attach: attach,
    plans.Slice: sliced,
    plans.Sort: sort,
    plans.Distinct: distinct,
    plans.Aggregate: aggregate,
    plans.Join: joined,
    plans.Concat: concat,
    Window: windowed,
}
