"""``Series.map``, ``Series.apply`` and ``DataFrame.apply(axis=1)`` of a Python function.

pandas' own method starts at once in this process and is watched.  If the rest would take long and
the function is pure, the rest of the calls are made by other processes, and pandas' own method
runs over the results ("replay"): dtypes, shapes, names and exceptions are pandas' by construction.
Rows whose call raised or warned are called again here, in their place, so that the exception, its
traceback and the warning filters are the real ones.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pandas_dist.config import options
from pandas_dist.udf import pool
from pandas_dist.udf.assemble import of_rows, replay, unpacked
from pandas_dist.udf.packing import pack, pack_data
from pandas_dist.udf.plain import ATOM, NOT_PLAIN, plainness_of_all
from pandas_dist.udf.purity import Verdict, judge
from pandas_dist.udf.rows import light_rows, lightable, own_results
from pandas_dist.udf.task import BATCH, Task, as_pandas_applies, kept, portable
from pandas_dist.udf.worker import Environment, run_chunk

# Processor seconds that sending the rest of the calls away costs; see `_Watch.worth_sending`.
MIN_SECONDS = 0.5  # a shorter rest is never sent
START_SECONDS = 1.0  # starting the processes
OVERHEAD = 1.2  # a worker's time for a call, against the time here
ROW_SECONDS = 0.3e-6  # an argument and a result on their way, and the replay
WATCH_SECONDS = 0.05  # how long calls are timed before an estimate is believed
CHUNKS_PER_WORKER = 4
# The same for going on here with light rows.
LIGHT_SECONDS, LIGHT_WATCH_SECONDS = 0.1, 0.01


class Outcome(NamedTuple):
    """A plain pandas result, and for reports: where the function ran and why there."""

    result: Any
    reason: str
    distributed: bool = False


def map_series(
    series: pd.Series,
    func: Any,
    *,
    method: str = "map",
    args: tuple[Any, ...] = (),
    min_seconds: float | None = None,
    chunk_rows: int | None = None,
    **kwargs: Any,
) -> Outcome:
    """``series.map(func, **kwargs)``; with method="apply" ``series.apply(func, args=args, ...)``.

    series: plain pandas.  min_seconds and chunk_rows override when to distribute and the size of
    a chunk.  Raises what pandas raises, and pool.WorkerDied.
    """
    return _run(series, Task(method, func, tuple(args), kwargs), min_seconds, chunk_rows)


def apply_rows(
    frame: pd.DataFrame,
    func: Any,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    min_seconds: float | None = None,
    chunk_rows: int | None = None,
    **apply_kwargs: Any,
) -> Outcome:
    """``frame.apply(func, axis=1, args=args, **apply_kwargs, **kwargs)`` of a plain pandas frame.

    The other arguments and the exceptions are those of `map_series`.
    """
    task = Task("rows", func, tuple(args), {**apply_kwargs, **(kwargs or {})})
    return _run(frame, task, min_seconds, chunk_rows)


# ---------------------------------------------------------------------------------------------
# Here or there

_inside: ContextVar[bool] = ContextVar("inside a Python function", default=False)


@contextmanager
def _local_mode() -> Iterator[None]:
    """Around every function run in this process: objects that it makes are LOCAL pandas."""
    module = sys.modules.get("pandas_dist.plan.execute")
    enter: Callable[[], AbstractContextManager[Any]] = getattr(module, "local_mode", nullcontext)
    token = _inside.set(True)
    try:
        with enter():
            yield
    finally:
        _inside.reset(token)


def _run(data: Any, task: Task, min_seconds: float | None, chunk_rows: int | None) -> Outcome:
    why = _why_here(data, task)
    if why:
        with _local_mode():
            return Outcome(task.run(data, task.func), f"local: {why}")
    client = pool.cluster_client()
    if options.udf == "distributed":
        return _distribute(data, task, Verdict(True, shares=False), [[]], chunk_rows, client)
    watch = _Watch(data, task, min_seconds, client)
    try:
        with _local_mode():
            result = task.run(data, watch)
    except _Switch as switch:
        if switch.watch is not watch:
            raise
    else:
        return Outcome(result, f"local: {watch.reason}")
    packs, send = [watch.raw], True
    if watch.rows is not None:
        packs, send = _on_light_rows(watch)
        task = replace(task, light=watch.light)
    if send:
        return _distribute(data, task, watch.verdict, packs, chunk_rows, client)
    return _joined(data, task, packs, set(), "local: on light rows")


def _why_here(data: Any, task: Task) -> str:
    """Why this call is not even a candidate for other processes; "" when it is one."""
    func, kwargs = task.func, task.kwargs
    if options.udf == "local":
        return "PANDAS_DIST_UDF=local"
    if _inside.get():
        return "called by a Python function that runs here"
    if not callable(func) or isinstance(func, (np.ufunc, pd.Series)):
        return "not a Python function"
    if kwargs.get("raw") or kwargs.get("by_row", "compat") is False:
        return "the function gets the whole data at once"
    if kwargs.get("engine") not in (None, "python") or kwargs.get("result_type") == "broadcast":
        return "an argument that only pandas itself supports"
    if len(data) < 2 or (task.method == "rows" and data.shape[1] == 0):
        return "little data"
    if options.udf == "auto" and not options.address and pool.cores() < 2:
        return "one core"
    dtypes = data.dtypes if task.method == "rows" else [data.dtype]
    for dtype in dtypes:
        if not _rowwise_dtype(dtype, task.method):
            return f"{dtype} values become objects column by column"
    return ""


def _rowwise_dtype(dtype: Any, method: str) -> bool:
    """An element looks the same to a function in a chunk as in the whole column."""
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biufcOMm"
    if isinstance(dtype, pd.CategoricalDtype):
        return method == "rows"
    return isinstance(dtype, (pd.StringDtype, pd.DatetimeTZDtype))


class _Switch(BaseException):
    """Leaves pandas' loop: the rest of the calls are made elsewhere."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch


