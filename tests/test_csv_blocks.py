"""Reading CSV in blocks gives what plain pandas gives: values, types, order, exceptions."""

from __future__ import annotations

import os
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas._libs import parsers

from pandas_dist.ops import csv
from pandas_dist.ops.csv_bytes import FileBytes
from pandas_dist.ops.csv_split import WholeFile, chunk_rows, record_ends
from pandas_dist.ops.files import FileChangedError, Pin

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3


def outcome(call: Any) -> Any:
    """The frame, or the exception's type and message; with the warnings given."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 (exceptions are compared, not hidden)
            result = (type(error), str(error))
    return result, sorted({(w.category, str(w.message)) for w in caught}, key=str)


def cells(frame: pd.DataFrame) -> list[Any]:
    """Every value with its type, so that 1, True, '1' and 1.0 differ, and -0.0 shows."""
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    return [[(type(v), repr(v)) for v in column] for column in [*columns, frame.index.tolist()]]


def assert_same(text: bytes, tmp_path: Path, sizes: tuple[int, ...] = (16,), **kwargs: Any) -> int:
    """Compare with pandas for each block size; how many of them were read in blocks."""
    path = tmp_path / "file.csv"
    path.write_bytes(text)
    expected, expected_warnings = outcome(lambda: pd.read_csv(path, **kwargs))
    native = 0
    for size in sizes:
        got, got_warnings = outcome(lambda size=size: csv.read_csv_blocks(path, kwargs, size))
        if isinstance(expected, tuple):
            assert isinstance(got, tuple), (expected, got)
            assert got == expected
            continue
        assert isinstance(got, pd.DataFrame), got
        pd.testing.assert_frame_equal(got, expected, check_exact=True, check_index_type="exact")
        assert type(got.columns) is type(expected.columns)
        assert cells(got) == cells(expected), (got, expected)
        assert got_warnings == expected_warnings, (got_warnings, expected_warnings)
        native += reason(path, kwargs, size) is None
    return native


def reason(path: Path, kwargs: dict[str, Any], size: int) -> str | None:
    """Why this file is read whole; None if it is read in blocks."""
    plan = csv.split(path, kwargs, size)
    if plan.whole:
        return plan.whole
    summaries = [csv.read_block(plan, block).summary for block in plan.blocks]
    return csv.reconcile(plan, summaries).whole


# ---- generated files -----------------------------------------------------------------

TOKENS = {
    "int": ["0", "1", "7", "42", "-3", "123456"],
    "zero": ["0", "-0", "1", "-1", "00"],
    "odd": ["+5", " 5", "007", "5 ", "1_000", "0x1F", "1e5", "1E-3", "5."],
    "float": ["0.5", "1.25", "-2.0", "3.0", ".5", "1e300", "0.1", "2.675"],
    "huge": ["9007199254740993", "9223372036854775807", "-9223372036854775808"],
    "over": ["9223372036854775808", "18446744073709551615", "99999999999999999999"],
    "inf": ["inf", "-inf", "Infinity", "+Infinity", "1.5"],
    "bool": ["True", "False", "TRUE", "FALSE", "true", "false"],
    "na": ["", "NA", "NaN", "null", "N/A", "None", "nan", "<NA>"],
    "text": ["a", "bc", "x y", "é", "10 Main St", "Ünï", "zz", " lead", "t"],
    "quoted": ['"a,b"', '"q""q"', '"new\nline"', '"5"', '""', '"a\r\nb"', '"\n"'],
    "date": ["2020-01-05", "2021-12-31", "1999-02-28"],
}
RECIPES = [
    ["int"], ["float"], ["bool"], ["text"], ["na"], ["quoted", "text"], ["int", "na"],
    ["int", "float"], ["zero", "float"], ["zero", "na"], ["int", "text"], ["bool", "na"],
    ["bool", "text"], ["bool", "int"], ["huge"], ["huge", "na"], ["huge", "float"], ["over"],
    ["over", "int"], ["over", "na"], ["over", "text", "na"], ["odd"], ["odd", "int"],
    ["inf", "int"], ["text", "na"], ["date"], ["date", "na"], ["float", "na"],
]  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    {}, {}, {}, {"low_memory": False}, {"index_col": 0}, {"usecols": [0, 1]}, {"usecols": ["c1"]},
    {"header": None}, {"na_values": ["7", "a"]}, {"na_values": [42]}, {"keep_default_na": False},
    {"na_filter": False}, {"dtype": str}, {"dtype": {"c0": "float64"}}, {"dtype": {"c1": object}},
    {"dtype": {"c0": "int64"}}, {"skipinitialspace": True}, {"skip_blank_lines": False},
    {"true_values": ["1"], "false_values": ["0"]}, {"encoding": "latin-1"}, {"skiprows": 1},
    {"names": ["p", "q"]}, {"names": ["p", "q"], "header": 0}, {"parse_dates": ["c0"]},
    {"thousands": "_"}, {"index_col": ["c1", "c0"]}, {"index_col": False}, {"header": 1},
    {"float_precision": "round_trip"}, {"nrows": 5}, {"skiprows": [1]}, {"comment": "#"},
    {"usecols": lambda name: name != "c0"}, {"dtype": "string"}, {"dtype": "category"},
]  # fmt: skip


def awkward_file(rng: random.Random) -> bytes:
    """A file whose columns each follow a recipe whose mix changes from place to place."""
    width = rng.choice([1, 2, 2, 3, 4])
    end = rng.choice(["\n", "\n", "\n", "\r\n"])
    names = [rng.choice(["c0", "c0", ""]) if rng.random() < 0.1 else f"c{i}" for i in range(width)]
    recipes = [rng.choice(RECIPES) for _ in range(width)]
    lines = [",".join(names)]
    current = [rng.choice(recipe) for recipe in recipes]
    for _ in range(rng.choice([0, 1, 5, 20, 40])):
        if rng.random() < 0.15:
            current = [rng.choice(recipe) for recipe in recipes]
        fields = [rng.choice(TOKENS[kind]) for kind in current]
        lines.append(",".join(fields))
    for _ in range(rng.choice([0, 0, 0, 0, 1])):
        at = rng.randrange(len(lines) + 1)
        lines.insert(at, rng.choice(["", " ", "1,2,3,4,5,6", "5", 'a"b', "\t", ",,,", '"open']))
    text = end.join(lines) + rng.choice([end, end, end, "", end * 3])
    if rng.random() < 0.05:
        text = "\ufeff" + text
    if rng.random() < 0.03:
        text = text.replace(end, "\r", 1)
    if rng.random() < 0.03:
        text = text.replace("a", "\0", 1)
    return text.encode()


@pytest.mark.parametrize("seed", range(10))
def test_awkward_files(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    native = 0
    for _ in range(30):
        options = rng.choice(OPTIONS)
        native += assert_same(
            awkward_file(rng), tmp_path, (rng.choice([1, 64, 200, 400]),), **options
        )
    assert native >= 5


@pytest.mark.parametrize("seed", range(6))
def test_low_memory_chunks(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pandas' own chunks made tiny, mixed types and their warning come out the same."""
    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**5)
    rng = random.Random(100 + seed)
    for _ in range(25):
        options = rng.choice([{}, {}, {}, {"skip_blank_lines": False}, {"index_col": 0}])
        assert_same(awkward_file(rng), tmp_path, (1, 64, 300), **options)


