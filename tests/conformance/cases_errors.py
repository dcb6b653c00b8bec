"""Exceptions: the same class and message, raised by the same line."""

from .registry import case


def caught(*actions):
    """The class and message of the exception each action raises."""
    found = []
    for action in actions:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - what is raised is the result
            found.append((type(error), str(error)))
        else:
            found.append("no error")
    return found


@case(native=True)
def unknown_columns(pd, np, data, tmp):
    df = data.sales(pd)
    return caught(
        lambda: df["zz"],
        lambda: df[["units", "zz"]],
        lambda: df[["yy", "zz"]],
        lambda: df.zz,
        lambda: df.drop(columns="zz"),
        lambda: df.drop(columns=["units", "zz"]),
        lambda: df.pop("zz"),
        lambda: df.loc[:, "zz"],
        lambda: df.loc[:, ["zz"]],
        lambda: df.sort_values("zz"),
        lambda: df.set_index("zz"),
        lambda: df.dropna(subset=["zz"]),
        lambda: df.drop_duplicates("zz"),
        lambda: df.astype({"zz": int}),
        lambda: df.nlargest(2, "zz"),
        lambda: df.explode("zz"),
    )


@case(native=True)
def unknown_columns_of_groups(pd, np, data, tmp):
    df = data.sales(pd)
    return caught(
        lambda: df.groupby("zz"),
        lambda: df.groupby(["region", "zz"]),
        lambda: df.groupby("region")["zz"],
        lambda: df.groupby("region").agg({"zz": "sum"}),
        lambda: df.groupby("region").agg(x=("zz", "sum")),
        lambda: df.groupby("region")["units"].agg("nope"),
        lambda: df.groupby("region").zz,
        lambda: df.groupby(),
    )


@case(native=True)
def rename_with_unknown_names(pd, np, data, tmp):
    df = data.small(pd)
    return df.rename(columns={"zz": "a"}).columns, caught(
        lambda: df.rename(columns={"zz": "a"}, errors="raise")
    )


@case()
def unknown_labels(pd, np, data, tmp):
    df, named = data.sales(pd), data.odd_index(pd, "strings")
    return caught(
        lambda: df.loc[9999],
        lambda: df.loc[[1, 9999]],
        lambda: df.at[9999, "units"],
        lambda: df.loc["x"],
        lambda: named.loc["zz"],
        lambda: named["v"]["zz"],
        lambda: named.loc["a", "zz"],
        lambda: df.drop(index=[9999]),
        lambda: df.drop(9999),
        lambda: df["units"][9999],
        lambda: data.odd_index(pd, "multi").loc["q"],
        lambda: data.odd_index(pd, "duplicated").loc[2],
    )


@case()
def positions_out_of_bounds(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df.iloc[10],
        lambda: df.iloc[[0, 10]],
        lambda: df.iloc[:, 6],
        lambda: df.iat[0, 9],
        lambda: df["n"].iloc[-11],
        lambda: df.iloc["a"],
        lambda: df[df["n"] > 1000].iloc[0],
        lambda: df["text"].mode()[5],
        lambda: df[df["n"] > 1000]["n"].values[0],
    )


@case(native=True)
def conversions(pd, np, data, tmp):
    df = data.sales(pd)
    return caught(
        lambda: df["region"].astype(int),
        lambda: df["product"].astype("float64"),
        lambda: df["price"].astype(int),
        lambda: df["price"].astype("int8"),
        lambda: df["note"].astype("datetime64[ns]"),
        lambda: df["units"].astype("nope"),
        lambda: pd.to_datetime(df["product"]),
        lambda: pd.to_numeric(df["product"]),
        lambda: pd.to_datetime(df["product"], format="%Y"),
    )


@case(native=True)
def conversions_in_a_try(pd, np, data, tmp):
    s = data.sales(pd)["note"]
    try:
        out = s.astype("int64")
    except (ValueError, TypeError):
        out = "caught"
    try:
        when = pd.to_datetime(s)
    except ValueError:
        when = pd.to_datetime(s, errors="coerce")
    try:
        numbers = pd.to_numeric(s)
    except (ValueError, TypeError) as error:
        numbers = str(error)
    return out, when, numbers


