"""What the objects are: classes, copies, pickles, conversion, iteration, other libraries."""

import contextlib
import copy
import inspect
import pickle

from .registry import case

# -- classes --------------------------------------------------------------------------------------


@case(native=True)
def classes_of_results(pd, np, data, tmp):
    df = data.sales(pd)
    return [
        type(x) == pd.DataFrame  # noqa: E721
        for x in (df, df.head(2), df.describe(), df[["units"]])
    ], [
        type(x) == pd.Series  # noqa: E721
        for x in (df["units"], df.iloc[0], df.sum(numeric_only=True), df["units"].value_counts())
    ]


@case(native=True)
def isinstance_both_ways(pd, np, data, tmp):
    import pandas as plain

    df, theirs = data.small(pd), data.small(plain)
    return (
        isinstance(df, pd.DataFrame),
        isinstance(df, plain.DataFrame),
        isinstance(theirs, pd.DataFrame),
        isinstance(theirs["n"], pd.Series),
        isinstance(df["n"], plain.Series),
        isinstance(df["n"], pd.DataFrame),
        isinstance(df.index, pd.Index),
        issubclass(type(df), plain.DataFrame),
        isinstance(1, pd.DataFrame),
        isinstance(df.groupby("key"), plain.api.typing.DataFrameGroupBy),
    )


@case(native=True)
def classes_as_keys(pd, np, data, tmp):
    import pandas as plain

    names = {pd.DataFrame: "frame", pd.Series: "series"}
    df = data.small(pd)
    return (
        names[type(df)],
        names[type(df["n"])],
        names[plain.DataFrame],
        names.get(type(data.small(plain))),
        hash(pd.DataFrame) == hash(plain.DataFrame),
    )


@case(native=True)
def classes_printed(pd, np, data, tmp):
    df = data.small(pd)
    return (
        repr(type(df)),
        str(type(df["n"])),
        type(df).__name__,
        pd.DataFrame.__module__,
        repr(pd.Series),
        type(df["n"].values),
    )


@case(native=True)
def scalars_and_indexes_are_plain(pd, np, data, tmp):
    df = data.dated(pd)
    return (
        pd.Timestamp,
        pd.Index,
        pd.NA,
        pd.NaT,
        type(df.index),
        type(df.loc[0, "when"]),
        type(df["i"].sum()),
        type(df["f"].mean()),
        type(df.shape),
        type(df["s"].iloc[0]),
        type(len(df)),
    )


@case()
def subclasses_of_users(pd, np, data, tmp):
    class Mine(pd.DataFrame):
        @property
        def _constructor(self):
            return Mine

        def double(self):
            return self * 2

    mine = Mine({"a": [1, 2, 3]})
    return (
        isinstance(mine, pd.DataFrame),
        type(mine.head(1)) is Mine,
        pd.DataFrame(mine.double()),
        isinstance(data.small(pd), Mine),
        mine["a"].sum(),
    )


@case()
def accessors_of_users(pd, np, data, tmp):
    @pd.api.extensions.register_dataframe_accessor("shop")
    class Shop:
        def __init__(self, df):
            self.df = df

        def total(self):
            return self.df["n"].sum()

    try:
        return data.small(pd).shop.total()
    finally:
        for cls in pd.DataFrame.__mro__:
            if "shop" in vars(cls):
                del cls.shop


@case(native=True)
def the_namespace(pd, np, data, tmp):
    import pandas as plain

    return (
        pd.__version__,
        pd.api.types.is_numeric_dtype(data.small(pd)["n"]),
        pd.errors.MergeError is plain.errors.MergeError,
        pd.options.display.max_rows,
        pd.get_option("display.width"),
        pd.api.types.is_list_like(data.small(pd)),
        pd.StringDtype,
        pd.offsets.Day(1),
    )


@case(native=True)
def signatures_and_docstrings(pd, np, data, tmp):
    import pandas as plain

    pairs = [
        (pd.DataFrame.merge, plain.DataFrame.merge),
        (pd.read_csv, plain.read_csv),
        (pd.DataFrame.groupby, plain.DataFrame.groupby),
        (pd.concat, plain.concat),
        (pd.Series.fillna, plain.Series.fillna),
    ]
    return (
        [str(inspect.signature(a)) == str(inspect.signature(b)) for a, b in pairs],
        [(a.__doc__ or "")[:40] for a, _ in pairs],
        pd.DataFrame.__doc__[:40],
        pd.read_csv.__name__,
    )


