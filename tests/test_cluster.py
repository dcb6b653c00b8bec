"""A Dask cluster at ``PANDAS_DIST_ADDRESS``: the same answers, also when a worker is lost."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from cluster import Cluster
from strict import assert_same

import pandas_dist
from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES
from pandas_dist.backends.dask import cluster as connection
from pandas_dist.backends.dask import join, probe
from pandas_dist.config import options

pytest.importorskip("distributed")

CALLS: list[Any] = []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    yield running
    connection.close(running.address)
    running.stop()


@pytest.fixture
def on_cluster(cluster: Cluster) -> Iterator[Cluster]:
    settings = {"backend": "dask", "address": cluster.address, "partition_bytes": 20_000}
    with options.context(**settings, fallback="error"):
        yield cluster


def sales(rows: int = 20_000) -> pandas.DataFrame:
    """Rows of every usual type, several partitions of them."""
    random = np.random.default_rng(7)
    group = random.choice(["north", "south", "east", None], rows)
    return pandas.DataFrame(
        {
            "group": group,
            "key": random.integers(0, 500, rows),
            "amount": random.normal(size=rows).round(3),
            "count": random.integers(0, 9, rows).astype("int32"),
            "day": pandas.Timestamp("2024-01-01")
            + pandas.to_timedelta(rows - np.arange(rows), "h"),
        }
    )


def names() -> pandas.DataFrame:
    return pandas.DataFrame({"key": range(0, 600, 2), "name": [f"n{n}" for n in range(300)]})


def totals(frame: Any) -> Any:
    return frame[frame["count"] > 1].groupby("key")["amount"].sum()


def plain(result: Any) -> Any:
    """The answer as a process without pandas_dist would see it."""
    return pickle.loads(pickle.dumps(result))


def same(script: Callable[[Any], Any]) -> None:
    """The script gives on the cluster what it gives in pandas."""
    assert_same(plain(script(pandas_dist)), script(pandas))


@pytest.fixture
def tasks_sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of tasks of each question put to the cluster."""
    sent: list[int] = []
    gather = connection.gather

    def counted(client: Any, tasks: Any) -> Any:
        sent.append(len(tasks))
        return gather(client, tasks)

    monkeypatch.setattr(connection, "gather", counted)
    return sent


@pytest.mark.parametrize("number", [1, 3, 13, 18, 21])
def test_tpch(on_cluster: Cluster, number: int) -> None:
    tables = data.ensure(0.01)
    query = QUERIES[number]
    expected = query(pandas, tables)
    assert len(expected) > 0
    with options.context(partition_bytes="200kB"):
        assert_same(plain(query(pandas_dist, tables)), expected)


