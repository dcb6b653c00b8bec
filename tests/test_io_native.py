"""Files read on an engine give what plain pandas reads, whole or in pieces."""

from __future__ import annotations

import datetime
import decimal
import gc
import os
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from strict import assert_same, outcome

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.ops import csv_scan, files, parquet
from pandas_dist.ops.files import FileChangedError
from pandas_dist.plan.relations import Scan

PANDAS_3 = int(plain.__version__.split(".")[0]) >= 3


@pytest.fixture(autouse=True)
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every file is opened lazily, and has several pieces."""
    monkeypatch.setattr(parquet, "SMALL_FILE", 0)
    monkeypatch.setattr(parquet, "SMALL_PIECE", 1)
    monkeypatch.setattr(csv_scan, "is_large", lambda path, kwargs: True)
    with options.context(backend="dask", fallback="error", partition_bytes=600):
        yield


def scan_of(frame: Any) -> Scan | None:
    """The scan that a fresh frame stands for; None if its rows are in memory."""
    plan = frame.__dict__.get("_plan")
    return plan.relation if plan is not None and isinstance(plan.relation, Scan) else None


def assert_reads(path: Any, lazy: bool = True, **kwargs: Any) -> None:
    """Same as pandas, by way of pieces where ``lazy``."""
    want = plain.read_parquet(path, **kwargs)
    got = pd.read_parquet(path, **kwargs)
    assert (scan_of(got) is not None) == lazy
    assert list(got.columns) == list(want.columns)
    assert_same(got, want)
    assert_same(pd.read_parquet(path, **kwargs).tail(3), want.tail(3))
    for n in range(want.shape[1]):
        assert_same(pd.read_parquet(path, **kwargs).iloc[:, n], want.iloc[:, n])


N = 60


def every(n: int, values: list[Any], hole: Any) -> list[Any]:
    """N values, with a hole at every n-th place of the second half."""
    return [hole if i > N // 2 and i % n == 0 else values[i % len(values)] for i in range(N)]


def columns() -> dict[str, pa.Array]:
    """One column of each type that is read in pieces, with and without nulls."""
    stamp = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=7 * i) for i in range(N)]
    found: dict[str, pa.Array] = {}
    for bits in (8, 16, 32, 64):
        for kind in (f"int{bits}", f"uint{bits}"):
            high = 2**bits - 2 if kind[0] == "u" else 2 ** (bits - 1) - 2
            found[kind] = pa.array([high - i for i in range(N)], type=kind)
            found[f"{kind} nulls"] = pa.array(every(3, [1, 2, 100], None), type=kind)
    for kind in ("float", "double"):
        found[kind] = pa.array([i / 7 for i in range(N)], type=kind)
        found[f"{kind} nulls"] = pa.array(every(3, [0.5, float("nan"), -0.0], None), type=kind)
    found["bool"] = pa.array([i % 3 == 0 for i in range(N)])
    found["bool nulls"] = pa.array(every(4, [True, False], None))
    for kind in ("string", "large_string"):
        found[kind] = pa.array([f"t{i % 7}é" for i in range(N)], type=kind)
        found[f"{kind} nulls"] = pa.array(every(3, ["x", "", "ß"], None), type=kind)
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Oslo", "+02:00"):
            kind = pa.timestamp(unit, zone)
            found[f"stamp {unit} {zone}"] = pa.array(every(5, stamp, None), type=kind)
        found[f"span {unit}"] = pa.array(range(N), type="int64").cast(pa.duration(unit))
    found["date"] = pa.array(every(3, [datetime.date(1850, 1, 2)], None))
    found["date64"] = pa.array([datetime.date(2020, 1, 2)] * N, type=pa.date64())
    found["time"] = pa.array([datetime.time(1, 2, i % 60) for i in range(N)])
    found["decimal"] = pa.array(every(3, [decimal.Decimal("1.50")], None), pa.decimal128(9, 2))
    found["bytes"] = pa.array(every(3, [b"a", b"\xff"], None))
    found["nothing"] = pa.nulls(N)
    found["all null int"] = pa.nulls(N, "int64")
    found["all null text"] = pa.nulls(N, "string")
    found["all null bool"] = pa.nulls(N, "bool")
    return found


COLUMNS = columns()


@pytest.mark.parametrize("name", COLUMNS)
def test_types(name: str, tmp_path: Path) -> None:
    table = pa.table({"k": pa.array(range(N)), name: COLUMNS[name]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    assert_reads(tmp_path / "a.parquet")


def test_all_types_at_once(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS), tmp_path / "a.parquet", row_group_size=11)
    frame = pd.read_parquet(tmp_path / "a.parquet")
    scan = scan_of(frame)
    assert scan is not None and len(scan.source.pieces()) > 1
    assert_reads(tmp_path / "a.parquet")
    some = ["bool nulls", "string", "int8"]
    assert_reads(tmp_path / "a.parquet", columns=some)


@pytest.mark.parametrize("groups", [0, 1])
def test_no_rows(groups: int, tmp_path: Path) -> None:
    table = pa.table(COLUMNS).slice(0, 0)
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema) as writer:
        for _ in range(groups):
            writer.write_table(table)
    assert_reads(tmp_path / "a.parquet")


def test_statistics_absent(tmp_path: Path) -> None:
    names = ["int64", "int64 nulls", "bool nulls", "string nulls", "stamp us None"]
    table = pa.table({n: COLUMNS[n] for n in names})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=9, write_statistics=False)
    assert_reads(tmp_path / "a.parquet")
    got = pd.read_parquet(tmp_path / "a.parquet")
    want = plain.read_parquet(tmp_path / "a.parquet")
    assert_same(got[got["bool nulls"] == True], want[want["bool nulls"] == True])  # noqa: E712
    assert_same(got.head(5)["int64 nulls"], want.head(5)["int64 nulls"])


# -- what pandas itself writes -------------------------------------------------------------


def frame() -> plain.DataFrame:
    return plain.DataFrame(
        {
            "a": np.arange(N, dtype="int32"),
            "b": [None if i % 4 == 1 else f"v{i % 5}" for i in range(N)],
            "c": plain.array([None if i % 7 == 0 else 2**60 + i for i in range(N)], dtype="Int64"),
            "d": plain.array([None if i % 5 == 0 else i % 2 == 0 for i in range(N)], "boolean"),
            "e": plain.array([f"s{i}" if i % 3 else None for i in range(N)], dtype="string"),
            "f": plain.date_range("2020-01-01", periods=N, tz="Europe/Oslo"),
            "g": plain.array([None if i % 6 == 0 else i / 4 for i in range(N)], dtype="Float32"),
        }
    )


INDEXES: dict[str, Callable[[], plain.Index]] = {
    "default": lambda: plain.RangeIndex(N),
    "range": lambda: plain.RangeIndex(500, 500 - 3 * N, -3, name="r"),
    "range that ends late": lambda: plain.RangeIndex(0, 2 * N - 1, 2),
    "ints": lambda: plain.Index(range(N, 0, -1)),
    "named": lambda: plain.Index([f"x{i % 9}" for i in range(N)], name="key"),
    "nulls": lambda: plain.Index([f"x{i}" if i % 3 else None for i in range(N)], name="key"),
    "bools": lambda: plain.Index([i % 2 == 0 for i in range(N)], name="flag"),
    "small ints": lambda: plain.Index(np.arange(N, dtype="uint8"), name="u"),
    "dates": lambda: plain.date_range("2021-03-04", periods=N, freq="D", name="day"),
    "zone": lambda: plain.date_range("2021-03-04", periods=N, freq="h", tz="Asia/Tokyo"),
    "objects": lambda: plain.Index([datetime.date(2020, 1, 1 + i % 28) for i in range(N)]),
    "Int64": lambda: plain.Index(plain.array(range(N), dtype="Int64"), name="i"),
    "two levels": lambda: plain.MultiIndex.from_product([list("abcdef"), range(10)]),
    "named levels": lambda: plain.MultiIndex.from_product(
        [plain.date_range("2020-01-01", periods=6), list("abcdefghij")], names=["x", "y"]
    ),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_index_of_metadata(kind: str, tmp_path: Path) -> None:
    frame().set_axis(INDEXES[kind]()).to_parquet(tmp_path / "a.parquet", row_group_size=8)
    assert_reads(tmp_path / "a.parquet")
    assert_reads(tmp_path / "a.parquet", columns=["e", "a"])
    assert_reads(tmp_path / "a.parquet", columns=[])


def test_index_among_the_columns_asked_for(tmp_path: Path) -> None:
    frame().set_index("b").to_parquet(tmp_path / "a.parquet")
    assert_reads(tmp_path / "a.parquet", columns=["c", "b"])


def test_index_left_out(tmp_path: Path) -> None:
    frame().set_index("b").to_parquet(tmp_path / "a.parquet", index=False)
    assert_reads(tmp_path / "a.parquet")
    frame().to_parquet(tmp_path / "b.parquet", index=True)
    assert_reads(tmp_path / "b.parquet")


LABELS: dict[str, tuple[bool, Callable[[], plain.Index]]] = {
    "name of the columns": (True, lambda: plain.Index(list("pqrstuv"), name="which")),
    "two levels": (
        True,
        lambda: plain.MultiIndex.from_tuples([(x, y) for x in "ab" for y in "wxyz"][:7]),
    ),
    "dots": (True, lambda: plain.Index(["a", "a.b", "a.b.c", "b.a", "", " ", "é"])),
}


@pytest.mark.parametrize("kind", LABELS)
def test_column_labels(kind: str, tmp_path: Path) -> None:
    lazy, labels = LABELS[kind]
    frame().set_axis(labels(), axis=1).to_parquet(tmp_path / "a.parquet", row_group_size=8)
    assert_reads(tmp_path / "a.parquet", lazy=lazy)


def test_read_at_once(tmp_path: Path) -> None:
    """What depends on all the rows, or is rare, is pandas' own reading."""
    base = frame()
    cases = {
        "category": base.assign(h=plain.Categorical(base["b"])),
        "lists": base.assign(h=[[1, None] if i % 2 else [3] for i in range(N)]),
        "structs": base.assign(h=[{"x": i} for i in range(N)]),
        "period": base.assign(h=plain.period_range("2020-01", periods=N, freq="M")),
    }
    for name, one in cases.items():
        one.to_parquet(tmp_path / f"{name}.parquet", row_group_size=8)
        want = plain.read_parquet(tmp_path / f"{name}.parquet")
        got = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert scan_of(got) is None
        assert_same(got, want)
        assert_reads(tmp_path / f"{name}.parquet", columns=["g", "a", "e"])
    base.attrs["made"] = "by hand"
    base.to_parquet(tmp_path / "attrs.parquet")
    assert_same(
        pd.read_parquet(tmp_path / "attrs.parquet"),
        base_read := plain.read_parquet(tmp_path / "attrs.parquet"),
    )
    assert base_read.attrs


