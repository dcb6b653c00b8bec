"""Grouping: functions, and results with a row for each row."""

from .registry import case


@case(native=True)
def numbers_for_flags(pd, np, data, tmp):
    """pandas asks whether options of ``groupby`` are true; options of methods differ."""
    df = data.small(pd)
    found = [df.groupby("key", as_index=0)["n"].sum(), df.groupby("key", as_index=0)[["n"]].max()]
    found.append(df.groupby("group", sort=0, dropna=0)["n"].sum())
    found.append(df.groupby("key", as_index=np.False_)["n"].max())
    return found


@case()
def numbers_for_flags_of_methods(pd, np, data, tmp):
    g = data.small(pd)[["key", "n", "x", "group"]].groupby("key")
    found = []
    for name in ("sum", "min", "median", "first"):
        for flag in (1, 0, np.True_):
            try:
                found.append(getattr(g[["n", "x"]] if flag == 0 else g, name)(numeric_only=flag))
            except (ValueError, TypeError) as error:
                found.append(repr(error))
    return found


@case(native=True)
def agg_with_functions(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region")["price"].agg(lambda s: s.max() - s.min()),
        df.groupby("region").agg(spread=("units", lambda s: s.max() - s.min())),
        df.groupby("product")["units"].agg([np.sum, np.mean]),
        df.groupby("product").agg({"units": np.sum, "price": lambda s: s.iloc[0]}),
    )


@case(native=True)
def transform_with_names(pd, np, data, tmp):
    df = data.sales(pd)
    g = df.groupby("region")
    return (
        g["units"].transform("sum"),
        g["price"].transform("mean"),
        df["units"] / g["units"].transform("sum"),
        g[["units", "weight"]].transform("max"),
        df.groupby(["region", "product"])["price"].transform("median"),
        g["product"].transform("first"),
        g["order_id"].transform("count"),
        g["units"].transform("size"),
    )


@case(native=True)
def transform_used_as_a_mask(pd, np, data, tmp):
    df = data.sales(pd)
    return df[df["price"] == df.groupby("product")["price"].transform("max")], df[
        df.groupby("customer")["order_id"].transform("size") > 18
    ]


@case(native=True)
def transform_with_functions(pd, np, data, tmp):
    df = data.sales(pd)
    return df.groupby("region")["price"].transform(lambda s: s.fillna(s.median())), df.groupby(
        "product"
    )["units"].transform(lambda s: (s - s.mean()) / s.std())


@case(native=True)
def apply_returning_scalars(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region")["price"].apply(lambda s: s.max() - s.min()),
        df.groupby("region")[["units", "price"]].apply(lambda d: (d["units"] * d["price"]).sum()),
        df.groupby(["region", "product"])["units"].apply(lambda s: len(s)),
    )


@case(native=True)
def apply_returning_series(pd, np, data, tmp):
    df = data.sales(pd)[["region", "units", "price"]]

    def summary(d):
        return pd.Series({"n": len(d), "total": d["units"].sum()})

    return df.groupby("region")[["units", "price"]].apply(summary)


@case(native=True)
def apply_returning_frames(pd, np, data, tmp):
    df = data.sales(pd)[["region", "units", "price"]]
    g = df.groupby("region")[["units", "price"]]
    return (
        g.apply(lambda d: d.nlargest(2, "price")),
        df.groupby("region", group_keys=False)[["units", "price"]].apply(lambda d: d.head(2)),
        df.groupby("region")["units"].apply(list),
    )


@case(native=True)
def apply_keeping_rows(pd, np, data, tmp):
    df = data.sales(pd)
    return df.groupby("region", group_keys=False)["price"].apply(lambda s: s.fillna(0)), df.groupby(
        "region", group_keys=True
    )["units"].apply(lambda s: s.head(1))


