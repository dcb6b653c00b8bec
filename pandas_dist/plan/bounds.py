"""What is known of the number of rows before anything runs: bounds, guesses, unique columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from pandas_dist.plan.expressions import Col, Expr, column_ids, conjuncts
from pandas_dist.plan.relations import (
    Aggregate,
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
    assemble,
)
from pandas_dist.plan.schema import Field

INFINITE = float("inf")
# Columns in memory are looked at, once, if they are not longer.
LOOKED_AT = 1 << 17


def row_bound(relation: Relation) -> float:
    """An upper bound on the number of rows; inf where there is none."""
    return _rows(relation, {}, certain=True)


def likely_rows(relation: Relation) -> float:
    """As `row_bound`, but with the guess that a join has no more rows than its larger side."""
    return _rows(relation, {}, certain=False)


def guessed_rows(relation: Relation) -> float:
    """As `likely_rows`, with the guess that the values of files are spread evenly."""
    return _rows(relation, {}, certain=False, even=True)


def _rows(node: Relation, memo: dict[int, float], certain: bool, even: bool = False) -> float:
    found = memo.get(id(node))
    if found is None:
        known = node.rows()
        if known is None:
            below = [_rows(c, memo, certain, even) for c in node.children]
            found = _from_inputs(node, below, certain)
            if even and isinstance(node, Filter):
                found *= _share(node)
            elif isinstance(node, Aggregate):
                origins = sources(node.child, node.keys.values())
                found = min(found, math.prod(_rows(o, memo, certain, even) for o in origins))
                found = found if node.observed else max(found, _combinations(node))
        else:
            found = known
        memo[id(node)] = found
    return found


def _from_inputs(node: Relation, below: list[float], certain: bool) -> float:
    if isinstance(node, Scan):
        rows = node.source.rows()
        return INFINITE if rows is None else rows
    if isinstance(node, Join):
        most = _of_join(node, *below)
        return most if certain or node.how == "cross" else min(most, max(below))
    if isinstance(node, Concat):
        return sum(below)
    if isinstance(node, Slice):
        return _of_slice(node.window, below[0])
    return max(below, default=INFINITE)


def sources(node: Relation, columns: Iterable[str]) -> Sequence[Relation]:
    """Nodes of which one row each settles the values of some columns.

    A node that two sides of a join are made of is there twice.
    """
    found: list[Relation] = []
    waiting = [(node, set(columns))]
    while waiting:
        node, ids = waiting.pop()
        if isinstance(node, Extend):
            computed = [node.exprs[i] for i in ids if i in node.exprs]
            below = ids - node.exprs.keys()
            for expr in computed:
                column_ids(expr, below)
            waiting.append((node.child, below))
        elif isinstance(node, (Filter, Sort)) or (
            isinstance(node, Position) and node.id not in ids
        ):
            waiting.append((node.child, ids))
        elif isinstance(node, Join) and ids <= whole_sides(node):
            for side, out in ((node.left, node.left_out), (node.right, node.right_out)):
                waiting.append((side, {old for new, old in out.items() if new in ids}))
        elif ids:
            found.append(node)
    return found


def whole_sides(node: Join) -> set[str]:
    """The columns of a join that hold values of one side's rows alone."""
    lefts = node.left_out.keys() if node.how in ("inner", "cross", "left") else set()
    rights = node.right_out.keys() if node.how in ("inner", "cross", "right") else set()
    return {*lefts, *rights}


def _share(node: Filter) -> float:
    """The part of the rows that a filter of files leaves, if their statistics tell it."""
    below: Relation = node.child
    while isinstance(below, (Extend, Filter, Position)):
        below = below.child
    if not isinstance(below, Scan):
        return 1.0
    share: float = below.source.share(below.names, conjuncts(node.predicate))
    return share


def _of_slice(window: slice, below: float) -> float:
    start, stop = window.start or 0, window.stop
    if (window.step or 1) < 0:
        return below
    if start >= 0 and stop is not None and stop >= 0:
        return min(below, max(0, stop - start))
    if start < 0 and stop is None:
        return min(below, -start)
    return below


def _combinations(node: Aggregate) -> float:
    """Groups without rows: all combinations of categories."""
    dtypes = [node.fields[i].dtype for i in node.keys]
    sizes = [len(d.categories) for d in dtypes if isinstance(d, pd.CategoricalDtype)]
    if len(sizes) == len(dtypes):
        return math.prod(sizes)
    return INFINITE if sizes else 0


