"""Deferred work must not show: neither in results, nor in errors, nor in what runs twice."""

import contextlib
import gc
import io
import os
import threading

from .registry import case

# -- files that change ----------------------------------------------------------------------------


@case(native=True)
def parquet_deleted_before_use(pd, np, data, tmp):
    path = tmp / "gone.parquet"
    data.small(pd).to_parquet(path)
    df = pd.read_parquet(path)
    os.remove(path)
    return df["n"].sum(), df[df["n"] > 50], df


@case(native=True)
def csv_overwritten_before_use(pd, np, data, tmp):
    path = tmp / "a.csv"
    data.small(pd).to_csv(path, index=False)
    df = pd.read_csv(path)
    big = df[df["n"] > 50]
    data.small(pd).assign(n=0).to_csv(path, index=False)
    return df["n"].sum(), big, pd.read_csv(path)["n"].sum()


@case(native=True)
def parquet_overwritten_by_its_own_result(pd, np, data, tmp):
    path = tmp / "a.parquet"
    data.small(pd).to_parquet(path)
    df = pd.read_parquet(path)
    df["n"] = df["n"] * 2
    df.to_parquet(path)
    again = pd.read_parquet(path)
    return df, again, again["n"].sum()


@case(native=True)
def csv_overwritten_by_its_own_result(pd, np, data, tmp):
    path = tmp / "a.csv"
    data.small(pd).to_csv(path, index=False)
    for _ in range(3):
        df = pd.read_csv(path)
        df["n"] += 1
        df.to_csv(path, index=False)
    return pd.read_csv(path)


@case(native=True)
def file_in_a_temporary_directory(pd, np, data, tmp):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        data.small(pd).to_parquet(f"{folder}/a.parquet")
        df = pd.read_parquet(f"{folder}/a.parquet")
    return df.groupby("key")["n"].sum()


@case(native=True)
def relative_path_then_another_directory(pd, np, data, tmp):
    before = os.getcwd()
    os.chdir(tmp)
    try:
        data.small(pd).to_csv("a.csv", index=False)
        df = pd.read_csv("a.csv")
    finally:
        os.chdir(before)
    return df["n"].sum(), df


@case(native=True)
def files_written_when_the_call_returns(pd, np, data, tmp):
    df = data.sales(pd)
    df[df["paid"]].to_csv(tmp / "a.csv", index=False)
    df[["units"]].to_parquet(tmp / "a.parquet")
    return (
        (tmp / "a.csv").read_text().count("\n"),
        (tmp / "a.parquet").exists(),
        sorted(p.name for p in tmp.iterdir()),
    )


# -- work done once -------------------------------------------------------------------------------


def shown(df):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print(df)
    return out.getvalue()


