"""Calls of Python functions by Spark's workers, on any cluster and by Spark Connect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from pandas_dist.backends.spark.session import is_connect, running
from pandas_dist.udf import pool


class SparkWorkers:
    """The workers of the session, as what runs pickled functions."""

    def ncores(self) -> dict[str, int]:
        """How many calls run at a time."""
        with running() as spark:
            if not is_connect(spark):
                return {"": spark.sparkContext.defaultParallelism}
            return {"": int(spark.conf.get("spark.default.parallelism", None) or pool.cores())}

    def answers(self, payloads: Sequence[bytes]) -> list[bytes]:
        """The pickled result of each pickled function, in order: a task each."""
        table = pa.table({"n": list(range(len(payloads))), "task": list(payloads)})
        with running() as spark:
            tasks = spark.createDataFrame(table).repartition(len(payloads))
            found = tasks.mapInArrow(_called, "n bigint, answer binary").toArrow()
        by_number = dict(zip(found["n"].to_pylist(), found["answer"].to_pylist(), strict=True))
        return [by_number[n] for n in range(len(payloads))]


def _called(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for n, payload in zip(batch["n"].to_pylist(), batch["task"].to_pylist(), strict=True):
            yield pa.RecordBatch.from_pydict({"n": [n], "answer": [pool.call(payload)]})
