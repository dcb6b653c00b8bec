"""The object model: what scripts and libraries may do with a frame whose rows have not arrived."""

from __future__ import annotations

import copy
import functools
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pyarrow
import pytest
from strict import assert_same, outcome

import pandas_dist as pd
from pandas_dist import pandas_private
from pandas_dist.config import options
from pandas_dist.plan.frames import SeriesPlan
from pandas_dist.report import counters

PANDAS_3 = pandas_private.PANDAS_3
ROWS = 400


def raw() -> dict[str, Any]:
    return {
        "a": np.arange(ROWS) % 50,
        "b": np.where(np.arange(ROWS) % 7 == 0, np.nan, np.arange(ROWS) / 3),
        "s": [None if n % 11 == 0 else "xyz"[n % 3] for n in range(ROWS)],
    }


@pytest.fixture(params=["pandas", "dask"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with options.context(backend=request.param, fallback="silent", partition_bytes=2000):
        yield request.param


@pytest.fixture
def dask() -> Iterator[None]:
    with options.context(backend="dask", fallback="silent", partition_bytes=2000):
        yield


@pytest.fixture
def parquet(tmp_path: Path) -> str:
    path = tmp_path / "rows.parquet"
    plain.DataFrame(raw()).to_parquet(path, row_group_size=100)
    return str(path)


def lazy(parquet: str) -> Any:
    """A LAZY frame that has to run to know its rows."""
    df = pd.read_parquet(parquet)
    return df[df["a"] > 10]


def is_lazy(obj: Any) -> bool:
    return "_plan" in obj.__dict__ and "_mgr" not in obj.__dict__


def executions(action: Callable[[], Any]) -> int:
    before = counters.executions
    action()
    return counters.executions - before


def both(action: Callable[[Any], Any]) -> None:
    """The same action gives the same with pandas and with us."""

    def run(module: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return action(module)

    assert_same(outcome(lambda: run(pd)), outcome(lambda: run(plain)))


# -- running once ------------------------------------------------------------------------------


def test_an_attribute_error_inside_a_plan_is_kept(dask: None, monkeypatch: Any) -> None:
    df = pd.DataFrame(raw())
    column = (df["a"] + 1).to_frame()
    calls = []

    def broken(self: Any) -> Any:
        calls.append(1)
        raise AttributeError("inside the plan")

    monkeypatch.setattr(type(column.__dict__["_plan"]), "_collect", broken)
    for touch in (lambda: column._mgr, lambda: column.sum(), lambda: column.values, column.copy):
        with pytest.raises(AttributeError, match="inside the plan"):
            np.asarray(touch())
    assert len(calls) == 1


def test_an_attribute_error_of_a_series(dask: None, monkeypatch: Any) -> None:
    s = pd.DataFrame(raw())["a"] + 1
    calls = []

    def broken(self: Any) -> Any:
        calls.append(1)
        raise AttributeError("inside the plan")

    monkeypatch.setattr(SeriesPlan, "_collect", broken)
    for _ in range(3):
        with pytest.raises(AttributeError, match="inside the plan"):
            s.no_such_thing_as_values = s.values
    assert len(calls) == 1


def test_threads_run_a_plan_once(dask: None, parquet: str) -> None:
    df = lazy(parquet)
    results: list[int] = []
    start = threading.Barrier(4)

    def touch() -> None:
        start.wait()
        results.append(len(df.values))

    threads = [threading.Thread(target=touch) for _ in range(4)]
    before = counters.executions
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert counters.executions - before == 1
    assert results == [len(plain.DataFrame(raw()).query("a > 10"))] * 4


def test_first_touch_makes_the_frame_local(dask: None, parquet: str) -> None:
    df = lazy(parquet)
    assert is_lazy(df)
    assert executions(lambda: df._mgr) == 1
    assert "_mgr" in df.__dict__ and "_plan" not in df.__dict__
    assert executions(lambda: (df._mgr, df.shape, plain.DataFrame.count(df))) == 0


# -- served from the schema ----------------------------------------------------------------------

FRAME_FREE: dict[str, Callable[[Any], Any]] = {
    "columns": lambda df: list(df.columns),
    "dtypes": lambda df: df.dtypes.tolist(),
    "ndim": lambda df: df.ndim,
    "keys": lambda df: df.keys(),
    "contains": lambda df: ("a" in df, "zz" in df),
    "copy": lambda df: copy.copy(df).columns,
    "method copy": lambda df: df.copy().columns,
    "deepcopy": lambda df: copy.deepcopy(df).columns,
    "hasattr": lambda df: (hasattr(df, "fit"), hasattr(df, "__sklearn_tags__")),
    "unknown dunders": lambda df: [hasattr(df, f"__{n}__") for n in ("cuda", "geo_interface")],
    "mimebundle": lambda df: hasattr(df, "_repr_mimebundle_"),
    "ipython": lambda df: hasattr(df, "_ipython_display_"),
    "iteration": lambda df: [c for c in df],  # list() asks for the length
    "attribute": lambda df: df.a.name,
    "flags": lambda df: df.flags.allows_duplicate_labels,
    "attrs": lambda df: df.attrs,
    "dir": lambda df: "a" in dir(df),
    "rename": lambda df: df.rename(columns=str.upper).columns,
    "isinstance": lambda df: isinstance(df, plain.DataFrame),
}
SERIES_FREE: dict[str, Callable[[Any], Any]] = {
    "name": lambda s: s.name,
    "dtype": lambda s: (s.dtype, s.dtypes),
    "ndim": lambda s: s.ndim,
    "copy": lambda s: copy.copy(s).name,
    "hasattr": lambda s: (hasattr(s, "fit"), hasattr(s, "columns")),
    "unknown dunders": lambda s: hasattr(s, "__cuda_array_interface__"),
    "rename": lambda s: s.rename("q").name,
    "attrs": lambda s: s.attrs,
}
COUNTED: dict[str, Callable[[Any], Any]] = {
    "len": len,
    "shape": lambda x: x.shape,
    "size": lambda x: x.size,
    "empty": lambda x: x.empty,
}


@pytest.mark.parametrize("what", FRAME_FREE)
def test_frame_from_the_schema(dask: None, parquet: str, what: str) -> None:
    df = lazy(parquet)
    want = FRAME_FREE[what](plain.read_parquet(parquet).query("a > 10"))
    found: list[Any] = []
    assert executions(lambda: found.append(FRAME_FREE[what](df))) == 0
    assert is_lazy(df)
    if isinstance(want, plain.Index):
        plain.testing.assert_index_equal(found[0], want)
    else:
        assert found[0] == want


@pytest.mark.parametrize("what", SERIES_FREE)
def test_series_from_the_schema(dask: None, parquet: str, what: str) -> None:
    s = lazy(parquet)["a"]
    want = SERIES_FREE[what](plain.read_parquet(parquet).query("a > 10")["a"])
    found: list[Any] = []
    assert executions(lambda: found.append(SERIES_FREE[what](s))) == 0
    assert is_lazy(s)
    assert found[0] == want


@pytest.mark.parametrize("what", COUNTED)
@pytest.mark.parametrize("column", [False, True])
def test_one_count_is_remembered(dask: None, parquet: str, what: str, column: bool) -> None:
    df, want = lazy(parquet), plain.read_parquet(parquet).query("a > 10")
    x, y = (df["a"], want["a"]) if column else (df, want)
    assert executions(lambda: (COUNTED[what](x), COUNTED[what](x), len(x), x.shape)) == 1
    assert is_lazy(x)
    assert COUNTED[what](x) == COUNTED[what](y)


def test_index_and_axes_leave_the_columns_alone(dask: None, parquet: str) -> None:
    df, want = lazy(parquet), plain.read_parquet(parquet).query("a > 10")
    plain.testing.assert_index_equal(df.index, want.index)
    assert df.index is df.index
    plain.testing.assert_index_equal(df.axes[0], want.axes[0])
    plain.testing.assert_index_equal(df.axes[1], want.axes[1])
    assert is_lazy(df)


def test_repr_mimebundle_of_ipython(backend: str) -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    df = pd.DataFrame(raw())
    found = formatters.DisplayFormatter().format(df)[0]
    assert found["text/plain"] == repr(plain.DataFrame(raw()))


# -- classes -----------------------------------------------------------------------------------


def test_classes_pass_for_pandas(backend: str) -> None:
    df, theirs = pd.DataFrame(raw()), plain.DataFrame(raw())
    assert isinstance(df, plain.DataFrame) and isinstance(theirs, pd.DataFrame)
    assert isinstance(df["a"], plain.Series) and isinstance(theirs["a"], pd.Series)
    assert not isinstance(df["a"], pd.DataFrame) and not isinstance(theirs, pd.Series)
    assert type(df) == plain.DataFrame and plain.DataFrame == type(df)  # noqa: E721
    assert type(df) == type(theirs) and type(theirs) == type(df)  # noqa: E721
    assert type(df["a"]) == plain.Series and type(df) != plain.Series  # noqa: E721
    assert {plain.DataFrame: 1}[type(df)] == 1 and {type(df): 1}[plain.DataFrame] == 1
    assert type(df) in (plain.DataFrame, plain.Series)
    assert repr(type(df)) == repr(plain.DataFrame) and str(type(df["a"])) == str(plain.Series)
    assert issubclass(plain.DataFrame, pd.DataFrame) and issubclass(pd.Series, plain.Series)
    assert type(df).__name__ == "DataFrame" and type(df).__module__ == plain.DataFrame.__module__


def test_singledispatch(backend: str) -> None:
    @functools.singledispatch
    def kind(x: Any) -> str:
        return "other"

    kind.register(plain.DataFrame, lambda x: "frame")
    kind.register(pd.Series, lambda x: "series")
    df, theirs = pd.DataFrame(raw()), plain.DataFrame(raw())
    assert [kind(x) for x in (df, theirs, df["a"], theirs["a"], 1)] == [
        "frame",
        "frame",
        "series",
        "series",
        "other",
    ]


def test_assertions_compare_classes(backend: str) -> None:
    df, theirs = pd.DataFrame(raw()), plain.DataFrame(raw())
    plain.testing.assert_frame_equal(df, theirs, check_frame_type=True)
    plain.testing.assert_frame_equal(theirs, df, check_frame_type=True)
    plain.testing.assert_series_equal(df["b"], theirs["b"], check_series_type=True)
    plain.testing.assert_series_equal(theirs["b"], df["b"], check_series_type=True)
    with pytest.raises(AssertionError):
        plain.testing.assert_frame_equal(df, theirs.assign(a=0))


def test_subclasses_of_users(backend: str) -> None:
    class Mine(pd.DataFrame):
        _metadata = ["unit"]

        @property
        def _constructor(self) -> Any:
            return Mine

        def double(self) -> Any:
            return self * 2

    mine = Mine({"a": [1, 2, 3], "b": [4.0, 5.0, None]})
    mine.unit = "kg"
    assert type(mine.head(2)) is Mine and type(mine.double()) is Mine
    assert type(mine[mine["a"] > 1]) is Mine and mine.head(2).unit == "kg"
    assert type(mine["a"]) is pd.Series and mine["a"].sum() == 6
    mine["c"] = mine["a"] + 1
    mine.loc[mine["a"] > 1, "b"] = 0.0
    want = plain.DataFrame({"a": [1, 2, 3], "b": [4.0, 0.0, 0.0], "c": [2, 3, 4]})
    plain.testing.assert_frame_equal(plain.DataFrame(mine), want)
    assert not isinstance(pd.DataFrame({}), Mine) and not isinstance(want, Mine)
    assert isinstance(mine, pd.DataFrame)


# -- copies and pickles ------------------------------------------------------------------------

READER = """
import pickle, sys
sys.modules["pandas_dist"] = None
import pandas
frame, series, cls = pickle.load(open(sys.argv[1], "rb"))
assert type(frame) is pandas.DataFrame and type(series) is pandas.Series, type(frame)
assert cls is pandas.DataFrame
assert frame["a"].sum() == int(sys.argv[2]) and series.name == "b"
assert frame.attrs == {"source": "made"}, frame.attrs
"""


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_those_of_pandas(backend: str, tmp_path: Path, protocol: int) -> None:
    df = pd.DataFrame(raw())
    df.attrs["source"] = "made"
    df = df[df["a"] > 10]
    text = pickle.dumps((df, df["b"], type(df)), protocol)
    assert b"pandas_dist" not in text
    path = tmp_path / "objects.pickle"
    path.write_bytes(text)
    if protocol in (0, 5):
        total = str(int(df["a"].sum()))
        subprocess.run([sys.executable, "-c", READER, str(path), total], check=True, timeout=120)
    back, column, cls = pickle.loads(text)
    assert type(back) is plain.DataFrame and cls is plain.DataFrame
    plain.testing.assert_frame_equal(back, plain.DataFrame(raw()).query("a > 10"))
    assert column.name == "b"


def test_copies_are_independent(backend: str) -> None:
    def act(module: Any) -> Any:
        df = module.DataFrame(raw())
        deep, shallow, third = copy.deepcopy(df), copy.copy(df), df.copy()
        deep["a"] = 0
        third.loc[0, "b"] = -1.0
        shallow["n"] = 1
        return df, deep, third, list(shallow.columns)

    both(act)


@pytest.mark.parametrize("given", [{"copy": True}, {}, {"copy": None}])
def test_constructor_copies(backend: str, given: dict[str, Any]) -> None:
    if backend == "dask" and given != {"copy": True}:
        pytest.skip("a LAZY frame never shares memory with another")

    def act(module: Any) -> Any:
        df = module.DataFrame({"a": [1, 2, 3], "b": [1.0, 2.0, 3.0]})
        other = module.DataFrame(df, **given)
        other.loc[0, "a"] = 100
        return df, other

    both(act)


def test_attrs_and_flags(backend: str) -> None:
    def act(module: Any) -> Any:
        df = module.DataFrame({"a": [1, 2], "b": [3, 4]})
        df.attrs["unit"] = ["kg"]
        head, column, total = df.head(1), df["a"], df + 1
        head.attrs["unit"].append("g")
        strict = df.set_flags(allows_duplicate_labels=False)
        return (
            [x.attrs for x in (df, head, column, total, df.copy(), df.rename(columns={"a": "z"}))],
            strict.flags.allows_duplicate_labels,
            strict.head(1).flags.allows_duplicate_labels,
            df.flags.allows_duplicate_labels,
            module.DataFrame(df).attrs,
        )

    both(act)


def test_duplicate_labels_are_refused(backend: str) -> None:
    both(
        lambda m: m.DataFrame({"a": [1, 2]}, index=[0, 0]).set_flags(allows_duplicate_labels=False)
    )


# -- with plain pandas, NumPy, Arrow, and the rest ----------------------------------------------


def mixed() -> dict[str, Callable[[Any, Any], Any]]:
    return {
        "add": lambda ours, theirs: ours[["a", "b"]] + theirs[["a", "b"]],
        "radd": lambda ours, theirs: theirs[["a", "b"]] + ours[["a", "b"]],
        "series": lambda ours, theirs: theirs["a"] * ours["b"],
        "concat": lambda ours, theirs: plain.concat([theirs, ours]),
        "concat ours first": lambda ours, theirs: plain.concat([ours, theirs], axis=1),
        "our concat": lambda ours, theirs: pd.concat([theirs, ours]),
        "merge": lambda ours, theirs: ours.merge(theirs.head(20), on="a"),
        "plain merge": lambda ours, theirs: theirs.head(20).merge(ours, on="a"),
        "join": lambda ours, theirs: theirs.join(ours, rsuffix="_r"),
        "assign": lambda ours, theirs: theirs.assign(z=ours["a"]),
        "mask": lambda ours, theirs: theirs[ours["a"] > 5],
        "our mask": lambda ours, theirs: ours[theirs["a"] > 5],
        "isin": lambda ours, theirs: theirs[theirs["a"].isin(ours["a"].head(3))],
        "groupby": lambda ours, theirs: theirs.groupby(ours["a"])["b"].sum(),
        "constructor": lambda ours, theirs: plain.DataFrame(ours),
        "dict": lambda ours, theirs: plain.DataFrame({"x": ours["a"], "y": theirs["b"]}),
        "series of": lambda ours, theirs: plain.Series(ours["a"]),
        "isna": lambda ours, theirs: plain.isna(ours),
        "cut": lambda ours, theirs: plain.cut(ours["a"], 3).astype(str),
        "equals": lambda ours, theirs: (theirs.equals(ours), ours.equals(theirs)),
        "asarray": lambda ours, theirs: np.asarray(ours[["a", "b"]]),
        "sqrt": lambda ours, theirs: np.sqrt(ours[["a", "b"]]),
        "sqrt of a series": lambda ours, theirs: np.sqrt(ours["b"]),
        "maximum": lambda ours, theirs: np.maximum(ours["a"], theirs["b"]),
        "where": lambda ours, theirs: np.where(ours["a"] > 5, ours["b"], 0),
        "array_equal": lambda ours, theirs: np.array_equal(ours["a"], theirs["a"]),
        "concatenate": lambda ours, theirs: np.concatenate([ours["a"], theirs["a"]]),
        "array": lambda ours, theirs: np.array(ours["a"]),
        "isin of numpy": lambda ours, theirs: np.isin(ours["a"], [1, 2]),
        "arrow": lambda ours, theirs: pyarrow.Table.from_pandas(ours).to_pandas(),
        "arrow array": lambda ours, theirs: pyarrow.Array.from_pandas(ours["s"]).to_pylist(),
        "interchange": lambda ours, theirs: ours[["a", "b"]].__dataframe__().num_rows(),
        "__array__": lambda ours, theirs: ours[["a"]].__array__(),
        "values": lambda ours, theirs: ours[["a", "b"]].values,
        "iloc": lambda ours, theirs: ours.iloc[[1, 3]],
        "take": lambda ours, theirs: ours.take([0, 5], axis=0),
        "sum": lambda ours, theirs: (sum(ours["a"]), max(ours["a"]), sorted(ours["a"])[:3]),
        "style": lambda ours, theirs: ours.head(3).style.format(precision=1).to_html(uuid="x"),
        "to_html": lambda ours, theirs: ours.head(3).to_html(),
        "_repr_html_": lambda ours, theirs: ours._repr_html_(),
        "to_string": lambda ours, theirs: ours.head().to_string(),
        "to_dict": lambda ours, theirs: ours.to_dict("records"),
        "items": lambda ours, theirs: [(k, v.tolist()) for k, v in ours[["a"]].items()],
        "iterrows": lambda ours, theirs: [(k, list(v)) for k, v in ours[["a"]].iterrows()],
        "itertuples": lambda ours, theirs: [tuple(t) for t in ours[["a"]].itertuples()],
        "describe": lambda ours, theirs: ours.describe(),
        "pipe": lambda ours, theirs: ours.pipe(lambda df, n: df.head(n), 3),
    }


@pytest.mark.parametrize("what", mixed())
@pytest.mark.filterwarnings("ignore")
def test_beside_plain_pandas_and_libraries(backend: str, parquet: str, what: str) -> None:
    action = mixed()[what]
    theirs = plain.read_parquet(parquet)
    ours = pd.read_parquet(parquet)
    assert_same(outcome(lambda: action(ours, theirs)), outcome(lambda: action(theirs, theirs)))


@pytest.mark.filterwarnings("ignore")
def test_plots(backend: str, parquet: str) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")

    def draw(df: Any) -> list[Any]:
        axes = pyplot.subplots()[1]
        axes.plot(df["a"], df["b"])
        axes.bar(df["a"].head(3), df["a"].head(3))
        df.plot(y="b", ax=axes)
        df["a"].plot.hist(ax=axes)
        df["a"].hist(ax=axes)
        grid = df[["a", "b"]].hist()
        lines = [line.get_xydata().tolist() for line in axes.get_lines()]
        count = len(axes.patches), grid.shape
        pyplot.close("all")
        return [repr(lines), count]

    assert draw(pd.read_parquet(parquet)) == draw(plain.read_parquet(parquet))


@pytest.mark.filterwarnings("ignore")
def test_a_library_that_goes_by_looks(backend: str, parquet: str) -> None:
    def looks(x: Any) -> Any:
        assert hasattr(x, "__array__") and hasattr(x, "iloc") and hasattr(x, "shape")
        assert hasattr(x, "columns") and not hasattr(x, "fit")
        rows = np.random.default_rng(1).permutation(x.shape[0])[:10]
        part = x.iloc[rows]
        names = np.asarray(x.columns, dtype=object)
        return np.asarray(part, dtype="float64"), names, part.index, [str(t) for t in x.dtypes]

    want = looks(plain.read_parquet(parquet)[["a", "b"]])
    got = looks(pd.read_parquet(parquet)[["a", "b"]])
    assert_same(outcome(lambda: got), outcome(lambda: want))


def test_info_is_the_same_text(backend: str, parquet: str) -> None:
    def text(module: Any, **given: Any) -> str:
        import io

        out = io.StringIO()
        df = module.read_parquet(parquet)
        df.info(buf=out, **given)
        df[df["a"] > 10][["a", "b"]].info(buf=out, **given)
        df["b"].info(buf=out, **given)
        return out.getvalue()

    assert text(pd) == text(plain)
    assert text(pd).startswith("<class 'pandas.")
    assert text(pd, memory_usage="deep", verbose=True) == text(
        plain, memory_usage="deep", verbose=True
    )


# -- changes in place ----------------------------------------------------------------------------


def small(module: Any) -> Any:
    return module.DataFrame(
        {
            "a": [3, 1, 2, 1, 3, 2],
            "b": [1.5, None, 2.5, None, 0.0, 4.0],
            "s": ["x", "y", None, "y", "x", "z"],
        }
    )


FRAME_INPLACE: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "rename": ("rename", (), {"columns": {"a": "z"}}),
    "rename rows": ("rename", (), {"index": {0: 9}}),
    "drop": ("drop", (), {"columns": ["a"]}),
    "drop rows": ("drop", ([0, 1],), {}),
    "dropna": ("dropna", (), {}),
    "fillna": ("fillna", ({"b": 0.0, "s": "q"},), {}),
    "sort_values": ("sort_values", ("a",), {"kind": "stable"}),
    "sort_index": ("sort_index", (), {"ascending": False}),
    "reset_index": ("reset_index", (), {}),
    "set_index": ("set_index", ("s",), {}),
    "replace": ("replace", (1, 100), {}),
    "query": ("query", ("a > 1",), {}),
    "eval": ("eval", ("z = a * 2",), {}),
    "mask": ("mask", (lambda df: df["a"] > 1, 0), {}),
    "where": ("where", (lambda df: df["a"] > 1, 0), {}),
    "drop_duplicates": ("drop_duplicates", (["a"],), {}),
    "rename_axis": ("rename_axis", ("id",), {}),
    "ffill": ("ffill", (), {}),
    "bfill": ("bfill", (), {}),
}
SERIES_INPLACE: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "rename": ("rename", ("q",), {}),
    "drop": ("drop", ([0],), {}),
    "dropna": ("dropna", (), {}),
    "fillna": ("fillna", (0.0,), {}),
    "sort_index": ("sort_index", (), {"ascending": False}),
    "reset_index": ("reset_index", (), {"drop": True}),
    "replace": ("replace", (1.5, 100.0), {}),
    "mask": ("mask", (lambda s: s > 1, 0.0), {}),
    "where": ("where", (lambda s: s > 1, 0.0), {}),
    "clip": ("clip", (1.0, 2.0), {}),
    "drop_duplicates": ("drop_duplicates", (), {}),
    "rename_axis": ("rename_axis", ("id",), {}),
    "ffill": ("ffill", (), {}),
    "interpolate": ("interpolate", (), {}),
    "sort_values": ("sort_values", (), {}),
}


@pytest.mark.parametrize("what", FRAME_INPLACE)
def test_frame_in_place(backend: str, what: str) -> None:
    name, args, kwargs = FRAME_INPLACE[what]

    def act(module: Any) -> Any:
        df = small(module)
        alias, taken = df, df.copy()
        result = getattr(df, name)(*args, **kwargs, inplace=True)
        return result, df, alias is df, taken

    both(act)


def test_clip_in_place(backend: str) -> None:
    def act(module: Any) -> Any:
        df = small(module)[["a", "b"]]
        return df.clip(1, 2, inplace=True), df

    both(act)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("what", SERIES_INPLACE)
def test_series_in_place(backend: str, what: str, column: bool) -> None:
    """Of a series of its own, and of a column, which on pandas 2 changes the frame."""
    name, args, kwargs = SERIES_INPLACE[what]

    def act(module: Any) -> Any:
        df = small(module)
        s = df["b"] if column else df["b"].copy()
        result = getattr(s, name)(*args, **kwargs, inplace=True)
        return result, s, df

    both(act)


CHANGES: dict[str, Callable[[Any], Any]] = {}


def change(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    CHANGES[f.__name__] = f
    return f


@change
def augmented(df: Any) -> Any:
    df["a"] += 1
    df["b"] *= 2
    df["a"] -= df["b"]
    alias = df
    df.loc[df["b"] > 2, "b"] += 10
    df["c"] = 1
    df["c"] //= 2
    return df, alias is df


@change
def augmented_frame(df: Any) -> Any:
    part = df[["a", "b"]]
    alias = part
    part += 1
    part -= part * 2
    part **= 2
    return part, alias is part, df


@change
def augmented_series(df: Any) -> Any:
    s = df["b"].copy()
    alias = s
    s += 1
    s /= 2
    s -= df["a"].head(3)
    return s, alias is s, s.name, df


@change
def augmented_masks(df: Any) -> Any:
    m = df["a"] > 1
    m &= df["b"] > 1
    m |= df["a"] == 3
    m ^= True
    return m


@change
def augmented_taken_column(df: Any) -> Any:
    s = df["b"]
    s += 1
    return df, s


@change
def chained_assignment(df: Any) -> Any:
    df["a"][df["a"] > 1] = 0
    df["b"].fillna(-1, inplace=True)
    df["s"][0] = "first"
    df.a.loc[2] = 50
    df["b"].iloc[-1] = 9.0
    df["a"].at[1] = 8
    return df


@change
def chained_after_replacement(df: Any) -> Any:
    s = df["a"]
    df["a"] = df["a"] + 100
    s[0] = -1
    return df, s


@change
def chained_on_copies(df: Any) -> Any:
    s = df["a"].copy()
    s[0] = -1
    part = df[df["a"] > 1]
    part["a"][0] = -2
    return df, s, part


@change
def frame_change_seen_by_column(df: Any) -> Any:
    s = df["a"]
    df.loc[df["a"] > 2, "a"] = 0
    df.iloc[1, 0] = 77
    return df, s


@change
def attribute_of_a_column(df: Any) -> Any:
    df.a = df.a * 2
    df.b = 0
    return df


@change
def attribute_that_is_no_column(df: Any) -> Any:
    df.extra = [1, 2, 3]
    df.note = "hello"
    return df, df.extra, df.note, list(df.columns)


@change
def deleting(df: Any) -> Any:
    del df["a"]
    s = df.pop("b")
    return df, s


@change
def deleting_what_is_missing(df: Any) -> Any:
    del df["zz"]


@change
def popping_what_is_missing(df: Any) -> Any:
    df.pop("zz")


@change
def inserting(df: Any) -> Any:
    df.insert(1, "n", df["a"] * 2)
    df.insert(0, "first", 0)
    df.insert(len(df.columns), "last", [1, 2, 3, 4, 5, 6])
    return df


@change
def inserting_twice(df: Any) -> Any:
    df.insert(1, "a", 0)


@change
def index_from_a_column(df: Any) -> Any:
    df.index = df["s"]
    return df, df.index.name


@change
def names_of_labels(df: Any) -> Any:
    df.index.name = "id"
    df.columns.name = "what"
    copied = df.copy()
    copied.index.name = "other"
    copied.columns.name = "else"
    kept = df[df["a"] > 1]
    return df, copied, kept, df["a"], df.reset_index()


@change
def columns_renamed(df: Any) -> Any:
    df.columns = ["x", "y", "z"]
    df.columns = df.columns.str.upper()
    return df


@change
def columns_of_the_wrong_number(df: Any) -> Any:
    df.columns = ["x"]


@change
def updating(df: Any) -> Any:
    df.update({"b": [None, 7.0, None, 8.0, None, None]})
    return df


@change
def rows_deleted_from_a_series(df: Any) -> Any:
    s = df["a"].copy()
    del s[0]
    value = s.pop(1)
    s[10] = 5
    return s, value, df


@change
def series_names(df: Any) -> Any:
    s = df["a"]
    s.name = "q"
    s.index.name = "id"
    t = s.rename("r")
    return s.to_frame(), t, s + 1


@pytest.mark.parametrize("what", CHANGES)
def test_change(backend: str, what: str) -> None:
    both(lambda module: CHANGES[what](small(module)))


def test_warning_for_a_list_as_attribute(backend: str) -> None:
    df = pd.DataFrame({"a": [1]})
    with pytest.warns(UserWarning, match="Pandas doesn't allow columns to be created") as seen:
        df.extra = [1, 2]
    assert [w.filename for w in seen] == [__file__]


# -- query and eval ------------------------------------------------------------------------------

LIMIT, NAMES, WHEN = 2, ["x", "z"], plain.Timestamp("2024-01-02")
QUERIES = """
a > 1 and b == 2.5 | a > @LIMIT | a > @low & s in @NAMES | not flag and a < 3 | ~flag
s == ['x', 'y'] | s not in ('x', 'y') | `the b` >= 1 | index > 2 | ilevel_0 == 2 | 1 <= a < 3
d > '2024-01-02' | d == '2024-01-02' | d >= @WHEN | f > 0.1 | f == 0.1 | a * 2 + b > 5 | a > -1
a / 2 > 1 | -a < -2 | a > zz | a > @zz | a > | a = 2 | s > 'x' | s != 'y' | b != 1.5 | @low < a
'y' == s | 'y' in s | [1, 2] in a | s.str.contains('y') | a.isin([1, 2]) | flag == True | b == b
(a > 1) == flag | a in [1, 2.0] | b in @NAMES | a == @given
@theirs['k'] < a | a + 1 | d.dt.day > 2
"""
TEXTS = [q.strip() for q in QUERIES.replace("\n", " | ").split(" | ") if q.strip()]


def queried(module: Any, text: str, inplace: bool = False, name: str = "query") -> Any:
    low = 1  # noqa: F841 - the text reads it
    df = small(module)
    df["the b"], df["flag"] = df["b"], df["a"] > 1
    df["d"] = plain.date_range("2024-01-01", periods=6)
    df["f"] = np.array([1, 2, 3, 4, 5, 0.1], dtype="float32")
    given, theirs = module.Series([3, 1, 0, 0, 0, 0]), {"k": 1}  # noqa: F841
    result = getattr(df, name)(text, inplace=inplace)
    return result, df


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_query(backend: str, text: str, inplace: bool) -> None:
    both(lambda module: queried(module, text, inplace))


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "a + b",
        "a > 2",
        "z = a * 2",
        "a = a - 1",
        "z = @low * a",
        "z = 1",
        "z = a + 1\nw = z * 2",
        "z = a\na",
        "b.sum()",
        "z = @LIMIT",
        "a ** 2",
        "z = zz",
    ],
)
def test_eval(backend: str, text: str, inplace: bool) -> None:
    both(lambda module: queried(module, text, inplace, name="eval"))


