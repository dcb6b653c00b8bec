"""Selecting rows and columns, and changing what a frame's columns are."""

from .registry import case


@case(native=True, max_executions=1)
def one_column(pd, np, data, tmp):
    return data.sales(pd)["region"]


@case(native=True)
def column_as_attribute(pd, np, data, tmp):
    df = data.sales(pd)
    return df.units, df.price.name, df.units.sum()


@case(native=True, max_executions=1)
def list_of_columns(pd, np, data, tmp):
    return data.sales(pd)[["price", "order_id", "channel"]]


@case(native=True)
def empty_and_repeated_column_lists(pd, np, data, tmp):
    df = data.small(pd)
    return df[[]], df[["x", "n", "x"]], df[["x"]]


@case(native=True, max_executions=1)
def mask_of_comparison(pd, np, data, tmp):
    df = data.sales(pd)
    return df[df["units"] > 12]


@case(native=True)
def mask_of_many_conditions(pd, np, data, tmp):
    df = data.sales(pd)
    return df[(df["units"] >= 5) & (df["region"] == "east") | ~df["paid"] & (df["price"] < 40)]


@case(native=True)
def mask_of_a_filtered_frame(pd, np, data, tmp):
    df = data.sales(pd)
    first = df[df["paid"]]
    second = first[first["price"] > 30]
    return second, second[second["region"].isin(["north", "west"])]["units"]


@case(native=True)
def mask_from_the_whole_frame_on_a_part(pd, np, data, tmp):
    df = data.small(pd)
    part = df[df["n"] > 30]
    return part[part["flag"]], part.loc[df["flag"]]


@case()
def mask_in_another_order(pd, np, data, tmp):
    df = data.small(pd)
    mask = (df["n"] > 40).sort_index(ascending=False)
    return df.loc[mask], df[mask]


@case(native=True)
def mask_of_lists_and_arrays(pd, np, data, tmp):
    df = data.small(pd)
    return df[[True, False] * 5], df[np.arange(10) % 3 == 0], df["x"][df["flag"].values]


