"""``Series.map``, ``Series.apply`` and ``DataFrame.apply(axis=1)`` of a Python function.

pandas' own method starts at once in this process and is watched.  If the rest would take long and
the function is pure, the rest of the calls are made by other processes, and pandas' own method
runs over the results ("replay"): dtypes, shapes, names and exceptions are pandas' by construction.
Rows whose call raised or warned are called again here, in their place, so that the exception, its
traceback and the warning filters are the real ones.
"""

from __future__ import annotations

import decimal
import itertools
import locale
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pandas_dist.config import options
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.udf import pool
from pandas_dist.udf.packing import Scalars, pack, pack_data, unpack_data
from pandas_dist.udf.plain import ATOM, NOT_PLAIN, is_atom, plainness, plainness_of_all
from pandas_dist.udf.purity import Verdict, judge
from pandas_dist.udf.rows import Reads, items_read, light_rows

# Processor seconds that sending the rest of the calls away costs; see `_Watch.worth_sending`.
MIN_SECONDS = 0.5  # a shorter rest is never sent
START_SECONDS = 1.0  # starting the processes
OVERHEAD = 1.2  # a worker's time for a call, against the time here
ROW_SECONDS = 0.3e-6  # an argument and a result on their way, and the replay
WATCH_SECONDS = 0.05  # how long calls are timed before an estimate is believed
CHUNKS_PER_WORKER = 4
# The same for going on here with light rows.
LIGHT_SECONDS, LIGHT_WATCH_SECONDS = 0.1, 0.01
LIGHT_BATCH = 1000


class Outcome(NamedTuple):
    """A plain pandas result, and for reports: where the function ran and why there."""

    result: Any
    reason: str
    distributed: bool = False


@dataclass(frozen=True)
class Task:
    """One call of pandas: data.<method>(func, ...), without the data."""

    method: str  # "map" and "apply" of a series, "rows" for DataFrame.apply(axis=1)
    func: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)  # of pandas and of the function
    reads: Reads | None = None  # all that a pure function does with a row, if that is known

    def run(self, data: Any, func: Callable[..., Any]) -> Any:
        """pandas' own method with another function in the place of ours."""
        if self.method == "map":
            return data.map(func, **self.kwargs)
        if self.method == "apply":
            return data.apply(func, args=self.args, **self.kwargs)
        return data.apply(func, axis=1, args=self.args, **self.kwargs)

    def call_each(self, data: Any, func: Callable[..., Any]) -> None:
        """pandas' calls of another function in the place of ours, on light rows where they do."""
        rows = None if self.reads is None else light_rows(data, self.reads)
        if rows is None:
            self.run(data, func)
            return
        with as_pandas_applies():
            for row in rows:
                func(row, *self.args, **self.own_kwargs)

    @property
    def own_kwargs(self) -> dict[str, Any]:
        """The keyword arguments that reach the function."""
        taken = _PANDAS_KEYWORDS[self.method]
        return {k: v for k, v in self.kwargs.items() if k not in taken}


def as_pandas_applies() -> AbstractContextManager[Any]:
    """What pandas sets while it applies a function to rows."""
    return nullcontext() if PANDAS_3 else pd.option_context("mode.chained_assignment", None)


_PANDAS_KEYWORDS = {
    "map": {"na_action", "engine"},
    "apply": {"convert_dtype", "by_row"},
    "rows": {"raw", "result_type", "by_row", "engine", "engine_kwargs"},
}


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
        return _distribute(data, task, Verdict(True, shares=False), [], chunk_rows, client)
    watch = _Watch(data, task, min_seconds, client)
    try:
        with _local_mode():
            result = task.run(data, watch)
    except _Switch as switch:
        if switch.watch is not watch:
            raise
    else:
        return Outcome(result, f"local: {watch.reason}")
    if watch.rows is not None and _on_light_rows(watch):
        packed = pack(watch.raw)
        known = packed if isinstance(packed, Scalars) else watch.raw
        return _joined(data, task, [known], set(), "local: reads only items of rows")
    task = replace(task, reads=watch.reads)
    return _distribute(data, task, watch.verdict, watch.raw, chunk_rows, client)


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
        self.start = 0.0 if client is not None or pool.is_running() else START_SECONDS
        self.raw: list[Any] = []
        self.verdict = Verdict(False)
        self.reason = "too little work to send away"
        self.next_check = 1
        self.since = 0.0  # when the first call was over
        self.reads = items_read(task.func, data.columns) if task.method == "rows" else None
        self.rows: Iterator[Any] | None = None  # light ones, for the calls that follow

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.task.func(*args, **kwargs)
        if self.next_check:
            # pandas reuses the row object; this is the copy that it makes itself
            self.raw.append(result.copy(deep=False) if isinstance(result, pd.Series) else result)
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
            self.rows = light_rows(self.data.iloc[done:], self.reads) if self.reads else None
            if self.rows is not None:
                raise _Switch(self)
            self.reads = None
        if self.verdict and not send:
            self.next_check = 2 * done
            return
        self.next_check = 0
        if self.verdict and self.portable():
            raise _Switch(self)
        self.reason = self.verdict.reason or "its results are objects that others may hold"
        self.raw = []

    def portable(self) -> bool:
        """Whether what the function has returned so far may come from another process."""
        return _portable(self.raw, self.verdict.shares, self.task.method)

    def worth_lightening(self, seconds: float) -> bool:
        """Whether the rest takes long enough to judge the function for it."""
        if self.reads is None or self.min_seconds is not None:
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

    def sooner_there(self, seconds: float, calls: int) -> bool:
        """The same, where `seconds` went to the last `calls`."""
        rows = len(self.data) - len(self.raw)
        here = seconds / calls * rows
        if self.min_seconds is not None:
            return here > self.min_seconds
        there = self.start + ROW_SECONDS * rows + here * OVERHEAD / self.workers
        return seconds > WATCH_SECONDS and here > max(MIN_SECONDS, there)


