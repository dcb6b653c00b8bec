"""What a pure function may call: everything else is impure."""

from __future__ import annotations

import builtins
import functools
import sys
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.udf.plain import ATOMS, CONTAINERS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that change nothing on any plain object.
SAFE_METHODS = _words("""
    capitalize casefold center count encode endswith expandtabs find format format_map index isalnum
    isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle
    isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
    maketrans decode hex fromhex bit_length bit_count conjugate as_integer_ratio is_integer to_bytes
    from_bytes get keys values items copy most_common total fromkeys
    group groups groupdict start end span expand match search fullmatch findall finditer sub subn
    strftime strptime isoformat fromisoformat weekday isoweekday isocalendar date time timetz
    timestamp toordinal fromordinal combine timetuple utctimetuple total_seconds utcoffset tzname
    dst tz_localize tz_convert normalize floor ceil round to_pydatetime to_datetime64 to_numpy
    day_name month_name to_period to_timestamp to_julian_date asfreq as_unit to_pytimedelta
    quantize to_integral_value sqrt ln log10 exp is_nan is_finite is_infinite is_zero compare
    hexdigest digest
    sum mean min max std var sem median mode any all prod product idxmin idxmax argmin argmax isna
    notna isnull notnull fillna ffill bfill dropna abs astype to_dict tolist to_list nunique unique
    value_counts isin between clip cumsum cumprod cummax cummin diff head tail sort_values
    sort_index reset_index rename item dot quantile describe where mask map apply agg aggregate
    transform eq ne lt le gt ge add mul div truediv floordiv mod pow radd rsub rmul rdiv pct_change
    shift rank skew kurt nlargest nsmallest drop reindex filter combine_first corr cov squeeze
    to_frame xs set_index contains len cat extract slice
    argsort flatten ravel reshape transpose nonzero searchsorted repeat overlaps
    """)
FRESH_METHODS = _words(
    "split rsplit splitlines tolist to_list to_dict findall groupdict most_common flatten"
)
SCALAR_METHODS = _words("""
    capitalize casefold center encode endswith expandtabs find isalnum isalpha isdecimal isdigit
    islower isnumeric isspace istitle isupper join ljust lower lstrip rfind rjust rstrip startswith
    strip swapcase title translate upper zfill removeprefix removesuffix decode strftime isoformat
    weekday isoweekday total_seconds bit_length is_integer hexdigest digest day_name month_name
    """)
MUTATORS = _words("""
    append extend insert pop remove clear sort reverse update setdefault add discard popitem
    appendleft popleft extendleft rotate subtract move_to_end
    """)
SET_METHODS = _words("union intersection difference symmetric_difference copy")
SET_TESTS = _words("issubset issuperset isdisjoint add discard update remove clear")
SAFE_DUNDERS = _words("__name__ __len__ __contains__ __getitem__ __class__ __doc__")
PLAIN_CLASSES = (str, int, float, bool, bytes, list, dict, tuple, complex)
CLASS_METHODS = _words("""
    strptime fromisoformat fromordinal combine fromkeys maketrans fromhex from_bytes from_float
    from_decimal fromisocalendar from_iterable
    """)

_BUILTINS = {
    "scalar": "len int float str bool complex bytes ord chr range isinstance issubclass repr "
    "bin hex oct format callable slice ascii",
    "fresh": "abs round sum divmod pow sorted list dict zip enumerate map filter reversed iter",
    "value": "min max tuple type getattr hasattr any all next",
    "set": "set frozenset",
}
FROM_MODULES = {
    "math": ("scalar", "*"),
    "operator": (
        "value",
        "add and_ contains eq floordiv ge getitem gt is_ is_not le lt mod mul ne neg not_ or_ pow "
        "sub truediv truth xor",
    ),
    "re": ("value", "compile match search fullmatch findall finditer split sub subn escape"),
    "datetime": ("scalar", "date datetime time timedelta timezone"),
    "decimal": ("scalar", "Decimal"),
    "statistics": ("value", "mean fmean median mode stdev pstdev variance pvariance"),
    "json": ("fresh", "loads dumps"),
    "unicodedata": ("scalar", "normalize category combining"),
    "collections": ("fresh", "OrderedDict Counter deque"),
    "itertools": (
        "fresh",
        "chain accumulate combinations permutations product zip_longest takewhile dropwhile islice "
        "groupby starmap repeat pairwise",
    ),
    "functools": ("value", "reduce"),
    "hashlib": ("fresh", "md5 sha1 sha256 sha512 blake2b"),
    "html": ("scalar", "escape unescape"),
    "urllib.parse": ("value", "quote unquote quote_plus unquote_plus urlparse urlsplit urlencode"),
    "numpy": (
        "fresh",
        "array zeros ones full arange linspace where select sum mean median std var min max "
        "amin amax prod any all cumsum cumprod diff sort argsort argmin argmax unique isin dot "
        "quantile percentile nanmean nansum nanmax nanmin nanstd nanmedian clip round around "
        "concatenate stack interp digitize searchsorted isclose allclose count_nonzero polyval "
        "average float64 float32 int64 int32 int16 int8 uint8 bool_ datetime64 timedelta64 "
        "isscalar",
    ),
    "pandas": (
        "value",
        "isna isnull notna notnull Timestamp Timedelta Period Interval Series DataFrame "
        "to_datetime to_numeric to_timedelta concat cut Index date_range",
    ),
}
SHARING = frozenset({"Series", "DataFrame", "Index"})  # of pandas: new unless over lent data
ON_SETS = frozenset({"len", "min", "max", "any", "all", "bool", "set", "frozenset"})
TRUSTED = frozenset({"numpy", "pandas", "pandas_dist", "builtins", *sys.stdlib_module_names})


@functools.cache
def allowed_calls() -> dict[int, tuple[Any, str, str]]:
    """id → (object, kind of its result, name) of everything that may be called."""
    table: dict[int, tuple[Any, str, str]] = {}
    for kind, names in _BUILTINS.items():
        for name in names.split():
            obj = getattr(builtins, name)
            table[id(obj)] = (obj, kind, name)
    for module_name, (kind, names) in FROM_MODULES.items():
        module = __import__(module_name, fromlist=["*"])
        every = [n for n in dir(module) if n[0] != "_"] if names == "*" else names.split()
        for name in every:
            obj = getattr(module, name)
            if callable(obj):
                table.setdefault(id(obj), (obj, kind, f"{module_name}.{name}"))
    return table


@functools.cache
def effects() -> frozenset[str]:
    """Names of methods of plain objects that are not known to be safe."""
    classes = (pd.Series, pd.DataFrame, pd.Index, np.ndarray, pd.Timestamp, *CONTAINERS, *ATOMS)
    names = {n for cls in classes for n in dir(cls) if callable(getattr(cls, n, None))}
    return frozenset(names - SAFE_METHODS - {"str", "dt", "cat", "dtype"} - SAFE_DUNDERS)
