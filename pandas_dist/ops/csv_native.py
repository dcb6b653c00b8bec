"""Which ``read_csv`` calls can be read block by block with exactly pandas' result."""

from __future__ import annotations

import codecs
import inspect
import os
import stat
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas
from pandas.api.types import is_scalar, pandas_dtype

PANDAS_3 = int(pandas.__version__.split(".")[0]) >= 3

# Keywords with a meaning here; any other one, given with a value other than its default,
# sends the call to plain pandas.
_KNOWN = {
    "sep", "delimiter", "header", "names", "index_col", "usecols", "dtype", "engine",
    "true_values", "false_values", "skipinitialspace", "skiprows", "na_values",
    "keep_default_na", "na_filter", "skip_blank_lines", "parse_dates", "date_format",
    "dayfirst", "cache_dates", "compression", "thousands", "decimal", "quotechar",
    "encoding", "low_memory", "memory_map", "float_precision",
}  # fmt: skip
_BOOLS = ("skipinitialspace", "keep_default_na", "na_filter", "skip_blank_lines", "low_memory",
          "memory_map", "dayfirst", "cache_dates")  # fmt: skip
# Every byte below 128 is an ASCII character of its own in these, so bytes can be searched.
_ENCODINGS = {"utf-8", "ascii", "iso8859-1", "cp1252"}
_COMPRESSED = (".gz", ".bz2", ".zip", ".xz", ".zst", ".tar")


@cache
def _defaults() -> dict[str, Any]:
    parameters = inspect.signature(pandas.read_csv).parameters
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


