"""``read_csv`` on all cores: Polars finds the fields, and pandas' types are proved for each column.

pandas 2 types a file in chunks of some thousand rows and joins them.  What is read here has
the same type in every chunk, or numbers for which it makes no difference; anything else raises
`WholeFile`, and pandas reads the file:

- *integers* as Polars reads them: all that it accepts as int64, pandas does too;
- *floats* of at most 16 characters between 1e-6 and 2**53: their digits make an integer
  below 2**53 and their power of ten is exact (at most 22), so that pandas' converter
  rounds once, as any correct one.  Longer ones are converted by pandas itself, in threads;
- *truth values*, if missing ones are in every chunk or in none;
- *text* where each chunk has, before any number too long for an integer, a value that is
  neither number nor truth value: it stays Arrow text until somebody looks at it.

pandas 3 reads files on all cores itself.
"""

from __future__ import annotations

import codecs
import io
import re
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from pandas_dist.ops.csv_native import PANDAS_3, given, native_reason, separator
from pandas_dist.ops.csv_reconcile import Marks, marks
from pandas_dist.ops.csv_split import Header, WholeFile, chunk_rows, read_header, record_ends
from pandas_dist.ops.files import Pin
from pandas_dist.plan.expressions import Col
from pandas_dist.plan.frames import FramePlan
from pandas_dist.plan.index import KeyLabels, Labels, RangeLabels
from pandas_dist.plan.relations import Local, assemble
from pandas_dist.plan.schema import TEXT_STORAGE, Field, new_id

_SAMPLE = 1 << 20
_WINDOW = 1 << 18
_ROWS = 1 << 14
_BLOCK = 1 << 17
_LOOK = 64
_SHORT = 16
# What only a float, or a word for infinity or "not a number", has in it.
_POINT = [".", "e", "E", "n", "N"]
_LEAST, _MOST = 1e-6, float(2**53)
_KNOWN = {
    "sep", "delimiter", "header", "names", "index_col", "usecols", "dtype", "engine", "skiprows",
    "na_values", "keep_default_na", "na_filter", "parse_dates", "low_memory", "memory_map",
    "quotechar", "encoding",
}  # fmt: skip
# Encodings in which bytes below 128 are ASCII.
_OVER_ASCII = {"ascii", "iso8859-1", "cp1252"}
_TRUTH = {"true": True, "false": False}
_LETTER = re.compile(r"\s*[+-]?[^\W\d_]")
_MIXTURE = re.compile(r"\d{1,15}[-/:A-DF-Za-df-z]")
_NUMBER_WORDS = ("inf", "nan", "true", "false")
# A number in this many characters fits into an integer of 64 bits.
_FITS = 18


class NotNumbers(Exception):
    """A column holds something that is not a number."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result."""

    values: pd.Series
    field: Field


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
    width = len(header.names)
    if width < 2:
        raise WholeFile("a single column")
    rows, quoted = look_at_bytes(data, header.start, user, width)
    table = tokenise(path, data, header, user)
    pin.verify()
    if table.height != rows:
        raise WholeFile("records that need pandas")
    if quoted and (width - 1 not in header.labels or table[name_of(width - 1)].null_count()):
        raise WholeFile("records that may be too short")
    return plan_of(header, columns_of(table, header, user), rows)


# ---- bytes ---------------------------------------------------------------------------


def look_at_bytes(
    data: np.ndarray, start: int, user: Mapping[str, Any], width: int
) -> tuple[int, bool]:
    """The number of records, and whether some field is quoted.

    WholeFile for blank lines, lone carriage returns, NUL bytes, quotes inside fields, and
    records that are too short or too long.
    """
    sep, quote = ord(separator(user)), user.get("quotechar", '"').encode()
    if data[start] <= 32 or data[:3].tobytes() == b"\xef\xbb\xbf":
        raise WholeFile("blank space or a byte order mark at the start")

    def look(low: int) -> tuple[int, int, bool, bool]:
        part = np.asarray(data[low : low + _WINDOW + 1])
        ends = part == 10
        # A blank line may hold blanks; a line may begin with a separator.
        if (ends[:-1] & (part[1:] <= 32) & (part[1:] != sep)).any():
            raise WholeFile("a line that is blank or begins with a blank")
        own = part[:_WINDOW]
        text = own.tobytes()
        if b"\0" in text:
            raise WholeFile("a NUL byte")
        found = int(np.count_nonzero(own == sep))
        lines = int(np.count_nonzero(ends[:_WINDOW]))
        return lines, found, quote in text, b"\r" in text

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        seen = list(pool.map(look, range(start, len(data), _WINDOW)))
    rows = sum(one[0] for one in seen) + int(data[-1] != 10)
    quoted = any(one[2] for one in seen)
    returns = any(one[3] for one in seen)
    if quoted and returns:
        raise WholeFile("quotes and carriage returns")
    if quoted or returns:
        rows = sum(len(ends) for ends in record_ends(data, start, user))
    if not quoted and sum(one[1] for one in seen) != rows * (width - 1):
        raise WholeFile("records of other lengths")
    return rows, quoted


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
        except pl.exceptions.ComputeError:
            continue
        if not any(table[name_of(n)].null_count() for n in integers):
            return table
    raise WholeFile("text that Polars does not read")


