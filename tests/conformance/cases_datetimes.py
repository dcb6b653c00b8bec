"""Dates and times, to_datetime and to_numeric."""

import datetime

from .registry import case


@case(native=True)
def fields(pd, np, data, tmp):
    when = data.sales(pd)["when"].dt
    return (
        when.year,
        when.month,
        when.day,
        when.hour,
        when.minute,
        when.second,
        when.dayofweek,
        when.dayofyear,
        when.quarter,
    )


@case(native=True)
def fields_without_nulls_are_int32(pd, np, data, tmp):
    df = data.dated(pd)
    df["year"], df["dow"] = df["when"].dt.year, df["when"].dt.weekday
    return df, df.dtypes, df["when"].dt.days_in_month


@case(native=True)
def flags(pd, np, data, tmp):
    when = data.dated(pd)["when"].dt
    return (
        when.is_month_end,
        when.is_month_start,
        when.is_quarter_end,
        when.is_leap_year,
        when.is_year_start,
    )


@case(native=True)
def names_and_formats(pd, np, data, tmp):
    when = data.sales(pd)["when"].dt
    return (
        when.day_name(),
        when.month_name(),
        when.strftime("%Y-%m"),
        when.strftime("%d/%m/%y %H:%M"),
    )


@case(native=True)
def dates_and_times(pd, np, data, tmp):
    when = data.sales(pd)["when"].dt
    return (
        when.date,
        when.time,
        when.normalize(),
        when.floor("h"),
        when.ceil("D"),
        when.round("15min"),
    )


@case()
def calendar(pd, np, data, tmp):
    when = data.dated(pd)["when"].dt
    return when.isocalendar(), when.isocalendar().week


@case()
def periods(pd, np, data, tmp):
    when = data.sales(pd)["when"]
    months = when.dt.to_period("M")
    return (
        months,
        months.astype(str),
        months.dt.year,
        months.dt.to_timestamp(),
        when.dt.to_period("Q").astype(str),
    )


@case()
def group_by_period(pd, np, data, tmp):
    df = data.sales(pd)
    df["month"] = df["when"].dt.to_period("M")
    return df.groupby("month")["units"].sum(), df.groupby(df["when"].dt.to_period("Y"))[
        "price"
    ].mean()


@case(native=True)
def group_by_fields(pd, np, data, tmp):
    df = data.sales(pd)
    return df.groupby(df["when"].dt.year)["units"].sum(), df.groupby(
        [df["when"].dt.year, df["when"].dt.month]
    )["units"].mean()


@case()
def time_zones(pd, np, data, tmp):
    when = data.dated(pd)["when"]
    zoned = when.dt.tz_localize("UTC").dt.tz_convert("Europe/Paris")
    return zoned, zoned.dt.hour, zoned.dt.tz_localize(None), str(zoned.dt.tz), zoned.dt.date


@case(native=True)
def differences(pd, np, data, tmp):
    df = data.sales(pd)
    gap = df["when"] - pd.Timestamp("2023-01-01")
    return (
        gap,
        gap.dt.days,
        gap.dt.total_seconds(),
        gap.dt.seconds,
        df["when"] - df["when"].min(),
        gap.mean(),
        gap.max(),
    )


@case(native=True)
def shifted_dates(pd, np, data, tmp):
    when = data.dated(pd)["when"]
    return (
        when + pd.Timedelta(days=1),
        when - pd.Timedelta("2h"),
        when + pd.to_timedelta(data.dated(pd)["i"], unit="D"),
        when.diff(),
    )


@case()
def offsets(pd, np, data, tmp):
    when = data.dated(pd)["when"]
    return when + pd.DateOffset(months=1), when + pd.offsets.MonthEnd(0), when - pd.offsets.BDay(2)


@case(native=True)
def to_datetime_of_text(pd, np, data, tmp):
    s = pd.Series(["2024-01-31", "2024-02-29", None])
    return pd.to_datetime(s), pd.to_datetime(s, format="%Y-%m-%d"), pd.to_datetime(s).dt.day


@case(native=True)
def to_datetime_of_a_column(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv)
    df["when"] = pd.to_datetime(df["when"])
    return df["when"], df.dtypes, df["when"].min(), df[df["when"] > "2024-06-01"]["order_id"]


