"""Which operations on data in memory may be worth an engine under ``auto``.

``benchmarks/calibrate.py`` measures them; ``ops.promoted`` runs them.  Everything here is asked
on each call of such a method, so it looks at dtypes and sizes alone.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import numpy as np

from pandas_dist import callers, config
from pandas_dist.local_mode import is_local_mode
from pandas_dist.pandas_private import infinite_is_missing, mgr_bytes

NOTHING: Any = NotImplemented  # pandas' own method has to do it

# Groups and parts of dates gain from this many times ``options.min_bytes`` on; text from there.
LATER = 4
# Parquet files are read lazily from this many times ``options.min_bytes`` on, as columns: what
# an engine saves has to pay for its start.
FILES = 6
# What pandas does by itself in another way gains from here; numbers from there.
LESS, COLUMNS = 1 / 64, 1 / 16
# A result this many times smaller than what goes to an engine is pandas' again.
HYSTERESIS = 4

# Rows are few, whatever they hold, if with so many bytes each they would be small.
ROW_BYTES = 1024

# Methods of our objects, and from how many times ``options.min_bytes`` on they may gain; what is
# asked further is where they run: ``ops.promoted*``, ``ops.texts`` and ``ops.frequencies``.
METHODS = {
    ("DataFrame", "groupby"): LATER,
    ("DataFrame", "pivot_table"): LATER,
    ("DataFrame", "merge"): LATER,
    ("DataFrame", "sort_values"): LATER,
    ("DataFrame", "nlargest"): 1,
    ("DataFrame", "nsmallest"): 1,
    ("DataFrame", "mean"): COLUMNS,
    ("DataFrame", "std"): COLUMNS,
    ("DataFrame", "sum"): COLUMNS,
    ("DataFrame", "var"): COLUMNS,
    ("Series", "rank"): LATER,
    ("Series", "std"): COLUMNS,
    ("Series", "var"): COLUMNS,
    ("Series", "value_counts"): LESS,
    ("Series", "str"): LESS,
    ("Series", "dt"): LATER,
}
# Aggregations of numbers by keys that are numbers or times.
GROUPED = frozenset("sum mean min max count std var median first last agg aggregate".split())
KEYS, VALUES = "iubmM", "iuf"
# Text with the answer of a row in a few bytes; parts of dates, and from how many times
# ``options.min_bytes`` on they gain.
TEXT = frozenset({"contains", "startswith", "endswith", "len"})
DATES = dict.fromkeys(
    "year month day hour minute second dayofweek dayofyear quarter".split(), LATER
)


def applies(obj: Any, caller: FrameType, times: float = 1) -> bool:
    """Whether data in memory may go to an engine now: under ``auto``, large, called by a user."""
    return (
        "_mgr" in obj.__dict__
        and len(obj._mgr.axes[-1]) * ROW_BYTES >= (config._least or config.least_bytes())
        and config.engine_name() == "auto"
        and mgr_bytes(obj._mgr) >= times * config.least_bytes()
        and not is_local_mode()
        and "_pandas_dist" in type(obj).__dict__
        and not callers.is_pandas(caller)
        # Which results pandas marks like their source differs from method to method.
        and not obj.__dict__.get("_attrs")
        and obj.__dict__["_flags"].allows_duplicate_labels
        and not infinite_is_missing()
    )


def kinds(columns: list[Any], allowed: str) -> bool:
    """Whether all columns are NumPy's of some kinds, and wide enough not to overflow."""
    return all(isinstance(c.dtype, np.dtype) and c.dtype.kind in allowed for c in columns)


def enough(columns: list[Any], times: float = LATER) -> bool:
    """Whether the columns that an operation reads are large enough for an engine."""
    return sum(c.nbytes for c in columns) >= times * config.least_bytes()


def is_small(obj: Any) -> bool:
    """Whether a LAZY object's rows are here already and few enough for pandas."""
    memo = obj.__dict__["_plan"].memo
    if not memo or memo[0].error is not None:
        return False
    return mgr_bytes(memo[0].value._mgr) * HYSTERESIS < config.options.min_bytes


class _Probe:
    def call(self, *args: Any, **kwargs: Any) -> int:
        return sys.getrefcount(self)


TEMPORARY = _Probe().call()  # references to an object that nobody holds
