"""Reductions and summaries of frames and series."""

from .registry import case


@case(native=True, max_executions=1)
def sum_of_a_column(pd, np, data, tmp):
    return data.sales(pd)["units"].sum()


@case(native=True)
def one_number_each(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return s.sum(), s.mean(), s.min(), s.max(), s.count(), s.std(), s.var(), s.median(), s.nunique()


@case(native=True)
def integers(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return (
        s.sum(),
        s.mean(),
        s.min(),
        s.max(),
        s.count(),
        s.std(),
        s.median(),
        s.nunique(),
        s.prod() == 0,
    )


@case(native=True)
def small_types(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        [df["boxes"].sum(), df["boxes"].max(), df["boxes"].mean(), df["boxes"].median()],
        [df["weight"].sum(), df["weight"].max(), df["weight"].mean(), df["weight"].min()],
        [df["paid"].sum(), df["paid"].mean(), df["paid"].max(), df["paid"].any(), df["paid"].all()],
    )


@case(native=True)
def text(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["product"].min(),
        df["product"].max(),
        df["region"].count(),
        df["region"].nunique(),
        df["city"].nunique(dropna=False),
    )


@case(native=True)
def nan_partials_are_not_skipped(pd, np, data, tmp):
    s = pd.Series([np.inf, -np.inf, np.nan, 1.0] * 20)
    return (
        s.sum(),
        s.mean(),
        s.std(),
        pd.Series([np.inf] * 30 + [-np.inf] * 30).sum(),
        s.max(),
        s.median(),
    )


@case(native=True)
def all_null_and_empty(pd, np, data, tmp):
    s, e = pd.Series([np.nan] * 40), pd.Series([], dtype="float64")
    return (
        [s.sum(), s.mean(), s.max(), s.count(), s.std(), s.median(), s.nunique()],
        [e.sum(), e.mean(), e.max(), e.count(), e.std(), e.median(), e.nunique(), e.any(), e.all()],
    )


@case(native=True)
def empty_frames(pd, np, data, tmp):
    df = data.empty(pd)
    return (
        df.sum(numeric_only=True),
        df.count(),
        df.mean(numeric_only=True),
        df.isna().sum(),
        df["i"].max(),
        df["f"].sum(),
    )


@case(native=True)
def skipna_and_min_count(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return (
        s.sum(skipna=False),
        s.mean(skipna=False),
        s.max(skipna=False),
        s.sum(min_count=1999),
        s.sum(min_count=3),
    )


@case(native=True)
def whole_frames(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price", "weight", "paid"]]
    return (
        df.sum(),
        df.mean(),
        df.min(),
        df.max(),
        df.count(),
        df.std(),
        df.var(),
        df.median(),
        df.nunique(),
        df.any(),
        df.all(),
    )


@case(native=True)
def whole_frames_numeric_only(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.sum(numeric_only=True),
        df.mean(numeric_only=True),
        df.median(numeric_only=True),
        df.max(numeric_only=True),
        df.count(),
        df.nunique(),
    )


@case(native=True)
def frames_of_one_dtype(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df[["boxes"]].sum(),
        df[["weight"]].mean(),
        df[["weight"]].max(),
        df[["paid"]].sum(),
        df[["units", "boxes"]].max(),
    )


@case(native=True)
def frames_with_text(pd, np, data, tmp):
    df = data.sales(pd)[["product", "units"]]
    return df.min(), df.max(), df.count(), df[["product"]].head(3).sum()


@case(native=True)
def by_rows(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price", "weight"]]
    return (
        df.sum(axis=1),
        df.mean(axis=1),
        df.max(axis=1),
        df.min(axis="columns"),
        df.count(axis=1),
        df.any(axis=1),
        df.std(axis=1),
    )


@case(native=True)
def by_rows_from_csv(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv)
    return (
        df[["units", "price"]].sum(axis=1),
        df[["units", "price"]].mean(axis=1),
        df[["units", "customer"]].sum(axis=1),
    )


@case(native=True)
def quantiles(pd, np, data, tmp):
    df = data.sales(pd)
    s = df["price"]
    return (
        s.quantile(),
        s.quantile(0.9),
        s.quantile([0.1, 0.25, 0.75]),
        s.quantile(0.3, interpolation="lower"),
        df[["units", "price"]].quantile(0.75),
        df[["units", "price"]].quantile([0.25, 0.5]),
    )


@case(native=True)
def quantiles_interpolate(pd, np, data, tmp):
    s = pd.Series([1, 2, 3, 4])
    return s.quantile(0.4), s.quantile(0.25), s.median(), pd.Series([5]).quantile(0.3)


@case(native=True)
def outliers_by_quartiles(pd, np, data, tmp):
    df = data.sales(pd)
    q1, q3 = df["price"].quantile(0.25), df["price"].quantile(0.75)
    fence = q3 + 1.5 * (q3 - q1)
    return df[df["price"] > fence], (df["price"] > fence).sum()


@case(native=True)
def places_of_extremes(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].idxmax(),
        df["price"].idxmin(),
        df["units"].idxmax(),
        df[["price", "units"]].idxmax(),
        df.loc[df["price"].idxmax()],
        df.loc[df["units"].idxmin(), "product"],
    )


@case(native=True)
def places_of_extremes_in_a_labelled_series(pd, np, data, tmp):
    s = data.odd_index(pd, "strings")["v"]
    return s.idxmax(), s.idxmin(), s.argmax(), s.argmin()


@case(native=True)
def first_of_equal_extremes(pd, np, data, tmp):
    s = pd.Series([3, 9, 1, 9, 1] * 20, index=range(100, 200))
    return s.idxmax(), s.idxmin()


@case(native=True)
def any_and_all(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        (df["units"] > 18).any(),
        (df["units"] > 0).all(),
        df["region"].isna().any(),
        (df[["units", "weight"]] > 0).all(),
    )


@case(native=True, max_executions=1)
def value_counts_of_text(pd, np, data, tmp):
    return data.sales(pd)["product"].value_counts()


@case(native=True)
def value_counts_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].value_counts(dropna=False),
        df["region"].value_counts(normalize=True),
        df["product"].value_counts(ascending=True),
        df["product"].value_counts(sort=False),
        df["paid"].value_counts(),
        df["units"].value_counts().sort_index(),
        df["product"].value_counts().head(3),
    )


@case(native=True)
def value_counts_with_ties(pd, np, data, tmp):
    s = pd.Series(list("cabbcaddxyzxyz") * 6)
    return (
        s.value_counts(),
        s.value_counts(sort=False),
        pd.Series([3, 1, 2, 3, 1, 2] * 12).value_counts(),
    )


@case(native=True)
def value_counts_of_categories(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["grade"].value_counts(),
        df["grade"].value_counts(sort=False),
        df["channel"].value_counts(),
        df["grade"].value_counts(dropna=False),
    )


@case()
def value_counts_in_bins_and_of_frames(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].value_counts(bins=4),
        df[["product", "paid"]].value_counts(),
        df.value_counts(["region"]),
    )


@case(native=True)
def value_counts_used(pd, np, data, tmp):
    counts = data.sales(pd)["product"].value_counts()
    return (
        counts.index.tolist(),
        counts.values,
        counts["tea"],
        counts.index[0],
        counts.to_dict(),
        dict(counts),
        counts.reset_index(),
        counts.idxmax(),
    )


@case(native=True, max_executions=1)
def unique_in_order_of_appearance(pd, np, data, tmp):
    return data.sales(pd)["product"].unique()


@case(native=True)
def unique_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].unique(),
        df["units"].unique(),
        df["price"].unique(),
        df["grade"].unique(),
        df["when"].unique()[:9],
        df["paid"].unique(),
        pd.unique(df["city"]),
        sorted(df["product"].unique()),
    )


