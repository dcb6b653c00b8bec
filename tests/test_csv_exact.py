"""``read_csv`` on the engines gives what plain pandas gives, whatever the file holds."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import polars as pl
import pytest
from pandas._libs import parsers
from strict import Outcome, assert_same, outcome

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.ops import csv_digits, csv_parallel, csv_parts, csv_split, io
from pandas_dist.ops.csv_split import WholeFile
from pandas_dist.plan import schema

PANDAS_3 = int(plain.__version__.split(".")[0]) >= 3
only_pandas_2 = pytest.mark.skipif(PANDAS_3, reason="pandas 3 reads on all cores itself")


@pytest.fixture(autouse=True)
def every_size(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small files are read as large ones are, in parts of few bytes."""
    monkeypatch.setattr(io, "SMALL_CSV", 0)
    monkeypatch.setattr(csv_parts, "PART", 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look at a file takes few bytes at a time."""
    monkeypatch.setattr(csv_parts, "_STRETCH", 64)
    monkeypatch.setattr(csv_parts, "_WINDOW", 32)


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
    "marks": ["$5", "5%", "(5)", "10.0.0.1", "12 Main St", "1.5 kg", "/x", "1 2 3", "-5 -", "1.-"],
    "infix": ["info", "nano", "true story", "Infinity!", "falsehood"],
}  # fmt: skip
RECIPES = [
    ["int"], ["plain"], ["float"], ["bool"], ["text"], ["na"], ["quoted", "text"], ["int", "na"],
    ["int", "float"], ["int", "text"], ["bool", "na"], ["bool", "text"], ["bool", "int"],
    ["huge"], ["huge", "na"], ["huge", "float"], ["over"], ["over", "int"], ["over", "na"],
    ["over", "text", "na"], ["odd"], ["odd", "int"], ["inf", "int"], ["inf"], ["text", "na"],
    ["date"], ["date", "na"], ["float", "na"], ["exponent"], ["exponent", "float"], ["digits"],
    ["digits", "na"], ["digits", "int"], ["nans"], ["infix"], ["infix", "na"], ["quoted"],
    ["plain", "float"], ["plain", "text"], ["date", "text"], ["marks"], ["marks", "na"],
    ["marks", "over"], ["marks", "int", "float"],
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
    {"dtype": {"c0": "int32", "c1": "float32"}}, {"dtype": {"c0": "category", "c1": "bool"}},
    {"dtype": {"c1": "uint8", "c0": None}}, {"dtype": {"c0": "float32", "c2": "int16"}},
    {"parse_dates": ["c0"], "usecols": ["c0", "c1"]}, {"parse_dates": ["c0"], "usecols": ["c1"]},
    {"parse_dates": ["c1"], "dtype": {"c0": "category"}, "low_memory": False},
    {"parse_dates": ["c1"], "dtype": {"c1": str}}, {"dtype": "category", "index_col": 0},
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


@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("backend", ["polars", "dask", "auto"])
@pytest.mark.parametrize("seed", range(200))
def test_awkward_file(seed: int, backend: str, tmp_path: Path) -> None:
    rng = random.Random(seed)
    text = awkward_file(rng)
    assert_exact(text, tmp_path, backend, **rng.choice(OPTIONS))


@only_pandas_2
@pytest.mark.usefixtures("short_stretches")
@pytest.mark.parametrize("seed", range(40))
def test_chunks_of_few_rows(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pandas types a file in chunks, here of few rows: types that differ between them show."""
    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**5)
    # Parts of the file are as short.
    rng = random.Random(1000 + seed)
    for _ in range(10):
        text = awkward_file(rng)
        assert_exact(text, tmp_path, "polars", **rng.choice(OPTIONS))


GIVEN: dict[str, list[Any]] = {
    "i": ["int64", "int8", "uint16", "int32", "category", "float32", str, object, "bool"],
    "f": ["float64", "float32", "category", str, "int16"],
    "t": ["category", str, object, pd.CategoricalDtype(), pd.CategoricalDtype(["a", "zz"])],
    "b": ["bool", "category", object],
    "d": ["category", str],
}


