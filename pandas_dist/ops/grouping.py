"""Groupby: which aggregations become a plan node, and what their columns are called."""

from __future__ import annotations

from collections.abc import Hashable
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.groupby import DataFrameGroupBy, Grouping, SeriesGroupBy
from pandas_dist.ops import dispatch
from pandas_dist.ops.binding import bind
from pandas_dist.ops.common import arguments, is_one_of, operand
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.grouping_gathered import gathered
from pandas_dist.ops.grouping_keys import own_column, settle_keys
from pandas_dist.ops.grouping_result import Item, Keys, build, result_field
from pandas_dist.ops.grouping_rows import ROWS, along, transform
from pandas_dist.ops.reductions import other_than_numbers
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.plan.execute import count
from pandas_dist.plan.expressions import Expr
from pandas_dist.plan.frames import FramePlan, SeriesPlan, unify
from pandas_dist.plan.index import KeyLabels, as_columns
from pandas_dist.plan.schema import Field

# Aggregations of one column whose result dtype follows from the column's dtype.
FUNCTIONS = frozenset(
    [
        "sum",
        "mean",
        "min",
        "max",
        "count",
        "std",
        "var",
        "median",
        "nunique",
        "first",
        "last",
        "prod",
        "any",
        "all",
        "sem",
    ]
)
NO_DEFAULT = pd.api.extensions.no_default


@rule("DataFrame", "groupby", strategy="tree", note="lazy until an aggregation")
@rule("Series", "groupby", strategy="tree")
def groupby(plan: Any, p: Any) -> Any:
    given = arguments(p)
    obj = dispatch.make(plan, deepcopy(p.self.__dict__.get("_attrs") or {}))
    if isinstance(plan, SeriesPlan) and given.get("axis", 1) in (0, "index"):
        del given["axis"]  # without effect
    elif given.get("axis", NO_DEFAULT) is not NO_DEFAULT:
        if given["axis"] not in (0, "index"):
            raise NotNative("groups of columns")
        plan.collect().groupby(**{k: dispatch.to_plain(v) for k, v in given.items()})  # it warns
        del given["axis"]
    if isinstance(plan, FramePlan):
        if given["by"] is None and given["level"] is None:
            raise TypeError("You have to supply one of 'by' and 'level'")
        _check_labels(plan, given)
        settle_keys(plan, given)
        _settle_observed(plan, given)
        return DataFrameGroupBy(Grouping(obj, given, source=p.self))
    if given["by"] is None and given["level"] is None:
        raise TypeError("You have to supply one of 'by' and 'level'")
    if not given["as_index"]:
        pd.Series([0]).groupby([0], as_index=False)  # pandas' TypeError, where it has one
    _check_labels(plan, given)
    settle_keys(plan, given)
    _settle_observed(plan, given)
    return SeriesGroupBy(Grouping(obj, given, source=p.self))


def _settle_observed(plan: Any, given: dict[str, Any]) -> None:
    """pandas 2's warning at the call where a key is categorical and ``observed`` not given."""
    if given.get("observed") is not NO_DEFAULT:
        return
    by = given["by"]
    for item in by if isinstance(by, list) else [by]:
        dtype = getattr(item, "dtype", None)
        if isinstance(plan, FramePlan) and isinstance(item, str):
            n = plan.position_of(item)
            dtype = None if n is None else plan.exprs[n].field.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            pd.DataFrame({"a": pd.Categorical([])}).groupby("a")  # it warns
            given["observed"] = False
            return


