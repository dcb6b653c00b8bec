"""A Ray cluster of two nodes that the tests start: Modin, and Dask's plans, by its address."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs pandas_dist[ray]")
import spark_job
from ray_cluster import Cluster

from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES
from pandas_dist import config

SECONDS = 300
ALL = [*map(str, QUERIES), "apply", "batches", "local"]
BACKENDS = ["modin", "dask"] if config._is_installed("modin") else ["dask"]
# Where Modin runs all of them, Dask's plans, which run the same way there, are a part.
CHOSEN = {"modin": ALL, "dask": ALL if BACKENDS == ["dask"] else ["4", "11", "18", *ALL[22:]]}


@pytest.fixture(scope="module")
def tables() -> Path:
    return data.ensure(0.1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("ray"))
    yield running
    running.stop()
    assert not running.processes()


def environment(cluster: Cluster, backend: str, address: str) -> dict[str, str]:
    return {
        **cluster.environment,
        "PANDAS_DIST_BACKEND": backend,
        "PANDAS_DIST_ADDRESS": address,
        "PANDAS_DIST_FALLBACK": "error",
        "PANDAS_DIST_PARTITION_BYTES": "4MB",
        "RAY_ADDRESS": cluster.direct,  # what "auto" means
    }


def run(
    cluster: Cluster, backend: str, address: str, tables: Path, folder: Path, names: list[str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        spark_job.command(tables, folder / "answers", 0, names),
        env=environment(cluster, backend, address),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_by_address(backend: str, cluster: Cluster, tables: Path, tmp_path: Path) -> None:
    names = CHOSEN[backend]
    done = run(cluster, backend, cluster.address, tables, tmp_path, names)
    assert done.stdout.split("\n")[1:-1] == [f"equal {n}" for n in names], done.stderr
    assert done.stderr == ""


def test_on_the_cluster_itself(cluster: Cluster, tables: Path, tmp_path: Path) -> None:
    names = ["3", "13", "local"]
    done = run(cluster, BACKENDS[0], "auto", tables, tmp_path, names)
    assert done.stdout.split("\n")[1:-1] == [f"equal {n}" for n in names], done.stderr


def struck(
    cluster: Cluster, tables: Path, folder: Path, address: str, strike: Callable[[], int]
) -> None:
    """Queries go on for a while as ``strike`` ends something: right answers or a clear error."""
    job = subprocess.Popen(
        spark_job.command(tables, folder / "answers", 8, ["1", "21", "18"]),
        env=environment(cluster, BACKENDS[0], address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed = 0
    try:
        assert job.stdout is not None
        while not job.stdout.readline().startswith("equal 21"):
            assert job.poll() is None, job.stderr and job.stderr.read()
        end = time.monotonic() + 5
        while not killed and time.monotonic() < end:
            killed = strike()
        out, errors = job.communicate(timeout=SECONDS)
    finally:
        job.kill()
    assert killed
    assert all(line.startswith("equal ") for line in out.splitlines())
    if job.returncode != 0:
        assert errors.splitlines()[-1].startswith(("ConnectionError: Ray lost", "MemoryError"))
    else:
        assert out.count("equal 18") > 0
        assert errors == ""


def test_a_worker_is_killed(cluster: Cluster, tables: Path, tmp_path: Path) -> None:
    """In the middle of a query: Ray computes what was lost again."""

    def strike() -> int:
        workers = cluster.workers()[:1]
        for worker in workers:
            os.kill(worker.pid, 9)
        return len(workers)

    struck(cluster, tables, tmp_path, "auto", strike)


def test_a_node_is_killed(cluster: Cluster, tables: Path, tmp_path: Path) -> None:
    """With all that runs on it; the last test that uses the cluster."""
    struck(cluster, tables, tmp_path, cluster.address, cluster.kill_second_node)