@case(native=True)
def to_datetime_formats(pd, np, data, tmp):
    s = pd.Series(["31/12/2023 10:30", "01/02/2024 00:05"])
    return (
        pd.to_datetime(s, format="%d/%m/%Y %H:%M"),
        pd.to_datetime(s, dayfirst=True),
        pd.to_datetime(pd.Series(["20240131", "20240229"]), format="%Y%m%d"),
    )


@case(native=True)
def to_datetime_coerced(pd, np, data, tmp):
    s = pd.Series(["2024-01-31", "soon", "2024-13-01", None])
    return pd.to_datetime(s, errors="coerce"), pd.to_datetime(s, errors="coerce").isna().sum()


@case(native=True)
def to_datetime_of_numbers(pd, np, data, tmp):
    s = pd.Series([0, 1_700_000_000])
    return pd.to_datetime(s, unit="s"), pd.to_datetime(s, unit="ms"), pd.to_datetime(s)


@case(native=True)
def to_datetime_of_other_things(pd, np, data, tmp):
    parts = pd.DataFrame({"year": [2024, 2023], "month": [1, 12], "day": [31, 5]})
    return (
        pd.to_datetime("2024-01-31"),
        pd.to_datetime(["2024-01-31", "2024-02-01"]),
        pd.to_datetime(datetime.date(2024, 1, 31)),
        pd.to_datetime(parts),
        pd.to_datetime(None),
    )


@case(native=True)
def to_datetime_mixed_zones(pd, np, data, tmp):
    s = pd.Series(["2024-01-31 10:00+01:00", "2024-07-01 10:00+02:00"])
    return pd.to_datetime(s, utc=True)


@case(may_raise=True)
def to_datetime_of_bad_text(pd, np, data, tmp):
    return pd.to_datetime(pd.Series(["2024-01-31", "soon"]))


@case(native=True)
def to_numeric_forms(pd, np, data, tmp):
    s = pd.Series(["1", "2.5", "x", None])
    return (
        pd.to_numeric(s, errors="coerce"),
        pd.to_numeric(pd.Series(["1", "2"])),
        pd.to_numeric(pd.Series(["1", "2"]), downcast="integer"),
        pd.to_numeric(pd.Series([1.0, 2.0]), downcast="integer"),
        pd.to_numeric("3.5"),
        pd.to_numeric(["1", "2"]),
    )


@case(may_raise=True)
def to_numeric_of_bad_text(pd, np, data, tmp):
    return pd.to_numeric(pd.Series(["1", "x"]))


@case(native=True)
def to_timedelta_forms(pd, np, data, tmp):
    return (
        pd.to_timedelta("1 days 2 hours"),
        pd.to_timedelta(pd.Series(["1h", None, "2 days"])),
        pd.to_timedelta(90, unit="min"),
    )


@case(native=True)
def ranges(pd, np, data, tmp):
    return (
        pd.date_range("2024-01-01", periods=4, freq="W"),
        pd.date_range("2024-01-01", "2024-01-03", name="d"),
        pd.period_range("2024-01", periods=2, freq="M"),
        pd.timedelta_range("1h", periods=3),
        pd.bdate_range("2024-01-05", periods=3),
        pd.DataFrame({"v": range(3)}, index=pd.date_range("2024-01-01", periods=3)),
    )


@case(native=True)
def reductions_of_dates(pd, np, data, tmp):
    when = data.sales(pd)["when"]
    return (
        when.min(),
        when.max(),
        when.mean(),
        when.median(),
        when.nunique(),
        when.max() - when.min(),
        when.count(),
    )


@case()
def describe_of_dates(pd, np, data, tmp):
    df = data.sales(pd)
    return df["when"].describe(), df[["when", "units"]].describe()


@case(native=True)
def resample_forms(pd, np, data, tmp):
    df = data.sales(pd).dropna(subset=["when"]).set_index("when").sort_index()
    return (
        df["units"].resample("MS").sum(),
        df["price"].resample("QS").mean(),
        df.resample("YS")[["units", "weight"]].agg(["sum", "max"]),
        df["units"].resample("W").count().index,
    )


@case(native=True)
def resample_with_a_column(pd, np, data, tmp):
    df = data.dated(pd)
    return df.resample("3D", on="when")["i"].sum(), df.set_index("when").resample(
        "12h"
    ).ffill().head(4)