@case(native=True)
def mask_of_series(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return s[s > 100], s[s.isna()], s.loc[s < 10]


@case(native=True)
def mask_with_nothing_left(pd, np, data, tmp):
    df = data.sales(pd)
    none = df[df["units"] > 999]
    return none, none.dtypes, none.empty, len(none), none["units"].sum(), none["price"].mean()


@case()
def mask_of_a_frame(pd, np, data, tmp):
    df = data.small(pd)[["x", "n"]]
    return df[df > 3]


@case(native=True)
def loc_rows_and_columns(pd, np, data, tmp):
    df = data.sales(pd)
    return df.loc[df["units"] == 3, ["price", "region"]], df.loc[df["units"] == 3, "price"]


@case(native=True)
def loc_column_forms(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.loc[:, "x"],
        df.loc[:, ["x"]],
        df.loc[:, "key":"n"],
        df.loc[:, [True] * 2 + [False] * 4],
    )


@case(native=True)
def loc_labels(pd, np, data, tmp):
    df = data.odd_index(pd, "strings")
    return (
        df.loc["a"],
        df.loc["a", "v"],
        df.loc[["c", "h"]],
        df.loc["d":"g"],
        df.loc[["c", "c", "h"]],
    )


@case(native=True)
def loc_integer_slice_includes_the_end(pd, np, data, tmp):
    df = data.sales(pd)
    return df.loc[10:15], df.loc[1990:], df.loc[:2, "units"], df.loc[500:520:5]


@case(native=True)
def loc_one_row_of_mixed_types(pd, np, data, tmp):
    df = data.sales(pd)
    row = df.loc[17]
    return row, row["units"], row.name, type(row), df.iloc[3]


@case(native=True)
def loc_list_of_labels_keeps_its_order(pd, np, data, tmp):
    df = data.sales(pd)
    return df.loc[[5, 6, 5]], df.loc[[1500, 3, 700], ["units", "note"]]


@case(may_raise=True)
def loc_list_with_an_absent_label(pd, np, data, tmp):
    return data.small(pd).loc[[5, 99]]


@case(native=True)
def loc_duplicated_labels(pd, np, data, tmp):
    df = data.odd_index(pd, "duplicated")
    return df.loc[5], df.loc[[7, 1]], df.loc[3], df.loc[df["v"] > 4]


@case()
def loc_multi_index(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    return df.loc["a"], df.loc[("b", 4)], df.loc[[("a", 1), ("b", 3)]], df.xs(4, level="number")


@case()
def loc_dates(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    return (
        df.loc["2024-03"],
        df.loc["2024-02-28":"2024-03-01"],
        df.loc["2024-02-29"],
        df["v"]["2024-03"],
    )


@case()
def loc_period_string(pd, np, data, tmp):
    s = pd.Series([1, 2, 3], index=pd.PeriodIndex(["2024-01", "2024-05", "2025-01"], freq="M"))
    return s.loc["2024"], s.loc["2025-01"]


@case(native=True)
def loc_with_a_function(pd, np, data, tmp):
    return data.small(pd).loc[lambda d: d["n"] > 50, ["n", "text"]]


@case(native=True)
def at_and_iat(pd, np, data, tmp):
    df = data.small(pd)
    return df.at[3, "x"], df.iat[4, 5], df["n"].at[2], df["n"].iat[-1], df.at[3, "text"]


@case(native=True)
def iloc_slices(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.iloc[:5],
        df.iloc[1995:],
        df.iloc[-3:],
        df.iloc[100:130:7],
        df.iloc[:, :2],
        df.iloc[5:8, [0, 3]],
    )


@case(native=True)
def iloc_backwards(pd, np, data, tmp):
    df = data.sales(pd)
    return df.iloc[8:1:-3], df.iloc[::-250], df["units"].iloc[::-1].head(5)


@case(native=True)
def iloc_rows_and_cells(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.iloc[1234],
        df.iloc[-1]["order_id"],
        df.iloc[7, 2],
        df.iloc[[3, 1, 3, 1999]],
        df.iloc[[0]],
    )


@case(native=True)
def iloc_boolean_array(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.iloc[df["flag"].values],
        df.iloc[[True] + [False] * 9],
        df["x"].iloc[np.arange(10) > 7],
    )


@case(native=True)
def iloc_column(pd, np, data, tmp):
    df = data.small(pd)
    return df.iloc[:, 0], df.iloc[:, -1], df.iloc[:, [2, 1]], df.iloc[:, 1:4].dtypes


@case(may_raise=True)
def iloc_out_of_bounds(pd, np, data, tmp):
    return data.small(pd).iloc[10]


@case(native=True)
def iloc_slice_out_of_bounds(pd, np, data, tmp):
    df = data.small(pd)
    return df.iloc[8:30], df.iloc[50:], df[8:30], df[20:]


@case(native=True)
def positional_slices(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    df = data.sales(pd)
    return s[1:3], s[-2:], s[:4], df[10:12], df[-3:], df[::700]


@case(native=True)
def series_labels(pd, np, data, tmp):
    s = data.odd_index(pd, "strings")["v"]
    return (
        s["a"],
        s[["c", "a"]],
        s["b":"c"],
        "a" in s,
        8 in s,
    )


@case()
def series_get(pd, np, data, tmp):
    s = data.odd_index(pd, "strings")["v"]
    return s.get("zz"), s.get("h", 0), s.get("zz", -1), data.small(pd).get("n"), s.keys()


@case(native=True)
def head_and_tail(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.head(),
        df.head(3),
        df.tail(2),
        df.head(-1995),
        df.tail(-1996),
        df.head(0),
        df["units"].head(4),
    )


@case(native=True)
def head_over_several_partitions(pd, np, data, tmp):
    df = data.sales(pd)
    return df.head(900), df[df["units"] == 19].head(12), df.tail(900)["order_id"]


@case(native=True)
def query_expressions(pd, np, data, tmp):
    df = data.sales(pd)
    low, names = 15, ["tea", "pie"]  # noqa: F841 - query reads them
    return (
        df.query("units > 12 and paid"),
        df.query("units > @low & product in @names"),
        df.query("region == 'east' or price >= 200"),
        df.query("units * 2 > 30 and not paid"),
    )


@case(native=True)
def query_of_index_and_quoted_names(pd, np, data, tmp):
    df = data.small(pd).rename(columns={"n": "the n"})
    return df.query("index > 6"), df.query("`the n` >= 80"), df.query("2 <= key < 3")


@case()
def query_in_place_and_strings(pd, np, data, tmp):
    df = data.small(pd)
    df.query("n > 50", inplace=True)
    other = data.small(pd).dropna()
    return df, other.query("text.str.startswith('p')", engine="python")


@case()
def eval_expressions(pd, np, data, tmp):
    df = data.small(pd)
    return df.eval("n + key"), df.eval("z = n * key"), pd.eval("df.n * 2")


@case(native=True)
def assign_columns(pd, np, data, tmp):
    df = data.sales(pd)
    return df.assign(
        total=df["units"] * df["price"],
        half=lambda d: d["total"] / 2,
        one=1,
        units=df["units"].astype("int16"),
    )


@case(native=True)
def assign_motivating_example(pd, np, data, tmp):
    df = data.small(pd)
    return df.assign(group=df["group"].replace({"A": "Apple", "B": "Banana"}))


@case(native=True)
def insert_pop_del(pd, np, data, tmp):
    df = data.small(pd)
    df.insert(1, "double", df["n"] * 2)
    df.insert(0, "zero", 0)
    popped = df.pop("x")
    del df["flag"]
    return df, popped, list(df.columns)


@case(native=True)
def drop_columns_and_rows(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.drop(columns=["x", "n"]),
        df.drop("x", axis=1),
        df.drop(["key", "text"], axis=1),
        df.drop(index=[0, 9]),
        df.drop(3),
        df.drop(columns="nope", errors="ignore"),
    )


@case(native=True)
def drop_in_place(pd, np, data, tmp):
    df = data.sales(pd)
    result = df.drop(columns=["note", "when"], inplace=True)
    df.drop(index=range(0, 2000, 2), inplace=True)
    return result, df


@case(native=True)
def rename_forms(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.rename(columns={"x": "X", "nope": "Y"}),
        df.rename(columns=str.upper),
        df.rename(index={0: "first"}),
        df.rename({"n": "N"}, axis=1),
        df["x"].rename("y"),
        df.add_prefix("p_"),
        df.add_suffix("_s"),
    )


@case(native=True)
def columns_assigned(pd, np, data, tmp):
    df = data.small(pd)
    df.columns = [c.upper() for c in df.columns]
    after = df["N"].sum()
    df.columns = df.columns.str.lower() + "_1"
    return df, after, df.columns, df.set_axis(list("abcdef"), axis=1)


@case(native=True)
def astype_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.astype({"units": "float32", "boxes": "int64", "product": "category"}),
        df["units"].astype("int8"),
        df["paid"].astype(int),
        df["price"].fillna(0).astype("int64"),
        df["units"].astype(str).head(9),
        df["units"].astype("Int64"),
        df["region"].astype("category"),
        df["channel"].astype(str),
    )


@case(native=True)
def astype_str_of_floats(pd, np, data, tmp):
    s = pd.Series([2.0, 1e20, 0.1, -0.0, np.inf, 1e-7, 123456789.125])
    return s.astype(str).tolist(), pd.Series([True, False]).astype(str).tolist(), s.astype(object)


@case(native=True)
def astype_of_nulls(pd, np, data, tmp):
    df = data.small(pd)
    return df["x"].astype(str).tolist(), df["text"].astype(str).tolist(), df["x"].astype("Float64")


@case(native=True)
def astype_wraps_and_truncates(pd, np, data, tmp):
    s = pd.Series([300, -1, 127, 2**31])
    return s.astype("uint8"), s.astype("int32"), pd.Series([1.9, -1.9]).astype("int64")


@case(native=True)
def astype_of_dates(pd, np, data, tmp):
    s = data.dated(pd)["when"]
    return s.astype("int64"), s.astype(str), s.astype("datetime64[s]")


@case(native=True)
def select_dtypes_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.select_dtypes("number").columns,
        df.select_dtypes(include=["float64", "int64"]),
        df.select_dtypes(exclude="number").columns,
        df.select_dtypes(include="category").dtypes,
        df.select_dtypes(include=["bool", "datetime"]).head(3),
    )


@case()
def select_dtypes_of_numbered_columns(pd, np, data, tmp):
    df = data.small(pd)[["n", "x", "flag"]]
    df = df[df["n"] > 20].set_axis(range(3), axis=1)
    kinds = ("number", "bool", "datetime", "int64")
    return [type(df.select_dtypes(k).columns).__name__ for k in kinds], df.select_dtypes("object")


@case()
def filter_by_name(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.filter(items=["n", "x"]),
        df.filter(like="e"),
        df.filter(regex="^[kx]"),
        df.filter([1, 3], axis=0),
    )


@case(native=True)
def frame_in_loops(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        {c: df[c].nunique() for c in df.columns},
        list(df),
        "units" in df,
        [c for c in df if df[c].dtype == "int64"],
    )


@case()
def sample_with_a_seed(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sample(5, random_state=1),
        df.sample(frac=0.01, random_state=7),
        df["units"].sample(3, random_state=0),
    )


@case()
def sample_of_the_global_generator(pd, np, data, tmp):
    np.random.seed(4)
    df = data.small(pd)
    return df.sample(3), df.sample(frac=1).reset_index(drop=True), np.random.rand()


@case()
def take_truncate_squeeze(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.take([3, 0]),
        df.truncate(2, 5),
        df[["n"]].squeeze(),
        df[["n"]].head(1).squeeze(),
        df["n"].take([1]),
    )


@case(native=True)
def first_row_by_label_of_a_filter(pd, np, data, tmp):
    df = data.sales(pd)
    hit = df[df["product"] == "jam"]
    return hit["price"].iloc[0], hit.iloc[0], hit.index[0], hit["units"].values[0], hit.head(1)


@case(native=True)
def where_rows_by_string_methods(pd, np, data, tmp):
    df = data.sales(pd)
    return df[df["note"].str.contains("gift", case=False, na=False)], df[
        df["product"].str.len() == 3
    ]


@case(native=True)
def columns_by_comprehension(pd, np, data, tmp):
    df = data.sales(pd)
    numeric = [c for c, t in df.dtypes.items() if t in ("int64", "float64")]
    return (
        df[numeric].mean(),
        df[df.columns[1:4]],
        df[df.columns.difference(["note", "when"])].columns,
    )


@case()
def indexers_along_an_axis(pd, np, data, tmp):
    df = data.small(pd)[["n", "x"]]
    written, placed = df.copy(), df.copy()
    written.loc(axis=1)["n"] = 9
    placed.iloc(axis=1)[0] = 9
    return (
        df.loc(axis=1)["x"],
        df.loc(axis=1)["n":],
        df.loc(axis=0)[1],
        df.iloc(axis=1)[0],
        written,
        placed,
    )


@case()
def masks_of_nullable_booleans(pd, np, data, tmp):
    df = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    mask = pd.array([True, None, False], dtype="boolean")
    return df[mask], df.head(0)[mask[:0]], df["a"][mask], df.loc[mask]


@case()
def labels_in_arrays_without_dimension_and_in_named_tuples(pd, np, data, tmp):
    from collections import namedtuple

    pair = namedtuple("pair", "a b")
    labels = pd.Index([pair("u", "v"), pair("w", "x")], tupleize_cols=False)
    df = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=labels)
    return df[np.array("a")], df.loc[pair("u", "v")]
