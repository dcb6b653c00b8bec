"""Processes on this machine that run pure Python functions, driven through Dask.

The workers come from a fork server that has pandas loaded; they never see the user's script, so
a script needs no ``if __name__ == "__main__"``.  They are idle between calls, end with the
process that started them, however it ends, and get functions by value.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import spawn, util
from typing import Any, Protocol, runtime_checkable

import numpy as np

# What pickling an object that cannot be pickled raises, depending on the object.
PICKLE_ERRORS = (
    pickle.PicklingError,
    TypeError,
    AttributeError,
    ValueError,
    NotImplementedError,
    RecursionError,
)


class WorkerDied(RuntimeError):
    """A worker process ended while it ran a function; the next call gets new ones."""


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# ---------------------------------------------------------------------------------------------
# Pickles: by value, plain pandas only


def dumps(obj: Any, modules: Mapping[str, frozenset[str]] | None = None) -> bytes:
    """obj by value: functions, `modules` of the user (the given names of them), pandas' own objects
    for the mirror's.  Raises one of PICKLE_ERRORS when that is impossible."""
    import cloudpickle

    own = [sys.modules[m] for m in modules or () if m in sys.modules and m != "__main__"]
    buffer = io.BytesIO()
    with _lock:
        registered = cloudpickle.list_registry_pickle_by_value()
        added = [m for m in own if m.__name__ not in registered]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            _pickler_class()(buffer, modules or {}).dump(obj)
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """The object that `dumps` was given; np.nan is np.nan itself again."""
    return _Unpickler(io.BytesIO(data)).load()


@functools.cache
def _pickler_class() -> type[Any]:
    import cloudpickle

    from pandas_dist.udf.purity import original

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def __init__(self, buffer: io.BytesIO, modules: Mapping[str, frozenset[str]]) -> None:
            super().__init__(buffer, protocol=pickle.HIGHEST_PROTOCOL)
            self.modules = modules

        def persistent_id(self, obj: Any) -> str | None:
            # sets and dicts tell NaNs apart by identity, so np.nan must arrive as np.nan
            return "nan" if obj is np.nan else None

        def reducer_override(self, obj: Any) -> Any:
            real = original(obj)
            if real is not obj:
                return _pandas_object, (
                    "" if isinstance(real, types.ModuleType) else real.__name__,
                )
            if isinstance(obj, types.ModuleType) and obj.__name__ in self.modules:
                names = self.modules[obj.__name__]
                state = {k: v for k, v in vars(obj).items() if k in names}
                return _new_module, (obj.__name__,), state, None, None, _fill_module
            return super().reducer_override(obj)

    return Pickler


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        return np.nan


def _pandas_object(name: str) -> Any:
    module = importlib.import_module("pandas")
    return getattr(module, name) if name else module


def _new_module(name: str) -> types.ModuleType:
    return types.ModuleType(name)


def _fill_module(module: types.ModuleType, state: dict[str, Any]) -> None:
    vars(module).update(state)


# ---------------------------------------------------------------------------------------------
# The processes

_lock = threading.RLock()
_executor: ProcessPoolExecutor | None = None
_starter: threading.Thread | None = None
_starting = threading.local()

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_base: Any = multiprocessing.get_context(_METHOD)


@contextmanager
def _without_main() -> Iterator[None]:
    """Processes started by this thread do not import the user's script."""
    with _lock:
        prepare = spawn.get_preparation_data

        def prepare_without_main(name: str) -> dict[str, Any]:
            data = prepare(name)
            if getattr(_starting, "ours", False):
                data.pop("init_main_from_path", None)
                data.pop("init_main_from_name", None)
            return data

        _starting.ours = True
        spawn.get_preparation_data = prepare_without_main  # type: ignore[assignment]
        try:
            yield
        finally:
            spawn.get_preparation_data = prepare
            _starting.ours = False


class _Process(_base.Process):  # type: ignore[misc]
    def start(self) -> None:
        with _without_main():
            super().start()


class _Context(type(_base)):  # type: ignore[misc]
    Process = _Process


