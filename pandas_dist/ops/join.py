"""``merge`` and ``concat``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist import fallback
from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch, join_index
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.join_labels import result_labels
from pandas_dist.plan.execute import local_mode
from pandas_dist.plan.expressions import Call, Col, Expr, Lit, as_text
from pandas_dist.plan.frames import FramePlan, SeriesPlan, ensure_columns
from pandas_dist.plan.index import RangeLabels, after_choice, before_choice
from pandas_dist.plan.relations import Concat, Extend, Join
from pandas_dist.plan.schema import Field, new_id


def gathered_merge(p: Any, left: Any, right: Any, function: Any = pd.merge) -> Any:
    """pandas' merge of both sides, gathered."""
    plans = [dispatch.plan_of(x) for x in (left, right) if dispatch.is_ours(x)]
    fallback.guard(function.__name__, plans)
    given = {k: v for k, v in vars(p).items() if k not in ("self", "left", "right", "_variadic")}
    sides = [dispatch.collected(x) if dispatch.is_ours(x) else x for x in (left, right)]
    with local_mode():
        return function(*sides, **{k: dispatch.to_plain(v) for k, v in given.items()})


@rule(
    "DataFrame",
    "merge",
    strategy="join",
    note="on columns of equal dtype, or of them on an index; outer index joins are gathered",
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
    out = lazy(p, left, right)
    return gathered_merge(p, left, right) if out is None else out


def lazy(p: Any, left: Any, right: Any) -> FramePlan | None:
    """The join as a plan, or None where only pandas' merge is exact."""
    simple = (
        p.how in ("inner", "left", "right", "outer", "cross")
        and not (p.sort or (p.indicator and p.how == "cross"))
        and (p.validate is None or (p.validate in UNIQUE and p.how != "cross"))
    )
    if not simple or not all(_mergeable(x) for x in (left, right)):
        return None
    lplan, rplan = (_frame_plan(x) for x in (left, right))
    if any(isinstance(x.columns, pd.MultiIndex) for x in (lplan, rplan)):
        return None
    if p.left_index or p.right_index:
        return on_index(p, lplan, rplan) if p.validate is None else None
    keys = key_labels(p, lplan, rplan)
    if keys is None:
        return None
    pairs = [_key_pair(lplan, rplan, a, b) for a, b in zip(*keys)]
    if None in pairs or (not pairs and p.how != "cross"):
        return None
    if len(set(keys[0])) < len(keys[0]) and not all(isinstance(k, str) for k in keys[0]):
        return None  # one column filled twice
    known = [x for x in pairs if x is not None]
    if p.how in ("right", "outer") and any(two_kinds_missing(*pair) for pair in known):
        return None
    if p.validate is not None and not valid(p.validate, (lplan, rplan), known):
        return None
    # Last, as in pandas: its errors about keys come before those about labels.
    labels, mark = result_labels(p, lplan, rplan)
    return build(p.how, lplan, rplan, keys, known, labels, mark)


def two_kinds_missing(left: Expr, right: Expr) -> bool:
    """Whether None may match NaN: the one column of both keys then has the left's, if there is a
    match, and the right's elsewhere."""
    fields = left.field, right.field
    if not all(f.kind == "O" and f.nulls for f in fields):
        return False
    return fields[0].encoding is None or fields[0].encoding != fields[1].encoding


# Whether the keys of the left and of the right side have to be unique.
UNIQUE = {
    "one_to_one": (True, True),
    "1:1": (True, True),
    "one_to_many": (True, False),
    "1:m": (True, False),
    "many_to_one": (False, True),
    "m:1": (False, True),
    "many_to_many": (False, False),
    "m:m": (False, False),
}


def valid(kind: str, plans: tuple[FramePlan, FramePlan], pairs: list[tuple[Expr, Expr]]) -> bool:
    """Whether the keys are as they have to be, by a look at them now; where not, pandas raises."""
    for n, needed in enumerate(UNIQUE[kind]):
        keys = [pair[n] for pair in pairs]
        if any(k.field.kind == "O" and k.field.nulls and not k.field.encoding for k in keys):
            return False  # None and NaN are two values
        if needed and join_index.repeats(plans[n].relation, keys):
            return False
    return True


def on_index(p: Any, left: FramePlan, right: FramePlan) -> FramePlan | None:
    """A join that looks rows of one side up by the index of the other."""
    both = join_index.sides(p, left, right)
    if not all(side.by_labels() for side in both):
        return None
    labels, mark = result_labels(p, left, right)
    place = int(join_index.keeps_right(p))
    keeper, other = both[place], both[1 - place]
    if not join_index.supported(p, keeper, other):
        return None
    sides = [side.exprs() for side in both]
    if sides[0] is None or sides[1] is None:
        return None
    plans = [left.over(sides[0][0]), right.over(sides[1][0])]
    pairs = [pair for x, y in zip(sides[0][1], sides[1][1]) if (pair := comparable(x, y))]
    if len(pairs) != len(other.plan.index.names):
        return None
    if not all(join_index.comparable(keeper, pair) for pair in pairs):
        return None
    looked_up = plans[1 - place].relation, [pair[1 - place] for pair in pairs]
    if join_index.missing_in_levels(*looked_up):
        return None
    once = join_index.one_for_one(p.how, plans[0].relation, plans[1].relation, pairs)
    if keeper.keys is None and not once:
        # pandas' Index.join has an order and a class of labels for repeated keys.
        if join_index.repeats(*looked_up):
            return None
        once = True
    index = keeper.plan.index
    if not once:
        relation, index = before_choice(plans[place].relation, index)
        plans[place] = plans[place].over(relation)
    carried = join_index.label_ids(index)
    kept = (set[str](), carried) if place else (carried, set[str]())
    out = build(p.how, plans[0], plans[1], ([], []), pairs, labels, mark, kept)
    return out.over(out.relation, index if once else after_choice(index, out.relation, "join"))


def _mergeable(x: Any) -> bool:
    return isinstance(x, pd.DataFrame) or (isinstance(x, pd.Series) and x.name is not None)


def _frame_plan(x: Any) -> FramePlan:
    ours = x if dispatch.is_ours(x) else dispatch.wrap_plain(x.copy(deep=True))
    plan = dispatch.plan_of(ours)
    if isinstance(plan, SeriesPlan):
        return FramePlan(plan.relation, pd.Index([plan.name]), (plan.expr,), plan.index)
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


def _key_pair(left: FramePlan, right: FramePlan, a: Any, b: Any) -> tuple[Expr, Expr] | None:
    """The two key expressions where pandas compares them as they are."""
    m, n = left.position_of(a), right.position_of(b)
    if m is None or n is None:
        return None
    return comparable(left.exprs[m], right.exprs[n])


def comparable(x: Expr, y: Expr) -> tuple[Expr, Expr] | None:
    """Two keys in a form in which pandas compares them as they are."""
    f, g = x.field, y.field
    if f.is_text and g.is_text and f.dtype == g.dtype:
        if bool(f.encoding) != bool(g.encoding):
            x, y = (e if e.field.encoding else as_text(e) for e in (x, y))
        return x, y
    same = f.known and g.known and f.dtype == g.dtype and f.kind in "iubM"
    floats = f.kind == "f" and g.known and f.dtype == g.dtype and f.dtype.itemsize == 8
    return (x, y) if same or floats else None


def build(
    how: str,
    left: FramePlan,
    right: FramePlan,
    keys: tuple[list[Any], list[Any]],
    pairs: list[tuple[Expr, Expr]],
    labels: pd.Index,
    mark: Any = None,
    kept: tuple[Iterable[str], Iterable[str]] = ((), ()),
) -> FramePlan:
    """The join node and the frame over it, columns in pandas' order.

    ``mark``: the dtype of the indicator, the last column.  ``kept``: columns of the left and of
    the right side that keep their ids.
    """
    shared = [a == b and type(a) is type(b) for a, b in zip(*keys)]
    # Keys of other names stay two columns; pandas fills the left one if a name is no str.
    filled = [s or not all(isinstance(k, str) for k in pair) for s, *pair in zip(shared, *keys)]
    rights = [
        n for n, c in enumerate(right.columns) if not (c in keys[1] and shared[keys[1].index(c)])
    ]
    lsource, lids = ensure_columns(left.relation, [*left.exprs, *(x for x, _ in pairs)])
    rsource, rids = ensure_columns(right.relation, [*right.exprs, *(y for _, y in pairs)])
    width_l, width_r = len(left.exprs), len(right.exprs)
    left_on, right_on = tuple(lids[width_l:]), tuple(rids[width_r:])
    if len(labels) != width_l + len(rights) + (mark is not None):
        raise NotNative("the columns of the result are not left then right")
    marks: list[str] = []
    if mark is not None:
        marks = [new_id(), new_id()]
        here = Lit(1.0, Field(np.dtype("float64"), nulls=False))
        lsource, rsource = Extend(lsource, {marks[0]: here}), Extend(rsource, {marks[1]: here})
    out = _Outputs(how, lsource, rsource)
    exprs: list[Expr] = []
    for n, label in enumerate(left.columns):
        k = keys[0].index(label) if label in keys[0] else None
        # Equal floats may differ in sign (0.0 and -0.0): pandas prefers the left one.
        signed = k is not None and pairs[k][0].field.kind == "f"
        if k is not None and filled[k] and how == "right" and not signed:
            place = right.position_of(keys[1][k])
            assert place is not None
            exprs.append(out.right(rids[place], key=True))
        elif k is not None and filled[k] and how in ("outer", "right"):
            exprs.append(out.both(left_on[k], right_on[k]))
        else:
            exprs.append(out.left(lids[n], key=k is not None and filled[k]))
    exprs += [out.right(rids[n]) for n in rights]
    if mark is not None:
        found = (out.left(marks[0]), out.right(marks[1]))
        exprs.append(Call("found in", Found(mark), found, Field(mark, nulls=False)))
    out.keep(*kept)
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

    def keep(self, lefts: Iterable[str], rights: Iterable[str]) -> None:
        """Columns of a side whose rows are all real ones, under their own ids."""
        for outs, source, ids in (
            (self.lefts, self.sources[0], lefts),
            (self.rights, self.sources[1], rights),
        ):
            outs |= {i: i for i in ids}
            self.fields |= {i: source.fields[i] for i in ids}

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
        shown = fields[0] if fields[0].nulls else fields[1]
        field = Field(fields[0].dtype, merged_nulls, fields[0].text, shown.encoding)
        column = self._add(field, False)
        self.coalesced[column.id] = (left, right)
        return column


@dataclass(frozen=True, slots=True)
class Found:
    """merge's indicator, from a column of each side that is missing in rows without a match."""

    dtype: Any

    def __call__(self, left: pd.Series, right: pd.Series) -> pd.Series:
        codes = np.where(right.isna(), 0, np.where(left.isna(), 1, 2)).astype("int8")
        return pd.Series(pd.Categorical.from_codes(codes, dtype=self.dtype), index=left.index)


@rule(
    "DataFrame",
    "join",
    strategy="join",
    note="left and right joins by a unique index, or of columns on an index",
)
def join(plan: FramePlan, p: Any) -> Any:
    from pandas_dist.ops.common import arguments, gather

    suffixes = join_suffixes(p)
    if suffixes is not None and _mergeable(p.other) and p.how in ("left", "right", "inner"):
        by_index = p.on is None
        asked = SimpleNamespace(
            how=p.how,
            on=None,
            left_on=p.on,
            right_on=None,
            left_index=by_index,
            right_index=True,
            suffixes=suffixes,
            sort=p.sort,
            validate=p.validate,
            indicator=False,
        )
        out = lazy(asked, dispatch.make(plan), p.other)
        if out is not None:
            return out
    return gather(plan, pd.DataFrame.join, **arguments(p))


def join_suffixes(p: Any) -> Any:
    """The suffixes as merge takes them; None where pandas warns of those given."""
    default = pd.api.extensions.no_default
    one, two, both = p.lsuffix, p.rsuffix, getattr(p, "suffixes", default)
    if one is default and two is default:
        return ("", "") if both is default else both
    return (one, two) if not hasattr(p, "suffixes") else None


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
