"""Methods that run pandas' kernel on all rows of the columns they need.

Exact by construction, within the memory limit, and single-threaded.  A method
leaves this list when it gets a distributed form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import RULES, rule

SERIES = """
argmax argmin argsort at_time autocorr between_time combine combine_first compare corr cov
describe divmod dot drop drop_duplicates duplicated hist info equals explode factorize
first_valid_index idxmax idxmin infer_objects interpolate item kurt kurtosis last_valid_index max
mean median memory_usage min mode nlargest nsmallest nunique prod product quantile reindex
reindex_like repeat sample searchsorted sem set_axis skew sort_index squeeze std swaplevel take
to_dict to_json to_list to_numpy to_string tolist truncate tz_convert tz_localize unique unstack
value_counts var __matmul__ __rmatmul__ __contains__ __divmod__ __rdivmod__
""".split()

FRAME = """
all any at_time between_time boxplot hist combine combine_first compare corr corrwith count
cov describe dot droplevel equals explode first_valid_index idxmax idxmin infer_objects info
interpolate isin items kurt kurtosis last_valid_index max mean median memory_usage min mode
nunique prod product quantile reindex reindex_like sample sem skew sort_index squeeze stack
std sum swaplevel take to_dict to_json to_numpy to_records to_string transpose truncate
tz_convert tz_localize unstack value_counts var xs __matmul__ __rmatmul__ __contains__
""".split()

# Announced as fallbacks: they are not in the families that engines are to serve.
FALLBACK = frozenset(
    [
        "at_time",
        "between_time",
        "combine",
        "compare",
        "dot",
        "to_json",
        "reindex_like",
        "truncate",
        "tz_convert",
        "tz_localize",
        "autocorr",
        "corrwith",
        "swaplevel",
        "droplevel",
        "combine_first",
        "searchsorted",
        "to_records",
        "to_string",
        "__matmul__",
        "__rmatmul__",
        "repeat",
        "argsort",
        "squeeze",
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