class _Watch:
    """The function as pandas sees it while it is timed; remembers what it returned."""

    def __init__(self, data: Any, task: Task, min_seconds: float | None, client: Any) -> None:
        self.data = data
        self.task = task
        self.min_seconds = min_seconds
        self.workers = _workers(client)
        self.client = client
        self.raw: list[Any] = []
        self.verdict = Verdict(False)
        self.reason = "too little work to send away"
        self.next_check = 1
        self.since = 0.0  # when the first call was over
        self.light = task.method == "rows" and lightable(data.columns)
        self.rows: Iterator[Any] | None = None  # light ones, for the calls that follow

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.task.func(*args, **kwargs)
        if self.next_check:
            # pandas reuses the row object; this is the copy that it makes itself
            self.raw.append(kept(result, result) if isinstance(result, pd.Series) else result)
            if len(self.raw) >= self.next_check:
                self.check()
        return result

    def check(self) -> None:
        # the processor's time, as a busy machine delays both places; pure functions never wait
        now, done = time.thread_time(), len(self.raw)
        if done == 1:  # not representative: imports, caches, and pandas' own preparation
            self.since = now
        seconds = now - self.since
        if done == 1 or done == len(self.data):
            self.next_check = 2 * done
            return
        send, lighten = self.worth_sending(seconds), self.worth_lightening(seconds)
        if not (send or lighten):
            self.next_check = 2 * done
            return
        self.verdict = self.verdict or _verdict(self.data, self.task)
        if self.verdict and lighten:
            if not self.verdict.classes:
                self.rows = light_rows(self.data.iloc[done:])
            if self.rows is not None:
                raise _Switch(self)
            self.light = False
        if self.verdict and not (send and self.ready()):
            self.next_check = done + done // 8 + 1 if send else 2 * done
            return
        self.next_check = 0
        if self.verdict and self.portable():
            raise _Switch(self)
        self.reason = self.verdict.reason or "its results are objects that others may hold"
        self.raw = []

    def portable(self) -> bool:
        """Whether what the function has returned so far may come from another process."""
        return portable(self.raw, self.verdict.shares, self.task.method)

    def worth_lightening(self, seconds: float) -> bool:
        """Whether the rest takes long enough to judge the function for it."""
        if not self.light or self.min_seconds is not None:
            return False
        rows = len(self.data) - len(self.raw)
        here = seconds / (len(self.raw) - 1) * rows
        return seconds > LIGHT_WATCH_SECONDS and here > LIGHT_SECONDS

    def worth_sending(self, seconds: float) -> bool:
        """Whether the rest clearly takes longer here; `seconds` went to all calls but the first.

        There it takes the start of the processes, this process' time for each row, and the calls
        themselves shared by the workers, each with an overhead.
        """
        return self.sooner_there(seconds, len(self.raw) - 1)

    def ready(self) -> bool:
        """Whether there are processes; if not, they start while the calls go on here."""
        if self.client is None and self.min_seconds is None and not pool.is_running():
            pool.start()
            return False
        return True

    def to_send(self, seconds: float, calls: int) -> bool:
        """`sooner_there`, and the processes are ready."""
        return self.sooner_there(seconds, calls) and self.ready()

    def sooner_there(self, seconds: float, calls: int) -> bool:
        """`worth_sending`, where `seconds` went to the last `calls`."""
        rows = len(self.data) - len(self.raw)
        here = seconds / calls * rows
        if self.min_seconds is not None:
            return here > self.min_seconds
        start = 0.0 if self.client is not None or pool.is_running() else START_SECONDS
        there = start + ROW_SECONDS * rows + here * OVERHEAD / self.workers
        return seconds > WATCH_SECONDS and here > max(MIN_SECONDS, there)


