"""Reshaping: pivots, melts, stacks, dummies and bins."""

from .registry import case


@case(native=True)
def pivot_tables(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.pivot_table(index="region", columns="product", values="units", aggfunc="sum"),
        df.pivot_table(values="price", index="region"),
        df.pivot_table(
            index=["region", "paid"],
            values=["units", "price"],
            aggfunc={"units": "sum", "price": "mean"},
        ),
        pd.pivot_table(
            df, index="product", columns="paid", values="units", aggfunc="count", fill_value=0
        ),
    )


@case(native=True)
def pivot_tables_with_margins(pd, np, data, tmp):
    df = data.sales(pd)
    return df.pivot_table(
        index="region", columns="paid", values="units", aggfunc="sum", margins=True
    ), df.pivot_table(index="region", values="units", aggfunc=["sum", "count"])


@case(native=True)
def pivot(pd, np, data, tmp):
    df = pd.DataFrame({"d": ["x", "x", "y"], "k": ["a", "b", "a"], "v": [1, 2, 3], "w": [4, 5, 6]})
    return df.pivot(index="d", columns="k", values="v"), df.pivot(index="d", columns="k")


@case(native=True, may_raise=True)
def pivot_with_duplicates(pd, np, data, tmp):
    return pd.DataFrame({"d": ["x", "x"], "k": ["a", "a"], "v": [1, 2]}).pivot(
        index="d", columns="k", values="v"
    )


@case(native=True)
def melt_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.melt(id_vars=["order_id"], value_vars=["units", "weight"]),
        pd.melt(df[["order_id", "price", "units"]], "order_id", var_name="what", value_name="v"),
        data.small(pd)[["key", "n"]].melt(),
        data.small(pd).melt("key", ["n"], ignore_index=False),
    )


@case()
def wide_to_long(pd, np, data, tmp):
    df = pd.DataFrame({"id": [1, 2], "v2020": [3, 4], "v2021": [5, 6]})
    return pd.wide_to_long(df, "v", i="id", j="year")


