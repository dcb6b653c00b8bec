"""Constructors of frames and series."""

from .registry import case


@case(native=True)
def frame_from_columns(pd, np, data, tmp):
    df = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, None, 2], "d": True})
    return df, df.dtypes


@case(native=True)
def frame_from_records(pd, np, data, tmp):
    rows = [{"a": 1, "b": 2.5}, {"b": 1.0, "c": "x"}, {"a": 3}]
    return (
        pd.DataFrame(rows),
        pd.DataFrame(rows, columns=["c", "a"]),
        pd.DataFrame.from_records(rows),
    )


@case(native=True)
def frame_from_array(pd, np, data, tmp):
    values = np.arange(12, dtype="int16").reshape(4, 3)
    return pd.DataFrame(values), pd.DataFrame(values, columns=list("xyz"), index=list("abcd"))


@case(native=True)
def frame_from_lists(pd, np, data, tmp):
    df = pd.DataFrame([["a", 1], ["b", 2], ["c", None]], columns=["s", "i"])
    return df, pd.DataFrame([[1, "x"], [2.5, "y"]]), pd.DataFrame(zip("ab", [1, 2]))


@case(native=True)
def frame_of_nothing(pd, np, data, tmp):
    a, b = pd.DataFrame(), pd.DataFrame(columns=["a", "b"])
    return a, b, a.empty, b.shape, b.dtypes, pd.DataFrame(index=[1, 2])


@case(native=True)
def frame_from_series(pd, np, data, tmp):
    s = pd.Series([1, 2, 3], index=list("abc"), name="s")
    t = pd.Series([1.5, 2.5], index=list("cd"), name="t")
    return pd.DataFrame({"s": s, "t": t}), pd.DataFrame(s), s.to_frame(), s.to_frame("u")


@case(native=True)
def frame_from_frame(pd, np, data, tmp):
    df = data.small(pd)
    return pd.DataFrame(df), pd.DataFrame(df, columns=["n", "x"]), pd.DataFrame(df, copy=True)


@case(native=True)
def frame_from_series_of_one_frame(pd, np, data, tmp):
    df = data.sales(pd)
    return pd.DataFrame({"u": df["units"], "p": df["price"].fillna(0) * 2, "flag": 1})


@case(native=True)
def frame_with_dtype(pd, np, data, tmp):
    return pd.DataFrame({"a": [1, 2], "b": [3, 4]}, dtype="float32"), pd.DataFrame(
        [[1, 2]], dtype=object
    )


@case(native=True)
def frame_from_dict_of_rows(pd, np, data, tmp):
    rows = {"r1": [1, "x"], "r2": [2, "y"]}
    nested = {"a": {"x": 1, "y": 2}, "b": {"x": 3, "z": 4}}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["i", "s"]), pd.DataFrame(nested)


@case(native=True)
def series_from_things(pd, np, data, tmp):
    return (
        pd.Series([1, 2, None]),
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["a", None]),
        pd.Series({"a": 1, "b": 2}, name="s"),
        pd.Series(7, index=[1, 2, 3]),
        pd.Series(np.array([1, 2], dtype="uint8")),
        pd.Series(range(3)),
        pd.Series([], dtype="float64"),
        pd.Series([1, "a", 2.5, None]),
        pd.Series([True, False, None]),
    )


@case(native=True)
def series_of_dates(pd, np, data, tmp):
    return (
        pd.Series(pd.date_range("2024-01-01", periods=3)),
        pd.Series([pd.Timestamp("2024-01-01"), None]),
        pd.Series(pd.to_timedelta([1, 2], unit="h")),
        pd.Series([pd.Timestamp("2024-01-01", tz="UTC")]),
    )


@case()
def series_of_extension_types(pd, np, data, tmp):
    return (
        pd.Series(pd.period_range("2024-01", periods=3, freq="M")),
        pd.Series(pd.interval_range(0, 3)),
        pd.Series(pd.arrays.SparseArray([0, 0, 1])),
        pd.Series(["a", "b", "a"], dtype="category"),
        pd.Series(["a", None], dtype="string"),
        pd.Series([1.5, None], dtype="Float32"),
    )


@case(native=True)
def columns_with_one_name(pd, np, data, tmp):
    df = pd.DataFrame([[1, 2, 3], [4, 5, 6]], columns=["a", "b", "a"])
    return df, df["a"], df["b"], df.shape
