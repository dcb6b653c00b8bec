"""A cluster without workers: Spark itself would wait for them for ever."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

ALONE_SECONDS = 300  # a cluster that grows on demand may begin without workers


@contextlib.contextmanager
def not_alone() -> Iterator[Callable[[Any], None]]:
    """Watches the session of a cluster that is handed to it, until the end.

    ConnectionError if it has had no executor for ``ALONE_SECONDS``.
    """
    done, alone = threading.Event(), threading.Event()

    def watch(session: Any) -> None:
        given = session.sparkContext, done, alone
        threading.Thread(target=_watch, args=given, daemon=True).start()

    try:
        yield watch
    except (PySparkException, Py4JError) as error:
        if not alone.is_set():
            raise
        raise ConnectionError(
            f"the Spark cluster has had no executor for {ALONE_SECONDS} seconds: start workers "
            "with enough free memory and processors, or give another PANDAS_DIST_ADDRESS"
        ) from error
    finally:
        done.set()


def _watch(context: Any, done: threading.Event, alone: threading.Event) -> None:
    since = time.monotonic()
    while not done.wait(min(5, ALONE_SECONDS)):
        with contextlib.suppress(Py4JError, OSError):  # told by whoever waits for results
            if context._jsc.sc().getExecutorMemoryStatus().size() > 1:  # and the driver
                since = time.monotonic()
            elif time.monotonic() - since > ALONE_SECONDS:
                alone.set()
                context.cancelAllJobs()
                return
