"""Modin on Ray: the session, what is in its store, and plans over several partitions."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

pytest.importorskip("modin", reason="Modin is for pandas 2")
import psutil
import ray
import test_window_native as windows
from conformance.data import Data, write_files
from conformance.registry import LARGE_PARTITION, Case, all_cases
from hypothesis import given
from hypothesis import strategies as st
from property_ops import Script, run, scripts
from strict import assert_same, outcome
from test_polars_native import CASES, data
from test_properties import compare, joins, profile

import pandas_dist
from pandas_dist.backends.modin import frames, lower, session, tasks
from pandas_dist.config import options
from pandas_dist.ops import parquet

PARTITIONS = st.sampled_from([("modin", 300), ("modin", 10**6)])


@pytest.fixture(autouse=True)
def modin() -> Iterator[None]:
    with options.context(backend="modin", fallback="error"):
        yield


def script(code: str, timeout: float = 120, **settings: str) -> subprocess.CompletedProcess[str]:
    """A process with its own Ray."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, "PANDAS_DIST_BACKEND": "modin", **settings},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_partitions_as_pandas(name: str) -> None:
    with options.context(partition_bytes=20_000), np.errstate(all="ignore"):
        expected = outcome(lambda: CASES[name](data(pandas)))
        got = outcome(lambda: CASES[name](data(pandas_dist)))
        assert_same(got, expected)


