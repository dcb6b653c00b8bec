"""The passes: required columns, required order, filter pushdown.

Each pass works on the plan as a graph; a node that several others use stays
shared.  A rewritten node keeps the ``state`` of the node whose rows it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pandas_dist.plan.bounds import unique, unique_left, unique_right
from pandas_dist.plan.expressions import (
    Call,
    Col,
    Expr,
    Lit,
    column_ids,
    conjuncts,
    excludes,
    substitute,
)
from pandas_dist.plan.relations import (
    Aggregate,
    Attach,
    Concat,
    Distinct,
    Extend,
    Filter,
    Join,
    Position,
    Relation,
    Scan,
    Slice,
    Sort,
    State,
)
from pandas_dist.plan.schema import Field
from pandas_dist.plan.window import Window, WindowCall, inputs

ORDERED_AGGS = frozenset({"first", "last"})


@dataclass(slots=True)
class Need:
    """What the rest of a plan asks of one node."""

    columns: set[str] = field(default_factory=set)
    ordered: bool = False
    parents: int = 0


def topological(root: Relation) -> list[Relation]:
    """All nodes, parents before children."""
    done: list[Relation] = []
    entered: set[int] = set()
    left: set[int] = set()
    stack = [root]
    while stack:
        node = stack[-1]
        key = id(node)
        if key not in entered:
            entered.add(key)
            stack.extend(node.children)
            continue
        stack.pop()
        if key not in left:
            left.add(key)
            done.append(node)
    return done[::-1]


def satisfied(node: Relation, columns: set[str], ordered: bool = True) -> bool:
    """Whether a stored result already gives these columns, in row order if ``ordered``."""
    state = node.state
    if state.persisted and columns <= state.persisted.keys():
        return True
    in_order = not ordered or put_in_order(node)
    if state.unordered and columns <= state.unordered.keys() and in_order:
        return True
    return bool(columns) and columns <= state.columns.keys()


def put_in_order(node: Relation) -> bool:
    """Whether stored groups that came in any order can be sorted again: their keys are stored."""
    if not isinstance(node, Aggregate) or not node.sort:
        return False
    return node.keys.keys() <= node.state.unordered.keys()


def requirements(root: Relation, columns: set[str], ordered: bool) -> dict[int, Need]:
    """For each node (by ``id``): the columns, and whether the order, that is needed."""
    needs: dict[int, Need] = {}
    order = topological(root)
    for node in order:
        needs[id(node)] = Need()
    needs[id(root)].columns |= columns
    needs[id(root)].ordered = ordered
    for node in order:
        need = needs[id(node)]
        if node is not root and need.parents == 0:
            continue
        if satisfied(node, need.columns, need.ordered):
            continue
        observed = observes_order(node, need)
        for n, (child, below) in enumerate(zip(node.children, node.needs(need.columns))):
            wanted = needs[id(child)]
            wanted.columns |= below
            wanted.ordered |= observed and not (isinstance(node, Join) and looked_up(node, n))
            wanted.parents += 1
    return needs


def looked_up(node: Join, side: int) -> bool:
    """Whether each row of the other side has one match at most on this side, in any order."""
    if side == 1:
        return node.how in ("inner", "left") and unique_right(node)
    return node.how == "right" and unique_left(node)


def observes_order(node: Relation, need: Need) -> bool:
    """Whether the node's result depends on the order of its input rows."""
    if isinstance(node, Slice):
        return True
    if isinstance(node, Position):
        return need.ordered or node.id in need.columns
    if isinstance(node, Attach):
        return need.ordered or bool(need.columns & node.columns.keys())
    if isinstance(node, Window):
        return need.ordered or any(c.ordered for i, c in node.calls.items() if i in need.columns)
    if isinstance(node, Aggregate):
        return (need.ordered and not node.sort) or any(
            a.func in ORDERED_AGGS for i, a in node.aggs.items() if i in need.columns
        )
    if isinstance(node, Distinct):
        return need.ordered or bool(need.columns - set(node.subset))
    if isinstance(node, Sort):
        return need.ordered and not unique(node.child, node.by)
    return need.ordered


def optimise(root: Relation, columns: set[str], ordered: bool) -> Relation:
    """The same rows and columns by a cheaper plan."""
    return planned(root, columns, ordered)[0]


def planned(root: Relation, columns: set[str], ordered: bool) -> tuple[Relation, dict[int, Need]]:
    """The same rows and columns by a cheaper plan, and what it asks of each of its nodes."""
    plan = _Rewriter(requirements(root, columns, ordered)).rewrite(root)
    return hinted(plan, requirements(plan, columns, ordered))