def _check_labels(plan: Any, given: dict[str, Any]) -> None:
    """pandas' errors for missing keys and levels, at the call, from the schema alone."""
    no_keys = isinstance(given["by"], list) and not given["by"] and count(plan.relation) > 0
    if given["level"] is not None or no_keys:
        names = plan.index.names
        levels = [[0]] * len(names)
        labels: Any = pd.MultiIndex.from_arrays(levels) if len(names) > 1 else pd.Index([0])
        row = pd.Series([0], labels.set_names(names))
        row.groupby(by=given["by"], level=given["level"])
    if isinstance(plan, SeriesPlan):
        return
    by = given["by"]
    labels = by if isinstance(by, list) else [by]
    names = set(plan.index.names)
    for label in labels:
        known = label_like(label) and (label in plan.columns or label in names)
        if label_like(label) and not known:
            if isinstance(by, list) and len(by) == count(plan.relation):
                raise NotNative("a list with one key per row")
            raise KeyError(label)
        if not isinstance(label, str) or label not in plan.columns:
            continue  # the rest is found out with the groups
        if label in names or not isinstance(plan.columns.get_loc(label), int):
            level: Any = pd.Index([], name=label if label in names else None)
            # pandas' ValueError: a level and a column, or several columns
            pd.DataFrame(columns=plan.columns, index=level).groupby(label)


def label_like(key: Any) -> bool:
    """Whether pandas takes a key for a label and nothing else."""
    if type(key) is tuple:
        return all(isinstance(part, (str, int, float)) for part in key)
    return isinstance(key, (str, int, float))


def select(spec: Grouping, key: Any) -> Any:
    """``groups[key]``: one column gives a series groupby, a list a frame groupby."""
    if isinstance(key, tuple) and len(key) > 1:
        raise ValueError(
            "Cannot subset columns with a tuple with more than one element. Use a list instead."
        )
    if spec.selection is not None:
        raise IndexError(f"Column(s) {spec.selection} already selected")
    columns = spec.obj.columns
    if isinstance(key, (list, tuple, pd.Series, pd.Index, np.ndarray)):
        wanted = list(key)
        if isinstance(columns, pd.MultiIndex):
            columns.intersection(wanted)  # pandas' TypeError for what is no list of tuples
        bad = list(set(wanted).difference(columns))
        if bad:
            raise KeyError(f"Columns not found: {str(bad)[1:-1]}")
        return DataFrameGroupBy(Grouping(spec.obj, spec.options, wanted, spec.source))
    if key not in columns:
        raise KeyError(f"Column not found: {key}")
    place = columns.get_loc(key)
    # The name of the column as pandas has it: 2 of an Index of integers is an np.int64.
    label = columns[place] if isinstance(place, int) else key
    return SeriesGroupBy(Grouping(spec.obj, spec.options, label))


# -- keys ------------------------------------------------------------------------------------


def resolve_keys(plan: Any, options: dict[str, Any]) -> Keys:
    """Columns, series with the same rows and index levels; anything else is gathered."""
    if options.get("axis", 0) not in (0, "index", NO_DEFAULT):
        raise NotNative("groups of columns")
    found = _Found(plan)
    if options.get("level") is not None:
        if options["by"] is not None:
            raise NotNative("both keys and levels")
        level = options["level"]
        several = isinstance(level, (list, tuple)) and len(level) > 1
        for one in level if isinstance(level, (list, tuple)) else [level]:
            found.add_level(one, numbered=several)
    else:
        by = options["by"]
        for item in by if isinstance(by, list) else [by]:
            found.add(item)
    if not found.exprs:
        raise NotNative("no keys")
    for e in found.exprs:
        _check_key(e.field, options)
    return Keys(found.relation, tuple(found.exprs), tuple(found.names), frozenset(found.excluded))


def _check_key(field: Field, options: dict[str, Any]) -> None:
    categorical = isinstance(field.dtype, pd.CategoricalDtype)
    native = categorical or isinstance(field.dtype, pd.DatetimeTZDtype) or field.is_text
    if not field.known or (field.kind in "EO" and not native):
        raise NotNative("keys of this dtype")
    if field.kind == "O" and PANDAS_3:
        raise NotNative("keys whose dtype pandas infers")
    if categorical and options.get("observed") not in (True, False):
        raise NotNative("pandas warns about observed")
    if categorical and not (options.get("dropna") and options.get("sort")):
        raise NotNative("unsorted or missing categories")
    if field.encoding == "none" and field.nulls and options.get("dropna") is False:
        raise NotNative("missing text keys are kept")


