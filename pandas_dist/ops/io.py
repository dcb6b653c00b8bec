"""Reading files.

What no engine can read exactly is read at once by pandas in this process: it has to come
here in any case, and nothing that an engine holds is moved for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from pandas_dist.config import engine_name, options
from pandas_dist.interrupts import imported
from pandas_dist.ops import csv_scan, dispatch
from pandas_dist.ops.common import arguments
from pandas_dist.ops.csv import native_reason
from pandas_dist.ops.csv_native import PANDAS_3, given
from pandas_dist.ops.csv_split import WholeFile
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.files import local_path
from pandas_dist.ops.parquet_open import open_parquet
from pandas_dist.pandas_private import TextFileReader
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.frames import FramePlan
from pandas_dist.progress import shown
from pandas_dist.report import came_from

NO_DEFAULT = pd.api.extensions.no_default


def at_once(function: Callable[..., Any], **kwargs: Any) -> Any:
    """A reader of pandas, whose callbacks see plain pandas."""
    with local_mode():
        return function(**{k: dispatch.to_plain(v) for k, v in kwargs.items()})


# -- Parquet -------------------------------------------------------------------------------


@rule("pandas", "read_parquet", strategy="rows", note="files, lists and directories on local disk")
def read_parquet(p: Any) -> Any:
    given = arguments(p)
    known = ("path", "engine", "columns")
    usual = all(v is None or v is NO_DEFAULT for k, v in given.items() if k not in known)
    engine = pd.get_option("io.parquet.engine") if p.engine == "auto" else p.engine
    plan = None
    if usual and (engine is NO_DEFAULT or engine in ("auto", "pyarrow")):
        path = local_path(p.path)
        plan = None if path is None else open_parquet(path, p.columns)
        if plan is None and isinstance(path, str) and os.path.isfile(path):
            # Memory that Arrow's threads read ahead may be given back after the script's end,
            # which aborts the process.
            given["pre_buffer"] = False
    return at_once(pd.read_parquet, **given) if plan is None else plan


# -- CSV -----------------------------------------------------------------------------------

# Arguments with which a part of the file is read.
_PARTIAL = frozenset({"nrows", "iterator", "chunksize"})
PATH = "filepath_or_buffer"
# pandas reads smaller files in a few milliseconds.
SMALL_CSV = 1 << 20


@rule("pandas", "read_csv", strategy="rows", note="on all cores; in blocks if larger than memory")
def read_csv(p: Any) -> Any:
    return read_text(pd.read_csv, arguments(p))


@rule("pandas", "read_table", strategy="rows", note="by pandas, at once")
def read_table(p: Any) -> Any:
    return read_text(pd.read_table, arguments(p))


@rule("pandas", "read_fwf", strategy="rows", note="by pandas, at once")
def read_fwf(p: Any) -> Any:
    return read_text(pd.read_fwf, arguments(p))


def read_text(function: Callable[..., Any], kwargs: dict[str, Any]) -> Any:
    """A text file: at once by pandas, or in blocks on the engine if it does not fit."""
    path = local_path(kwargs[PATH])
    name = os.path.expanduser(path) if isinstance(path, str) else None
    partial = any(kwargs.get(k) not in (None, False) for k in _PARTIAL)
    reason = ""
    if name is not None and not partial and os.path.isfile(name):
        plan = large_file(function, name, kwargs)
        if plan is None and function is pd.read_csv:
            plan, reason = parallel(name, kwargs)
        if plan is not None:
            return plan
    result = at_once(function, **kwargs)
    if type(result) is TextFileReader:
        result.__class__ = Chunks
    if not reason:
        return result
    return came_from(dispatch.wrap_result(result), f"read_csv by pandas: {reason}")


def large_file(function: Callable[..., Any], path: str, kwargs: Mapping[str, Any]) -> Any:
    """A plan over a file that does not fit in memory; None for any other.

    MemoryError for one that pandas alone could read.
    """
    user = given({k: v for k, v in kwargs.items() if k != PATH})
    if not csv_scan.is_large(path, user):
        return None
    plan = csv_scan.scan_csv(path, user) if function is pd.read_csv else None
    if plan is None:
        size = csv_scan.memory_estimate(path, user)
        if size > options.memory_limit:
            reason = native_reason(path, user) or "its columns' types depend on the whole file"
            raise MemoryError(
                f"{path} would take about {size / 1e9:.1f} GB in this process and cannot be read "
                f"in blocks ({reason}); the limit is {options.memory_limit / 1e9:.1f} GB. Give "
                "dtype= and usecols=, read it with chunksize=, or raise PANDAS_DIST_MEMORY_LIMIT."
            )
    return plan


def parallel(path: str, kwargs: Mapping[str, Any]) -> tuple[FramePlan | None, str]:
    """The file read on all cores; or why pandas reads it."""
    least = max(SMALL_CSV, options.min_bytes if engine_name() == "auto" else 0)
    if PANDAS_3:
        return None, "pandas 3 uses all cores itself"
    if os.path.getsize(path) < least:
        return None, "a small file"
    csv_parallel = imported("pandas_dist.ops.csv_parallel")  # imports Polars
    try:
        with shown("read_csv"):
            plan = csv_parallel.read(path, {k: v for k, v in kwargs.items() if k != PATH})
    except WholeFile as stop:
        return None, str(stop)
    plan.relation.state.origin = "read_csv on all cores"
    return plan, ""


class Chunks(TextFileReader):
    """pandas' reader of a file in chunks, which are our frames."""

    def read(self, nrows: int | None = None) -> Any:
        with local_mode():
            chunk = super().read(nrows)
        return dispatch.wrap_result(chunk)


Chunks.__name__ = Chunks.__qualname__ = TextFileReader.__name__
Chunks.__module__ = TextFileReader.__module__
