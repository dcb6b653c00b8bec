"""merge, join and their relatives."""

from .registry import case


def _left(pd):
    return pd.DataFrame(
        {"k": ["b", "a", "c", "a", None, "d"] * 6, "k2": [1, 2, 1, 1, 2, 3] * 6, "v": range(36)}
    )


def _right(pd):
    return pd.DataFrame(
        {
            "k": ["a", "b", "b", "e", None],
            "k2": [1, 1, 2, 1, 2],
            "w": [10, 20, 30, 40, 50],
            "v": [5, 4, 3, 2, 1],
        }
    )


@case(native=True, max_executions=2)
def inner(pd, np, data, tmp):
    return data.sales(pd).merge(data.targets(pd), on="customer")


@case(native=True)
def left(pd, np, data, tmp):
    return data.sales(pd).merge(data.targets(pd), on="customer", how="left")


@case(native=True)
def right(pd, np, data, tmp):
    return data.sales(pd).merge(data.targets(pd), on="customer", how="right")


@case(native=True)
def outer(pd, np, data, tmp):
    return data.sales(pd).merge(data.targets(pd), on="customer", how="outer")


@case(native=True)
def cross(pd, np, data, tmp):
    a, b = data.small(pd)[["group", "n"]], pd.DataFrame({"z": [1, 2, 3], "n": [0, 0, 1]})
    return a.merge(b, how="cross"), pd.merge(a, b, how="cross", suffixes=("", "_b"))


