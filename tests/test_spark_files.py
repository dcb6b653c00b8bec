"""Files that Spark writes a part at a time, and those of URLs, against plain pandas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import FileSelector
from strict import assert_same, outcome

import pandas_dist
from pandas_dist.backends import lowering
from pandas_dist.config import options
from pandas_dist.ops import writing, writing_parts
from pandas_dist.ops.places import filesystem

ROWS = 3000


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Everything is large; the ways in which files were written."""
    monkeypatch.setattr("pandas_dist.ops.parquet.SMALL_FILE", 0)
    monkeypatch.setattr(writing, "MANY_BYTES", 0)
    monkeypatch.setattr(writing, "GROUP_ROWS", 1700)
    used: list[str] = []
    for module, name in (
        (writing, "write_parquet"),
        (writing, "write_csv"),
        (writing_parts, "write_parts"),
    ):
        write = getattr(module, name)

        def noted(*given: Any, name: str = name, write: Any = write) -> None:
            write(*given)
            used.append(name)

        monkeypatch.setattr(module, name, noted)
    with options.context(backend="spark", fallback="error"):
        yield used


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Times, text with missing values, numbers, in row groups and several files."""
    n = np.arange(ROWS)
    frame = pandas.DataFrame(
        {
            "k": n * 7 % 50,
            "x": np.where(n % 9, n * 0.25, np.nan),
            "s": [["ab", "", "ß", None][i % 4] for i in range(ROWS)],
            "t": pandas.date_range("1899-12-31", periods=ROWS, freq="7h"),
            "b": n % 3 == 0,
            "small": (n % 100).astype("int8"),
        }
    )
    folder = tmp_path_factory.mktemp("rows")
    for part, (start, stop) in enumerate([(0, 300), (300, ROWS)]):
        frame.iloc[start:stop].to_parquet(folder / f"{part}.parquet", row_group_size=500)
    return folder


FRAMES: dict[str, Callable[[Any, Any], Any]] = {
    "as read": lambda pd, df: df,
    "filtered": lambda pd, df: df[df["x"] > 100],
    "sorted": lambda pd, df: df.sort_values(["s", "k"]).rename(columns={"k": 7}),
    "labelled": lambda pd, df: df.set_index(["s", "t"])[["x", "k"]],
    "joined": lambda pd, df: df.merge(
        pd.DataFrame({"k": range(0, 40), "w": range(40)}), on="k", how="left"
    ),
    "label of a column": lambda pd, df: df.set_index("k", drop=False),
}


def written(pd: Any, rows: Path, frame: Callable[[Any, Any], Any], path: Path, **given: Any) -> Any:
    """What plain pandas reads, and what the file says of itself."""
    frame(pd, pd.read_parquet(rows)).to_parquet(path, **given)
    read = pandas.read_parquet(path)
    if path.is_dir():
        return read
    schema = pq.read_schema(path)
    groups = pq.read_metadata(path).num_row_groups
    return read, str(schema), json.loads(schema.metadata[b"pandas"]), groups


@pytest.mark.parametrize("index", [None, True, False])
@pytest.mark.parametrize("name", FRAMES)
def test_one_file(
    name: str, index: bool | None, rows: Path, tmp_path: Path, parts: list[str]
) -> None:
    want, got = (
        outcome(lambda pd=pd: written(pd, rows, FRAMES[name], tmp_path / pd.__name__, index=index))
        for pd in (pandas, pandas_dist)
    )
    if want.error is None:
        want.value[2].pop("creator"), got.value[2].pop("creator")
        if name != "label of a column":
            assert parts == ["write_parquet"]
            assert got.value[3] > 1 or name == "filtered"
        want, got = want.value[:3], got.value[:3]
    assert_same(got, want)


@pytest.mark.parametrize("by", ["k", ["b", "k"]])
def test_directories(by: Any, rows: Path, tmp_path: Path, parts: list[str]) -> None:
    """Twice: files are added, as pandas adds them."""
    for times in (1, 2):
        for pd in (pandas, pandas_dist):
            frame = pd.read_parquet(rows).sort_values(["small", "x"], ignore_index=True)
            frame.to_parquet(tmp_path / pd.__name__, partition_cols=by)
        want, got = (pandas.read_parquet(tmp_path / pd.__name__) for pd in (pandas, pandas_dist))
        if times == 1:
            assert_same(got, want)
        assert len(got) == len(want) == times * ROWS
    assert parts == ["write_parts"] * 2


@pytest.mark.parametrize("place", ["here", "memory://spark-files"])
def test_parts_of_a_frame_are_not_read_as_one(place: str, tmp_path: Path) -> None:
    """A directory whose writing was interrupted, over an older one."""
    path = f"{tmp_path if place == 'here' else place}/rows.parquet"
    frame = pandas.DataFrame({"a": range(5)})

    def write(parts: int) -> None:
        writing_parts.cleared(path)
        with writing_parts.unfinished(path, "run", fresh=True) as at:
            schema = pa.Schema.from_pandas(frame, preserve_index=False)
            writer = writing_parts.PartWriter(("a",), schema, at, "snappy", None, "run")
            for part in range(parts):
                writer(part, frame[:3] if part == 0 else frame[3:])
            if parts == 1:
                raise KeyboardInterrupt

    write(2)
    assert_same(pandas.read_parquet(path), frame)
    with pytest.raises(KeyboardInterrupt):
        write(1)
    store, name = filesystem(path)
    assert store.get_file_info(FileSelector(name, recursive=True, allow_not_found=True)) == []
    write(2)
    assert_same(pandas.read_parquet(path), frame)


def test_wrong_directories(rows: Path, tmp_path: Path) -> None:
    def write(pd: Any, path: Path, **given: Any) -> None:
        pd.read_parquet(rows).to_parquet(path, **given)

    for given in (
        {"path": tmp_path / "none" / "x.parquet"},
        {"path": tmp_path},
        {"path": tmp_path / "parts", "partition_cols": ["zz"]},
        {"path": tmp_path / "y.parquet", "compression": "none of these"},
    ):
        want, got = (outcome(lambda pd=pd, g=given: write(pd, **g)) for pd in (pandas, pandas_dist))
        assert want.error is not None
        assert_same(got, want)


@pytest.mark.parametrize("name", FRAMES)
def test_csv(name: str, rows: Path, tmp_path: Path, parts: list[str]) -> None:
    texts = []
    for pd in (pandas, pandas_dist):
        path = tmp_path / f"{pd.__name__}.csv"
        FRAMES[name](pd, pd.read_parquet(rows)).to_csv(path, chunksize=600, na_rep="?")
        texts.append(path.read_bytes())
    assert texts[1] == texts[0]
    assert parts == ([] if name == "joined" else ["write_csv"])


def test_over_what_is_read(rows: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pandas.read_parquet(rows).to_parquet(path)
    want = pandas.read_parquet(path)
    df = pandas_dist.read_parquet(path)
    df[df["x"] > 100].to_parquet(path)
    assert_same(pandas.read_parquet(path), want[want["x"] > 100])
    assert_same(df, want)


def test_a_failure_leaves_the_file(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept.parquet"
    path.write_text("as it was")
    monkeypatch.setattr(pq.ParquetWriter, "write_table", _no_room)
    with pytest.raises(OSError, match="no room"):
        pandas_dist.read_parquet(rows).to_parquet(path)
    assert path.read_text() == "as it was"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.parquet"]


def _no_room(*given: Any, **more: Any) -> None:
    raise OSError("no room")


# -- CSV -------------------------------------------------------------------------------------


def csv_rows(path: Path) -> Path:
    """A column that is text in its last lines alone, missing numbers, dates, quoted lines."""
    lines = ["k,x,s,t,late,b"]
    for n in range(40_000):
        text = ["ab", '"a\nb"', "", "ß"][n % 4]
        late = n if n < 39_990 else f"no{n}"
        x = "" if n % 7 == 0 else n / 8
        lines.append(f"{n % 50},{x},{text},2021-03-{n % 28 + 1:02},{late},{n % 3 == 0}")
    path.write_text("\n".join(lines) + "\n")
    return path


TEXTS: dict[str, Callable[[Any], Any]] = {
    "groups": lambda df: df.groupby(["s", "k"], dropna=False)["x"].agg(["sum", "count"]),
    "rows": lambda df: df[df["late"].str.startswith("no")],
    "first and last": lambda df: [df.head(3), df.tail(3), len(df), df.dtypes],
    "dates": lambda df: df[df["t"] >= "2021-03-27"].groupby("t")["b"].sum(),
}


def test_csv_in_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too large for this process is read by Spark's workers, as a whole."""
    monkeypatch.setattr(lowering, "FEW_BYTES", 0)
    path = csv_rows(tmp_path / "rows.csv")
    want = pandas.read_csv(path, parse_dates=["t"])
    with options.context(memory_limit=2_000_000, partition_bytes=400_000):
        df = pandas_dist.read_csv(path, parse_dates=["t"])
        assert "read by pandas in Spark's workers" in str(df[df["k"] > 3].dist.explain())
        for name, case in TEXTS.items():
            assert_same(case(df), case(want), where=name)
