"""Missing values: finding, filling, dropping, replacing and mapping."""

import warnings
from collections import defaultdict

from .registry import case


@case(native=True)
def isna_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.isna(),
        df["region"].isnull(),
        df["price"].notna(),
        df["grade"].isna(),
        pd.isna(df["when"]),
        df.notnull(),
    )


@case(native=True, max_executions=1)
def isna_counts(pd, np, data, tmp):
    return data.sales(pd).isnull().sum()


@case(native=True)
def isna_counts_of_all_kinds(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.isnull().sum().sum(),
        df.isna().any(),
        df.isna().mean() * 100,
        df.isnull().values.any(),
        df["region"].isna().sum(),
    )


@case(native=True)
def isna_sorted(pd, np, data, tmp):
    df = data.sales(pd)
    counts = df.isnull().sum()
    return counts[counts > 0].sort_values(ascending=False)


@case(native=True)
def isna_of_scalars(pd, np, data, tmp):
    return (
        pd.isna(None),
        pd.isna(np.nan),
        pd.isna("x"),
        pd.isnull(pd.NaT),
        pd.notna(0),
        pd.isna([1, None]),
    )


@case(native=True)
def fillna_of_series(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].fillna(0),
        df["price"].fillna(df["price"].mean()),
        df["price"].fillna(df["price"].median()),
        df["region"].fillna("unknown"),
        df["price"].fillna(df["weight"]),
        df["when"].fillna(pd.Timestamp("2000-01-01")),
        df["grade"].fillna("low"),
    )


@case(native=True)
def fillna_of_frames(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.fillna({"price": 0, "region": "none", "city": "?"}),
        df[["price", "weight"]].fillna(0),
        df[["region", "city"]].fillna("none"),
        df[["price", "units"]].fillna(df[["price", "units"]].mean()),
    )


@case(native=True)
def fillna_by_the_mode(pd, np, data, tmp):
    df = data.sales(pd)
    df["region"] = df["region"].fillna(df["region"].mode()[0])
    return df["region"]


@case(native=True)
def fillna_assigned_back_for_each_column(pd, np, data, tmp):
    df = data.sales(pd)
    for column in ["price", "weight", "units"]:
        df[column] = df[column].fillna(df[column].median())
    return df.isnull().sum(), df["price"]


@case(native=True)
def fillna_in_place(pd, np, data, tmp):
    df = data.small(pd)[["x", "group"]]
    result = df.fillna({"x": -1, "group": "none"}, inplace=True)
    return result, df


@case()
def fillna_with_a_limit(pd, np, data, tmp):
    return data.small(pd)["x"].fillna(0, limit=1)


@case(may_raise=True)
def fillna_of_a_new_category(pd, np, data, tmp):
    return data.sales(pd)["channel"].where(lambda s: s != "web").fillna("other")


@case()
def fill_forward_and_backward(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["price"].ffill(),
        df["region"].bfill(),
        df.ffill().head(30),
        data.small(pd).ffill(limit=1),
    )


@case(native=True)
def interpolation(pd, np, data, tmp):
    s = data.small(pd)["x"]
    return s.interpolate(), s.interpolate(limit_direction="both")


@case(native=True)
def dropna_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.dropna(),
        df.dropna(subset=["region"]),
        df.dropna(subset=["price", "city"], how="all"),
        df.dropna(thresh=13),
        df["price"].dropna(),
        df["region"].dropna().head(),
    )


@case(native=True)
def dropna_keeps_or_resets_the_index(pd, np, data, tmp):
    df = data.small(pd)
    return df.dropna().index, df.dropna(ignore_index=True), df.dropna().reset_index(drop=True)


@case(native=True)
def dropna_of_columns(pd, np, data, tmp):
    df = data.small(pd)
    return df.dropna(axis=1), df.dropna(axis="columns", how="all"), df.dropna(axis=1, thresh=9)


@case(native=True)
def dropna_in_place(pd, np, data, tmp):
    df = data.sales(pd)
    result = df.dropna(subset=["region", "price"], inplace=True)
    return result, df, df.shape


@case(native=True)
def replace_by_a_dict(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].replace({"east": "E", "west": "W"}),
        df["product"].replace("tea", "chai"),
        df["units"].replace([1, 2, 3], 0),
        df["units"].replace({1: 100, 2: 200}),
        df["product"].replace(["tea", "pie"], ["T", "P"]),
    )


@case(native=True)
def replace_in_frames(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.replace({"group": {"A": "Apple"}}),
        df.replace("pear", "PEAR"),
        df.replace({"key": 1}, 100),
        df.replace(10, 11),
        df.replace({2: 20, "B": "Banana"}),
    )


@case(native=True)
def replace_nulls_and_empty_strings(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df["text"].replace("", np.nan),
        df["x"].replace(np.nan, 0),
        df.replace({np.nan: None})["x"],
        df["text"].replace("", "none"),
    )


@case()
def replace_by_patterns(pd, np, data, tmp):
    s = data.sales(pd)["note"]
    return s.replace(r"^ref-(\d+)$", r"#\1", regex=True), s.replace({r"gift.*": "G"}, regex=True)


@case(native=True)
def replace_to_another_type(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["paid"].replace({True: "yes", False: "no"}),
        df["product"].replace({"tea": 1, "pie": 2}),
        df["units"].replace(3, 0.5),
    )