def _of_join(node: Join, left: float, right: float) -> float:
    if node.how == "cross":
        matches = _product(left, right)
    else:
        once_left = left if unique_right(node) else INFINITE
        once_right = right if unique_left(node) else INFINITE
        matches = min(once_left, once_right, _product(left, right))
    if node.how == "left":
        return max(left, matches) if unique_right(node) else matches + left
    if node.how == "right":
        return max(right, matches) if unique_left(node) else matches + right
    return matches + left + right if node.how == "outer" else matches


def _product(left: float, right: float) -> float:
    return left * right if left and right else 0


def unique_right(node: Join) -> bool:
    """Whether a row of the left side has one match at most."""
    return _same_keys(node, node.right, node.right_on) and unique(node.right, node.right_on)


def unique_left(node: Join) -> bool:
    """Whether a row of the right side has one match at most."""
    return _same_keys(node, node.left, node.left_on) and unique(node.left, node.left_on)


def _same_keys(node: Join, side: Relation, on: Iterable[str]) -> bool:
    """Whether unique keys of one side stay apart: unique integers may be equal as floats.

    To a merge None and NaN are the same, so of them that side may have none.
    """
    pairs = [
        (node.left.fields[a], node.right.fields[b]) for a, b in zip(node.left_on, node.right_on)
    ]
    apart = not any(side.fields[i].kind == "O" and side.fields[i].nulls for i in on)
    return bool(pairs) and apart and all(a.known and a.dtype == b.dtype for a, b in pairs)


def unique(node: Relation, columns: Iterable[str]) -> bool:
    """Whether it is known that no two rows agree in all of the columns."""
    ids = frozenset(columns)
    while True:
        if (node.state.count is not None or not node.children) and _in_memory(node, ids):
            return True
        if isinstance(node, Aggregate):
            return node.keys.keys() <= ids
        if isinstance(node, Distinct) and set(node.subset) <= ids:
            return True
        if isinstance(node, Position) and node.id in ids:
            return True
        if isinstance(node, Join):
            return _unique_join(node, ids)
        if isinstance(node, Concat) or not node.children:
            return False
        if isinstance(node, Extend):
            ids = frozenset(_origins(ids, node.exprs))
        node = node.children[0]
        ids = ids.intersection(node.fields)
        if not ids:
            return False


def _origins(ids: Iterable[str], exprs: Mapping[str, Expr]) -> Iterable[str]:
    """The columns below that some of the columns hold unchanged."""
    for i in ids:
        expr = exprs.get(i)
        if expr is None:
            yield i
        elif isinstance(expr, Col):
            yield expr.id


def _unique_join(node: Join, ids: frozenset[str]) -> bool:
    """Rows of one side are in the result once at most, and the columns tell them apart."""
    if node.how not in ("inner", "left", "right"):
        return False
    lefts = [old for new, old in node.left_out.items() if new in ids]
    rights = [old for new, old in node.right_out.items() if new in ids]
    if node.how != "right" and lefts and unique_right(node) and unique(node.left, lefts):
        return True
    return bool(node.how != "left" and rights and unique_left(node) and unique(node.right, rights))


def _in_memory(node: Relation, ids: frozenset[str]) -> bool:
    """Whether values that are here already are unique."""
    rows = _present(node)
    if rows is None or rows > LOOKED_AT or not ids or not ids <= node.fields.keys():
        return False
    if not all(_hashable(node.fields[i]) for i in ids):
        return False
    memory, key = node.state.unique, ids
    if isinstance(node, Scan) and node.small:
        memory, key = node.source.facts, frozenset(node.names[i] for i in ids)
    found = memory.get(key)
    if found is None:
        frame = _held(node, ids, rows)
        if frame is None:
            return False
        found = memory[key] = not frame.duplicated().any()
    return found


def _present(node: Relation) -> int | None:
    """The number of rows of which at least some columns are in this process."""
    if isinstance(node, Scan) and node.small:
        rows: int | None = node.source.rows()
        return rows
    return node.rows() if isinstance(node, Local) else node.state.count


def _held(node: Relation, ids: frozenset[str], rows: int) -> pd.DataFrame | None:
    """Columns that are in this process; None if one of them is not."""
    if isinstance(node, Scan) and node.small:
        names = {i: node.names[i] for i in ids}
        read = node.source.read
        return pd.concat([read(p, names, node.fields) for p in node.source.pieces()])
    columns = node.frame if isinstance(node, Local) else node.state.columns
    return assemble({i: columns[i] for i in ids}, rows) if ids <= set(columns) else None


def _hashable(field: Field) -> bool:
    return field.numeric or field.is_text or field.kind in "mM"
