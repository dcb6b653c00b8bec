"""Operations: one module per family, each with its rules and kernels side by side."""

from __future__ import annotations

import importlib

FAMILIES = (
    "schema",
    "elementwise",
    "select",
    "reductions",
    "rowwise",
    "order",
    "join",
    "reshape",
    "io",
    "grouping",
    "gathered",
)


def load() -> None:
    """Import every family, which registers its rules."""
    for name in FAMILIES:
        importlib.import_module(f"pandas_dist.ops.{name}")