def read_by(plan: Relation, needs: Mapping[int, Need]) -> set[int]:
    """The states (by ``id``) of the nodes that a plan is going to run: nothing stored will do."""
    return {
        id(node.state)
        for node in topological(plan)
        if (node is plan or needs[id(node)].parents)
        and not satisfied(node, needs[id(node)].columns, needs[id(node)].ordered)
    }


def hinted(root: Relation, needs: dict[int, Need]) -> tuple[Relation, dict[int, Need]]:
    """The plan with scans that skip row groups which no filter above can take a row from.

    A scan that several steps use is still read once: for all of them.
    """
    order = topological(root)
    if not any(isinstance(node, Filter) and scan_below(node) for node in order):
        return root, needs
    asked = filters_above(root, order, needs)
    done: dict[int, Relation] = {}
    for node in reversed(order):
        found = asked.get(id(node)) if isinstance(node, Scan) else None
        if found is None:
            done[id(node)] = with_children(node, tuple(done[id(c)] for c in node.children))
        else:
            assert isinstance(node, Scan)
            done[id(node)] = replace(node, predicate=tuple(map(tuple, found)), state=node.state)
    return done[id(root)], {id(done[i]): need for i, need in needs.items()}


def scan_below(node: Relation) -> bool:
    """Whether only filters and positions are between the node and a scan."""
    while isinstance(node, (Filter, Position)):
        node = node.child
    return isinstance(node, Scan)


def filters_above(
    root: Relation, order: list[Relation], needs: dict[int, Need]
) -> dict[int, list[list[Expr]] | None]:
    """For each node the terms of which one list must hold for a row to matter; None: any does."""
    asked: dict[int, list[list[Expr]] | None] = {id(root): None}
    for node in order:
        need = needs[id(node)]
        if id(node) not in asked or satisfied(node, need.columns, need.ordered):
            continue
        above = asked[id(node)]
        below = None
        if isinstance(node, Position):
            below = above
        elif isinstance(node, Filter):
            more = above[0] if above is not None and len(above) == 1 else []
            below = [[*conjuncts(node.predicate), *more]]
        for child in node.children:
            terms = below
            if terms is not None:
                held = child.fields.keys()
                terms = [[t for t in ts if column_ids(t) <= held] for ts in terms]
            if id(child) in asked:
                others = asked[id(child)]
                terms = None if terms is None or others is None else [*others, *terms]
            asked[id(child)] = terms
    return asked


