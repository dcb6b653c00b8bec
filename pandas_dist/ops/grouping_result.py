"""The result of a native groupby: its node, the labels and dtypes that pandas gives."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.groupby import Grouping
from pandas_dist.ops.memo import key_of, labels_key, remembered
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.execute import collect
from pandas_dist.plan.expressions import Call, Col, Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.index import KeyLabels, RangeLabels
from pandas_dist.plan.relations import Agg, Aggregate, Filter, Relation
from pandas_dist.plan.schema import Field, decode, new_id, sample

COUNTS = ("count", "size", "nunique")


@dataclass(frozen=True)
class Keys:
    """Resolved keys over one relation; ``excluded`` are the columns that they use up."""

    relation: Any
    exprs: tuple[Expr, ...]
    names: tuple[Hashable, ...]
    excluded: frozenset[Hashable]

    @property
    def categorical(self) -> bool:
        return any(isinstance(e.field.dtype, pd.CategoricalDtype) for e in self.exprs)


@dataclass(frozen=True)
class Item:
    """One column of the result."""

    label: Hashable
    expr: Expr | None
    func: str
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class GroupLabels(KeyLabels):
    """Several keys as an index whose levels are those of all groups, as pandas keeps them.

    ``origin`` has one row per group, also those dropped for a missing key.
    """

    origin: Relation = None  # type: ignore[assignment]
    ids: tuple[str, ...] = ()
    sort: bool = True
    dropna: bool = True
    observed: bool = True

    def build(self, columns: list[pd.Series], rows: int) -> pd.Index:
        base = collect(self.origin, set(self.ids))
        keys = [decode(base[i], self.origin.fields[i]) for i in self.ids]
        frame = pd.DataFrame({f"<{n}>": k for n, k in enumerate(keys)}, copy=False)
        groups = frame.groupby(
            list(frame.columns), sort=self.sort, dropna=self.dropna, observed=self.observed
        )
        whole = groups.size().index.set_names(self.names)
        assert isinstance(whole, pd.MultiIndex)
        if len(whole) == rows and self._all_rows(columns, keys):
            return whole
        found: Any = whole.levels
        levels = list(found)
        codes: Any = [place(level, c) for level, c in zip(levels, columns, strict=True)]
        return pd.MultiIndex(levels=levels, codes=codes, names=self.names, verify_integrity=False)

    def _all_rows(self, columns: list[pd.Series], keys: list[pd.Series]) -> bool:
        if len(keys[0]) == len(columns[0]):
            return all(a.equals(b.set_axis(a.index)) for a, b in zip(columns, keys))
        return False


def place(level: pd.Index, values: pd.Series) -> np.ndarray:
    """Codes of values in a level; missing ones where the level has a missing value."""
    codes = level.get_indexer(pd.Index(values)).astype("int64")
    missing = values.isna().to_numpy()
    if missing.any():
        nowhere = np.flatnonzero(level.isna())
        codes[missing] = nowhere[0] if len(nowhere) else -1
    return codes


def result_field(item: Item, keys: Keys, observed: bool) -> Field:
    """The dtype that pandas gives, by asking it about one row; its TypeErrors at the call."""
    if item.func in COUNTS:
        if item.expr is not None and item.expr.field.kind == "E":
            empty = pd.DataFrame({"k": [], "v": pd.Series([], dtype=item.expr.field.dtype)})
            if getattr(empty.groupby("k")["v"], item.func)().dtype != np.dtype("int64"):
                raise NotNative("counts of nullable numbers are nullable")
        return Field(np.dtype("int64"), nulls=False)
    assert item.expr is not None
    field = item.expr.field
    if item.func in ("min", "max") and field.kind == "O" and field.nulls:
        raise NotNative("missing values among objects may raise")
    narrow = field.kind == "f" and field.dtype.itemsize < 8
    if PANDAS_3 and narrow and item.func not in ("min", "max", "first", "last", "median"):
        raise NotNative("the dtype depends on how pandas walks over all rows")
    if field.is_text and item.func not in ("min", "max", "first", "last"):
        raise NotNative("the error names the value")
    if not PANDAS_3 and item.func in ("any", "all") and field.dtype.kind == "M":
        raise NotNative("pandas warns at the call")
    shown = Field(field.dtype, text=field.text)
    dtype = aggregated_dtype(shown, item.func, item.options)
    if field.is_text and dtype == field.dtype:
        return replace(field, nulls=field.nulls)
    kind = dtype.kind if isinstance(dtype, np.dtype) else "E"
    if kind in "iub" and item.func in ("sum", "prod") and depends_on_sums(item, field):
        return Field(None)
    if kind in "iub" and keys.categorical and not observed and item.func not in ("sum", "prod"):
        return Field(None)
    return Field(dtype, nulls=kind not in "iub")


@functools.cache
def aggregated_dtype(field: Field, func: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """The dtype of one aggregated row."""
    one = sample(field)
    if one is None:
        raise NotNative("the dtype depends on the data")
    groups = pd.DataFrame({"k": [0], "v": one}).groupby("k")["v"]
    return getattr(groups, func)(**dict(options)).dtype


def depends_on_sums(item: Item, field: Field) -> bool:
    """pandas narrows sums to the column's dtype if they fit, and widens for min_count."""
    narrow = field.kind in "iu" and field.dtype.itemsize < 8
    return narrow or dict(item.options).get("min_count", 0) > 0


