"""What the wrappers cost: counted in Python calls, never in seconds.

``python benchmarks/overhead.py`` prints times beside those of pandas.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest

import pandas_dist as pd
from pandas_dist.config import options
from pandas_dist.ops import memo
from pandas_dist.ops.binding import bind
from pandas_dist.report import counters

Action = Callable[[Any], Any]

LOCAL: dict[str, Action] = {
    "column": lambda df: df["a"],
    "attribute": lambda df: df.a,
    "len": len,
    "index": lambda df: df.index,
    "columns": lambda df: df.columns,
    "shape": lambda df: df.shape,
    "head": lambda df: df.head(),
    "cell": lambda df: df.loc[3, "a"],
    "slice": lambda df: df.iloc[3:9],
    "add": lambda df: df["a"] + 1,
    "sum": lambda df: df["a"].sum(),
    "mask": lambda df: df[df["a"] > 5],
    "assign": lambda df: df.__setitem__("z", 1),
}
LAZY: dict[str, Action] = {
    "column": lambda df: df["a"],
    "add": lambda df: df["a"] + 1,
    "mask": lambda df: df[df["a"] > 1],
    "assign": lambda df: df.__setitem__("z", df["a"]),
    "groupby": lambda df: df.groupby("k")["b"].sum(),
    "query": lambda df: df.query("a > 1"),
    "columns": lambda df: df.columns,
    "dtypes": lambda df: df.dtypes,
}
DEFAULT = object()
# Python calls that a wrapper may add: by itself, and for each look at the labels inside pandas.
EXTRA_CALLS = 60


def raw() -> dict[str, Any]:
    n = np.arange(1000)
    return {"a": n, "b": n / 2, "k": n % 7}


def calls(action: Callable[[], Any]) -> int:
    """Python functions called by an action that has been done before."""
    action()
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(trace)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


@pytest.fixture
def local() -> Iterator[None]:
    with options.context(backend="pandas"):
        yield


@pytest.mark.parametrize("what", LOCAL)
def test_local_frames_call_little_more_than_pandas(local: None, what: str) -> None:
    action, ours, theirs = LOCAL[what], pd.DataFrame(raw()), plain.DataFrame(raw())
    action(ours), action(theirs)
    assert calls(lambda: action(ours)) <= calls(lambda: action(theirs)) * 1.5 + EXTRA_CALLS


@pytest.mark.parametrize(
    ("what", "limit"), [("len", 1), ("index", 1), ("columns", 1), ("column", 8)]
)
def test_the_hottest_calls_of_local_frames(local: None, what: str, limit: int) -> None:
    action, ours, theirs = LOCAL[what], pd.DataFrame(raw()), plain.DataFrame(raw())
    assert calls(lambda: action(ours)) - calls(lambda: action(theirs)) <= limit


@pytest.mark.parametrize("what", LAZY)
def test_building_a_plan_executes_nothing_and_stays_small(what: str) -> None:
    with options.context(backend="dask", fallback="error"):
        df = pd.DataFrame(raw())
        before = counters.executions
        assert calls(lambda: LAZY[what](df)) <= 5000
        assert counters.executions == before


def test_a_long_chain_grows_linearly() -> None:
    with options.context(backend="dask", fallback="error"):
        df = pd.DataFrame(raw())

        def steps(n: int) -> int:
            def chain() -> None:
                s = df["a"]
                for _ in range(n):
                    s = s + 1

            return calls(chain)

        assert steps(100) <= 3 * steps(50)


IMPORT = """
import sys
import pandas_dist as pd
engines = {"dask", "distributed", "pyspark", "polars", "modin", "ray", "matplotlib"}
loaded = engines & set(sys.modules)
assert not loaded, loaded
df = pd.DataFrame({"a": [1, 2]})
assert df["a"].sum() == 3
loaded = engines & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize("backend", ["pandas", "auto"])
def test_import_brings_no_engine(backend: str) -> None:
    env = {**os.environ, "PANDAS_DIST_BACKEND": backend}
    subprocess.run([sys.executable, "-c", IMPORT], check=True, timeout=120, env=env)