@case(native=True)
def map_by_a_dict(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].map({"east": 1, "west": 2}),
        df["product"].map({"tea": "hot", "coffee": "hot", "pie": "cold"}),
        df["units"].map({1: True, 2: False}),
        df["paid"].map({True: 1, False: 0}),
        df["channel"].map({"web": "online", "shop": "offline", "phone": "offline"}),
    )


@case(native=True)
def map_by_a_whole_dict_keeps_integers(pd, np, data, tmp):
    codes = {p: i for i, p in enumerate(["tea", "coffee", "mugs", "Cake", "pie", "jam", "zest"])}
    return data.sales(pd)["product"].map(codes)


@case(native=True)
def map_by_a_series(pd, np, data, tmp):
    df = data.sales(pd)
    means = df.groupby("product")["units"].mean()
    return df["product"].map(means), df["region"].map(df["region"].value_counts())


@case(native=True)
def map_of_text_in_objects(pd, np, data, tmp):
    s = data.sales(pd)["product"].astype(object)
    words = pd.Series(["hot", "cold"], index=["tea", "pie"], dtype=object)
    return s.map(words), s.head(0).map(words), s.map(words.tail(0)), s.map({"tea": "hot"})


@case()
def map_by_a_defaultdict(pd, np, data, tmp):
    table = defaultdict(lambda: "other", {"tea": "T"})
    return data.sales(pd)["product"].map(table), data.small(pd)["group"].map(defaultdict(int, A=5))


@case(native=True)
def map_ignoring_nulls(pd, np, data, tmp):
    s = data.small(pd)["text"]
    return s.map({"pear": "P", None: "none"}), s.map({"pear": "P"}, na_action="ignore")


@case(native=True)
def none_and_nan_in_text(pd, np, data, tmp):
    df = data.sales(pd, 40)
    return (
        df["region"].tolist(),
        df["city"].tolist(),
        str(df[["region", "city"]]),
        df["region"].values,
        df["city"].unique(),
    )


@case()
def none_and_nan_in_objects(pd, np, data, tmp):
    s = pd.Series([None, np.nan, pd.NA, pd.NaT, "x", 1], dtype=object)
    return s, s.isna(), s.tolist(), str(s), s.fillna("f"), s.dropna()


@case(native=True)
def nan_in_numeric_columns(pd, np, data, tmp):
    df = pd.DataFrame({"a": [1, None, 3], "b": [np.nan] * 3, "c": [None] * 3})
    return df, df.dtypes, df.sum(), df.count(), df["c"].isna()


@case(native=True)
def nat_in_dates(pd, np, data, tmp):
    s = data.sales(pd)["when"]
    return (
        s.isna().sum(),
        s.dropna().min(),
        s.max(),
        s.dt.year,
        s[s.isna()].head(3),
        s.dt.date.head(30),
    )


@case(native=True)
def first_valid_index(pd, np, data, tmp):
    s = pd.Series([np.nan, np.nan, 3.0, np.nan])
    return s.first_valid_index(), s.last_valid_index(), s.count(), s.hasnans


@case(native=True)
def rows_with_any_null(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df[df.isna().any(axis=1)],
        df.isna().sum(axis=1),
        df[df["region"].isna() & df["price"].notna()],
    )


@case(native=True)
def replace_and_map_by_tables(pd, np, data, tmp):
    df = data.sales(pd)
    names = {"north": "N", "south": "S"}
    named = df.assign(region=df["region"].replace(names), code=df["region"].map(names))
    return (
        named[["region", "code"]],
        df["region"].map({"north": 1, "south": 2}),
        df["region"].map({"north": 1.5}),
        df["region"].map({"north": True}),
        df["units"].map({1: "one", 2: "two"}),
        df["units"].replace({1: 10, 2: 0.5}),
        df[["price", "units", "region"]].replace([np.inf, -np.inf], np.nan),
        df.replace({"region": names, "units": {1: 100}}).head(20),
        named.groupby("code")["units"].sum(),
    )


@case(native=True)
def where_and_clip_keep_or_change_dtypes(pd, np, data, tmp):
    df = data.sales(pd)
    many = df["units"] > 3
    return (
        df["region"].where(many, "few"),
        df["region"].mask(many),
        df["units"].where(many),
        df["units"].where(many, df["units"] * 2),
        df["units"].clip(2, 4),
        df["units"].clip(upper=2.5),
        df["price"].clip(lower=0),
        df[["units", "price"]].clip(1, 50),
    )


@case()
def infinite_numbers_that_count_as_missing(pd, np, data, tmp):
    if int(pd.__version__.split(".")[0]) > 2:
        return None
    df = pd.DataFrame({"key": [1, 1, 2], "n": [1.0, np.inf, np.nan]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pd.option_context("mode.use_inf_as_na", True):
            return (
                df["n"].isna(),
                pd.isna(df["n"]),
                df.dropna(),
                df["n"].fillna(0.0),
                df.groupby("key")["n"].count(),
            )


@case()
def dropna_where_nothing_is_missing(pd, np, data, tmp):
    days = pd.Series([1.5, 2.5, 3.5], index=pd.date_range("2024-01-01", periods=3))
    texts = data.small(pd)["n"].astype(str)
    mode = data.small(pd)["x"].mode()
    kept = [pd.Series([1, 2]), pd.Series(["a", "b"]), texts, mode, texts[1:], texts[::3], days]
    return [s.dropna() for s in kept], [s.dropna().rename("y").head(2) for s in kept]