@case(native=True)
def uniqueness(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["order_id"].is_unique,
        df["units"].is_unique,
        df["order_id"].is_monotonic_increasing,
        df["units"].is_monotonic_decreasing,
        df.index.is_unique,
    )


@case(native=True)
def describe_of_numbers(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].describe(),
        df["units"].describe(),
        df[["units", "price", "weight"]].describe(),
        df["price"].describe(percentiles=[0.05, 0.95]),
    )


@case(native=True)
def describe_of_text(pd, np, data, tmp):
    df = data.sales(pd)
    return df["product"].describe(), df[["region", "product"]].describe(), df["paid"].describe()


@case()
def describe_of_everything(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.describe(),
        df.describe(include="all"),
        df.describe(include=["category"]),
        df["grade"].describe(),
        df.describe(exclude=["datetime"]).columns,
    )


@case()
def describe_used(pd, np, data, tmp):
    d = data.sales(pd)[["units", "price"]].describe()
    return d.loc["mean", "units"], d.T, d["price"]["75%"], d.round(2)


@case()
def modes(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["product"].mode(),
        df["product"].mode()[0],
        df["units"].mode(),
        pd.Series([3, 1, 3, 1, 2]).mode(),
        pd.Series(["b", "a", None, None]).mode(),
        pd.Series(["b", "a", None, None]).mode(dropna=False),
        pd.Series([np.nan, np.nan]).mode(),
    )


