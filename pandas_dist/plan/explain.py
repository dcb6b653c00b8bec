"""``explain()``: the plan before and after the passes, and how the engine would run it.

Nothing is executed.  The text holds labels and counts, no ids and no addresses, so
that it is the same in every process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pandas_dist import backends
from pandas_dist.config import engine_name
from pandas_dist.plan.bounds import likely_rows, row_bound
from pandas_dist.plan.frames import FramePlan, Plan, ensure_columns
from pandas_dist.plan.index import KeyLabels, RangeLabels, TakenLabels
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
)
from pandas_dist.plan.rewrites import Need, optimise, requirements, satisfied
from pandas_dist.plan.text import Names, shortened, value_text
from pandas_dist.plan.window import Window

WIDTH = 110


class Text(str):
    """A string that shows itself without quotes, at a prompt as in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def explain(kind: str, plan: Plan | None) -> Text:
    """The plan of a ``kind`` of object ("DataFrame", "Series"); None for one without a plan."""
    if plan is None:
        return Text(f"{kind} in memory (pandas)")
    source, ids = ensure_columns(plan.relation, (*plan.exprs, *plan.index.exprs))
    wanted = set(ids)
    names = Names(source, labels_of(plan, ids))
    after = optimise(source, wanted, ordered=True)
    needs = requirements(after, wanted, ordered=True)
    names = Names(after, {**labels_of(plan, ids), **names.known})
    engine, why = chosen(source, wanted)
    done = " (already computed: the result is kept)" if plan.memo else ""
    lines = [
        f"{kind} on {engine}{done}",
        *why,
        *header(plan, names),
        "",
        "Plan as written",
        *tree(Before(names), source),
        "",
        f"Plan as run on {engine}",
        *tree(After(names, needs, engine, after), after),
    ]
    return Text("\n".join(lines))


def chosen(source: Relation, ids: set[str]) -> tuple[str, list[str]]:
    """The engine, and why it is that one where nobody named it."""
    engine = engine_name()
    if engine != "auto":
        return engine, []
    from pandas_dist.choose import choice

    found = choice(source, ids)
    return found.engine, [f"chosen by auto: {found.why}"]


def labels_of(plan: Plan, ids: list[str]) -> dict[str, Any]:
    """Labels of a plan's columns, and names of its index levels, by id."""
    columns = list(plan.columns) if isinstance(plan, FramePlan) else [plan.name]
    found: dict[str, Any] = {}
    for i, name in zip(ids, columns):
        found.setdefault(i, name)
    if isinstance(plan.index, KeyLabels):
        for i, name in zip(ids[len(columns) :], plan.index.names):
            if name is not None:
                found.setdefault(i, name)
    return found


def header(plan: Plan, names: Names) -> Iterator[str]:
    """Columns with their dtypes, and which labels of the index are computed."""
    columns = list(plan.columns) if isinstance(plan, FramePlan) else [plan.name]
    shown = [f"{c} {e.field.dtype if e.field.known else '?'}" for c, e in zip(columns, plan.exprs)]
    yield fit(f"columns: {', '.join(shown)}")
    if not all(e.field.known for e in plan.exprs):
        yield "  ?: this dtype depends on the data and is known when the plan has run"
    yield fit(f"index: {index_text(plan.index, names)}")


def index_text(index: Any, names: Names) -> str:
    if isinstance(index, RangeLabels):
        rule = f"{index.start}, {index.start + index.step}, …"
        return f"{rule} (a range; nothing is computed)"
    if isinstance(index, TakenLabels):
        if isinstance(index.base, pd.Index):
            base = "an index in memory"
        else:
            base = "a range" if isinstance(index.base, RangeLabels) else "keys"
        return f"labels of {base}, taken by the positions of the rows that are left (computed)"
    assert isinstance(index, KeyLabels)
    return f"{', '.join(map(names.text, index.exprs))} (computed from columns)"