def _on_light_rows(watch: _Watch) -> bool:
    """Go on here over light rows; False as soon as the rest would be done sooner elsewhere.

    A call that raises is the last one: whoever continues makes it again.
    """
    task, raw, rows = watch.task, watch.raw, watch.rows
    assert rows is not None
    func, keep = partial(_called, task.func, task.args, task.own_kwargs), raw.append
    before, since, batch = len(raw), time.thread_time(), LIGHT_BATCH
    try:
        with _local_mode(), as_pandas_applies():
            while len(raw) < len(watch.data):
                for row in itertools.islice(rows, batch):
                    keep(func(row))
                seconds = time.thread_time() - since
                if seconds > WATCH_SECONDS and batch == LIGHT_BATCH:
                    if watch.sooner_there(seconds, len(raw) - before) and watch.portable():
                        return False
                    batch = len(watch.data)
    except Exception:  # noqa: BLE001  (not hidden: the call is made again, on a real row)
        return True
    return True


def _called(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], row: Any) -> Any:
    result = func(row, *args, **kwargs)
    return result.copy(deep=False) if isinstance(result, pd.Series) else result


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


def _portable(raw: list[Any], shares: bool, method: str) -> bool:
    """Copies of these results cannot be told from the results themselves."""
    kinds = set(map(type, raw))
    if all(map(is_atom, kinds)):
        return True
    if pd.Series in kinds and method == "rows":
        series = [r for r in raw if type(r) is pd.Series]
        if not all(r.dtype != object or plainness_of_all(r.tolist()) == ATOM for r in series):
            return False
        raw = [r for r in raw if type(r) is not pd.Series]
    rest = [r for r in raw if not is_atom(type(r))]
    if not all(map(_is_tree, rest)):
        return False
    return not shares or all(type(r) is tuple and plainness(r) == ATOM for r in rest)


def _is_tree(value: Any) -> bool:
    """Lists, tuples and dicts of immutable objects, however deep."""
    if is_atom(type(value)):
        return True
    if type(value) is dict:
        return all(map(_is_tree, (*value.keys(), *value.values())))
    return type(value) in (list, tuple) and all(map(_is_tree, value))


# ---------------------------------------------------------------------------------------------
# There, and the replay here