def guess_integers(data: np.ndarray, header: Header, user: Mapping[str, Any]) -> set[int]:
    """Positions of the columns that look like integers."""
    text = data[header.start : header.start + _SAMPLE].tobytes()
    text = text[: text.rfind(b"\n") + 1] or text
    options = {k: user[k] for k in ("sep", "delimiter", "quotechar") if k in user}
    names = list(range(len(header.names)))
    fixed = fixed_types(header, user)
    try:
        frame = pd.read_csv(io.BytesIO(text), header=None, names=names, index_col=False, **options)
    except ValueError as error:
        raise WholeFile("a sample that pandas refuses") from error
    return {
        n
        for n, label in header.labels.items()
        if frame[n].dtype == np.int64 and fixed.get(label, np.dtype("int64")) == np.int64
    }


# ---- columns -------------------------------------------------------------------------


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


def columns_of(table: pl.DataFrame, header: Header, user: Mapping[str, Any]) -> dict[Any, Column]:
    """The columns of the result by label, in the order of the file."""
    fixed = fixed_types(header, user)
    rows = chunk_rows(len(header.names))
    jobs = [
        (table[name_of(n)], marks(user, n, label), fixed.get(label), rows)
        for n, label in header.labels.items()
    ]
    if any(missing.numbers for _, missing, _, _ in jobs):
        raise WholeFile("numbers that mean missing")
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        columns = dict(zip(header.labels.values(), pool.map(lambda job: column_of(*job), jobs)))
    for label in header.date_labels:
        columns[label] = dates_of(columns[label])
    for label in header.index_labels:
        check_index(columns[label])
    return columns


def column_of(values: pl.Series, missing: Marks, fixed: Any, rows: int) -> Column:
    """One column, typed as pandas types it; ``rows`` is the length of pandas' chunks."""
    if values.dtype == pl.Int64:
        return numbers(values.to_numpy())
    if "" not in missing.texts and (values.null_count() or (values == "").any()):
        raise WholeFile("empty text that is not missing")
    if fixed is not None and fixed == np.dtype(object):
        return text_of(values, missing)
    if fixed is not None and fixed != np.dtype("float64"):
        raise WholeFile(f"dtype {fixed}")
    truth = truth_of(values, missing, rows) if fixed is None else None
    if truth is not None:
        return truth
    try:
        return floats_of(values, missing, exact=fixed is None)
    except NotNumbers:
        if fixed is not None:
            raise WholeFile("values that are not numbers") from None
    check_text(values, missing.texts, rows)
    return text_of(values, missing)


def numbers(values: np.ndarray) -> Column:
    if not values.flags.writeable:
        values = values.copy()
    return Column(pd.Series(values, copy=False), Field(values.dtype, values.dtype.kind == "f"))


def truth_of(values: pl.Series, missing: Marks, rows: int) -> Column | None:
    """A column of truth values; None if it does not begin as one."""
    head = [one for one in values.head(_LOOK) if one is not None and one not in missing.texts]
    if not head or any(one.lower() not in _TRUTH for one in head):
        return None
    found = [one for one in values.unique() if one is not None and one not in missing.texts]
    if any(one.lower() not in _TRUTH for one in found):
        raise WholeFile("truth values and other values")
    truth = values.is_in([one for one in found if _TRUTH[one.lower()]]).fill_null(False).to_numpy()
    absent = (values.is_null() | values.is_in(list(missing.texts)).fill_null(False)).to_numpy()
    if not absent.any():
        return numbers(truth)
    for low in range(0, len(absent), rows):
        if absent[low : low + rows].all() or not absent[low : low + rows].any():
            raise WholeFile("a part of the file with only truth values, or only missing ones")
    objects = truth.astype(object)
    objects[absent] = np.nan
    return Column(pd.Series(objects, copy=False), Field(objects.dtype))


# ---- floats --------------------------------------------------------------------------


