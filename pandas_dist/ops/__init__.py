"""Operations: one module per family, each with its rules and kernels side by side."""

from __future__ import annotations

import importlib
import sys

from pandas_dist import callers
from pandas_dist.ops import dispatch

PASSED_THROUGH = (
    "pandas_dist.ops.",
    "pandas_dist.groupby",
    *(f"pandas_dist.udf.{name}" for name in ("apply", "task", "worker")),
)

FAMILIES = (
    "schema",
    "elementwise",
    "select",
    "assign",
    "query",
    "reductions",
    "counting",
    "rowwise",
    "lookup",
    "fill",
    "convert",
    "order",
    "window",
    "join",
    "asof",
    "reshape",
    "pivoting",
    "rolling",
    "io",
    "writing",
    "grouping",
    "gathered",
    "strings",
)


def load() -> None:
    """Import every family, which registers its rules; pandas' warnings pass through them."""
    for name in FAMILIES:
        importlib.import_module(f"pandas_dist.ops.{name}")
    ours = (m for name, m in list(sys.modules.items()) if name.startswith(PASSED_THROUGH))
    callers.attribute_warnings(*ours)
    callers.attribute_warnings_of(r.run for r in dispatch.RULES.values())
