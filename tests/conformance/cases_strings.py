"""The .str accessor and work on text."""

import re

from .registry import case


@case(native=True)
def upper_and_lower(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), s.casefold()


@case(native=True)
def case_of_special_letters(pd, np, data, tmp):
    s = pd.Series(["straße", "zoë.1", "ﬁne", "İzmir", "ǆ", None])
    return (
        s.str.upper(),
        s.str.lower(),
        s.str.capitalize(),
        s.str.contains(r"^\w+\.\d"),
        s.str.len(),
    )


@case(native=True)
def strip_forms(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return (
        s.strip(),
        s.lstrip(),
        s.rstrip(),
        s.strip(" Lr"),
        s.removeprefix("ref-"),
        s.removesuffix("wrap"),
    )


@case(native=True)
def strip_compared_with_the_original(pd, np, data, tmp):
    s = pd.Series([" a", "b", "c"])
    return s.str.strip() != s, s.str.upper() == s, (s.str.strip() != s).sum()


@case(native=True)
def lengths(pd, np, data, tmp):
    df = data.sales(pd)
    return df["note"].str.len(), df["product"].str.len(), df["product"].str.len().max()


@case(native=True)
def contains_forms(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return (
        s.contains("gift"),
        s.contains("gift", na=False),
        s.contains("GIFT", case=False),
        s.contains(r"\d{4}$", na=False),
        s.contains("gift|order", na=False),
        s.contains(",", regex=False),
        s.contains("Gift", flags=re.IGNORECASE, na=False),
    )


@case(native=True)
def contains_with_python_patterns(pd, np, data, tmp):
    s = pd.Series(["foobar", "foobaz", "abab", "zoë.1", None])
    return (
        s.str.contains(r"foo(?!bar)"),
        s.str.contains(r"(ab)\1"),
        s.str.contains(r"^\w+\.1$"),
        s.str.count(r"[ao]"),
    )


@case(native=True)
def starts_and_ends(pd, np, data, tmp):
    s = data.sales(pd)["product"].str
    return (
        s.startswith("t"),
        s.endswith("e"),
        s.startswith(("t", "p")),
        data.sales(pd)["region"].str.startswith("e"),
    )


@case(native=True)
def replace_text(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return (
        s.replace("gift", "present"),
        s.replace(r"\d+", "#", regex=True),
        s.replace("[aeiou]", "", regex=True, case=False),
        s.replace(".", "", regex=False),
        s.replace(r"(\w+)-(\d+)", r"\2-\1", regex=True),
        s.replace("e", "E", n=1),
    )


@case()
def replace_text_with_a_function(pd, np, data, tmp):
    return data.small(pd)["text"].str.replace(r"[aeiou]", lambda m: m.group().upper(), regex=True)


@case(native=True)
def slices_of_text(pd, np, data, tmp):
    s = data.sales(pd)["product"].str
    return s[0], s[-1], s[:3], s[::-1], s.slice(1, 3), s.get(2), s[10]


@case(native=True)
def split_to_lists(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    first = s.split().iloc[0]
    return (
        s.split(),
        s.split("-"),
        s.split(" ", n=1),
        type(first),
        s.split().str.len(),
        s.rsplit(" ", n=1),
    )


@case(native=True)
def split_on_white_space(pd, np, data, tmp):
    s = pd.Series(["a  b", " c d ", "", None])
    return s.str.split(), s.str.split(" "), s.str.split().str[0]


@case(native=True)
def split_then_pick(pd, np, data, tmp):
    s = pd.Series(["Ann Lee, 1", "Bo Ek, 22", "Cy", None])
    return s.str.split(",").str[0], s.str.split(", ").str.get(1), s.str.split(" ").str[-1]


@case()
def split_to_columns(pd, np, data, tmp):
    s = pd.Series(["a-1", "b-2-x", "c", None])
    return s.str.split("-", expand=True), s.str.partition("-"), s.str.rpartition("-")


@case()
def split_assigned_to_two_columns(pd, np, data, tmp):
    df = pd.DataFrame({"name": ["Ann Lee", "Bo Ek"]})
    df[["first", "last"]] = df["name"].str.split(" ", expand=True)
    return df


@case(native=True)
def extract_one_group(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return s.extract(r"(\d+)", expand=False), s.extract(r"([a-z]+)-", expand=False)


@case()
def extract_many_groups(pd, np, data, tmp):
    s = pd.Series(["a1", "b22", "c", None])
    return (
        s.str.extract(r"([a-z])(\d+)"),
        s.str.extract(r"(?P<letter>[a-z])(?P<digit>\d)?"),
        s.str.extract(r"(\d)"),
        s.str.extractall(r"(\d)"),
        s.str.findall(r"\d"),
    )


@case(native=True)
def padding(pd, np, data, tmp):
    s = data.sales(pd)["product"].str
    return s.zfill(6), s.pad(8), s.ljust(7, "."), s.rjust(7), s.center(9, "*"), s.repeat(2)


@case(native=True)
def classes_of_text(pd, np, data, tmp):
    s = pd.Series(["12", "a1", " ", "Ab", "", None, "½", "AB"])
    return (
        s.str.isdigit(),
        s.str.isalpha(),
        s.str.isupper(),
        s.str.isspace(),
        s.str.isnumeric(),
        s.str.isalnum(),
        s.str.istitle(),
    )


@case(native=True)
def find_and_count(pd, np, data, tmp):
    s = data.sales(pd)["note"].str
    return s.find("r"), s.rfind("e"), s.count("e"), s.match("g"), s.fullmatch("gift")


@case(native=True)
def concatenate_text(pd, np, data, tmp):
    df = data.sales(pd)
    return (
        df["region"].str.cat(df["city"], sep="/"),
        df["region"].str.cat(df["city"], sep="/", na_rep="-"),
        df["product"].head(5).str.cat(sep=","),
        df["product"] + "_" + df["units"].astype(str),
    )


@case()
def join_and_wrap(pd, np, data, tmp):
    s = pd.Series([["a", "b"], ["c"], None])
    return (
        s.str.join("-"),
        s.str.len(),
        pd.Series(["a long line here"]).str.wrap(6),
        pd.Series(["ab"]).str.join("-"),
    )


@case()
def dummies_of_text(pd, np, data, tmp):
    return pd.Series(["a|b", "b", None, "c|a"]).str.get_dummies()


@case()
def normalise_encode_translate(pd, np, data, tmp):
    s = pd.Series(["é", "a"])
    return (
        s.str.normalize("NFD").str.len(),
        s.str.encode("utf-8"),
        s.str.translate({97: "b"}),
        s.str.encode("utf-8").str.decode("utf-8"),
    )


@case(native=True)
def chains(pd, np, data, tmp):
    df = data.sales(pd)
    return df["note"].str.strip().str.lower().str.replace(" ", "_", regex=False), df[
        "product"
    ].str.upper().str[:2].value_counts().sort_index()


@case(native=True)
def text_of_categories(pd, np, data, tmp):
    s = data.sales(pd)["channel"].str
    return s.upper(), s.len(), s.contains("o"), s[0]


@case(native=True)
def text_to_numbers(pd, np, data, tmp):
    s = pd.Series(["$1,200.50", "$3.25", "$10"])
    clean = s.str.replace("$", "", regex=False).str.replace(",", "").astype(float)
    return (
        clean,
        clean.sum(),
        pd.Series(["1", "2"]).astype(int),
        pd.Series(["12%"]).str.rstrip("%").astype(int),
    )


@case(may_raise=True)
def text_accessor_on_numbers(pd, np, data, tmp):
    return data.small(pd)["n"].str.upper()


@case(may_raise=True)
def bad_pattern(pd, np, data, tmp):
    return data.small(pd)["text"].str.contains("(")


@case(native=True)
def text_of_columns_index(pd, np, data, tmp):
    df = data.small(pd)
    df.columns = df.columns.str.strip().str.upper().str.replace("E", "3")
    return df.columns, df


@case(native=True)
def mixed_objects(pd, np, data, tmp):
    s = pd.Series(["ab", 1, None, 2.5, ["x", "y"]], dtype=object)
    return s.str.len(), s.str.upper(), s.astype(str)


@case()
def categories(pd, np, data, tmp):
    s = data.sales(pd)["grade"]
    return (
        s.cat.codes,
        s.cat.categories,
        s.cat.ordered,
        s.cat.remove_unused_categories().cat.categories,
        s.cat.rename_categories({"low": "LOW"}),
        s.cat.add_categories(["top"]).dtype,
        s.cat.reorder_categories(["unused", "high", "mid", "low"]),
        s.cat.as_unordered().dtype,
        s.cat.set_categories(["low", "mid"]),
    )


@case(native=True)
def category_codes_are_small(pd, np, data, tmp):
    s = data.sales(pd)["channel"]
    return (
        s.cat.codes,
        s.cat.codes.dtype,
        s.astype("category").cat.codes.max(),
        data.sales(pd)["product"].astype("category").cat.codes,
    )


@case(may_raise=True)
def category_arithmetic(pd, np, data, tmp):
    return data.sales(pd)["channel"] + "x"


@case(may_raise=True)
def unordered_categories_compared(pd, np, data, tmp):
    return data.sales(pd)["channel"] > "phone"


@case(native=True)
def results_that_depend_on_missing_text(pd, np, data, tmp):
    df = data.sales(pd)
    region = df["region"]
    return (
        region.str.len(),
        region.str.contains("o"),
        region.str.contains("o", na=False),
        region.str.extract(r"(?P<first>.)(?P<rest>.*)"),
        region.str.extract("(th)", expand=False),
        region.dropna().str.len(),
        df[region.str.startswith("n", na=False)],
        df.assign(size=region.str.len()).groupby("city")["size"].mean(),
    )


@case()
def missing_text_is_nan_itself(pd, np, data, tmp):
    memory, file = data.sales(pd), pd.read_csv(data.sales_csv)
    note = file["note"].str.lower()
    by_python = file["city"].map(lambda v: "none" if v is np.nan else v)
    merged = file[["order_id", "city"]].merge(memory[["order_id", "note"]].head(50), how="left")
    return (
        [v is np.nan for v in note],
        [v is np.nan for v in merged["city"].str.strip().tolist()],
        by_python,
        note.str.split(" ", expand=True),
        note.str.split("o", expand=True).head(20),
    )