def fit(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


# -- the tree --------------------------------------------------------------------------------


def tree(view: Any, root: Relation) -> list[str]:
    """Steps with their inputs indented below; a shared step is written once."""
    numbers = shared_numbers(view, root)
    lines: list[str] = []
    seen: set[int] = set()

    def visit(node: Relation, depth: int) -> None:
        indent = "  " * depth
        number = numbers.get(id(node))
        mark = "" if number is None else f"[{number}] "
        if id(node) in seen:
            lines.append(f"{indent}{mark}(the same step as above)")
            return
        seen.add(id(node))
        lines.append(indent + fit(mark + title(node, view.names)))
        lines.extend(f"{indent}    {fit(line)}" for line in view.details(node))
        for child in view.inputs(node):
            visit(child, depth + 1)

    visit(root, 1)
    return lines


def shared_numbers(view: Any, root: Relation) -> dict[int, int]:
    """Numbers for the steps that several others use, in the order in which they are shown."""
    uses: dict[int, int] = {}
    order: list[int] = []
    stack, seen = [root], set()
    while stack:
        node = stack.pop()
        uses[id(node)] = uses.get(id(node), 0) + 1
        if id(node) not in seen:
            seen.add(id(node))
            order.append(id(node))
            stack.extend(reversed(view.inputs(node)))
    return {key: n for n, key in enumerate((k for k in order if uses[k] > 1), 1)}


@dataclass(frozen=True)
class Before:
    """The plan as the script wrote it: what each step is, nothing more."""

    names: Names

    def inputs(self, node: Relation) -> tuple[Relation, ...]:
        return node.children

    def details(self, node: Relation) -> list[str]:
        return []


class After:
    """The plan as it runs: engine, partitions, columns, order, sizes."""

    def __init__(self, names: Names, needs: dict[int, Need], engine: str, root: Relation) -> None:
        self.names, self.needs, self.engine, self.root = names, needs, engine, root
        self.sketches = backends.load(engine).sketch(root, needs)

    def inputs(self, node: Relation) -> tuple[Relation, ...]:
        need = self.needs[id(node)]
        held = satisfied(node, need.columns, need.ordered)
        return () if held else node.children

    def details(self, node: Relation) -> list[str]:
        need = self.needs[id(node)]
        lines = [f"runs: {self.how(node, need)}"]
        if isinstance(node, Scan) and not satisfied(node, need.columns, need.ordered):
            lines.append(f"reads: {scan_text(node, need, self.names)}")
        columns = self.names.list(need.columns) or "none (only the number of rows)"
        order = "required" if need.ordered else "not required"
        lines.append(f"gives: {columns}; row order {order}; {size_text(node, need)}")
        return lines

    def how(self, node: Relation, need: Need) -> str:
        if satisfied(node, need.columns, need.ordered):
            state = node.state
            held = state.persisted or state.unordered
            where = f"on {self.engine}" if held else "in memory"
            return f"not again: kept {where}"
        if isinstance(node, Local):
            return f"{provenance(node)}, {self._handed(node)}"
        found = self.sketches.get(id(node))
        prefix = node is self.root and isinstance(node, Slice) and is_prefix(node.window)
        if prefix and not isinstance(node.children[0], Sort):
            return f"{self.engine}, native, the first partitions until there are enough rows"
        if found is None:
            return f"{self.engine}, native"
        kernel = found.how.startswith(("gathered", "pandas"))
        kind = "pandas' kernel" if kernel else "native"
        return f"{self.engine}, {kind}, {found.how}"

    def _handed(self, node: Relation) -> str:
        found = self.sketches.get(id(node))
        if found is None:
            return f"handed to {self.engine}"
        return f"cut for {self.engine} into {found.how}"


def is_prefix(window: slice) -> bool:
    start, stop = window.start or 0, window.stop
    return start >= 0 and stop is not None and stop >= 0 and window.step in (None, 1)


def provenance(node: Relation) -> str:
    return f"in memory, {node.state.origin}" if node.state.origin else "in memory"


def size_text(node: Relation, need: Need) -> str:
    """Rows (exact, an upper bound, or a guess) and an estimate of their bytes."""
    rows = node.rows()
    likely, bound = likely_rows(node), row_bound(node)
    if rows is None and likely == float("inf"):
        return "rows unknown"
    count = likely if rows is None else rows
    most = "" if rows is not None else "at most " if bound <= likely else "perhaps "
    size = count * node.bytes_per_row(need.columns)
    return f"{most}{count:,.0f} rows, about {bytes_text(size)}"


def bytes_text(size: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} bytes"


def scan_text(node: Scan, need: Need, names: Names) -> str:
    """Columns and pieces of the files that are read, and what lets the others be skipped."""
    from pandas_dist.ops.parquet import comparison

    columns = sum(i in need.columns for i in node.names)
    pieces = node.source.pieces()
    kept = node.source.select(pieces, node)
    text = f"{columns} of {len(node.names)} columns, {part_text(pieces, kept)}"
    ways = [
        " and ".join(names.text(term) for term in terms if comparison(term))
        for terms in node.predicate or ((),)
    ]
    known = all(ways) and text.endswith("row groups")
    return f"{text}; by statistics of {' or '.join(dict.fromkeys(ways))}" if known else text


def part_text(pieces: Any, kept: Any) -> str:
    if all(hasattr(p, "groups") for p in pieces):
        inside = [sum(len(p.groups) for p in chosen) for chosen in (kept, pieces)]
        return f"{inside[0]} of {inside[1]} row groups"
    return f"{len(kept)} of {len(pieces)} pieces"


# -- what a step is --------------------------------------------------------------------------


def title(node: Relation, names: Names) -> str:
    """One line: the step and its arguments."""
    describe = _TITLES.get(type(node))
    name = type(node).__name__
    return name if describe is None else f"{name} {describe(node, names)}".rstrip()


def _scan(node: Scan, names: Names) -> str:
    return str(node.source.describe())


def _local(node: Local, names: Names) -> str:
    return f"{len(node.frame):,} rows, {len(node.labels)} columns"


def _extend(node: Extend, names: Names) -> str:
    parts = []
    for i, expr in node.exprs.items():
        name, text = names(i), names.text(expr)
        parts.append(text if name == shortened(text) else f"{name} = {text}")
    return "; ".join(parts)


def _attach(node: Attach, names: Names) -> str:
    origin = f" (gathered: {node.state.origin})" if node.state.origin else ""
    return f"{names.list(node.columns)} from memory{origin}"


def _filter(node: Filter, names: Names) -> str:
    return names.text(node.predicate)


def _slice(node: Slice, names: Names) -> str:
    w = node.window
    parts = ["" if p is None else str(p) for p in (w.start, w.stop)]
    return f"[{':'.join(parts)}{'' if w.step is None else f':{w.step}'}]"


def _sort(node: Sort, names: Names) -> str:
    keys = [names(i) + ("" if up else " descending") for i, up in zip(node.by, node.ascending)]
    return f"by {', '.join(keys)}; missing values {node.na_position}, {node.kind}"


def _distinct(node: Distinct, names: Names) -> str:
    return f"by {', '.join(map(names, node.subset))}; keep {value_text(node.keep)}"


def _aggregate(node: Aggregate, names: Names) -> str:
    keys = ", ".join(map(names, node.keys.values()))
    aggs = []
    for i, agg in node.aggs.items():
        text = names.aggregation(agg)
        name = names(i)
        aggs.append(text if name in (text, names(agg.column or "")) else f"{name} = {text}")
    order = "sorted by key" if node.sort else "in order of appearance"
    missing = "" if node.dropna else ", missing keys kept"
    return f"by {keys}: {', '.join(aggs)}; {order}{missing}"


def _window(node: Window, names: Names) -> str:
    parts = []
    for i, call in node.calls.items():
        name, text = names(i), names.window(call)
        parts.append(text if name == shortened(text) else f"{name} = {text}")
    return "; ".join(parts)


def _join(node: Join, names: Names) -> str:
    if node.how == "cross":
        return "cross"
    pairs = [(names(a), names(b)) for a, b in zip(node.left_on, node.right_on)]
    return f"{node.how} on {', '.join(a if a == b else f'{a} = {b}' for a, b in pairs)}"


def _concat(node: Concat, names: Names) -> str:
    return f"of {len(node.children)} inputs"


def _position(node: Position, names: Names) -> str:
    return "numbers the rows 0, 1, …"


_TITLES: dict[type, Any] = {
    Scan: _scan,
    Local: _local,
    Extend: _extend,
    Attach: _attach,
    Filter: _filter,
    Slice: _slice,
    Sort: _sort,
    Distinct: _distinct,
    Aggregate: _aggregate,
    Window: _window,
    Join: _join,
    Concat: _concat,
    Position: _position,
}
