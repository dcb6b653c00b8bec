"""Settings shared by every test."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")
# One session for the whole process, with as many tasks as two cores can use.  For many small
# queries, Java's second compiler takes longer than what it would save.
os.environ.setdefault(
    "PANDAS_DIST_SPARK_CONF",
    "spark.master=local[2],spark.sql.shuffle.partitions=2,"
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
)