@case(native=True)
def arithmetic(pd, np, data, tmp):
    df = data.sales(pd)
    return caught(
        lambda: df["region"] + 1,
        lambda: df["product"] - df["product"],
        lambda: df["product"] * df["product"],
        lambda: df["product"] > 5,
        lambda: df["when"] + df["when"],
        lambda: df["channel"] + df["channel"],
        lambda: df["channel"] > "phone",
        lambda: -df["product"],
        lambda: df["units"] & df["price"],
        lambda: ~df["price"],
        lambda: df["grade"] < "nope",
        lambda: pd.Series([1, 2]) + [1, 2, 3],
        lambda: np.sqrt(df["product"]),
        lambda: pd.Categorical(["a"]) + "b",
    )


@case()
def comparisons_of_other_labels(pd, np, data, tmp):
    a, b = pd.Series([1, 2, 3]), pd.Series([1, 2, 3], index=[3, 4, 5])
    return caught(
        lambda: a == b,
        lambda: a == pd.Series([1]),
        lambda: a < [1, 2],
        lambda: pd.DataFrame({"a": [1]}) == pd.DataFrame({"b": [1]}),
    )


@case(native=True)
def reductions(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df["text"].mean(),
        lambda: df["group"].std(),
        lambda: df["text"].median(),
        lambda: df.mean(),
        lambda: df[["text"]].corr(),
        lambda: pd.Series([1, 2]).item(),
        lambda: df["x"].iloc[:0].idxmax(),
        lambda: df["n"].quantile(2),
        lambda: df["n"].agg("nope"),
        lambda: df["n"].nope(),
    )


@case(native=True)
def groups(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df.groupby("key")["text"].mean(),
        lambda: df.groupby("key").median(),
        lambda: df.groupby("key")["text"].std(),
        lambda: df.groupby("group").get_group("nope"),
        lambda: df.groupby("key")["n"].quantile(3),
        lambda: df.groupby("key")["n"].transform("nope"),
    )


@case(native=True)
def merges(pd, np, data, tmp):
    df, t = data.sales(pd), data.targets(pd)
    return caught(
        lambda: df.merge(t, on="zz"),
        lambda: df.merge(t, left_on="customer"),
        lambda: df.merge(t, on="customer", how="sideways"),
        lambda: df.merge(t, left_on="product", right_on="customer"),
        lambda: df.merge(t, on="customer", validate="one_to_one"),
        lambda: df.merge(t, on="customer", left_on="customer"),
        lambda: df.merge(5),
        lambda: df.join(df),
        lambda: df.merge(df, on="order_id", suffixes=("", "")),
        lambda: df.merge(t, on="customer", left_index=True),
    )


@case()
def concats(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: pd.concat(df),
        lambda: pd.concat([]),
        lambda: pd.concat([df, 5]),
        lambda: pd.concat([None]),
        lambda: pd.concat([df, df], verify_integrity=True),
        lambda: pd.concat([df, df], axis=2),
        lambda: pd.concat([df], join="left"),
    )


@case()
def assignments(pd, np, data, tmp):
    df = data.small(pd)

    def assign_too_many():
        df["z"] = [1, 2]

    def rename_columns():
        df.columns = ["a"]

    def replace_index():
        df.index = [1, 2]

    def insert_existing():
        df.insert(0, "n", 1)

    def delete():
        del df["zz"]

    def write_far():
        df.iloc[99, 0] = 1

    def write_mask():
        df.loc[[True, False], "n"] = 1

    def set_name():
        df["n"].name = ["x"]

    return caught(
        assign_too_many,
        rename_columns,
        replace_index,
        insert_existing,
        delete,
        write_far,
        write_mask,
        set_name,
    ), df


@case()
def masks(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df[[True, False]],
        lambda: df[pd.Series([True, False])],
        lambda: df[df["text"].str.contains("e")],
        lambda: df.loc[df["x"]],
        lambda: df[df["n"] > 5 and df["key"] > 1],
        lambda: df.iloc[df["flag"]],
        lambda: df["n"][[True]],
    )


