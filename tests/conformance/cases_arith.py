"""Arithmetic, comparison, NumPy functions and elementwise methods."""

from .registry import case


@case(native=True, max_executions=1)
def columns_of_one_frame(pd, np, data, tmp):
    df = data.sales(pd)
    return df["units"] * df["price"] + df["weight"] - 1


@case(native=True)
def every_operator_with_a_scalar(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s + 1, s - 2, s * 3, s / 4, s // 5, s % 6, s**2, -s, +s, abs(-s)


@case(native=True)
def reflected_operators(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return 1 + s, 100 - s, 2 * s, 60 / s, 100 // s, 100 % s, 2**s


@case(native=True)
def operators_as_methods(pd, np, data, tmp):
    df = data.small(pd)
    x, n = df["x"], df["n"]
    return (
        x.add(n, fill_value=0),
        x.sub(1),
        x.mul(n),
        n.div(x),
        n.floordiv(7),
        n.mod(7),
        n.pow(2),
        n.rsub(5),
        x.add(1, fill_value=100),
        n.divmod(7),
    )


@case(native=True)
def division_by_zero(pd, np, data, tmp):
    s = pd.Series([1, 0, -1])
    f = pd.Series([1.0, 0.0, -1.0])
    return (
        s / 0,
        s // 0,
        s % 0,
        f / 0,
        f // 0,
        f % 0,
        1 / s,
        1 // s,
        pd.Series([-7, 7]) // 2,
        pd.Series([-7, 7]) % 3,
    )


@case(native=True)
def small_dtypes_stay_small(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["weight"] * 2,
        df["boxes"] * 2,
        df["boxes"] + df["boxes"],
        df["units"].astype("int8") + 100,
        df["units"].astype("int16") * df["units"].astype("int16"),
        df["weight"] / 3,
        df["weight"] + df["units"],
        df["boxes"] / 2,
    )


@case(native=True)
def small_integers_wrap(pd, np, data, tmp):
    u, i = pd.Series([250, 3, 255], dtype="uint8"), pd.Series([100, -100, 127], dtype="int8")
    return u * 3, u + 10, i + 100, -i, i - 100, u - 255, pd.Series([2**62, 1]) * 4


@case(native=True)
def float32_scalars(pd, np, data, tmp):
    s = pd.Series([1.5, 2.25, 4.0], dtype="float32")
    return s * 2, s * 2.5, s + np.float64(1), s.mean(), s.sum(), s.max(), s.std()


@case(native=True)
def mixed_dtypes_promote(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df["n"] + df["flag"],
        df["flag"] + df["flag"],
        df["flag"] * 3,
        df["x"] + df["flag"],
        df["key"] / df["n"],
    )


@case(native=True)
def string_concatenation(pd, np, data, tmp):
    df = data.sales(pd)
    return df["region"] + "-" + df["product"], "x" + df["product"], df["product"] * 2


@case(native=True)
def comparisons(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"] == 5,
        df["units"] != 5,
        df["price"] > 50,
        df["price"] <= df["weight"],
        df["region"] == "east",
        df["region"] != "east",
        df["city"] != df["region"],
        df["product"] < "m",
    )


@case(native=True)
def comparisons_with_nulls(pd, np, data, tmp):
    df = data.small(pd)
    return (
        df["x"] > 2,
        df["x"] == df["x"],
        df["x"] != df["x"],
        df["group"] == df["group"],
        df["text"] != "pear",
    )


@case(native=True)
def comparisons_as_methods(pd, np, data, tmp):
    n = data.small(pd)["n"]
    return n.eq(30), n.ne(30), n.lt(50), n.le(50), n.gt(50), n.ge(50)


@case(native=True)
def comparisons_with_dates(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["when"] > "2024-01-01",
        df["when"] <= pd.Timestamp("2023-06-30"),
        df["when"].dt.date == df["when"].dt.date,
    )


@case(native=True)
def boolean_operators(pd, np, data, tmp):
    df = data.sales(pd)
    a, b = df["paid"], df["units"] > 9
    return a & b, a | b, a ^ b, ~a, a & True, a | False, ~(a & ~b)


@case(native=True)
def boolean_sums(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        (df["price"] > 50).sum(),
        df["paid"].mean(),
        (df["region"] != "east").sum(),
        df["paid"].sum(),
        (~df["paid"]).sum(),
    )


@case(native=True)
def frame_arithmetic(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price", "weight"]]
    return df * 2, df + df, df / df["units"].max(), df - df.mean(), -df, df > 10, df == df, df // 7


@case(native=True)
def frame_standardised(pd, np, data, tmp):
    df = data.sales(pd)[["units", "price"]]
    return (df - df.mean()) / df.std(), (df - df.min()) / (df.max() - df.min())


@case()
def frame_by_rows(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    return (
        df.div(df["n"], axis=0),
        df.sub(df.iloc[0]),
        df.mul([1, 10]),
        df.add(df["n"], axis="index"),
    )


@case(native=True)
def share_of_the_total(pd, np, data, tmp):
    df = data.sales(pd)
    df["share"] = df["units"] / df["units"].sum() * 100
    return df["share"].round(3), df["share"].sum()


@case()
def alignment_of_series(pd, np, data, tmp):
    a = pd.Series([1, 2, 3], index=list("abc"))
    b = pd.Series([10.0, 20.0, 30.0], index=list("cbd"))
    return a + b, a.add(b, fill_value=0), a * b, a.align(b)


@case()
def alignment_of_frames(pd, np, data, tmp):
    a = pd.DataFrame({"x": [1, 2], "y": [3, 4]}, index=[0, 1])
    b = pd.DataFrame({"y": [10, 20], "z": [5, 6]}, index=[1, 2])
    return a + b, a.add(b, fill_value=0)


@case()
def alignment_of_filtered_columns(pd, np, data, tmp):
    df = data.small(pd)
    part = df[df["n"] > 40]
    df["y"] = part["n"] * 2
    return df, df["n"] - part["n"], part["n"] + df["key"]


@case()
def alignment_of_sorted_columns(pd, np, data, tmp):
    df = data.sales(pd)
    ordered = df.sort_values("price", kind="stable")
    df["rank"] = ordered["units"].cumsum()
    return df["rank"], df["units"] - ordered["units"]


@case()
def series_of_multi_index_over_a_level(pd, np, data, tmp):
    df = data.small(pd).dropna(subset=["group"])
    pairs = df.groupby(["group", "key"])["n"].sum()
    return pairs / df.groupby("group")["n"].sum(), pairs.div(pairs.groupby(level=0).sum(), level=0)


@case(may_raise=True)
def series_of_other_length_compared(pd, np, data, tmp):
    return pd.Series([1, 2, 3]) == pd.Series([1, 2])


@case(native=True)
def duplicated_labels_aligned(pd, np, data, tmp):
    df = data.odd_index(pd, "duplicated")
    return df["v"] + df["w"], df["v"] * 2, df.assign(z=df["v"] - 1)


@case(native=True)
def numpy_functions(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        np.sqrt(df["price"]),
        np.log(df["price"]),
        np.log1p(df["units"]),
        np.exp(df["units"] / 10),
        np.abs(-df["units"]),
        np.floor(df["price"]),
        np.ceil(df["weight"]),
        np.sign(df["units"] - 10),
        np.isnan(df["price"]),
        np.square(df["weight"]),
    )


@case(native=True)
def numpy_functions_of_two(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        np.maximum(df["units"], 10),
        np.add(df["units"], df["weight"]),
        np.power(df["units"], 2),
        np.minimum(df["price"], df["weight"]),
    )


@case()
def numpy_maximum_of_misaligned(pd, np, data, tmp):
    a, b = pd.Series([1, 5, 3], index=[0, 1, 2]), pd.Series([4, 2, 9], index=[2, 1, 0])
    return np.maximum(a, b)


@case(native=True)
def numpy_functions_of_frames(pd, np, data, tmp):
    df = data.sales(pd)[["units", "weight"]]
    return np.sqrt(df), np.log1p(df), np.round(df / 3, 2)


@case(native=True)
def numpy_where(pd, np, data, tmp):
    df = data.sales(pd)
    df["size"] = np.where(df["units"] > 10, "large", "small")
    df["fixed"] = np.where(df["price"].isna(), 0, df["price"])
    return df[["size", "fixed"]], np.where(df["paid"])[0][:5]


@case(native=True)
def numpy_select(pd, np, data, tmp):
    df = data.sales(pd)
    tests = [df["units"] < 5, df["units"] < 15]
    df["band"] = np.select(tests, ["few", "some"], default="many")
    return df["band"]


@case(native=True)
def numpy_reductions(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return (
        np.sum(s),
        np.mean(s),
        np.max(s),
        np.median(s),
        np.std(s),
        np.percentile(s, 90),
        np.unique(s),
    )


@case(native=True)
def std_with_ddof(pd, np, data, tmp):
    s = pd.Series([1.0, 2.0, 4.0])
    return (
        s.std(),
        s.std(ddof=0),
        np.std(s),
        s.var(ddof=0),
        s.to_frame("a").std(ddof=0),
        pd.Series([1.0]).std(),
    )


@case(native=True)
def where_and_mask(pd, np, data, tmp):
    df = data.sales(pd)
    s = df["units"]
    return (
        s.where(s > 10),
        s.where(s > 10, 0),
        s.mask(df["paid"], -1),
        df["price"].where(df["price"] < 90, df["weight"]),
        df["region"].where(df["paid"], "none"),
        df["region"].mask(df["paid"]),
    )


@case()
def where_on_frames(pd, np, data, tmp):
    df = data.small(pd)[["x", "n"]]
    return df.where(df > 3), df.where(df["n"] > 50, -1), df.mask(df.isna(), 0)


@case(native=True)
def clip_round_abs(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["units"].clip(3, 12),
        df["price"].clip(upper=60),
        df["price"].clip(lower=20),
        df["price"].round(1),
        df["price"].round(-1),
        (df["units"] - 10).abs(),
        df[["price", "weight"]].round(1),
        df[["price", "weight"]].round({"price": 0}),
        round(df["price"], 1),
    )


@case(native=True)
def round_half_to_even(pd, np, data, tmp):
    s = pd.Series([0.5, 1.5, 2.5, -0.5, 0.125, 2.675])
    return s.round(), s.round(2), s.round().tolist()


@case(native=True)
def between_forms(pd, np, data, tmp):
    s = data.sales(pd)["units"]
    return s.between(3, 7), s.between(3, 7, inclusive="neither"), s.between(3, 7, inclusive="left")


@case(native=True)
def isin_forms(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].isin(["east", "west"]),
        df["units"].isin({1, 2, 3}),
        ~df["product"].isin(["tea"]),
        df["customer"].isin(data.targets(pd)["customer"]),
        df["channel"].isin(["web"]),
        df["units"].isin([]),
    )


@case(native=True, large=False)
def isin_of_another_column(pd, np, data, tmp):
    keys = np.array([5, -3, 7, 5, 100, -(2**63), 2**63 - 1, 0, 7, 1])
    wanted = np.array([7, 8, 5, -4, 0, 2, 2, 2, 6, 2**40])
    results = {}
    for dtype in ("int64", "uint64", "int8", "uint8", "int32"):
        a, b = keys.astype(dtype), wanted.astype(dtype)
        df = pd.DataFrame({"a": a, "b": b, "c": np.arange(10), "t": list("abcdeabcde")})
        far = pd.DataFrame({"v": [*a[5:7], *a[5:7], a[0]], "n": list("abbzz")})
        few = df[df["c"] > 4]
        results[dtype] = [
            df[df["a"].isin(few["b"])],
            df[~df["a"].isin(few["b"])],
            df[df["a"].isin(far[far["n"] != "z"]["v"])],
            df[df["a"].isin(df[df["c"] > 50]["b"])],
            df["t"].isin(far[far["v"] != a[0]]["n"]),
            df["t"].isin(pd.Series(["a", None, "e", "a"])),
        ]
    return results


@case(native=True)
def isin_with_nulls(pd, np, data, tmp):
    df = data.sales(pd)
    s = pd.Series([1.0, np.nan, 3.0])
    return (
        s.isin([np.nan]),
        s.isin([1, np.nan]),
        df["region"].isin([None]),
        df["city"].isin(["Oslo", np.nan]),
        df["city"].isin(pd.Series(["Oslo", None])),
    )


@case()
def isin_of_frames(pd, np, data, tmp):
    df = data.small(pd)
    return df.isin([1, 10, "A"]), df.isin({"key": [1], "text": ["pear"]})


@case(native=True)
def categorical_membership_and_equality(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["channel"].isin(["web", "phone"]),
        df["channel"] == "web",
        df["grade"] != "low",
        df["grade"] == df["grade"],
    )


@case(native=True)
def ordered_categories_compared(pd, np, data, tmp):
    df = data.sales(pd)
    return df["grade"] > "low", df["grade"] <= "mid", df["grade"].max(), df["grade"].min()


@case(native=True)
def nullable_arithmetic(pd, np, data, tmp):
    s = pd.Series([1, None, 3, -2], dtype="Int64")
    b = pd.Series([True, None, False, None], dtype="boolean")
    return s + 1, s > 0, s / 2, s * 1.5, b & True, b | True, b & b, ~b, s.sum(), s.mean(), s == 1


@case()
def nullable_strings(pd, np, data, tmp):
    s = pd.Series(["a", None, "c"], dtype="string")
    return s == "a", s + "x", s.str.len(), s.str.upper(), s.isna(), s.fillna("z")


@case(native=True)
def augmented_assignment(pd, np, data, tmp):
    df = data.small(pd)
    df["n"] += 5
    df["x"] *= 2
    s = df["key"]
    s = s**2
    s -= 1
    return df, s


@case(native=True)
def infinities(pd, np, data, tmp):
    s = pd.Series([np.inf, -np.inf, np.nan, 1.0, 2.0, 0.5, 8.0, 3.0] * 12)
    return (
        s.sum(),
        s.mean(),
        s.max(),
        s.min(),
        s + 1,
        np.isinf(s),
        s.replace([np.inf, -np.inf], np.nan),
    )


@case(native=True)
def expressions_over_many_columns(pd, np, data, tmp):
    df = data.sales(pd)
    df["gross"] = df["units"] * df["price"].fillna(df["price"].mean())
    df["tax"] = (df["gross"] * 0.2).round(2)
    df["net"] = df["gross"] - df["tax"]
    df["big"] = (df["net"] > df["net"].mean()) & df["paid"]
    return df[["gross", "tax", "net", "big"]]


@case()
def dot_products(pd, np, data, tmp):
    df = data.small(pd)[["key", "n"]]
    return df.dot([1, 2]), df["n"].dot(df["key"]), df.T.dot(df), df @ df.T.iloc[:, :2]


@case()
def infer_and_convert_dtypes(pd, np, data, tmp):
    df = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.0], "c": ["x", None]}, dtype=object)
    return df.infer_objects(), df.convert_dtypes(), data.small(pd).convert_dtypes().dtypes


@case()
def combine_series(pd, np, data, tmp):
    a, b = pd.Series([1.0, None, 3.0]), pd.Series([10.0, 20.0, 30.0, 40.0])
    return a.combine_first(b), a.combine(b, max), a.to_frame("x").combine_first(b.to_frame("y"))


@case(native=True)
def logical_functions_of_numpy(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        np.logical_and(df["paid"], df["units"] > 5),
        np.logical_not(df["paid"]),
        np.isfinite(df["price"]),
    )


@case(native=True)
def float_noise(pd, np, data, tmp):
    s = pd.Series([0.1, 0.2, 0.3, 1e308, -0.0])
    return s + 0.2, s * 10, s * 3 == 0.3, s * -1, s.round(1)


@case()
def the_same_rows_under_other_labels(pd, np, data, tmp):
    """Rows of one origin align by their labels, not by their places."""
    sales = data.sales(pd).head(40)
    keyed = sales.assign(order_id=sales["order_id"] - 9980).set_index("order_id")
    bare, moved = keyed.reset_index(drop=True), keyed["units"].reset_index(drop=True)
    return (
        keyed["units"] + moved,
        moved - keyed["units"],
        keyed[["units", "price"]] * bare[["units", "price"]],
        keyed["units"].where(bare["units"] > 5, moved),
        keyed["units"].fillna(moved),
        keyed.groupby(bare["units"] > 5)["price"].count(),
        keyed.groupby(bare["product"])["price"].count(),
        keyed["units"].rename_axis("other") + keyed["units"],
    )


@case()
def division_by_zero_is_quiet(pd, np, data, tmp):
    s = pd.Series([-1, 0, 1], name="first")
    with np.errstate(all="raise"):
        results = s / 0, s // 0, s % 0, pd.DataFrame({"a": s}) / 0
    at = pd.Series([0, 1, 2], index=[1, 2, 3])
    np.add.at(at, [0, 2], 10)
    return results, at