def test_query_is_native(dask: None, parquet: str) -> None:
    names, low = ["x"], 5  # noqa: F841
    with options.context(fallback="error"):
        df = pd.read_parquet(parquet)
        before = counters.executions
        kept = df.query("a > @low & s in @names or b < 3")
        assert counters.executions == before
        assert is_lazy(kept)


def test_query_in_a_function_called_from_another(backend: str) -> None:
    def inner(df: Any) -> Any:
        bound = 2  # noqa: F841
        return df.query("a > @bound"), df.query("a > @outer_bound", level=1)

    def outer(module: Any) -> Any:
        outer_bound = 1  # noqa: F841
        return inner(small(module))

    both(outer)


# -- private surfaces of pandas ------------------------------------------------------------------


def test_every_private_name_is_there() -> None:
    for name in pandas_private.__all__:
        assert hasattr(pandas_private, name), name
    public = {n for n in vars(pandas_private) if not n.startswith("__")}
    assert {"holds_attribute", "grouper_of"} <= public


def test_private_constructors() -> None:
    df = plain.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    manager = pandas_private.manager_of(df)
    plain.testing.assert_frame_equal(pandas_private.shallow_frame(manager), df)
    s = pandas_private.shallow_series(pandas_private.manager_of(df["a"]), "q")
    plain.testing.assert_series_equal(s, df["a"].rename("q"))
    copied = pandas_private.shallow_frame(pandas_private.private_copy(df))
    copied.loc[0, "a"] = 99
    assert df.loc[0, "a"] == 1