def given(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that differ from pandas' defaults."""
    defaults = _defaults()

    def is_default(name: str, value: Any) -> bool:
        default = defaults.get(name, inspect.Parameter.empty)
        if value is default:
            return True
        return type(value) is type(default) and is_scalar(value) and value == default

    return {name: value for name, value in kwargs.items() if not is_default(name, value)}


def native_reason(path: Any, kwargs: Mapping[str, Any], memory: bool = False) -> str | None:
    """None if ``read_csv(path, **kwargs)`` can be read in blocks, else a short reason.

    ``memory``: the blocks are all joined in memory, where whole columns can be looked at.
    """
    user = given(kwargs)
    checks = [_path_reason, _keyword_reason, _shape_reason, _dtype_reason, _date_reason]
    for check in checks if memory else [*checks, _column_reason]:
        reason = check(path, user)
        if reason:
            return reason
    return None


def _path_reason(path: Any, user: dict[str, Any]) -> str | None:
    if not isinstance(path, str | os.PathLike):
        return "file object"
    name = os.fspath(path)
    if not isinstance(name, str):
        return "path given as bytes"
    if "://" in name or name.startswith("s3:"):
        return "remote path"
    compression = user.get("compression", "infer")
    inferred = compression == "infer" and name.lower().endswith(_COMPRESSED)
    if inferred or compression not in ("infer", None):
        return "compressed file cannot be split"
    try:
        mode = os.stat(os.path.expanduser(name)).st_mode
    except (OSError, ValueError):
        return "no such file"
    return None if stat.S_ISREG(mode) else "not a regular file"


def _ascii_char(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 1 and ord(value) < 128


def _keyword_reason(path: Any, user: dict[str, Any]) -> str | None:
    unknown = sorted(set(user) - _KNOWN)
    if unknown:
        return f"{unknown[0]}={user[unknown[0]]!r} is not read in blocks"
    for name in _BOOLS:
        if not isinstance(user.get(name, True), bool):
            return f"{name} is not a bool"
    if user.get("engine") not in (None, "c"):
        return f"the {user['engine']} engine reads files whole"
    if PANDAS_3 and "float_precision" in user:
        return "float_precision is deprecated"
    if not PANDAS_3 and pandas.get_option("future.infer_string"):
        return "future.infer_string is on"
    return _character_reason(user)


def _character_reason(user: dict[str, Any]) -> str | None:
    if "sep" in user and user.get("delimiter") is not None:
        return "sep and delimiter both given"
    sep, quote = separator(user), user.get("quotechar", '"')
    if not _ascii_char(sep) or sep in " \r\n\0":
        return "the separator is not one plain character"
    if not _ascii_char(quote) or quote in " \r\n\0" or quote == sep:
        return "the quote character is not one plain character"
    for name in ("thousands", "decimal"):
        if name in user and (not _ascii_char(user[name]) or user[name] == quote):
            return f"{name} is not one plain character"
    if user.get("encoding") is None:
        return None
    try:
        codec = codecs.lookup(user["encoding"]).name
    except (LookupError, TypeError):
        return "unknown encoding"
    return None if codec in _ENCODINGS else f"encoding {codec}"


def separator(user: Mapping[str, Any]) -> Any:
    """The separator in force among the arguments that differ from the defaults."""
    delimiter = user.get("delimiter")
    return delimiter if isinstance(delimiter, str) else user.get("sep", ",")


def _plain_int(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _plain_int(value) and value >= 0


def _shape_reason(path: Any, user: dict[str, Any]) -> str | None:
    for name in ("header", "skiprows"):
        value = user.get(name, "infer")
        if value is not None and value != "infer" and not _count(value):
            return f"{name} is not a single number of lines"
    names = user.get("names")
    if names is not None:
        if not isinstance(names, list | tuple | range) or not all(is_scalar(n) for n in names):
            return "names is not a plain list"
        if not names or len(set(names)) != len(names):
            return "names is empty or has duplicates"
    index_col = user.get("index_col")
    keys = index_col if isinstance(index_col, list) else [index_col]
    if index_col is not None and index_col is not False:
        if not keys or not all(_plain_int(key) or isinstance(key, str) for key in keys):
            return "index_col is not a column or a list of columns"
        if not all(_count(key) or isinstance(key, str) for key in keys):
            return "negative index_col"
    usecols = user.get("usecols")
    if usecols is not None and not callable(usecols):
        if not isinstance(usecols, list | tuple | set | range) or not len(usecols):
            return "usecols is not a plain list"
    elif usecols is not None and not inspect.isfunction(usecols):
        return "usecols is not a plain function"
    return None


def _dtype_reason(path: Any, user: dict[str, Any]) -> str | None:
    dtype = user.get("dtype")
    if dtype is None:
        return None
    if isinstance(dtype, Mapping) and type(dtype) is not dict:
        return "dtype is not a plain dict"
    for one in dtype.values() if isinstance(dtype, dict) else [dtype]:
        try:
            resolved = pandas_dtype(one)
        except TypeError:
            return "dtype that pandas does not know"
        if one is None and isinstance(dtype, dict):
            return "dtype None"
        if isinstance(resolved, np.dtype) and resolved.kind == "U" and resolved.itemsize:
            return f"dtype {resolved} is refused by pandas"
    return None


def _column_reason(path: Any, user: dict[str, Any]) -> str | None:
    """What can only be read by looking at whole columns."""
    dtype = user.get("dtype")
    every = list(dtype.values()) if isinstance(dtype, dict) else [dtype] * (dtype is not None)
    for one in every:
        # bool: '1' and 'True' may meet in one file, which whole-column parsing refuses.
        # categories and nullable numbers: their parsing looks at the column as a whole.
        resolved = pandas_dtype(one)
        known = isinstance(resolved, np.dtype) and resolved.kind in "iufOU"
        if not known and not isinstance(resolved, pandas.StringDtype):
            return f"dtype {resolved} depends on the whole column"
    if user.get("parse_dates") and (dtype is not None or user.get("usecols") is not None):
        return "parse_dates together with dtype or usecols"
    return None


def _date_reason(path: Any, user: dict[str, Any]) -> str | None:
    dates = user.get("parse_dates")
    if dates is None or dates is False:
        # date_format alone asks for parse_dates=True
        return "date_format without parse_dates" if user.get("date_format") else None
    if not isinstance(dates, list) or not all(
        isinstance(one, str) or _plain_int(one) for one in dates
    ):
        return "parse_dates is not a list of columns"
    if user.get("index_col") not in (None, False):
        return "parse_dates together with index_col"
    return None if dates else "no columns in parse_dates"
