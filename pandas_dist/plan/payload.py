"""Which columns a plan only carries from its inputs to its result.

Such a column needs no form of the engine: Python strings, above all, would be converted twice.
"""

from __future__ import annotations

from pandas_dist.plan.expressions import column_ids
from pandas_dist.plan.relations import (
    Aggregate,
    Concat,
    Distinct,
    Extend,
    Filter,
    Join,
    Relation,
    Sort,
)
from pandas_dist.plan.rewrites import Need, topological
from pandas_dist.plan.window import Window, inputs


def looked_at(plan: Relation, needs: dict[int, Need]) -> set[str]:
    """Ids of columns whose values some node reads."""
    found: set[str] = set()
    for node in topological(plan):  # parents first
        wanted = needs[id(node)].columns
        if isinstance(node, Extend):
            for i, expr in node.exprs.items():
                if i in wanted:
                    column_ids(expr, found)
        elif isinstance(node, Filter):
            column_ids(node.predicate, found)
        elif isinstance(node, Sort):
            found |= set(node.by)
        elif isinstance(node, Distinct):
            found |= set(node.subset)
        elif isinstance(node, Window):
            for i, call in node.calls.items():
                if i in wanted:
                    found |= inputs(call)
        else:
            found |= _renamed(node, found)
    return found


def _renamed(node: Relation, above: set[str]) -> set[str]:
    """What nodes that rename columns read, themselves or for the steps above them."""
    if isinstance(node, Aggregate):
        used = {a.column for a in node.aggs.values() if a.column is not None}
        return used | set(node.keys.values())
    if isinstance(node, Join):
        keys = {*node.left_on, *node.right_on}
        outs = (*node.left_out.items(), *node.right_out.items())
        return keys | {old for new, old in outs if new in above}
    if isinstance(node, Concat):
        # Its inputs must be held alike.
        return {old for names in node.maps for old in names.values()}
    return set()
