"""Sorting, largest and smallest, and duplicates."""

from .registry import case


@case(native=True, max_executions=2)
def by_a_unique_key(pd, np, data, tmp):
    return data.sales(pd).sort_values("order_id", ascending=False)


@case(native=True)
def by_a_key_with_nulls_stable(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values("price", kind="stable"),
        df.sort_values("price", kind="stable", ascending=False),
        df.sort_values("price", na_position="first", kind="mergesort"),
    )


@case()
def ties_in_the_default_order(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values("units"),
        df["units"].sort_values(ascending=False),
        df.sort_values("product")["order_id"],
    )


@case(native=True)
def by_many_keys(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values(["region", "units"]),
        df.sort_values(["region", "units"], ascending=[True, False]),
        df.sort_values(["paid", "product", "price"], na_position="first")["order_id"],
    )


@case(native=True)
def by_text(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values(["product", "order_id"])["product"],
        df["region"].sort_values(kind="stable"),
        df.sort_values("city", kind="stable")["city"],
    )


@case(native=True)
def by_booleans_dates_and_categories(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values("paid", kind="stable")["order_id"],
        df.sort_values("when", kind="stable")["order_id"],
        df.sort_values(["grade", "order_id"])["grade"],
        df.sort_values(["channel", "order_id"])["order_id"],
    )


@case(native=True)
def by_unordered_categories(pd, np, data, tmp):
    df = pd.DataFrame(
        {"k": pd.Categorical(list("abcabc") * 5, categories=list("cab")), "i": range(30, 0, -1)}
    )
    return (
        df.sort_values(["k", "i"]),
        df.sort_values("k", kind="stable"),
        df["k"].sort_values(kind="stable"),
    )


@case(native=True)
def with_a_new_index(pd, np, data, tmp):
    df = data.sales(pd)
    return df.sort_values("order_id", ascending=False, ignore_index=True), df.sort_values(
        ["units", "order_id"]
    ).reset_index(drop=True)


@case()
def with_a_key_function(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values("product", key=lambda s: s.str.lower(), kind="stable")["product"],
        df["units"].sort_values(key=lambda s: -s, kind="stable"),
        df.sort_values(["units", "order_id"], key=lambda s: s % 7)["units"],
    )


@case(native=True)
def in_place(pd, np, data, tmp):
    df = data.small(pd)
    result = df.sort_values("n", ascending=False, inplace=True)
    s = df["x"].copy()
    s.sort_values(inplace=True, kind="stable")
    return result, df, s


@case(native=True)
def top_rows(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sort_values(["price", "order_id"], ascending=False).head(5),
        df.sort_values("order_id").tail(3),
        df.sort_values(["units", "order_id"]).iloc[10:15],
    )


@case(native=True)
def series_values(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return (
        s.sort_values(kind="stable"),
        s.sort_values(kind="stable", ascending=False, na_position="first"),
        s.sort_values(kind="stable", ignore_index=True),
    )


@case(native=True)
def index_of_frames(pd, np, data, tmp):
    df = data.odd_index(pd, "strings")
    return (
        df.sort_index(),
        df.sort_index(ascending=False),
        df["v"].sort_index(),
        data.sales(pd).sort_index(ascending=False).head(3),
    )


@case(native=True)
def index_with_duplicates(pd, np, data, tmp):
    df = data.odd_index(pd, "duplicated")
    return (
        df.sort_index(kind="stable"),
        df.sort_index(ascending=False, kind="stable"),
        df.sort_index(ignore_index=True, kind="stable"),
    )


@case()
def multi_index(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    return (
        df.sort_index(),
        df.sort_index(level="number"),
        df.sort_index(ascending=[False, True]),
        df.sort_values("v"),
    )


@case()
def columns(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.sort_index(axis=1),
        df[sorted(df.columns)],
        df[["key", "n"]].sort_values(0, axis=1, ascending=False),
    )


@case(native=True)
def after_a_sort_rows_keep_their_labels(pd, np, data, tmp):
    df = data.sales(pd).sort_values(["units", "order_id"])
    return (
        df.index,
        df.iloc[0],
        df.loc[0],
        df.head(2).index,
        df["price"].iloc[-3:],
        df.reset_index().head(4),
    )


@case(native=True)
def nlargest_and_nsmallest(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.nlargest(5, "price"),
        df.nsmallest(4, "price"),
        df["price"].nlargest(3),
        df["price"].nsmallest(3),
        df["price"].nlargest(),
    )


@case(native=True)
def nlargest_of_rows_with_labels(pd, np, data, tmp):
    df = data.sales(pd)
    df["gap"] = df["price"].where(df["units"] > 3)
    grouped = df.groupby(["city", "units"], as_index=False)["price"].sum()
    return (
        df.set_index("order_id").nlargest(5, "units"),
        df[df["units"] > 2].nsmallest(4, "price"),
        df.nlargest(10_000, "gap"),
        df.nsmallest(3, ["gap"]).index,
        df.nlargest(5, "units", keep="last"),
        df.nlargest(0, "units"),
        grouped.nlargest(3, "price").reset_index(drop=True),
        df.nlargest(1, "order_id").index,
        df.head(0).nlargest(2, "price"),
    )


@case(native=True)
def nlargest_with_ties(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].nlargest(30),
        df["units"].nlargest(10, keep="last"),
        df.nlargest(6, ["units", "price"]),
        df.nsmallest(7, "units"),
        df["units"].nlargest(3, keep="all"),
    )


@case(native=True)
def nlargest_of_group_sums(pd, np, data, tmp):
    sums = data.sales(pd).groupby("customer")["units"].sum()
    return (
        sums.nlargest(5),
        sums.nsmallest(2),
        sums.sort_values(ascending=False, kind="stable").head(3),
    )


@case(native=True)
def drop_duplicates_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.drop_duplicates("customer"),
        df.drop_duplicates(subset=["region", "product"], keep="last"),
        df.drop_duplicates(["region", "units"], keep=False),
        df.drop_duplicates("product", ignore_index=True),
        df.drop_duplicates(),
        df["region"].drop_duplicates(),
    )