@case(native=True)
def unknown_attributes(pd, np, data, tmp):
    df = data.small(pd)
    return (
        hasattr(df, "fit"),
        hasattr(df, "n"),
        hasattr(df["n"], "zz"),
        getattr(df, "zz", "none"),
        hasattr(df, "__array__"),
        hasattr(df, "__my_protocol__"),
        callable(df),
    )


@case(native=True)
def names_to_complete(pd, np, data, tmp):
    names = dir(data.small(pd))
    return "n" in names, "text" in names, "merge" in names, "key" in data.small(pd)._dir_additions()


# -- copies and pickles ---------------------------------------------------------------------------


@case()
def pickles(pd, np, data, tmp):
    df = data.sales(pd, 100)
    df.attrs["a"] = 1
    back = pickle.loads(pickle.dumps(df))
    series = pickle.loads(pickle.dumps(df["region"]))
    return (
        back,
        series,
        type(back) == pd.DataFrame,  # noqa: E721
        pickle.loads(pickle.dumps({"df": df}))["df"].shape,
        b"pandas_dist" in pickle.dumps(df),
    )


@case()
def pickles_of_lazy_results(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    part = df[df["units"] > 15][["units", "price"]]
    return (
        pickle.loads(pickle.dumps(part)),
        pickle.loads(pickle.dumps(df["units"] * 2)),
        b"pandas_dist" in pickle.dumps(part),
    )


@case()
def deep_and_shallow_copies(pd, np, data, tmp):
    df = data.small(pd)
    return (
        copy.copy(df),
        copy.deepcopy(df),
        copy.deepcopy({"a": df["n"]}),
        df.copy(),
        df["n"].copy(deep=False),
    )


@case()
def hashes_and_identity(pd, np, data, tmp):
    df = data.small(pd)
    with contextlib.suppress(TypeError):
        hash(df)
        return "hashable"
    return df is df, id(df) == id(df), df in [df]


# -- other libraries ------------------------------------------------------------------------------


@case(native=True)
def numpy_arrays_of_ours(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        np.asarray(df[["units", "boxes"]]),
        np.array(df["paid"]),
        np.concatenate([df["units"], df["boxes"]]),
        np.mean(df["price"].values[:5] > 0),
        np.unique(df["product"]),
        np.histogram(df["units"], bins=4),
        np.corrcoef(df["units"], df["units"] * 2)[0, 1] > 0.99,
    )


@case()
def arrow_tables_of_ours(pd, np, data, tmp):
    import pyarrow as pa

    df = data.small(pd)
    return (
        pa.Table.from_pandas(df).to_pandas(),
        pa.array(df["n"]).to_pylist(),
        pa.table({"n": df["n"]}).num_rows,
    )


@case(native=True)
def plain_pandas_takes_ours(pd, np, data, tmp):
    import pandas as plain

    df, theirs = data.small(pd), data.small(plain)
    plain.testing.assert_frame_equal(df, theirs)
    plain.testing.assert_frame_equal(theirs, df)
    plain.testing.assert_series_equal(df["n"], theirs["n"])
    plain.testing.assert_series_equal(theirs["n"], df["n"])
    pd.testing.assert_frame_equal(df, df.copy())
    return (
        plain.concat([theirs, df]),
        theirs.merge(df, on="n"),
        plain.DataFrame(df),
        plain.Series(df["n"]),
        theirs["n"] + df["n"],
        df["n"] + theirs["n"],
        theirs.join(df, rsuffix="_r").shape,
    )


@case()
def assertions_of_pandas(pd, np, data, tmp):
    df = data.small(pd)
    try:
        pd.testing.assert_frame_equal(df, df.assign(n=1))
    except AssertionError as error:
        return str(error), pd.testing.assert_series_equal(df["n"], df["n"])
    return "equal"


@case()
def matplotlib_draws_ours(pd, np, data, tmp):
    import matplotlib.pyplot as plt

    df = data.small(pd)
    axes = df["n"].plot()
    line = axes.lines[0].get_ydata().tolist()
    plt.close("all")
    _, axes = plt.subplots()
    axes.plot(df["key"], df["n"])
    axes.bar(df["text"].fillna("-"), df["n"])
    data_of_line = axes.lines[0].get_xdata().tolist()
    plt.close("all")
    bars = df.groupby("group")["n"].sum().plot(kind="bar")
    heights = [p.get_height() for p in bars.patches]
    plt.close("all")
    return line, data_of_line, heights


@case()
def dataframe_protocol(pd, np, data, tmp):
    df = data.small(pd)[["key", "n", "x"]]
    exchanged = df.__dataframe__()
    return exchanged.num_rows(), list(exchanged.column_names()), hasattr(df, "__arrow_c_stream__")


@case()
def json_and_other_modules(pd, np, data, tmp):
    import json
    import statistics

    df = data.small(pd)
    return (
        json.dumps(df["n"].tolist()),
        statistics.mean(df["n"].tolist()),
        json.dumps(df[["text"]].to_dict("records")),
        sorted(df["n"], reverse=True)[:2],
        sum(df["n"]),
    )


@case(native=True)
def array_functions(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return (
        np.cumsum(s),
        np.diff(s)[:5],
        np.sort(s)[:5],
        np.where(s > 10, s, 0),
        np.isin(s, [1, 2]),
        np.round(s / 3, 1),
        np.clip(s, 2, 9),
        np.argmax(s),
        np.quantile(s, 0.5),
    )


@case()
def get_dummies_for_models(pd, np, data, tmp):
    df = data.sales(pd).dropna()
    x = pd.get_dummies(df[["units", "product", "paid"]], drop_first=True)
    return x, x.values.shape, x.astype(float).to_numpy()[:2]


@case()
def stored_in_containers(pd, np, data, tmp):
    df = data.small(pd)
    frames = {key: part for key, part in df.groupby("key")}
    return frames, [f["n"].sum() for f in frames.values()], tuple(f.shape for f in frames.values())


@case()
def flags_and_metadata(pd, np, data, tmp):
    df = data.small(pd)
    unique = df.set_flags(allows_duplicate_labels=False)
    return (
        df.flags.allows_duplicate_labels,
        unique.flags.allows_duplicate_labels,
        unique.head(2),
        df.__class__.__name__,
        df.__len__(),
    )


@case()
def eval_of_reprs_and_sizes(pd, np, data, tmp):
    import sys

    df = data.small(pd)
    return (
        eval(repr(df["n"].tolist())),
        sys.getsizeof(df["n"]) > 0,
        df.__sizeof__() > 0,
        df.nunique().to_dict(),
    )


@case()
def results_of_numpy_in_an_object(pd, np, data, tmp):
    s, out = data.small(pd)["n"], data.small(pd)["n"]
    np.multiply(s, 2, out=out)
    df = data.small(pd)[["n"]]
    target = df.copy()
    np.add(df, df, out=target)
    return out, s, target, df


@case()
def columns_among_attributes(pd, np, data, tmp):
    df = data.small(pd)
    tall = df.set_axis(pd.MultiIndex.from_product([["top"], df.columns]), axis=1)
    with pd.option_context("display.max_dir_items", 1):
        few = [name for name in dir(data.small(pd)) if name in df.columns]
    return "top" in dir(tall), [name for name in dir(df) if name in df.columns], few


@case()
def frequency_given_to_labels(pd, np, data, tmp):
    s = pd.Series([1.0, 2.0, 4.0], index=pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]))
    s.index.freq = "D"
    df = s.to_frame("a")
    df.index.freq = None
    none = df.index.freq
    df.index.freq = "D"
    df["b"] = 1
    return (
        s.index.freq,
        s.shift(1, freq="D").index.freq,
        s.head(2),
        repr(s),
        none,
        df,
        df.index.freq,
    )


