"""Local pandas as the way out: announced once per line, guarded, exact; bugs stay visible."""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import assert_same, outcome

import pandas_dist as pd
from pandas_dist import fallback
from pandas_dist.config import options
from pandas_dist.fallback import FallbackError, FallbackWarning
from pandas_dist.ops import dispatch
from pandas_dist.pandas_private import PANDAS_3
from pandas_dist.report import counters


@pytest.fixture(autouse=True)
def dask() -> Iterator[None]:
    fallback._announced.clear()
    with options.context(backend="dask", fallback="warn", partition_bytes=2000):
        yield
    fallback._announced.clear()


def small(module: Any = pd) -> Any:
    return module.DataFrame({"a": [3, 1, 2, 1], "b": [1.5, None, 2.5, 0.0], "s": list("xyzx")})


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a method have no native form, or only for a reason."""
    dispatch._load_rules()

    def refuse(owner: str, name: str, reason: str | None = None) -> None:
        if reason is None:
            monkeypatch.delitem(dispatch.RULES, (owner, name), raising=False)
            return

        def run(plan: Any, *args: Any) -> Any:
            raise fallback.NotNative(reason)

        monkeypatch.setitem(dispatch.RULES, (owner, name), dispatch.Rule(owner, name, run, "rows"))

    return refuse


def caught(action: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        action()
    return [w for w in seen if issubclass(w.category, FallbackWarning)]


# -- the announcement -----------------------------------------------------------------------------


def test_the_warning_says_what_where_and_why(refused: Any) -> None:
    refused("DataFrame", "abs", "it is a test")
    df = small()[["a", "b"]]
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    (warning,) = caught(lambda: df.abs())
    text = str(warning.message)
    assert (warning.filename, warning.lineno) == (__file__, line)
    for part in ("DataFrame.abs", "dask", "it is a test", "4 rows", "MB", f"{__file__}:{line}"):
        assert part in text, text


def test_once_for_each_line_and_reason(refused: Any) -> None:
    refused("Series", "abs", "first")
    s = small()["a"]

    def one_line() -> None:
        for _ in range(3):
            s.abs()

    assert len(caught(one_line)) == 1
    assert len(caught(one_line)) == 0
    assert len(caught(lambda: s.abs())) == 1
    refused("Series", "abs", "second")
    assert len(caught(one_line)) == 1


def test_every_way_of_calling_points_at_the_user(refused: Any) -> None:
    for owner, name in (
        ("DataFrame", "__getitem__"),
        ("DataFrame", "__setitem__"),
        ("DataFrame", "loc.get"),
        ("DataFrame", "iloc.set"),
        ("DataFrame", "__add__"),
        ("DataFrame", "query"),
        ("Series", "__gt__"),
    ):
        refused(owner, name, f"no {name}")

    def use() -> None:
        df = small()
        part = df[["a", "b"]]
        df["c"] = 1
        df.loc[0]
        df.iloc[0, 0] = 5
        part + 1
        df.query("a > 1")
        _ = df.a > 1
        pd.crosstab(df["a"], df["s"])
        len(pd.concat([df, df], axis=1, keys=["x", "y"]))

    found = caught(use)
    assert {w.filename for w in found} == {__file__}
    first = use.__code__.co_firstlineno
    assert {w.lineno - first for w in found} >= {2, 3, 4, 5, 6, 7, 8}


def test_counts_in_the_report(refused: Any) -> None:
    refused("Series", "abs", "it is a test")
    before = counters.fallbacks.get(("Series.abs", "it is a test"), 0)
    caught(lambda: [small()["a"].abs() for _ in range(2)])
    assert counters.fallbacks["Series.abs", "it is a test"] == before + 2


def test_policies(refused: Any) -> None:
    refused("Series", "abs", "it is a test")
    s = small()["b"]
    with options.context(fallback="silent"):
        assert caught(lambda: s.abs()) == []
    with options.context(fallback="error"):
        with pytest.raises(FallbackError, match=r"Series\.abs .*it is a test"):
            s.abs()
        s = s + 1  # nothing has happened to it
    with pytest.warns(FallbackWarning):
        plain.testing.assert_series_equal(s.abs(), small(plain)["b"].abs() + 1)


def test_nothing_is_announced_under_pandas(refused: Any) -> None:
    refused("Series", "abs", "it is a test")
    with options.context(backend="pandas"):
        assert caught(lambda: small()["a"].abs()) == []


# -- the memory guard -----------------------------------------------------------------------------


def test_the_guard_names_the_operation_and_the_way_out(refused: Any) -> None:
    refused("DataFrame", "abs")
    df = pd.DataFrame({"a": np.arange(10_000), "b": np.arange(10_000) / 2})
    more = df + 1
    with options.context(memory_limit=10_000):
        with pytest.raises(MemoryError, match=r"DataFrame\.abs") as error:
            more.abs()
        assert "PANDAS_DIST_MEMORY_LIMIT" in str(error.value)
        with pytest.raises(MemoryError, match=r"DataFrame.iloc.set|iloc"):
            refused("DataFrame", "iloc.set")
            more.iloc[0, 0] = 7
    assert int(more["a"].sum()) == int((np.arange(10_000) + 1).sum())
    caught(lambda: more.abs())
    assert more.iloc[0, 0] == 1


# -- exact results --------------------------------------------------------------------------------

CALLS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "method": ("DataFrame", "sort_values", lambda df: df.sort_values(["a", "b"])),
    "keyword": ("DataFrame", "drop", lambda df: df.drop(columns=["a"])),
    "ours as argument": ("DataFrame", "merge", lambda df: df.merge(df.head(2), on="s")),
    "tuple": ("Series", "factorize", lambda df: df["s"].factorize()),
    "scalar": ("Series", "sum", lambda df: df["b"].sum()),
    "error": ("DataFrame", "drop", lambda df: df.drop(columns=["zz"])),
    "bad arguments": ("DataFrame", "drop", lambda df: df.drop(nonsense=1)),
    "setitem": ("DataFrame", "__setitem__", lambda df: df.__setitem__("z", df["a"] * 2)),
    "setitem error": ("DataFrame", "__setitem__", lambda df: df.__setitem__("z", [1])),
    "delitem": ("DataFrame", "__delitem__", lambda df: df.__delitem__("a")),
    "insert": ("DataFrame", "insert", lambda df: df.insert(0, "z", df["a"])),
    "pop": ("DataFrame", "__delitem__", lambda df: df.pop("a")),
    "loc": ("DataFrame", "loc.set", lambda df: df.loc.__setitem__((df["a"] > 1, "b"), 9.0)),
    "iloc": ("DataFrame", "iloc.set", lambda df: df.iloc.__setitem__((0, 0), 9)),
    "columns": ("DataFrame", "_set_columns", lambda df: setattr(df, "columns", list("xyz"))),
    "index": ("DataFrame", "_set_index", lambda df: setattr(df, "index", list("wxyz"))),
    "rename": ("DataFrame", "rename", lambda df: df.rename(columns={"a": "z"}, inplace=True)),
    "positional": ("DataFrame", "reset_index", lambda df: df.reset_index(drop=True, inplace=True)),
    "query": ("DataFrame", "query", lambda df: df.query("a > 1", inplace=True)),
    "update": ("DataFrame", "update", lambda df: df.update({"b": [None, 5.0, None, None]})),
    "column": ("Series", "fillna", lambda df: df["b"].fillna(0, inplace=True)),
    "series": ("Series", "__setitem__", lambda df: df["b"].copy().__setitem__(0, 5.0)),
    "frame method": ("DataFrame", "fillna", lambda df: df.fillna({"b": 1.0}, inplace=True)),
}


@pytest.mark.parametrize("reason", [None, "a reason"])
@pytest.mark.parametrize("what", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_results_and_changes_are_those_of_pandas(
    refused: Any, what: str, reason: str | None
) -> None:
    owner, name, action = CALLS[what]

    def act(module: Any) -> Any:
        df = small(module)
        kept = df.copy()
        result = outcome(lambda: action(df))
        return result.value if result.error is None else repr(result.error), df, kept

    want = act(plain)
    refused(owner, name, reason)
    assert_same(act(pd), want)


def test_a_bug_in_a_rule_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch._load_rules()

    def broken(plan: Any, p: Any) -> Any:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setitem(
        dispatch.RULES, ("Series", "abs"), dispatch.Rule("Series", "abs", broken, "rows")
    )
    with pytest.raises(ZeroDivisionError, match="a bug of ours"):
        small()["a"].abs()


# -- warnings and tracebacks of pandas ------------------------------------------------------------

WARNED: dict[str, Callable[[Any], Any]] = {
    "attribute": lambda df: setattr(df, "extra", [1]),
    "concat": lambda df: pd.concat([df[["b"]].iloc[:0], df[["b"]] * np.nan, df[["a"]]]),
    "to_datetime": lambda df: pd.to_datetime(df["s"] + "1", errors="coerce"),
    "series to_datetime": lambda df: pd.to_datetime(pd.Series(["1/13/2020", "x"]), errors="coerce"),
    "upcast": lambda df: df.loc.__setitem__((0, "a"), 1.5),
    "upcast text": lambda df: df.iloc.__setitem__((0, 0), "text"),
    "groupby": lambda df: df.groupby("s").apply(lambda g: g["a"].sum()),
    "str": lambda df: df["s"].str.contains("(x)"),
    "sum": lambda df: df.groupby("s")["a"].agg(np.sum),
    **(
        {}
        if PANDAS_3
        else {
            "fillna": lambda df: df.fillna(method="ffill"),
            "series fillna": lambda df: df["b"].fillna(method="ffill"),
            "applymap": lambda df: df[["a"]].applymap(str),
            "first": lambda df: df.set_index(pd.date_range("2024", periods=4)).first("1D"),
            "getitem": lambda df: df.set_index("s")["a"][0],
            "replace": lambda df: df["s"].replace({"x": 1, "y": 2, "z": 3}),
            "pct_change": lambda df: df["b"].pct_change(),
            "swapaxes": lambda df: df.swapaxes(0, 1),
            "bool": lambda df: df.iloc[:1, :1].bool(),
        }
    ),
}


@pytest.mark.parametrize("backend", ["pandas", "dask"])
@pytest.mark.parametrize("what", WARNED)
def test_warnings_of_pandas_point_at_the_user(backend: str, what: str) -> None:
    def seen(module: Any) -> list[tuple[type, str]]:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            df = small(module)
            outcome(lambda: WARNED[what](df))
        ours = [w for w in found if w.category is not FallbackWarning]
        return [(w.category, w.filename) for w in ours if "onvert" not in w.category.__name__]

    with options.context(backend=backend, fallback="silent"):
        got = seen(pd)
    want = seen(plain)
    assert set(got) == set(want)


def test_tracebacks_are_short() -> None:
    df = small()
    for action in (
        lambda: df["zz"],
        lambda: df.drop(columns="zz"),
        lambda: df.loc[99],
        lambda: df["s"].astype(int),
        lambda: df.merge(df, on="zz"),
    ):
        with pytest.raises(Exception) as error:
            action()
        frames = traceback.extract_tb(error.value.__traceback__)
        ours = [f for f in frames if "pandas_dist" in f.filename]
        assert frames[1].filename == __file__
        assert len(ours) <= 9, [f"{f.filename}:{f.name}" for f in ours]
