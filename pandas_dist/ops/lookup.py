"""``replace`` by value, and ``map`` of a dict or series: one value looked up for each row."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.ops import dispatch
from pandas_dist.ops.blockwise import agreed, blockwise, flags, numbers
from pandas_dist.ops.common import Method, arguments, gather, is_scalar
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.reductions import tree
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.expressions import Call, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan
from pandas_dist.plan.schema import TEXT_STORAGE, Field, is_str_dtype

NOT_GIVEN = pd.api.extensions.no_default
Pairs = Sequence[tuple[Any, Any]]


def is_number(value: Any) -> bool:
    """An integer that floats hold exactly, or a float; not a boolean."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        return False
    return isinstance(value, (float, np.floating)) or abs(int(value)) <= 2**53


def is_whole(value: Any) -> bool:
    return is_number(value) and isinstance(value, (int, np.integer))


# -- text ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lookup:
    """Text for text; ``keep`` what is not in the table, or missing.

    The same on Arrow text and on objects.
    """

    table: dict[str, str]
    keep: bool

    def __call__(self, values: pd.Series) -> pd.Series:
        dtype = values.dtype
        if isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow":
            return self._arrow(values)
        table = self.table
        if self.keep:
            found = [table.get(v, v) for v in values]
        else:
            found = [table.get(v, np.nan) for v in values]
        return pd.Series(found, index=values.index, dtype=dtype)

    def _arrow(self, values: pd.Series) -> pd.Series:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = pa.chunked_array(values.array.__arrow_array__())
        kind = column.type
        places = pc.index_in(column, value_set=pa.array(list(self.table), type=kind))
        found = pc.take(pa.array(list(self.table.values()), type=kind), places)
        if self.keep:
            found = pc.coalesce(found, column)
        storage: Any = TEXT_STORAGE
        array = storage.__from_arrow__(found)
        return pd.Series(array, index=values.index, dtype=values.dtype)


def lookup(name: str, expr: Expr, table: dict[str, str], keep: bool) -> Expr:
    """The table applied to a text column, in the form in which the engine holds it."""
    f = expr.field
    encoding = f.encoding if keep else ("nan" if f.encoding else None)
    field = Field(f.dtype, f.nulls or not keep, f.text, encoding)
    return Call(name, Lookup(table, keep), (expr,), field, encoded=True)


# -- replace ---------------------------------------------------------------------------------------


def pairs_of(to_replace: Any, value: Any) -> list[tuple[Any, Any]] | None:
    """What becomes what, where both are scalars."""
    given = value is not NOT_GIVEN
    if type(to_replace) is dict and not given:
        pairs = list(to_replace.items())
    elif type(to_replace) in (list, tuple) and given:
        if type(value) in (list, tuple):
            if len(value) != len(to_replace):
                return None
            pairs = list(zip(to_replace, value))
        else:
            pairs = [(v, value) for v in to_replace]
    elif given:
        pairs = [(to_replace, value)]
    else:
        return None
    return pairs if pairs and all(is_scalar(v) for pair in pairs for v in pair) else None


def replaced(plan: SeriesPlan, pairs: Pairs, convert: bool) -> Expr | None:
    """The column with values replaced, where its dtype cannot change; None elsewhere.

    ``convert``: pandas 2 looks for another dtype than object afterwards.
    """
    f = plan.expr.field
    if not f.known:
        return None
    table = [(a, b) for a, b in pairs if not impossible(f, a)]
    if f.is_text:
        if not all(isinstance(v, str) for pair in table for v in pair):
            return None
        if convert and not PANDAS_3 and f.nulls and not has_values(plan):
            return None
        return lookup("replace", plan.expr, dict(table), True) if table else plan.expr
    if not table:
        return plan.expr
    wide = f.kind in "if" and f.dtype.itemsize == 8
    fits = is_number if f.kind == "f" else is_whole
    if not wide or not all(is_number(a) and fits(b) for a, b in table):
        return None
    kernel = Method("replace", [a for a, _ in table], [b for _, b in table])
    return Call("replace", kernel, (plan.expr,), Field(f.dtype, nulls=f.kind == "f"), encoded=True)


def impossible(field: Field, value: Any) -> bool:
    """Whether a column of this kind surely never holds the value."""
    if field.is_text:
        return is_number(value) and value == value
    if not is_number(value):
        return False
    infinite = isinstance(value, (float, np.floating)) and not np.isfinite(value)
    if field.kind == "i":
        return infinite
    return infinite and value == value and field.kind in "ubmM"


def has_values(plan: SeriesPlan) -> bool:
    """Whether the column has any value that is not missing; asks the engine."""
    if plan.memo:
        return bool(plan.collect().notna().any())
    return bool(tree(plan, "count", [0])[0])


def _by_value(p: Any) -> bool:
    """Whether values are compared as they are, each on its own row."""
    method = getattr(p, "method", NOT_GIVEN)
    return p.regex is False and getattr(p, "limit", None) is None and method is NOT_GIVEN


