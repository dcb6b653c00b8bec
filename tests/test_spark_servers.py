"""Spark's standalone cluster and Spark Connect, with servers that the tests start."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas
import pytest
import spark_job
from spark_cluster import Connect, Standalone, free_port, java

from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES

SECONDS = 400
SMALL = "spark.executor.memory=512m,spark.executor.cores=1,spark.sql.shuffle.partitions=2"
OTHERS = ["apply", "workers", "batches", "local", "urls", "csv"]
# Each query runs on both kinds of servers: on one with pandas 2, on the other with pandas 3.
ODD = pandas.__version__ < "3"
STANDALONE = [*(str(n) for n in QUERIES if n % 2 == ODD), *OTHERS, "memory"]
CONNECT = [*(str(n) for n in QUERIES if n % 2 != ODD), *OTHERS]


@pytest.fixture(scope="module")
def tables() -> Path:
    return data.ensure(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    running = Standalone(tmp_path_factory.mktemp("standalone"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    running = Connect(tmp_path_factory.mktemp("connect"))
    yield running
    running.stop()


def environment(address: str, fallback: str = "error") -> dict[str, str]:
    options = ",".join(f"spark.{of}.extraJavaOptions={java()}" for of in ("driver", "executor"))
    return {
        **os.environ,
        "PANDAS_DIST_BACKEND": "spark",
        "PANDAS_DIST_ADDRESS": address,
        "PANDAS_DIST_FALLBACK": fallback,
        "PANDAS_DIST_SPARK_CONF": f"{SMALL},{options}" if address.startswith("spark") else "",
    }


def run(
    address: str, tables: Path, folder: Path, names: list[str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        spark_job.command(tables, folder / "answers", 0, names),
        env=environment(address),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_standalone_cluster(cluster: Standalone, tables: Path, tmp_path: Path) -> None:
    done = run(cluster.address, tables, tmp_path, STANDALONE)
    assert done.stdout.split("\n")[1:-1] == [f"equal {n}" for n in STANDALONE], done.stderr


def test_connect(connect: Connect, tables: Path, tmp_path: Path) -> None:
    done = run(connect.address, tables, tmp_path, CONNECT)
    assert done.stdout.split("\n")[1:-1] == [f"equal {n}" for n in CONNECT], done.stderr


LEFT = """
from pandas_dist.backends.spark import session
session.RETRIES = 3  # a minute less
import pandas_dist as pd
df = pd.DataFrame({"a": [1, 2, 3]})
print(df[df["a"] > 1]["a"].sum(), flush=True)
input()
for _ in range(2):
    try:
        print(df[df["a"] > 2]["a"].sum())
    except ConnectionError as error:
        print(error)
"""


def test_the_connect_server_is_killed(connect: Connect) -> None:
    """A clear error, then another, and an end without a wait.  The last test that uses it."""
    job = subprocess.Popen(
        [sys.executable, "-c", LEFT],
        env=environment(connect.address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert job.stdout is not None
        assert job.stdout.readline() == "5\n", job.communicate("\n")[1]
        connect.kill(connect.processes[0])
        out, errors = job.communicate("\n", timeout=100)
    finally:
        job.kill()
    first, second = out.splitlines()
    assert first.startswith("the Spark Connect server does not answer"), first
    assert second.startswith("no Spark answers at"), second
    assert (job.returncode, errors) == (0, "")


def test_a_worker_is_killed(cluster: Standalone, tables: Path, tmp_path: Path) -> None:
    """The last test but one that uses the cluster."""
    job = subprocess.Popen(
        spark_job.command(tables, tmp_path / "answers", 5, ["21", "18", "batches"]),
        env=environment(cluster.address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert job.stdout is not None
        while not job.stdout.readline().startswith("equal 21"):
            assert job.poll() is None, job.stderr and job.stderr.read()
        time.sleep(0.5)  # in the middle of the next query
        cluster.kill(cluster.workers[0])
        out, errors = job.communicate(timeout=SECONDS)
    finally:
        job.kill()
    assert job.returncode == 0, errors
    assert {"equal 18", "equal batches"} <= set(out.splitlines())


ALONE = """
from pandas_dist.backends.spark import alone
alone.ALONE_SECONDS = 2
import pandas_dist as pd
df = pd.DataFrame({"a": [1, 2, 3]})
try:
    print(df[df["a"] > 1]["a"].sum())
except ConnectionError as error:
    print(error)
"""


@pytest.mark.skipif(ODD, reason="runs on pandas 3")
def test_no_worker_is_left(cluster: Standalone) -> None:
    for worker in cluster.workers:
        if worker.poll() is None:
            cluster.kill(worker)
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        env=environment(cluster.address),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout.startswith("the Spark cluster has had no executor"), done.stderr


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_nobody_answers(scheme: str) -> None:
    address = f"{scheme}://127.0.0.1:{free_port()}"
    code = "import pandas_dist as pd; print(pd.DataFrame({'a': [1, 2]}).query('a > 1').a.sum())"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(address),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - began < 30
    assert "ConnectionError" in done.stderr and address in done.stderr
