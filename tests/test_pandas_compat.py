"""Differences that pandas' own tests showed: results, exceptions and warnings of each backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas
import pytest

import pandas_dist
from pandas_dist.config import options
from pandas_dist.fallback import FallbackWarning

ACTIONS: list[Callable[[Any], Any]] = []


def action(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    ACTIONS.append(run)
    return run


def outcome(run: Callable[[Any], Any], pd: Any) -> tuple[str, list[tuple[str, str, str]]]:
    """What a user sees: the result or the exception, and warnings with their files."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            shown = repr(run(pd))
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            shown = f"{type(error).__name__}: {error}"
    kept = [w for w in seen if not issubclass(w.category, FallbackWarning)]
    return shown, [(w.category.__name__, str(w.message), w.filename) for w in kept]


def table(pd: Any) -> Any:
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3, 4, 5], "c": list("xyz")})


# -- values, dtypes, names -------------------------------------------------------------------


@action
def spans_are_not_numbers(pd: Any) -> Any:
    return pd.Series(np.arange(4.0)).where([False, True, True, True], np.timedelta64(4, "ns"))


@action
def masked_write_of_a_missing_span(pd: Any) -> Any:
    s = pd.Series([1.0, 2.0, 3.0])
    s[[True, False, False]] = np.timedelta64("NaT")
    return s


@action
def integer_beyond_float_precision(pd: Any) -> Any:
    return pd.Series([1.0, 2.0]).where([True, False], 2**53 + 1)


@action
def values_give_an_empty_selection_its_rows(pd: Any) -> Any:
    d = table(pd)
    d = d[d["a"] > 5].copy()
    d["d"] = [1, 2, 3]
    return d, d.index, list(d.dtypes)


@action
def values_give_empty_columns_their_rows(pd: Any) -> Any:
    d = pd.DataFrame(columns=["a", "b"])
    d["a"] = ["x", "y"]
    return d, d.index, list(d.dtypes)


@action
def insert_into_an_empty_frame(pd: Any) -> Any:
    d = pd.DataFrame()
    d.insert(0, "a", ["x", "y"])
    return d, d.index


@action
def label_from_a_function(pd: Any) -> Any:
    d = table(pd)
    d[lambda x: "a"] = [4, 5, 6]
    return d


@action
def dropna_of_an_axis_that_is_not_there(pd: Any) -> Any:
    return pd.Series([1.0]).dropna(axis=1)


@action
def mask_of_python_objects(pd: Any) -> Any:
    mask = np.array([True, False, True], dtype=object)
    return table(pd)[mask], table(pd)[pd.Index(mask)]


@action
def concat_with_sorted_columns(pd: Any) -> Any:
    d = table(pd)[["c", "b", "a"]]
    return pd.concat([d, d], sort=True, ignore_index=True)


@action
def fillna_of_columns_below_a_label(pd: Any) -> Any:
    d = pd.DataFrame({("x", "a"): [None, 2.0], ("x", "b"): [1.0, None], ("y", "c"): [1.0, None]})
    return d.fillna({"x": -1})


@action
def text_dtype_of_numpy(pd: Any) -> Any:
    return pd.Series([1, 2]).astype(np.str_).dtype, pd.Series(["a", "b"]).astype("<U3").dtype


@action
def name_of_an_extracted_group(pd: Any) -> Any:
    return pd.Series(["a1", None], name="z").str.extract("(?P<l>[ab])", expand=False)


@action
def accessors_take_no_attributes(pd: Any) -> Any:
    pd.Series(["a"]).str.xlabel = "x"


@action
def where_in_place_needs_another_dtype(pd: Any) -> Any:
    d = table(pd)[["a", "b"]].copy()
    return d.where(d > 2, np.nan, inplace=True) is None, d, list(d.dtypes)


# -- groupby -------------------------------------------------------------------------------------


@action
def groupby_sees_columns_that_came_later(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0]})
    g = d.groupby("k")
    d["b"] = d["a"] * 2
    d["a"] = d["a"] + g["b"].transform("max")
    return g["b"].sum(), g[["a"]].max(), g.sum(), g.a.apply(list), g.describe()


@action
def groupby_counts_by_name(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0], "b": 1})
    g = d.groupby("k")
    flat = d.groupby("k", as_index=False).agg("size")
    one = d.groupby("k", as_index=False)["a"].agg("size")
    return g.agg("size"), flat, one, g["a"].agg("size"), g.agg({"a": [], "b": ["min"]})


@action
def groupby_of_a_series_has_an_index(pd: Any) -> Any:
    s = pd.Series([1.0, 2.0])
    return s.groupby(s, as_index=False)


@action
def groupby_warns_of_categories_once(pd: Any) -> Any:
    d = pd.DataFrame({"k": pd.Categorical(["x", "x", "y"], categories=["x", "y", "z"]), "b": 1})
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        g, h = d.groupby("k"), d["b"].groupby(d["k"])
    return len(seen), g["b"].cumsum(), g.sum(), g.size(), h.sum()


@action
def groupby_of_columns(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0]})
    return d.groupby([0, 0], axis=1).sum(), d.groupby("k", axis=0).sum()


@action
def groupby_by_a_list_with_a_key_per_row(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0]})
    keys = ["x", "y", "x"]
    return d.groupby(keys).sum(), d["a"].groupby(keys).transform("max")


