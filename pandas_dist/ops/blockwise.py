"""Row-wise kernels whose result dtype, or success, depends on the data.

The kernel runs at the call, on each partition, and only what each partition's result looks
like comes here.  If all of them make up what pandas gives on the whole column, the column is
theirs; otherwise the caller runs pandas on the whole, which also gives pandas' own exceptions
and warnings.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import backends, fallback
from pandas_dist.config import options
from pandas_dist.ops.common import attach
from pandas_dist.ops.reductions import Reduction, reduce
from pandas_dist.plan.expressions import Call, Col, Expr
from pandas_dist.plan.frames import SeriesPlan, row_root
from pandas_dist.plan.relations import Extend
from pandas_dist.plan.schema import Field, new_id
from pandas_dist.progress import execution

EXACT_INTEGERS = 2**53  # beyond it an integer may change as a float
LARGE = 4  # partitions from which threads of this process run one kernel per partition


class Failed:
    """In place of a value: the kernel raised or warned on the partition.

    Not raised, so that no task still runs when pandas' own error or warning comes from the whole.
    """


@dataclass(frozen=True)
class Piece:
    """What the kernel's result on one partition looks like."""

    dtype: Any
    rows: int
    missing: int
    largest: float = 0.0
    text: bool = False
    values: pd.Series | None = None

    @property
    def empty(self) -> bool:
        """Whether all values are missing, so that the dtype tells little."""
        return self.missing == self.rows


Reconcile = Callable[[Sequence[Piece]], Any]


# -- where ---------------------------------------------------------------------------------------


def way(plan: SeriesPlan, stable: bool) -> str:
    """Where the kernel runs: ``whole`` (here, on all rows), ``here`` (per partition, results
    brought here), ``held`` (per partition, kept by the engine) or ``again`` (per partition, only
    looked at, and computed again where it is needed).

    Kernels on Python objects hold the interpreter lock, so threads gain from partitions only
    by what need not be brought together.  ``stable``: a row's value does not depend on the rows
    that share its partition, so that it can be computed again in other partitions.
    """
    if not getattr(backends.current(), "blocks", False):
        return "whole"
    size = fallback.estimate(plan)[1]
    if options.address:
        if plan.memo and size < options.partition_bytes:
            return "whole"
        if stable:
            return "held"
        return "here" if fallback.excess([plan]) is None else "whole"
    if plan.memo or size < LARGE * options.partition_bytes:
        return "whole"
    if fallback.excess([plan]) is None:
        return "here"
    return "again" if stable else "whole"


# -- running -------------------------------------------------------------------------------------


def blockwise(
    plan: SeriesPlan,
    name: str,
    kernel: Callable[..., Any],
    reconcile: Reconcile,
    *more: Expr,
    stable: bool = False,
) -> SeriesPlan | None:
    """``kernel(series, *more)`` per partition; None where pandas has to see the whole.

    The kernel takes and gives series of the same rows.  ``more``: further operands, over the
    relation of ``plan``.  Raises nothing of the kernel's.
    """
    where = way(plan, stable)
    if where == "whole":
        return None
    raw = new_id()
    operands = (plan.expr, *more)
    tried = Extend(plan.relation, {raw: Call(name, Tried(kernel), operands, Field(None))})
    if where == "held":
        _hold(tried, raw)
    part = partial(looked_at, name=raw, keep=where == "here")
    pieces = [p for p in reduce(tried, {raw}, Reduction(part, list, ordered=True)) if p.rows]
    dtype = reconcile(pieces) if pieces and all(p.dtype is not Failed for p in pieces) else None
    if dtype is None:
        return None
    settle = Settle(dtype)
    if where == "here":
        whole = pd.concat([settle(p.values) for p in pieces], ignore_index=True)
        relation, exprs = attach(plan.relation, [whole])
        relation.state.origin = f"Series.{name}, by partitions"
        return SeriesPlan(relation, exprs[0], plan.name, plan.index)
    repeated = Call(name, Repeated(kernel), operands, Field(None))
    below = Extend(plan.relation, {raw: repeated}, state=tried.state)
    expr = Call("settle", settle, (Col(raw, Field(None)),), field_of_pieces(pieces, dtype))
    return SeriesPlan(below, expr, plan.name, plan.index)


def field_of_pieces(pieces: Sequence[Piece], dtype: Any) -> Field:
    """What is known of the whole column."""
    text = Field(dtype).kind == "O" and all(p.text or p.empty for p in pieces)
    return Field(dtype, nulls=any(p.missing for p in pieces), text=text)


def _hold(relation: Extend, name: str) -> None:
    """Compute the column on the engine, which keeps it."""
    state = relation.state
    with state.lock, execution():
        state.persisted, rows = backends.current().persist(relation, {name})
    row_root(relation).state.count = rows


