"""What the wrappers cost: counted in Python calls, never in seconds.

``python tests/test_overhead.py`` prints times beside those of pandas.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as plain
import pytest

import pandas_dist as pd
from pandas_dist.config import options
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
engines = {"dask", "distributed", "pyspark", "polars", "modin", "ray", "wrapt", "matplotlib"}
loaded = engines & set(sys.modules)
assert not loaded, loaded
df = pd.DataFrame({"a": [1, 2]})
assert df["a"].sum() == 3
loaded = (engines - {"wrapt"}) & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize("backend", ["pandas", "auto"])
def test_import_brings_no_engine(backend: str) -> None:
    env = {**os.environ, "PANDAS_DIST_BACKEND": backend}
    subprocess.run([sys.executable, "-c", IMPORT], check=True, timeout=120, env=env)


def test_naming_an_engine_does_not_import_it() -> None:
    script = "import sys, pandas_dist\nassert 'dask' not in sys.modules"
    env = {**os.environ, "PANDAS_DIST_BACKEND": "dask"}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, env=env)


# -- figures -------------------------------------------------------------------------------------


def microseconds(action: Callable[[], Any], number: int, repeat: int = 21) -> float:
    """The median time of one call."""
    times = sorted(timeit.repeat(action, number=number, repeat=repeat))
    return times[repeat // 2] / number * 1e6


def import_seconds(module: str) -> float:
    """The best of some fresh processes."""
    script = (
        f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", script]) for _ in range(7)]
    return min(map(float, runs))


def main() -> None:
    print(f"pandas {plain.__version__}: LOCAL frames, microseconds (pandas, ours, ratio)")
    with options.context(backend="pandas"):
        for name, action in LOCAL.items():
            ours, theirs = pd.DataFrame(raw()), plain.DataFrame(raw())
            a = microseconds(functools.partial(action, theirs), 500)
            b = microseconds(functools.partial(action, ours), 500)
            print(f"  {name:10s} {a:9.2f} {b:9.2f}  x{b / a:.2f}")
    print("building one LAZY operation on dask, microseconds")
    with options.context(backend="dask"):
        for name, action in LAZY.items():
            df = pd.DataFrame(raw())
            action(df)
            print(f"  {name:10s} {microseconds(functools.partial(action, df), 50):9.1f}")
    a, b = import_seconds("pandas"), import_seconds("pandas_dist")
    print(f"import: pandas {a:.3f} s, pandas_dist {b:.3f} s (x{b / a:.2f})")


if __name__ == "__main__":
    main()