SCRIPTS: dict[str, Callable[[Any], Any]] = {
    "filter": lambda pd: pd.DataFrame(sales())[lambda df: df["amount"] > 0],
    "columns": lambda pd: pd.DataFrame(sales()).assign(x=lambda df: df["amount"] * df["count"]),
    "groupby": lambda pd: (
        pd.DataFrame(sales())
        .groupby("group")
        .agg({"amount": "sum", "count": "max", "key": "nunique"})
    ),
    "groupby, not sorted": lambda pd: (
        pd.DataFrame(sales()).groupby("key", sort=False)["count"].sum()
    ),
    "median": lambda pd: pd.DataFrame(sales()).groupby("group").median(),
    "merge": lambda pd: pd.DataFrame(sales()).merge(pd.DataFrame(names()), on="key"),
    "left merge": lambda pd: pd.DataFrame(sales()).merge(pd.DataFrame(names()), how="left"),
    "sort": lambda pd: pd.DataFrame(sales()).sort_values(["group", "amount"]),
    "head": lambda pd: pd.DataFrame(sales()).query("amount > 1").head(7),
    "distinct": lambda pd: pd.DataFrame(sales()).drop_duplicates(["group", "count"]),
    "concat": lambda pd: totals(pd.concat([pd.DataFrame(sales()), pd.DataFrame(sales(3000))])),
    "reduction": lambda pd: pd.DataFrame(sales())["amount"].mean(),
    "attached": lambda pd: pd.DataFrame(sales())[
        lambda df: df["amount"].cumsum() > df["key"].rank()
    ],
    "attached after a filter": lambda pd: (lambda df: df.assign(c=df["amount"].cumsum()))(
        pd.DataFrame(sales())[lambda df: df["count"] > 3]
    )[lambda df: df["c"] > 0],
    "text": lambda pd: pd.DataFrame(sales())[lambda df: df["group"].str.startswith("n", na=False)],
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_in_memory_frames(on_cluster: Cluster, name: str, tasks_sent: list[int]) -> None:
    same(SCRIPTS[name])
    assert tasks_sent or name == "reduction", "the cluster was asked"


@pytest.mark.parametrize("how", ["inner", "left", "right"])
def test_shuffle_join(on_cluster: Cluster, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "fits", lambda *_: False)
    same(lambda pd: pd.DataFrame(sales()).merge(pd.DataFrame(sales(4000)), on="key", how=how))


@pytest.mark.parametrize("how", ["inner", "left", "outer"])
def test_shuffle_join_in_any_order(
    on_cluster: Cluster, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "fits", lambda *_: False)

    def rows(pd: Any) -> Any:
        some = pd.DataFrame(sales(400)).rename(columns={"key": "k"})
        out = pd.DataFrame(sales()).merge(some, left_on="key", right_on="k", how=how)
        return out.groupby("key").size()

    same(rows)


@pytest.mark.parametrize("udf", ["auto", "distributed"])
def test_pure_function(on_cluster: Cluster, udf: str) -> None:
    def grade(row: Any) -> Any:
        return row["amount"] * 2 if row["count"] > 3 else float(row["key"])

    with options.context(udf=udf):
        same(lambda pd: pd.DataFrame(sales(3000)).apply(grade, axis=1))


def test_impure_function(on_cluster: Cluster) -> None:
    def remember(row: Any) -> Any:
        CALLS.append(row["key"])
        return len(CALLS)

    CALLS.clear()
    expected = sales(500).apply(remember, axis=1)
    calls = list(CALLS)
    CALLS.clear()
    assert_same(plain(pandas_dist.DataFrame(sales(500)).apply(remember, axis=1)), expected)
    assert calls == CALLS


def test_to_parquet(on_cluster: Cluster, tmp_path: Path) -> None:
    frame = sales()
    big = tmp_path / "big.parquet"
    frame.loc[frame.index.repeat(5)].reset_index(drop=True).to_parquet(big, row_group_size=9000)

    def script(pd: Any) -> Any:
        df = pd.read_parquet(big)
        out = tmp_path / f"{pd.__name__}.parquet"
        df[df["amount"] > 0].reset_index(drop=True).to_parquet(out)
        return pandas.read_parquet(out)

    same(script)


def test_persist(on_cluster: Cluster) -> None:
    frame = pandas_dist.DataFrame(sales())
    chosen = frame[frame["amount"] > 0].dist.persist()
    expected = sales()[lambda df: df["amount"] > 0]
    assert len(chosen) == len(expected)
    assert_same(plain(chosen.groupby("key")["count"].sum()), expected.groupby("key")["count"].sum())


def test_workers_have_the_real_pandas(on_cluster: Cluster) -> None:
    def seen() -> tuple[str, bool]:
        import pandas as pd

        return pd.DataFrame.__module__, hasattr(pd, "install")

    script = """
        import pandas_dist
        pandas_dist.install()
        import pandas as pd
        assert hasattr(pd, "install")
        df = pd.DataFrame({"a": range(1000), "b": [1, 2] * 500})
        print(df.groupby("b")["a"].sum().tolist())
    """
    done = run_script(script, on_cluster.address)
    assert done.stdout == "[249500, 250000]\n", done
    client = connection.current_client()
    for module, mirror in client.run(seen).values():
        assert module == "pandas.core.frame" or module == "pandas"
        assert not mirror


def test_the_users_own_client(on_cluster: Cluster) -> None:
    import dask
    from distributed import Client, default_client

    frame = pandas_dist.DataFrame(sales())
    assert_same(plain(totals(frame)), totals(sales()))
    with pytest.raises(ValueError, match="No client"):
        default_client()
    assert dask.delayed(os.getpid)().compute() == os.getpid(), "the user's tasks stay here"
    with Client(on_cluster.address) as own:
        assert_same(plain(totals(pandas_dist.DataFrame(sales()))), totals(sales()))
        assert default_client() is own
        assert dask.delayed(os.getpid)().compute() != os.getpid()
    assert_same(plain(totals(pandas_dist.DataFrame(sales()))), totals(sales()))


# -- what goes wrong -----------------------------------------------------------------------


def kill_during(running: Cluster, query: Callable[[], Any]) -> Any:
    """The query's answer; a worker is killed while it runs."""
    victim = running.workers[0]
    killer = threading.Timer(0.7, lambda: os.kill(victim.pid, signal.SIGKILL))
    killer.start()
    started = time.monotonic()
    answer = query()
    elapsed = time.monotonic() - started
    killer.join()
    victim.wait(10)
    assert elapsed > 0.7, "the query was over before the worker was killed"
    return answer


# Each on one line of pandas: a cluster takes its time to start.
SOURCES = ("memory", "shuffle") if pandas.__version__ < "3" else ("parquet", "persisted")


@pytest.mark.parametrize("source", SOURCES)
def test_a_worker_is_killed(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = sales()
    read = lambda pd: pd.DataFrame(frame)  # noqa: E731
    if source == "parquet":
        path = tmp_path / "sales.parquet"
        frame = pandas.concat([frame] * 8, ignore_index=True)
        frame.to_parquet(path, row_group_size=8000)
        read = lambda pd: pd.read_parquet(path)  # noqa: E731
    if source == "shuffle":
        monkeypatch.setattr(join, "fits", lambda *_: False)
    running = Cluster(tmp_path)
    try:
        settings = {"backend": "dask", "address": running.address, "partition_bytes": 80_000}
        with options.context(**settings, fallback="error"):
            df = read(pandas_dist)
            if source == "persisted":
                df = df[df["count"] >= 0].dist.persist()
            slowed(df, monkeypatch)
            small = sales(3000)
            got = kill_during(
                running,
                lambda: plain(
                    df.merge(pandas_dist.DataFrame(small), on="key")
                    .groupby("group_x")
                    .agg({"amount_x": "sum", "count_y": "max"})
                ),
            )
            expected = frame.merge(small, on="key").groupby("group_x")
            assert_same(got, expected.agg({"amount_x": "sum", "count_y": "max"}))
            assert_same(plain(totals(df)), totals(frame), "and the next query works")
    finally:
        connection.close(running.address)
        running.stop()


def slowed(df: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task of a merge takes a while, so that a worker can be killed between two."""

    def wait_and_merge(self: Any, left: Any, right: Any) -> Any:
        time.sleep(0.2)
        return probe.merge(self.node, left, right)

    monkeypatch.setattr(join, "Merge", type("Merge", (join.Merge,), {"__call__": wait_and_merge}))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


ADDRESSES = ["tcp://127.0.0.1:{port}", "nonsense", "tcp://no.such.host.invalid:1"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_unreachable(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.CONNECT_SECONDS < 30
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 3)
    address = address.format(port=free_port())
    with options.context(backend="dask", partition_bytes=20_000):
        frame = pandas_dist.DataFrame(sales())
        started = time.monotonic()
        with (
            options.context(address=address),
            pytest.raises(ConnectionError, match="PANDAS_DIST_ADDRESS") as caught,
        ):
            len(totals(frame))
        assert time.monotonic() - started < 20
        assert address in str(caught.value)
        assert_same(plain(totals(frame)), totals(sales()), "the session goes on")


def test_workers_and_the_scheduler_go_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Cluster(tmp_path, workers=1)
    try:
        with options.context(backend="dask", address=running.address, partition_bytes=20_000):
            frame = pandas_dist.DataFrame(sales())
            assert_same(plain(totals(frame)), totals(sales()))
            running.workers[0].kill()
            monkeypatch.setattr(connection, "ALONE_SECONDS", 0.2)
            with pytest.raises(ConnectionError, match="has had no worker"):
                len(frame[frame["count"] > 7])
            running.stop()
            monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
            with pytest.raises(ConnectionError, match="PANDAS_DIST_ADDRESS"):
                len(totals(frame))
            options.address = None
            assert_same(plain(totals(frame)), totals(sales()))
    finally:
        connection.close(running.address)
        running.stop()


def run_script(script: str, address: str) -> subprocess.CompletedProcess[str]:
    settings = {"PANDAS_DIST_BACKEND": "dask", "PANDAS_DIST_ADDRESS": address}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **settings, "PANDAS_DIST_PARTITION_BYTES": "2000"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_exit_is_quiet(cluster: Cluster) -> None:
    script = """
        import pandas_dist as pd
        df = pd.DataFrame({"a": range(1000), "b": ["x", "y"] * 500})
        held = df[df["a"] > 3].dist.persist()
        print(held.groupby("b")["a"].sum())
    """
    done = run_script(script, cluster.address)
    assert done.returncode == 0
    assert done.stderr == ""
    expected = (
        pandas.DataFrame({"a": range(1000), "b": ["x", "y"] * 500})[4:].groupby("b")["a"].sum()
    )
    assert done.stdout == f"{expected}\n"


def test_unreachable_in_a_script_is_one_traceback() -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    script = """
        import pandas_dist as pd
        from pandas_dist.backends.dask import cluster
        cluster.CONNECT_SECONDS = 3
        try:
            print(pd.DataFrame({"a": range(1000)}).groupby("a").size())
        except OSError as error:
            print(type(error).__name__)
    """
    done = run_script(script, address)
    assert (done.stdout, done.stderr, done.returncode) == ("ConnectionError\n", "", 0)


def test_missing_objects_after_a_pickle() -> None:
    """NaN is itself again, and objects stay objects."""
    values = ["x", None, float("nan"), pandas.NaT, 1.5, float("nan")]
    frame = pandas.DataFrame({"a": pandas.Series(values, dtype=object), "b": range(6)})
    text = pandas.DataFrame({"a": pandas.Series(["x", float("nan"), None], dtype=object)})
    for one in (frame, text):
        expected = one["a"].tolist()
        found = connection.with_nan_itself(one.copy())["a"]
        assert found.dtype == object
        pairs = list(zip(found.tolist(), expected, strict=True))
        assert all((v is np.nan) == (type(w) is float and w != w) for v, w in pairs)
        assert all(v is w for v, w in pairs if v is not np.nan)
