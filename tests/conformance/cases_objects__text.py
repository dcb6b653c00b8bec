"""Printing, conversion to plain values, and iteration."""

import contextlib
import io

from .registry import case


def printed(*values):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for value in values:
            print(value)
    return out.getvalue()


# -- printing -------------------------------------------------------------------------------------


@case(native=True)
def printed_frames(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        printed(df),
        printed(df.head()),
        repr(df[["region", "price"]]),
        printed(df["price"]),
        printed(df["region"].head(12)),
        str(df.dtypes),
    )


@case(native=True)
def printed_small_frames(pd, np, data, tmp):
    df = data.small(pd)
    return (
        printed(df),
        printed(df["text"]),
        printed(df.describe()),
        df._repr_html_(),
        printed(data.empty(pd)),
    )


@case(native=True)
def printed_categories_dates_and_nulls(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        printed(df["grade"]),
        printed(df["when"].head(20)),
        printed(df["channel"].head(3)),
        printed(data.odd_index(pd, "multi")),
        printed(data.odd_index(pd, "dates")),
    )


@case(native=True)
def printed_tables(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        printed(df.groupby("region")["units"].sum()),
        printed(df["product"].value_counts()),
        printed(df.isnull().sum()),
        printed(df.groupby(["region", "product"])["price"].mean().round(2)),
    )


@case(native=True)
def printed_with_options(pd, np, data, tmp):
    df = data.sales(pd)
    with pd.option_context("display.max_rows", 6, "display.max_columns", 4, "display.precision", 1):
        first = printed(df)
    with pd.option_context("display.float_format", "{:.1f}".format):
        second = printed(df["price"].head())
    return first, second


@case()
def options_set_and_reset(pd, np, data, tmp):
    import pandas as plain

    pd.set_option("display.max_rows", 7)
    try:
        return (
            plain.get_option("display.max_rows"),
            pd.options.display.max_rows,
            printed(data.sales(pd)["units"]),
        )
    finally:
        pd.reset_option("display.max_rows")


@case(native=True)
def info_printed(pd, np, data, tmp):
    out = io.StringIO()
    df = data.sales(pd)
    df.info(buf=out, memory_usage=False)
    df[df["paid"]].info(buf=out, memory_usage=False)
    df[["units", "price"]].info(buf=out)
    with contextlib.redirect_stdout(out):
        result = df.info(memory_usage=False)
        data.small(pd)["n"].info(memory_usage=False)
    return result, out.getvalue()


@case()
def memory_usage(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df[["units", "price"]].memory_usage(),
        df["units"].memory_usage(index=False),
        df["units"].nbytes,
    )


@case()
def memory_of_text_with_missing_values(pd, np, data, tmp):
    text = np.array(["Oslo", None, "Lima", "Rome", None] * 8000, dtype=object)
    pd.DataFrame({"city": text, "n": np.arange(len(text))}).to_parquet(tmp / "cities.parquet")
    df = pd.read_parquet(tmp / "cities.parquet")
    return df.memory_usage(), df["city"].nbytes


@case(native=True)
def shapes(pd, np, data, tmp):
    df = data.sales(pd)
    part = df[df["paid"]]
    return (
        df.shape,
        df.size,
        df.ndim,
        len(df),
        part.shape,
        len(part),
        df.empty,
        part["units"].shape,
        part.size,
        df.axes,
    )


@case(native=True)
def formatted_strings(pd, np, data, tmp):
    df = data.small(pd)
    return (
        f"{df['n'].mean():.2f} {len(df)} {df.shape}",
        "{} {}".format(df["n"].sum(), df["key"].max()),
        f"{df['x'].head(2)}",
        "%.3f" % df["x"].mean(),  # noqa: UP031
    )


@case()
def rendered_and_recorded(pd, np, data, tmp):
    df = data.small(pd)
    return df.to_string(), df["x"].to_string(), df.to_records(), df.to_records(index=False)


