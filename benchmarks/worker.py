"""One engine in a process of its own, which answers queries until it is told to stop."""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import pickle
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PLAIN, DROP_IN, BY_HAND = "pandas", "pandas_dist", "by hand"


@dataclass(frozen=True)
class Engine:
    """What runs the queries: `kind` is PLAIN, DROP_IN or BY_HAND; `backend` names the engine."""

    kind: str
    backend: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.backend]))


@dataclass(frozen=True)
class Answer:
    """Seconds until the answer was in memory and its pickle, or why there is none."""

    seconds: float = float("nan")
    pickled: bytes = b""
    error: str = ""


class Worker:
    """A live process for an engine; it is started again if a query kills it."""

    def __init__(self, engine: Engine, warm_up: Path) -> None:
        self.engine = engine
        self._warm_up = warm_up
        self._start()

    def run(self, query: int, data: Path, timeout: float) -> Answer:
        """Run one query; a process that dies or takes too long is an Answer with an error."""
        self._pipe.send((query, data))
        try:
            if self._pipe.poll(timeout):
                return self._pipe.recv()
            reason = f"no answer within {timeout:g} s"
        except EOFError:
            self._process.join()
            reason = f"the process died with exit code {self._process.exitcode}"
        self.stop()
        self._start()
        return Answer(error=reason)

    def stop(self) -> None:
        self._pipe.close()
        self._process.terminate()
        self._process.join()

    def _start(self) -> None:
        # `spawn`: every engine starts from a clean interpreter and its own environment.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self.engine, self._warm_up)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()


def _serve(pipe: Connection, engine: Engine, warm_up: Path) -> None:
    if engine.kind == DROP_IN:
        os.environ["PANDAS_DIST_BACKEND"] = engine.backend
        os.environ["PANDAS_DIST_FALLBACK"] = "error"
    queries = _queries(engine)
    # Imports and the start of the engine belong to no query.
    _measure(queries[6], warm_up)
    while True:
        try:
            number, data = pipe.recv()
        except EOFError:
            return
        pipe.send(_measure(queries[number], data))


def _queries(engine: Engine) -> dict[int, Callable[[Path], Any]]:
    if engine.kind == BY_HAND:
        return importlib.import_module(f"benchmarks.tpch.{engine.backend}_queries").QUERIES
    from benchmarks.tpch.queries import QUERIES

    pd = importlib.import_module(engine.kind)
    return {number: lambda data, query=query: query(pd, data) for number, query in QUERIES.items()}


def _measure(query: Callable[[Path], Any], data: Path) -> Answer:
    gc.collect()
    start = time.perf_counter()
    try:
        # A lazy answer is not an answer yet: the clock stops when it has been pickled.
        pickled = pickle.dumps(query(data))
    except Exception:  # noqa: BLE001 - the report says which query failed and why
        return Answer(error=traceback.format_exc())
    return Answer(time.perf_counter() - start, pickled)
