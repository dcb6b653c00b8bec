"""What Spark's processes die of: clear errors, and a new session where the old one is gone."""

from __future__ import annotations

import contextlib
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.core.context import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

# What Spark's messages say of it; 52 and 137 are how its processes end then.
NO_MEMORY = re.compile(r"OutOfMemory|MemoryError|exit(?:ed with)? code (?:52|137)\b")
NO_ROOM = "spark.driver.maxResultSize"
NO_WORKER = re.compile(r"Python worker exited unexpectedly|Could not start Python worker")
KILLED_FOR_MEMORY = {52, 137, -9}
# What a Spark Connect server says of a session that it does not know (any more).
NO_SESSION = re.compile(r"INVALID_HANDLE\.SESSION_(?:CHANGED|CLOSED|NOT_FOUND)")
# So long a Java process takes at most to end after its last words.
SECONDS = 5.0

ADVICE = (
    "give it more (spark.executor.memory, or spark.driver.memory on this machine alone; "
    "PANDAS_DIST_SPARK_CONF) or use smaller partitions (spark.sql.shuffle.partitions, "
    "spark.sql.files.maxPartitionBytes)"
)
ANEW = "Spark's session has ended with it, and the next operation starts another"


@contextlib.contextmanager
def clear_errors(forget: Callable[[], None]) -> Iterator[None]:
    """MemoryError where a process of Spark's runs out of memory, ConnectionError where one dies,
    KeyboardInterrupt where the user's cancelled the job that then failed.

    ``forget`` is called if the session is gone.
    """
    root = logging.getLogger()
    root.addFilter(_unknown)
    try:
        yield
    except failures() as error:
        if interrupted(error):
            raise KeyboardInterrupt from None
        if server_is_gone(error):
            forget()
            raise ConnectionError(
                "the Spark Connect server does not answer, or knows the session no more: what it "
                f"held is gone, and the next operation connects again ({said_of(error)})"
            ) from error
        code = ended(0 if isinstance(error, PySparkException) else SECONDS)
        if code is not None:
            leave()
            forget()
            if code in KILLED_FOR_MEMORY:
                raise MemoryError(
                    f"Spark's Java ended (code {code}) as one does that runs out of memory, unless "
                    f"somebody killed it: {ADVICE}. {ANEW}"
                ) from error
            raise ConnectionError(f"Spark's Java process ended (code {code}). {ANEW}") from error
        said = str(error)
        if NO_MEMORY.search(said):
            raise MemoryError(f"a worker of Spark's ran out of memory: {ADVICE}") from error
        if NO_ROOM in said:
            raise MemoryError(
                f"the result is more than {NO_ROOM} of the script's own Spark session: "
                "set it higher, or select fewer columns or rows first"
            ) from error
        if NO_WORKER.search(said):
            raise ConnectionError(
                "a Python worker of Spark's ended unexpectedly, or could not start. If memory was "
                f"short, {ADVICE}"
            ) from error
        raise
    finally:
        root.removeFilter(_unknown)


def failures() -> tuple[type[BaseException], ...]:
    """What calls of Spark raise; gRPC's own errors too, once Spark Connect has brought it."""
    known = (PySparkException, Py4JError, ConnectionError, EOFError, pa.ArrowException)
    grpc = sys.modules.get("grpc")
    return known if grpc is None else (*known, grpc.RpcError)


def server_is_gone(error: Any) -> bool:
    """Whether a Spark Connect server was not reached, or has no such session."""
    code = getattr(error, "getGrpcStatusCode", getattr(error, "code", None))
    missed = callable(code) and getattr(code(), "name", None) == "UNAVAILABLE"
    return missed or NO_SESSION.search(str(error)) is not None


def said_of(error: BaseException) -> str:
    """The gist of a gRPC error."""
    text = str(error).strip() or type(error).__name__
    details = re.search(r'details = "(.*)"', text)
    return (details[1] if details else text.splitlines()[0])[:300]


def _unknown(record: logging.LogRecord) -> bool:
    """Whether it is not py4j's traceback of a lost connection, which is raised as well."""
    return record.msg != "Exception while sending command."


def interrupted(error: BaseException) -> bool:
    """Whether an error came while a KeyboardInterrupt was on its way."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None


def ended(seconds: float) -> int | None:
    """How the Java process that this one started ended; None if it lives, or is another's."""
    process = getattr(SparkContext._gateway, "proc", None)
    if process is None:
        return None
    try:
        return int(process.wait(seconds))
    except subprocess.TimeoutExpired:
        return None


def leave() -> None:
    """Let go of a Java process that has ended, so that pyspark starts another one."""
    gateway = SparkContext._gateway
    if gateway is not None:
        with contextlib.suppress(Py4JError, OSError):
            gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