@only_pandas_2
@pytest.mark.parametrize("seed", range(60))
def test_given_dtypes(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's dtypes, dates and columns, in files of many short chunks."""
    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**6)
    rng = random.Random(seed)
    tokens = {
        "i": ["0", "1", "7", "42", "-3" if seed % 2 else "5", "300" if seed % 3 else "12"],
        "f": ["0.5", "1.25", "-2.0", "0.30448918498953171", "" if seed % 2 else "3.0", "1e-5"],
        "t": ["a", "bc", "zz", "é", "NA" if seed % 2 else "q", f"t{rng.randrange(9)}"],
        "b": ["True", "False", "TRUE", "" if seed % 3 else "true"],
        "d": ["2020-01-05", "2021-12-31", "" if seed % 2 else "1999-02-28"],
    }
    names = rng.sample(sorted(tokens), rng.randrange(2, 6))
    rows = [",".join(rng.choice(tokens[n]) for n in names) for _ in range(rng.choice([3, 20, 90]))]
    kwargs: dict[str, Any] = {
        "dtype": {n: rng.choice(GIVEN[n]) for n in names if rng.random() < 0.6}
    }
    if "d" in names and seed % 2:
        kwargs["parse_dates"] = ["d"]
        kwargs["dtype"].pop("d", None)
    if rng.random() < 0.3:
        kwargs["usecols"] = rng.sample(names, 2)
    if rng.random() < 0.2:
        kwargs["low_memory"] = False
    text = "\n".join([",".join(names), *rows]) + "\n"
    for backend in ("polars", "auto"):
        assert_exact(text.encode(), tmp_path, backend, **kwargs)


DATES = {
    "days": ["2020-01-05", "1999-12-31", "2261-12-31", "1678-01-01", "2000-02-29"],
    "seconds": ["2020-01-05 10:00:59", "1969-12-31 23:59:59", "2030-06-30 00:00:00"],
    "leap": ["2020-01-05 10:00:59", "2016-12-31 23:59:60", "2030-06-30 24:00:00"],
    "wrong": ["2020-01-05", "2021-02-29", "2020-13-01", "0000-01-01", "2020-1-005"],
    "far": ["2020-01-05", "1677-01-01", "2262-04-12", "9999-12-31"],
    "layouts": ["2020-01-05", "2020-01-05 10:00:00", "2020-01-05T10:00:00", "20200105"],
    "other": ["05/01/2020", "2020/01/05", "Jan 5, 2020", "2020-01-05 10:00", "\u0662020-01-05"],
    "zones": ["2020-01-05 10:00:00Z", "2020-01-05 10:00:00+01:00", "2020-01-05 10:00:00"],
    "parts of a second": ["2020-01-05 10:00:00.5", "2020-01-05 10:00:00.123456789"],
}


