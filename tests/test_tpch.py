"""The 22 TPC-H queries on each engine, without any fallback, against plain pandas."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas
import pytest
from spark_job import expected
from strict import assert_same

import pandas_dist
from benchmarks.tpch import data
from benchmarks.tpch.queries import QUERIES
from pandas_dist.config import options

PANDAS_3 = pandas.__version__ >= "3"
BACKENDS = ("auto", "polars", "dask", "spark", *([] if PANDAS_3 else ["modin"]))
# Spark's servers answer all queries on each line of pandas; the local one, half of them.
RUNS = [(b, n) for b in BACKENDS for n in QUERIES if b != "spark" or n % 2 == PANDAS_3]


@pytest.fixture(scope="module")
def tables() -> Path:
    """TPC-H at scale factor 0.1, generated once per checkout."""
    return data.ensure(0.1)


@pytest.mark.parametrize(("backend", "number"), RUNS)
def test_same_answer_as_pandas(backend: str, number: int, tables: Path) -> None:
    query, wanted = QUERIES[number], expected(str(number), tables)
    assert len(wanted) > 0
    # Small partitions, so that joins and aggregations cross several of them.
    with options.context(backend=backend, fallback="error", partition_bytes="4MB"):
        # Through a pickle: the answer as a process without pandas_dist would see it.
        answer = pickle.loads(pickle.dumps(query(pandas_dist, tables)))
    assert_same(answer, wanted, where=f"query {number}")