class _Found:
    """Keys as they are found, over one relation with the plan's rows."""

    def __init__(self, plan: Any) -> None:
        self.plan, self.relation = plan, plan.relation
        self.levels: list[Expr] | None = None
        self.exprs: list[Expr] = []
        self.names: list[Hashable] = []
        self.excluded: set[Hashable] = set()

    def add(self, item: Any) -> None:
        plan = self.plan
        if dispatch.is_ours(item) and isinstance(item, pd.Series):
            other = operand(plan, item)
            if not isinstance(other, SeriesPlan):
                raise NotNative("a key that has to be aligned")
            self.relation = unify(self.relation, other.relation)
            self._append(other.expr, other.name)
            self.excluded |= own_column(plan, other)
            return
        if not isinstance(item, (str, int, float, tuple)):
            raise NotNative("a key that is not a column label")
        if isinstance(plan, FramePlan) and isinstance(plan.columns, pd.MultiIndex):
            raise NotNative("columns with several levels")
        n = plan.position_of(item) if isinstance(plan, FramePlan) else None
        is_level = item in plan.index.names
        if n is None and is_level:
            self.add_level(item, numbered=True)
        elif n is None or is_level:
            raise NotNative("a key that is not a column label")
        else:
            self._append(plan.exprs[n], plan.columns[n])
            self.excluded.add(item)

    def add_level(self, level: Any, numbered: bool) -> None:
        """``numbered``: pandas takes the name of a level that is an int for its number, too."""
        labels = self.plan.index
        if not isinstance(labels, KeyLabels) or (labels.set_by_user and PANDAS_3):
            raise NotNative("levels of an index in memory")
        names = labels.names
        place = level if isinstance(level, int) and level not in names else None
        if numbered and isinstance(level, int) and level in names and names.index(level) != level:
            raise NotNative("the name of a level that is the number of another")
        if place is None and names.count(level) == 1:
            place = names.index(level)
        if place is None or not 0 <= place < len(names):
            raise NotNative("a level that pandas reports")
        if self.levels is None:
            self.relation, self.levels = as_columns(self.relation, labels)
        self._append(self.levels[place], names[place])

    def _append(self, expr: Expr, name: Hashable) -> None:
        self.exprs.append(expr)
        self.names.append(name)


# -- aggregations -------------------------------------------------------------------------------


