"""``read_csv`` on the engines gives what plain pandas gives, whatever the file holds."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from pandas._libs import parsers
from strict import Outcome, assert_same, outcome

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.ops import csv_parallel, io
from pandas_dist.ops.csv_split import WholeFile

PANDAS_3 = int(plain.__version__.split(".")[0]) >= 3
only_pandas_2 = pytest.mark.skipif(PANDAS_3, reason="pandas 3 reads on all cores itself")


@pytest.fixture(autouse=True)
def every_size(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small files are read as large ones are."""
    monkeypatch.setattr(io, "SMALL_CSV", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def assert_exact(text: bytes, tmp_path: Path, backend: str, **kwargs: Any) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(text)
    want = outcome(lambda: plain.read_csv(path, **kwargs))
    with options.context(backend=backend, fallback="silent", partition_bytes=200):
        got = outcome(lambda: pd.read_csv(path, **kwargs))
        assert_same(got, want)
        if want.error is None:
            bits(got.value, want.value)


def bits(got: Any, want: Any) -> None:
    """Floats to the last bit, and the sign of zeros."""
    for n in range(want.shape[1]):
        column = want.iloc[:, n]
        if column.dtype == np.float64:
            other = plain.DataFrame(got).iloc[:, n].to_numpy()
            present = ~np.isnan(other)
            a, b = other[present].view("i8"), column.to_numpy()[present].view("i8")
            assert (a == b).all()


def reason(text: bytes, tmp_path: Path, **kwargs: Any) -> str | None:
    """Why pandas reads the file; None if the engine does."""
    path = tmp_path / "file.csv"
    path.write_bytes(text)
    try:
        csv_parallel.read(str(path), kwargs)
    except WholeFile as stop:
        return str(stop)
    return None


# -- generated files ------------------------------------------------------------------------

TOKENS = {
    "int": ["0", "1", "7", "42", "-3", "123456", "-0", "+5", "007", " 5", "5 ", "00"],
    "plain": ["0", "1", "7", "42", "-3", "123456", "9999999999"],
    "huge": ["9007199254740993", "9223372036854775807", "-9223372036854775808"],
    "over": ["9223372036854775808", "18446744073709551615", "99999999999999999999"],
    "float": ["0.5", "1.25", "-2.0", "3.0", ".5", "5.", "0.1", "2.675", "-0.0", "100", "-7"],
    "exponent": ["1e5", "1E-3", "1e300", "1e-300", "1e22", "1.5e-320", "1e400", "+1.5e+3", "1e"],
    "digits": ["0.3044891849895317", "0.07205331149934835", "123456.789012345678", "1.1",
               "0.1000000000000000055", "8.988465674311579e+307", "12345678901234567890.5"],
    "inf": ["inf", "-inf", "Infinity", "+Infinity", "1.5", "INF", "infinity"],
    "nans": ["NAN", "nAn", "+nan", "nan", "-nan", "1.5"],
    "odd": ["1_000", "0x1F", "0x1p3", "1,5", "1'000", "--5", "-", ".", "5a", "1.2.3", "٣"],
    "bool": ["True", "False", "TRUE", "FALSE", "true", "false", "tRuE"],
    "na": ["", "NA", "NaN", "null", "N/A", "None", "nan", "<NA>", "#N/A", "-1.#IND", "n/a"],
    "text": ["a", "bc", "x y", "é", "10 Main St", "Ünï", "zz", " lead", "trail ", "t", "e5"],
    "quoted": ['"a,b"', '"q""q"', '"new\nline"', '"5"', '""', '"a\r\nb"', '"NA"', '" 5"', '"1.5"'],
    "date": ["2020-01-05", "2021-12-31", "1999-02-28", "2020-01-05 10:00"],
    "infix": ["info", "nano", "true story", "Infinity!", "falsehood"],
}  # fmt: skip
RECIPES = [
    ["int"], ["plain"], ["float"], ["bool"], ["text"], ["na"], ["quoted", "text"], ["int", "na"],
    ["int", "float"], ["int", "text"], ["bool", "na"], ["bool", "text"], ["bool", "int"],
    ["huge"], ["huge", "na"], ["huge", "float"], ["over"], ["over", "int"], ["over", "na"],
    ["over", "text", "na"], ["odd"], ["odd", "int"], ["inf", "int"], ["inf"], ["text", "na"],
    ["date"], ["date", "na"], ["float", "na"], ["exponent"], ["exponent", "float"], ["digits"],
    ["digits", "na"], ["digits", "int"], ["nans"], ["infix"], ["infix", "na"], ["quoted"],
    ["plain", "float"], ["plain", "text"], ["date", "text"],
]  # fmt: skip
OPTIONS: list[dict[str, Any]] = [
    *[{}] * 12, {"low_memory": False}, {"index_col": 0}, {"usecols": [0, 1]}, {"usecols": ["c1"]},
    {"header": None}, {"na_values": ["7", "a"]}, {"na_values": ["a", "zz"]},
    {"keep_default_na": False}, {"na_filter": False}, {"dtype": str}, {"dtype": {"c0": "float64"}},
    {"dtype": {"c1": object}}, {"dtype": {"c0": "int64"}}, {"dtype": "category"}, {"skiprows": 1},
    {"names": ["p", "q"]}, {"names": ["p", "q"], "header": 0}, {"parse_dates": ["c0"]},
    {"thousands": ","}, {"thousands": "_"}, {"decimal": ","}, {"index_col": ["c1", "c0"]},
    {"index_col": False}, {"header": 1}, {"nrows": 5}, {"skiprows": [1]}, {"comment": "#"},
    {"encoding": "latin-1"}, {"encoding": "utf-8"}, {"sep": ";"}, {"compression": "gzip"},
    {"skipinitialspace": True}, {"index_col": "c1"}, {"na_values": {"c0": ["1", "a"]}},
    {"usecols": ["zz"]}, {"parse_dates": ["c0", "c1"]}, {"float_precision": "round_trip"},
]  # fmt: skip


def awkward_file(rng: random.Random) -> bytes:
    """Columns that each follow a recipe whose mix changes from place to place."""
    width = rng.choice([1, 2, 2, 3, 4])
    end = rng.choice(["\n", "\n", "\n", "\n", "\r\n"])
    names = [rng.choice(["c0", "c0", ""]) if rng.random() < 0.1 else f"c{i}" for i in range(width)]
    recipes = [rng.choice(RECIPES) for _ in range(width)]
    lines = [",".join(names)]
    current = [rng.choice(recipe) for recipe in recipes]
    for _ in range(rng.choice([0, 1, 5, 20, 40])):
        if rng.random() < 0.3:
            current = [rng.choice(recipe) for recipe in recipes]
        lines.append(",".join(rng.choice(TOKENS[kind]) for kind in current))
    for _ in range(rng.choice([0, 0, 0, 0, 0, 1])):
        at = rng.randrange(len(lines) + 1)
        extra = ["", " ", "1,2,3,4,5,6", "5", 'a"b', "\t", ",,,", '"open', "#x", "# a,b", "1,"]
        lines.insert(at, rng.choice(extra))
    text = end.join(lines) + rng.choice([end, end, end, "", end * 3])
    if rng.random() < 0.05:
        text = "\ufeff" + text
    if rng.random() < 0.03:
        text = text.replace(end, "\r", 1)
    if rng.random() < 0.03:
        text = text.replace("a", "\0", 1)
    return text.encode("latin-1", "replace") if rng.random() < 0.03 else text.encode()


@pytest.mark.parametrize("backend", ["polars", "dask", "auto"])
@pytest.mark.parametrize("seed", range(200))
def test_awkward_file(seed: int, backend: str, tmp_path: Path) -> None:
    rng = random.Random(seed)
    text = awkward_file(rng)
    assert_exact(text, tmp_path, backend, **rng.choice(OPTIONS))


@only_pandas_2
@pytest.mark.parametrize("seed", range(40))
def test_chunks_of_few_rows(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pandas types a file in chunks, here of few rows: types that differ between them show."""
    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**5)
    rng = random.Random(1000 + seed)
    for _ in range(10):
        text = awkward_file(rng)
        assert_exact(text, tmp_path, "polars", **rng.choice(OPTIONS))


# -- what the engine reads ------------------------------------------------------------------

PLAIN = b"i,f,t,b,d\n1,1.5,x,True,2020-01-05\n-2,,NA,false,2020-02-05\n30,2,y,TRUE,\n"


@only_pandas_2
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"usecols": ["t", "i"]},
        {"usecols": [1, 2]},
        {"parse_dates": ["d"]},
        {"index_col": "i"},
        {"index_col": "t"},
        {"dtype": {"f": "float64", "t": str}},
        {"dtype": {"i": "int64"}},
        {"na_values": ["x"]},
        {"na_values": {"t": ["x"]}},
        {"header": None, "skiprows": 1},
        {"names": list("vwxyz"), "header": 0},
        {"sep": ",", "encoding": "utf-8", "low_memory": False},
        {"comment": "#", "thousands": "_", "encoding": "latin-1"},
    ],
    ids=str,
)
def test_read_by_the_engine(kwargs: dict[str, Any], tmp_path: Path) -> None:
    assert reason(PLAIN, tmp_path, **kwargs) is None
    for backend in ("polars", "dask"):
        assert_exact(PLAIN, tmp_path, backend, **kwargs)


@only_pandas_2
@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(b"TRUE", b""),
        PLAIN.replace(b"x", b'"x,""y"').replace(b"TRUE,", b"TRUE,z"),
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN[:-1],
        PLAIN.replace(b"1.5", b"inf"),
        PLAIN.replace(b"1.5", b"0.30448918498953171"),
        PLAIN.replace(b",x,", b",7,"),
        PLAIN.replace(b",1,", b",007,"),
        PLAIN.replace(b"x", "é".encode()),
    ],
    ids=str,
)
def test_odd_text_read_by_the_engine(text: bytes, tmp_path: Path) -> None:
    assert reason(text, tmp_path) is None
    for backend in ("polars", "dask"):
        assert_exact(text, tmp_path, backend)


@only_pandas_2
@pytest.mark.parametrize(
    ("text", "kwargs"),
    [
        (PLAIN, {"thousands": ","}),
        (PLAIN, {"thousands": "-"}),
        (PLAIN, {"decimal": ","}),
        (PLAIN, {"comment": "x"}),
        (PLAIN.replace(b"x", b"\xe9"), {"encoding": "latin-1"}),
        (PLAIN, {"compression": "gzip"}),
        (PLAIN, {"nrows": 2}),
        (PLAIN, {"na_values": [99]}),
        (PLAIN, {"keep_default_na": False}),
        (PLAIN, {"dtype": {"i": "int8"}}),
        (PLAIN.replace(b"1.5", b"-0"), {}),
        (PLAIN.replace(b"1.5", b"9007199254740993"), {}),
        (PLAIN.replace(b"x", b"99999999999999999999"), {}),
        (PLAIN.replace(b"x", b"0"), {}),
        (PLAIN.replace(b"2020-02-05", b"05.02.2020"), {"parse_dates": ["d"]}),
    ],
    ids=str,
)
def test_read_by_pandas(text: bytes, kwargs: dict[str, Any], tmp_path: Path) -> None:
    if kwargs or b",0," not in text:
        assert reason(text, tmp_path, **kwargs)
    for backend in ("polars", "dask"):
        assert_exact(text, tmp_path, backend, **kwargs)


def number(rng: random.Random) -> str:
    """A spelling of a number, most of them ones that converters round differently."""
    kind = rng.randrange(6)
    digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 26)))
    place = rng.randrange(len(digits) + 1)
    sign = rng.choice(["", "", "-", "+"])
    if kind == 0:
        return repr(rng.random())
    if kind == 1:
        return repr(rng.uniform(-1, 1) * 10.0 ** rng.randrange(-30, 30))
    if kind == 2:
        return f"{sign}{digits[:place]}.{digits[place:]}"
    if kind == 3:
        return f"{sign}{digits[:place]}.{digits[place:]}e{rng.randrange(-40, 40)}"
    if kind == 4:
        return f"{rng.uniform(-1000, 1000):.{rng.randrange(1, 9)}f}"
    return f"{sign}{digits[:12]}.{digits[12:15]}"


def is_sure(text: str) -> bool:
    """Whether it is a number that pandas reads alike in chunks of integers and of floats."""
    try:
        value = float(text)
    except ValueError:
        return False
    return "." in text and abs(value) < 2**53


@pytest.mark.parametrize("seed", range(8))
def test_floats_to_the_last_bit(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    short = [f"{rng.uniform(-9e5, 9e5):.{rng.randrange(1, 8)}f}" for _ in range(20_000)]
    long = [one if is_sure(one) else "2.5" for one in (number(rng) for _ in range(20_000))]
    cut = [one[:16] if is_sure(one[:16]) else "2.5" for one in long]
    lines = [f"{a},{b},{c}" for a, b, c in zip(short, cut, long)]
    text = ("\n".join(["a,b,c", "1.5,0.5,0.3044891849895317", *lines]) + "\n").encode()
    if not PANDAS_3:
        assert reason(text, tmp_path) is None
    assert_exact(text, tmp_path, "polars")


@pytest.mark.parametrize("seed", range(4))
def test_integers(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    limits = [2**31, 2**53, 2**63 - 1]
    rows = [[rng.randint(-top, top) for top in limits] for _ in range(5_000)]
    lines = [f"{a},{b:+d},{c:020d}" for a, b, c in rows]
    text = ("a,b,c\n" + "\n".join(lines)).encode()
    if not PANDAS_3:
        assert reason(text, tmp_path) is None
    assert_exact(text, tmp_path, "polars")


@only_pandas_2
def test_explain_says_who_read(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(PLAIN)
    with options.context(backend="polars"):
        assert "read_csv on all cores" in str(pd.read_csv(path).dist.explain())
        shown = str(pd.read_csv(path, thousands=",").dist.explain())
    assert "read_csv by pandas: thousands=','" in shown


@only_pandas_2
def test_the_file_may_change_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(PLAIN)
    want = plain.read_csv(path)
    with options.context(backend="polars"):
        got = pd.read_csv(path)
        path.write_bytes(b"other\n1\n")
        assert_same(Outcome(got), Outcome(want))