@case()
def attrs_of_results(pd, np, data, tmp):
    df = pd.DataFrame({"k": ["x", "y", "x"], "a": [1.0, 2.0, 3.0], "b": [4, 5, 6]})
    df.attrs = {"unit": "m"}
    other = df[["k"]].drop_duplicates()
    other.attrs = {}
    path = tmp / "marked.parquet"
    df.to_parquet(path)
    groups = (df.groupby("k"), df.groupby("k")["a"], df["a"].groupby(df["k"]))
    names = "sum mean std count nunique first cumsum shift head idxmax describe any".split()
    dated = df[["a"]].set_index(pd.date_range("2020", periods=3))
    results = [getattr(g, name)() for g in groups for name in names]
    results += [groups[0].agg(["sum"]) for _ in "a"] + [groups[1].agg("sum"), df.agg(["count"])]
    results += [
        pd.merge(df, df),
        df.merge(other),
        other.merge(df),
        df.join(other["k"], rsuffix="2"),
    ]
    results += [pd.isna(df), pd.isna(df["a"]), pd.get_dummies(df[["a"]]), pd.get_dummies(df)]
    results += [pd.pivot_table(df, index="k", values="a"), pd.pivot(df, index="a", columns="k")]
    results += [df.pivot(index="a", columns="k", values="b"), df["a"].value_counts()]
    results += [df["a"].quantile([0.5]), dated.resample("D").sum(), dated.rolling(2).sum()]
    return [r.attrs for r in results], pd.read_parquet(path).attrs