def test_integer_column_labels(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(plain.DataFrame({1: range(N), 2: range(N)}))
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=8)
    assert_reads(tmp_path / "a.parquet")


def test_repeated_names(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    got = outcome(lambda: pd.read_parquet(tmp_path / "a.parquet"))
    assert_same(got, outcome(lambda: plain.read_parquet(tmp_path / "a.parquet")))
    frame().to_parquet(tmp_path / "b.parquet")
    got = outcome(lambda: pd.read_parquet(tmp_path / "b.parquet", columns=["a", "a"]))
    assert_same(
        got, outcome(lambda: plain.read_parquet(tmp_path / "b.parquet", columns=["a", "a"]))
    )


# -- several files -------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose order by name is not the order in which they were written."""
    place = tmp_path / "many"
    place.mkdir()
    for n, name in enumerate(["b", "a", "Z", "a10", "a2", "é"]):
        part = frame().iloc[10 * n : 10 * n + 10]
        part.reset_index(drop=True).to_parquet(place / f"{name}.parquet", row_group_size=4)
    return place


def test_directory(folder: Path) -> None:
    (folder / "_SUCCESS").write_text("")
    (folder / ".hidden.parquet").write_text("no")
    assert_reads(folder)
    assert_reads(str(folder) + os.sep, columns=["b"])


def test_list_of_files(folder: Path) -> None:
    files = [folder / "b.parquet", folder / "Z.parquet", folder / "b.parquet"]
    assert_reads([str(f) for f in files])
    assert_reads([str(files[0])])
    assert_same(outcome(lambda: pd.read_parquet(files)), outcome(lambda: plain.read_parquet(files)))


def test_directory_of_ranges(tmp_path: Path) -> None:
    """The range of the first file counts if its length is that of all rows."""
    ranged = frame()[["a", "f", "g"]].set_axis(INDEXES["range"]())
    empty = ranged.iloc[:0].reset_index(drop=True)
    for n, names in enumerate(["ab", "ba"]):
        place = tmp_path / str(n)
        place.mkdir()
        ranged.to_parquet(place / f"{names[0]}.parquet", row_group_size=9)
        empty.to_parquet(place / f"{names[1]}.parquet")
        assert_reads(place)


def test_directory_of_unlike_files(folder: Path) -> None:
    plain.DataFrame({"a": [1.5]}).to_parquet(folder / "other.parquet")
    got = outcome(lambda: pd.read_parquet(folder))
    assert_same(got, outcome(lambda: plain.read_parquet(folder)))


def test_keys_in_paths(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "out", partition_cols=["a"])
    assert_reads(tmp_path / "out", lazy=False)
    part = tmp_path / "out" / "a=3"
    assert_reads(part)
    file = str(next(part.iterdir()))
    assert_reads(file)
    assert_reads([file], lazy=False)


@pytest.mark.parametrize("name", ["missing.parquet", "missing/", "many/*.parquet", "~/no"])
def test_missing(name: str, folder: Path) -> None:
    path = str(folder.parent / name)
    got = outcome(lambda: pd.read_parquet(path))
    assert_same(got, want := outcome(lambda: plain.read_parquet(path)))
    assert want.error is not None


def test_corrupt(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "text.parquet").write_text("not a file of this kind, whatever its name")
    (tmp_path / "empty.parquet").write_bytes(b"")
    data = (folder / "a.parquet").read_bytes()
    (tmp_path / "short.parquet").write_bytes(data[: len(data) // 2])
    for name in ("text", "empty", "short"):
        path = str(tmp_path / f"{name}.parquet")
        got = outcome(lambda path=path: pd.read_parquet(path))
        assert_same(got, outcome(lambda path=path: plain.read_parquet(path)))
    (folder / "zz.parquet").write_text("no")
    got = outcome(lambda: pd.read_parquet(folder))
    assert_same(got, outcome(lambda: plain.read_parquet(folder)))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"filters": [("a", ">", 10), ("b", "==", "v2")]},
        {"filters": [[("a", "<", 3)], [("e", "in", ["s7"])]], "columns": ["e"]},
        {"dtype_backend": "numpy_nullable"},
        {"dtype_backend": "pyarrow"},
        {"engine": "pyarrow"},
        {"use_threads": False},
        {"columns": ["nope"]},
        {"columns": "a"},
        {"columns": ("a",)},
        {"engine": "no such engine"},
    ],
    ids=str,
)
def test_options(kwargs: dict[str, Any], tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet", row_group_size=9)
    got = outcome(lambda: pd.read_parquet(tmp_path / "a.parquet", **kwargs))
    assert_same(got, outcome(lambda: plain.read_parquet(tmp_path / "a.parquet", **kwargs)))


# -- skipping row groups -------------------------------------------------------------------

CHECKS: dict[str, Callable[[Any], Any]] = {
    "==": lambda d: d[d["k"] == 17],
    "<": lambda d: d[d["k"] < 5],
    "<=": lambda d: d[d["k"] <= 9],
    ">": lambda d: d[d["k"] > 57],
    ">=": lambda d: d[(d["k"] >= 20) & (d["k"] < 31)],
    "none": lambda d: d[d["k"] > 1000],
    "float": lambda d: d[d["k"] > 56.5],
    "nan": lambda d: d[d["k"] == float("nan")],
    "infinite": lambda d: d[d["k"] < float("inf")],
    "reflected": lambda d: d[57 < d["k"]],  # noqa: SIM300
    "unsigned": lambda d: d[d["u"] > 2**63 + 55],
    "unsigned and negative": lambda d: d[d["u"] > -1],
    "large and a float": lambda d: d[d["big"] == float(2**53)],
    "nulls": lambda d: d[d["n"] == 2**53 + 1],
    "null ints": lambda d: d[d["n"] < 4],
    "dates": lambda d: d[d["t"] < "2020-01-03"],
    "a date": lambda d: d[d["t"] == plain.Timestamp("2020-01-05 04:00")],
    "numpy date": lambda d: d[d["t"] >= np.datetime64("2020-01-17")],
    "text": lambda d: d[d["s"] == "row 41"],
    "no date": lambda d: d[d["t"] == "soon"],
    "position": lambda d: d[d["k"] > 40].reset_index(),
}


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file whose row groups have narrow ranges."""
    table = pa.table(
        {
            "k": pa.array(range(N)),
            "u": pa.array([2**63 + i for i in range(N)], "uint64"),
            "big": pa.array([2**53 + i for i in range(N)]),
            "n": pa.array([None if i == 50 else i if i < 30 else 2**53 for i in range(N)]),
            "t": pa.array(
                [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=7 * i) for i in range(N)]
            ),
            "s": pa.array([f"row {i}" for i in range(N)]),
            "v": pa.array([float("nan") if i % 5 == 0 else float(i) for i in range(N)]),
        }
    )
    path = tmp_path_factory.mktemp("ordered") / "a.parquet"
    pq.write_table(table, path, row_group_size=5)
    return str(path)


@pytest.mark.parametrize("name", CHECKS)
def test_filters_and_statistics(name: str, ordered: str) -> None:
    check = CHECKS[name]
    got = outcome(lambda: check(pd.read_parquet(ordered)).copy())
    assert_same(got, outcome(lambda: check(plain.read_parquet(ordered))))


def test_row_groups_are_skipped(ordered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    original = parquet.ParquetSource.read

    def spy(self: Any, piece: Any, *args: Any) -> Any:
        read.append(piece.groups)
        return original(self, piece, *args)

    monkeypatch.setattr(parquet.ParquetSource, "read", spy)
    data = pd.read_parquet(ordered)
    assert data[data["k"] < 5]["v"].sum() == 10
    assert len(read) == 1


def test_even_pieces() -> None:
    for count in range(1, 30):
        for target in (1.0, 2.5, 7.0, 100.0):
            cut = list(parquet.even([1] * count, target))
            assert [g for groups in cut for g in groups] == list(range(count))
            assert max(map(len, cut)) - min(map(len, cut)) <= 1
    assert list(parquet.even([100, 1, 1, 1], 50.0)) == [(0,), (1, 2, 3)]
    assert list(parquet.even([], 5.0)) == []
    assert [g for groups in parquet.even([9, 0, 0, 9], 3.0) for g in groups] == [0, 1, 2, 3]


def test_source_travels_without_metadata(ordered: str) -> None:
    scan = scan_of(pd.read_parquet(ordered))
    assert scan is not None
    source = pickle.loads(pickle.dumps(scan.source))
    assert source.metadata is None
    piece = source.pieces()[1]
    some = dict(list(scan.names.items())[:3])
    assert_same(source.read(piece, some, scan.fields), scan.source.read(piece, some, scan.fields))


def test_values_can_be_written_to(tmp_path: Path) -> None:
    plain.DataFrame({"a": np.arange(5.0)}).to_parquet(tmp_path / "a.parquet")
    data = pd.read_parquet(tmp_path / "a.parquet")
    data.iloc[0, 0] = 9.0
    data["a"] += 1
    assert data["a"].tolist() == [10.0, 2.0, 3.0, 4.0, 5.0]


# -- files that change ---------------------------------------------------------------------


def _replace(path: Path) -> None:
    frame().iloc[::-1].to_parquet(path, row_group_size=8)


CHANGES: dict[str, Callable[[Path], None]] = {
    "removed": lambda path: path.unlink(),
    "rewritten": _replace,
    "touched": lambda path: os.utime(path, ns=(1, 1)),
    "replaced": lambda path: (path.rename(path.with_suffix(".old")), _replace(path))[0],
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_parquet(change: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame().to_parquet(path, row_group_size=8)
    data, kept = pd.read_parquet(path), pd.read_parquet(path).dist.persist()
    CHANGES[change](path)
    with pytest.raises(FileChangedError, match=r"a\.parquet was"):
        data["a"].sum()
    with pytest.raises(OSError, match="persist"):
        len(data[data["a"] > 3])
    assert kept["a"].sum() == N * (N - 1) // 2
    other = tmp_path / "b.parquet"
    frame().to_parquet(other, row_group_size=8)
    assert_reads(other)


def test_changed_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    frame()[["a", "b"]].to_csv(path, index=False)
    data = pd.read_csv(path)
    assert scan_of(data) is not None
    frame().iloc[::-1].to_csv(path, index=False)
    with pytest.raises(FileChangedError, match="changed"):
        data["a"].sum()
    assert_same(pd.read_csv(path), plain.read_csv(path))


def test_small_files_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    frame().to_parquet(tmp_path / "a.parquet")
    frame().to_csv(tmp_path / "a.csv", index=False)
    with options.context(backend="dask", fallback="error"):
        want = [plain.read_parquet(tmp_path / "a.parquet"), plain.read_csv(tmp_path / "a.csv")]
        got = [pd.read_parquet(tmp_path / "a.parquet"), pd.read_csv(tmp_path / "a.csv")]
        (tmp_path / "a.parquet").unlink()
        (tmp_path / "a.csv").write_text("other\n1\n")
        assert_same(got, want)


# -- CSV in blocks -------------------------------------------------------------------------


def lines(rows: int = 300) -> str:
    text = ["id,name,price,flag,when,late,gap"]
    for i in range(rows):
        name = "" if i % 7 == 0 else f"näme {i % 11}"
        late = f"{i}.5" if i == rows - 1 else i
        when = "" if i % 13 == 5 else f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}"
        text.append(f"{i},{name},{i / 8},{i % 3 == 0},{when},{late},{'' if i > 200 else i}")
    return "\n".join(text) + "\n"


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "table.csv"
    path.write_text(lines(), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"usecols": ["late", "name"]},
        {"index_col": "id"},
        {"index_col": 1},
        {"parse_dates": ["when"]},
        {"parse_dates": ["when"], "date_format": "%Y-%m-%d"},
        {"dtype": {"name": str, "id": "float32"}},
        {"dtype": str},
        {"header": None},
        {"header": None, "names": [10, 20, 30, 40, 50, 60, 70], "skiprows": 1},
        {"na_values": ["5"]},
        {"low_memory": False},
        {"sep": ",", "na_filter": False},
    ],
    ids=str,
)
def test_csv_in_blocks(kwargs: dict[str, Any], table: str) -> None:
    want = plain.read_csv(table, **kwargs)
    got = pd.read_csv(table, **kwargs)
    scan = scan_of(got)
    assert scan is not None and len(scan.source.pieces()) > 2
    assert len(got) == len(want)
    assert_same(got, want)
    for n in range(want.shape[1]):
        assert_same(pd.read_csv(table, **kwargs).iloc[:, n], want.iloc[:, n])
    assert_same(pd.read_csv(table, **kwargs).tail(4), want.tail(4))
    assert_same(pd.read_csv(table, **kwargs).dtypes, want.dtypes)


def test_csv_text_is_worked_on(table: str) -> None:
    def work(module: Any) -> Any:
        d = module.read_csv(table)
        kept = d[(d["name"] != "näme 3") & (d["price"] > 4)]
        return kept, d.groupby("name")["price"].sum(), d["name"].isna().sum(), d["name"].nunique()

    assert_same(work(pd), work(plain))


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n" + "1,2\n" * 200 + "x,3\n",
        "a,b,c\n" + "1,2,3\n" * 100 + "1\n" * 100,
        "a\n" + "\n".join(["", "5", "6"] * 60),
        "a,b\n" + '"two\nlines",1\n' * 120,
        "a,b\r\n" + "007,\r\n" * 120 + "x,1\r\n",
        "d\n" + "2024-01-02\n" * 100 + "01/02/2024\n",
        "d\n" + "2024-01-02\n" * 100 + "2024-01-02 10:00\n",
        "d\n" + "2024-01-02 10:00:00\n" * 100 + "2024-01-02 10:00:00.123456789\n",
        "d\n" + "1700-01-02\n" * 50 + "1500-01-02\n" * 50,
    ],
    ids=range(9),
)
def test_csv_of_odd_content(text: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(text.encode())
    kwargs: dict[str, Any] = {"parse_dates": ["d"]} if text[0] == "d" else {}
    assert_same(pd.read_csv(path, **kwargs), want := plain.read_csv(path, **kwargs))
    last = want.columns[-1]
    assert_same(pd.read_csv(path, **kwargs)[last], want[last])


@pytest.mark.parametrize(
    "kwargs",
    [
        {"nrows": 7},
        {"skiprows": [1, 5]},
        {"comment": "#"},
        {"parse_dates": ["when", "name"]},
        {"sep": r"\s*,", "engine": "python"},
        {"dtype": {"name": "category"}},
        {"index_col": ["id", "name"]},
        {"converters": {"id": lambda text: int(text) + 1}},
        {"usecols": ["missing"]},
        {"parse_dates": ["missing"]},
        {"encoding": "ascii"},
        {"no_such_option": 1},
    ],
    ids=str,
)
def test_csv_by_pandas(kwargs: dict[str, Any], table: str) -> None:
    """Read at once in this process: no engine holds anything, so nothing is announced."""
    got = outcome(lambda: pd.read_csv(table, **kwargs))
    assert_same(got, outcome(lambda: plain.read_csv(table, **kwargs)))


def test_csv_in_chunks(table: str) -> None:
    want = list(plain.read_csv(table, chunksize=90))
    got = list(pd.read_csv(table, chunksize=90))
    assert [type(one) for one in got] == [pd.DataFrame] * 4
    assert_same(got, want)
    with pd.read_csv(table, iterator=True) as reader, plain.read_csv(table, iterator=True) as other:
        assert isinstance(reader, type(other))
        assert_same(reader.get_chunk(3), other.get_chunk(3))
        assert_same(reader.read(4), other.read(4))
        assert_same(reader.read(), other.read())
        assert_same(outcome(reader.get_chunk), outcome(other.get_chunk))


def test_csv_too_large(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only pandas can read, and does not fit, is refused before anything happens."""
    monkeypatch.undo()
    with options.context(backend="dask", memory_limit=1000):
        with pytest.raises(MemoryError, match="chunksize"):
            pd.read_csv(table, comment="#")
        assert len(pd.read_csv(table, comment="#", nrows=3)) == 3
        assert scan_of(pd.read_csv(table)) is not None
    with options.context(backend="dask", memory_limit=10**9):
        assert scan_of(pd.read_csv(table)) is None


@pytest.mark.skipif(PANDAS_3, reason="mixed types are left to pandas' own reading")
def test_mixed_types_warn_at_the_users_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pandas._libs import parsers

    monkeypatch.setattr(parsers, "DEFAULT_BUFFER_HEURISTIC", 2**5)
    path = tmp_path / "mixed.csv"
    path.write_text("a,b\n" + "1,2\n" * 100 + "x,3\n")
    for large in (True, False):
        monkeypatch.setattr(csv_scan, "is_large", lambda path, kwargs, large=large: large)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            got = pd.read_csv(path)
        assert (scan_of(got) is not None) == large
        assert [(w.category, w.filename) for w in caught] == [(plain.errors.DtypeWarning, __file__)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert_same(got, plain.read_csv(path))


# -- writing -------------------------------------------------------------------------------


def changed(data: Any) -> Any:
    """A plan with a filter, a new column and another index."""
    return data[data["a"] > 5].assign(z=data["a"] * 2)


def test_written_parquet_is_pandas_own(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "in.parquet", row_group_size=8)
    for n, work in enumerate([lambda d: d, changed, lambda d: changed(d).set_index("b")]):
        mine, theirs = tmp_path / f"m{n}.parquet", tmp_path / f"t{n}.parquet"
        assert work(pd.read_parquet(tmp_path / "in.parquet")).to_parquet(mine) is None
        work(plain.read_parquet(tmp_path / "in.parquet")).to_parquet(theirs)
        assert mine.read_bytes() == theirs.read_bytes()
        assert_reads(mine)


def test_written_csv_is_pandas_own(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "in.parquet", row_group_size=8)
    data, want = (m.read_parquet(tmp_path / "in.parquet") for m in (pd, plain))
    changed(data).to_csv(tmp_path / "m.csv")
    changed(want).to_csv(tmp_path / "t.csv")
    assert (tmp_path / "m.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()
    assert changed(data).to_csv(index=False, sep=";") == changed(want).to_csv(index=False, sep=";")
    assert data["b"].to_csv() == want["b"].to_csv()


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_file_written_over_itself(kind: str, tmp_path: Path) -> None:
    """To a script, the rows have been in memory since it read the file."""
    path = tmp_path / f"a.{kind}"
    small = frame()[["a", "b", "g"]]

    def write(data: Any, **kwargs: Any) -> None:
        if kind == "parquet":
            data.to_parquet(path, **kwargs)
        else:
            data.to_csv(path)

    def work(module: Any) -> Any:
        write(small, row_group_size=8)
        read = module.read_parquet if kind == "parquet" else module.read_csv
        data, other = read(path), read(path, columns=["b"]) if kind == "parquet" else read(path)
        made = changed(data)
        made["one"] = 1
        write(made)
        results = made.tail(2), data[data["a"] > 50], other["b"].isna().sum(), data.reset_index()
        return *results, len(other), read(path)

    want = work(plain)
    assert_same(work(pd), want)


def test_sources_are_forgotten(tmp_path: Path) -> None:
    frame().to_parquet(tmp_path / "a.parquet", row_group_size=8)
    data = pd.read_parquet(tmp_path / "a.parquet")
    assert len(list(files.scans_of(str(tmp_path)))) == 1
    del data
    gc.collect()
    assert not list(files.scans_of(str(tmp_path)))