@rule("Series", "replace", strategy="rows", note="scalars, lists and dicts of values")
def replace(plan: SeriesPlan, p: Any) -> Any:
    pairs = pairs_of(p.to_replace, p.value) if _by_value(p) else None
    if pairs is not None:
        expr = replaced(plan, pairs, convert=type(p.to_replace) in (dict, list, tuple))
        if expr is not None:
            return plan.with_expr(expr)
        found = _replaced_by_partition(plan, pairs, p)
        if found is not None:
            return found
    given = {k: v for k, v in arguments(p).items() if k != "inplace"}
    return gather(plan, pd.Series.replace, **given)


def _replaced_by_partition(plan: SeriesPlan, pairs: Pairs, p: Any) -> SeriesPlan | None:
    """Where the dtype depends on which values there are."""
    f = plan.expr.field
    given = {"to_replace": p.to_replace, "value": p.value}
    kernel = Method("replace", **{k: copy(v) for k, v in given.items() if v is not NOT_GIVEN})
    wide = f.kind == "i" and f.dtype.itemsize == 8
    if wide and all(is_number(v) for pair in pairs for v in pair):
        return blockwise(plan, "replace", kernel, numbers, stable=True)
    if f.kind in "iufbO" or is_str_dtype(f.dtype):
        return blockwise(plan, "replace", kernel, agreed)
    return None


@rule("DataFrame", "replace", strategy="rows", note="scalars, lists and dicts of values")
def replace_frame(plan: FramePlan, p: Any) -> Any:
    exprs = _columns_replaced(plan, p) if _by_value(p) else None
    if exprs is not None:
        return plan.with_exprs(plan.columns, exprs)
    given = {k: v for k, v in arguments(p).items() if k != "inplace"}
    return gather(plan, pd.DataFrame.replace, **given)


def _columns_replaced(plan: FramePlan, p: Any) -> list[Expr] | None:
    nested = type(p.to_replace) is dict and any(type(v) is dict for v in p.to_replace.values())
    if not plan.columns.is_unique or isinstance(plan.columns, pd.MultiIndex):
        return None
    if nested and p.value is not NOT_GIVEN:
        return None
    if not nested and type(p.to_replace) is dict and p.value is not NOT_GIVEN:
        return None  # columns and what to replace in them
    if nested and not all(type(v) is dict for v in p.to_replace.values()):
        return None
    if type(p.value) is dict:
        return None
    exprs: list[Expr] = []
    for n, label in enumerate(plan.columns):
        found = p.to_replace.get(label, {}) if nested else p.to_replace
        if nested and not found:
            exprs.append(plan.exprs[n])
            continue
        pairs = pairs_of(found, p.value)
        expr = replaced(plan.series(n), pairs, convert=True) if pairs else None
        if expr is None:
            return None
        exprs.append(expr)
    return exprs


# -- map -------------------------------------------------------------------------------------------


def mapped(plan: SeriesPlan, mapper: Any, na_action: Any) -> SeriesPlan | None:
    """``Series.map`` of a dict or series; None where pandas has to see all values."""
    f = plan.expr.field
    table = table_of(mapper)
    if table is None or not f.known:
        return None
    if not (f.is_text or f.numeric) or (f.is_text and table.index.isna().any()):
        return None
    inferred = PANDAS_3 and f.dtype == object  # from objects that are text pandas 3 makes str
    if f.is_text and not inferred and _is_text_table(table):
        words = {k: v for k, v in zip(table.index, table, strict=True) if isinstance(k, str)}
        if len(words) == len(table) and f.dtype == table.dtype:
            return plan.with_expr(lookup("map", plan.expr, words, False))
    kernel = Method("map", table, na_action=na_action)
    kind = Field(table.dtype).kind
    steady = kind in "fmMc" or is_str_dtype(table.dtype)
    steady |= isinstance(table.dtype, pd.DatetimeTZDtype)
    text = not PANDAS_3 and kind == "O" and _text_or_missing(table)
    own = f.kind == "E"  # pandas gives an empty column as it is
    if (steady or text) and not own:
        field = Field(table.dtype, nulls=True, text=text)
        return plan.with_expr(Call("map", kernel, (plan.expr,), field))
    reconcile = flags if kind == "b" else numbers if kind in "iu" else agreed
    return blockwise(plan, "map", kernel, reconcile, stable=steady or kind in "biu")


def table_of(mapper: Any) -> pd.Series | None:
    """The series of values by key that pandas makes of a mapper, if it is a simple one."""
    if type(mapper) is dict:
        table = pd.Series(mapper) if mapper else None
    elif isinstance(mapper, pd.Series):
        table = dispatch.to_plain(mapper).copy()
        if table.empty:
            table = pd.Series(table, dtype="float64")  # as pandas does: NaN for everything
    else:
        return None
    if table is None or table.index.nlevels > 1 or not table.index.is_unique:
        return None
    return table


def _text_or_missing(table: pd.Series) -> bool:
    return pd.api.types.infer_dtype(table, skipna=True) == "string"


def _is_text_table(table: pd.Series) -> bool:
    return bool(len(table)) and all(type(v) is str for v in table)
