"""Grouping."""

import warnings

from .registry import case

AGGREGATIONS = ["sum", "mean", "min", "max", "count", "std", "var", "median", "nunique", "size"]
AGGREGATIONS += ["first", "last", "prod", "sem"]


@case(native=True)
def median_motivating_example(pd, np, data, tmp):
    df = data.small(pd)[["group", "key", "x", "n"]]
    return df.groupby("group").median()


@case(native=True, max_executions=1)
def sum_by_one_key(pd, np, data, tmp):
    return data.sales(pd).groupby("region")["units"].sum()


@case(native=True)
def every_aggregation(pd, np, data, tmp):
    g = data.sales(pd).groupby("product")["price"]
    return {name: getattr(g, name)() for name in AGGREGATIONS}


@case(native=True)
def every_aggregation_of_frames(pd, np, data, tmp):
    g = data.sales(pd)[["region", "units", "price", "weight"]].groupby("region")
    return {name: getattr(g, name)() for name in AGGREGATIONS}


@case(native=True)
def small_types(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")[["boxes", "weight", "paid"]]
    return g.sum(), g.mean(), g.max(), g.min(), g.first(), g.count(), g.median()


@case(native=True)
def text_and_dates(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return (
        g["product"].min(),
        g["product"].max(),
        g["product"].first(),
        g["when"].min(),
        g["when"].max(),
        g["product"].nunique(),
        g["city"].last(),
        g["when"].mean(),
    )


@case(native=True)
def any_and_all(pd, np, data, tmp):
    g = data.sales(pd).groupby("product")["paid"]
    return g.any(), g.all(), g.sum(), g.mean()


@case(native=True)
def numeric_only(pd, np, data, tmp):
    g = data.sales(pd).drop(columns=["when", "grade", "channel"]).groupby("region")
    return (
        g.sum(numeric_only=True),
        g.mean(numeric_only=True),
        g.median(numeric_only=True),
        g.count(),
    )


@case(native=True)
def many_keys(pd, np, data, tmp):
    g = data.sales(pd).groupby(["region", "product"])
    return (
        g["units"].sum(),
        g[["units", "price"]].mean(),
        g.size(),
        g["price"].median(),
    )


@case(native=True)
def many_keys_with_nulls(pd, np, data, tmp):
    g = data.sales(pd).groupby(["region", "city"])
    return g["paid"].mean(), g["units"].sum(), g.size()


@case(native=True)
def nulls_kept(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region", dropna=False)["units"].sum(),
        df.groupby(["region", "city"], dropna=False)["units"].sum(),
        df.groupby("city", dropna=False).size(),
        df.groupby("price", dropna=False)["units"].sum().tail(3),
    )


@case(native=True)
def null_keys_dropped(pd, np, data, tmp):
    df = pd.DataFrame({"k": ["a", "a", None, "b", None] * 8, "v": range(40)})
    return (
        df.groupby("k").size(),
        df.groupby("k").head(1),
        df.groupby("k")["v"].mean(),
        df.groupby("k")["v"].transform("sum"),
    )


@case(native=True)
def unsorted_keys(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("product", sort=False)["units"].sum(),
        df.groupby(["region", "product"], sort=False)["units"].mean(),
        df.groupby("city", sort=False, dropna=False)["units"].count(),
        df.groupby("product", sort=False).size(),
    )


@case(native=True)
def keys_as_columns(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region", as_index=False)["units"].sum(),
        df.groupby(["region", "product"], as_index=False)[["units", "price"]].mean(),
        df.groupby("product", as_index=False).agg({"units": "sum", "price": "max"}),
        df.groupby(["region", "paid"], as_index=False).size(),
        df.groupby("product")["units"].sum().reset_index(),
        df.groupby("product").size().reset_index(name="n"),
    )


@case(native=True)
def categories_observed_or_not(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("grade", observed=False)["units"].sum(),
        df.groupby("grade", observed=True)["units"].sum(),
        df.groupby("grade", observed=False)["price"].mean(),
        df.groupby("grade", observed=False).size(),
        df.groupby("channel", observed=True)["units"].agg(["sum", "max"]),
        df.groupby("channel", observed=False, sort=False)["units"].sum(),
    )


@case(native=True)
def categories_crossed(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby(["grade", "channel"], observed=False)["units"].sum(),
        df.groupby(["grade", "product"], observed=True)["units"].mean(),
        df.groupby(["product", "grade"], observed=False)["units"].count(),
    )


@case(native=True)
def by_other_series(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby(df["units"] > 10)["price"].mean(),
        df["price"].groupby(df["region"]).sum(),
        df.groupby(df["units"] % 3)["weight"].sum(),
        df.groupby([df["region"], df["units"] > 10])["price"].count(),
        df.groupby(df["product"].str[0])["units"].sum(),
    )


@case()
def by_functions_arrays_and_dicts(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.groupby(lambda i: i % 3)["n"].sum(),
        df.groupby(np.arange(10) // 4)["n"].sum(),
        df.groupby({0: "a", 1: "a", 2: "b"})["n"].sum(),
        df.groupby([1, 2] * 5)["n"].mean(),
    )


@case(native=True)
def by_index_levels(pd, np, data, tmp):
    df = data.odd_index(pd, "multi")
    named = data.sales(pd).set_index("region")
    return (
        df.groupby(level=0).sum(),
        df.groupby("number")["v"].max(),
        df.groupby(level="letter").mean(),
        named.groupby(level=0)["units"].sum(),
        named.groupby("region")["units"].max(),
    )


@case(native=True)
def agg_list(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region")["price"].agg(["min", "max", "mean", "count"]),
        df.groupby("region")[["units", "price"]].agg(["sum", "mean"]),
        df.groupby("product", sort=False)["units"].agg(["sum"]),
    )


@case(native=True)
def agg_dict(pd, np, data, tmp):
    g = data.sales(pd).groupby("product")
    return (
        g.agg({"units": "sum", "price": "mean"}),
        g.agg({"units": ["sum", "max"], "price": ["median"]}),
        g.agg({"price": "std", "region": "nunique", "when": "max"}),
    )


@case(native=True)
def agg_named(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region").agg(
            total=("units", "sum"), dearest=("price", "max"), n=("order_id", "count")
        ),
        df.groupby("region", as_index=False).agg(total=("units", "sum")),
        df.groupby(["region", "product"]).agg(mid=("price", "median"), kinds=("city", "nunique")),
        df.groupby("region")["units"].agg(low="min", high="max"),
        df.groupby("region").agg(x=pd.NamedAgg(column="price", aggfunc="mean")),
    )


@case(native=True)
def agg_named_then_sorted(pd, np, data, tmp):
    out = data.sales(pd).groupby("customer").agg(n=("order_id", "count"), spent=("units", "sum"))
    return out.sort_values(["spent", "n"], ascending=False, kind="stable").head(7), out[
        out["n"] > 15
    ].shape


@case(native=True)
def size_and_count(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region").size(),
        df.groupby("region").count(),
        df.groupby(["region", "paid"]).size(),
        len(df.groupby("region")),
        df.groupby("region").ngroups,
    )


@case(native=True)
def nunique_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region")["city"].nunique(),
        df.groupby("region")["city"].nunique(dropna=False),
        df.groupby("product")[["region", "units"]].nunique(),
        df.groupby("paid")["customer"].nunique(),
    )


@case(native=True)
def medians_and_quantiles(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return (
        g["price"].median(),
        g["price"].quantile(0.9),
        g["price"].quantile([0.25, 0.75]),
        g[["units", "price"]].median(),
        g["units"].quantile(),
    )


@case(native=True)
def first_and_last(pd, np, data, tmp):
    g = data.sales(pd).groupby("customer")
    return g.first(), g.last(), g["price"].first(), g["region"].last()


@case(native=True)
def first_with_nulls(pd, np, data, tmp):
    df = pd.DataFrame(
        {
            "k": list("aabbcc") * 8,
            "v": [np.nan, 1, np.nan, np.nan, 3, 4] * 8,
            "t": [None, "x", "y", None, None, None] * 8,
        }
    )
    g = df.groupby("k")
    return g.first(), g.last(), g.nth(0), g.head(1), g.tail(2)


@case(native=True)
def min_count_of_sums(pd, np, data, tmp):
    df = data.sales(pd)
    small = pd.DataFrame({"k": [1, 1, 2, 2] * 5, "v": [1.0, 2.0, 3.0, np.nan] * 5})
    return (
        df.groupby("region")["price"].sum(min_count=400),
        small.groupby("k")["v"].sum(min_count=6),
        small.groupby("k")["v"].sum(min_count=2),
    )


@case(native=True)
def infinities_in_groups(pd, np, data, tmp):
    df = pd.DataFrame({"k": [1, 2] * 30, "v": [np.inf, 1.0, -np.inf, np.nan, 2.0, 3.0] * 10})
    g = df.groupby("k")["v"]
    return g.sum(), g.mean(), g.max(), g.count(), g.median()


@case()
def describe_of_groups(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return g["price"].describe(), g[["units", "price"]].describe()


@case()
def value_counts_of_groups(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return (
        g["product"].value_counts(),
        g["product"].value_counts(normalize=True),
        g["paid"].value_counts().unstack(),
    )


@case()
def extremes_of_groups(pd, np, data, tmp):
    df = data.sales(pd)
    g = df.groupby("region")
    return (
        g["price"].idxmax(),
        df.loc[g["price"].idxmax()],
        g["price"].nlargest(2),
        g["units"].nsmallest(1),
    )


@case()
def moments_of_groups(pd, np, data, tmp):
    g = data.sales(pd).groupby("product")
    return g["price"].skew(), g["units"].unique(), g[["units", "weight"]].var()


@case()
def groups_and_get_group(pd, np, data, tmp):
    g = data.small(pd).groupby("group")
    return dict(g.groups), g.indices, g.get_group("A"), g.ngroups, "A" in g.groups


@case()
def then_unstack_plot_tables(pd, np, data, tmp):
    df = data.sales(pd)
    table = df.groupby(["product", "region"])["units"].sum().unstack()
    return table, table.fillna(0).astype(int), table.sum(axis=1), table.T


@case(native=True)
def then_sort(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("product")["units"].sum().sort_values(ascending=False),
        df.groupby("product")["price"].mean().sort_values().index.tolist(),
        df.groupby("city")["price"].max().nlargest(2),
    )


@case(native=True)
def of_filters(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df[df["paid"]].groupby("region")["units"].sum(),
        df[df["units"] > 99].groupby("region")["units"].sum(),
        df[df["units"] > 99].groupby("region").size(),
    )


@case(native=True)
def of_empty_frames(pd, np, data, tmp):
    df = data.empty(pd)
    return (
        df.groupby("s")["i"].sum(),
        df.groupby("s", as_index=False)["f"].mean(),
        df.groupby(["s", "b"]).size(),
    )


@case(native=True)
def by_float_keys(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.groupby("x")["n"].sum(),
        df.groupby("x", dropna=False)["n"].sum(),
        df.groupby(["x", "group"])["n"].sum(),
    )


@case(native=True)
def by_bool_int_and_date_keys(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("paid")["price"].mean(),
        df.groupby("boxes")["units"].sum(),
        df.groupby(df["when"].dt.date)["units"].sum(),
        df.groupby("when")["units"].sum().head(3),
    )


@case(native=True)
def all_columns_at_once(pd, np, data, tmp):
    df = data.sales(pd)[["customer", "units", "price", "weight", "boxes"]]
    return (
        df.groupby("customer").sum(),
        df.groupby("customer").mean(),
        df.groupby("customer").agg(["min", "max"]),
    )


@case(native=True)
def selection_forms(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return (
        g.units.sum(),
        g[["units"]].sum(),
        g[["price", "units"]].sum().columns,
        g["units"].sum().name,
    )


@case(native=True)
def by_the_column_aggregated(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("units")["units"].count(),
        df.groupby("region")["region"].count(),
        df["product"].groupby(df["product"]).count(),
    )


@case(may_raise=True)
def unknown_key(pd, np, data, tmp):
    return data.small(pd).groupby("nope")


@case(may_raise=True)
def mean_of_text(pd, np, data, tmp):
    return data.small(pd).groupby("group").mean()


@case(native=True)
def by_text_with_none_and_nan(pd, np, data, tmp):
    df = pd.DataFrame({"k": ["a", None, np.nan, "b", "a", None] * 6, "v": range(36)})
    return (
        df.groupby("k")["v"].sum(),
        df.groupby("k", dropna=False)["v"].sum(),
        df["k"].value_counts(dropna=False),
    )


@case(native=True)
def by_series_of_another_frame(pd, np, data, tmp):
    df, other = data.small(pd), data.small(pd)
    return df.groupby(other["group"])["n"].sum(), df["n"].groupby(other["key"]).mean()


@case()
def keys_are_looked_at_at_the_call(pd, np, data, tmp):
    df, seen = data.small(pd), []
    groups = df.groupby(lambda label: seen.append(label) or label % 3)
    seen.append("called")
    found = [groups["n"].sum(), groups["n"].max(), df["n"].groupby([lambda n: n % 2]).sum(), seen]
    for by in (lambda label: label.year, [["a"], ["b"]], [[0]], pd.Grouper(freq="D"), np.arange(2)):
        try:
            df.groupby(by)
            found.append("nothing raised")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            found.append((type(error).__name__, str(error)))
    return found


@case()
def unobserved_groups_as_columns(pd, np, data, tmp):
    df = data.sales(pd)
    groups = df.groupby(["grade", "product"], as_index=False, observed=False)
    seen = df.groupby(["grade", "product"], as_index=False, observed=True)
    try:
        told = groups.agg({"units": "sum"})
    except ValueError as error:  # of pandas 2
        told = str(error)
    return told, groups["units"].sum(), seen.agg({"units": "sum"}), groups.size()


@case()
def named_columns_in_groups(pd, np, data, tmp):
    df = data.small(pd)[["group", "n", "x"]].rename_axis(columns="what")
    groups = df[df["n"] > 0].groupby("group")
    flat = df.groupby("group", as_index=False)
    return [
        groups.agg(["sum", "max"]),
        groups[["x"]].agg(["mean"]).reset_index(),
        groups.agg({"x": ["min"], "n": ["sum", "max"]}),
        groups["x"].agg(["sum"]),
        flat["x"].sum(),
        flat[["x"]].sum(),
        flat.sum(),
    ]


@case()
def selections_by_tuples(pd, np, data, tmp):
    df = data.small(pd)[["group", "n"]]
    levels = df[df["n"] > 0].groupby("group").agg({"n": ["min", "max"]}).reset_index()
    groups, found = levels.groupby(("group", "")), []
    for key in (("n", "min"), ("n", "nothing"), ["n"], ("n",), [("n", "min")], "n", "nothing"):
        try:
            found.append(groups[key].sum())
        except (KeyError, TypeError, ValueError) as error:
            found.append((type(error).__name__, str(error)))
    return found


@case()
def numbers_only_after_sums(pd, np, data, tmp):
    df = data.small(pd)[["group", "key", "n"]].astype({"n": "int32"}).assign(text="t")
    sums = pd.concat([df, df.head(2)]).groupby("group").sum(numeric_only=True)
    again = sums.groupby("key").sum(numeric_only=True)
    return again, again["n"].factorize()[0].tolist(), sums.groupby("key").mean(numeric_only=True)


@case()
def days_that_begin_twice(pd, np, data, tmp):
    hours = pd.date_range("2018-11-03 12:00", "2018-11-05 12:00", freq="h", tz="UTC")
    df = pd.DataFrame({"n": range(49)}, index=hours.tz_convert("America/Havana"))
    return df.groupby(pd.Grouper(freq="1D")).mean(), df.resample("D")["n"].sum()


@case()
def truth_of_times(pd, np, data, tmp):
    df = pd.DataFrame({"key": [1, 1, 2], "at": pd.date_range("2020", periods=3)})
    found = []
    for name in ("any", "all"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                found.append(getattr(df.groupby("key"), name)())
            except TypeError as error:
                found.append(str(error))
        found.append([str(w.message) for w in seen if not issubclass(w.category, UserWarning)])
    return found


@case()
def one_column_of_groups_without_index(pd, np, data, tmp):
    df = data.small(pd)
    groups = df.groupby("key", as_index=False)["n"]
    found = [type(groups).__name__, groups.nlargest(1), groups.sum(), groups.agg("max")]
    found += [groups.size(), groups.transform("mean"), groups.head(1), groups.agg(["min", "max"])]
    for wrong in (lambda: groups.agg({"n": "sum"}), lambda: groups.agg({"zz": "sum"})):
        try:
            found.append(wrong())
        except (KeyError, pd.errors.SpecificationError) as error:
            found.append(repr(error))
    for wrong in (lambda: df.groupby("key", as_index=False)["zz"], lambda: groups["key"]):
        try:
            wrong()
        except (IndexError, KeyError) as error:
            found.append(repr(error))
    return found


@case()
def keys_of_text_beside_columns_of_numbers(pd, np, data, tmp):
    df = data.small(pd)
    table = pd.crosstab(df["key"], df["n"])
    table = table.assign(size=table[10].map({0: "none", 1: "some"}))
    return table.groupby("size", as_index=False)[20].mean(), table.groupby("size").sum().columns


@case()
def groups_kept_without_their_keys(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet).set_index("when")
    last = df.groupby("region").last().replace(0, 7)
    return (last["units"] > 0).all(), last["price"].sum(), last


@case()
def names_of_columns_of_numbers(pd, np, data, tmp):
    df = data.small(pd)
    groups = pd.crosstab(df["key"], df["n"]).groupby(10)[20]
    return groups.sum(), groups.cumsum(), groups.size(), groups.agg("max")
