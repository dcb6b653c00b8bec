"""CSV."""

import io

from .registry import case


@case(native=True, max_executions=1)
def csv_whole(pd, np, data, tmp):
    return pd.read_csv(data.sales_csv)


@case(native=True)
def csv_usecols_keep_the_order_of_the_file(pd, np, data, tmp):
    return pd.read_csv(data.sales_csv, usecols=["price", "customer", "region"])


@case(native=True)
def csv_usecols_by_position_and_function(pd, np, data, tmp):
    a = pd.read_csv(data.file("sales50.csv"), usecols=[3, 0])
    b = pd.read_csv(data.file("sales50.csv"), usecols=lambda c: c.startswith("p"))
    return a, b


@case(native=True)
def csv_dtypes(pd, np, data, tmp):
    wanted = {"customer": "int32", "region": "category", "price": "float32", "units": "Int64"}
    return pd.read_csv(data.sales_csv, dtype=wanted)


@case(native=True)
def csv_leading_zeros(pd, np, data, tmp):
    a = pd.read_csv(data.file("codes.csv"), dtype={"code": str})
    return a, a["code"].tolist(), pd.read_csv(data.file("codes.csv"))


@case(native=True)
def csv_dtype_for_all(pd, np, data, tmp):
    return pd.read_csv(data.file("sales50.csv"), dtype=str)


@case(native=True)
def csv_parse_dates(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv, parse_dates=["when"])
    return df["when"], df.dtypes


@case(native=True)
def csv_parse_dates_with_nulls(pd, np, data, tmp):
    return pd.read_csv(data.file("dates.csv"), parse_dates=["day", "t"])


@case(native=True)
def csv_dates_without_parsing(pd, np, data, tmp):
    df = pd.read_csv(data.file("dates.csv"))
    return df, df.dtypes


@case(native=True)
def csv_dates_with_format(pd, np, data, tmp):
    return pd.read_csv(data.file("dates.csv"), parse_dates=["day"], date_format="%Y-%m-%d")


@case(native=True)
def csv_index_col(pd, np, data, tmp):
    a = pd.read_csv(data.file("indexed.csv"), index_col=0)
    b = pd.read_csv(data.file("sales50.csv"), index_col="order_id")
    c = pd.read_csv(data.file("sales50.csv"), index_col=["product", "customer"])
    return a, b, c


@case(native=True)
def csv_unnamed_index_column(pd, np, data, tmp):
    return pd.read_csv(data.file("indexed.csv"))


@case(native=True, large=True)
def csv_late_float_makes_the_column_float(pd, np, data, tmp):
    df = pd.read_csv(data.file("late_float.csv"))
    return df.dtypes, df.head(3), df.tail(2)


@case(native=True, large=True)
def csv_late_text_makes_the_column_text(pd, np, data, tmp):
    df = pd.read_csv(data.file("late_text.csv"))
    return df.dtypes, df.tail(2), df["a"].iloc[0]


@case(native=True, large=True)
def csv_late_null_makes_the_column_float(pd, np, data, tmp):
    df = pd.read_csv(data.file("late_null.csv"))
    return df.dtypes, df.head(3), df.tail(2), df["a"].sum()


@case(native=True)
def csv_separators_and_decimals(pd, np, data, tmp):
    return pd.read_csv(
        data.file("semicolon.csv"), sep=";", decimal=",", thousands=".", dtype={"name": "object"}
    )


@case(native=True)
def csv_day_first(pd, np, data, tmp):
    return pd.read_csv(data.file("semicolon.csv"), sep=";", parse_dates=["day"], dayfirst=True)


@case(native=True)
def csv_na_values(pd, np, data, tmp):
    path = data.file("marks.csv")
    return (
        pd.read_csv(path),
        pd.read_csv(path, na_values=["-", "?", "missing"]),
        pd.read_csv(path, na_values={"a": ["-"], "b": "?"}),
        pd.read_csv(path, keep_default_na=False),
        pd.read_csv(path, na_filter=False),
    )


@case(native=True)
def csv_quoted_newlines(pd, np, data, tmp):
    return pd.read_csv(data.file("quoted.csv"))


@case(native=True)
def csv_without_header(pd, np, data, tmp):
    path = data.file("headless.csv")
    return (
        pd.read_csv(path, header=None),
        pd.read_csv(path, names=["i", "s", "f"]),
        pd.read_csv(path, header=None, skiprows=1),
        pd.read_csv(path, header=None, names=["i", "s"], usecols=[0, 1]),
    )


@case(native=True)
def csv_new_names_over_a_header(pd, np, data, tmp):
    return pd.read_csv(data.file("codes.csv"), header=0, names=["x", "y", "z"])


