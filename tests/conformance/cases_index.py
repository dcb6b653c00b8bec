"""The index: setting, resetting and reading it."""

from .registry import case


@case(native=True)
def set_index_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.set_index("order_id"),
        df.set_index("region"),
        df.set_index("units", drop=False)["price"],
        df.set_index(["region", "order_id"])["units"],
    )


@case(native=True)
def set_index_does_not_sort(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.set_index("key").reset_index(),
        df.set_index("x").reset_index(),
        df.set_index("text").index,
    )


@case(native=True)
def set_index_appended(pd, np, data, tmp):
    return data.small(pd).set_index("key", append=True), data.small(pd).set_index(
        pd.Index(range(10), name="z")
    )


@case(native=True)
def reset_index_forms(pd, np, data, tmp):
    df = data.sales(pd).set_index("order_id")
    odd = data.odd_index(pd, "multi")
    return (
        df.reset_index(),
        df.reset_index(drop=True),
        odd.reset_index(),
        odd.reset_index("letter"),
        df["units"].reset_index(),
        df["units"].reset_index(name="u"),
        df["units"].reset_index(drop=True),
    )


@case(native=True)
def reset_index_of_filters(pd, np, data, tmp):
    df = data.sales(pd)
    out = df[df["units"] > 10].reset_index(drop=True)
    return (
        out,
        out.index,
        out.loc[5],
        df[df["units"] > 10].reset_index(),
        out.iloc[3:5].reset_index(),
    )


@case(native=True)
def reset_index_in_place(pd, np, data, tmp):
    df = data.sales(pd).sort_values("order_id", ascending=False)
    result = df.reset_index(drop=True, inplace=True)
    return result, df


@case(native=True)
def index_assigned(pd, np, data, tmp):
    df = data.small(pd)
    df.index = df["key"]
    other = data.small(pd)
    other.index = range(100, 110)
    third = data.small(pd)
    third.index.name = "row"
    return df, df.index.name, other, third, third.reset_index().columns


@case(native=True)
def index_of_each_kind(pd, np, data, tmp):
    kinds = ["multi", "dates", "duplicated", "strings", "floats", "reversed", "category"]
    return {k: (data.odd_index(pd, k), data.odd_index(pd, k).index) for k in kinds}


@case(native=True)
def filters_on_each_kind(pd, np, data, tmp):
    kinds = ["multi", "dates", "duplicated", "strings", "floats", "reversed", "category"]
    frames = {k: data.odd_index(pd, k) for k in kinds}
    return {
        k: (df[df["v"] > 3], df.assign(z=df["v"] * 2), df.head(3), df["w"].fillna(0))
        for k, df in frames.items()
    }


@case(native=True)
def range_index_stays_a_range(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.index,
        df.head(5).index,
        df.iloc[10:20].index,
        df.iloc[::3].index,
        df[["units"]].index,
        (df["units"] + 1).index,
        df[df["units"] > 0].index,
        df.copy().index,
    )


@case(native=True)
def index_read(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["units"] > 18]
    return (
        df.index.tolist()[:3],
        list(part.index),
        part.index[0],
        part.index.values[:3],
        len(df.index),
        5 in df.index,
        part.index.min(),
        [i for i in part.index][:4],
    )


@case(native=True)
def columns_read(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.columns,
        df.columns.tolist(),
        list(df.columns),
        df.keys(),
        df.columns[2],
        len(df.columns),
        "units" in df.columns,
        df.columns.values,
        df.columns.get_loc("units"),
        df.axes[1],
    )


@case(native=True)
def rows_by_index_values(pd, np, data, tmp):
    df = data.sales(pd).set_index("order_id")
    return (
        df.loc[10_005],
        df.loc[[10_001, 10_000]],
        df.loc[10_003:10_006, "units"],
        10_005 in df.index,
        df.index.isin([10_001]).sum(),
    )


@case(native=True)
def rows_by_repeated_index_values(pd, np, data, tmp):
    df = data.sales(pd).set_index("customer")
    return (
        df.loc[25],
        df.loc[25, "units"].sum(),
        df.loc[[25, 26], "order_id"],
        df[df.index == 30]["units"],
    )


@case(native=True)
def index_as_a_column(pd, np, data, tmp):
    df = data.sales(pd)
    df["row"] = df.index
    return (
        df["row"],
        df[df.index % 500 == 0],
        df.index.to_series().head(2),
        df.index.to_frame().tail(1),
    )


@case()
def index_methods(pd, np, data, tmp):
    a, b = pd.Index([3, 1, 2]), pd.Index([2, 5, 3])
    return (
        a.union(b),
        a.intersection(b),
        a.difference(b),
        a.symmetric_difference(b),
        a.sort_values(),
        a.get_loc(1),
        a.map({3: "x"}),
        a.insert(1, 9),
        a.isin([1]),
        a.append(b),
        a.argsort(),
    )


