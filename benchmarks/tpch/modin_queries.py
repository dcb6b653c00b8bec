"""The pandas queries on Modin itself: one changes the import."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import modin.config
import modin.pandas

from benchmarks.tpch import queries

modin.config.Engine.put("ray")


def _answer(query: Callable[[Any, Path], Any], data: Path) -> Any:
    return query(modin.pandas, data).modin.to_pandas()


QUERIES = {number: partial(_answer, query) for number, query in queries.QUERIES.items()}