@case()
def group_by_grouper(pd, np, data, tmp):
    df = data.sales(pd)
    return df.groupby(pd.Grouper(key="when", freq="QS"))["units"].sum(), df.groupby(
        ["product", pd.Grouper(key="when", freq="YS")]
    )["units"].sum()


@case()
def asfreq_and_shift(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    return (
        df.asfreq("12h").head(5),
        df.shift(1, freq="D"),
        df.shift(1),
        df.index.freq,
        df.tz_localize("UTC").index,
    )


@case(native=True)
def frequency_of_the_index_survives(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    df["z"] = df["v"] * 2
    return (
        df.index.freq,
        (df["v"] + 1).index,
        df.head(3).index,
        df[df["v"] > 0].index,
        df.copy().index,
    )


@case()
def dates_as_index(pd, np, data, tmp):
    df = data.odd_index(pd, "dates")
    return (
        df.index.month,
        df.groupby(df.index.month)["v"].sum(),
        df.between_time("00:00", "01:00"),
        df.first_valid_index(),
    )


@case(native=True)
def datetime_units(pd, np, data, tmp):
    s = pd.Series(np.array(["2024-01-31", "2024-02-01"], dtype="datetime64[s]"))
    return (
        s,
        s.dtype,
        s.astype("datetime64[ns]"),
        s.dt.day,
        s.astype("int64"),
        s.max(),
        s + pd.Timedelta("1D"),
    )


@case(native=True)
def timestamps_are_plain(pd, np, data, tmp):
    df = data.dated(pd)
    return (
        df["when"].iloc[0],
        df.loc[3, "when"],
        type(df["when"].max()),
        df["when"].tolist()[:2],
        df["when"].values[:2],
        df["when"].to_numpy()[:2],
    )


@case(native=True)
def sort_and_filter_by_date(pd, np, data, tmp):
    df = data.sales(pd)
    year = df[df["when"].dt.year == 2023]
    return year.sort_values("when")["order_id"], df[df["when"].between("2023-03-01", "2023-03-31")][
        "units"
    ].sum()


@case(may_raise=True)
def date_accessor_on_text(pd, np, data, tmp):
    return data.small(pd)["text"].dt.year


@case()
def python_dates_in_objects(pd, np, data, tmp):
    s = pd.Series([datetime.date(2024, 1, 31), None, datetime.date(2023, 5, 5)])
    return s, pd.to_datetime(s), s.dropna().min(), s.map(lambda d: d and d.year)


@case(native=True)
def microseconds_stay(pd, np, data, tmp):
    df = pd.read_parquet(data.file("types.parquet"))
    us = df["us"]
    return (
        us.dtype,
        us.max(),
        us - us.min(),
        us.dt.normalize(),
        us.sort_values(ascending=False),
        us.shift(),
    )


@case(native=True)
def parsing_as_a_whole(pd, np, data, tmp):
    days = pd.Series(["31/12/2020", None, "01/02/2021"] * 5)
    mixed = pd.Series(["2020-01-01"] * 9 + ["not a day"])
    return (
        pd.to_datetime(days, dayfirst=True),
        pd.to_datetime(days, format="%d/%m/%Y").dt.year,
        pd.to_datetime(mixed, errors="coerce"),
        pd.to_numeric(pd.Series(["1", "2", None, "3.5"] * 3)),
        pd.to_numeric(pd.Series(["1", "x", "3"] * 3), errors="coerce"),
        pd.to_timedelta(pd.Series(["1 days", None, "2h"] * 3)),
    )


@case(may_raise=True)
def parsing_names_the_position_in_the_whole(pd, np, data, tmp):
    return pd.to_numeric(pd.Series(["1"] * 12 + ["x"]))


@case(native=True)
def names_and_parts_of_dates(pd, np, data, tmp):
    when = data.sales(pd)["when"]
    return (
        when.dt.day_name(),
        when.dt.month_name(),
        when.dt.year,
        when.dt.date,
        when.dt.isocalendar(),
        when.dt.isocalendar().week,
        when.dt.to_period("M"),
        when.dt.floor("D"),
        when.fillna(pd.Timestamp("2000-01-01")),
    )
