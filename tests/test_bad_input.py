"""Bad input: pandas' exception, on the line that pandas raises it, and a session that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from polars.exceptions import PanicException
from strict import assert_same, outcome

import pandas_dist
from pandas_dist import backends, report
from pandas_dist.backends.lowering import explained
from pandas_dist.backends.polars import FAILURES
from pandas_dist.config import options
from pandas_dist.ops.files import FileChangedError
from pandas_dist.plan import execute

BACKENDS = ("pandas", "dask")
ROWS = 60_000


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with options.context(backend=request.param, fallback="silent", partition_bytes=200_000):
        yield request.param


def frame(rows: int = ROWS) -> pandas.DataFrame:
    return _frame(rows).copy()


@cache
def _frame(rows: int) -> pandas.DataFrame:
    numbers = np.arange(rows)
    random = np.random.default_rng(11)
    return pandas.DataFrame(
        {
            "key": numbers % 50,
            "value": random.normal(size=rows),
            "zero": numbers % 3,
            "text": [f"{n}" if n != rows - 2 else "bad" for n in range(rows)],
            "day": [f"2024-01-{n % 28 + 1:02}" if n != rows - 2 else "never" for n in range(rows)],
            "gaps": np.where(numbers == rows - 5, np.nan, numbers),
        }
    )


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in several row groups, large enough to be read lazily."""
    path = tmp_path_factory.mktemp("bad") / "good.parquet"
    frame().to_parquet(path, row_group_size=5000)
    assert path.stat().st_size > 1 << 20
    return path


