"""One engine in a process of its own, which answers queries until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PLAIN, DROP_IN, BY_HAND, FIREDUCKS = "pandas", "pandas_dist", "by hand", "fireducks"

ROOT = Path(__file__).resolve().parents[1]
_MODULES = {PLAIN: "pandas", DROP_IN: "pandas_dist", FIREDUCKS: "fireducks.pandas"}
# How a worker is started: as a script, or without a file, as a notebook is.
_SCRIPT = ("-m", "benchmarks.serve")
_CODE = ("-c", "import sys; from benchmarks.worker import serve; serve(int(sys.argv[1]))")
# FireDucks prunes columns in scripts alone: where names stay alive, it cannot know what is used.
INTERACTIVE = "interactive"


@dataclass(frozen=True)
class Engine:
    """What runs the queries.

    `kind` is PLAIN, DROP_IN, BY_HAND or FIREDUCKS, `backend` names the engine of the middle two
    (INTERACTIVE for FireDucks outside of a script), and `python` is the interpreter of another
    environment, or "" for this one's.
    """

    kind: str
    backend: str = ""
    python: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.backend]))


@dataclass(frozen=True)
class Answer:
    """Seconds until the answer was in memory and its pickle, or why there is none.

    `finished` is False if the process was killed, took too long or had not enough memory.
    """

    seconds: float = float("nan")
    pickled: bytes = b""
    error: str = ""
    finished: bool = True


class Worker:
    """A live process for an engine; it is started again if a query kills it.

    memory : bytes of private memory at which a query is stopped, so that the machine survives
        (Linux only); 0 for no limit.
    """

    def __init__(self, engine: Engine, warm_up: Path, memory: int = 0) -> None:
        self.engine = engine
        self._warm_up = warm_up
        self._memory = memory
        self._start()

    def run(self, query: int, data: Path, timeout: float) -> Answer:
        """Run one query; a process that dies or takes too long is an Answer with an error."""
        try:
            self._pipe.send((query, data))
            reason = self._wait(timeout)
            if not reason:
                return self._pipe.recv()
        except (EOFError, OSError):
            reason = f"the process died with exit code {self._process.wait()}"
        self.stop()
        self._start()
        return Answer(error=reason, finished=False)

    def stop(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _wait(self, timeout: float) -> str:
        """Return "" when the answer has come, else why it was given up."""
        end = time.monotonic() + timeout
        while not self._pipe.poll(0.05):
            if time.monotonic() > end:
                return f"no answer within {timeout:g} s"
            used = _private_memory(self._process.pid) if self._memory else 0
            if used > self._memory:
                return f"stopped at {used / 2**30:.1f} GiB of memory"
        return ""

    def _start(self) -> None:
        # A new interpreter: every engine starts clean, and it may be another environment's.
        self._pipe, theirs = Pipe()
        how = _CODE if self.engine.backend == INTERACTIVE else _SCRIPT
        command = [self.engine.python or sys.executable, *how, str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        self._pipe.send((self.engine, self._warm_up))


def _private_memory(pid: int) -> int:
    """Bytes that the process holds, without mapped files, which the system takes back."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def serve(descriptor: int) -> None:
    """Run in the worker: answer the queries that come through the pipe `descriptor`."""
    with contextlib.suppress(OSError):  # if memory runs out, this process goes, not its parent
        Path("/proc/self/oom_score_adj").write_text("1000")
    pipe = Connection(descriptor)
    engine, warm_up = pipe.recv()
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

    pd = importlib.import_module(_MODULES[engine.kind])

    def answer(query: Callable[[Any, Path], Any], data: Path) -> Any:
        result = query(pd, data)
        # FireDucks pickles its own classes, which no other environment can read.
        return result.to_pandas() if engine.kind == FIREDUCKS else result

    return {number: partial(answer, query) for number, query in QUERIES.items()}


def _measure(query: Callable[[Path], Any], data: Path) -> Answer:
    gc.collect()
    start = time.perf_counter()
    try:
        # A lazy answer is not an answer yet: the clock stops when it has been pickled.
        pickled = pickle.dumps(query(data))
    except MemoryError:
        return Answer(error=traceback.format_exc(), finished=False)
    except Exception:  # noqa: BLE001 - the report says which query failed and why
        return Answer(error=traceback.format_exc())
    return Answer(time.perf_counter() - start, pickled)