def is_running() -> bool:
    """Whether the processes are there already, so that using them costs no start."""
    return _executor is not None and not (_starter is not None and _starter.is_alive())


def start() -> None:
    """Start the processes in the background; `is_running` tells when they are there."""
    global _starter
    with _lock:
        if _executor is None and not (_starter is not None and _starter.is_alive()):
            _starter = threading.Thread(target=_start, name="pandas_dist start", daemon=True)
            _starter.start()


def _start() -> None:
    with suppress(RuntimeError, OSError):  # told by whoever uses them
        executor().submit(abs, 0).result()


def executor() -> ProcessPoolExecutor:
    """The pool, started at the first use: one process for each core."""
    global _executor
    with _lock:
        if _executor is None:
            context, folder = _Context(), None
            if _METHOD == "forkserver":
                folder = util.get_temp_dir()
                context.set_forkserver_preload(["pandas", __name__, "pandas_dist.udf.worker"])
            _executor = ProcessPoolExecutor(
                max(1, cores()),
                mp_context=context,
                initializer=_prepare_worker,
                initargs=(folder,),
            )
        return _executor


def shutdown(kill: bool = False) -> None:
    """End the processes (kill: at once).  The next `executor` starts new ones."""
    global _executor, _starter
    if _starter is not None:
        _starter.join()
    with _lock:
        _starter = None
        ended, _executor = _executor, None
    if ended is None:
        return
    processes = list((ended._processes or {}).values())
    ended.shutdown(wait=not kill, cancel_futures=True)
    for process in processes if kill else ():
        if process.is_alive():
            process.kill()


def _forget() -> None:
    global _executor, _lock, _starter
    # a forked child has neither threads nor workers
    _executor, _starter, _lock = None, None, threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _prepare_worker(folder: str | None) -> None:
    gc.freeze()  # what is loaded already is not looked at again and again
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, and ends us
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()


def _end_with_parent(folder: str | None) -> None:
    """``folder``: the parent's sockets, which it removes itself unless it is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # returns when the parent is gone, even killed
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def call(payload: bytes) -> bytes:
    """The task of a worker: run the pickled function without arguments, pickle what it returns."""
    return dumps(loads(payload)())


def run(payloads: Sequence[bytes], client: Any = None) -> list[Any]:
    """What each pickled function returns, in order: on the pool, or on a distributed `client`.

    Raises WorkerDied when a process ends meanwhile, and what a function raises.
    """
    import dask

    from pandas_dist.progress import shown

    if isinstance(client, Workers):
        return [loads(a) for a in client.answers(payloads)]
    task = dask.delayed(call, pure=False)
    tasks = [task(p) for p in payloads]
    try:
        if client is not None:
            from pandas_dist.backends.dask import cluster

            answers: Iterable[bytes] = cluster.gather(client, tasks)
        else:
            with shown("Python functions"):
                answers = dask.compute(*tasks, scheduler="processes", pool=executor(), chunksize=1)
    except BrokenProcessPool:
        shutdown(kill=True)
        raise WorkerDied(
            "a worker process ended while it ran a Python function (killed, out of memory, or "
            "crashed); PANDAS_DIST_UDF=local runs functions in this process"
        ) from None
    except BaseException:
        if client is None:
            shutdown(kill=True)  # unfinished tasks would hold the workers and the exit
        raise
    return [loads(a) for a in answers]


@runtime_checkable
class Workers(Protocol):
    """Those of a cluster that is not Dask's."""

    def ncores(self) -> Mapping[str, int]:
        """How many calls run at a time, by worker."""

    def answers(self, payloads: Sequence[bytes]) -> list[bytes]:
        """What `call` gives for each of them, in order."""


def cluster_client() -> Any:
    """The distributed client of Dask's cluster at ``options.address``, or the workers of Spark's;
    None if it is this machine."""
    from pandas_dist.config import cluster_engine, options

    if not options.address or options.address.startswith("local"):
        return None
    if cluster_engine(options.address) == "spark":
        from pandas_dist.backends.spark.tasks import SparkWorkers

        return SparkWorkers()
    from pandas_dist.backends.dask.cluster import current_client

    return current_client()