# ---- properties ----------------------------------------------------------------------

FIELD = st.one_of(
    st.sampled_from(sorted({token for tokens in TOKENS.values() for token in tokens})),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(st.characters(blacklist_characters='\r\n,"\0', blacklist_categories=("Cs",))),
    st.text('a",\n ', max_size=5).map(lambda text: '"' + text.replace('"', '""') + '"'),
)
RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    width = draw(st.integers(1, 3))
    pools = draw(st.lists(st.lists(FIELD, min_size=1, max_size=4), min_size=width, max_size=width))
    rows = draw(st.lists(st.tuples(*[st.sampled_from(pool) for pool in pools]), max_size=25))
    header = [f"c{i}" for i in range(width)]
    return "\n".join(",".join(row) for row in [header, *rows]).encode()


@RELAXED
@given(text=tables(), size=st.integers(1, 300), low_memory=st.booleans())
def test_any_table(text: bytes, size: int, low_memory: bool, tmp_path: Path) -> None:
    assert_same(text, tmp_path, (size,), low_memory=low_memory)


@RELAXED
@given(text=tables(), window=st.integers(1, 9))
def test_records_do_not_depend_on_windows(text: bytes, window: int) -> None:
    data = np.frombuffer(text, dtype=np.uint8)

    def ends(window: int) -> list[int] | None:
        try:
            return np.concatenate(list(record_ends(data, 0, {}, window))).tolist()
        except WholeFile:
            return None

    assert ends(window) == ends(1 << 20)