@case(native=True)
def duplicated_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.duplicated().sum(),
        df.duplicated("customer"),
        df["region"].duplicated(keep="last"),
        df.duplicated(["region", "product"], keep=False),
        df[df.duplicated(["customer", "units"])],
    )


@case(native=True)
def drop_duplicates_in_place(pd, np, data, tmp):
    df = data.sales(pd)
    result = df.drop_duplicates(subset="customer", inplace=True)
    return result, df, len(df)


@case(native=True)
def duplicated_with_nulls(pd, np, data, tmp):
    df = pd.DataFrame({"a": [np.nan, 1, np.nan, None] * 9, "b": ["x", None, "x", None] * 9})
    return df.drop_duplicates(), df.duplicated(), df["b"].drop_duplicates()


@case(native=True)
def last_row_of_each_customer(pd, np, data, tmp):
    df = data.sales(pd)
    return df.sort_values(["when", "order_id"]).drop_duplicates(
        "customer", keep="last"
    ), df.sort_values("order_id").groupby("customer").tail(1)


@case(native=True)
def groupby_after_a_sort(pd, np, data, tmp):
    df = data.sales(pd).sort_values("order_id", ascending=False)
    return (
        df.groupby("region")["price"].first(),
        df.groupby("product", sort=False)["units"].sum(),
        df.groupby("region").head(1),
    )


@case(native=True)
def order_kept_by_filters_and_columns(pd, np, data, tmp):
    df = data.sales(pd).sort_values(["price", "order_id"], ascending=False)
    df["position"] = range(len(df))
    return df[df["paid"]][["price", "position"]], df["units"].cumsum()


@case()
def ranks(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].rank(),
        df["price"].rank(ascending=False),
        df["units"].rank(method="dense"),
        df["price"].rank(pct=True),
        df["product"].rank(method="min"),
        df[["units", "price"]].rank(method="first"),
    )


@case(native=True)
def ranks_of_numbers(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].rank(),
        df["units"].rank(method="max"),
        df["units"].rank(method="first"),
        df["price"].rank(na_option="bottom"),
    )


@case()
def searchsorted_argsort(pd, np, data, tmp):
    s = data.small(pd)["n"]
    return (
        s.searchsorted(35),
        s.searchsorted([10, 95]),
        s[::-1].argsort(kind="stable"),
        np.argsort(s),
    )


@case(native=True)
def ends_of_a_sort(pd, np, data, tmp):
    """Few rows of a sort, with ties at the edge, by kinds that keep their order and not."""
    df = data.sales(pd)
    return (
        df.sort_values("units").head(7),
        df.sort_values("units", kind="stable", ascending=False).head(7),
        df.sort_values(["region", "units"], ascending=[False, True]).tail(9),
        df.sort_values("price", na_position="first").iloc[3:20],
        df.sort_values("product", ignore_index=True).head(4),
        df["price"].sort_values().tail(5),
        df[df["units"] > 2].sort_values(["when", "order_id"]).head(3)["order_id"].sum(),
    )


@case()
def ties_of_text_in_the_default_order(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    return df.sort_values("product")["order_id"], df.sort_values("city", ascending=False).head(9)


@case(native=True)
def categories_and_zoned_times(pd, np, data, tmp):
    df = data.sales(pd)
    df["zoned"] = df["when"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    return (
        df.sort_values(["grade", "channel", "order_id"], ascending=[False, True, True]),
        df.sort_values(["zoned", "order_id"]).head(9),
        df.drop_duplicates(["grade", "channel"]),
        df[(df["grade"] == "mid") & df["channel"].isin(["web", "shop"])]["zoned"],
        df[df["zoned"] >= "2024-03-01"].groupby("grade", observed=False)["units"].sum(),
    )
