"""Shifts, differences, cumulative and moving functions."""

from .registry import case


@case(native=True)
def shift_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].shift(),
        df["price"].shift(-2),
        df["units"].shift(1, fill_value=0),
        df["region"].shift(),
        df[["units", "price"]].shift(3),
        df["paid"].shift(),
        df["when"].shift(),
    )


@case(native=True)
def diff_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].diff(),
        df["price"].diff(2),
        df["units"].diff(-1),
        df[["units", "price"]].diff(),
        df["when"].diff(),
        df["weight"].diff(),
        df["boxes"].diff(),
    )


@case(native=True)
def cumulative_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].cumsum(),
        df["price"].cumsum(),
        df["units"].cummax(),
        df["price"].cummin(),
        (df["units"] % 2 + 1).head(30).cumprod(),
        df[["units", "weight"]].cumsum(),
        df["paid"].cumsum(),
        df["weight"].cumsum(),
    )


@case(native=True)
def cumulative_small_types_and_infinities(pd, np, data, tmp):
    u = pd.Series([200, 100, 7] * 10, dtype="uint8")
    f = pd.Series([1.0, np.inf, np.nan, -np.inf, 2.0] * 5)
    return u.cumsum(), f.cumsum(), f.cummax(), u.cummax(), f.cumsum(skipna=False)


@case(native=True)
def cumulative_share(pd, np, data, tmp):
    totals = (
        data.sales(pd)
        .groupby("customer")["units"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    return totals.cumsum() / totals.sum(), (totals.cumsum() / totals.sum() < 0.5).sum()


@case()
def percent_changes(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].pct_change(),
        df["price"].pct_change(fill_method=None),
        df[["units"]].pct_change(2),
    )


@case()
def rolling_forms(pd, np, data, tmp):
    df = data.sales(pd)
    r = df["units"].rolling(7)
    return (
        r.mean(),
        r.sum(),
        r.max(),
        r.std(),
        df["price"].rolling(4).count(),
        df["price"].rolling(3, min_periods=1).mean(),
        df["units"].rolling(5, center=True).median(),
    )


@case()
def rolling_with_nulls(pd, np, data, tmp):
    s = pd.Series([1.0, np.nan, 3.0, 4.0, 5.0, np.nan])
    return (
        s.rolling(2).sum(),
        s.rolling(3).count(),
        s.rolling(2, min_periods=1).max(),
        s.rolling(2).quantile(0.3),
    )


@case()
def rolling_by_time(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    return (
        df["v"].rolling("3D").sum(),
        df.rolling("2D").mean(),
        data.dated(pd).rolling("2D", on="when")["i"].sum(),
    )


@case()
def rolling_correlations_and_functions(pd, np, data, tmp):
    df = data.small(pd)
    a, b = df["n"].rename("a").astype(float) ** 1.5, df["key"].rename("b") * 1.0
    return (
        a.rolling(4).corr(b),
        df["n"].rolling(3).apply(lambda w: w[0], raw=True),
        df[["n", "key"]].rolling(2).agg(["sum", "max"]),
    )


@case()
def expanding_and_weighted(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].expanding().mean(),
        df["units"].expanding(3).max(),
        df["units"].ewm(span=5).mean(),
        df["units"].ewm(alpha=0.3, adjust=False).mean(),
    )


@case(native=True)
def shifts_on_odd_indexes(pd, np, data, tmp):
    kinds = ["multi", "dates", "duplicated", "strings"]
    return {
        k: (
            data.odd_index(pd, k)["v"].shift(),
            data.odd_index(pd, k)["v"].cumsum(),
            data.odd_index(pd, k)["v"].diff(),
        )
        for k in kinds
    }


@case(native=True)
def shift_after_a_filter(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["paid"]].copy()
    part["before"] = part["units"].shift()
    part["change"] = part["units"] - part["before"]
    return part[["units", "before", "change"]]


@case(native=True)
def shift_after_a_sort(pd, np, data, tmp):
    df = data.sales(pd).sort_values("order_id", ascending=False)
    return df["units"].shift(), df["units"].cumsum(), df["order_id"].diff()


@case(native=True)
def change_points(pd, np, data, tmp):
    s = data.sales(pd)["paid"]
    runs = (s != s.shift()).cumsum()
    return runs, runs.nunique(), s.groupby(runs).size().max()


@case(native=True)
def shifts_longer_than_the_data(pd, np, data, tmp):
    df = data.small(pd)
    return df["n"].shift(20), df["n"].shift(0), df.shift(-11), df["n"].diff(30)


@case(native=True)
def shifts_over_many_partitions(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s.shift(900), s.shift(-1500), s.diff(777)