def call(groups: Any, name: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A method of a lazy groupby."""
    spec: Grouping = groups._spec
    try:
        if spec.obj.__dict__.get("_attrs") and not _keeps_attrs(name, args):
            raise NotNative("pandas decides which results keep attrs")
        return dispatch.present(native(spec, name, method, groups, args, kwargs), spec.obj)
    except NotNative as why:
        return gathered(groups, name, args, kwargs, str(why))


# Aggregations whose results have the attrs of the object.
KEEPING_ATTRS = frozenset("sum mean min max median first last prod".split())


def _keeps_attrs(name: str, args: tuple[Any, ...]) -> bool:
    if name in ("agg", "aggregate") and args and isinstance(args[0], str):
        name = args[0]
    return name in KEEPING_ATTRS


def native(
    spec: Grouping,
    name: str,
    method: Any,
    groups: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if name not in FUNCTIONS and name not in ("size", "agg", "aggregate", "transform", *ROWS):
        raise NotNative("it runs on whole groups")
    plan = dispatch.plan_of(spec.obj)
    keys = resolve_keys(plan, spec.options)
    if not spec.options["as_index"] and len(set(keys.names)) < len(keys.names):
        raise NotNative("keys of one name become columns")
    if name in ("agg", "aggregate"):
        return aggregate(spec, plan, keys, args, kwargs)
    if name == "transform":
        return transform_by_name(spec, plan, keys, args, kwargs)
    try:
        p = bind(method, (groups, *args), kwargs)
    except TypeError as error:
        raise NotNative("pandas checks the arguments") from error
    if name in ROWS:
        return along(spec, plan, keys, name, p, columns(spec, plan, keys))
    chosen = options_of(name, p)
    if name == "size":
        return sizes(spec, plan, keys)
    numeric_only = getattr(p, "numeric_only", False) is True
    items = [
        Item(label, expr, name, chosen)
        for label, expr in columns(spec, plan, keys)
        if not numeric_only or is_numeric(expr.field)
    ]
    single = isinstance(groups, SeriesGroupBy) and spec.options["as_index"] is not False
    return build(spec, keys, items, single)


def is_numeric(field: Field) -> bool:
    """Whether ``numeric_only`` keeps a column; NotNative if its dtype does not tell."""
    if field.kind in "?c" or (field.kind == "E" and not other_than_numbers(field)):
        raise NotNative("whether a column is numeric depends on the data")
    return field.kind in "iufb"


def options_of(name: str, p: Any) -> tuple[tuple[str, Any], ...]:
    """Arguments that change the result; NotNative for those without a native form."""
    given = arguments(p)
    given.pop("args", None)
    defaults = {
        "numeric_only": (False, True),
        "min_count": None,
        "engine": (None,),
        "engine_kwargs": (None,),
        "ddof": None,
        "skipna": (True,),
        "dropna": (True,),
    }
    for key, value in given.items():
        allowed = defaults.get(key, ())
        if allowed is not None and not is_one_of(value, allowed):
            raise NotNative(f"the option {key!r}")
    out = []
    if name in ("std", "var", "sem") and given.get("ddof", 1) != 1:
        out.append(("ddof", given["ddof"]))
    standard = {"sum": 0, "prod": 0, "min": -1, "max": -1, "first": -1, "last": -1}
    if name in standard and given.get("min_count", standard[name]) != standard[name]:
        out.append(("min_count", given["min_count"]))
    return tuple(out)


def columns(spec: Grouping, plan: Any, keys: Keys) -> list[tuple[Hashable, Expr]]:
    """The columns that an aggregation applies to, in order."""
    if isinstance(plan, SeriesPlan):
        return [(plan.name, plan.expr)]
    if isinstance(plan.columns, pd.MultiIndex) or not plan.columns.is_unique:
        raise NotNative("columns with several levels or repeated labels")
    if spec.selection is not None:
        labels = spec.selection if isinstance(spec.selection, list) else [spec.selection]
        return [(label, _expr(plan, label)) for label in labels]
    return [(c, e) for c, e in zip(plan.columns, plan.exprs) if c not in keys.excluded]


def _expr(plan: FramePlan, label: Hashable) -> Expr:
    n = plan.position_of(label)
    if n is None:
        raise NotNative("a column that does not occur once")
    return plan.exprs[n]


def refused(spec: Grouping, keys: Keys) -> bool:
    """Whether pandas 2 raises for groups without rows: their keys do not fit as columns."""
    some = any(isinstance(e.field.dtype, pd.CategoricalDtype) for e in keys.exprs)
    options = spec.options
    return some and len(keys.exprs) > 1 and not (options["as_index"] or options["observed"] is True)


def aggregate(
    spec: Grouping, plan: Any, keys: Keys, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``agg`` with names of functions: one, a list, a dict, or named tuples."""
    if len(args) > 1 or (args and kwargs) or kwargs.keys() & {"engine", "engine_kwargs", "func"}:
        raise NotNative("arguments for the functions")
    given = columns(spec, plan, keys)
    series = isinstance(plan, SeriesPlan) or (
        spec.selection is not None and not isinstance(spec.selection, list)
    )
    func = args[0] if args else None
    if not isinstance(func, str) and refused(spec, keys):
        raise NotNative("pandas decides whether groups without rows become columns")
    if func is None:
        items = named(plan, given, kwargs, series)
        return build(spec, keys, items, single=False)
    if func == "size" and not (series and spec.options["as_index"]):
        return sizes(spec, plan, keys)
    if isinstance(func, str):
        return build(
            spec,
            keys,
            [Item(c, e, check(func), ()) for c, e in given],
            single=series and spec.options["as_index"],
        )
    if (
        isinstance(func, list)
        and all(isinstance(f, str) for f in func)
        and len(set(func)) == len(func)
    ):
        if spec.options["as_index"] is False:
            raise NotNative("a list of functions without index")
        if series:
            items = [Item(f, given[0][1], check(f)) for f in func]
            return build(spec, keys, items, single=False)
        items = [Item((c, f), e, check(f)) for c, e in given for f in func]
        return build(spec, keys, items, False, tuples(items, func, plan.columns))
    if isinstance(func, dict) and not series and isinstance(plan, FramePlan):
        return _by_dict(spec, plan, keys, func)
    raise NotNative("functions that are not named by strings")


def transform_by_name(
    spec: Grouping, plan: Any, keys: Keys, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``transform`` with the name of an aggregation."""
    if len(args) != 1 or kwargs:
        raise NotNative("arguments for the function")
    func = check(args[0])
    series = isinstance(plan, SeriesPlan) or (
        spec.selection is not None and not isinstance(spec.selection, list)
    )
    if func == "size" and not (series and spec.options["as_index"]):
        raise NotNative("size of a frame")
    given = columns(spec, plan, keys)
    items = [Item(c, None if func == "size" else e, func) for c, e in given]
    return transform(spec, plan, keys, items, series)


def check(func: Any) -> str:
    if not isinstance(func, str) or func not in FUNCTIONS | {"size"}:
        raise NotNative("a function without a native form")
    return func


def _by_dict(spec: Grouping, plan: FramePlan, keys: Keys, func: dict[Any, Any]) -> Any:
    if spec.selection is not None:
        raise NotNative("a dict on selected columns")
    lists = [isinstance(f, list) for f in func.values()]
    missing = [label for label in func if label not in plan.columns]
    if missing or not func:
        raise NotNative("labels that pandas reports")
    if any(lists):
        if not all(func.values()) or not all(lists) or spec.options["as_index"] is False:
            raise NotNative("lists of functions")
        items = [Item((c, f), _expr(plan, c), check(f)) for c, fs in func.items() for f in fs]
        return build(spec, keys, items, False, tuples(items, func, plan.columns))
    items = [Item(c, _expr(plan, c), check(f)) for c, f in func.items()]
    if any(i.func == "size" for i in items):
        raise NotNative("size in a dict")
    labels = pd.Index(list(func)).set_names(plan.columns.names)  # of the keys alone
    return build(spec, keys, items, False, labels)


def tuples(items: list[Item], func: Any, source: pd.Index) -> pd.Index:
    """Labels of columns and functions, with the levels that pandas makes from ``source``."""
    columns = list(dict.fromkeys(i.label[0] for i in items))  # type: ignore[index]
    one = pd.DataFrame(np.ones((1, len(source))), columns=source)
    labels: pd.Index = one.groupby([0])[columns].agg(func).columns
    if list(labels) != [i.label for i in items]:
        raise NotNative("labels that pandas arranges otherwise")
    return labels


def named(plan: Any, given: Any, kwargs: dict[str, Any], series: bool) -> list[Item]:
    if not kwargs:
        raise NotNative("pandas reports missing functions")
    items = []
    for label, value in kwargs.items():
        if series:
            items.append(Item(label, given[0][1], check(value)))
        else:
            if not (isinstance(value, tuple) and len(value) == 2):
                raise NotNative("pandas reports malformed named aggregations")
            column, func = value
            if column not in plan.columns:
                raise NotNative("labels that pandas reports")
            items.append(Item(label, _expr(plan, column), check(func)))
    return items


def sizes(spec: Grouping, plan: Any, keys: Keys) -> Any:
    """``size()``: a series, named only for a series groupby; a frame without index."""
    as_index = spec.options["as_index"]
    series = isinstance(plan, SeriesPlan) or (
        spec.selection is not None and not isinstance(spec.selection, list)
    )
    name = (plan.name if isinstance(plan, SeriesPlan) else spec.selection) if series else None
    if series:
        expr = plan.expr if isinstance(plan, SeriesPlan) else _expr(plan, name)
        result_field(Item("size", expr, "size"), keys, True)  # not of nullable numbers
    result = build(spec, keys, [Item("size", None, "size")], single=bool(as_index))
    return SeriesPlan(result.relation, result.expr, name, result.index) if as_index else result