def test_private_questions() -> None:
    df = plain.DataFrame({"a": [1, 2], "b c": [3, 4]})
    assert pandas_private.holds_attribute(df.columns, "a")
    assert not pandas_private.holds_attribute(df.columns, "zz")
    assert not pandas_private.holds_attribute(df.index, "a")
    assert len(pandas_private.grouper_of(df.groupby("a")).result_index) == 2
    assert pandas_private.copy_on_write() or not PANDAS_3
    assert pandas_private.clean_column_name("b c") in pandas_private.clean_expression("`b c` > 1")
    assert pandas_private.LOCAL_TAG in pandas_private.clean_expression("a > @x")


def test_private_arrow() -> None:
    df = plain.DataFrame({"a": [1, 2], "s": ["x", None]})
    back = pandas_private.arrow_to_pandas(pyarrow.Table.from_pandas(df))
    plain.testing.assert_frame_equal(back, df)


def test_private_init() -> None:
    obj = object.__new__(pd.DataFrame)
    pandas_private.init_lazy(obj, {"k": 1})
    assert "_mgr" not in obj.__dict__ and obj.__dict__["_attrs"] == {"k": 1}


@pytest.mark.skipif(pandas_private.copy_on_write(), reason="pandas itself copies on writing")
def test_a_private_copy_is_consolidated() -> None:
    """One block for each dtype, as pandas' deep copy has them, and nothing shared."""
    dates = plain.Series(plain.to_datetime(["2020-01-01", None]))
    columns: dict[str, Any] = {"a": [1, 2], "t": dates, "f": [1.5, np.nan], "b": [True, False]}
    columns |= {"c": [3, 4], "o": ["x", None], "k": plain.Categorical(["a", "b"]), "p": [1, "z"]}
    columns |= {"g": [2.0, 3.0], "i": plain.array([1, None], dtype="Int64"), "u": dates}
    series = {name: plain.Series(values) for name, values in columns.items()}
    apart = plain.DataFrame(series, copy=False)
    assert not apart._mgr.is_consolidated()
    mgr = pandas_private.private_copy(apart)
    mgr._verify_integrity()
    want = apart.copy()
    copied = pandas_private.shallow_frame(mgr)
    plain.testing.assert_frame_equal(copied, want)
    blocks = [(str(b.dtype), list(b.mgr_locs)) for b in mgr.blocks]
    assert blocks == [(str(b.dtype), list(b.mgr_locs)) for b in want._mgr.blocks]
    for name in ("a", "o", "t", "k"):
        copied.loc[0, name] = copied.loc[1, name]
    plain.testing.assert_frame_equal(apart, want)
