"""``read_csv`` on all cores: Polars finds the fields, `csv_columns` proves pandas' types.

Only files that both parsers cut into the same fields are read so: quotes that open and close
fields, records of one length, no blank lines, no lone carriage returns.  For any other file,
and for arguments that are not known here, `WholeFile` is raised, and pandas reads the file.

pandas 3 reads files on all cores itself.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.ops.csv_columns import Column, check_index, column_of, dates_of, pooled
from pandas_dist.ops.csv_native import PANDAS_3, given, native_reason, separator
from pandas_dist.ops.csv_reconcile import marks
from pandas_dist.ops.csv_split import Header, WholeFile, chunk_rows, read_header, record_ends
from pandas_dist.ops.files import Pin
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Local, assemble
from pandas_dist.plan.schema import new_id

_SAMPLE, _SAMPLE_ROWS = 1 << 20, 2000
_WINDOW = 1 << 18
_KNOWN = {
    "sep", "delimiter", "header", "names", "index_col", "usecols", "dtype", "engine", "skiprows",
    "na_values", "keep_default_na", "na_filter", "parse_dates", "low_memory", "memory_map",
    "quotechar", "encoding",
}  # fmt: skip
# Encodings in which bytes below 128 are ASCII.
_OVER_ASCII = {"ascii", "iso8859-1", "cp1252"}


def reason_for_pandas(path: Any, kwargs: Mapping[str, Any]) -> str | None:
    """Why a call is left to pandas, as far as its arguments tell; None if it is not."""
    if PANDAS_3:
        return "pandas reads on all cores itself"
    user = given(kwargs)
    unknown = sorted(set(user) - _KNOWN)
    if unknown:
        return f"{unknown[0]}={user[unknown[0]]!r}"
    if str(user.get("encoding", "utf-8")).lower() not in ("utf-8", "utf8"):
        return f"encoding {user['encoding']}"
    if isinstance(user.get("index_col"), list):
        return "several index columns"
    return native_reason(path, kwargs)


def simplified(path: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those about characters that the file does not hold."""
    user = given(kwargs)
    marked = {k: user[k] for k in ("comment", "thousands") if isinstance(user.get(k), str)}
    unused = {k: v.encode() for k, v in marked.items() if len(v) == 1 and v.isascii()}
    try:
        plain = codecs.lookup(user.get("encoding") or "utf-8").name in _OVER_ASCII
    except (LookupError, TypeError):
        plain = False
    if not unused and not plain:
        return dict(kwargs)
    with open(path, "rb") as file:
        while text := file.read(_SAMPLE):
            unused = {k: v for k, v in unused.items() if v not in text}
            plain = plain and text.isascii()
            if not unused and not plain:
                break
    dropped = {*unused, *(["encoding"] if plain else [])}
    return {k: v for k, v in kwargs.items() if k not in dropped}


def read(path: str, kwargs: Mapping[str, Any]) -> FramePlan:
    """The file as a plan over its columns in memory.

    WholeFile, with the reason, where only pandas' own read is right; nothing is raised for
    what pandas refuses.  FileChangedError if the file changes meanwhile.
    """
    pin = Pin.of(path)
    kwargs = simplified(path, kwargs)
    reason = reason_for_pandas(path, kwargs)
    if reason:
        raise WholeFile(reason)
    user = given(kwargs)
    if not pin.size:
        raise WholeFile("an empty file")
    data = np.memmap(path, dtype=np.uint8, mode="r")
    header = read_header(data, user)
    if len(header.names) < 2:
        raise WholeFile("a single column")
    rows, quoted = look_at_bytes(data, header.start, user)
    table = tokenise(path, data, header, user)
    pin.verify()
    if table.height != rows:
        raise WholeFile("records that need pandas")
    check_widths(table, data, header, user, quoted)
    fields = {n: table[name_of(n)] for n in header.labels}
    del table
    return plan_of(header, columns_of(fields, header, user), rows)


# ---- bytes ---------------------------------------------------------------------------


def look_at_bytes(data: np.ndarray, start: int, user: Mapping[str, Any]) -> tuple[int, bool]:
    """The number of records, and whether some field is quoted.

    WholeFile for blank lines, lone carriage returns, NUL bytes, and quotes inside fields.
    """
    sep, quote = ord(separator(user)), user.get("quotechar", '"').encode()
    if data[start] <= 32 or data[:3].tobytes() == b"\xef\xbb\xbf":
        raise WholeFile("blank space or a byte order mark at the start")

    def look(low: int) -> tuple[int, bool, bool]:
        part = np.asarray(data[low : low + _WINDOW])
        begins = np.flatnonzero(part == 10) + (low + 1)
        first = data[begins[: -1 if len(begins) and begins[-1] == len(data) else None]]
        # A blank line may hold blanks; a line may begin with a separator.
        if ((first <= 32) & (first != sep)).any():
            raise WholeFile("a line that is blank or begins with a blank")
        text = part.tobytes()
        if b"\0" in text:
            raise WholeFile("a NUL byte")
        return len(begins), quote in text, b"\r" in text

    seen = pooled(look, range(start, len(data), _WINDOW))
    rows = sum(one[0] for one in seen) + int(data[-1] != 10)
    quoted = any(one[1] for one in seen)
    returns = any(one[2] for one in seen)
    if quoted and returns:
        raise WholeFile("quotes and carriage returns")
    if quoted or returns:
        rows = sum(len(ends) for ends in record_ends(data, start, user))
    return rows, quoted


