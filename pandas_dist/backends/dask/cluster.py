"""The connection to the Dask cluster at ``PANDAS_DIST_ADDRESS``."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cache
from typing import Any, TypeVar

import dask
import numpy as np
import pandas as pd
from dask.delayed import Delayed
from pandas.api.types import is_object_dtype

from pandas_dist.config import engine_name, is_ray_address, options
from pandas_dist.interrupts import imported

T = TypeVar("T")

CONNECT_SECONDS = 20
ALONE_SECONDS = 300  # a cluster that grows on demand may begin without workers

_clients: dict[str, Any] = {}
_lock = threading.Lock()


def current_client() -> Any:
    """The client of the cluster at ``options.address``; None means threads of this process.

    It is never Dask's default client: the user's own Dask code keeps its own.
    ConnectionError if nothing answers at the address.
    """
    address = options.address
    if engine_name() == "modin" or (address and is_ray_address(address)):
        return _ray()
    if not address:
        return None
    with _lock:
        client = _clients.get(address)
        if client is None or client.status != "running":
            if client is not None:
                close(address)
            client = _clients[address] = _connect(address)
        return client


@cache
def _ray() -> Any:
    from pandas_dist.backends.modin.tasks import Client

    return Client()


def shuffles(client: Any) -> bool:
    """Whether the workers, Dask's own, move rows among themselves."""
    return client is not None and client is not _ray()


def _connect(address: str) -> Any:
    Client = imported("distributed").Client

    if not _clients:
        # After Dask's own exit functions were registered, so that this runs before them.
        atexit.register(_close_in, os.getpid())
    # Dask reports a failed handshake to its log as well as to us.
    with _silenced():
        try:
            return Client(address, set_as_default=False, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            raise unreachable(address, error) from error


def unreachable(address: str, error: BaseException) -> ConnectionError:
    """What the user sees when the scheduler does not answer, or stopped to."""
    return ConnectionError(
        f"no Dask scheduler answers at {address!r} (PANDAS_DIST_ADDRESS, options.address): "
        f"{error or type(error).__name__}"
    )


def gather(client: Any, tasks: Sequence[Delayed]) -> list[Any]:
    """The results of tasks on the cluster.

    ConnectionError if it goes away meanwhile, has no workers for long, or loses each worker that
    is given a task.
    """
    results = _answer(client, lambda: _results(client, list(tasks)))
    return [with_nan_itself(r) if isinstance(r, pd.DataFrame) else r for r in results]


def _results(client: Any, tasks: list[Delayed]) -> list[Any]:
    futures = client.compute(tasks)
    if not shuffles(client):
        return list(client.gather(futures))
    from distributed import KilledWorker

    done, alone = threading.Event(), threading.Event()
    watch = threading.Thread(target=_watch, args=(client, futures, done, alone), daemon=True)
    watch.start()
    try:
        return list(client.gather(futures))
    except CancelledError as error:
        if not alone.is_set():
            raise
        raise ConnectionError(
            f"the Dask cluster at {_address_of(client)!r} has had no worker for "
            f"{ALONE_SECONDS} seconds: start some, or give another PANDAS_DIST_ADDRESS"
        ) from error
    except KilledWorker as error:
        raise ConnectionError(
            "each Dask worker that was given one of the tasks ended (out of memory, killed or "
            "crashed): give workers more memory, or use smaller partitions "
            f"(PANDAS_DIST_PARTITION_BYTES). {error}"
        ) from error
    finally:
        done.set()


def _watch(client: Any, futures: list[Any], done: threading.Event, alone: threading.Event) -> None:
    """Give the tasks up when there has been no worker for long: the scheduler would wait on."""
    since = time.monotonic()
    while not done.wait(min(5, ALONE_SECONDS)):
        with contextlib.suppress(OSError, TimeoutError):  # told by whoever waits for results
            if client.nthreads():
                since = time.monotonic()
            elif time.monotonic() - since > ALONE_SECONDS:
                alone.set()
                client.cancel(futures)
                return


def with_nan_itself(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame after a pickle, whose missing objects are NumPy's NaN again: scripts, and pandas'
    ``str.split``, ask `x is np.nan`."""
    for name in [n for n, dtype in frame.dtypes.items() if is_object_dtype(dtype)]:
        values = frame[name].to_numpy()
        places = [n for n in np.flatnonzero(pd.isna(values)) if type(values[n]) is float]
        if places:
            values = values.copy()
            values[places] = np.nan
            frame[name] = pd.Series(values, index=frame.index, dtype=object, copy=False)
    return frame


def persist(client: Any, tasks: Sequence[Delayed]) -> list[Delayed]:
    """The tasks, started and held by the cluster."""
    return _answer(client, lambda: list(client.persist(list(tasks))))


def _answer(client: Any, ask: Callable[[], T]) -> T:
    # In-memory frames are part of the graph, so that it can be computed again when a worker is
    # lost; Dask's advice to scatter them is not for the user.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
        try:
            return ask()
        except CancelledError as error:
            if client.status == "running":
                raise
            raise unreachable(_address_of(client), error) from error


def _address_of(client: Any) -> str:
    return next((a for a, c in _clients.items() if c is client), "the given address")


def close(address: str) -> None:
    """Close one connection; quiet if the cluster has gone."""
    client = _clients.pop(address, None)
    if client is not None:
        with _silenced(), contextlib.suppress(OSError, TimeoutError):
            client.close(timeout=2)


def _close_in(process: int) -> None:
    """``close_all``, but not in a fork, where the connections' threads are not."""
    if os.getpid() == process:
        close_all()


def close_all() -> None:
    for address in list(_clients):
        close(address)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    loggers = [logging.getLogger(n) for n in ("distributed.client", "distributed.comm")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before):
            logger.setLevel(level)
