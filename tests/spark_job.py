"""What the tests of Spark's servers run in a process of its own: a session per process.

``python tests/spark_job.py TABLES ANSWERS SECONDS JOB…``: each job is the number of a TPC-H
query, ``apply`` (a Python function), ``workers`` (one that Spark's workers call), ``batches``
(pandas' kernels in Spark's workers), ``local`` (a frame in memory), ``urls`` or ``csv`` (files),
or ``memory`` (executors that run out of it); they are repeated for so many seconds.  Prints
``equal JOB`` for each answer that is pandas', which ``ANSWERS`` is a file of.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas
from strict import assert_same

sys.path.insert(0, str(Path(__file__).parent.parent))

import pandas_dist
from benchmarks.tpch.queries import QUERIES
from pandas_dist import report
from pandas_dist.config import options
from pandas_dist.ops import writing


def by_function(pd: Any, tables: Path) -> Any:
    orders = pd.read_parquet(tables / "orders.parquet", columns=["o_custkey", "o_totalprice"])
    few = orders[orders["o_totalprice"] > 300_000]
    return few["o_custkey"].apply(lambda key: key % 7)


def by_workers(pd: Any, tables: Path) -> Any:
    orders = pd.read_parquet(tables / "orders.parquet", columns=["o_custkey", "o_totalprice"])
    few = orders[orders["o_totalprice"] > 400_000]
    with options.context(udf="distributed"):
        found = few.apply(lambda row: row["o_custkey"] % 7 + row["o_totalprice"], axis=1)
    if pd is pandas_dist:
        assert any(f.distributed and "cluster" in f.reason for f in report.counters.functions)
    return found


def by_batches(pd: Any, tables: Path) -> Any:
    parts = pd.read_parquet(tables / "part.parquet", columns=["p_partkey", "p_name"])
    parts["title"] = parts["p_name"].str.title()
    return parts[parts["title"].str.endswith("Green")]


def by_urls(pd: Any, tables: Path) -> Any:
    """Files of URLs are read by the cluster, and written as a directory of parts."""
    orders = pd.read_parquet((tables / "orders.parquet").absolute().as_uri())
    few = orders[orders["o_totalprice"] > 200_000].reset_index(drop=True)
    ours = pd is pandas_dist
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "few.parquet")
        if ours:
            assert "Spark SQL" in str(few.dist.explain())
            with mock.patch.object(writing, "MANY_BYTES", 0):
                few.to_parquet(out.as_uri())
        else:
            few.to_parquet(out.as_uri())
        assert out.is_dir() is ours
        again = pd.read_parquet(out.as_uri())
        return [pandas.read_parquet(out), again["o_totalprice"].max(), str(again.head(7))]


def by_csv(pd: Any, tables: Path) -> Any:
    """A text file in blocks, whose types are decided by all of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.csv")
        known = pandas.read_parquet(tables / "orders.parquet").head(30_000)
        known["o_custkey"] = [*known["o_custkey"].iloc[:-1], "none"]
        known.to_csv(path, index=False)
        with options.context(partition_bytes=1_000_000):
            orders = pd.read_csv(path)
            if pd is pandas_dist:
                assert "in Spark's workers" in str(orders.dist.explain())
            totals = orders.groupby("o_orderpriority")["o_totalprice"].agg(["median", "count"])
            return [totals.to_dict(), orders.dtypes, str(orders.tail(3))]


def out_of_memory(pd: Any, tables: Path) -> Any:
    """Executors end for lack of memory, and are there again for what comes next."""
    if pd is pandas_dist:
        from pandas_dist.backends.spark import session

        try:
            with session.running() as spark:
                spark.range(2).selectExpr(
                    f"length(repeat(CAST(id AS string), {2 * 10**9}))"
                ).collect()
            raise AssertionError("there was memory enough")
        except MemoryError as error:
            assert "spark.executor.memory" in str(error), error
    return in_memory(pd, tables)


def in_memory(pd: Any, tables: Path) -> Any:
    values = np.arange(400_000)
    frame = pd.DataFrame({"a": values % 11, "b": values * 0.5, "c": values[::-1] % 3})
    return frame[frame["c"] != 1].groupby("a").agg({"b": "median", "c": "sum"})


JOBS: dict[str, Callable[[Any, Path], Any]] = {
    **{str(number): query for number, query in QUERIES.items()},
    "apply": by_function,
    "workers": by_workers,
    "batches": by_batches,
    "local": in_memory,
    "urls": by_urls,
    "csv": by_csv,
    "memory": out_of_memory,
}


@cache
def expected(name: str, tables: Path) -> Any:
    """pandas' answer; each job runs once in a process."""
    return JOBS[name](pandas, tables)


def command(tables: Path, file: Path, seconds: float, names: list[str]) -> list[str]:
    """What runs jobs in a process of its own; pandas' answers are written to ``file``."""
    file.write_bytes(pickle.dumps({name: expected(name, tables) for name in names}))
    return [sys.executable, __file__, str(tables), str(file), str(seconds), *names]


def main(tables: str, answers: str, seconds: str, *names: str) -> None:
    folder = Path(tables)
    known = pickle.loads(Path(answers).read_bytes())
    print("started", flush=True)
    end = time.monotonic() + float(seconds)
    while True:
        for name in names:
            answer = pickle.loads(pickle.dumps(JOBS[name](pandas_dist, folder)))
            assert_same(answer, known[name], where=name)
            print("equal", name, flush=True)
        if time.monotonic() > end:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