def check_widths(
    table: pl.DataFrame, data: np.ndarray, header: Header, user: Mapping[str, Any], quoted: bool
) -> None:
    """WholeFile if a record may be too short; Polars refuses those that are too long."""
    last = len(header.names) - 1
    if last in header.labels and not table[name_of(last)].null_count():
        return
    sep = ord(separator(user))
    found = pooled(
        lambda low: int(np.count_nonzero(data[low : low + _WINDOW] == sep)),
        range(header.start, len(data), _WINDOW),
    )
    if quoted or sum(found) != table.height * last:
        raise WholeFile("records that may be too short")


def name_of(position: int) -> str:
    return f"column_{position + 1}"


def tokenise(path: str, data: np.ndarray, header: Header, user: Mapping[str, Any]) -> pl.DataFrame:
    """The used columns: integers where a sample has only these, else text; empty is null."""
    whole = guess_integers(data, header, user)
    options: dict[str, Any] = {
        "columns": [name_of(n) for n in header.labels],
        "has_header": False,
        "skip_lines": int(np.count_nonzero(data[: header.start] == 10)),
        "separator": separator(user),
        "quote_char": user.get("quotechar", '"'),
        "glob": False,
    }
    for integers in (whole, set()) if whole else (whole,):
        types = [pl.Int64 if n in integers else pl.String for n in range(len(header.names))]
        schema = {name_of(n): kind for n, kind in enumerate(types)}
        try:
            table = pl.read_csv(path, schema=schema, **options)
        except pl.exceptions.PolarsError:
            continue
        if not any(table[name_of(n)].null_count() for n in integers):
            return table
    raise WholeFile("text that Polars does not read")


def guess_integers(data: np.ndarray, header: Header, user: Mapping[str, Any]) -> set[int]:
    """Positions of the columns that look like integers."""
    text = data[header.start : header.start + _SAMPLE].tobytes()
    options: dict[str, Any] = {"header": None, "index_col": False, "nrows": _SAMPLE_ROWS}
    options |= {k: user[k] for k in ("sep", "delimiter", "quotechar") if k in user}
    names = list(range(len(header.names)))
    fixed = fixed_types(header, user)
    try:
        frame = pd.read_csv(io.BytesIO(text), names=names, **options)
    except ValueError as error:
        raise WholeFile("a sample that pandas refuses") from error
    return {
        n
        for n, label in header.labels.items()
        if frame[n].dtype == np.int64 and fixed.get(label, np.dtype("int64")) == np.int64
    }


# ---- columns ------------------------------------------------------------------------


def fixed_types(header: Header, user: Mapping[str, Any]) -> dict[Any, Any]:
    """The dtype that the caller gives, by label; dates are text first."""
    dtype = user.get("dtype")
    fixed: dict[Any, Any] = {}
    for position, label in header.labels.items():
        one = dtype
        if isinstance(dtype, dict):
            one = dtype[label] if label in dtype else dtype.get(position)
        if one is not None:
            resolved = pd.api.types.pandas_dtype(one)
            fixed[label] = np.dtype(object) if getattr(resolved, "kind", "") == "U" else resolved
    return fixed | {label: np.dtype(object) for label in header.date_labels}


def columns_of(
    fields: dict[int, pl.Series], header: Header, user: Mapping[str, Any]
) -> dict[Any, Column]:
    """The columns of the result by label, in the order of the file.

    ``fields``, by position, is emptied: what has been converted need not stay in memory.
    """
    fixed = fixed_types(header, user)
    rows = chunk_rows(len(header.names))
    missing = {n: marks(user, n, label) for n, label in header.labels.items()}
    if any(one.numbers for one in missing.values()):
        raise WholeFile("numbers that mean missing")

    def convert(n: int) -> Column:
        return column_of(fields.pop(n), missing[n], fixed.get(header.labels[n]), rows)

    columns = dict(zip(header.labels.values(), pooled(convert, header.labels)))
    for label in header.date_labels:
        columns[label] = dates_of(columns[label])
    for label in header.index_labels:
        check_index(columns[label])
    return columns


def plan_of(header: Header, columns: dict[Any, Column], rows: int) -> FramePlan:
    ids = {label: new_id() for label in columns}
    fields = {ids[label]: column.field for label, column in columns.items()}
    frame = assemble({ids[label]: column.values for label, column in columns.items()}, rows)
    exprs = {label: Col(i, fields[i]) for label, i in ids.items()}
    labels: Labels = RangeLabels()
    if header.index_labels:
        keys = tuple(exprs.pop(label) for label in header.index_labels)
        labels = KeyLabels(keys, list(header.index_names), set_by_user=True)
    relation = Local(frame, fields, labels={i: label for label, i in ids.items()})
    return FramePlan(relation, header.columns, tuple(exprs.values()), labels)
