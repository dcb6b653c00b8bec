"""``merge`` and ``concat``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist import fallback
from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.common import Method
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.memo import key_of, labels_key, names_key, remembered
from pandas_dist.ops.reshape import marked
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Col, Expr
from pandas_dist.plan.frames import FramePlan, ensure_columns
from pandas_dist.plan.index import RangeLabels
from pandas_dist.plan.relations import Concat, Join
from pandas_dist.plan.schema import TEXT_STORAGE, Field, new_id


def gathered_merge(p: Any, left: Any, right: Any) -> Any:
    """pandas' merge of both sides, gathered."""
    plans = [dispatch.plan_of(x) for x in (left, right) if dispatch.is_ours(x)]
    fallback.guard("merge", plans)
    given = {k: v for k, v in vars(p).items() if k not in ("self", "left", "right", "_variadic")}
    sides = [dispatch.collected(x) if dispatch.is_ours(x) else x for x in (left, right)]
    with local_mode():
        return pd.merge(*sides, **{k: dispatch.to_plain(v) for k, v in given.items()})


@rule(
    "DataFrame",
    "merge",
    strategy="join",
    note="on columns of equal dtype; index joins are gathered",
)
def merge(plan: FramePlan, p: Any) -> Any:
    return merged(p, dispatch.make(plan), p.right)


@rule("pandas", "merge", strategy="join")
def merge_function(p: Any) -> Any:
    if not (dispatch.is_ours(p.left) or dispatch.is_ours(p.right)):
        raise NotNative("neither side is one of our objects")
    return merged(p, p.left, p.right)


def merged(p: Any, left: Any, right: Any) -> Any:
    """A lazy join where it is exact, pandas' merge of gathered sides otherwise."""
    simple = (
        p.how in ("inner", "left", "right", "outer", "cross")
        and not (p.left_index or p.right_index or p.sort or p.indicator)
        and p.validate is None
    )
    if not simple or not all(isinstance(x, pd.DataFrame) for x in (left, right)):
        return gathered_merge(p, left, right)
    lplan, rplan = (_frame_plan(x) for x in (left, right))
    keys = key_labels(p, lplan, rplan)
    if keys is None or any(isinstance(x.columns, pd.MultiIndex) for x in (lplan, rplan)):
        return gathered_merge(p, left, right)
    labels = result_labels(p, lplan, rplan)
    pairs = [_key_pair(lplan, rplan, a, b) for a, b in zip(*keys)]
    if None in pairs or (not pairs and p.how != "cross"):
        return gathered_merge(p, left, right)
    return build(p.how, lplan, rplan, keys, [x for x in pairs if x is not None], labels)


def _frame_plan(x: Any) -> FramePlan:
    ours = x if dispatch.is_ours(x) else dispatch.wrap_plain(x.copy(deep=True))
    plan = dispatch.plan_of(ours)
    assert isinstance(plan, FramePlan)
    return plan


def key_labels(p: Any, left: FramePlan, right: FramePlan) -> tuple[list[Any], list[Any]] | None:
    """Key labels of both sides; None where keys are not column labels."""
    if p.how == "cross":
        return [], []
    if p.on is not None:
        lefts = rights = p.on
    elif p.left_on is None and p.right_on is None:
        common = left.columns.intersection(right.columns)
        lefts = rights = list(common)
    else:
        lefts, rights = p.left_on, p.right_on
    both = [list(k) if isinstance(k, (list, tuple)) else [k] for k in (lefts, rights)]
    if len(both[0]) != len(both[1]) or not all(
        pd.api.types.is_hashable(k) for b in both for k in b
    ):
        return None
    return both[0], both[1]


def result_labels(p: Any, left: FramePlan, right: FramePlan) -> pd.Index:
    """Column labels as pandas' merge of two empty frames gives them, or its error."""
    given = {k: getattr(p, k) for k in ("how", "on", "left_on", "right_on", "suffixes")}
    return remembered(
        "merge",
        lambda: (
            labels_key(left.columns),
            labels_key(right.columns),
            names_key([*left.index.names, *right.index.names]),
            key_of(given),
        ),
        lambda: pd.merge(marked(left).iloc[:0], marked(right).iloc[:0], **given).columns,
    )


