"""Python functions: apply, map, transform and pipe."""

import math

from .registry import case


@case(native=True)
def series_apply(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].apply(lambda v: v * 2 + 1),
        df["price"].apply(lambda v: v if v > 50 else 0.0),
        df["product"].apply(len),
        df["product"].apply(str.upper),
        df["units"].apply(math.sqrt),
    )


@case(native=True)
def series_apply_to_other_types(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].apply(lambda v: "big" if v > 10 else "small"),
        df["units"].apply(lambda v: None if v > 10 else v),
        df["units"].apply(lambda v: [v]).head(5),
        df["units"].apply(lambda v: v > 10),
        df["units"].apply(float),
        df["units"].apply(str),
    )


@case(native=True)
def series_apply_with_arguments(pd, np, data, tmp):
    def scale(v, k, plus=0):
        return v * k + plus

    s = data.sales(pd)["units"]
    return s.apply(scale, args=(3,)), s.apply(scale, k=2, plus=1), s.apply(scale, args=(3,), plus=5)


@case(native=True)
def series_apply_numpy_functions(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s.apply(np.sqrt), s.apply(np.log1p), data.sales(pd)["price"].apply(np.round)


@case(native=True)
def named_functions_with_branches(pd, np, data, tmp):
    def grade(price):
        if price != price:
            return "unknown"
        if price < 30:
            return "cheap"
        return "fair" if price < 90 else "dear"

    df = data.sales(pd)
    df["kind"] = df["price"].apply(grade)
    return df["kind"], df["kind"].value_counts()


@case(native=True)
def series_map_functions(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["product"].map(lambda v: v[0]),
        df["units"].map(lambda v: v % 3 == 0),
        df["city"].map(lambda v: v, na_action="ignore"),
        df["units"].map("{:03d}".format),
        df["channel"].map(str.upper),
    )


@case(native=True)
def series_map_nulls(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].map(lambda v: v is None),
        df["region"].map(str.title, na_action="ignore"),
        df["city"].map(lambda v: isinstance(v, float)),
        df["price"].map(lambda v: str(v)),
    )