@case(native=True)
def accessors(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df["n"].str,
        lambda: df["text"].dt,
        lambda: df["n"].cat,
        lambda: df["n"].str.upper(),
        lambda: df["text"].str.nope(),
        lambda: df["text"].str.contains("["),
        lambda: df["text"].str.zfill("a"),
        lambda: df.str,
    )


@case()
def constructors(pd, np, data, tmp):
    return caught(
        lambda: pd.DataFrame({"a": [1, 2], "b": [1]}),
        lambda: pd.DataFrame([[1, 2]], columns=["a"]),
        lambda: pd.DataFrame(5),
        lambda: pd.Series([1, 2], index=[1]),
        lambda: pd.Series(["a"], dtype=int),
        lambda: pd.DataFrame({"a": 1}),
        lambda: pd.DataFrame([1], nope=2),
        lambda: pd.date_range("2024-01-01"),
        lambda: pd.Timestamp("soon"),
        lambda: pd.Categorical([1], categories=[1, 1]),
    )


@case()
def files(pd, np, data, tmp):
    return caught(
        lambda: pd.read_csv("no_such_file.csv"),
        lambda: pd.read_parquet("no_such_file.parquet"),
        lambda: pd.read_csv(data.file("nothing.csv")),
        lambda: pd.read_csv(data.file("ragged.csv")),
        lambda: pd.read_csv(data.file("codes.csv"), usecols=["zz"]),
        lambda: pd.read_csv(data.file("codes.csv"), index_col="zz"),
        lambda: pd.read_csv(data.file("codes.csv"), parse_dates=["zz"]),
        lambda: pd.read_csv(data.file("codes.csv"), dtype={"name": int}),
        lambda: pd.read_csv(data.file("latin.csv")),
        lambda: pd.read_csv(data.file("codes.csv"), nope=1),
        lambda: pd.read_csv(data.file("codes.csv"), sep=",", delimiter=","),
    )


@case(may_raise=True)
def missing_parquet_file(pd, np, data, tmp):
    return pd.read_parquet(tmp / "none.parquet")


@case(may_raise=True)
def missing_directory_to_write_to(pd, np, data, tmp):
    data.small(pd).to_csv(tmp / "none" / "out.csv")


@case(native=True)
def bad_arguments(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df.head("a"),
        lambda: df.sort_values("n", ascending=[True, False]),
        lambda: df.fillna(),
        lambda: df.dropna(how="some"),
        lambda: df.sum(axis=5),
        lambda: df.nope(),
        lambda: df.merge(),
        lambda: df.groupby("key", axes=1),
        lambda: df["n"].between(1, 2, inclusive="some"),
        lambda: df["n"].clip(5, 1).tolist() and df["n"].round("a"),
        lambda: df.query("zz > 1"),
        lambda: df.query("n >"),
        lambda: df.sample(99),
        lambda: df.rename({"a": "b"}, axis=3),
        lambda: df["n"].isin("abc"),
        lambda: df.drop_duplicates(keep="some"),
        lambda: df.set_index([]),
        lambda: df.shift("a"),
        lambda: df["n"].map(5),
        lambda: df["n"].replace({}, 5),
        lambda: df["n"].fillna([1]),
        lambda: df.sort_values(),
        lambda: df.nlargest("a", "n"),
        lambda: df.reset_index(level="zz"),
    )


@case(native=True)
def failures_leave_the_frame_alone(pd, np, data, tmp):
    df = data.sales(pd)
    errors = caught(
        lambda: df.drop(columns="zz", inplace=True),
        lambda: df.sort_values("zz", inplace=True),
        lambda: df.insert(0, "units", 1),
    )
    return errors, df


@case(native=True)
def the_same_error_twice(pd, np, data, tmp):
    s = data.sales(pd)["product"]
    numbers = caught(lambda: s.astype(int), lambda: s.astype(int))
    return numbers, s.head(2)


