"""Steps on small data that an earlier execution ran as well: their rows come here, and stay.

A Spark job costs more than small data do: without this each line of a long script would run
all the lines before it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from pandas_dist.backends.spark.groups import hold
from pandas_dist.plan.bounds import likely_rows, row_bound
from pandas_dist.plan.relations import (
    Aggregate,
    Attach,
    Concat,
    Distinct,
    Filter,
    Join,
    Relation,
    Slice,
    Sort,
)
from pandas_dist.plan.rewrites import planned, read_by, topological
from pandas_dist.plan.window import Window

# Steps that take a job, or a stage of one, of their own.
COSTLY = (Aggregate, Attach, Concat, Distinct, Join, Slice, Sort, Window)
# So many steps on top of each other take Spark longer to plan than to run.
DEEP = 10
SMALL_BYTES = 8e6
MOST_BYTES = 256e6  # where the number of rows is a guess
RUNS = "<spark runs>"


def hold_reused(relation: Relation, ids: set[str], ordered: bool, whole: bool) -> None:
    """Before an execution: bring the rows of the last small steps that ran before.

    ``whole``: the rows of ``relation`` come here and are kept by that.
    """
    again = False
    for node in topological(relation):
        if isinstance(node, (*COSTLY, Filter)) and not (whole and node is relation):
            ran = node.state.converted.get(RUNS, 0)
            node.state.converted[RUNS] = ran + 1
            again |= ran > 0
    if not again:
        return
    for node in reused(relation, ids, ordered, whole):
        hold(node)


def reused(relation: Relation, ids: set[str], ordered: bool, whole: bool) -> Iterator[Relation]:
    """Steps that ran before and are going to run again; what is below one of them is not."""
    skipped = {id(relation)} if whole else set()
    while True:
        plan, needs = planned(relation, ids, ordered)
        read = read_by(plan, needs)
        deep = deep_filters(relation)
        for node in topological(relation):
            runs = id(node.state) in read or id(node) in deep
            if id(node) not in skipped and runs and ran_before(node):
                skipped.add(id(node))
                yield node
                break
        else:
            return


def ran_before(node: Relation) -> bool:
    """Whether an earlier execution ran a step, and its rows are not many."""
    if node.state.converted.get(RUNS, 0) < 2:
        return False
    size = node.bytes_per_row()
    return likely_rows(node) * size < SMALL_BYTES and row_bound(node) * size < MOST_BYTES


def deep_filters(node: Relation) -> set[int]:
    """Filters (by ``id``) of a plan with many steps down to rows that are here.

    The passes merge filters: the plan that runs does not have this one.
    """
    steps: list[Relation] = []
    while node.children and not node.state.columns:
        steps.append(node)
        node = node.children[0]
    if len(steps) < DEEP:
        return set()
    return {id(step) for step in steps if isinstance(step, Filter)}