@pytest.fixture
def file(shared: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    path = tmp_path / "good.parquet"
    path.write_bytes(shared.read_bytes())
    return path


def same_error(script: Callable[[Any], Any]) -> BaseException:
    """The script raises what it raises in pandas: type, message and arguments."""
    want, got = outcome(lambda: script(pandas)), outcome(lambda: script(pandas_dist))
    assert want.error is not None, "pandas has no objection"
    assert_same(got, want)
    assert got.error is not None
    return got.error


# -- at the call, from the schema --------------------------------------------------------------

WRONG: dict[str, Callable[[Any], Any]] = {
    "column": lambda df: df["nope"],
    "columns": lambda df: df[["key", "nope"]],
    "attribute": lambda df: df.nope,
    "drop": lambda df: df.drop(columns="nope"),
    "groupby": lambda df: df.groupby("nope"),
    "aggregation": lambda df: df.groupby("key")["nope"],
    "named aggregation": lambda df: df.groupby("key").agg(x=("nope", "sum")),
    "function": lambda df: df.groupby("key").agg({"value": "nope"}),
    "merge": lambda df: df.merge(df, on="nope"),
    "merge on one side": lambda df: df.merge(df, left_on="key", right_on="nope"),
    "merge, two ways": lambda df: df.merge(df, on="key", left_on="key"),
    "how": lambda df: df.merge(df, on="key", how="sideways"),
    "sort": lambda df: df.sort_values("nope"),
    "duplicates": lambda df: df.drop_duplicates("nope"),
    "set_index": lambda df: df.set_index("nope"),
    "query": lambda df: df.query("nope > 1"),
    "syntax": lambda df: df.query("key >"),
    "astype of a missing column": lambda df: df.astype({"nope": "int64"}),
    "dtype": lambda df: df["key"].astype("int65"),
    "arguments": lambda df: df.head(1, 2),
    "keyword": lambda df: df.head(rows=3),
    "accessor": lambda df: df["key"].str,
    "datetime accessor": lambda df: df["key"].dt,
    "text plus number": lambda df: df["text"] + 1,
    "text sum": lambda df: df["text"].mean(),
    "mask length": lambda df: df[[True, False]],
    "assignment length": lambda df: df.__setitem__("new", [1, 2, 3]),
    "truth": lambda df: bool(df),
    "truth of a column": lambda df: bool(df["key"] > 3),
    "label": lambda df: df.loc[ROWS + 7],
    "position": lambda df: df.iloc[ROWS + 7],
}

# -- on the data, at the line ------------------------------------------------------------------

WRONG_DATA: dict[str, Callable[[Any], Any]] = {
    "int of text": lambda df: df["text"].astype("int64"),
    "float of text": lambda df: df["text"].astype(float),
    "int of a gap": lambda df: df["gaps"].astype("int64"),
    "frame astype": lambda df: df.astype({"gaps": "int32"}),
    "category bounds": lambda df: df["text"].str.get(99).astype("int64"),
    "chosen labels": lambda df: df.loc[[1, ROWS + 3]],
    "label after a filter": lambda df: df[df["key"] > 3].loc[0],
    "item": lambda df: df["key"].item(),
    "squeeze of nothing": lambda df: df[df["key"] > 99]["key"].item(),
    "validate left": lambda df: df.merge(df.head(60), on="key", validate="one_to_one"),
    "validate right": lambda df: df.head(60).merge(df, on="key", validate="many_to_one"),
    "verify_integrity": lambda df: df.set_index("key", verify_integrity=True),
    "argmax of nothing": lambda df: df[df["key"] > 99]["key"].idxmax(),
    "pivot": lambda df: df.pivot(index="key", columns="zero", values="value"),
    "strptime": lambda df: df["day"].map(lambda d: int(d[:4])),
    "zero division": lambda df: df["zero"].map(lambda z: 1 // z),
    "row function": lambda df: df.head(3000).apply(lambda row: 1 // row["zero"], axis=1),
    "group function": lambda df: df.groupby("key")["value"].apply(lambda v: v.iloc[10**6]),
    "aggregating function": lambda df: df.groupby("key")["value"].agg(lambda v: 1 // 0),
    "transform": lambda df: df.groupby("key")["value"].transform(lambda v: {}["missing"]),
    "pipe": lambda df: df.pipe(lambda d: d["value"].sum() / "x"),
}


@pytest.mark.parametrize("name", [*WRONG, *WRONG_DATA])
def test_same_exception(name: str, shared: Path) -> None:
    operation = {**WRONG, **WRONG_DATA}[name]
    same_error(lambda pd: operation(pd.read_parquet(shared)))
    same_error(lambda pd: operation(pd.DataFrame(frame())))


@pytest.mark.parametrize("name", WRONG_DATA)
def test_the_frame_can_be_used_after_an_error(name: str, shared: Path) -> None:
    df = pandas_dist.read_parquet(shared)
    for _ in range(2):
        with pytest.raises(Exception):  # noqa: B017
            WRONG_DATA[name](df)
    expected = frame().groupby("key")["value"].sum()
    assert_same(pandas.Series(df.groupby("key")["value"].sum()), expected)


def test_dates(shared: Path) -> None:
    same_error(lambda pd: pd.to_datetime(pd.read_parquet(shared)["day"]))
    same_error(lambda pd: pd.to_numeric(pd.read_parquet(shared)["text"]))
    good = pandas_dist.to_datetime(pandas_dist.read_parquet(shared)["day"], errors="coerce")
    assert_same(pandas.Series(good), pandas.to_datetime(frame()["day"], errors="coerce"))


def test_division_by_zero_is_no_error(shared: Path) -> None:
    def script(pd: Any) -> Any:
        df = pd.read_parquet(shared)
        df["a"] = df["value"] / df["zero"]
        df["b"] = df["key"] // df["zero"]
        df["c"] = df["key"] % df["zero"]
        df["d"] = df["key"] // 0
        return df[["a", "b", "c", "d"]]

    assert_same(pandas.DataFrame(script(pandas_dist)), script(pandas))


# -- files -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["read_parquet", "read_csv", "read_json", "read_pickle"])
def test_missing_file(reader: str, tmp_path: Path) -> None:
    error = same_error(lambda pd: getattr(pd, reader)(tmp_path / "nowhere.json"))
    assert isinstance(error, FileNotFoundError)


def damaged(file: Path, how: str) -> None:
    content = bytearray(file.read_bytes())
    if how == "empty":
        content = bytearray()
    elif how == "text":
        content = bytearray(b"a,b\n1,2\n" * 300_000)
    elif how == "truncated":
        del content[len(content) // 2 :]
    elif how == "footer":
        content[-200:-8] = bytes(192)
    else:
        middle = len(content) // 2
        content[middle - 90_000 : middle + 90_000] = b"\x5a" * 180_000
    file.write_bytes(content)


@pytest.mark.parametrize("how", ["empty", "text", "truncated", "footer", "pages"])
def test_corrupt_parquet(file: Path, how: str) -> None:
    damaged(file, how)

    def script(pd: Any) -> Any:
        # pandas decodes all at once; another page may be the first that an engine meets.
        return pd.read_parquet(file).groupby("key")[["value", "gaps"]].sum().shape

    want, got = outcome(lambda: script(pandas)), outcome(lambda: script(pandas_dist))
    assert want.error is not None
    assert type(got.error) is type(want.error)
    assert isinstance(got.error, (OSError, ValueError))
    if how != "pages":
        assert str(got.error) == str(want.error)


def test_polars_panics_at_a_file(file: Path) -> None:
    damaged(file, "pages")
    want = outcome(lambda: pandas.read_parquet(file))
    with options.context(backend="polars"):
        plan = pandas_dist.read_parquet(file).__dict__["_plan"]
    with pytest.raises(type(want.error)), explained(plan.relation, FAILURES):
        raise PanicException("called `Result::unwrap()` on an `Err` value")


def test_wrong_columns_of_a_file(file: Path) -> None:
    same_error(lambda pd: pd.read_parquet(file, columns=["key", "nope"]))


def rewritten(file: Path) -> None:
    frame().assign(value=1.0).to_parquet(file)


def removed(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [rewritten, removed])
def test_a_file_that_changes_before_execution(file: Path, change: Any, backend: str) -> None:
    df = pandas_dist.read_parquet(file)
    expected = frame()["value"].sum()
    change(file)
    if backend == "pandas":
        assert df["value"].sum() == expected
        return
    for _ in range(2):
        with pytest.raises(FileChangedError, match=r"good\.parquet was") as caught:
            df["value"].sum()
        assert isinstance(caught.value, OSError)
        with pytest.raises(FileChangedError):
            print(df)
    frame().to_parquet(file, row_group_size=5000)
    again = pandas_dist.read_parquet(file)
    assert again["value"].sum() == pytest.approx(expected)


# -- functions ---------------------------------------------------------------------------------


class OwnError(Exception):
    def __init__(self, row: int, *, note: str = "") -> None:
        super().__init__(f"row {row} is bad", note)
        self.row = row


def picky(value: int) -> int:
    if value == 37:
        raise OwnError(value, note="37")
    return value * 2


@pytest.mark.parametrize("udf", ["auto", "local", "distributed"])
def test_a_function_that_raises(udf: str, shared: Path) -> None:
    df = pandas_dist.read_parquet(shared)
    with options.context(udf=udf):
        with pytest.raises(OwnError) as caught:
            df["key"].map(picky)
        assert caught.value.args == ("row 37 is bad", "37")
        assert caught.value.row == 37
        shown = "".join(traceback.format_exception(caught.value))
        assert "in picky" in shown, "the traceback shows the function"
        assert 'df["key"].map(picky)' in shown, "and the line of the call"
        assert df["key"].max() == 49


@pytest.mark.parametrize("udf", ["auto", "local"])
def test_a_function_that_cannot_be_pickled(udf: str, shared: Path) -> None:
    lock = threading.Lock()

    def locked(value: int) -> int:
        with lock:
            return value + 1

    with options.context(udf=udf):
        got = pandas_dist.read_parquet(shared)["key"].map(locked)
        assert_same(pandas.Series(got), frame()["key"].map(locked))


# -- the session -------------------------------------------------------------------------------


def test_unknown_backend(backend: str) -> None:
    with pytest.raises(ValueError, match="nonesuch"):
        options.backend = "nonesuch"
    assert options.backend == backend
    with pytest.raises(ValueError, match="nonesuch"):
        backends.load("nonesuch")


def run(script: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_unknown_backend_in_the_environment() -> None:
    script = "import pandas_dist as pd\nprint(pd.DataFrame({'a': [1]})['a'].sum())"
    done = run(script, PANDAS_DIST_BACKEND="nonesuch")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: PANDAS_DIST_BACKEND must be") and "nonesuch" in last


def test_an_error_is_kept_and_raised_at_each_touch(file: Path, backend: str) -> None:
    if backend == "pandas":
        pytest.skip("nothing is deferred")
    df = pandas_dist.read_parquet(file)
    some = df[df["key"] > 3]
    rewritten(file)
    errors, depths = [], set()
    for _ in range(3):
        with pytest.raises(FileChangedError) as caught:
            some.values  # noqa: B018
        errors.append(caught.value)
        depths.add(len(traceback.extract_tb(caught.value.__traceback__)))
    assert errors[0] is errors[1] is errors[2]
    assert len(depths) == 1, "the traceback does not grow"
    before = report.counters.executions
    with pytest.raises(FileChangedError):
        some.to_numpy()
    assert report.counters.executions == before, "it is not tried again"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_keyboard_interrupt(shared: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend == "pandas":
        pytest.skip("pandas' own")
    df = pandas_dist.read_parquet(shared)
    keep = execute.backends.current().__class__.collect

    def slow(row: Any) -> Any:
        time.sleep(0.002)
        return row

    def collect(*args: Any) -> Any:
        time.sleep(5)
        return keep(*args)

    with monkeypatch.context() as patch:
        patch.setattr(execute.backends.current().__class__, "collect", collect)
        interrupted(lambda: df[df["key"] > 3].values)
    with options.context(udf="distributed"):
        df["key"].head(9).map(slow)  # the processes are there
        interrupted(lambda: df["key"].map(slow))
    expected = frame()[lambda df: df["key"] > 3].groupby("key")["value"].sum()
    assert_same(pandas.Series(df[df["key"] > 3].groupby("key")["value"].sum()), expected)


def interrupted(action: Callable[[], Any]) -> None:
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            action()
    finally:
        timer.cancel()
        timer.join()


SCRIPTS = {
    "done": ("print(df['key'].map(f).sum(), len(df[df['key'] > 3]))", 0),
    "held": ("held = df.dist.persist() if hasattr(df, 'dist') else df; print(len(held))", 0),
    "unfinished": ("lazy = df[df['key'] > 3]; print('end')", 0),
    "error": ("print('end', flush=True); df['nope']", 1),
    "exit": ("df['key'].map(f); print('end', flush=True); sys.exit(3)", 3),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_exit_is_clean_and_quiet(name: str, shared: Path, backend: str) -> None:
    body, code = SCRIPTS[name]
    script = f"""
import sys
import pandas_dist as pd
def f(x):
    return x + 1
df = pd.read_parquet({str(shared)!r})
{body}
"""
    settings = {"PANDAS_DIST_BACKEND": backend, "PANDAS_DIST_UDF": "distributed"}
    mark = f"bad-input-{os.getpid()}-{name}-{backend}"
    done = run(script, **settings, PANDAS_DIST_TEST_MARK=mark)
    assert done.returncode == code
    assert done.stdout.count("\n") == 1
    if name == "error":
        assert done.stderr.strip().splitlines()[-1] == "KeyError: 'nope'"
    else:
        assert done.stderr == ""
    assert not left_over(mark)


def left_over(mark: str) -> list[int]:
    """Processes with the mark in their environment, after a moment to end."""
    if not Path("/proc/self/environ").exists():
        return []
    end = time.monotonic() + 10
    while (found := list(marked(mark))) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def marked(mark: str) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                yield int(path.parent.name)
        except OSError:  # ended, or another user's
            continue