def _distribute(
    data: Any,
    task: Task,
    verdict: Verdict,
    raw: list[Any],
    chunk_rows: int | None,
    client: Any,
) -> Outcome:
    """Have the calls after the first len(raw) made elsewhere, then replay all of them."""
    calls = np.arange(len(data))
    if task.kwargs.get("na_action") == "ignore" and task.method == "map":
        calls = np.flatnonzero(data.notna().to_numpy())
    rest = len(calls) - len(raw)
    workers = _workers(client)
    size = chunk_rows or max(1, -(-rest // (workers * CHUNKS_PER_WORKER)))
    bounds = [calls[len(raw) + i : len(raw) + i + size] for i in range(0, rest, size)]
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
        result = _replay(data, task, raw, set())
        return Outcome(result, f"local: cannot be sent to another process ({error})")
    where = f"{workers} processes" if client is None else "the cluster"
    packs, again, known = [pack(raw)], set[int](), len(raw)
    for chunk in pool.run(payloads, client):
        again.update(known + i for i in chunk.warned)
        if chunk.raw is not None:
            packs.append(pool.loads(chunk.raw))
            known += len(packs[-1])
        if chunk.stopped:
            break
    return _joined(data, task, packs, again, f"distributed: {where}")


def _joined(data: Any, task: Task, packs: list[Any], again: set[int], reason: str) -> Outcome:
    """pandas' result from those of the first calls, or of all."""
    distributed = reason.startswith("distributed")
    if sum(map(len, packs)) == len(data) and not again and task.method == "rows":
        numbers = _numbers(packs)
        if numbers is not None:
            result = pd.Series(numbers, index=data.index)
            return Outcome(result.__finalize__(data, method="apply"), reason, distributed)
    values = [v for pack in packs for v in (pack if isinstance(pack, list) else pack.unpack())]
    return Outcome(_replay(data, task, values, again), reason, distributed)


def _replay(data: Any, task: Task, known: list[Any], again: set[int]) -> Any:
    """pandas' own method over known results; the calls in `again` and after the known are made."""
    func, count, n = task.func, itertools.count(), len(known)
    if task.method == "rows" and n == len(data) and not again and is_atom(type(known[0])):
        return _scalar_rows(data, known)

    def replay(*args: Any, **kwargs: Any) -> Any:
        i = next(count)
        return known[i] if i < n and i not in again else func(*args, **kwargs)

    with _local_mode():
        return task.run(data, replay)


def _scalar_rows(frame: pd.DataFrame, values: list[Any]) -> pd.Series:
    """What pandas makes of one scalar for each row: the same inference, without making rows."""
    result = pd.Series(dict(enumerate(values)))
    result.index = frame.index
    return result.__finalize__(frame, method="apply")


def _numbers(packs: list[Any]) -> np.ndarray | None:
    """All results as one array where pandas would infer its dtype from them; else None."""
    packs = [p for p in packs if len(p)]
    if not all(isinstance(p, Scalars) for p in packs):
        return None
    kinds = set().union(*(p.kinds for p in packs))
    if bool in kinds and kinds != {bool}:
        return None  # pandas keeps booleans among numbers as objects
    return np.concatenate([p.values for p in packs])


# ---------------------------------------------------------------------------------------------
# In the worker


@dataclass(frozen=True)
class Environment:
    """Settings of the process that a function's result may depend on."""

    options: dict[str, Any]
    errors: dict[str, Any]
    context: decimal.Context
    locale: str
    timezone: str | None
    recursion: int

    @classmethod
    def captured(cls) -> Environment:
        return cls(
            {name: pd.get_option(name) for name in _OPTIONS},
            {**np.geterr()},
            decimal.getcontext().copy(),
            locale.setlocale(locale.LC_ALL),
            os.environ.get("TZ"),
            sys.getrecursionlimit(),
        )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """In a worker only: the settings of the process are changed for good."""
        sys.setrecursionlimit(self.recursion)
        decimal.setcontext(self.context.copy())
        if locale.setlocale(locale.LC_ALL) != self.locale:
            locale.setlocale(locale.LC_ALL, self.locale)
        if os.environ.get("TZ") != self.timezone and hasattr(time, "tzset"):
            os.environ.pop("TZ", None)
            if self.timezone is not None:
                os.environ["TZ"] = self.timezone
            time.tzset()
        pairs = [part for pair in self.options.items() for part in pair]
        with pd.option_context(*pairs), np.errstate(**self.errors):
            yield


# those that change values; other ones are deprecated (reading them warns) or only for display
_OPTIONS = ["mode.string_storage"]
if pd.__version__.startswith("2."):
    _OPTIONS += ["mode.copy_on_write", "mode.chained_assignment"]
    _OPTIONS += ["future.infer_string", "future.no_silent_downcasting"]


@dataclass
class Chunk:
    """What the calls for a chunk returned, packed; stopped: the next call raised, or no copy of
    a result can stand for it; warned: positions of calls that warned."""

    raw: bytes | None
    stopped: bool
    warned: list[int]


class _Stop(BaseException):
    pass


def run_chunk(data: Any, calls: int, task: Task, shares: bool, environment: Environment) -> Chunk:
    """Make pandas' `calls` calls for a chunk of the data and keep what they return."""
    raw: list[Any] = []
    warned: list[int] = []
    with environment.applied(), warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")

        func, size, keep = task.func, calls, raw.append

        def collect(*args: Any, **kwargs: Any) -> None:
            try:
                result = func(*args, **kwargs)
            except Exception as error:  # not hidden: the caller makes this call again
                raise _Stop from error
            if log:
                warned.append(len(raw))
                log.clear()
            keep(result.copy(deep=False) if isinstance(result, pd.Series) else result)
            if len(raw) == size:
                raise _Stop  # the results here need no frame around them

        with suppress(_Stop):
            task.call_each(unpack_data(data), collect)
    if not _portable(raw, shares, task.method):
        return Chunk(None, True, [])
    try:
        return Chunk(pool.dumps(pack(raw)), len(raw) < calls, warned)
    except pool.PICKLE_ERRORS:
        return Chunk(None, True, [])