@case()
def index_of_text(pd, np, data, tmp):
    i = pd.Index(["b", "a", None], name="n")
    return (
        i.str.upper(),
        i.isna(),
        i.unique(),
        i.dropna(),
        i.fillna("z"),
        i.astype(object),
        i.rename("m"),
    )


@case()
def multi_index_methods(pd, np, data, tmp):
    i = data.odd_index(pd, "multi").index
    return (
        i.get_level_values("letter"),
        i.names,
        i.nlevels,
        i.levels[0],
        i.to_frame(),
        i.tolist()[:2],
        i.droplevel(0),
        pd.MultiIndex.from_product([[1, 2], ["x"]]),
        i.is_unique,
    )


@case()
def multi_index_slices(pd, np, data, tmp):
    df = data.odd_index(pd, "multi").sort_index()
    idx = pd.IndexSlice
    return (
        df.loc[idx[:, 2:3], :],
        df.loc["a":"a"],
        df.loc[("a", 2) : ("b", 1)],
        df.loc[(slice(None), 4), :],
    )


@case(native=True)
def names_of_axes(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.rename_axis("row"),
        df.rename_axis(columns="field"),
        df.rename_axis("row").reset_index(),
        df.set_index("key").rename_axis(None),
    )


@case(native=True)
def odd_column_labels(pd, np, data, tmp):
    df = pd.DataFrame([[1, 2.5, "x"]] * 20, columns=[0, ("a", "b"), None])
    return df, df[0].sum(), df.columns, df.iloc[:, 2], pd.DataFrame({1: [1], "1": [2], 1.5: [3]})


@case(native=True)
def columns_like_methods(pd, np, data, tmp):
    df = pd.DataFrame(
        {"count": [1, 2] * 10, "mean": [3, 4] * 10, "index": [5, 6] * 10, "a b": [1, 1] * 10}
    )
    return df["count"].sum(), df["index"], df.count(), df["a b"], df.reset_index()


@case()
def series_with_a_named_index(pd, np, data, tmp):
    s = data.sales(pd).groupby("region")["units"].sum()
    return (
        s,
        s.index,
        s["east"],
        s.loc[["west", "east"]],
        s.index.name,
        s.items().__next__(),
        dict(s.items()),
        s.rename_axis("r").reset_index(name="n"),
    )


@case(native=True)
def monotonic_and_unique(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["paid"]]
    return (
        part.index.is_unique,
        part.index.is_monotonic_increasing,
        df.set_index("customer").index.is_unique,
        df.index.has_duplicates,
    )


@case(native=True)
def setting_the_index_by_a_series(pd, np, data, tmp):
    df = data.sales(pd)
    out = df.set_index(df["customer"] * 2)
    return out.index, out["units"], df.set_index(df["when"].dt.year)["units"].head(3)


@case()
def labels_that_repeat_in_a_series(pd, np, data, tmp):
    s = pd.Series([1, 2, 3], index=list("aba"), name="s")
    return s["a"], s["a"].name, s["b"], s.loc[["a"]], s.groupby(level=0).sum()


@case()
def levels_of_missing_text(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet).set_index(["region", "customer"])[["units"]].head(60)
    units = df["units"]
    return df.reset_index(), (units * 2).reset_index(), units.groupby(level=0, dropna=False).sum()


@case()
def levels_that_no_row_shows(pd, np, data, tmp):
    df = data.sales(pd).set_index(["region", "product"]).nsmallest(4, "price")
    none = df[df["units"] > 1e6]
    sums = none.groupby(level=[0, 1])[["price"]].agg(["sum", "max"]).stack()
    renamed = sums.rename(index={"tea": "TEA"})
    made = df["when"].dt.isocalendar().week, renamed, renamed.fillna(0)
    return [[list(level) for level in obj.index.levels] for obj in made], made[0]


@case()
def labels_that_are_numbers(pd, np, data, tmp):
    df = pd.DataFrame(np.arange(60).reshape(20, 3) % 7)
    named = df[[0]].head(3).rename(columns={0: "z"})
    swapped = df.set_index([1, 0])
    return (
        df.groupby(0)[[1]].agg(["sum", "max"]),
        df.assign(new=1).groupby([0, "new"]).agg({1: "last"}),
        df.groupby([1, 2], as_index=False)[0].sum(),
        [swapped.groupby(1)[2].sum(), swapped[2].groupby(level=[1, 0]).sum()],
        df.head(3).pivot(index=1, columns=0, values=2),
        df.merge(df[[0]].drop_duplicates(), how="inner"),
        df.merge(df[[0]].drop_duplicates().iloc[:0]),
        [df.merge(named, left_on=1, right_on="z", how=how) for how in ("outer", "right")],
        df.merge(named.assign(y=1), left_on=[1, 1], right_on=["z", "y"], how="outer"),
    )