@case()
def apply_counted(pd, np, data, tmp):
    seen = []

    def note(s):
        seen.append((len(s), s.name))
        return s.sum()

    result = data.small(pd).groupby("group")["n"].apply(note)
    return result, seen


@case()
def filter_groups(pd, np, data, tmp):
    df = data.sales(pd)
    return df.groupby("customer").filter(lambda d: len(d) > 17), df.groupby("region")[
        "units"
    ].filter(lambda s: s.mean() > 10)


@case(native=True)
def cumulative(pd, np, data, tmp):
    df = data.sales(pd)
    g = df.groupby("region")
    return (
        g["units"].cumsum(),
        g["price"].cumsum(),
        g.cumcount(),
        g["units"].cummax(),
        g["units"].shift(),
        g["units"].diff(),
        g["units"].rank(method="first"),
    )


@case()
def numbering_and_changes(pd, np, data, tmp):
    df = data.sales(pd)
    g = df.groupby("region")
    return (
        g.ngroup(),
        g["price"].pct_change(fill_method=None),
        g["units"].shift(-1),
        g["price"].ffill(),
        g["price"].bfill(),
    )


@case(native=True)
def head_tail_nth(pd, np, data, tmp):
    g = data.sales(pd).groupby("region")
    return g.head(2), g.tail(1), g.nth(3), g["units"].nth(0), g["units"].head(1)


@case()
def iteration(pd, np, data, tmp):
    df = data.small(pd)
    return (
        list(df.groupby("group")),
        list(df.groupby(["group", "key"])["n"]),
        [name for name, _ in df.groupby("key", sort=False)],
    )


@case()
def iteration_over_partitions(pd, np, data, tmp):
    return {
        key: (len(part), part["units"].sum(), part.index[0])
        for key, part in data.sales(pd).groupby("region")
    }


@case()
def pipes_and_windows(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.groupby("region")["units"].rolling(3).sum(),
        df.groupby("region")["units"].expanding().mean(),
        df.groupby("region").pipe(lambda g: g["units"].sum()),
        df.groupby("region")["units"].ewm(span=3).mean(),
    )


@case()
def resample_of_groups(pd, np, data, tmp):
    df = data.sales(pd).dropna(subset=["when"])
    return df.set_index("when").groupby("product").resample("YS")["units"].sum()


@case(native=True, max_executions=1)
def windows_within_groups(pd, np, data, tmp):
    df = data.sales(pd)[["product", "units", "price"]]
    g = df.groupby("product")
    df["n"] = g.cumcount()
    df["before"] = g["units"].shift()
    df["total"] = g["price"].cumsum()
    df["place"] = g["price"].rank(method="dense", ascending=False)
    df["share"] = df["units"] / g["units"].transform("sum")
    return df[df["n"] < 5]


@case(native=True)
def windows_with_missing_keys(pd, np, data, tmp):
    df = data.sales(pd)
    df["odd"] = df["units"].where(df["units"] % 3 > 0)
    g, kept = df.groupby("odd"), df.groupby("odd", dropna=False)
    return (
        g["price"].cumsum(),
        g["units"].cumsum(),
        g["units"].shift(),
        g.cumcount(),
        kept.cumcount(),
        kept["units"].cummax(),
        g["units"].transform("max"),
        g[["units", "price"]].ffill(),
        g["order_id"].rank(),
    )


@case(native=True)
def windows_of_several_columns(pd, np, data, tmp):
    df = data.sales(pd)
    g = df.groupby(["region", "paid"], sort=False)[["units", "price"]]
    return g.shift(2), g.cumsum(), g.diff(), g.rank(pct=True), g.bfill(limit=1), g.cummin()


@case()
def sizes_of_nullable_columns(pd, np, data, tmp):
    df = data.small(pd)[["group", "n", "x"]]
    groups = df.astype({"n": "Int64"}).groupby("group")
    return groups["n"].size(), groups["x"].size(), groups.size(), df["n"].groupby(df["x"]).size()