def floats_of(values: pl.Series, missing: Marks, exact: bool) -> Column:
    """A column of floats.  ``exact``: pandas infers its type, and some chunk may be integers.

    NotNumbers if it holds something else.
    """
    parse(values.head(_LOOK), missing)
    lengths = values.str.len_bytes()
    long = (lengths.max() or 0) > _SHORT
    array = by_pandas(values, missing) if long else parse(values, missing).to_numpy()
    seen = sizes_of(array)
    if exact:
        check_inference(values, array, lengths, seen)
    if not long and (seen.small or seen.large):
        array = by_pandas(values, missing)
    return numbers(array)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What occurs among floats; ``negative``: a negative zero."""

    small: bool
    large: bool
    missing: bool
    fraction: bool
    negative: bool


def sizes_of(array: np.ndarray) -> Sizes:
    found = np.zeros(5, dtype=bool)
    for low in range(0, len(array), _ROWS):  # pieces that stay in the cache
        part = array[low : low + _ROWS]
        size = np.abs(part)
        found |= (
            ((size < _LEAST) & (size > 0)).any(),
            (size >= _MOST).any(),
            np.isnan(part).any(),
            bool(found[3]) or ((part != np.floor(part)) & (part == part)).any(),
            ((part == 0) & np.signbit(part)).any(),
        )
    return Sizes(*found.tolist())


def parse(values: pl.Series, missing: Marks) -> pl.Series:
    """The nearest floats.  NotNumbers if some text is neither a number nor means missing."""
    parsed = values.cast(pl.Float64, strict=False)
    others = values.filter(parsed.is_null() | parsed.is_nan()).drop_nulls()
    if len(others) and not others.is_in(list(missing.texts)).all():
        raise NotNumbers
    return parsed


def check_inference(values: pl.Series, array: np.ndarray, lengths: pl.Series, seen: Sizes) -> None:
    """WholeFile if pandas may read some chunk as integers, with another result."""
    if seen.large:
        infinite = values.filter(pl.Series(np.abs(array) >= _MOST)).unique()
        words = {one.lstrip("+-").lower() for one in infinite.to_list()}
        if not words <= {"inf", "infinity"}:
            raise WholeFile("numbers that differ when read as integers or as floats")
    if not (seen.missing or seen.fraction) and not values.str.contains_any(_POINT).any():
        raise WholeFile("integers that look like floats at first")
    odd = (lengths > _SHORT).fill_null(False)
    if seen.negative:
        odd = odd | pl.Series((array == 0) & np.signbit(array))
    if odd.any() and not values.filter(odd).str.contains_any(_POINT).all():
        raise WholeFile("integers that differ when read as floats")


def by_pandas(values: pl.Series, missing: Marks) -> np.ndarray:
    """The numbers by pandas' own converter, which leaves other threads running."""

    def convert(low: int) -> np.ndarray:
        text = io.BytesIO()
        part = values.slice(low, _BLOCK)
        part.to_frame("x").write_csv(text, include_header=False, quote_style="never")
        text.seek(0)
        try:
            frame = pd.read_csv(
                text,
                header=None,
                names=["x"],
                sep="\x01",
                dtype="float64",
                quoting=3,
                skip_blank_lines=False,
                na_values=sorted(missing.texts),
                keep_default_na=False,
                low_memory=False,
            )
        except ValueError as error:
            raise NotNumbers from error
        if len(frame) != len(part):
            raise WholeFile("numbers on several lines")
        return frame["x"].to_numpy()

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return np.concatenate(list(pool.map(convert, range(0, len(values), _BLOCK))))


# ---- text ----------------------------------------------------------------------------


def text_of(values: pl.Series, missing: Marks) -> Column:
    """A column of text, its missing values null."""
    if missing.texts:
        absent = values.is_in(list(missing.texts))
        if absent.any():
            values = values.set(absent.fill_null(False), None)
    text = TEXT_STORAGE.__from_arrow__(pa.chunked_array([values.to_arrow()]))
    return Column(pd.Series(text, copy=False), Field(np.dtype(object), True, True, "nan"))


def check_text(values: pl.Series, missing: frozenset[str], rows: int) -> None:
    """WholeFile unless pandas reads every chunk of ``rows`` as text."""
    for low in range(0, len(values), rows):
        for one in chunk(values, low, rows):
            if one is None or one in missing:
                continue
            if is_text(one):
                break
            if len(one) >= _FITS:
                raise WholeFile("long numbers before text")
        else:
            raise WholeFile("a part of the file without text in a column of text")


def chunk(values: pl.Series, low: int, rows: int) -> Iterator[str | None]:
    yield from values.slice(low, min(_LOOK, rows)).to_list()
    if rows > _LOOK:
        yield from values.slice(low + _LOOK, rows - _LOOK).to_list()


def is_text(one: str) -> bool:
    """Whether a value is surely neither number nor truth value."""
    if _LETTER.match(one):
        return not one.strip().lstrip("+-").lower().startswith(_NUMBER_WORDS)
    return _MIXTURE.match(one) is not None


# ---- dates, index --------------------------------------------------------------------


def dates_of(column: Column) -> Column:
    """Text as dates: each distinct value once, in order of appearance, as pandas' cache does."""
    encoded = pa.chunked_array(column.values.array.__arrow_array__()).combine_chunks()
    encoded = encoded.dictionary_encode()
    distinct = pd.Series(encoded.dictionary.to_pandas(), dtype=object)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dates = pd.to_datetime(distinct).to_numpy()
    except (ValueError, TypeError, UserWarning) as error:
        raise WholeFile("dates that need pandas") from error
    if not len(dates) or dates.dtype != np.dtype("M8[ns]"):
        raise WholeFile("dates of several kinds")
    codes = encoded.indices.fill_null(len(dates)).to_numpy(zero_copy_only=False)
    values = np.append(dates, np.datetime64("NaT"))[codes]
    return Column(pd.Series(values, copy=False), Field(values.dtype))


def check_index(column: Column) -> None:
    """Columns of the index go through a second round of inference."""
    if column.values.dtype == np.int64:
        return
    values = column.values.dropna()
    if column.field.encoding is None or not len(values) or not is_text(values.iloc[0]):
        raise WholeFile("an index that needs the whole column")


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