@case(native=True)
def stack_and_unstack(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    return (
        df.unstack(),
        df["v"].unstack(),
        df["v"].unstack(level=0),
        df[["v"]].stack(),
        data.small(pd)[["key", "n"]].stack().head(5),
    )


@case(native=True)
def unstack_of_filtered_levels(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    part = df[df["v"] > 2]
    return part, part["v"].unstack(fill_value=0), part.index.remove_unused_levels().levels[1]


@case(native=True)
def unstack_of_group_sums(pd, np, data, tmp):
    return data.sales(pd).groupby(["region", "product"])["units"].sum().unstack(fill_value=0)


@case(native=True)
def crosstabs(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        pd.crosstab(df["region"], df["product"]),
        pd.crosstab(df["region"], df["paid"], normalize="index"),
        pd.crosstab(df["region"], df["paid"], margins=True),
        pd.crosstab(df["region"], df["paid"], values=df["units"], aggfunc="sum"),
    )


@case(native=True)
def dummies(pd, np, data, tmp):
    df = data.small(pd)
    return (
        pd.get_dummies(df["group"]),
        pd.get_dummies(df, columns=["group"]),
        pd.get_dummies(df[["group", "n"]], drop_first=True),
        pd.get_dummies(df["group"], prefix="g", dtype=int, dummy_na=True),
        pd.get_dummies(data.sales(pd)["grade"]).sum(),
    )


@case(native=True)
def bins(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        pd.cut(df["units"], 4),
        pd.cut(df["units"], [0, 5, 10, 20], labels=["few", "some", "many"]),
        pd.qcut(df["price"], 4),
        pd.qcut(df["units"], [0, 0.5, 1], labels=False),
        pd.cut(df["units"], [0, 5, 20], right=False).value_counts(),
        pd.cut(df["price"], bins=3, retbins=True)[1],
    )


@case(native=True)
def bins_as_groups(pd, np, data, tmp):
    df = data.sales(pd)
    df["band"] = pd.cut(df["units"], [0, 5, 10, 20])
    return df.groupby("band", observed=False)["price"].mean(), df.groupby(
        pd.qcut(df["weight"], 3), observed=True
    )["units"].sum()


@case(native=True)
def explode_forms(pd, np, data, tmp):
    df = pd.DataFrame({"k": [1, 2, 3, 4], "v": [["a", "b"], [], "c", None]})
    return (
        df.explode("v"),
        df.explode("v", ignore_index=True),
        df["v"].explode(),
        df.assign(t=["x,y", "z", "", "w"]).assign(t=lambda d: d["t"].str.split(",")).explode("t"),
    )


@case(native=True)
def transposed(pd, np, data, tmp):
    df = data.small(pd)
    return df.T, df[["key", "n"]].T, df.head(2).transpose(), df.describe().T, df[["key"]].T.dtypes


@case()
def factorize_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        pd.factorize(df["region"]),
        df["product"].factorize(sort=True),
        pd.factorize(df["units"])[0][:5],
    )


@case()
def swap_and_drop_levels(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    return (
        df.swaplevel(),
        df.droplevel(0),
        df.reorder_levels([1, 0]),
        df.reset_index(level=1),
        df.rename_axis(["L", "N"]),
    )


@case(native=True)
def columns_with_levels(pd, np, data, tmp):
    out = data.sales(pd).groupby("region")[["units", "price"]].agg(["sum", "mean"])
    flat = out.copy()
    flat.columns = ["_".join(c) for c in flat.columns]
    return (
        out["units"],
        out[("price", "sum")],
        flat,
        out.columns,
        out.xs("sum", axis=1, level=1),
        out.columns.get_level_values(0),
    )


@case()
def compare_and_equals(pd, np, data, tmp):
    df = data.small(pd)
    other = df.copy()
    other.loc[2, "n"] = 0
    return (
        df.compare(other),
        df.equals(other),
        df.equals(df.copy()),
        df["n"].equals(other["n"]),
        type(df.equals(df)),
        df["n"].compare(other["n"]),
    )


@case()
def repeats_and_pipes(pd, np, data, tmp):
    df = data.small(pd)
    return df["n"].repeat(2), df.pipe(lambda d, n: d.head(n), 2), df.loc[df.index.repeat(df["key"])]


@case()
def lookups_by_labels(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.reindex([3, 1, 99]),
        df.reindex(columns=["n", "zz"]),
        df["n"].reindex([0, 50], fill_value=-1),
        df.reindex_like(df.head(2)),
        df.set_index("n").reindex([20, 15], method="ffill"),
    )


@case(native=True)
def pivot_table_options(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.pivot_table(index="grade", columns="paid", values="price", observed=True),
        df.pivot_table(index="grade", columns="paid", values="units", observed=False),
        df.pivot_table(
            index="product", columns=["region", "paid"], values="units", aggfunc="sum", fill_value=0
        ),
        df.pivot_table(index="product", values=["units", "price"], aggfunc=["mean", "count"]),
        df.pivot_table(index="region", columns="product", values="price", sort=False),
        df.pivot_table(columns="product", values="units", aggfunc="sum"),
    )


@case(native=True)
def crosstab_options(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        pd.crosstab(df["product"], [df["paid"], df["channel"]]),
        pd.crosstab(df["region"], df["product"], normalize="columns", margins=True),
        pd.crosstab(df["region"], df["grade"], dropna=False),
        pd.crosstab(df["units"] > 10, df["paid"], rownames=["many"], colnames=["done"]),
    )


@case(native=True)
def dummies_in_a_frame(pd, np, data, tmp):
    df = data.sales(pd)[["order_id", "product", "paid", "units"]]
    wide = pd.get_dummies(df, columns=["product"], prefix="is", dtype=int)
    return wide, wide[wide["units"] > 15].sum(), wide.groupby("paid")["is_tea"].mean()


@case()
def crosstab_of_odd_labels(pd, np, data, tmp):
    df = data.sales(pd)
    by_truth = df.groupby("units")["paid"].value_counts().rename_axis([1, True]).to_frame()
    mixed = pd.DataFrame({"a": [1, "x", 2, 1], "b": [1.0, np.nan, 2.0, 2.0]})
    return (
        pd.crosstab(by_truth["count"], by_truth["count"]),
        pd.crosstab(mixed["a"], mixed["b"]),
        pd.crosstab(mixed["a"], mixed["b"], normalize="index"),
    )


@case()
def pivot_by_a_column_called_none(pd, np, data, tmp):
    df = pd.DataFrame({None: [1], "b": 2, "c": 3})
    found = [
        df.pivot(columns="b", index=None),
        df.pivot(columns="b", index=None, values="c"),
        df.pivot(columns="b", index="c", values=None),
    ]
    try:
        df.rename(columns={None: "a"}).pivot(columns="b", index=None, values="c")
    except KeyError as error:
        found.append(repr(error))
    return found