SMALL_SCRIPT = """
import sys
import numpy as np
import pandas_dist as pd
n = np.arange(100_000)
df = pd.DataFrame({"k": n % 7, "x": 0.125, "w": [f"w{i % 9}" for i in n]})
df.to_csv(sys.argv[1], index=False)
back = pd.read_csv(sys.argv[1])
assert len(open(sys.argv[1]).read()) > 1_000_000 and len(back) == len(df)
assert back["w"].value_counts().sum() == len(df) and back["w"].str.len().max() == 2
back[back["k"] > 2].merge(df.drop_duplicates("k"), on="k").groupby("k")["x_x"].sum()
back["when"] = pd.to_datetime("2024-01-01")
back["when"].dt.year, back.loc[3, "k"], back.describe(), back.pivot_table("x", "k", "w")
plans = [m for m in sys.modules if m.startswith("pandas_dist.plan")]
assert not plans, plans
"""


def test_small_data_need_no_plan(tmp_path: Path) -> None:
    env = {**os.environ, "PANDAS_DIST_BACKEND": "auto"}
    command = [sys.executable, "-c", SMALL_SCRIPT, str(tmp_path / "small.csv")]
    subprocess.run(command, check=True, timeout=120, env=env)


def test_calls_look_for_plans_once_there_was_one() -> None:
    script = """
import pandas_dist as pd
from pandas_dist import config
options = pd.dist.options
df = pd.DataFrame({"a": [1, 2]})
assert config._idle and df["a"].sum() == 3
with options.context(backend="dask", fallback="error"):
    assert not config._idle
    lazy = pd.DataFrame({"a": [3, 4]})
    assert lazy.dist.is_lazy
assert not config._idle
assert df.merge(lazy, how="cross").shape == (4, 2)
with options.context(min_bytes=1):
    assert df.merge(lazy, how="cross").dist.is_lazy
with options.context(backend="pandas"):
    assert config._idle and lazy["a"].sum() == 7
"""
    env = {**os.environ, "PANDAS_DIST_BACKEND": "auto"}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, env=env)


def test_naming_an_engine_does_not_import_it() -> None:
    script = "import sys, pandas_dist\nassert 'dask' not in sys.modules"
    env = {**os.environ, "PANDAS_DIST_BACKEND": "dask"}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, env=env)


# -- questions that pandas has answered before -----------------------------------------------------


@pytest.fixture
def lazy() -> Iterator[Any]:
    with options.context(backend="dask", min_bytes=0, fallback="error"):
        yield pd.DataFrame(raw())


ASKED: dict[str, tuple[str, Action]] = {
    "merge": ("pandas.merge", lambda df: df.merge(df.rename(columns={"b": "z"}), on="k")),
    "rename": ("pandas.DataFrame.rename", lambda df: df.rename(columns={"a": "A"})),
    "drop": ("pandas.DataFrame.drop", lambda df: df.drop(columns=["a"])),
    "reset": ("pandas.DataFrame.reset_index", lambda df: df.reset_index()),
    "set": ("pandas.DataFrame.set_index", lambda df: df.set_index("k")),
    "assign": ("pandas.DataFrame.__setitem__", lambda df: df.assign(z=1)),
    "upper": ("pandas.Series.str.upper", lambda df: df["s"].str.upper()),
}


