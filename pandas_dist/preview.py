"""The text of frames that are too large to bring here: pandas shows their first and last rows."""

from __future__ import annotations

from typing import Any

import pandas

from pandas_dist import fallback
from pandas_dist.ops import dispatch
from pandas_dist.plan.execute import count, local_mode
from pandas_dist.plan.frames import FramePlan, rows_between
from pandas_dist.plan.index import TakenLabels


def text(obj: Any, how: str = "__repr__") -> Any:
    """What method ``how`` of pandas (``__repr__``, ``_repr_html_``) gives for all rows.

    MemoryError where that takes more of the rows than this process may hold.
    """
    plan = dispatch.plan_of(obj)
    rows = pandas.get_option("display.max_rows")
    if not rows or not fits_preview(plan) or fallback.excess([plan]) is None:
        return getattr(dispatch.collected(obj), how)()
    ends = [rows_between(plan, slice(0, rows)), rows_between(plan, slice(-rows, None))]
    total = count(plan.relation)
    if total <= 2 * rows:
        return getattr(dispatch.collected(obj), how)()
    with local_mode():
        # More rows than pandas shows, so that it leaves out the middle as it would anyway.
        shown = getattr(pandas.concat([end.collect() for end in ends]), how)()
    return shown and with_count(shown, 2 * rows, total)


def fits_preview(plan: Any) -> bool:
    """Whether the ends show what the whole would: its dtypes and labels are known."""
    known = all(e.field.known for e in (*plan.exprs, *plan.index.exprs))
    usual = pandas.get_option("display.large_repr") == "truncate" or not isinstance(plan, FramePlan)
    labels = plan.index.base if isinstance(plan.index, TakenLabels) else None
    return known and usual and getattr(labels, "freq", None) is None


def with_count(shown: str, rows: int, total: int) -> str:
    """The text with the true number of rows in the last line, where pandas says it."""
    for before, after in (
        ("[", " rows x "),
        ("<p>", " rows \N{MULTIPLICATION SIGN} "),
        ("Length: ", ""),
    ):
        head, found, tail = shown.rpartition(f"{before}{rows}{after}")
        if found:
            return f"{head}{before}{total}{after}{tail}"
    return shown
