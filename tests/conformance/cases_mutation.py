"""Changing frames in place, copies and aliases."""

import copy

from .registry import case


@case(native=True)
def new_columns(pd, np, data, tmp):
    df = data.sales(pd)
    df["total"] = df["units"] * df["price"]
    df["one"] = 1
    df["word"] = "x"
    df["none"] = None
    df["nan"] = np.nan
    df["when2"] = pd.Timestamp("2024-01-01")
    return df, df.dtypes


@case(native=True)
def columns_replaced(pd, np, data, tmp):
    df = data.sales(pd)
    df["units"] = df["units"] / 2
    df["region"] = df["region"].str.upper()
    df["price"] = df["price"].fillna(0).round(0).astype(int)
    return df, list(df.columns)


@case(native=True)
def columns_by_attribute(pd, np, data, tmp):
    df = data.small(pd)
    df.n = df.n * 2
    df.x = 0
    return df


@case(native=True)
def columns_of_lists_and_arrays(pd, np, data, tmp):
    df = data.sales(pd)
    df["list"] = list(range(2000))
    df["array"] = np.arange(2000) / 4
    df["range"] = range(2000, 4000)
    df["small"] = np.arange(2000).astype("uint16")
    df["part"] = pd.Series([1, 2, 3])
    df["other"] = pd.Series(range(2000), index=range(1999, -1, -1))
    return df[["list", "array", "range", "small", "part", "other"]]


@case(may_raise=True)
def column_of_the_wrong_length(pd, np, data, tmp):
    df = data.small(pd)
    df["z"] = [1, 2, 3]


@case(native=True)
def several_columns_at_once(pd, np, data, tmp):
    df = data.sales(pd)
    df[["a", "b"]] = df[["units", "weight"]] * 2
    df[["c", "d"]] = 0
    df[["units", "boxes"]] = df[["boxes", "units"]]
    return df[["a", "b", "c", "d", "units", "boxes"]]


@case(native=True)
def masked_writes(pd, np, data, tmp):
    df = data.sales(pd)
    df.loc[df["units"] > 10, "units"] = 10
    df.loc[df["price"].isna(), "price"] = 0.0
    df.loc[df["region"] == "east", "region"] = "EAST"
    df.loc[df["paid"], "note"] = None
    df.loc[df["product"] == "tea", ["boxes", "units"]] = 0
    return df


@case(native=True)
def masked_writes_of_new_columns(pd, np, data, tmp):
    df = data.sales(pd)
    df.loc[df["units"] > 10, "size"] = "large"
    df.loc[df["units"] <= 3, "size"] = "small"
    df.loc[df["paid"], "bonus"] = 5
    return df[["size", "bonus"]], df["size"].value_counts(dropna=False)


@case(native=True)
def masked_writes_of_series(pd, np, data, tmp):
    df = data.sales(pd)
    df.loc[df["units"] > 10, "price"] = df["price"] * 0.9
    df.loc[~df["paid"], "weight"] = df["weight"] + 1
    df.loc[:, "units"] = df["units"] + 1
    return df[["price", "weight", "units"]], df.dtypes


@case(native=True)
def masked_writes_on_small_types(pd, np, data, tmp):
    df = data.sales(pd)
    df.loc[df["units"] > 5, "boxes"] = 7
    df.loc[df["units"] > 5, "weight"] = 2.5
    df.loc[df["units"] == 1, "paid"] = True
    return df[["boxes", "weight", "paid"]], df.dtypes


@case(may_raise=True)
def masked_write_of_another_type(pd, np, data, tmp):
    df = data.small(pd)
    df.loc[df["n"] > 50, "n"] = "text"
    return df


@case()
def cells_written(pd, np, data, tmp):
    df = data.small(pd)
    df.at[3, "n"] = 999
    df.iat[0, 0] = "Q"
    df.loc[5, "text"] = "five"
    df.iloc[-1, 2] = -1.0
    df.iloc[2:4, 3] = [0, 1]
    df.loc[[0, 1], "flag"] = False
    return df


