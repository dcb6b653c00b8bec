"""``read_csv`` on all cores: Polars finds the fields, `csv_columns` proves pandas' types.

One look at the bytes finds parts of whole records (`csv_parts`).  Threads read a part each, and
write its values to their places in the columns, whose kinds are guessed from the first rows.
Where a part refutes the guess, the file is read again with a kind that allows more.

Only files that both parsers cut into the same fields are read so: quotes that open and close
fields, records of one length, no blank lines, no lone carriage returns.  For any other file,
and for arguments that are not known here, `WholeFile` is raised, and pandas reads the file.

pandas 3 reads files on all cores itself.
"""

from __future__ import annotations

import codecs
from collections.abc import Container, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from pandas_dist.ops.csv_bytes import FileBytes
from pandas_dist.ops.csv_columns import (
    TRUTH,
    Builder,
    Categories,
    Column,
    Dates,
    Integers,
    NotNumbers,
    Text,
    Truth,
    check_index,
    side_by_side,
)
from pandas_dist.ops.csv_floats import Floats, parse
from pandas_dist.ops.csv_native import PANDAS_3, given, native_reason, separator
from pandas_dist.ops.csv_parts import Part, check_widths, parts_of, pooled
from pandas_dist.ops.csv_reconcile import Marks, marks
from pandas_dist.ops.csv_split import Header, WholeFile, chunk_rows, read_header
from pandas_dist.ops.files import Pin
from pandas_dist.pages import small_pages
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Local, assemble
from pandas_dist.plan.schema import new_id

_SAMPLE = 1 << 20
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
    reason = native_reason(path, kwargs, memory=True)
    if reason or not user.get("parse_dates"):
        return reason
    dates, dtype = user["parse_dates"], user.get("dtype") or {}
    if not isinstance(dtype, dict) or any(isinstance(one, int) or one in dates for one in dtype):
        return "a dtype for dates"
    by_name = all(isinstance(one, str) for one in dates)
    if not by_name and (dtype or user.get("usecols") is not None):
        return "dates by position together with dtype or usecols"
    return None


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
    data = FileBytes(pin)
    header = read_header(data, user)
    if len(header.names) < 2:
        raise WholeFile("a single column")
    chunk = chunk_rows(len(header.names))
    parts, quoted = parts_of(path, data, header.start, user, chunk)
    with small_pages():
        columns = columns_of(Records(path, header, user, quoted), parts, chunk)
    pin.verify()
    return plan_of(header, columns, parts[-1].place.stop)


# ---- fields --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Records:
    """A file whose records Polars cuts into fields, part by part."""

    path: str
    header: Header
    user: Mapping[str, Any]
    quoted: bool

    def table(self, part: Part, integers: Container[int], first: int | None = None) -> pl.DataFrame:
        """The used columns of a part, or of its first records: integers or text, empty is null."""
        with open(self.path, "rb") as file:
            file.seek(part.start)
            text = file.read(part.stop - part.start)
        width = len(self.header.names)
        types = {name_of(n): pl.Int64 if n in integers else pl.String for n in range(width)}
        table = pl.read_csv(
            text,
            columns=[name_of(n) for n in self.header.labels],
            schema=types,
            has_header=False,
            separator=separator(self.user),
            quote_char=self.user.get("quotechar", '"') if self.quoted else None,
            n_rows=first,
        )
        if first is None:
            self._check(part, text, table)
        return table

    def _check(self, part: Part, text: bytes, table: pl.DataFrame) -> None:
        if table.height != part.rows:
            raise WholeFile("records that need pandas")
        # Polars refuses records that are too long; short ones have nothing in the last field.
        last = len(self.header.names) - 1
        if last not in self.header.labels or table[name_of(last)].null_count():
            quote = ord(self.user.get("quotechar", '"')) if self.quoted else None
            check_widths(text, part, last + 1, ord(separator(self.user)), quote)


def name_of(position: int) -> str:
    return f"column_{position + 1}"


# ---- columns ------------------------------------------------------------------------

# What a column is tried as when it turns out to be something else.
_WEAKER: dict[type[Builder], type[Builder]] = {Integers: Floats, Floats: Text}
_LOOK = 2000
_FIRST = 64


class OtherKinds(Exception):
    """Columns, by position, that hold something else than their first rows."""

    def __init__(self, positions: list[int]) -> None:
        super().__init__(positions)
        self.positions = positions