@pytest.mark.parametrize("what", ASKED)
def test_pandas_is_asked_once(lazy: Any, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, action = ASKED[what]
    lazy["s"] = [str(i) for i in range(1000)]
    first = action(lazy)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError(f"{name} was called")

    if name.startswith("pandas.Series.str"):
        owner: Any = plain.Series.str
    else:
        owner = plain.DataFrame if "DataFrame" in name else plain
    # The wrappers hold pandas' own method; only our questions look it up again.
    monkeypatch.setattr(owner, name.rpartition(".")[2], refuse)
    second = action(lazy)
    monkeypatch.undo()
    plain.testing.assert_index_equal(
        first.columns if first.ndim == 2 else plain.Index([first.name]),
        second.columns if second.ndim == 2 else plain.Index([second.name]),
    )


@pytest.mark.parametrize(
    "action",
    [
        lambda df: df.drop(columns=["zz"]),
        lambda df: df.rename(columns={"zz": "y"}, errors="raise"),
        lambda df: df.merge(df, on="zz"),
        lambda df: df.merge(df, on="k", suffixes=("", "")),
        lambda df: df[["a", "zz"]],
        lambda df: df.set_index("zz"),
    ],
)
def test_errors_are_never_remembered(lazy: Any, action: Action) -> None:
    wants = plain.DataFrame(raw())
    with pytest.raises((KeyError, ValueError)) as want:
        action(wants)
    for _ in range(2):
        with pytest.raises(type(want.value)) as got:
            action(lazy)
        assert str(got.value) == str(want.value)


def test_labels_that_were_replaced_by_equal_ones_are_free(lazy: Any) -> None:
    for _ in range(2):
        lazy.columns = ["a", "b", "k"]
        before = lazy.columns
        lazy.columns = ["a", "b", "k"]
        before.name = "other"
        assert lazy.columns.name is None


def test_warnings_come_each_time(lazy: Any) -> None:
    def seen(df: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            df.rename(columns={"a": "a"}, inplace=True)
            df.rename(columns={"a": "a"}, copy=False)
        return [w.category.__name__ for w in log]

    wants = plain.DataFrame(raw())
    assert [seen(lazy) for _ in range(3)] == [seen(wants) for _ in range(3)]


def test_keys_tell_equal_values_apart() -> None:
    values: list[Any] = [1, 1.0, True, "1", b"1", (1,), [1], {1: 1}, 0.0, -0.0, None]
    values += [plain.Index(["a"]), plain.Index(["a"], name="n"), plain.Int64Dtype()]
    keys = [memo.key_of(v) for v in values]
    assert len(set(keys)) == len(keys)
    for odd in (object(), np.int64(1), int, lambda: 0, plain.Index([1]), {1: object()}):
        with pytest.raises(memo.Unkeyed):
            memo.key_of(odd)


def test_answers_are_bounded_and_kept_apart_from_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "KEPT", 8)
    monkeypatch.setattr(memo, "_answers", {})
    for n in range(50):
        memo.remembered("test", lambda n=n: n, lambda n=n: n + 1)  # type: ignore[misc]
    assert len(memo._answers) <= 8
    labels = plain.Index(["a"])
    assert memo.remembered("labels", lambda: 0, lambda: labels) is labels
    labels.name = "changed"
    fresh = plain.Index(["a"])
    assert memo.remembered("labels", lambda: 0, lambda: fresh) is fresh


def test_arguments_bind_as_in_pandas() -> None:
    def method(
        self: Any, a: Any, /, b: Any = DEFAULT, *args: Any, c: Any = None, **kw: Any
    ) -> None:
        """Defaults are handed on as they are."""

    p = bind(method, (0, 1), {})
    assert vars(p) == {
        **{"self": 0, "a": 1, "b": DEFAULT, "args": (), "c": None, "kw": {}},
        "_variadic": ("args", "kw"),
    }
    assert p.b is DEFAULT
    p = bind(method, (0, 1, 2, 3), {"c": 4, "d": 5, "self": 6})
    assert (p.args, p.c, p.kw) == ((3,), 4, {"d": 5, "self": 6})
    for args, kwargs in (((), {}), ((0,), {"a": 1}), ((0, 1, 2), {"b": 3})):
        with pytest.raises(TypeError) as got:
            bind(method, args, kwargs)
        with pytest.raises(TypeError) as want:
            inspect.signature(method).bind(*args, **kwargs)
        assert str(got.value) == str(want.value)


@pytest.mark.parametrize(
    "columns", [["a", "b"], ["a", "a"], plain.MultiIndex.from_tuples([("a", 1), ("a", 2)])]
)
def test_a_column_of_a_local_frame_is_pandas_own(local: None, columns: Any) -> None:
    ours = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    wants = plain.DataFrame([[1, 2], [3, 4]], columns=columns)
    for _ in range(2):
        want, got = wants["a"], ours["a"]
        assert isinstance(got, type(want)) and type(got) is not type(want)
        assert got.equals(want)
    with pytest.raises(KeyError, match="zz"):
        ours["zz"]