@case()
def rows_written_and_added(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    df.loc[0] = [7, 8]
    df.loc[10] = [9, 9]
    df.loc[len(df)] = {"key": 1, "n": 2}
    df.iloc[3] = 0
    return df


@case()
def series_written(pd, np, data, tmp):
    s = data.small(pd)["n"].copy()
    s[0] = 5
    s.loc[3] = 6
    s.iloc[-1] = 7
    s[s > 60] = 0
    s["new"] = 1
    return s


@case()
def frame_of_masks_written(pd, np, data, tmp):
    df = data.small(pd)[["key", "n", "x"]]
    df[df > 50] = 50
    df[df.isna()] = -1
    return df


@case()
def chained_assignment(pd, np, data, tmp):
    df = data.small(pd)
    df["n"][df["key"] == 1] = 0
    df["x"].fillna(-1, inplace=True)
    return df


@case(native=True)
def copies_are_independent(pd, np, data, tmp):
    df = data.sales(pd)
    other = df.copy()
    other["units"] = 0
    other.loc[0, "region"] = "moon"
    return df["units"].sum(), df.loc[0, "region"], other["units"].sum(), other.loc[0, "region"]


@case()
def constructor_copies(pd, np, data, tmp):
    df = data.small(pd)
    deep, shallow = pd.DataFrame(df, copy=True), copy.deepcopy(df)
    deep.iloc[0, 3] = -5
    shallow.loc[1, "n"] = -6
    return df, deep, shallow


@case()
def new_columns_of_a_shallow_copy(pd, np, data, tmp):
    df = data.small(pd)
    a, b = copy.copy(df), df.copy(deep=False)
    a["z"] = 1
    b["y"] = 2
    del b["x"]
    return df, a, b


@case(native=True)
def aliases_see_changes(pd, np, data, tmp):
    df = data.small(pd)
    alias = df
    alias["z"] = df["n"] + 1
    df["z"] += 1
    del alias["x"]
    return df, alias is df


@case(native=True)
def columns_taken_before_a_change(pd, np, data, tmp):
    df = data.sales(pd)
    units, part = df["units"], df[["units", "price"]]
    total = df["units"].sum()
    df["units"] = df["units"] * 100
    df.loc[df["paid"], "price"] = 0
    return units.sum(), part["units"].sum(), part["price"].sum(), total, df["units"].sum()


@case(native=True)
def masks_taken_before_a_change(pd, np, data, tmp):
    df = data.sales(pd)
    mask = df["units"] > 10
    df["units"] = 0
    return df[mask].shape, df["units"].sum(), mask.sum()


@case(native=True)
def filters_then_columns(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["units"] > 10].copy()
    part["double"] = part["units"] * 2
    part["rank"] = range(len(part))
    part = part.reset_index(drop=True)
    part["again"] = part["double"] + part.index
    return part, "double" in df.columns


@case(native=True)
def lists_changed_after_use(pd, np, data, tmp):
    df = data.sales(pd)
    wanted, columns, codes = ["east"], ["units", "price"], {"tea": 1}
    a, b, c = df[df["region"].isin(wanted)], df[columns], df["product"].map(codes)
    wanted.append("west")
    columns.append("region")
    codes["pie"] = 2
    return len(a), b.columns, c.sum()


@case(native=True)
def arrays_changed_after_use(pd, np, data, tmp):
    values, mask = np.arange(2000), np.arange(2000) % 2 == 0
    df = data.sales(pd)
    df["v"] = values
    part = df[mask]
    values[:] = 0
    mask[:] = False
    return df["v"].sum(), len(part)


@case(native=True)
def frames_in_a_loop(pd, np, data, tmp):
    df = data.sales(pd)
    for i in range(5):
        df[f"c{i}"] = df["units"] + i
    for column in ["c0", "c1"]:
        df = df.drop(columns=column)
    return df.columns, df["c4"].sum()


@case(native=True)
def in_place_renames(pd, np, data, tmp):
    df = data.small(pd)
    a = df.rename(columns={"n": "N"}, inplace=True)
    b = df.set_index("N", inplace=True)
    c = df.reset_index(inplace=True)
    return a, b, c, df


@case()
def in_place_others(pd, np, data, tmp):
    df = data.small(pd)
    df["x"] = df["x"].replace(np.nan, 0)
    df.replace("A", "Apple", inplace=True)
    df.sort_index(ascending=False, inplace=True)
    df.update(pd.DataFrame({"n": [1, 2]}, index=[0, 1]))
    return df


@case(native=True)
def swapped_and_reordered(pd, np, data, tmp):
    df = data.small(pd)
    df["x"], df["n"] = df["n"], df["x"]
    df = df[["text", "n", "x"] + ["key"]]
    df.insert(0, "id", range(1, 11))
    return df


@case(may_raise=True)
def insert_twice(pd, np, data, tmp):
    df = data.small(pd)
    df.insert(0, "n", 1)


@case(native=True)
def pop_and_put_back(pd, np, data, tmp):
    df = data.sales(pd)
    target = df.pop("price")
    df["price"] = target
    return df.columns, df["price"].sum(), target.name


@case(native=True)
def empty_frame_filled(pd, np, data, tmp):
    df = pd.DataFrame()
    df["a"] = [1, 2, 3]
    df["b"] = df["a"] * 2
    return df, df.dtypes


@case(native=True)
def attributes_of_metadata(pd, np, data, tmp):
    df = data.small(pd)
    df.attrs["source"] = "made"
    s = df["n"]
    s.attrs["unit"] = "kg"
    return (
        df.attrs,
        df.copy().attrs,
        df[df["n"] > 5].attrs,
        s.attrs,
        df.head(2),
        df.assign(z=1).attrs,
        df.rename(columns={"n": "m"}).attrs,
    )


@case(native=True)
def series_names_changed(pd, np, data, tmp):
    s = data.small(pd)["n"]
    s.name = "m"
    t = s.rename("o")
    return s, t, s.to_frame(), t.name


@case(native=True)
def index_changed_after_use(pd, np, data, tmp):
    df = data.small(pd)
    before = df["n"]
    df.index = list("abcdefghij")
    df.columns = list("uvwxyz")
    return before, df, df.loc["c", "x"]


@case(native=True)
def categories_assigned(pd, np, data, tmp):
    df = data.sales(pd)
    df["product"] = df["product"].astype("category")
    df["region"] = pd.Categorical(df["region"], categories=["west", "east"], ordered=True)
    return df["product"], df["region"], df.groupby("region", observed=False)["units"].sum()


@case(may_raise=True)
def unknown_category_written(pd, np, data, tmp):
    df = data.sales(pd, 50)
    df.loc[3, "channel"] = "pigeon"


@case()
def values_written_through_numpy(pd, np, data, tmp):
    df = data.small(pd)
    values = df.to_numpy(copy=True)
    values[0, 0] = "changed"
    array = df["n"].to_numpy().copy()
    array[:] = 0
    return df, values[0, 0], array.sum()


@case()
def writes_while_iterating(pd, np, data, tmp):
    df = data.small(pd)
    for i, row in df.iterrows():
        df.at[i, "n"] = row["n"] + i
        row["key"] = 99
    return df


@case(native=True)
def delete_and_recreate(pd, np, data, tmp):
    df = data.small(pd)
    del df["n"]
    df["n"] = 1
    return df, "n" in df, df.columns.tolist()


@case()
def interpolate_times_in_place(pd, np, data, tmp):
    df = pd.DataFrame({"at": pd.to_datetime(["2019-12-31", None, "2020-01-02"])})
    if int(pd.__version__.split(".")[0]) > 2:
        df.interpolate(method="linear", inplace=True)
    s = pd.Series([1.0, np.nan, 2.0])
    s.interpolate(method="linear", inplace=True)
    return df, s