@case(native=True, large=True)
def csv_skip_rows_and_nrows(pd, np, data, tmp):
    path = data.file("long.csv")
    return (
        pd.read_csv(path, nrows=7),
        pd.read_csv(path, skiprows=3),
        pd.read_csv(path, skiprows=[1, 3]),
    )


@case(large=True)
def csv_rows_skipped_by_a_function(pd, np, data, tmp):
    return pd.read_csv(data.file("long.csv"), skiprows=lambda i: i % 100)


@case()
def csv_comments(pd, np, data, tmp):
    return pd.read_csv(data.file("commented.csv"), comment="#")


@case()
def csv_footer(pd, np, data, tmp):
    return pd.read_csv(data.file("footer.csv"), skipfooter=1, engine="python")


@case()
def csv_converters(pd, np, data, tmp):
    return pd.read_csv(data.file("codes.csv"), converters={"code": lambda c: f"<{c}>"})


@case(native=True)
def csv_repeated_names(pd, np, data, tmp):
    return pd.read_csv(data.file("twice.csv"))


@case(native=True)
def csv_booleans(pd, np, data, tmp):
    path = data.file("bools.csv")
    return pd.read_csv(path), pd.read_csv(path, true_values=["yes"], false_values=["no"])


@case(native=True)
def csv_large_integers(pd, np, data, tmp):
    df = pd.read_csv(data.file("big.csv"))
    return df, df.dtypes


@case(native=True)
def csv_thousands(pd, np, data, tmp):
    return pd.read_csv(data.file("thousands.csv"), thousands=",")


@case(large=True)
def csv_compressed_tabs_marks_encodings(pd, np, data, tmp):
    return (
        pd.read_csv(data.file("packed.csv.gz")).tail(3),
        pd.read_csv(data.file("tabs.tsv"), sep="\t"),
        pd.read_table(data.file("tabs.tsv")),
        pd.read_csv(data.file("bom.csv")),
        pd.read_csv(data.file("latin.csv"), encoding="latin-1"),
    )


@case()
def csv_white_space_and_blank_lines(pd, np, data, tmp):
    path = data.file("blank.csv")
    return (
        pd.read_csv(data.file("spaces.csv"), sep=r"\s+"),
        pd.read_csv(path),
        pd.read_csv(path, skip_blank_lines=False),
    )


@case(native=True)
def csv_header_only(pd, np, data, tmp):
    df = pd.read_csv(data.file("header_only.csv"))
    return df, df.dtypes, len(df), df.empty


@case(may_raise=True)
def csv_of_no_bytes(pd, np, data, tmp):
    return pd.read_csv(data.file("nothing.csv"))


@case(may_raise=True)
def csv_ragged(pd, np, data, tmp):
    return pd.read_csv(data.file("ragged.csv"))


@case()
def csv_ragged_skipped(pd, np, data, tmp):
    return pd.read_csv(data.file("ragged.csv"), on_bad_lines="skip")


@case(may_raise=True)
def csv_unknown_usecols(pd, np, data, tmp):
    return pd.read_csv(data.file("codes.csv"), usecols=["code", "zz"])


@case(may_raise=True)
def csv_impossible_dtype(pd, np, data, tmp):
    return pd.read_csv(data.file("codes.csv"), dtype={"name": "int64"})


@case()
def csv_from_text(pd, np, data, tmp):
    return pd.read_csv(io.StringIO("a,b\n1,x\n2,\n"))


@case()
def csv_from_open_file(pd, np, data, tmp):
    with open(data.file("codes.csv")) as handle:
        df = pd.read_csv(handle)
    return df


@case(large=True)
def csv_in_chunks(pd, np, data, tmp):
    totals, parts = [], []
    for chunk in pd.read_csv(data.file("long.csv"), chunksize=150):
        totals.append(chunk["v"].sum())
        parts.append(chunk[chunk["g"] == "x"])
    return totals, pd.concat(parts), isinstance(parts[0], pd.DataFrame)


@case(native=True)
def csv_column_of_nulls(pd, np, data, tmp):
    df = pd.read_csv(io.StringIO("a,b\n1,\n2,\n"))
    return df, df.dtypes, df["b"].sum(), df["b"].isnull().all()


@case(native=True)
def csv_concat_of_many_files(pd, np, data, tmp):
    sales = data.sales(pd, 90)
    for i in range(3):
        sales.iloc[i * 30 : (i + 1) * 30].to_csv(tmp / f"{i}.csv", index=False)
    frames = [pd.read_csv(p) for p in sorted(tmp.glob("*.csv"))]
    return pd.concat(frames, ignore_index=True), pd.concat(frames)


