"""Local pandas where the engine has no exact form: always right, always announced."""

from __future__ import annotations

import warnings

from pandas_dist import config, report
from pandas_dist.callers import user_site
from pandas_dist.config import options
from pandas_dist.plan.bounds import row_bound
from pandas_dist.plan.execute import count
from pandas_dist.plan.frames import Plan
from pandas_dist.plan.relations import Sort
from pandas_dist.plan.window import EXTENSIONS

_announced: set[tuple[str, str, str, int]] = set()


class FallbackWarning(UserWarning):
    """An operation ran in local pandas; the message says which, where and why."""


class FallbackError(RuntimeError):
    """An operation would have run in local pandas; ``PANDAS_DIST_FALLBACK=error`` forbids it."""


class NotNative(Exception):
    """A rule's declared conditions do not hold; the message is the reason."""


def estimate(plan: Plan) -> tuple[float, float]:
    """Upper bounds of rows and bytes that collecting a plan moves."""
    rows = row_bound(plan.relation)
    width = sum(24.0 if e.field.kind in "OE?" else 8.0 for e in plan.exprs)
    return rows, rows * max(width, 8.0)


def excess(plans: list[Plan]) -> float | None:
    """The bytes that collecting the plans brings here, if they are more than the limit allows.

    Where only an upper bound is known, and it is beyond the limit, the rows are counted.
    """
    waiting = [p for p in plans if not p.memo]
    limit = options.memory_limit if waiting else 0
    for size in (estimate, counted):
        total = sum(b for b in (size(p)[1] for p in waiting) if b != float("inf"))
        if total <= limit:
            return None
    return total


def counted(plan: Plan) -> tuple[float, float]:
    """As `estimate`, with the number of rows, for which the engine may have to run."""
    bound, size = estimate(plan)
    if bound in (0, float("inf")) or plan.relation.rows() is not None:
        return bound, size
    below = plan.relation
    while isinstance(below, (*EXTENSIONS, Sort)):
        below = below.child
    rows = count(below)
    return rows, rows * size / bound


def guard(what: str, plans: list[Plan]) -> None:
    """Raise MemoryError before collecting more than the limit."""
    total = excess(plans)
    if total is not None:
        raise MemoryError(
            f"{what} would bring about {in_words(total)} into this process; the limit is "
            f"{in_words(options.memory_limit)}. Select fewer columns or rows first, aggregate "
            "before this step, or raise PANDAS_DIST_MEMORY_LIMIT (options.memory_limit)."
        )


def in_words(size: float) -> str:
    """A number of bytes for a message."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def announce(what: str, reason: str, plans: list[Plan]) -> None:
    """Count the fallback, and warn or raise as the policy says."""
    file, line, level = user_site()
    report.record_fallback(what, reason, file, line)
    policy = options.fallback
    if policy == "silent":
        return
    rows = sum(r for r in (estimate(p)[0] for p in plans) if r != float("inf"))
    size = sum(b for b in (estimate(p)[1] for p in plans) if b != float("inf"))
    text = (
        f"{what} runs in local pandas, not on {config.engine_name()}: {reason} "
        f"(at most {rows:,.0f} rows, {size / 1e6:,.1f} MB moved; {file}:{line})"
    )
    if policy == "error":
        raise FallbackError(text)
    site = (what, reason, file, line)
    if site not in _announced:
        _announced.add(site)
        warnings.warn(text, FallbackWarning, stacklevel=level)