def looked_at(frame: pd.DataFrame, name: str, keep: bool = False) -> Piece:
    """One partition's result; with its values if they are to come here."""
    values = frame[name]
    if len(values) and values.iloc[0] is Failed:
        return Piece(Failed, len(values), 0)
    missing = int(values.isna().sum())
    largest, text = 0.0, False
    if missing < len(values):
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
            largest = max(abs(float(values.max())), abs(float(values.min())))
        elif values.dtype == object:
            text = pd.api.types.infer_dtype(values, skipna=True) == "string"
    kept = values if keep else None
    return Piece(values.dtype, len(values), missing, largest, text, kept)


_warnings = threading.Lock()


@contextlib.contextmanager
def _recorded() -> Iterator[list[Any]]:
    """Warnings of the block; one thread at a time, as filters belong to the process."""
    with _warnings, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


@dataclass(frozen=True)
class Tried:
    """A kernel that gives values without a warning, or `Failed` in each row."""

    kernel: Callable[..., Any]

    def __call__(self, *operands: Any) -> pd.Series:
        rows = len(operands[0])
        if not rows:
            return pd.Series([], dtype=object)
        result: Any = None
        # What it raises, or warns of, comes from the whole column, as in pandas.
        with _recorded() as seen, contextlib.suppress(Exception):
            result = self.kernel(*operands)
        if seen or not isinstance(result, pd.Series) or len(result) != rows:
            return pd.Series([Failed] * rows, index=operands[0].index, dtype=object)
        return result


@dataclass(frozen=True)
class Repeated:
    """The kernel once more, on rows that it is known to accept, in any partitions."""

    kernel: Callable[..., Any]

    def __call__(self, *operands: Any) -> pd.Series:
        if not len(operands[0]):
            return pd.Series([], dtype=object)
        with _recorded():
            result: pd.Series = self.kernel(*operands)
        return result


@dataclass(frozen=True)
class Settle:
    """A partition's result in the dtype of the whole column."""

    dtype: Any

    def __call__(self, values: Any) -> pd.Series:
        if values.dtype == self.dtype:
            return values
        if values.dtype == object and values.isna().all():
            return pd.Series([np.nan] * len(values), index=values.index).astype(self.dtype)
        return values.astype(self.dtype)


# -- the dtype of the whole ------------------------------------------------------------------------


def agreed(pieces: Sequence[Piece]) -> Any:
    """The dtype that all partitions have."""
    first = pieces[0].dtype
    return first if all(p.dtype == first for p in pieces) else None


def numbers(pieces: Sequence[Piece]) -> Any:
    """Integers in some partitions and floats, for missing values, in others: floats."""
    same = agreed(pieces)
    if same is not None:
        return same
    floats, integers = np.dtype("float64"), {np.dtype("int32"), np.dtype("int64")}
    found = {p.dtype for p in pieces}
    if floats not in found or len(found) != 2 or not found - {floats} <= integers:
        return None
    return floats if all(p.largest <= EXACT_INTEGERS for p in pieces) else None


def counts(pieces: Sequence[Piece]) -> Any:
    """As `numbers`; partitions with missing values only may have kept objects."""
    filled = [p for p in pieces if not p.empty]
    if not filled or len(filled) == len(pieces):
        return numbers(pieces)
    if any(p.dtype not in (object, "float64") for p in pieces if p.empty):
        return None
    known = {p.dtype for p in filled}
    if not known <= {np.dtype("int64"), np.dtype("float64")}:
        return None
    return np.dtype("float64") if all(p.largest <= EXACT_INTEGERS for p in filled) else None


def flags(pieces: Sequence[Piece]) -> Any:
    """Booleans in some partitions, and objects, for missing values, in others: objects."""
    if {p.dtype for p in pieces} == {np.dtype(bool), np.dtype(object)}:
        return np.dtype(object)
    return agreed(pieces)


def times(pieces: Sequence[Piece]) -> Any:
    """Dates or spans; partitions with missing values only may have another resolution."""
    filled = [p for p in pieces if not p.empty]
    dtype = agreed(filled or pieces)
    if dtype is None or any(getattr(p.dtype, "kind", "") not in "mM" for p in pieces):
        return None
    zones = {str(getattr(p.dtype, "tz", None)) for p in pieces}
    return dtype if len(zones) == 1 else None


def objects(pieces: Sequence[Piece]) -> Any:
    """Objects; partitions with missing values only may have another dtype, of one such value."""
    filled = {p.dtype for p in pieces if not p.empty}
    return np.dtype(object) if filled == {np.dtype(object)} else agreed(pieces)