# Those in which the places of rows matter most.
PLACED = ("sort", "window", "arith", "select")
LARGE = [
    c
    for c in all_cases()
    if c.native and c.family in PLACED and c.partition_bytes == LARGE_PARTITION
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return write_files(tmp_path_factory.mktemp("data"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", LARGE, ids=lambda c: c.name)
def test_partitions_of_large_data(case: Case, files: Data, tmp_path: Path) -> None:
    def of(pd: Any) -> Any:
        folder = tmp_path / pd.__name__
        folder.mkdir()
        return outcome(lambda: case.run(pd, np, files, folder))

    expected = of(pandas)
    with options.context(partition_bytes=LARGE_PARTITION):
        got = of(pandas_dist)
        assert_same(got, expected)


SORTED: dict[str, Callable[[Any], Any]] = {
    "by several columns": lambda df: df.sort_values(["k", "x"], ascending=[False, True]),
    "stable": lambda df: df.sort_values("x", kind="stable", na_position="first"),
    "by time": lambda df: df.sort_values(["t", "k"], ascending=False),
    "none left": lambda df: df[df["k"] > 10**6].sort_values(["k", "x"]),
    "and added up": lambda df: df.sort_values(["k", "x"])["k"].cumsum(),
    "and beside the others": lambda df: df.assign(
        n=df.sort_values(["k", "x"])["k"].cumsum(), m=lambda d: d["n"] - d["k"]
    ),
    "and cut": lambda df: df.sort_values(["k", "x"]).iloc[10:-10],
    "and grouped": lambda df: df.sort_values(["k", "x"]).groupby("k")["x"].first(),
    "a slice from the middle": lambda df: df[df["k"] > 3].iloc[100:-100],
    "a slice of none": lambda df: df.iloc[100:-100][df["k"] > 10**6].iloc[5:-5],
}


@pytest.mark.parametrize("name", SORTED)
def test_on_modin_frames(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []
    run_on_modin = frames.run
    monkeypatch.setattr(
        frames, "run", lambda node, below: used.append(node) or run_on_modin(node, below)
    )
    columns = ["k", "x", "t", "n"]
    expected = SORTED[name](data(pandas)[columns])
    with options.context(partition_bytes=20_000):
        got = SORTED[name](data(pandas_dist)[columns])
        assert_same(got, expected)
    assert used


@profile(150)
@given(scripts(), PARTITIONS)
def test_same_outcome(script: Script, engine: tuple[str, int]) -> None:
    compare(script, engine)


@profile(80)
@given(joins(), PARTITIONS)
def test_same_joins(script: Script, engine: tuple[str, int]) -> None:
    compare(script, engine)


def test_same_outcome_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "SMALL_FILE", 0)
    number = 0

    @profile(60)
    @given(scripts(kind="parquet"), PARTITIONS)
    def check(script: Script, engine: tuple[str, int]) -> None:
        nonlocal number
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        if outcome(lambda: run(Script(script.frames, (), "parquet"), pandas, folder)).error is None:
            compare(script, engine, folder)

    check()


@profile(50)
@given(
    call=windows.calls(),
    kind=st.sampled_from(windows.KINDS),
    seed=windows.SEEDS,
    rows=windows.SIZES,
    filtered=st.booleans(),
)
def test_same_windows(
    call: tuple[str, dict[str, Any]], kind: str, seed: int, rows: int, filtered: bool
) -> None:
    name, arguments = call

    def script(df: Any) -> Any:
        df = df[df["keep"]] if filtered else df
        result = getattr(df[f"0{kind}"], name)(**arguments)
        return result, result.dtype, df.assign(new=result)

    with warnings.catch_warnings(), options.context(partition_bytes=120, fallback="silent"):
        warnings.simplefilter("ignore")
        windows.check(script, [kind], seed, rows)


def test_results_can_be_written_to() -> None:
    frame = pandas_dist.DataFrame({"a": np.arange(10.0), "b": np.arange(10)})
    kept = frame[frame["a"] > 3]
    kept.to_numpy()
    kept.iloc[0, 0] = -1.0
    values = frame["a"].to_numpy()
    unique = frame[frame["b"] < 9]["b"].unique()
    unique[0] = 5
    assert kept["a"].tolist() == [-1.0, *map(float, range(5, 10))]
    assert values[0] == 0.0


def test_a_small_plan_is_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    chains: list[Any] = []
    submitted = tasks._run
    monkeypatch.setattr(
        tasks, "_run", lambda given, *rest: chains.append(dict(given)) or submitted(given, *rest)
    )
    frame = pandas_dist.DataFrame({"k": [1, 2, 1], "v": [1.5, 2.5, 3.5]})
    other = pandas_dist.DataFrame({"k": [1, 2], "w": ["x", "y"]})
    result = frame[frame["v"] > 1].merge(other, on="k").groupby("w")["v"].sum().sort_values()
    assert result.tolist() == [2.5, 5.0]
    assert [len(c) for c in chains] == [1]


def test_explain() -> None:
    frame = pandas_dist.DataFrame({"k": np.arange(2000) % 7, "v": np.arange(2000.0)})
    small = str(frame[frame["v"] > 5].sort_values(["k", "v"]).dist.explain())
    assert "modin, native, all in one Ray task" in small
    with options.context(partition_bytes=2000):
        large = str(frame[frame["v"] > 5].sort_values(["k", "v"]).dist.explain())
    assert "Modin's range-partitioned sort" in large


# -- the object store ----------------------------------------------------------------------------


def in_store() -> int:
    """Bytes of Ray's objects on this machine."""
    from ray._private.internal_api import node_stats

    node = ray.nodes()[0]
    stats = node_stats(node["NodeManagerAddress"], node["NodeManagerPort"], False)
    return int(stats.store_stats.object_store_bytes_used)


def test_frames_are_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    put = lower.put
    monkeypatch.setattr(lower, "put", lambda value: sent.append(value) or put(value))
    frame = pandas_dist.DataFrame({"k": np.arange(1000) % 7, "v": np.arange(1000.0)})
    frame["w"] = frame["v"] * 2
    for least in (10, 20, 30):
        assert frame[frame["v"] > least].groupby("k")["w"].sum().sum() > 0
    assert len(sent) == 1


def test_what_nobody_refers_to_is_freed() -> None:
    session.connect()
    before = in_store()
    frame = pandas_dist.DataFrame({"k": np.arange(1_000_000) % 7, "v": np.arange(1_000_000.0)})
    grown = frame[frame["v"] > 5].dist.persist()
    assert grown["v"].sum() > 0
    assert in_store() - before > 16e6
    del frame, grown
    end = time.monotonic() + 20
    while in_store() - before > 1e6 and time.monotonic() < end:
        gc.collect()
        time.sleep(0.1)
    assert in_store() - before < 1e6


# -- the session ---------------------------------------------------------------------------------

QUIET = """
import os, signal, sys, threading, time
import pandas_dist as pd
frame = pd.DataFrame({"k": [1, 2, 1], "v": [1.5, 2.5, 3.5]})
assert "ray" not in sys.modules
def first():
    print(frame[frame["v"] > 1].groupby("k")["v"].sum().to_dict())
first()
import ray, psutil
from pandas_dist.backends.modin import session
started = psutil.Process().children(recursive=True)
print(*(p.pid for p in started), session._started[0][0], int(ray.cluster_resources()["CPU"]))
sys.stdout.flush()
"""

# Ray's processes would end with the thread that started them.
IN_THREAD = QUIET.replace(
    "\nfirst()", "\nbegin = threading.Thread(target=first); begin.start(); begin.join()"
)


def quiet_and_gone(out: str) -> list[str]:
    """What else the script printed; nothing of its Ray is left."""
    first, second, *more = out.splitlines()
    assert first == "{1: 5.0, 2: 2.5}"
    *pids, folder, cores = second.split()
    assert int(cores) == session.cores()
    assert len(pids) > 2
    end = time.monotonic() + 30

    def left() -> list[str]:
        return [p for p in pids if psutil.pid_exists(int(p))] + [folder] * os.path.exists(folder)

    while left() and time.monotonic() < end:
        time.sleep(0.1)
    assert not left()
    return more


DEAD = """
from pandas_dist.backends.dask.parts import call
from pandas_dist.backends.modin.tasks import Client
def die(_):
    os.kill(os.getpid(), signal.SIGKILL)
try:
    Client().gather(Client().compute([call(die, 1)]))
except ConnectionError as error:
    print(str(error).partition(":")[0])
time.sleep(3)  # Ray tells of it later
"""
ENDS = {
    DEAD: (0, ""),
    "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)": (1, "KeyboardInterrupt"),
    "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)": (-15, ""),
    "os.kill(os.getpid(), signal.SIGKILL)": (-9, ""),
}


def test_ray_is_quiet_and_leaves_nothing_however_the_script_ends() -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", (IN_THREAD if way == DEAD else QUIET) + way],
            env={**clean, "PANDAS_DIST_BACKEND": "modin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for way in ENDS
    ]
    for job, (way, (code, last)) in zip(running, ENDS.items()):
        out, errors = job.communicate(timeout=180)
        assert (errors.splitlines() or [""])[-1] == last, errors
        assert job.returncode == code or last == "KeyboardInterrupt"
        lost = ["Ray lost a part of the computation"] if way == DEAD else []
        assert quiet_and_gone(out) == lost


OWN = """
import ray
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False,
         object_store_memory=100_000_000)
job = ray.get_runtime_context().get_job_id()
import pandas_dist as pd
frame = pd.DataFrame({"k": [1, 2, 1], "v": [1.5, 2.5, 3.5]})
print(frame[frame["v"] > 1]["v"].sum())
assert ray.is_initialized() and ray.get_runtime_context().get_job_id() == job
ray.shutdown()
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False,
         object_store_memory=100_000_000)
print(frame[frame["v"] > 2]["v"].sum())
"""


def test_the_scripts_own_ray() -> None:
    done = script(OWN)
    assert done.stdout.split() == ["7.5", "6.0"], done.stderr


def test_ray_is_another_name() -> None:
    with options.context(backend="Ray"):
        assert options.backend == "modin"


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("ray://127.0.0.1:1", "ConnectionError"),
        ("127.0.0.1:1", "ConnectionError"),
        ("tcp://127.0.0.1:1", "ValueError"),
    ],
)
def test_nobody_answers(address: str, error: str) -> None:
    code = "import pandas_dist as pd; print(pd.DataFrame({'a': [1, 2]}).query('a > 1').a.sum())"
    began = time.monotonic()
    done = script(code, PANDAS_DIST_ADDRESS=address)
    assert time.monotonic() - began < 30
    assert error in done.stderr.splitlines()[-1] and address in done.stderr, done.stderr


def test_errors_are_those_of_the_task() -> None:
    with pytest.raises(ZeroDivisionError, match="division") as caught:
        tasks.Client().gather(tasks.Client().compute([tasks_that_fail()]))
    assert type(caught.value) is ZeroDivisionError


def tasks_that_fail() -> Any:
    from pandas_dist.backends.dask.parts import call

    return call(divmod, 1, 0)
