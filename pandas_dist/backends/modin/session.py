"""The connection to Ray: the script's own, a cluster's, or one that is started here."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from pandas_dist.backends.modin.remains import watched
from pandas_dist.config import MIB, available_memory, is_ray_address, options
from pandas_dist.interrupts import imported

CONNECT_SECONDS = 10
# Of the memory that is free when Ray starts; what does not fit is written to disk by Ray.
STORE_FRACTION = 0.25
LEAST_STORE = 128 * MIB
# Read by Ray when it is imported, or starts its processes.
ENVIRONMENT = {
    # Stacks of C++, and news of nodes and workers, on the script's stderr and stdout.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
    "RAY_enable_metrics_collection": "0",
}

_lock = threading.RLock()
# The folder of a Ray that was started here, and the process that removes it in the end.
_started: list[tuple[str, subprocess.Popen[bytes]]] = []


def connect() -> str:
    """A Ray to run tasks on; a name of it, for objects of one are unknown to another.

    A Ray that the script has initialised is used as it is.  Otherwise ``options.address``
    (``ray://host:port``, ``host:port`` or ``auto``), or else a Ray of this process.
    ConnectionError if nothing answers at the address, ValueError if it is not one of Ray's,
    ImportError without Ray.
    """
    with _lock:
        ray = _imported()
        if not ray.is_initialized():
            address = options.address
            with _own_environment(), _own_signals():
                if address is None:
                    _start()
                else:
                    _join(address)
        here = ray.get_runtime_context()
        return f"{here.get_node_id()}-{here.get_job_id()}"


def _imported() -> Any:
    """The module ``ray``, which reads some of its settings when it is imported."""
    try:
        with nullcontext() if "ray" in sys.modules else _own_environment():
            return imported("ray")
    except ImportError as error:
        raise ImportError(
            "an address of Ray needs ray, which is not installed: pip install 'pandas_dist[ray]'",
            name="ray",
        ) from error


@contextmanager
def _own_environment() -> Iterator[None]:
    """Our settings of Ray where the script has none, for a while."""
    added = [name for name in ENVIRONMENT if name not in os.environ]
    os.environ.update({name: ENVIRONMENT[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _own_signals() -> Iterator[None]:
    """What the script does when it is told to end stays as it is; Ray would exit with 15."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _start() -> None:
    """A Ray of this process, quiet, which ends with it."""
    import ray

    if not _started:
        atexit.register(_stop_in, os.getpid())
    for last in (False, True):
        folder = tempfile.mkdtemp(prefix="ray-")  # short: it has the names of sockets
        _started.append((folder, watched(folder)))
        try:
            _in_lasting_thread(
                partial(
                    ray.init,
                    address="local",
                    num_cpus=cores(),
                    object_store_memory=store_bytes(),
                    include_dashboard=False,
                    logging_level=logging.CRITICAL,
                    log_to_driver=False,
                    _temp_dir=folder,
                )
            )
            return
        except BaseException as error:
            stop()
            # A bare Exception: the machine is too busy to start it in 30 seconds.
            if last or type(error) is not Exception:
                raise


def _in_lasting_thread(start: Callable[[], Any]) -> None:
    """Ray's processes end with the thread that started them: not with one of the script's."""
    if threading.current_thread() is threading.main_thread():
        start()
        return
    started: Future[Any] = Future()

    def run() -> None:
        try:
            started.set_result(start())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            started.set_exception(error)
        else:
            threading.Event().wait()

    threading.Thread(target=run, name="pandas_dist ray", daemon=True).start()
    started.result()


def _join(address: str) -> None:
    import ray

    if "://" in address and not is_ray_address(address):
        raise ValueError(
            f"{address!r} (PANDAS_DIST_ADDRESS, options.address) is no address of Ray: "
            f"ray://host:port, host:port or auto"
        )
    reachable(address)
    for last in (False, True):
        try:
            ray.init(address=address, logging_level=logging.CRITICAL, log_to_driver=False)
            return
        except (OSError, RuntimeError, ValueError) as error:
            # A busy head node may be too slow to start the process that serves this one.
            if last or not address.startswith("ray://"):
                raise unreachable(address, error) from error


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def store_bytes() -> int:
    """Bytes for Ray's objects: a part of the free memory, and of the shared memory there is."""
    size = int(STORE_FRACTION * available_memory())
    if os.path.isdir("/dev/shm"):
        size = min(size, int(0.8 * shutil.disk_usage("/dev/shm").free))
    return max(LEAST_STORE, size)


def _stop_in(process: int) -> None:
    """``stop``, but not in a fork that ends before the process which started Ray."""
    if os.getpid() == process:
        stop()


def stop() -> None:
    """End a Ray that was started here, and leave nothing of it."""
    import ray

    with _lock:
        if _started:
            ray.shutdown()
        while _started:
            folder, watcher = _started.pop()
            shutil.rmtree(folder, ignore_errors=True)
            watcher.communicate()


def leave() -> bool:
    """Let go of a Ray that was started here and has lost its node; False if it is another's."""
    with _lock:
        ours = bool(_started)
        stop()
        return ours


def reachable(address: str) -> None:
    """ConnectionError if no host and port of an address answers."""
    match = re.fullmatch(r"(?:ray://)?(.+):(\d+)", address)
    if match is None:
        return
    try:
        socket.create_connection((match[1].strip("[]"), int(match[2])), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise unreachable(address, error) from error


def unreachable(address: str, error: BaseException) -> ConnectionError:
    """What the user sees when no Ray answers."""
    return ConnectionError(
        f"no Ray answers at {address!r} (PANDAS_DIST_ADDRESS, options.address): "
        f"{error or type(error).__name__}"
    )
