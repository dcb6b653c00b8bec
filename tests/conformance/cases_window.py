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


@case(native=True)
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


@case(native=True)
def rolling_with_nulls(pd, np, data, tmp):
    s = pd.Series([1.0, np.nan, 3.0, 4.0, 5.0, np.nan])
    return (
        s.rolling(2).sum(),
        s.rolling(3).count(),
        s.rolling(2, min_periods=1).max(),
        s.rolling(2).quantile(0.3),
    )


@case(native=True)
def rolling_by_time(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    return (
        df["v"].rolling("3D").sum(),
        df.rolling("2D").mean(),
        data.dated(pd).rolling("2D", on="when")["i"].sum(),
    )


@case(native=True)
def rolling_correlations_and_functions(pd, np, data, tmp):
    df = data.small(pd)
    a, b = df["n"].rename("a").astype(float) ** 1.5, df["key"].rename("b") * 1.0
    return (
        a.rolling(4).corr(b),
        df["n"].rolling(3).apply(lambda w: w[0], raw=True),
        df[["n", "key"]].rolling(2).agg(["sum", "max"]),
    )


@case(native=True)
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


@case(native=True, max_executions=1)
def windows_beside_columns(pd, np, data, tmp):
    df = data.sales(pd)
    df["before"] = df["units"].shift()
    df["step"] = df["units"] - df["before"]
    df["total"] = df["price"].cumsum()
    df["best"] = df["units"].cummax()
    df["change"] = df["units"].pct_change()
    return df[df["total"] > 100]


@case(native=True)
def fills_with_limits(pd, np, data, tmp):
    s = pd.Series(([1.0] + [np.nan] * 9) * 6 + [np.nan] * 30)
    when = data.sales(pd)["when"]
    return (
        s.ffill(),
        s.ffill(limit=3),
        s[::-1].bfill(limit=12),
        s.bfill(limit=1),
        s.to_frame("a").assign(n=1).bfill(),
        when.where(when > "2024-03-01").ffill(),
        s.iloc[:0].ffill(),
    )


@case(native=True)
def cumulative_signed_zeros_and_overflows(pd, np, data, tmp):
    zeros = pd.Series([-0.0, np.nan, -0.0] * 6)
    large = pd.Series([1e308, 1e308, -1e308, -1e308] * 5)
    whole = pd.Series([2**62, 3, 2**62] * 6)
    gaps = pd.Series(pd.to_timedelta([1, None, 3] * 6, unit="D"))
    return (
        1 / zeros.cumsum(),
        1 / zeros.cummax(),
        large.cumsum(),
        whole.cumsum(),
        whole.cumprod(),
        gaps.cumsum(),
        gaps.cummax(skipna=False),
    )


@case(native=True)
def ranks(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].rank(),
        df["price"].rank(method="first", ascending=False),
        df["price"].rank(pct=True, na_option="bottom"),
        df["region"].rank(method="dense"),
        df[["units", "price"]].rank(method="min"),
        df["when"].rank(method="max"),
    )


@case(native=True)
def windows_of_windows(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s.shift().cumsum(), s.diff().ffill().rank(), s.cumsum().diff(-2), s.shift(3).shift(-3)


@case(native=True)
def windows_without_rows(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["units"] > 10_000]
    return (
        part["units"].shift(),
        part[["units", "price"]].shift(),
        part["units"].diff(),
        part["price"].cumsum(),
        part.groupby("region")["units"].shift(),
        part.groupby("region")["units"].transform("mean"),
    )


@case(native=True, may_raise=True)
def cumulative_of_text(pd, np, data, tmp):
    return data.small(pd)["group"].cumprod()


@case(native=True)
def rolling_of_chosen_columns(pd, np, data, tmp):
    df = data.sales(pd)
    df["trend"] = df["units"].rolling(7, min_periods=1).mean()
    chosen = df.rolling(5)[["units", "price"]].max()
    return df[df["trend"] > 10][["order_id", "trend"]], chosen, df.rolling(3).units.sum()


@case(native=True)
def windows_over_dates_and_bools(pd, np, data, tmp):
    df = data.sales(pd)
    gaps = df["when"].where(df["units"] % 7 > 0)
    ranks = gaps.groupby(df["region"]).rank(method="dense", ascending=False)
    large = df["units"] > 10
    return (
        gaps.diff(),
        gaps.shift(-2),
        gaps.ffill(),
        gaps.rank(ascending=False),
        ranks,
        ((large != large.shift(fill_value=False)).cumsum()),
    )


@case(native=True)
def changes_of_zeros_and_infinities(pd, np, data, tmp):
    s = pd.Series([0.0, 0.0, 1.0, np.inf, np.inf, np.nan, -0.0, 4.0, -np.inf])
    n = pd.Series([0, 0, 5, -5, 2**62])
    return (
        s.pct_change(fill_method=None),
        n.pct_change(fill_method=None),
        n.shift(2, fill_value=7),
        s.shift(-1, fill_value=1),
        n.astype("int8").shift(fill_value=300),
        n.astype("uint8").cumsum(),
    )


@case()
def windows_over_repeated_columns(pd, np, data, tmp):
    df = pd.DataFrame([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]], columns=["a", "a"])
    return (
        df.rolling(2).cov(df, pairwise=False),
        df.expanding().corr(df, pairwise=False),
        df.ewm(2).cov(df, pairwise=False),
    )


@case()
def windows_of_another_kind_than_the_labels(pd, np, data, tmp):
    df = data.small(pd)
    dated = df.set_index(pd.date_range("2020", periods=len(df)))
    found = [str(dated.resample("2D")), str(dated.rolling("2D")), str(df.rolling(2))]
    for frame, window in ((df, "2D"), (df, "foobar"), (dated, "foobar")):
        try:
            frame.rolling(window=window)
        except ValueError as error:
            found.append(repr(error))
    return found
