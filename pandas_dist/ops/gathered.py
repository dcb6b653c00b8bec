"""Methods that run pandas' kernel on all rows of the columns they need.

Exact by construction, within the memory limit, and single-threaded.  A method
leaves this list when it gets a distributed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import RULES, rule

SERIES = """
argmax argmin argsort at_time autocorr between_time bfill clip combine combine_first
compare corr cov cummax cummin cumprod cumsum describe diff divmod dot drop drop_duplicates
duplicated hist info equals explode factorize ffill first_valid_index idxmax idxmin
infer_objects interpolate item kurt kurtosis last_valid_index max mean median memory_usage
min mode nlargest nsmallest nunique pct_change prod product quantile rank reindex
reindex_like repeat replace searchsorted sem set_axis shift skew sort_index squeeze std
swaplevel take to_dict to_json to_list to_numpy to_string tolist truncate tz_convert
tz_localize unique unstack value_counts var __matmul__ __rmatmul__ __contains__ __divmod__
__rdivmod__
""".split()

FRAME = """
all any at_time between_time bfill boxplot hist clip combine combine_first compare corr
corrwith count cov cummax cummin cumprod cumsum describe diff dot droplevel equals explode
ffill first_valid_index idxmax idxmin infer_objects info interpolate isin items kurt
kurtosis last_valid_index max mean median melt memory_usage min mode nlargest nsmallest
nunique pct_change prod product quantile rank reindex reindex_like replace sample sem shift
skew sort_index squeeze stack std sum swaplevel take to_dict to_json to_numpy to_records
to_string transpose truncate tz_convert tz_localize unstack value_counts var xs __matmul__
__rmatmul__ pivot pivot_table __contains__
""".split()

# Announced as fallbacks: they are not in the families that engines are to serve.
FALLBACK = frozenset(
    [
        "at_time",
        "between_time",
        "combine",
        "compare",
        "dot",
        "interpolate",
        "melt",
        "pivot",
        "pivot_table",
        "stack",
        "unstack",
        "to_json",
        "xs",
        "reindex",
        "reindex_like",
        "truncate",
        "tz_convert",
        "tz_localize",
        "autocorr",
        "corrwith",
        "swaplevel",
        "droplevel",
        "transpose",
        "combine_first",
        "searchsorted",
        "to_records",
        "to_string",
        "__matmul__",
        "__rmatmul__",
        "factorize",
        "repeat",
        "argsort",
        "squeeze",
        "pct_change",
        "sem",
        "skew",
        "kurt",
        "kurtosis",
        "mode",
        "take",
    ]
)


def _register(owner: str, cls: Any, names: list[str]) -> None:
    for name in names:
        method = getattr(cls, name, None)
        if (owner, name) in RULES or method is None or name in FALLBACK:
            continue

        @rule(owner, name, strategy="gathered")
        def run(plan: Any, p: Any, method: Any = method) -> Any:
            given = {k: v for k, v in arguments(p).items() if k not in ("inplace", "data")}
            return _private(gather(plan, method, **given))


def _private(result: Any) -> Any:
    """Arrays leave as copies: the user may write into them."""
    return result.copy() if isinstance(result, np.ndarray) else result


_register("Series", pd.Series, SERIES)
_register("DataFrame", pd.DataFrame, FRAME)

FUNCTIONS = ("to_datetime", "to_numeric", "to_timedelta")


def _register_functions() -> None:
    for name in FUNCTIONS:
        function = getattr(pd, name)

        @rule("pandas", name, strategy="gathered")
        def run(p: Any, function: Any = function) -> Any:
            given = arguments(p)
            first = next(iter(given))
            value = given.pop(first)
            if dispatch.is_ours(value):
                return _private(gather(dispatch.plan_of(value), function, **given))
            return function(dispatch.to_plain(value), **given)


_register_functions()
