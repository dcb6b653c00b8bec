"""Settings shared by every test."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")
# One session for the whole process, with as many tasks as two cores can use.
os.environ.setdefault(
    "PANDAS_DIST_SPARK_CONF", "spark.master=local[2],spark.sql.shuffle.partitions=2"
)