def _key_pair(left: FramePlan, right: FramePlan, a: Any, b: Any) -> tuple[Expr, Expr] | None:
    """The two key expressions where pandas compares them as they are."""
    m, n = left.position_of(a), right.position_of(b)
    if m is None or n is None:
        return None
    x, y = left.exprs[m], right.exprs[n]
    f, g = x.field, y.field
    if f.is_text and g.is_text and f.dtype == g.dtype:
        if bool(f.encoding) != bool(g.encoding):
            x, y = _as_text(x), _as_text(y)
        return x, y
    same = f.known and g.known and f.dtype == g.dtype and f.kind in "iubM"
    floats = f.kind == "f" and g.known and f.dtype == g.dtype and f.dtype.itemsize == 8
    return (x, y) if same or floats else None


def _as_text(expr: Expr) -> Expr:
    if expr.field.encoding:
        return expr
    field = Field(expr.field.dtype, expr.field.nulls, True, "nan")
    return Call("text", Method("astype", TEXT_STORAGE), (expr,), field)


def build(
    how: str,
    left: FramePlan,
    right: FramePlan,
    keys: tuple[list[Any], list[Any]],
    pairs: list[tuple[Expr, Expr]],
    labels: pd.Index,
) -> FramePlan:
    """The join node and the frame over it, columns in pandas' order."""
    shared = [a == b and type(a) is type(b) for a, b in zip(*keys)]
    rights = [
        n for n, c in enumerate(right.columns) if not (c in keys[1] and shared[keys[1].index(c)])
    ]
    lsource, lids = ensure_columns(left.relation, [*left.exprs, *(x for x, _ in pairs)])
    rsource, rids = ensure_columns(right.relation, [*right.exprs, *(y for _, y in pairs)])
    width_l, width_r = len(left.exprs), len(right.exprs)
    left_on, right_on = tuple(lids[width_l:]), tuple(rids[width_r:])
    if len(labels) != width_l + len(rights):
        raise NotNative("the columns of the result are not left then right")
    out = _Outputs(how, lsource, rsource)
    exprs: list[Expr] = []
    for n, label in enumerate(left.columns):
        k = keys[0].index(label) if label in keys[0] else None
        # Equal floats may differ in sign (0.0 and -0.0): pandas prefers the left one.
        signed = k is not None and pairs[k][0].field.kind == "f"
        if k is not None and shared[k] and how == "right" and not signed:
            place = right.position_of(keys[1][k])
            assert place is not None
            exprs.append(out.right(rids[place], key=True))
        elif k is not None and shared[k] and how in ("outer", "right"):
            exprs.append(out.both(left_on[k], right_on[k]))
        else:
            exprs.append(out.left(lids[n], key=k is not None and shared[k]))
    exprs += [out.right(rids[n]) for n in rights]
    node = Join(
        lsource, rsource, how, left_on, right_on, out.lefts, out.rights, out.fields, out.coalesced
    )
    return FramePlan(node, labels, tuple(exprs), RangeLabels())


class _Outputs:
    """Collects the output columns of a join under new ids."""

    def __init__(self, how: str, left: Any, right: Any) -> None:
        self.how, self.sources = how, (left, right)
        self.lefts: dict[str, str] = {}
        self.rights: dict[str, str] = {}
        self.coalesced: dict[str, tuple[str, str]] = {}
        self.fields: dict[str, Field] = {}

    def _add(self, field: Field, optional: bool) -> Col:
        name = new_id()
        self.fields[name] = field.nullable() if optional else field
        return Col(name, self.fields[name])

    def left(self, source: str, key: bool = False) -> Col:
        field = self.sources[0].fields[source]
        column = self._add(field, self.how in ("right", "outer") and not key)
        self.lefts[column.id] = source
        return column

    def right(self, source: str, key: bool = False) -> Col:
        field = self.sources[1].fields[source]
        column = self._add(field, self.how in ("left", "outer") and not key)
        self.rights[column.id] = source
        return column

    def both(self, left: str, right: str) -> Col:
        fields = self.sources[0].fields[left], self.sources[1].fields[right]
        merged_nulls = fields[0].nulls or fields[1].nulls
        field = Field(fields[0].dtype, merged_nulls, fields[0].text, fields[0].encoding)
        column = self._add(field, False)
        self.coalesced[column.id] = (left, right)
        return column


