"""Settings shared by every test."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("MPLBACKEND", "Agg")
# One session for the whole process, with as many tasks as two cores can use.  For many small
# queries, Java's second compiler takes longer than what it would save, and so do large pages
# and what is kept for a web page: the collector would look at them again and again.
SPARK = {
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    "spark.buffer.pageSize": "1m",
    "spark.sql.ui.retainedExecutions": "10",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn300m -XX:MetaspaceSize=400m"
    ),
}
os.environ.setdefault("PANDAS_DIST_SPARK_CONF", ",".join(f"{k}={v}" for k, v in SPARK.items()))


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look at it."""
    gc.freeze()