class _Rewriter:
    def __init__(self, needs: dict[int, Need]) -> None:
        self.needs = needs
        self.done: dict[int, Relation] = {}

    def rewrite(self, node: Relation) -> Relation:
        found = self.done.get(id(node))
        if found is None:
            found = self.done[id(node)] = self._rewrite(node)
            need = self.needs[id(node)]
            known = self.needs.get(id(found), need)
            self.needs[id(found)] = replace(known, parents=max(need.parents, known.parents))
        return found

    def _rewrite(self, node: Relation) -> Relation:
        need = self.needs[id(node)]
        if not node.children or satisfied(node, need.columns, need.ordered):
            return node
        if isinstance(node, Position) and node.id not in need.columns:
            return self.rewrite(node.child)
        if isinstance(node, Attach) and not (need.columns & node.columns.keys()):
            return self.rewrite(node.child)
        if isinstance(node, Extend):
            return self._extend(node, need)
        if isinstance(node, Window):
            return self._window(node, need)
        if isinstance(node, Filter):
            return self._filter(node, need.ordered)
        return with_children(node, tuple(self.rewrite(c) for c in node.children))

    def _extend(self, node: Extend, need: Need) -> Relation:
        exprs = {i: e for i, e in node.exprs.items() if i in need.columns}
        child = self.rewrite(node.child)
        if not exprs:
            return child
        if child is node.child and len(exprs) == len(node.exprs):
            return node
        return Extend(child, exprs, state=node.state)

    def _window(self, node: Window, need: Need) -> Relation:
        """Needed calls only, together with those of a window right below."""
        calls = {i: c for i, c in node.calls.items() if i in need.columns}
        child = self.rewrite(node.child)
        if not calls:
            return child
        new = {i: node.new[i] for i in calls}
        alone = not (self._shared(node.child) or self._shared(child))
        if isinstance(child, Window) and alone and not reads(calls, child):
            both = {**child.calls, **calls}
            return Window(child.child, both, {**child.new, **new}, state=node.state)
        if child is node.child and len(calls) == len(node.calls):
            return node
        return Window(child, calls, new, state=node.state)

    def _filter(self, node: Filter, ordered: bool) -> Relation:
        terms = conjuncts(node.predicate)
        child = node.child
        rest: list[Expr] = []
        current = self.rewrite(child)
        shared = self.needs[id(child)].parents > 1
        for term in terms:
            sunk = None if shared else self._sink(current, term, ordered)
            if sunk is None:
                rest.append(term)
            else:
                current = sunk
        if not rest:
            return current
        return Filter(current, conjunction(rest), state=node.state)

    def _sink(self, node: Relation, term: Expr, ordered: bool) -> Relation | None:
        """``node`` with ``term`` applied below it; None if it has to stay above."""
        if self._shared(node):
            return None
        if isinstance(node, Extend):
            if any(isinstance(node.exprs.get(i), Lit) for i in column_ids(term)):
                return None  # kernels are for series, not for the constant itself
            inner = substitute(term, node.exprs)
            return Extend(self._apply(node.child, inner, ordered), node.exprs)
        if isinstance(node, Filter):
            return Filter(self._apply(node.child, term, ordered), node.predicate)
        if isinstance(node, Join):
            return self._sink_join(node, term, ordered)
        return None

    def _apply(self, node: Relation, term: Expr, ordered: bool) -> Relation:
        sunk = self._sink(node, term, ordered)
        return Filter(node, term) if sunk is None else sunk

    def _sink_join(self, node: Join, term: Expr, ordered: bool) -> Relation | None:
        """Filters on one side's columns go below, unless dtypes or order depend on the rows."""
        used = column_ids(term)
        if not used or any(f.dtype is None for f in node.fields.values()):
            return None
        if ordered and node.how == "inner" and not unique_right(node):
            return None  # pandas' order follows from how many rows the join itself has
        if excludes(term) and node.how == "inner" and any(map(is_filtered, node.children)):
            return None  # the join leaves fewer rows to look up
        if used <= node.left_out.keys() and node.how in ("inner", "left", "cross"):
            inner = substitute(term, sources(node.left, node.left_out))
            left = self._apply(node.left, inner, ordered)
            return with_children(node, (left, node.right), fresh=True)
        if used <= node.right_out.keys() and node.how in ("inner", "right", "cross"):
            inner = substitute(term, sources(node.right, node.right_out))
            right = self._apply(node.right, inner, ordered)
            return with_children(node, (node.left, right), fresh=True)
        return None

    def _shared(self, node: Relation) -> bool:
        need = self.needs.get(id(node))
        state = node.state
        held = bool(state.columns or state.persisted or state.unordered)
        return held or (need is not None and need.parents > 1)


def is_filtered(node: Relation) -> bool:
    """Whether it is likely that a relation lacks many rows of its inputs."""
    return any(isinstance(below, Filter) for below in topological(node))


def reads(calls: Mapping[str, WindowCall], below: Window) -> bool:
    """Whether some of the calls read a new column of another window."""
    return any(inputs(call) & below.calls.keys() for call in calls.values())


def restricted(node: Relation, need: Need) -> Relation:
    """The node without the columns that nobody needs, and without its results."""
    if isinstance(node, Window):
        calls = {i: c for i, c in node.calls.items() if i in need.columns}
        return replace(node, calls=calls, state=State())
    if isinstance(node, Aggregate):
        aggs = {i: a for i, a in node.aggs.items() if i in need.columns}
        return replace(node, aggs=aggs, state=State())
    return node


def sources(relation: Relation, out: object) -> dict[str, Expr]:
    """Columns of a join's input in place of the join's own; those nobody needs may be gone."""
    assert isinstance(out, dict)
    held = relation.fields
    return {new: Col(old, held[old]) for new, old in out.items() if old in held}


def conjunction(terms: list[Expr]) -> Expr:
    """All terms at once."""
    result = terms[0]
    for term in terms[1:]:
        result = Call("and_", _and, (result, term), Field(result.field.dtype, nulls=False))
    return result


def _and(left: Any, right: Any) -> Any:
    return left & right


def with_children(node: Relation, children: tuple[Relation, ...], fresh: bool = False) -> Relation:
    """The node over other children; ``fresh`` if it no longer gives the same rows."""
    if all(a is b for a, b in zip(children, node.children)):
        return node
    kept = {} if fresh else {"state": node.state}
    if isinstance(node, Join):
        return _replace(node, left=children[0], right=children[1], **kept)
    if isinstance(node, Concat):
        return _replace(node, children=children, **kept)
    return _replace(node, child=children[0], **kept)


def _replace(node: Relation, **changes: object) -> Relation:
    changes.setdefault("state", State())
    return replace(node, **changes)  # type: ignore[type-var]