@case(native=True)
def frame_apply_to_columns(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price", "weight"]]
    return (
        df.apply(lambda s: s.max() - s.min()),
        df.apply(np.sum),
        df.apply("mean"),
        df.apply(lambda s: s * 2),
        df.apply(lambda s: s.isnull().sum()),
    )


@case(native=True)
def frame_apply_to_rows(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df.apply(lambda r: r["units"] * r["price"], axis=1),
        df.apply(lambda r: f"{r['region']}/{r['product']}", axis=1),
        df[["units", "boxes"]].apply(lambda r: r.sum(), axis=1),
        df.apply(lambda r: r.name, axis=1),
    )


@case()
def frame_apply_returning_series(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df.apply(lambda r: pd.Series({"a": r["n"], "b": r["key"] * 2}), axis=1),
        df.apply(lambda r: [r["n"], r["key"]], axis=1),
        df.apply(lambda r: (r["n"], r["key"]), axis=1, result_type="expand"),
        df["n"].apply(lambda v: pd.Series([v, v + 1])),
    )


@case(native=True)
def frame_map(pd, np, data, tmp):
    df = data.sales(pd)[["units", "boxes"]]
    return (
        df.map(lambda v: v + 1),
        df.map(str),
        data.small(pd)[["text"]].map(lambda v: len(v), na_action="ignore"),
    )


@case()
def closures_are_called_once_per_value_in_order(pd, np, data, tmp):
    seen = []

    def note(v):
        seen.append(v)
        return v * 2

    df = data.small(pd)
    result = df["n"].apply(note)
    first = list(seen)
    return result, first, df["key"].map(note), seen


@case()
def closures_that_count(pd, np, data, tmp):
    counter = {"n": 0}

    def label(v):
        counter["n"] += 1
        return f"{counter['n']}:{v}"

    out = data.sales(pd)["product"].map(label)
    return counter["n"], out, counter["n"]


@case()
def closures_over_rows(pd, np, data, tmp):
    seen = []
    df = data.small(pd)
    out = df.apply(lambda r: seen.append(r.name) or r["n"], axis=1)
    return out, seen


@case()
def closures_over_columns(pd, np, data, tmp):
    seen = []
    data.small(pd)[["key", "n", "x"]].apply(lambda s: seen.append((s.name, len(s), type(s))))
    return seen


@case(native=True)
def variable_changed_after_the_call(pd, np, data, tmp):
    factor = 2
    df = data.sales(pd)
    out = df["units"].apply(lambda v: v * factor)
    rows = df.apply(lambda r: r["units"] + factor, axis=1)
    factor = 1000
    return out, rows, df["units"].map(lambda v: v + factor)


@case(native=True)
def functions_made_in_a_loop(pd, np, data, tmp):
    df = data.sales(pd)
    for power in (1, 2, 3):
        df[f"p{power}"] = df["units"].apply(lambda v: v**power)  # noqa: B023
    return df[["p1", "p2", "p3"]]


@case()
def random_numbers_in_order(pd, np, data, tmp):
    rng = np.random.default_rng(3)
    df = data.small(pd)
    a = df["n"].apply(lambda v: rng.integers(0, 100))
    np.random.seed(1)
    return a, df["n"].map(lambda v: np.random.rand())


@case(may_raise=True)
def exceptions_of_functions(pd, np, data, tmp):
    return data.small(pd)["text"].apply(lambda v: v.upper())


@case()
def exceptions_are_caught_on_the_line(pd, np, data, tmp):
    caught = []
    try:
        data.small(pd)["n"].apply(lambda v: 1 / (v - 50))
    except ZeroDivisionError as error:
        caught.append(str(error))
    try:
        data.small(pd).apply(lambda r: {}[r["n"]], axis=1)
    except KeyError as error:
        caught.append(repr(error))
    return caught


@case()
def transform_and_agg(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    return (
        df.transform(lambda s: s - s.min()),
        df["n"].transform([np.sqrt, "abs"]),
        df["n"].transform("cumsum"),
        df.transform({"key": "abs", "n": lambda s: s / 2}),
    )


@case(native=True)
def pipe_chains(pd, np, data, tmp):
    def only(df, region):
        return df[df["region"] == region]

    return data.sales(pd).pipe(only, region="west").pipe(lambda d: d.assign(t=d["units"] * 2))["t"]


@case(native=True)
def recursion_and_helpers(pd, np, data, tmp):
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    table = {"tea": 1, "pie": 2}
    df = data.sales(pd)
    return (
        df["units"].head(60).apply(lambda n: fib(n % 10)),
        df["product"].apply(lambda p: table.get(p, 0)),
        df["product"].apply(table.get),
    )


@case(native=True)
def apply_on_empty(pd, np, data, tmp):
    df = data.empty(pd)
    return (
        df["i"].apply(lambda v: v + 1),
        df["s"].map(len),
        df.apply(lambda r: 1, axis=1),
        df["s"].map({"a": 1}),
    )


@case(native=True)
def apply_on_dates_and_booleans(pd, np, data, tmp):
    df = data.dated(pd)
    return (
        df["when"].apply(lambda t: t.year),
        df["when"].apply(lambda t: type(t).__name__),
        df["b"].apply(lambda b: not b),
        df["when"].map(lambda t: t.strftime("%d %b")),
    )


@case(native=True)
def types_seen_by_functions(pd, np, data, tmp):
    df = data.sales(pd)
    names = {
        c: df[c].map(lambda v: type(v).__name__).value_counts().to_dict()
        for c in ("units", "price", "boxes", "weight", "paid", "region")
    }
    return names, df.apply(lambda r: type(r["units"]).__name__, axis=1).unique()


@case()
def callbacks_that_print(pd, np, data, tmp):
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        data.small(pd)["key"].apply(print)
        data.small(pd).groupby("group")["n"].apply(lambda s: print(s.name, s.sum()))
    return out.getvalue()


@case()
def vectorised_function(pd, np, data, tmp):
    double = np.vectorize(lambda v: v * 2)
    s = data.sales(pd)["units"]
    return (
        double(s),
        np.apply_along_axis(sum, 0, data.small(pd)[["n", "key"]]),
        list(map(lambda v: v + 1, s))[:4],
    )


@case()
def functions_with_state_in_a_class(pd, np, data, tmp):
    class Running:
        total = 0

        def __call__(self, v):
            self.total += v
            return self.total

    run = Running()
    return data.small(pd)["n"].apply(run), run.total


@case(native=True)
def choices_among_values_of_python_functions(pd, np, data, tmp):
    df = pd.read_parquet(data.sales_parquet)
    df["square"] = df["units"] ** 2
    df["text"] = df["product"].str.title()
    df.loc[df["price"] > 40, "square"] = 0
    df["side"] = np.where(df["price"] > 40, df["units"] ** 2, -1)
    return (
        df["square"],
        df["side"].sum(),
        (df["units"] ** 2).where(df["units"] > 9, 0),
        df["text"].where(df["paid"], "none"),
        df["text"].mask(df["price"] > 40, df["product"].str.swapcase()),
        np.select([df["units"] > 15, df["units"] > 5], [df["units"] ** 3, df["units"] ** 2], 0),
    )


@case()
def names_of_methods_along_rows(pd, np, data, tmp):
    df = data.small(pd)[["n"]]
    df["m"] = df["n"] * 2.5
    found = []
    for name in ("abs", "nothing"):
        try:
            found.append(df.apply(name, axis=1))
        except (ValueError, AttributeError) as error:
            found.append(repr(error))
    return df.apply("sum", axis=1), df.apply("max", 1), df.agg("mean", axis="columns"), found


@case()
def map_by_a_series_without_rows(pd, np, data, tmp):
    df = data.sales(pd)[["customer", "region", "weight", "boxes", "note"]]
    none = df[df["customer"] > 1e6].groupby("customer")
    keys = df["customer"], df["region"], none.sum().index.to_series()
    return [k.map(none[c].first()) for k in keys for c in ("weight", "boxes", "note")]