@case(native=True)
def null_keys_match(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    return {how: a.merge(b, on="k", how=how) for how in ("inner", "left", "right", "outer")}


@case(native=True)
def null_float_keys_match(pd, np, data, tmp):
    a = pd.DataFrame({"k": [1.0, np.nan, 2.0, np.nan] * 5, "a": range(20)})
    b = pd.DataFrame({"k": [np.nan, 2.0, 3.0], "b": [1, 2, 3]})
    return {how: a.merge(b, on="k", how=how) for how in ("inner", "left", "right", "outer")}


@case(native=True)
def many_keys(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    return {how: a.merge(b, on=["k", "k2"], how=how) for how in ("inner", "left", "right", "outer")}


@case(native=True)
def keys_of_other_names(pd, np, data, tmp):
    a, b = _left(pd), _right(pd).rename(columns={"k": "key"})
    return (
        a.merge(b, left_on="k", right_on="key"),
        a.merge(b, left_on=["k", "k2"], right_on=["key", "k2"], how="left"),
        a.merge(b, left_on="k", right_on="key", how="outer"),
    )


@case(native=True)
def common_columns_by_default(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    return a[["k", "v"]].merge(b[["k", "w"]]), pd.merge(a, b)


@case(native=True)
def suffixes(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    return (
        a.merge(b, on="k"),
        a.merge(b, on="k", suffixes=("_left", "_right")),
        a.merge(b, on="k", suffixes=(None, "_r")),
    )


@case(native=True)
def indicator(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    out = a.merge(b, on="k", how="outer", indicator=True)
    return out, out["_merge"].value_counts(), a.merge(b, on="k", how="left", indicator="from")


@case(native=True)
def anti_join(pd, np, data, tmp):
    df, t = data.sales(pd), data.targets(pd)
    out = df.merge(t[["customer"]].drop_duplicates(), on="customer", how="left", indicator=True)
    return out[out["_merge"] == "left_only"].drop(columns="_merge"), df[
        ~df["customer"].isin(t["customer"])
    ]


@case(native=True)
def sort_keys(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    return {
        how: a.merge(b, on="k", how=how, sort=True) for how in ("inner", "left", "right", "outer")
    }


@case(native=True)
def validated(pd, np, data, tmp):
    t = data.targets(pd).drop_duplicates("customer")
    return data.sales(pd).merge(t, on="customer", validate="many_to_one")


@case(native=True, may_raise=True)
def validation_fails_at_the_call(pd, np, data, tmp):
    try:
        data.sales(pd).merge(data.targets(pd), on="customer", validate="m:1")
    except pd.errors.MergeError as error:
        return str(error)
    return "no error"


@case(native=True)
def column_on_index(pd, np, data, tmp):
    t = data.targets(pd).drop_duplicates("customer").set_index("customer")
    df = data.sales(pd)[["order_id", "customer", "units"]]
    return (
        df.merge(t, left_on="customer", right_index=True),
        df.merge(t, left_on="customer", right_index=True, how="left"),
        t.merge(df, left_index=True, right_on="customer"),
        df.merge(t, left_on="customer", right_index=True, how="outer"),
    )


@case(native=True)
def index_on_index(pd, np, data, tmp):
    a = pd.DataFrame({"v": range(8)}, index=list("hgfedcba"))
    b = pd.DataFrame({"w": range(4)}, index=list("bxay"))
    return {
        how: a.merge(b, left_index=True, right_index=True, how=how)
        for how in ("inner", "left", "right", "outer")
    }


@case(native=True)
def join_on_index(pd, np, data, tmp):
    a = pd.DataFrame({"v": range(8)}, index=list("hgfedcba"))
    b = pd.DataFrame({"w": range(4)}, index=list("bxay"))
    return {how: a.join(b, how=how) for how in ("inner", "left", "right", "outer")}


@case(native=True)
def join_forms(pd, np, data, tmp):
    t = data.targets(pd).drop_duplicates("customer").set_index("customer")
    df = data.sales(pd)[["order_id", "customer", "units"]]
    return (
        df.join(t, on="customer"),
        df.join(t["target"], on="customer", how="inner"),
        df.join(df, rsuffix="_r").head(3),
    )


@case()
def join_of_many(pd, np, data, tmp):
    df = data.small(pd)
    return df[["key"]].join([df[["n"]], df[["x"]]]), df[["key"]].join(
        [df[["n"]].head(3), df[["x"]]], how="inner"
    )


@case(native=True)
def join_with_duplicated_index(pd, np, data, tmp):
    df = data.odd_index(pd, "duplicated")
    other = pd.DataFrame({"z": [1, 2, 3]}, index=[5, 1, 9])
    return df.join(other), df.join(other, how="outer"), df.join(other, how="inner")


@case(native=True)
def integers_after_a_left_join(pd, np, data, tmp):
    a, b = _left(pd), _right(pd)
    out, whole = (
        a.merge(b[["k", "w"]], on="k", how="left"),
        a[a["k"] == "a"].merge(b[["k", "w"]], on="k", how="left"),
    )
    return (
        out.dtypes,
        out["w"].dtype,
        whole.dtypes,
        out["w"].fillna(0).astype(int),
        out["w"].isna().sum(),
    )


@case(native=True)
def booleans_after_a_left_join(pd, np, data, tmp):
    b = pd.DataFrame({"k": ["a", "b"], "flag": [True, False]})
    out = _left(pd).merge(b, on="k", how="left")
    return out, out["flag"].isna().sum(), out["flag"].tolist(), out["flag"].dtype


@case(native=True)
def every_dtype_after_a_left_join(pd, np, data, tmp):
    b = pd.DataFrame(
        {
            "k": ["a", "c"],
            "i8": np.array([1, 2], "int8"),
            "f4": np.array([1, 2], "float32"),
            "when": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "t": ["x", "y"],
        }
    )
    b["cat"], b["n"] = pd.Categorical(["p", "q"]), pd.array([1, 2], dtype="Int64")
    return _left(pd).merge(b, on="k", how="left"), _left(pd).merge(b, on="k", how="inner").dtypes


@case(native=True)
def empty_right_side(pd, np, data, tmp):
    a, b = _left(pd), _right(pd).iloc[:0]
    return {how: a.merge(b, on="k", how=how) for how in ("inner", "left", "right", "outer")}


@case(native=True)
def keys_of_other_dtypes(pd, np, data, tmp):
    a = pd.DataFrame({"k": [1, 2, 3] * 5, "a": range(15)})
    b = pd.DataFrame({"k": [1.0, 3.0, 4.5], "b": [1, 2, 3]})
    c = pd.DataFrame({"k": np.array([3, 1], dtype="int8"), "c": [1, 2]})
    return a.merge(b, on="k"), a.merge(b, on="k", how="outer"), a.merge(c, on="k", how="left")


@case(may_raise=True)
def keys_that_cannot_match(pd, np, data, tmp):
    return pd.DataFrame({"k": [1, 2]}).merge(pd.DataFrame({"k": ["1", "x"]}), on="k")


@case()
def categorical_keys(pd, np, data, tmp):
    a = data.sales(pd)[["channel", "units"]].head(50)
    b = pd.DataFrame(
        {
            "channel": pd.Categorical(["web", "shop"], categories=a["channel"].cat.categories),
            "fee": [1, 2],
        }
    )
    c = pd.DataFrame({"channel": ["web", "shop"], "fee": [1, 2]})
    return (
        a.merge(b, on="channel"),
        a.merge(c, on="channel"),
        a.merge(b, on="channel", how="left").dtypes,
    )


@case(native=True)
def dates_as_keys(pd, np, data, tmp):
    df = data.dated(pd)
    b = df[["when", "i"]].iloc[::-2].rename(columns={"i": "j"})
    return df.merge(b, on="when"), df.merge(b, on="when", how="left")


@case(native=True)
def with_a_series(pd, np, data, tmp):
    s = pd.Series([1, 2], index=pd.Index(["a", "b"], name="k"), name="w")
    return (
        _left(pd).merge(s, on="k"),
        _left(pd).merge(s, left_on="k", right_index=True, how="left"),
        _left(pd).join(s, on="k"),
    )


@case(native=True)
def with_an_aggregate_of_itself(pd, np, data, tmp):
    df = data.sales(pd)
    mean = (
        df.groupby("product", as_index=False)["price"]
        .mean()
        .rename(columns={"price": "mean_price"})
    )
    out = df.merge(mean, on="product")
    return out[out["price"] > out["mean_price"]][["order_id", "price"]], out.shape


@case(native=True)
def then_group(pd, np, data, tmp):
    out = data.sales(pd).merge(data.targets(pd), on="customer", how="left")
    return out.groupby("manager")["units"].sum(), out.groupby("manager", dropna=False).agg(
        n=("target", "mean")
    )


@case(native=True)
def chains(pd, np, data, tmp):
    names = pd.DataFrame({"manager": ["Ann", "Bo"], "office": ["Oslo", "Rome"]})
    return (
        data.sales(pd)
        .merge(data.targets(pd), on="customer")
        .merge(names, on="manager", how="left")[["order_id", "target", "office"]]
    )


@case(native=True)
def of_a_frame_with_itself(pd, np, data, tmp):
    df = _left(pd)
    return df.merge(df, on="k"), df.merge(df, on=["k", "k2"], suffixes=("", "_2")).shape


@case(native=True)
def index_names_as_keys(pd, np, data, tmp):
    a = _left(pd).set_index("k")
    return a.merge(_right(pd), on="k"), a.reset_index().merge(
        _right(pd).set_index("k"), on="k", how="left"
    )


@case(may_raise=True)
def unknown_key(pd, np, data, tmp):
    return _left(pd).merge(_right(pd), on="nope")


@case(may_raise=True)
def no_common_columns(pd, np, data, tmp):
    return pd.DataFrame({"a": [1]}).merge(pd.DataFrame({"b": [1]}))


@case(may_raise=True)
def clashing_columns_of_join(pd, np, data, tmp):
    return _left(pd).join(_left(pd))


@case(native=True)
def as_of(pd, np, data, tmp):
    a = pd.DataFrame({"t": [1, 5, 10], "g": list("xyx"), "a": list("abc")})
    b = pd.DataFrame({"t": [1, 2, 3, 6, 7], "g": list("xxyyx"), "b": range(5)})
    return (
        pd.merge_asof(a, b, on="t"),
        pd.merge_asof(a, b, on="t", by="g"),
        pd.merge_asof(a, b.drop(columns="g"), on="t", direction="nearest"),
        pd.merge_asof(
            pd.DataFrame({"t": [5]}),
            pd.DataFrame({"t": [3, 7], "v": [3, 7]}),
            on="t",
            direction="nearest",
        ),
    )


@case(native=True)
def ordered(pd, np, data, tmp):
    a, b = pd.DataFrame({"t": [1, 3, 5], "a": [1, 2, 3]}), pd.DataFrame({"t": [2, 3], "b": [1, 2]})
    return pd.merge_ordered(a, b, on="t", fill_method="ffill"), pd.merge_ordered(a, b)


@case(native=True)
def labels_of_the_result(pd, np, data, tmp):
    df = data.sales(pd).iloc[5:400].set_index("order_id", drop=False)
    out = df.reset_index(drop=True).merge(data.targets(pd), on="customer")
    return out.index, out.loc[3], out.iloc[-1].name, len(out), out.index.is_unique


@case(native=True)
def maps_as_lookups(pd, np, data, tmp):
    t = data.targets(pd).drop_duplicates("customer").set_index("customer")["target"]
    df = data.sales(pd)
    df["target"] = df["customer"].map(t)
    return df[["customer", "target"]], df["target"].isna().sum()


@case(native=True)
def inner_of_every_length(pd, np, data, tmp):
    """Rows without a match beside rows with several: some parts are as long as they were."""
    t = data.targets(pd)
    return [data.sales(pd).head(n).merge(t, on="customer")["order_id"] for n in (40, 177, 192, 410)]


@case()
def inner_as_long_as_the_left_side(pd, np, data, tmp):
    """pandas does not keep the order of the left side when the lengths happen to be equal."""
    a = pd.DataFrame({"k": [1, 2, 3, 4, 2, 5, 1, 6], "v": range(8)})
    b = pd.DataFrame({"k": [2, 2, 1, 1, 9], "w": range(5)})
    return a.merge(b, on="k"), a.merge(b, on="k").shape, a.merge(b, on="k", sort=True)


@case(native=True)
def lookups_by_index(pd, np, data, tmp):
    """The labels of one side stay, however often its rows are found."""
    df = data.sales(pd)[["order_id", "customer", "units"]]
    t = data.targets(pd)
    once, several = t.drop_duplicates("customer").set_index("customer"), t.set_index("customer")
    some = df[df["units"] > 3]
    return (
        some.join(once, on="customer"),
        some.join(several[["target"]], on="customer"),
        some.join(several["target"], on="customer", how="inner").head(9),
        several.merge(some, left_index=True, right_on="customer", how="right").index,
        df.set_index("order_id").join(several, on="customer").tail(5),
        df.join(once, on="customer")["target"].sum(),
    )


@case(native=True)
def labels_after_lookups(pd, np, data, tmp):
    df = data.sales(pd)[["order_id", "customer", "units"]]
    t = data.targets(pd)
    once, several = t.drop_duplicates("customer").set_index("customer"), t.set_index("customer")
    a, b = df.join(once, on="customer"), df.join(several, on="customer")
    return (
        a.index,
        b.index,
        b[b["units"] > 5].index,
        b.iloc[::3].index,
        b.drop_duplicates("order_id").index,
        b[~b["order_id"].duplicated()].head(3).index,
        b.reset_index()["index"],
        df.join(once, on="customer", how="inner").iloc[:4].index,
    )


@case(native=True)
def groups_joined_to_their_rows(pd, np, data, tmp):
    df = data.sales(pd)[["order_id", "customer", "product", "price"]]
    mean = df.groupby("product")["price"].mean().rename("mean_price")
    top = df.groupby(["customer", "product"])["price"].max().rename("top")
    by_key = df.set_index("product")
    return (
        df.join(mean, on="product"),
        df.merge(mean, left_on="product", right_index=True),
        df.join(top, on=["customer", "product"]),
        by_key.join(mean)[["order_id", "mean_price"]],
        df.groupby("product")[["price"]].sum().join(mean),
    )


@case(native=True)
def default_indexes_joined(pd, np, data, tmp):
    df = data.sales(pd)
    a, b = df[["order_id", "units"]], df[["price", "region"]].iloc[40:90]
    return a.join(b), a.head(60).join(df[["price"]]), a.join(b.reset_index(drop=True)).index


@case(native=True)
def indicator_of_every_kind(pd, np, data, tmp):
    df, t = data.sales(pd)[["order_id", "customer"]], data.targets(pd)
    t = t[t["customer"] != df["customer"].iloc[0]]
    both = {
        how: df.merge(t, on="customer", how=how, indicator=True)
        for how in ("inner", "left", "right", "outer")
    }
    left = both["left"]
    return (
        both,
        left["_merge"].value_counts(),
        left[left["_merge"] == "left_only"]["order_id"],
        left.groupby("_merge", observed=True)["order_id"].count(),
    )


@case(may_raise=True)
def indicator_of_a_taken_name(pd, np, data, tmp):
    df = data.sales(pd)
    return df.merge(data.targets(pd), on="customer", indicator="units")


@case(native=True)
def outer_then_totals(pd, np, data, tmp):
    out = data.sales(pd).merge(data.targets(pd), on="customer", how="outer")
    return out.groupby("customer")["target"].max(), out["units"].sum(), len(out)


@case()
def named_columns_and_keys_alone(pd, np, data, tmp):
    left = data.sales(pd)[["customer", "units"]].rename_axis(columns="what")
    keys = data.targets(pd)[["customer"]].drop_duplicates()
    found, nothing = left.merge(keys, on="customer"), left.merge(keys[:0], on="customer")
    return found, nothing, found.columns.name, left.merge(data.targets(pd), on="customer")


@case()
def outer_key_of_text_in_memory_and_of_a_file(pd, np, data, tmp):
    left = pd.DataFrame({"region": ["north", "x"], "n": [1, 2]})
    right = pd.read_parquet(data.sales_parquet)[["region", "units"]].drop_duplicates("region")
    return [a.merge(b, how="outer") for a, b in ((left, right), (right, left))]