@action
def groupby_keeps_its_keys(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0]})
    g, h = d.groupby("k"), d["a"].groupby(d["k"])
    d["k"] = [5, 6, 7]
    d.loc[0, "a"] = 100.0
    first = g["a"].sum(), g.sum()
    del d["k"]
    return first, g.max(), h.size()


@action
def groupby_by_a_column_of_the_frame(pd: Any) -> Any:
    d = pd.DataFrame({"k": [1, 1, 2], "a": [1.0, 2.0, 3.0]})
    twice = pd.DataFrame([[0, 1, 2, 3]])
    twice.columns = [0, 1, 2, 0]
    return (
        d.groupby(d["k"]).describe(),
        d.groupby(d["k"]).apply(lambda g: g.shape),
        d.groupby([d["k"], "a"]).nth(0),
        twice.groupby(twice[1]).sum(),
    )


# -- warnings ----------------------------------------------------------------------------------


@action
def pct_change_with_limit(pd: Any) -> Any:
    return pd.Series([1.0, 2.0]).pct_change(limit=None)


@action
def floating_point_warnings(pd: Any) -> Any:
    s = pd.Series([-1.0, 0.0, 1e5])
    with np.errstate(divide="ignore"):
        low = np.log(s.abs())
    return np.log(s), np.sqrt(s), np.exp(s), low


@action
def floating_point_errors(pd: Any) -> Any:
    with np.errstate(all="raise"):
        return np.log(pd.Series([1.0, 0.0])), 1


@action
def chained_method(pd: Any) -> Any:
    d = table(pd)
    d["a"].fillna(0, inplace=True)
    d["a"].mask(d["a"] > 1, 1.5, inplace=True)
    d["a"].replace(1.0, 7.0, inplace=True)
    return d


@action
def chained_update(pd: Any) -> Any:
    d = table(pd)
    d["a"].update(pd.Series([5.0, 6.0]))
    return d


@action
def chained_write(pd: Any) -> Any:
    d = table(pd)
    d["a"][0] = 3
    return d


@action
def chained_loc(pd: Any) -> Any:
    d = table(pd)
    d["a"].loc[0] = 3
    d["b"].iloc[1] = 3
    return d


@action
def chained_scalars(pd: Any) -> Any:
    d = table(pd)
    d["a"].at[0] = 3.0
    d["b"].iat[1] = 3
    return d


@action
def write_to_a_row(pd: Any) -> Any:
    d = table(pd)
    rows = d.xs(0), d.loc[1], d.iloc[2]
    for row in rows:
        row["a"] = 7
    return rows, d


@action
def column_with_a_name_is_not_chained(pd: Any) -> Any:
    d = table(pd)
    s = d["a"]
    s.fillna(0, inplace=True)
    s[0] = 3
    s.loc[1] = 4
    return d


@action
def chained_frame(pd: Any) -> Any:
    d = table(pd)
    d[d["a"] > 1]["b"] = 5
    return d


@action
def write_to_a_part(pd: Any) -> Any:
    d = table(pd)
    part = d[d["a"] > 1]
    part["b"] = 5
    part.loc[1, "a"] = 7.0
    columns = d[["a", "b"]]
    columns["b"] = 1
    return part, columns, d


@action
def write_to_rows_and_columns(pd: Any) -> Any:
    d = table(pd)[["a", "b"]].astype("float64").copy()
    first, second, third = d.loc[d["a"] > 1, ["a", "b"]], d.iloc[[0, 1], [0, 1]], d.loc[[0, 1]]
    fourth, fifth = d.iloc[np.array([0, 1]), np.array([0, 1])], d.iloc[[1], :].copy()
    for part in (first, second, third, fourth, fifth, d.iloc[[0, 1]], d.loc[d["a"] > 1]):
        part.iloc[0, 0] = 7.0
        part["b"] = 1.0
    return first, second, third, fourth, fifth, d


@action
def write_to_a_copy_of_a_part(pd: Any) -> Any:
    d = table(pd)
    part = d[d["a"] > 1].copy()
    part["b"] = 5
    return part


@action
def write_to_a_part_of_what_is_gone(pd: Any) -> Any:
    part = table(pd)
    part = part[part["a"] > 1]
    part["b"] = 5
    return part


@action
def changes_of_parts_in_place(pd: Any) -> Any:
    d = table(pd)
    part = d[d["a"] > 1]
    part.dropna(inplace=True)
    other = d.head(2)
    other.drop(columns="a", inplace=True)
    return part, other


@action
def parts_by_option(pd: Any) -> Any:
    if pandas.__version__ >= "3":
        return None
    d = table(pd)
    part = d[d["a"] > 1]
    with pd.option_context("mode.chained_assignment", "raise"):
        part["b"] = 5


@action
def in_place_arguments(pd: Any) -> Any:
    d = table(pd)
    d.rename(columns={"a": "x"}, inplace=True)
    d.drop(columns="x", inplace=True)
    d.dropna(inplace=True)
    d.sort_values("b", inplace=True, ascending=False)
    d.reset_index(drop=True, inplace=True)
    d.drop_duplicates(inplace=True)
    d.set_index("b", inplace=False)
    s = d["c"].copy()
    s.sort_index(inplace=True)
    return d, s


@pytest.mark.parametrize("run", ACTIONS, ids=lambda run: run.__name__)
@pytest.mark.parametrize("backend", ["pandas", "dask"])
def test_as_pandas(backend: str, run: Callable[[Any], Any]) -> None:
    expected = outcome(run, pandas)
    with options.context(backend=backend, fallback="silent"):
        assert outcome(run, pandas_dist) == expected