@case(native=True, max_executions=1)
def len_len_shape_print(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    part = df[df["units"] > 10]
    return len(part), len(part), part.shape, shown(part)


@case(native=True, max_executions=1)
def print_twice_and_head(pd, np, data, tmp):
    out = pd.read_parquet(data.sales_parquet).groupby("region")["units"].sum()
    return shown(out), shown(out), out.head(2), len(out), out.index


@case(native=True, max_executions=0)
def schema_without_execution(pd, np, data, tmp):
    df = data.sales(pd)
    df["total"] = df["units"] * df["weight"]
    df = df.rename(columns={"units": "n"}).drop(columns=["note"])
    return (
        list(df.columns),
        "total" in df,
        df.ndim,
        hasattr(df, "fit"),
        df["total"].name,
        df[["n", "paid"]].dtypes,
        df.columns.get_loc("n"),
    )


@case(native=True, max_executions=0)
def errors_without_execution(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    found = []
    for wrong in (
        lambda: df["zz"],
        lambda: df.drop(columns="zz"),
        lambda: df.groupby("zz"),
        lambda: df.zz,
    ):
        try:
            wrong()
        except (KeyError, AttributeError) as error:
            found.append(repr(error))
    return found


@case(native=True, max_executions=1)
def length_of_a_parquet_file(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    return len(df), df.shape, df.empty, df.size, len(df["units"]), len(df.index)


@case(native=True, max_executions=2)
def iteration_of_one_result(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    top = df[df["units"] > 17]
    return (
        [v for v in top["units"]],
        list(top["price"])[:3],
        top["region"].tolist(),
        top.values.shape,
    )


@case(native=True, max_executions=1)
def repeated_reductions(pd, np, data, tmp):
    s = data.sales(pd)["price"]
    return [s.mean() for _ in range(5)]


@case(native=True, max_executions=3)
def a_chain_of_steps(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    df["total"] = df["units"] * df["price"].fillna(0)
    df = df[df["paid"]]
    out = df.groupby("region", as_index=False)["total"].sum()
    return out.sort_values("total", ascending=False, ignore_index=True)


@case()
def threads_share_one_frame(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["units"] > 10]
    found = []
    threads = [threading.Thread(target=lambda: found.append(part["units"].sum())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, len(part)


# -- values of the moment of the call -------------------------------------------------------------


@case(native=True)
def scalars_changed_after_the_call(pd, np, data, tmp):
    df = data.sales(pd)
    limit = 10
    part = df[df["units"] > limit]
    query = df.query("units > @limit")
    limit = 0
    return len(part), len(query), limit


@case(native=True)
def names_rebound(pd, np, data, tmp):
    df = data.sales(pd)
    df = df[df["units"] > 5]
    df = df[df["paid"]]
    mean = df["price"].mean()
    df["high"] = df["price"] > mean
    mean = 0
    return df["high"].sum(), df.shape


@case(native=True)
def source_frame_deleted(pd, np, data, tmp):
    df = data.sales(pd)
    out = df.groupby("region")["units"].sum()
    part = df[df["units"] > 10]
    del df
    gc.collect()
    return out, part["units"].sum()


@case(native=True)
def operands_changed_after_a_merge(pd, np, data, tmp):
    df, t = data.sales(pd), data.targets(pd)
    out = df.merge(t, on="customer")
    t["target"] = 0
    df["units"] = 0
    return out["target"].sum(), out["units"].sum()


@case(native=True)
def operands_changed_after_a_concat(pd, np, data, tmp):
    a, b = data.small(pd), data.small(pd)
    out = pd.concat([a, b], ignore_index=True)
    a["n"] = 0
    b.loc[0, "key"] = 99
    return out


@case(native=True)
def groupby_made_before_a_change(pd, np, data, tmp):
    df = data.small(pd)
    grouped = df.groupby("group")
    part = df.groupby("group")["n"]
    df["z"] = 1
    return part.sum(), grouped["n"].sum(), df.groupby("group")["z"].sum()


@case(native=True)
def map_of_a_dict_changed_later(pd, np, data, tmp):
    df, codes = data.small(pd), {"A": "Apple", "B": "Banana"}
    a, b = df["group"].map(codes), df["group"].replace(codes)
    codes["C"] = "Cherry"
    return a, b


@case(native=True)
def columns_renamed_in_the_source(pd, np, data, tmp):
    df = data.small(pd)
    s = df["n"]
    df.columns = list("abcdef")
    df.rename(columns={"a": "z"}, inplace=True)
    return s, s.name, df.columns


# -- errors on their line -------------------------------------------------------------------------


@case(native=True)
def each_error_on_its_line(pd, np, data, tmp):
    df, lines = data.sales(pd), []
    try:
        df["product"].astype("int64")
        lines.append("astype passed")
    except ValueError:
        lines.append("astype")
    try:
        pd.to_datetime(df["product"])
        lines.append("to_datetime passed")
    except ValueError:
        lines.append("to_datetime")
    try:
        df.merge(data.targets(pd), on="customer", validate="one_to_one")
        lines.append("merge passed")
    except pd.errors.MergeError:
        lines.append("merge")
    try:
        df["price"].astype("int64")
        lines.append("nan passed")
    except ValueError:
        lines.append("nan")
    return lines


@case()
def labels_checked_on_their_line(pd, np, data, tmp):
    df, lines = data.sales(pd), []
    for name, action in {
        "loc": lambda: df[df["units"] > 10].loc[[0, 1, 2, 3]],
        "iloc": lambda: df[df["units"] > 99].iloc[0],
        "drop": lambda: df[df["units"] > 99].drop(index=[0]),
        "reindex": lambda: pd.concat([df, df]).reindex([1]),
    }.items():
        try:
            action()
            lines.append(f"{name} passed")
        except (KeyError, IndexError, ValueError) as error:
            lines.append((name, type(error), str(error)))
    return lines


@case()
def warnings_of_pandas_are_shown(pd, np, data, tmp):
    import warnings

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        pd.to_datetime(pd.Series(["01/02/2024", "13 Jan 2024"]), errors="coerce")
        pd.Series([True, None, False], dtype=object).fillna(False)
        data.small(pd)["text"].str.contains("(p)")
    return [
        (w.category.__name__, str(w.message)[:60])
        for w in seen
        if "pandas_dist" not in w.category.__module__
    ]


@case()
def wide_results_are_not_called_fragmented(pd, np, data, tmp):
    import warnings

    wide = pd.DataFrame({f"c{n}": np.arange(6.0) + n for n in range(120)})
    sums = wide.assign(k=[1, 2, 3] * 2).groupby("k").sum()
    sums.columns = range(120)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        steps = sums.diff(axis=1)
    return steps, [w.category.__name__ for w in seen if w.category is pd.errors.PerformanceWarning]


# -- dtypes known only afterwards -----------------------------------------------------------------


@case(native=True)
def dtypes_after_a_left_join(pd, np, data, tmp):
    df, t = data.sales(pd), data.targets(pd)
    some = df.merge(t, on="customer", how="left")
    all_found = df[df["customer"].between(30, 100)].merge(t, on="customer", how="left")
    return some["target"].dtype, all_found["target"].dtype, some.dtypes, all_found.dtypes


@case(native=True)
def dtypes_after_shift_where_and_map(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].shift().dtype,
        df["units"].where(df["units"] > 0).dtype,
        df["units"].where(df["units"] > 5).dtype,
        df["product"].map({"tea": 1}).dtype,
        df["units"].map({u: u for u in range(30)}).dtype,
        df["units"].mask(df["units"] > 99).dtype,
        pd.concat([df["units"], df["weight"]]).dtype,
    )


@case(native=True)
def selection_by_dtype_after_execution(pd, np, data, tmp):
    df = data.sales(pd).merge(data.targets(pd), on="customer", how="left")
    return df.select_dtypes("number").columns, df.select_dtypes("int64").columns, df["target"].max()


# -- scripts --------------------------------------------------------------------------------------


@case(native=True)
def a_small_report(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv, parse_dates=["when"])
    df = df.dropna(subset=["region", "price"])
    df["month"] = df["when"].dt.month
    df["total"] = df["units"] * df["price"]
    monthly = df.groupby("month")["total"].sum()
    best = (
        df.groupby("product")
        .agg(total=("total", "sum"), n=("order_id", "count"))
        .sort_values("total", ascending=False)
    )
    share = best["total"] / best["total"].sum()
    return monthly, best, share.round(4), best.index[0], df.shape


@case(native=True)
def a_cleaning_script(pd, np, data, tmp):
    df = pd.read_csv(data.sales_csv)
    df.columns = [c.strip().lower() for c in df.columns]
    df = df.drop_duplicates().drop(columns=["note"])
    df["price"] = df["price"].fillna(df["price"].median())
    df["region"] = df["region"].fillna("unknown").str.title()
    df["city"] = df["city"].replace({"Roma": "Rome"})
    df = df[(df["price"] < df["price"].quantile(0.99)) & (df["units"] > 0)]
    df = df.reset_index(drop=True)
    return df, df.isnull().sum(), df["region"].value_counts(), df.describe()


@case(native=True)
def a_join_script(pd, np, data, tmp):
    sales = pd.read_parquet(data.sales_parquet, columns=["order_id", "customer", "units", "price"])
    targets = data.targets(pd).drop_duplicates("customer")
    per = sales.groupby("customer", as_index=False).agg(
        units=("units", "sum"), spent=("price", "sum")
    )
    out = per.merge(targets, on="customer", how="outer", indicator=True)
    out["met"] = out["units"] >= out["target"]
    out["manager"] = out["manager"].fillna("nobody")
    return out, out.groupby("manager")["met"].mean(), out["_merge"].value_counts()