@case(native=True)
def csv_values_are_nan_not_none(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv)
    return df["region"].tolist()[:60], str(df[["region", "note"]].head(40)), df["note"].unique()


def _long_file(path, np, end="\n"):
    """More than a megabyte: integers, floats short and long, text with gaps, dates, truth."""
    rows, note = 1200, "long text " * 100
    rng = np.random.default_rng(3)
    shops = ["north", "south east", "Zürich", "", "NA"]
    values = zip(
        rng.integers(-500, 500, rows).tolist(),
        np.round(rng.normal(0, 1e3, rows), 2).tolist(),
        rng.random(rows).tolist(),
        rng.integers(0, 5, rows).tolist(),
        rng.integers(10, 29, rows).tolist(),
    )
    lines = [f"{a},{b},{c},{shops[d]},2021-03-{e},{a > 0},{note}" for a, b, c, d, e in values]
    path.write_bytes(end.join(["units,price,share,shop,day,big,note", *lines, ""]).encode())
    return path


@case(native=True, large=True)
def csv_long_file(pd, np, data, tmp):
    df = pd.read_csv(_long_file(tmp / "long.csv", np))
    few = df[df["shop"] == "Zürich"]
    return df, df.dtypes, few.tail(9), df.groupby("shop")["price"].sum(), df["shop"].isna().sum()


@case(native=True, large=True)
def csv_long_file_with_arguments(pd, np, data, tmp):
    path = _long_file(tmp / "long.csv", np, end="\r\n")
    dated = pd.read_csv(path, usecols=["day", "price", "shop"], parse_dates=["day"])
    return (
        dated.groupby("day")["price"].max(),
        dated.dtypes,
        pd.read_csv(path, index_col="shop", na_values=["north"]).tail(40),
        pd.read_csv(path, header=0, names=list("tuvwxyz"), dtype={"t": str}).head(40),
    )


@case(native=True, large=True)
def csv_long_file_with_late_surprises(pd, np, data, tmp):
    path = _long_file(tmp / "long.csv", np)
    found = []
    for line in (
        "1.5,1,1,x,y,True,n",
        "x,1,1,x,y,True,n",
        "1,x,,1,,,",
        "1,-0,9007199254740993,,,1,",
    ):
        with open(path, "a") as file:
            file.write(line + "\n")
        df = pd.read_csv(path)
        found += [df.dtypes, df.tail(3), [type(v) for v in df["units"].iloc[[0, -1]]]]
    return found


@case(native=True)
def csv_text_written(pd, np, data, tmp):
    df = data.sales(pd, 60)
    df["ratio"] = df["units"] / 8
    return df.to_csv(), df.to_csv(index=False), df.head(3).to_csv(sep="\t", header=False)


@case(native=True)
def csv_options_of_writing(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.to_csv(na_rep="-", float_format="%.1f", columns=["x", "text"]),
        df.to_csv(index_label="row", header=["A", "B", "C", "D", "E", "F"]),
        df.to_csv(quoting=1),
        df.to_csv(decimal=",", sep=";"),
        df["x"].to_csv(),
    )


@case(native=True)
def csv_dates_written(pd, np, data, tmp):
    df = data.dated(pd)
    return df.to_csv(index=False), df.to_csv(date_format="%d.%m.%y")


@case(native=True)
def csv_round_trip(pd, np, data, tmp):
    df = data.sales(pd)
    result = df.to_csv(tmp / "out.csv", index=False)
    return result, pd.read_csv(tmp / "out.csv"), (tmp / "out.csv").read_text()[:3000]


@case(native=True)
def csv_round_trip_of_a_group_table(pd, np, data, tmp):
    df = data.sales(pd).groupby(["region", "product"])["units"].sum()
    df.to_csv(tmp / "out.csv")
    return pd.read_csv(tmp / "out.csv"), pd.read_csv(tmp / "out.csv", index_col=[0, 1])


@case()
def csv_appended(pd, np, data, tmp):
    df = data.small(pd)
    df.head(4).to_csv(tmp / "log.csv", index=False)
    df.tail(2).to_csv(tmp / "log.csv", mode="a", header=False, index=False)
    return (tmp / "log.csv").read_text(), pd.read_csv(tmp / "log.csv")


@case()
def csv_compressed_writing(pd, np, data, tmp):
    data.small(pd).to_csv(tmp / "a.csv.gz", index=False)
    return pd.read_csv(tmp / "a.csv.gz")


@case(native=True)
def csv_columns_with_nulls_looked_up(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv)
    wanted = pd.Series(["east", None, "west"])
    return df[df["region"].isin(wanted)], df["city"].isin(["Oslo", np.nan]), df["region"].nunique()