@case()
def functions_that_fail(pd, np, data, tmp):
    df = data.small(pd)

    class Special(Exception):
        pass

    def fail(v):
        raise Special(f"at {v}")

    return [
        (t.__name__, m) if isinstance(t, type) else t
        for t, m in caught(
            lambda: df["n"].map(fail),
            lambda: df.apply(lambda r: fail(r.name), axis=1),
            lambda: df.groupby("key")["n"].apply(lambda s: fail(len(s))),
        )
    ]


@case()
def reshapes(pd, np, data, tmp):
    df = data.small(pd)
    return caught(
        lambda: df.pivot(index="key", columns="group", values="n"),
        lambda: df.pivot_table(index="zz"),
        lambda: df.melt(id_vars="zz"),
        lambda: df.unstack().unstack().unstack(),
        lambda: pd.get_dummies(df, columns=["zz"]),
        lambda: pd.cut(df["n"], [5, 1]),
        lambda: df["n"].rolling("2D").sum(),
        lambda: df.resample("D").sum(),
    )


@case()
def inplace_that_is_no_truth_value(pd, np, data, tmp):
    df = data.small(pd)
    s = df["n"]
    errors = caught(
        lambda: s.sort_values(inplace=1),
        lambda: s.reset_index(inplace="yes"),
        lambda: s.dropna(inplace=5.0),
        lambda: s.rename("m", inplace=[1]),
        lambda: df.sort_values("n", inplace=1),
        lambda: df.drop_duplicates(inplace=0),
        lambda: df.drop(columns="n", inplace="no"),
    )
    df.sort_values("n", ascending=False, inplace=np.bool_(True))
    return errors, df, df.sort_values("n", inplace=None)


@case()
def frames_and_series_in_one_ufunc(pd, np, data, tmp):
    df = data.small(pd)[["n"]]
    other = pd.Series([1, 2], index=["n", "m"])
    return caught(lambda: np.add(other, df)), np.add(df, other)


@case()
def sums_of_durations_out_of_bounds(pd, np, data, tmp):
    long = pd.Series(pd.to_timedelta([2**62, 2**61]))
    far = pd.Series(pd.to_timedelta([2**62, 2**62 + 1]))
    return long.cumsum(), caught(far.cumsum)


@case()
def frames_assigned_to_a_part_of_a_level(pd, np, data, tmp):
    arrays = [["bar", "bar", "baz", "bar"], ["one", "two", "one", "one"], [0, 1, 2, 3]]
    df = pd.DataFrame(np.arange(12.0).reshape(4, 3), index=arrays, columns=list("ABC"))
    df = df.sort_index()
    part = df.loc["bar"]
    part *= 2
    return caught(lambda: df.loc.__setitem__("bar", part)), df, part


@case()
def masks_under_other_labels(pd, np, data, tmp):
    labelled = pd.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5]}, index=list("xyz"))
    mask = labelled["a"].reset_index(drop=True) > 1
    return caught(
        lambda: labelled[mask],
        lambda: labelled.loc[mask],
        lambda: labelled["b"][mask],
        lambda: labelled["a"] == labelled["a"].reset_index(drop=True),
    )


@case()
def names_that_are_not_unique(pd, np, data, tmp):
    df = data.small(pd)[["key", "n", "x"]]
    twice = df.set_index(["key", "key"], drop=False)
    held = df.rename(columns={"x": "value"})
    return caught(
        lambda: twice.query("n > 3"),
        lambda: twice.eval("n + 3"),
        lambda: held.melt(id_vars=["key"], value_vars=["n"]),
        lambda: df.set_index("n").rename_axis(1).groupby(1)["x"].sum(),
    )


@case()
def keys_of_a_merge_before_its_labels(pd, np, data, tmp):
    df = data.small(pd)[["key", "n", "x"]]
    other = df.rename(columns={"key": "n_x", "x": "key"})
    return caught(
        lambda: df.rename(columns={"x": "n_x"}).merge(other, left_on="key", right_on="key"),
        lambda: df.merge(df.rename(columns={"x": "n_x"}), on="key"),
        lambda: df.rename(columns={"x": "n_x"}).merge(df, on="key"),
    )