@case()
def modes_of_frames(pd, np, data, tmp):
    return data.sales(pd)[["product", "units", "region"]].mode(), data.small(pd).mode()


@case(native=True)
def correlations(pd, np, data, tmp):
    df = data.sales(pd)
    df["cost"] = df["units"] * 3 + df["weight"]
    numeric = df[["units", "price", "weight", "cost"]]
    return (
        numeric.corr(),
        df["cost"].corr(df["units"]),
        df.corr(numeric_only=True),
        numeric.corr()["cost"].sort_values(ascending=False),
    )


@case(native=True)
def correlation_of_two_frames(pd, np, data, tmp):
    path = data.sales_csv
    a, b = pd.read_csv(path)["units"], pd.read_csv(path)["weight"]
    c = a * 2 + b
    return a.corr(c), (a - b).sum()


@case()
def rank_correlations_and_covariances(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price", "weight"]]
    df["cost"] = df["units"] * 3 + df["weight"]
    return (
        df.corr(method="spearman"),
        df[["units", "cost"]].corr(method="kendall"),
        df[["units", "cost"]].cov(),
        df["units"].cov(df["cost"]),
        df.corrwith(df["cost"]),
    )


@case()
def skew_and_kurtosis(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].skew(),
        df["price"].kurt(),
        df[["price"]].skew(),
        df[["price"]].kurtosis(),
        df["units"].sem(),
        df["weight"].prod() > 1,
    )


@case(native=True)
def agg_of_series(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return s.agg("mean"), s.agg(["min", "max", "mean"]), s.agg({"low": "min", "high": "max"})


@case(native=True)
def agg_of_frames(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price"]]
    return (
        df.agg("sum"),
        df.agg(["min", "max"]),
        df.agg({"units": "sum", "price": "mean"}),
        df.agg({"units": ["sum", "max"], "price": ["mean"]}),
    )


@case()
def agg_with_functions(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    return (
        df.agg(lambda s: s.max() - s.min()),
        df["n"].agg(lambda s: s.iloc[-1]),
        df.agg(["sum", np.mean]),
        df.agg(x=("n", "max")),
    )


@case(native=True)
def results_are_scalars(pd, np, data, tmp):
    df = data.sales(pd)
    values = [
        df["units"].sum(),
        df["price"].mean(),
        df["paid"].any(),
        df["product"].max(),
        df["units"].nunique(),
        df["price"].count(),
        df["when"].max(),
    ]
    return (
        values,
        [type(v) for v in values],
        f"{df['price'].mean():.4f}",
        isinstance(df["price"].mean(), float),
        int(df["units"].sum()),
    )


@case(native=True)
def rates_and_conditional_means(pd, np, data, tmp):
    df = data.sales(pd)
    paid = df[df["paid"]]
    return (
        len(paid) / len(df),
        paid["price"].mean() / df["price"].mean(),
        df.loc[df["region"] == "east", "units"].sum(),
        round(df["paid"].mean() * 100, 2),
    )


@case(native=True)
def sums_of_text_and_time(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["product"].head(4).sum(),
        (df["when"].head(9) - df["when"].min()).sum(),
        (df["when"] - df["when"].min()).mean(),
    )


@case(native=True)
def item_and_size(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s[s.index == 5].item(), s.size, s.shape, s.ndim, len(s), s.empty, data.sales(pd).size


@case(native=True)
def nullable_reductions(pd, np, data, tmp):
    s = pd.Series([1, None, 3] * 20, dtype="Int64")
    b = pd.Series([True, None] * 20, dtype="boolean")
    return (
        s.sum(),
        s.mean(),
        s.max(),
        s.count(),
        s.median(),
        b.any(),
        b.all(),
        b.all(skipna=False),
        b.sum(),
        s.sum(skipna=False),
    )


@case()
def labels_of_columns_without_names(pd, np, data, tmp):
    df = data.sales(pd)
    one = df["units"].rename(None).to_frame()
    three = df[["units", "price", "note"]].set_axis(pd.RangeIndex(3), axis=1)
    return (
        [one.sum(), one.mean(), one.count(), one.max()],
        [three.count(), three.mean(numeric_only=True), three[[0, 1]].std()],
    )


@case()
def distinct_values_beside_a_column_from_memory(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet).set_index("when")
    df = df.assign(size=pd.cut(df["units"], [0, 5, 10, 20], labels=["s", "m", "l"]))
    means = df.groupby("paid", as_index=False)["price"].mean()
    joined = df.merge(means, on="paid", how="left", suffixes=("", "_mean"))
    return joined[["units", "size", "price_mean"]].nunique(), joined["price_mean"].nunique()