# ---- chosen files --------------------------------------------------------------------

NATIVE = {
    "int then float": b"a\n1\n2\n3\n4.5\n5\n",
    "int then missing": b"a,b\n1,x\n2,x\n,x\n4,x\n",
    "leading zeros then text": b"a\n007\n010\nx\n001\n",
    "bool then missing": b"a,b\nTrue,1\nFalse,1\n,1\ntrue,1\n",
    "bool then text": b"a\nTrue\nFALSE\nmaybe\ntrue\n",
    "missing then text": b"a,b\n,1\n,2\nx,3\n,4\n",
    "missing then bool": b"a,b\n,1\n,2\nTrue,3\n,4\n",
    "quoted newlines": b'a,b\n1,"x\ny"\n2,"""q"", r"\n3,"\n\n"\n4,z\n',
    "crlf and blank lines": b"a,b\r\n1,2\r\n\r\n3,4\r\n\r\n5,6\r\n",
    "byte order mark": b"\xef\xbb\xbfa,b\n1,2\n3,4\n5,6\n",
    "no newline at the end": b"a,b\n1,2\n3,4\n5,6",
    "repeated and empty names": b"a,a,,\n1,2,3,4\n5,6,7,8\n1,2,3,4\n",
    "quoted header": b'"a\nx","b"\n1,2\n3,4\n5,6\n',
    "short records": b"a,b,c\n1,2,3\n4,5\n6,7,8\n9,1,2\n",
    "infinities": b"a\n1\ninf\n-Infinity\n3\n",
    "unsigned": b"a\n18446744073709551615\n9223372036854775808\n9223372036854775809\n",
    "long line": b"a,b\n1," + b"x" * 5000 + b"\n2,y\n3,z\n",
}
WHOLE = {
    "negative zero": b"a\n-0\n-0\n1.5\n",
    "above 2**53": b"a\n9007199254740993\n9007199254740993\n1.5\n",
    "overflow": b"a,b\n1,x\n99999999999999999999,x\n,x\n",
    "signed and unsigned": b"a\n-1\n1\n18446744073709551615\n",
    "lone carriage return": b"a,b\n1,2\r3,4\n5,6\n",
    "quote inside a field": b'a,b\n1,5" disk\n2,"x\ny"\n',
    "open quote": b'a,b\n1,2\n3,"4\n5,6\n',
    "implicit index": b"a,b\n1,2,3\n4,5,6\n7,8,9\n",
    "too many fields": b"a,b\n1,2\n3,4\n5,6,7\n8,9\n",
    "trailing delimiters": b"a,b\n1,2,\n3,4,\n5,6,\n",
    "header only": b"a,b\n",
    "empty": b"",
    "bad utf-8": b"a,b\n1,x\n2,\xff\n3,y\n",
}


@pytest.mark.parametrize("name", NATIVE)
def test_read_in_blocks(name: str, tmp_path: Path) -> None:
    sizes = (1, 6, 20)
    assert assert_same(NATIVE[name], tmp_path, sizes) == len(sizes)


@pytest.mark.parametrize("name", WHOLE)
def test_read_whole(name: str, tmp_path: Path) -> None:
    assert assert_same(WHOLE[name], tmp_path, (1,)) == 0