@only_pandas_2
@pytest.mark.parametrize("kind", DATES)
def test_dates(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of one kind of dates, and of days among which it occurs once or twice."""
    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**6)
    rng = random.Random(kind)
    for _ in range(6):
        size = rng.choice([5, 60])
        texts = [rng.choice(DATES[kind]) for _ in range(size)]
        for base in ("days", "seconds"):
            many = [rng.choice(DATES[base]) for _ in range(60)]
            for text in (texts, [*many, *texts[:1]], [*texts[:1], *many], many):
                filled = [one if rng.random() < 0.9 else "" for one in text]
                lines = "\n".join(f'"{one}",x' if "," in one else f"{one},x" for one in filled)
                content = f"d,t\n{lines}\n".encode()
                assert_exact(content, tmp_path, "polars", parse_dates=["d"])


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
        {"dtype": {"i": "int8", "f": "float32", "t": "category", "b": "bool"}},
        {"dtype": {"i": "int16"}, "parse_dates": ["d"], "usecols": ["d", "i"]},
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
        (PLAIN, {"na_values": ["True"]}),
        (PLAIN, {"keep_default_na": False}),
        (PLAIN, {"dtype": {"i": "uint8"}}),
        (PLAIN, {"dtype": {"i": "Int64"}}),
        (PLAIN, {"dtype": {"f": "int8"}}),
        (PLAIN.replace(b"1.5", b"1e39"), {"dtype": {"f": "float32"}}),
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


def digits(rng: random.Random) -> str | None:
    """Texts of the form that `csv_digits` reads, others that differ from it in little, None."""
    whole = "".join(rng.choices("0123456789", k=rng.choice([1, 1, 1, 2, 3, 5, 8, 9, 15, 16])))
    text = f"{rng.choice(['', '-', '-', '+'])}{whole}."
    text += "".join(rng.choices("0123456789", k=rng.randrange(8, 24)))
    kind = rng.randrange(8)
    if kind == 0:
        place = rng.randrange(len(text))
        text = text[:place] + chr(rng.randrange(33, 127)) + text[place + 1 :]
    if kind == 1:
        text += rng.choice(["e5", "E-3", "x", ".", "-", "é", "e", ":", "/"])
    return None if rng.random() < 0.05 else rng.choice([text, repr(rng.gauss(0, 1)), text[1:], ""])


@only_pandas_2
@pytest.mark.parametrize("seed", range(4))
def test_digits_in_words(seed: int) -> None:
    rng = random.Random(seed)
    texts = [digits(rng) for _ in range(40_000)]
    found, known = csv_digits.convert(pl.Series(texts, dtype=pl.String).slice(7))
    read = [text for text, one in zip(texts[7:], known) if one]
    assert len(read) > 13_000
    file = BytesIO("\n".join(map(str, read)).encode())
    want = plain.read_csv(file, header=None, dtype="float64")[0].to_numpy()
    assert (found[known].view("i8") == want.view("i8")).all()


@only_pandas_2
def test_digits_of_several_layouts() -> None:
    """Few numbers of one layout before many of another, and the other way round."""
    rng = random.Random(0)
    for few, many in ((1, 3), (3, 1), (2, 9), (9, 2), (4, 15)):
        texts = [repr(rng.uniform(0.1, 1) * 10**few) for _ in range(50)]
        texts += [repr(rng.uniform(0.1, 1) * 10**many) for _ in range(900)]
        for order in (texts, texts[::-1]):
            found, known = csv_digits.convert(pl.Series(order))
            file = BytesIO("\n".join(order).encode())
            want = plain.read_csv(file, header=None)[0].to_numpy()
            assert known.mean() > 0.7
            assert (found[known].view("i8") == want[known].view("i8")).all()


@only_pandas_2
def test_digits_at_the_borders() -> None:
    texts = ["0.9007199254740993", "9.007199254740993", "-0.000000000000000", "9.0071992547409915"]
    texts += ["9.9999999999999999", "-9.99999999999999999", "-0.00000000000000001"]
    texts += ["0.1" + "0" * 17, "999999999999999.9", "-99999999.999999999", "9007199.254740993"]
    texts += ["900719925.4740993", "-999999999999999.99", "9999999.9999999999999999"]
    others = ["", None, "5", ".", "-", "-.", "0." + "1" * 23, "0.5", "0.90071992547409", "1" * 17]
    others += ["1" * 16 + ".5", "." + "1" * 17, "1.11111111111111e-5", "-1.2345678:1234567"]
    found, known = csv_digits.convert(pl.Series([*texts, *others]))
    assert known.tolist() == [True] * len(texts) + [False] * len(others)
    want = plain.read_csv(BytesIO("\n".join(texts).encode()), header=None)[0].to_numpy()
    assert found[: len(texts)].view("i8").tolist() == want.view("i8").tolist()
    assert len(csv_digits.convert(pl.Series([], dtype=pl.String))[0]) == 0
    assert csv_digits.trusted()


def test_text_of_few_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that repeats becomes objects piece by piece; other text, at once."""
    monkeypatch.setattr(schema, "_LOOK", 16)
    monkeypatch.setattr(schema, "_TASK", 50)
    rng = random.Random(0)
    for words in (["a", "bc", "é"], ["a", "", "x" * 40, "NA"], [f"w{n}" for n in range(9999)]):
        rows = [f"{rng.choice(words)},{n},t{n}" for n in range(300)]
        assert_exact(("a,b,c\n" + "\n".join(rows)).encode(), tmp_path, "polars")
        assert_exact(("a,b,c\n" + "\n".join(rows)).encode(), tmp_path, "polars", index_col="b")


MIXED = "i,x,t,j,y,b\n" + "".join(
    f"{n},{n}.5,t{n % 3},{-n},{n}.25,{n % 2 > 0}\n" for n in range(40)
)


def numbers_of(frame: Any) -> dict[str, int]:
    """Where the first values of a pandas frame's blocks of numbers are in memory, by dtype."""
    blocks = [one.values for one in frame._mgr.blocks if one.dtype.kind in "ifb"]
    return {str(one.dtype): one.__array_interface__["data"][0] for one in blocks}


def blocks_of(frame: Any) -> list[str]:
    return sorted(str(one) for one in frame._mgr.blocks)


@only_pandas_2
@pytest.mark.parametrize("columns", ["ixtjyb", "ixjy", "tb", "ij"])
def test_numbers_are_handed_over(columns: str, tmp_path: Path) -> None:
    """The last one who looks at numbers that were read gets them as they are, in one array."""
    path = tmp_path / "file.csv"
    path.write_text(MIXED)
    want = plain.read_csv(path, usecols=list(columns))
    with options.context(backend="polars"):
        frame = pd.read_csv(path, usecols=list(columns))
        held = frame._plan.relation.frame
        read = {
            str(c.dtype): c.to_numpy().__array_interface__["data"][0]
            for c in (held[i] for i in reversed(list(held)))
            if c.dtype.kind in "ifb"
        }
        del held
        made = plain.DataFrame(frame)
    assert numbers_of(made) == read
    assert_same(Outcome(made), Outcome(want))
    assert blocks_of(made) == blocks_of(want)
    assert all(b.values.flags.owndata for b in made._mgr.blocks)


def first_column(frame: Any) -> Any:
    return frame._plan.relation.frame.iloc[:, 0]


# Who else may look at the columns of a frame that was read, and what they see.
OTHERS: list[tuple[Any, Any]] = [
    (lambda f: f.copy(), plain.DataFrame),
    (lambda f: f["x"] + 0, plain.Series),
    (lambda f: f[["j", "x"]], plain.DataFrame),
    (lambda f: f[f["i"] > 3], plain.DataFrame),
    (lambda f: f.iloc[2:5], plain.DataFrame),
    (lambda f: f._plan, lambda plan: plan.relation.frame.T.reset_index(drop=True)),
    (first_column, lambda column: column.rename(None)),
    (lambda f: first_column(f).to_numpy()[3:], plain.Series),
]


@only_pandas_2
@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_numbers_that_others_look_at_are_copied(number: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(MIXED)
    keep, look = OTHERS[number]
    with options.context(backend="polars"):
        frame = pd.read_csv(path)
        other = keep(frame)
        plain.DataFrame(frame).iloc[:, [0, 1, 3, 4]] = 99
        assert_same(Outcome(look(other)), Outcome(look(keep(pd.read_csv(path)))))


@only_pandas_2
@pytest.mark.parametrize("kwargs", [
    {"index_col": "i"}, {"dtype": {"x": "float32", "j": "int16"}}, {"usecols": ["y", "i"]}, {},
])  # fmt: skip
def test_blocks_are_those_of_a_copy(kwargs: Any, tmp_path: Path) -> None:
    """Also where a column turns out to be something else than its first rows."""
    path = tmp_path / "file.csv"
    late = "".join(f"{n},{n}.5,t,{n}.5,x{n},True\n" for n in range(5000))
    for text in (MIXED, MIXED.replace("39,39.5", ",39.5"), MIXED + late):
        path.write_text(text)
        want = outcome(lambda: plain.read_csv(path, **kwargs))
        with options.context(backend="polars"):
            got = outcome(lambda: plain.DataFrame(pd.read_csv(path, **kwargs)))
        assert_same(got, want)
        if want.error is None:
            assert blocks_of(got.value) == blocks_of(want.value)


@only_pandas_2
def test_text_of_few_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_split, "chunk_rows", lambda width: 16)
    monkeypatch.setattr(csv_parallel, "chunk_rows", lambda width: 16)
    rng = random.Random(7)
    path = tmp_path / "file.csv"
    for words in (["a", "bc", "é"], ["a", "", "x" * 40, "NA"], ["", "None", "w"]):
        rows = [f"{rng.choice(words)},t{n // 3},{n},z" for n in range(300)]
        path.write_text("\n".join(["a,b,c,d", "w,w,1,z", *rows]))
        want = plain.read_csv(path, dtype={"a": str})
        with options.context(backend="polars"):
            frame = pd.read_csv(path, dtype={"a": str})
            for plan in (
                lambda f: f["a"].str.len(),
                lambda f: f.groupby("a")["c"].sum(),
                lambda f: f[f["b"] == "t7"],
                lambda f: f.iloc[5:9],
                lambda f: f.sort_values(["a", "c"]),
            ):
                assert_same(Outcome(plan(frame)), Outcome(plan(want)))
            assert_same(Outcome(plain.DataFrame(frame)), Outcome(want))


@only_pandas_2
def test_quotes_and_nothing_in_the_last_column(
    tmp_path: Path, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(0)
    fields = ["a", '"x,y"', '","', '"""q"","', '"new\nline, and on"', "", '"' + "," * 99 + '"']
    lines = [f"{rng.choice(fields)},{n},{rng.choice(['', 'z', fields[1]])}" for n in range(500)]
    text = "\n".join(["a,b,c", "w,1,w", *lines]).encode()
    assert reason(text, tmp_path) is None
    assert_exact(text, tmp_path, "polars")
    short = text + b'\n",",7'
    assert reason(short, tmp_path) == "records that may be too short"
    assert_exact(short, tmp_path, "polars")


@only_pandas_2
@pytest.mark.parametrize("one", [*TOKENS["marks"][:8], "nano", "+info"])
def test_text_with_marks(one: str, tmp_path: Path) -> None:
    text = f"a,b\n{one},1\n{one},2\n".encode()
    assert reason(text, tmp_path) is None
    assert_exact(text, tmp_path, "polars")


@only_pandas_2
def test_text_that_begins_as_numbers_do(tmp_path: Path) -> None:
    first = "7e312345-0e00-4000-8000-0123456789ab,123456789012345678x\n"
    text = b"a,b\n" + (first * 9 + "ab-1,1x-\n").encode()
    assert reason(text, tmp_path) is None
    assert_exact(text, tmp_path, "polars")
    long = text.replace(b"345678x", b"3456789x")
    assert reason(long, tmp_path) == "long numbers before text"
    assert_exact(long, tmp_path, "polars")


@only_pandas_2
def test_a_frame_of_its_own(tmp_path: Path) -> None:
    """Writing to a frame does not reach what was taken from it, and it is one block per dtype."""
    path = tmp_path / "file.csv"
    path.write_bytes(PLAIN)
    want = plain.read_csv(path)
    with options.context(backend="polars"):
        frame = pd.read_csv(path)
        taken, doubled = frame[["i", "t"]], frame["i"] * 2
        local = plain.DataFrame(frame)
        assert local._mgr.is_consolidated()
        assert all(one.flags.writeable for one in (local["i"].to_numpy(), local["t"].to_numpy()))
        frame.iloc[0, 0] = 99
        frame.iloc[0, 2] = "other"
        assert_same(Outcome(taken), Outcome(want[["i", "t"]]))
        assert_same(Outcome(doubled), Outcome(want["i"] * 2))
        want.iloc[0, 0], want.iloc[0, 2] = 99, "other"
        assert_same(Outcome(frame), Outcome(want))


ODD_FILES = {
    "crlf": b"a,b\r\n1,x\r\n2,y\r\n",
    "crlf and lf": b"a,b\r\n1,x\n2,y\r\n3,z\n",
    "lone cr": b"a,b\r1,x\r2,y\r",
    "cr in the middle": b"a,b\n1,x\r2,y\n3,z\n",
    "cr at the end": b"a,b\n1,x\n2,y\r",
    "byte order mark": b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
    "byte order mark and quotes": b'\xef\xbb\xbf"a","b"\n1,x\n2,y\n',
    "trailing delimiters": b"a,b\n1,x,\n2,y,\n",
    "trailing delimiters in the header": b"a,b,\n1,x,\n2,y,\n",
    "short rows": b"a,b,c\n1,x,2\n2,y\n3\n",
    "short last row": b"a,b,c\n1,x,2\n2,y,3\n3,z",
    "long row": b"a,b\n1,x\n2,y,z\n",
    "quotes in a field": b'a,b\n1,x"y"\n2,"x"y\n3,5" disk\n',
    "doubled quotes": b'a,b\n1,"x""y"\n2,""""\n3,""\n',
    "newlines in quotes": b'a,b\n1,"x\ny"\n2,"\n"\n3,"\r\n"\n',
    "open quote": b'a,b\n1,x\n2,"y\n3,z\n',
    "blank lines": b"a,b\n\n1,x\n\n\n2,y\n\n",
    "lines of blanks": b"a,b\n1,x\n  \n2,y\n\t\n",
    "blanks around": b"a, b\n 1 , x \n2 ,y\n",
    "repeated names": b"a,a,a.1,,\n1,2,3,4,5\n",
    "numbers as names": b"1,1.0,1\n1,2,3\n",
    "empty columns": b"a,b,c\n1,,\n2,,\n",
    "only missing": b"a,b\n,NA\nnull,\n",
    "empty first column": b"a,b\n,1\n,2\n",
    "uint64": b"a,b\n18446744073709551615,x\n1,y\n",
    "uint64 and negative": b"a,b\n18446744073709551615,x\n-1,y\n",
    "uint64 and missing": b"a,b\n18446744073709551615,x\n,y\n",
    "too large": b"a,b\n18446744073709551616,x\n1,y\n",
    "too large after a float": b"a,b\n0.5,x\n99999999999999999999999,y\n",
    "least integer": b"a,b\n-9223372036854775808,x\n9223372036854775807,y\n",
    "below the least": b"a,b\n-9223372036854775809,x\n1,y\n",
    "infinities": b"a,b\ninf,x\n-Inf,y\n+INFINITY,z\ninfinit,w\n",
    "words of truth": b"a,b\nTrue,TRUE\nFALSE,true\nfalse,False\n",
    "truth and missing": b"a,b\nTrue,x\n,y\nFalse,z\n",
    "truth and numbers": b"a,b\nTrue,x\n1,y\n0,z\n",
    "short words of truth": b"a,b\nT,x\nF,y\n",
    "yes and no": b"a,b\nyes,x\nno,y\n",
    "leading zeros": b"a,b\n007,00\n010,01.50\n",
    "signs": b"a,b\n+1,-0\n-1,-0.0\n",
    "hexadecimal": b"a,b\n0x10,x\n0x1p3,y\n",
    "underscores": b"a,b\n1_000,1_0.5\n2,3.5\n",
    "large exponents": b"a,b\n1e400,1e-400\n-1e400,1e308\n1e22,1e23\n",
    "NUL": b"a,b\n1,x\0y\n2,z\n",
    "latin-1": b"a,b\n1,\xe9\n2,z\n",
    "other digits": "a,b\n\u0661,x\n\u0662,y\n".encode(),
    "wide blanks": "a,b\n1\u00a0,x\n\u20032,y\n".encode(),
    "header alone": b"a,b\n",
    "header without a newline": b"a,b",
    "nothing": b"",
    "newlines alone": b"\n\n\n",
    "vertical tabs": b"a,b\n1\x0b,x\n\x0c2,y\n",
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_odd_file(name: str, tmp_path: Path) -> None:
    for backend in ("polars", "dask"):
        assert_exact(ODD_FILES[name], tmp_path, backend)
    # The same beside rows enough to make it a rare thing in its column.
    head, _, rest = ODD_FILES[name].partition(b"\n")
    for usual in (b"5,q\n", b"0.25,2020-01-05\n", b"zz,7\n"):
        assert_exact(head + b"\n" + usual * 300 + rest, tmp_path, "polars")
        assert_exact(head + b"\n" + rest + usual * 300, tmp_path, "polars")


@only_pandas_2
@pytest.mark.parametrize("last", ["x", "1.5", "True", "", "99999999999999999999", "inf", "-0"])
@pytest.mark.parametrize("first", ["7", "0.5", "True", "x", ""])
def test_another_type_in_the_last_chunk(first: str, last: str, tmp_path: Path) -> None:
    """The values, and pandas' DtypeWarning where the types of its chunks differ."""
    rows = csv_split.chunk_rows(2) + 10
    text = "a,b\n" + f"{first},t\n" * rows + f"{last},t\n"
    path = tmp_path / "file.csv"
    path.write_text(text)
    seen = []
    for module in (plain, pd):
        with options.context(backend="polars", fallback="silent"), warnings.catch_warnings():
            warnings.simplefilter("error", plain.errors.DtypeWarning)
            seen.append(outcome(lambda module=module: module.read_csv(path)))
    assert_same(seen[1], seen[0])
    assert_exact(text.encode(), tmp_path, "polars")


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