def _on_light_rows(watch: _Watch) -> tuple[list[Any], bool]:
    """Go on here over light rows: the packed results, and whether to continue elsewhere.

    That is so as soon as the rest would be done sooner there.  A call that raises is the last one:
    whoever continues makes it again.  So are calls whose results may hold a row.
    """
    task, rows, total = watch.task, watch.rows, len(watch.data)
    assert rows is not None
    func = partial(task.func, **task.own_kwargs) if task.own_kwargs else task.func
    packs: list[Any] = [watch.raw]
    args, before, may_send = task.args, len(watch.raw), True
    done, since = before, time.thread_time()
    with _local_mode(), as_pandas_applies():
        while done < total:
            batch: list[Any] = []
            keep, stopped = batch.append, False
            try:
                for row in itertools.islice(rows, BATCH):
                    result = func(row, *args)
                    keep(kept(result, row) if isinstance(result, pd.Series) else result)
            except Exception:  # noqa: BLE001  (not hidden: the call is made again, on a real row)
                stopped = True
            if not own_results(batch):
                break
            packs.append(pack(batch) if pd.Series in set(map(type, batch)) else batch)
            done += len(batch)
            if stopped:
                break
            if may_send and watch.to_send(time.thread_time() - since, done - before):
                may_send = portable(batch, watch.verdict.shares, task.method) and watch.portable()
                if may_send:
                    return packs, True
    return packs, False


def _workers(client: Any) -> int:
    """How many calls are made at a time."""
    return pool.cores() if client is None else max(1, sum(client.ncores().values()))


def _verdict(data: Any, task: Task) -> Verdict:
    """Is the function pure on these data, with these arguments?"""
    rows = task.method == "rows"
    columns = [data.iloc[:, i] for i in range(data.shape[1])] if rows else [data]
    plain = min(_column_plainness(c) for c in (*columns, *([data.index] if rows else [])))
    if plain == NOT_PLAIN:
        return Verdict(False, "the data hold objects that are not plain data")
    element, labels = ("row" if rows else "scalar"), ()
    if rows and data.columns.is_unique and data.columns.nlevels == 1:
        labels = tuple(data.columns)
    if plain != ATOM:
        element = "any"
    verdict = judge(task.func, task.args, task.own_kwargs, element=element, labels=labels)
    if plain == ATOM or not verdict:
        return verdict
    return Verdict(True, "", True, verdict.modules)  # a result may be an element


def _column_plainness(column: Any) -> int:
    if isinstance(column, pd.MultiIndex):
        return min(_column_plainness(level) for level in column.levels)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Index(column.dtype.categories)
    return plainness_of_all(column.tolist()) if column.dtype == object else ATOM


# ---------------------------------------------------------------------------------------------
# There, and the replay here


def _distribute(
    data: Any,
    task: Task,
    verdict: Verdict,
    packs: list[Any],
    chunk_rows: int | None,
    client: Any,
) -> Outcome:
    """Have the calls after those that are packed made elsewhere, then replay all of them."""
    packs, known, again = [*packs], sum(map(len, packs)), set[int]()
    calls = np.arange(len(data))
    if task.kwargs.get("na_action") == "ignore" and task.method == "map":
        calls = np.flatnonzero(data.notna().to_numpy())
    rest = len(calls) - known
    workers = _workers(client)
    size = chunk_rows or max(1, -(-rest // (workers * CHUNKS_PER_WORKER)))
    bounds = [calls[known + i : known + i + size] for i in range(0, rest, size)]
    common = (task, verdict.shares, Environment.captured())
    try:
        payloads = [
            pool.dumps(
                partial(run_chunk, pack_data(data.iloc[b[0] : b[-1] + 1]), len(b), *common),
                verdict.modules,
            )
            for b in bounds
        ]
    except pool.PICKLE_ERRORS as error:
        why = f"local: cannot be sent to another process ({error})"
        return _joined(data, task, packs, set(), why)
    where = f"{workers} processes" if client is None else "the cluster"
    for chunk in pool.run(payloads, client):
        again.update(known + i for i in chunk.warned)
        if chunk.raw is not None:
            found = pool.loads(chunk.raw)
            packs += found
            known += sum(map(len, found))
        if chunk.stopped:
            break
    return _joined(data, task, packs, again, f"distributed: {where}")


def _joined(data: Any, task: Task, packs: list[Any], again: set[int], reason: str) -> Outcome:
    """pandas' result from those of the first calls, or of all."""
    distributed = reason.startswith("distributed")
    packs = [p for p in packs if len(p)]
    if task.method == "rows" and sum(map(len, packs)) == len(data) and not again:
        result = of_rows(data, packs, task.kwargs.get("result_type"))
        if result is not None:
            return Outcome(result, reason, distributed)
    func = replay(unpacked(packs), again, task.func)
    with _local_mode():
        return Outcome(task.run(data, func), reason, distributed)