BASE = b"id,when,x,y\n1,2020-01-05,1.5,a\n2,2020-02-05,2,b\n3,,NA,\n4,2021-12-31,4,d\n"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"sep": ","},
        {"delimiter": ",", "engine": "c"},
        {"header": None},
        {"header": 0, "names": list("pqrs")},
        {"names": list("pqrs"), "skiprows": 1},
        {"index_col": 0},
        {"index_col": "y", "usecols": ["y", "x"], "dtype": {"x": "float32"}},
        {"index_col": ["id", "x"]},
        {"usecols": ["y", "id"]},
        {"usecols": [3, 0]},
        {"usecols": lambda name: name in ("x", "y")},
        {"dtype": str},
        {"dtype": {"id": "int8", 2: "float32"}},
        {"dtype": {"y": "string"}},
        {"parse_dates": ["when"]},
        {"parse_dates": [1], "date_format": "%Y-%m-%d"},
        {"parse_dates": ["y"]},
        {"parse_dates": ["when", "id"]},
        {"na_values": {"id": [2], "y": ["a"]}},
        {"na_values": "b", "keep_default_na": False},
        {"na_filter": False},
        {"low_memory": False, "memory_map": True},
        {"encoding": "latin-1"},
        {"skipinitialspace": True, "quotechar": "'"},
        {"sep": ";", "decimal": ",", "thousands": "."},
    ],
    ids=str,
)
def test_keywords_in_blocks(kwargs: dict[str, Any], tmp_path: Path) -> None:
    assert assert_same(BASE, tmp_path, (1, 30), **kwargs) >= 1


@pytest.mark.parametrize(
    "kwargs",
    [
        {"nrows": 2},
        {"skipfooter": 1, "engine": "python"},
        {"comment": "#"},
        {"escapechar": "\\"},
        {"quoting": 3},
        {"sep": r"\s+"},
        {"sep": None, "engine": "python"},
        {"parse_dates": True, "index_col": 1},
        {"converters": {"id": str}},
        {"dtype": "category"},
        {"on_bad_lines": "skip"},
        {"compression": "gzip"},
        {"encoding": "utf-16"},
        {"usecols": ["missing"]},
        {"names": ["a", "a"]},
        {"header": [0, 1]},
        {"dtype": {"id": "no such type"}},
        {"index_col": 9},
        {"parse_dates": ["missing"]},
        {"dtype": "int64"},
    ],
    ids=str,
)
def test_keywords_read_whole(kwargs: dict[str, Any], tmp_path: Path) -> None:
    assert assert_same(BASE, tmp_path, (20,), **kwargs) == 0


def test_reasons(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(BASE)
    assert csv.native_reason(path, {}) is None
    assert csv.native_reason(str(path), {"sep": ",", "header": "infer", "nrows": None}) is None
    with path.open() as file:
        assert csv.native_reason(file, {}) == "file object"
    assert csv.native_reason("s3://bucket/file.csv", {}) == "remote path"
    assert csv.native_reason("file.csv.gz", {}) == "compressed file cannot be split"
    assert csv.native_reason(tmp_path / "none.csv", {}) == "no such file"


def test_plan_of_blocks(tmp_path: Path) -> None:
    """Blocks are whole records, in order, without gaps; pieces respect pandas' chunks."""
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(1000)))
    plan = csv.split(path, {}, 100)
    assert plan.rows == 1000
    assert plan.blocks[0].start == 4
    assert plan.blocks[-1].stop == path.stat().st_size
    for before, after in zip(plan.blocks, plan.blocks[1:]):
        assert before.stop == after.start


def test_chunk_of_pandas_size(tmp_path: Path) -> None:
    """With the real size of pandas' chunks: the last row alone is text."""
    rows = 3 * chunk_rows(2) // 2
    text = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i % 7) for i in range(rows)) + b"x,1.5\n"
    native = assert_same(text, tmp_path, (1 << 20,))
    assert native == (not PANDAS_3)


def test_file_changed(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(BASE)
    plan = csv.split(path, {}, 20)
    path.write_bytes(BASE + BASE[12:])
    with pytest.raises(FileChangedError, match="changed"):
        csv.read_block(plan, plan.blocks[0])


def test_bytes_of_a_file_are_read_where_they_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    whole = np.random.default_rng(3).integers(0, 255, 5000).astype(np.uint8)
    path.write_bytes(whole.tobytes())
    data = FileBytes(Pin.of(str(path)))
    assert len(data) == 5000 and data[-1] == whole[-1] and data[7] == whole[7]
    for places in ([], [0, 4999], range(990, 2010), [5, *range(1000, 2000)], range(0, 5000, 3)):
        at = np.array(places, dtype=np.int64)
        assert (data[at] == whole[at]).all()
        assert (data[1000:2000] == whole[1000:2000]).all()
    os.truncate(path, 1500)
    for gone in (slice(1400, 1600), np.array([3000])):
        with pytest.raises(FileChangedError, match="was changed"):
            data[gone]
