"""pd.concat."""

from .registry import case


@case(native=True)
def rows_keep_their_labels(pd, np, data, tmp):
    df = data.sales(pd)
    return pd.concat([df.head(300), df.tail(200), df.iloc[500:700]])


@case(native=True)
def rows_with_a_new_index(pd, np, data, tmp):
    df = data.sales(pd)
    out = pd.concat([df[df["paid"]], df[~df["paid"]]], ignore_index=True)
    return out, out.index


@case(native=True)
def rows_of_other_columns(pd, np, data, tmp):
    df = data.sales(pd)
    a, b = df[["order_id", "units", "region"]].head(40), df[["units", "price", "order_id"]].tail(40)
    return pd.concat([a, b]), pd.concat([a, b], join="inner"), pd.concat([a, b], sort=True)


@case(native=True)
def integers_become_floats_where_missing(pd, np, data, tmp):
    a, b = pd.DataFrame({"i": [1, 2] * 9, "b": [True, False] * 9}), pd.DataFrame({"z": [1.5] * 5})
    out = pd.concat([a, b])
    return out, out.dtypes


@case(native=True)
def dtypes_promoted(pd, np, data, tmp):
    parts = [pd.DataFrame({"x": np.array([1, 2], dtype=t)}) for t in ("int8", "int16", "float32")]
    return (
        pd.concat(parts),
        pd.concat(parts[:2]),
        pd.concat([parts[0], pd.DataFrame({"x": ["a"]})]),
        pd.concat([parts[0], pd.DataFrame({"x": [True]})]),
    )


@case(native=True)
def with_keys(pd, np, data, tmp):
    df = data.small(pd)
    return (
        pd.concat([df.head(2), df.tail(3)], keys=["top", "end"]),
        pd.concat({"a": df.head(2), "b": df.tail(1)}),
        pd.concat([df.head(2), df.tail(3)], keys=["top", "end"], names=["part", "row"]),
    )


@case(native=True)
def columns_side_by_side(pd, np, data, tmp):
    df = data.sales(pd)
    return pd.concat([df["units"], df["price"] * 2], axis=1), pd.concat(
        [df[["units"]], df[["region", "city"]]], axis=1
    )


@case(native=True)
def columns_with_keys(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([df["n"], df["x"]], axis=1, keys=["a", "b"]), pd.concat(
        [df[["n"]], df[["x"]]], axis=1, keys=["a", "b"]
    )


@case(native=True)
def columns_with_other_labels(pd, np, data, tmp):
    a = pd.DataFrame({"a": [1, 2, 3]}, index=[0, 1, 2])
    b = pd.DataFrame({"b": [1.5, 2.5]}, index=[2, 5])
    return (
        pd.concat([a, b], axis=1),
        pd.concat([a, b], axis=1, join="inner"),
        pd.concat([a, b.reset_index(drop=True)], axis="columns"),
    )


@case(native=True)
def series_end_to_end(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        pd.concat([df["units"], df["price"]]),
        pd.concat([df["units"], df["units"]], ignore_index=True),
        pd.concat([df["region"].head(2), df["region"].tail(1)]),
    )


@case(native=True)
def series_of_other_names(pd, np, data, tmp):
    a, b = pd.Series([1, 2], name="a"), pd.Series([3.5], name="b")
    return pd.concat([a, b]), pd.concat([a, a]), pd.concat([a, b], keys=["x", "y"])


@case(native=True)
def a_series_and_a_frame(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([df[["n"]], df["x"]], axis=1), pd.concat(
        [df[["n"]], pd.Series([1, 2], name="s")]
    )


@case()
def categories(pd, np, data, tmp):
    a = pd.DataFrame({"c": pd.Categorical(["x", "y"], categories=["x", "y"])})
    b = pd.DataFrame({"c": pd.Categorical(["z", "x"], categories=["x", "z"])})
    return (
        pd.concat([a, b]),
        pd.concat([a, a]),
        pd.concat([a, b])["c"].tolist(),
        pd.concat([a, a])["c"].cat.codes,
    )


@case(native=True)
def categories_in_parts(pd, np, data, tmp):
    df = data.sales(pd)
    out = pd.concat([df.head(100), df.tail(100)])
    return (
        out["grade"],
        out["channel"].cat.categories,
        out.groupby("grade", observed=False)["units"].sum(),
    )


@case(native=True)
def empty_and_single_parts(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([df]), pd.concat([df, df.iloc[:0]]), pd.concat([df.iloc[:0], df.iloc[:0]])


@case(may_raise=True)
def nothing(pd, np, data, tmp):
    return pd.concat([])


@case(native=True)
def parts_that_are_none(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([None, df, None]), pd.concat(part for part in [df.head(1), df.tail(1)])


@case(may_raise=True)
def verified(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([df, df], verify_integrity=True)


@case(may_raise=True)
def duplicated_columns_cannot_be_aligned(pd, np, data, tmp):
    a = pd.DataFrame([[1, 2]], columns=["a", "a"])
    return pd.concat([a, pd.DataFrame({"b": [1], "a": [2]})])


@case(native=True)
def duplicated_labels_side_by_side(pd, np, data, tmp):
    df = data.odd_index(pd, "duplicated")
    return pd.concat([df["v"], df["w"]], axis=1), pd.concat([df, df])


@case(native=True)
def named_and_dated_indexes(pd, np, data, tmp):
    d, s = data.odd_index(pd, "dates"), data.odd_index(pd, "strings")
    out = pd.concat([d.head(3), d.tail(5)])
    return out, out.index.freq, pd.concat([d, s]), pd.concat([s, s])


@case()
def multi_indexes(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    return pd.concat([df, df]), pd.concat([df.head(2), df.tail(1)], keys=["x", "y"])


@case(native=True)
def appended_in_a_loop(pd, np, data, tmp):
    df, rows = data.small(pd), pd.DataFrame()
    for i in range(3):
        rows = pd.concat([rows, df.iloc[[i]]], ignore_index=True)
    return rows, rows.dtypes


@case(native=True)
def one_row_added(pd, np, data, tmp):
    df = data.small(pd)
    new = pd.DataFrame([{"group": "Z", "key": 9, "x": 1.0, "n": 5, "flag": True, "text": "new"}])
    return pd.concat([df, new], ignore_index=True), pd.concat([df, new]).tail(2)


@case(native=True)
def then_used(pd, np, data, tmp):
    df = data.sales(pd)
    both = pd.concat([df.assign(src="a"), df[df["units"] > 9].assign(src="b")], ignore_index=True)
    return (
        both.groupby("src")["units"].sum(),
        both.loc[2100],
        both["units"].sum(),
        both[both["src"] == "b"].head(2),
        len(both),
    )


@case()
def dummies_joined(pd, np, data, tmp):
    df = data.small(pd)
    return pd.concat([df.drop(columns="group"), pd.get_dummies(df["group"], prefix="g")], axis=1)


@case(native=True)
def plain_and_ours(pd, np, data, tmp):
    import pandas as plain

    ours, theirs = data.small(pd), data.small(plain)
    out = pd.concat([ours, theirs], ignore_index=True)
    return out, isinstance(out, pd.DataFrame), plain.concat([theirs, ours], ignore_index=True)


@case(native=True)
def null_columns(pd, np, data, tmp):
    a = pd.DataFrame({"x": [1.5, 2.5], "t": ["a", "b"]})
    b = pd.DataFrame({"x": [np.nan, np.nan], "t": [None, None]})
    return pd.concat([a, b]), pd.concat([a, b]).dtypes, pd.concat([b, a])["t"].tolist()
