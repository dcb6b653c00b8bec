"""Parquet and other formats."""

import io
import shutil
from pathlib import Path

from .registry import case


@case(native=True)
def files_with_one_schema_and_nulls(pd, np, data, tmp):
    shutil.copy(f"{data.parts}/part-1.parquet", tmp / "z.parquet")
    shutil.copy(f"{data.parts}/part-3.parquet", tmp / "a.parquet")
    return pd.read_parquet(tmp, columns=["order_id", "region", "grade"])


# -- Parquet --------------------------------------------------------------------------------------


@case(native=True, max_executions=1)
def parquet_whole(pd, np, data, tmp):
    return pd.read_parquet(data.sales_parquet)


@case(native=True, max_executions=1)
def parquet_columns_in_the_order_asked(pd, np, data, tmp):
    return pd.read_parquet(data.sales_parquet, columns=["price", "region", "customer"])


@case(native=True)
def parquet_no_columns(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet, columns=[])
    return df.shape, list(df.columns), df.index


@case(native=True)
def parquet_directory(pd, np, data, tmp):
    return pd.read_parquet(data.parts)


@case(native=True)
def parquet_list_of_files(pd, np, data, tmp):
    return pd.read_parquet([f"{data.parts}/part-2.parquet", f"{data.parts}/part-0.parquet"])


@case(native=True)
def parquet_path_object(pd, np, data, tmp):
    return pd.read_parquet(Path(data.sales_parquet), columns=["order_id"])


@case(native=True)
def parquet_named_shuffled_index(pd, np, data, tmp):
    return pd.read_parquet(data.file("indexed.parquet"))


@case(native=True)
def parquet_index_and_columns(pd, np, data, tmp):
    return pd.read_parquet(data.file("indexed.parquet"), columns=["units"])


@case(native=True)
def parquet_multi_index(pd, np, data, tmp):
    return pd.read_parquet(data.file("multi.parquet"))


@case(native=True)
def parquet_date_index(pd, np, data, tmp):
    return pd.read_parquet(data.file("dates.parquet"))


@case(native=True)
def parquet_reversed_range_index(pd, np, data, tmp):
    return pd.read_parquet(data.file("range.parquet"))


@case(native=True)
def parquet_empty(pd, np, data, tmp):
    df = pd.read_parquet(data.file("empty.parquet"))
    return df, df.dtypes, df.empty, len(df)


@case(native=True)
def parquet_all_dtypes(pd, np, data, tmp):
    return pd.read_parquet(data.file("types.parquet"))


@case(native=True)
def parquet_all_dtypes_head(pd, np, data, tmp):
    return pd.read_parquet(data.file("types.parquet")).tail(20).head(7)


@case()
def parquet_nullable_backend(pd, np, data, tmp):
    return pd.read_parquet(
        data.file("types.parquet"), dtype_backend="numpy_nullable"
    ).dtypes.astype(str)


@case()
def parquet_arrow_backend(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet, dtype_backend="pyarrow", columns=["region", "units"])
    return df.dtypes, df.head(5), df["units"].sum()


@case(native=True)
def parquet_filters(pd, np, data, tmp):
    return pd.read_parquet(
        data.sales_parquet, filters=[("units", ">", 15), ("region", "==", "east")]
    )


@case(native=True)
def parquet_filters_any_of(pd, np, data, tmp):
    filters = [[("units", ">", 18)], [("product", "in", ["tea", "pie"])]]
    return pd.read_parquet(data.sales_parquet, filters=filters, columns=["order_id", "product"])


@case(may_raise=True)
def parquet_missing_column(pd, np, data, tmp):
    return pd.read_parquet(data.sales_parquet, columns=["order_id", "nope"])


@case(native=True)
def parquet_from_buffer(pd, np, data, tmp):
    return pd.read_parquet(io.BytesIO(Path(data.sales_parquet).read_bytes()), columns=["units"])


@case(native=True)
def parquet_round_trip(pd, np, data, tmp):
    df = data.sales(pd)
    df["twice"] = df["units"] * 2
    df.to_parquet(tmp / "out.parquet")
    return pd.read_parquet(tmp / "out.parquet")


@case(native=True)
def parquet_round_trip_set_index(pd, np, data, tmp):
    df = data.sales(pd).set_index("customer")
    df.to_parquet(tmp / "out.parquet")
    return pd.read_parquet(tmp / "out.parquet")


@case(native=True)
def parquet_round_trip_of_a_filter(pd, np, data, tmp):
    df = data.sales(pd)
    df[df["units"] > 10].to_parquet(tmp / "a.parquet")
    df[df["units"] > 10].to_parquet(tmp / "b.parquet", index=False)
    return pd.read_parquet(tmp / "a.parquet").index, pd.read_parquet(tmp / "b.parquet")


@case(native=True)
def parquet_written_for_plain_pandas(pd, np, data, tmp):
    import pandas as plain

    data.small(pd).assign(y=lambda d: d["n"] / 3).to_parquet(tmp / "out.parquet")
    return plain.read_parquet(tmp / "out.parquet")


@case(native=True)
def parquet_options_of_writing(pd, np, data, tmp):
    df = data.small(pd)
    df.to_parquet(tmp / "a.parquet", compression="gzip", engine="pyarrow")
    df.to_parquet(tmp / "b.parquet", compression=None)
    return (
        pd.read_parquet(tmp / "a.parquet"),
        pd.read_parquet(tmp / "b.parquet"),
        df.to_parquet(tmp / "c"),
    )


@case()
def parquet_partitioned_writing(pd, np, data, tmp):
    df = data.sales(pd)[["order_id", "product", "units"]]
    df.to_parquet(tmp / "out", partition_cols=["product"])
    back = pd.read_parquet(tmp / "out")
    return back.dtypes, back.sort_values("order_id")


@case()
def parquet_to_bytes(pd, np, data, tmp):
    return pd.read_parquet(io.BytesIO(data.small(pd).to_parquet()))


# -- other formats --------------------------------------------------------------------------------


@case()
def json_both_ways(pd, np, data, tmp):
    df = data.small(pd)
    df.to_json(tmp / "a.json", orient="records", lines=True)
    return (
        df.to_json(),
        df.to_json(orient="records"),
        pd.read_json(tmp / "a.json", lines=True),
        pd.read_json(data.file("lines.json"), lines=True),
    )


@case()
def json_normalize(pd, np, data, tmp):
    rows = [{"id": 1, "name": {"first": "Ann"}}, {"id": 2, "name": {"first": "Bo", "last": "X"}}]
    return pd.json_normalize(rows)


@case()
def pickle_both_ways(pd, np, data, tmp):
    df = data.sales(pd, 100)
    df.to_pickle(tmp / "a.pkl")
    df["units"].to_pickle(tmp / "s.pkl")
    return pd.read_pickle(tmp / "a.pkl"), pd.read_pickle(tmp / "s.pkl")


@case()
def sql_both_ways(pd, np, data, tmp):
    import sqlite3

    with sqlite3.connect(":memory:") as db:
        count = data.small(pd).to_sql("t", db, index=False)
        return count, pd.read_sql("select key, sum(n) as n from t group by key", db)


@case()
def text_renderings(pd, np, data, tmp):
    df = data.small(pd)
    return df.to_html(), df.to_string(index=False), df["x"].to_string()


@case()
def feather_both_ways(pd, np, data, tmp):
    data.small(pd).to_feather(tmp / "a.feather")
    return pd.read_feather(tmp / "a.feather")