def build(
    spec: Grouping, keys: Keys, items: Sequence[Item], single: bool, columns: Any = None
) -> Any:
    """The aggregate node and the frame or series over it.

    ``columns``: the labels of the result where they are not those of the items.
    """
    if not items:
        raise NotNative("there is nothing to aggregate")
    observed = bool(spec.options["observed"] is True)
    fields = [result_field(item, keys, observed) for item in items]
    as_index = spec.options["as_index"] is not False
    dropna = bool(spec.options["dropna"])
    late = as_index and dropna and len(keys.exprs) > 1 and any(e.field.nulls for e in keys.exprs)
    if late and keys.categorical:
        raise NotNative("missing categories among several keys")
    node, key_cols, values = aggregate_node(spec, keys, items, fields, dropna and not late)
    shown: Relation = node
    if late:
        present = Call("all_present", _all_present, tuple(key_cols), BOOL, encoded=True)
        shown = Filter(node, present)
    labels = [item.label for item in items]
    index = _index(node, keys, key_cols, spec, dropna)
    if single:
        return SeriesPlan(shown, values[0], labels[0], index)
    several = spec.selection is None or isinstance(spec.selection, list)
    framed = isinstance(spec.obj, pd.DataFrame) and (several or as_index)
    source = spec.obj.columns if framed else None
    columns = labels_of(labels, source) if columns is None else columns
    if not as_index:
        return _keys_as_columns(node, keys, key_cols, values, columns)
    return FramePlan(shown, columns, tuple(values), index)


BOOL = Field(np.dtype(bool), nulls=False)


def _all_present(*keys: pd.Series) -> pd.Series:
    result = keys[0].notna()
    for key in keys[1:]:
        result &= key.notna()
    return result


def aggregate_node(
    spec: Grouping, keys: Keys, items: Sequence[Item], fields: list[Field], dropna: bool
) -> tuple[Aggregate, list[Col], list[Col]]:
    """The node, and its key and value columns."""
    given = [item.expr for item in items if item.expr is not None]
    source, ids = ensure_columns(keys.relation, [*keys.exprs, *given])
    key_ids, value_ids = ids[: len(keys.exprs)], iter(ids[len(keys.exprs) :])
    out_keys = {new_id(): i for i in key_ids}
    aggs: dict[str, Agg] = {}
    for item in items:
        column = next(value_ids) if item.expr is not None else None
        aggs[new_id()] = Agg(item.func, column, item.options)
    key_fields = {
        new: replace(e.field, nulls=False) if dropna else e.field
        for new, e in zip(out_keys, keys.exprs)
    }
    node = Aggregate(
        source,
        out_keys,
        aggs,
        {**key_fields, **dict(zip(aggs, fields))},
        sort=bool(spec.options["sort"]),
        dropna=dropna,
        observed=not keys.categorical or spec.options["observed"] is True,
    )
    key_cols = [Col(i, f) for i, f in key_fields.items()]
    return node, key_cols, [Col(i, f) for i, f in zip(aggs, fields)]


def _index(
    node: Aggregate, keys: Keys, key_cols: list[Col], spec: Grouping, dropna: bool
) -> KeyLabels:
    names = list(keys.names)
    if len(key_cols) == 1:
        return KeyLabels(tuple(key_cols), names)
    return GroupLabels(
        tuple(key_cols),
        names,
        True,
        origin=node,
        ids=tuple(c.id for c in key_cols),
        sort=node.sort,
        dropna=dropna,
        observed=node.observed,
    )


def labels_of(labels: list[Any], source: Any) -> pd.Index:
    return remembered(
        "aggregated",
        lambda: (None if source is None else labels_key(source), key_of(labels)),
        lambda: _labels_of(labels, source),
    )


def _labels_of(labels: list[Any], source: Any) -> pd.Index:
    if source is not None and all(label in source for label in labels):
        return source.take([source.get_loc(label) for label in labels])
    return pd.Index(labels)


def _keys_as_columns(
    node: Any, keys: Keys, key_cols: list[Col], values: list[Col], columns: pd.Index
) -> FramePlan:
    shown = [n for n, name in enumerate(keys.names) if name not in columns]
    if len(shown) != len(keys.names) or None in keys.names:
        raise NotNative("keys that are also results")
    numbers = range(len(shown))
    if PANDAS_3 and len(shown) > 1 and any(name in numbers for name in keys.names):
        raise NotNative("pandas asks for levels by numbers that are their names")
    labels = remembered(
        "keys as columns",
        lambda: (key_of(keys.names), labels_key(columns)),
        lambda: _keys_and(keys, columns),
    )
    return FramePlan(node, labels, (*key_cols, *values), RangeLabels())


def _keys_and(keys: Keys, columns: pd.Index) -> pd.Index:
    """As pandas inserts one key after the other."""
    for name in reversed(keys.names):
        columns = columns.insert(0, name)
    return columns