@rule("DataFrame", "join", strategy="gathered")
def join(plan: FramePlan, p: Any) -> Any:
    from pandas_dist.ops.common import arguments, gather

    return gather(plan, pd.DataFrame.join, **arguments(p))


# -- concat --------------------------------------------------------------------------------


@rule(
    "pandas", "concat", strategy="rows", note="frames of the same columns and dtypes, ignore_index"
)
def concat(p: Any) -> Any:
    objs = p.objs
    if not isinstance(objs, (list, tuple, dict)):
        objs = list(objs)
        p.objs = objs
    values = list(objs.values()) if isinstance(objs, dict) else list(objs)
    if not any(dispatch.is_ours(o) for o in values):
        raise NotNative("none of them is one of our objects")
    plans = [_frame_plan(o) for o in values if isinstance(o, pd.DataFrame)]
    native = (
        p.axis in (0, "index")
        and p.ignore_index is True
        and p.keys is None
        and not isinstance(objs, dict)
        and len(plans) == len(values)
        and not p.verify_integrity
        and (p.sort is False or p.sort is pd.api.extensions.no_default)
        and not any(o.attrs for o in values)
        and alike(plans)
    )
    if not native:
        return gathered_concat(p)
    return stacked(plans)


def gathered_concat(p: Any) -> Any:
    given = {k: v for k, v in vars(p).items() if k != "_variadic"}
    objs = given.pop("objs")
    pairs = objs.items() if isinstance(objs, dict) else enumerate(objs)
    plans = [dispatch.plan_of(o) for _, o in pairs if dispatch.is_ours(o)]
    fallback.guard("pandas.concat", plans)
    shared = {
        k: dispatch.plain(o, private=False) if dispatch.is_ours(o) else o
        for k, o in (objs.items() if isinstance(objs, dict) else enumerate(objs))
    }
    with local_mode():
        return pd.concat(
            shared if isinstance(objs, dict) else list(shared.values()),
            **{k: dispatch.to_plain(v) for k, v in given.items()},
        )


def alike(plans: list[FramePlan]) -> bool:
    """Same labels in the same order and, column by column, the same known dtypes."""
    first = plans[0]
    if isinstance(first.columns, pd.MultiIndex) or not first.columns.is_unique or not first.exprs:
        return False
    for other in plans[1:]:
        if not other.columns.identical(first.columns):
            return False
        for a, b in zip(first.exprs, other.exprs):
            f, g = a.field, b.field
            if not (f.known and g.known) or f.dtype != g.dtype or f.encoding != g.encoding:
                return False
    return True


def stacked(plans: list[FramePlan]) -> FramePlan:
    """The rows of all plans one after the other, labelled 0, 1, …"""
    ids = [new_id() for _ in plans[0].exprs]
    sources, maps = [], []
    for plan in plans:
        source, old = ensure_columns(plan.relation, plan.exprs)
        sources.append(source)
        maps.append(dict(zip(ids, old)))
    fields = {
        i: Field(
            plans[0].exprs[n].field.dtype,
            any(plan.exprs[n].field.nulls for plan in plans),
            all(plan.exprs[n].field.text for plan in plans),
            plans[0].exprs[n].field.encoding,
        )
        for n, i in enumerate(ids)
    }
    node = Concat(tuple(sources), tuple(maps), fields)
    return FramePlan(node, plans[0].columns, tuple(Col(i, fields[i]) for i in ids), RangeLabels())