@case()
def styled_and_formatted(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    return (
        df.to_html(),
        df.to_string(formatters={"n": "{:,}".format}),
        df.to_dict("split"),
        df.to_csv(sep="|"),
    )


# -- conversion and iteration ---------------------------------------------------------------------


@case(native=True)
def to_plain_python(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.to_dict(),
        df.to_dict("records"),
        df.to_dict("list"),
        df.to_dict("index"),
        df["n"].to_dict(),
        df["n"].tolist(),
        df["text"].to_list(),
        list(df["x"]),
        df.values.tolist(),
    )


@case(native=True)
def types_of_python_values(pd, np, data, tmp):
    df = data.dated(pd)
    return (
        [type(v) for v in df["i"].tolist()[:1] + df["f"].tolist()[:1] + df["when"].tolist()[:1]],
        [type(v) for v in df.to_dict("records")[0].values()],
        type(df["i"].values[0]),
        type(df["b"].tolist()[0]),
        type(next(iter(df["i"]))),
    )


@case(native=True)
def to_arrays(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].values,
        df["price"].to_numpy(),
        df[["units", "price"]].values,
        df[["units", "boxes"]].to_numpy(),
        df.values[:3],
        df["region"].values,
        df["channel"].values,
        df["when"].values,
        np.array(df["weight"]),
        df[["units", "price"]].to_numpy(dtype="float32"),
    )


@case(native=True)
def to_arrays_with_options(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df["x"].to_numpy(na_value=0),
        df["n"].array,
        np.asarray(df["n"], dtype=float),
        df["n"].values.dtype,
        df["flag"].values,
    )


@case(native=True)
def loops_over_series(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return (
        [v for v in s][:5],
        list(s.items())[:3],
        sum(s),
        max(s),
        list(zip(s, s.index))[:2],
        list(enumerate(s))[:2],
        [*s.head(3)],
        set(s.head(9)),
        sorted(s)[:3],
    )


@case(native=True)
def loops_over_frames(pd, np, data, tmp):
    df = data.sales(pd, 30)
    return (
        list(df.iterrows()),
        list(df.itertuples()),
        list(df.itertuples(index=False, name=None)),
        [c for c in df],
        [(n, s.sum()) for n, s in df[["units", "boxes"]].items()],
    )


@case(native=True)
def iterrows_types(pd, np, data, tmp):
    df = data.small(pd)[["n", "x"]]
    return [(i, type(i), r["n"], r.dtype) for i, r in df.iterrows()][:2], [
        (t.n, type(t.n), t.Index) for t in df.itertuples()
    ][:2]


@case(native=True)
def next_zip_unpack(pd, np, data, tmp):
    df = data.small(pd)
    first, *rest = df["n"]
    return (
        first,
        rest,
        dict(zip(df["n"], df["text"])),
        next(iter(df.groupby("key")))[0],
        any(df["flag"]),
        list(reversed(list(df["n"]))),
    )


@case(native=True)
def membership(pd, np, data, tmp):
    df = data.small(pd)
    return (
        "n" in df,
        "zz" in df,
        3 in df["n"],
        10 in df["n"].values,
        "A" in df["group"].unique(),
        20 in df["n"].tolist(),
    )


@case(may_raise=True)
def truth_of_a_frame(pd, np, data, tmp):
    return bool(data.small(pd))


@case(may_raise=True)
def truth_of_a_series(pd, np, data, tmp):
    return "yes" if data.small(pd)["n"] > 5 else "no"


@case(native=True)
def numbers_of_single_values(pd, np, data, tmp):
    s = data.small(pd)["n"]
    return (
        float(s.sum()),
        int(s.iloc[0]),
        range(s.iloc[0])[-1],
        s.iloc[0] in {10: 1},
        s.max() == 100,
        bool((s > 0).all()),
        round(s.mean(), 1),
        [0] * s.iloc[0] == [0] * 10,
    )