def columns_of(records: Records, parts: list[Part], chunk: int) -> dict[Any, Column]:
    """The columns of the result by label, in the order of the file."""
    header, user = records.header, records.user
    fixed = fixed_types(header, user)
    missing = {n: marks(user, n, label) for n, label in header.labels.items()}
    if any(one.numbers for one in missing.values()):
        raise WholeFile("numbers that mean missing")
    if not set(header.date_labels) <= set(header.labels.values()):
        raise WholeFile("a parse_dates column is not used")
    try:
        head = records.table(parts[0], (), _LOOK)
    except pl.exceptions.PolarsError as error:
        raise WholeFile("text that Polars does not read") from error
    kinds = {
        n: Dates
        if label in header.date_labels
        else kind_of(head[name_of(n)], missing[n], fixed.get(label))
        for n, label in header.labels.items()
    }

    def new(n: int) -> Builder:
        return kinds[n](parts[-1].place.stop, missing[n], chunk, fixed.get(header.labels[n]))

    columns = {n: new(n) for n in header.labels}
    indexed = header.index_labels
    side_by_side(one for n, one in columns.items() if header.labels[n] not in indexed)
    while wrong := fill(records, parts, columns):
        for n in wrong:
            if columns[n].dtype is not None or kinds[n] not in _WEAKER:
                raise WholeFile("values that are not numbers")
            kinds[n] = _WEAKER[kinds[n]]
            columns[n] = new(n)
    finished = dict(zip(header.labels.values(), pooled(methodcaller("finish"), columns.values())))
    for label in header.index_labels:
        check_index(finished[label])
    return finished


def fill(records: Records, parts: list[Part], columns: Mapping[int, Builder]) -> list[int]:
    """Read all parts into the columns; the positions of those that hold something else."""
    try:
        pooled(lambda part: add(records, part, columns), parts)
    except OtherKinds as found:
        return found.positions
    return []


def add(records: Records, part: Part, columns: Mapping[int, Builder]) -> None:
    """Read a part of the file into its columns."""
    integers = [n for n, column in columns.items() if isinstance(column, Integers)]
    try:
        table = records.table(part, integers)
    except pl.exceptions.PolarsError:
        raise OtherKinds(not_integers(records, part, integers)) from None
    for n, column in columns.items():
        try:
            column.add(part, table[name_of(n)])
        except NotNumbers:
            raise OtherKinds([n]) from None


def not_integers(records: Records, part: Part, integers: list[int]) -> list[int]:
    """Which columns have made Polars refuse a part."""
    try:
        table = records.table(part, ())
    except pl.exceptions.PolarsError as error:
        raise WholeFile("text that Polars does not read") from error
    wrong = [n for n in integers if table[name_of(n)].cast(pl.Int64, strict=False).null_count()]
    if not wrong:
        raise WholeFile("text that Polars does not read")
    return wrong


_FIXED: dict[str, type[Builder]] = {
    "O": Text,
    "f": Floats,
    "i": Integers,
    "u": Integers,
    "b": Truth,
}


def fixed_kind(dtype: Any) -> type[Builder]:
    """The kind of a column whose dtype the caller gives.  WholeFile for one not known here."""
    if isinstance(dtype, pd.CategoricalDtype) and dtype.categories is None and not dtype.ordered:
        return Categories
    usual = isinstance(dtype, np.dtype) and dtype.isnative and dtype.kind in _FIXED
    if not usual or (dtype.kind == "f" and dtype.itemsize not in (4, 8)):
        raise WholeFile(f"dtype {dtype}")
    return _FIXED[dtype.kind]


def kind_of(head: pl.Series, missing: Marks, fixed: Any) -> type[Builder]:
    """What the first values of a column, as text, look like; ``fixed``: the caller's dtype.

    WholeFile for a dtype that is not known here.
    """
    if fixed is not None:
        return fixed_kind(fixed)
    if not head.null_count() and not head.cast(pl.Int64, strict=False).null_count():
        return Integers
    first = [one for one in head.head(_FIRST) if one is not None and one not in missing.texts]
    if first and all(one.lower() in TRUTH for one in first):
        return Truth
    try:
        parse(head, missing)
    except NotNumbers:
        return Text
    return Floats


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
