"""Random pandas scripts: the frames they start from and the statements that follow.

A script is source text, so that a failing example can be read and run as it is.
Statements are drawn one by one for the object that plain pandas holds at that
point, hence most of them succeed; the others check the exception.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
from hypothesis import strategies as st

NAMES = {"np": np, "nan": float("nan"), "inf": float("inf")}
FINITE = [0.0, -0.0, 1.0, 2.5, -1.5, 2.0, 100.25, 0.5]
WORDS = ["a", "b", "ab", "B", "zz", "", " x", "10", "2.5", "é"]
DATES = ["2020-01-01", "2020-01-31 12:30", "1999-12-31", "2024-02-29 00:00:01"]
SPANS = ["1D", "2h", "-3D", "0D"]


@dataclass(frozen=True)
class Script:
    """Statements on ``pd`` and ``np`` that leave their results in ``x``, ``y``, ``seen``.

    ``file``: frames go through a file of this kind first, several row groups for Parquet.
    """

    frames: tuple[str, ...]
    lines: tuple[str, ...]
    file: str = ""

    def __repr__(self) -> str:
        text = "\n".join((*self.frames, f"# through {self.file or 'memory'}", *self.lines))
        return f"Script:\n{text}\n"


def run(script: Script, pd: Any, folder: Path | None) -> dict[str, Any]:
    """The names that the script leaves; an exception of pandas is the caller's."""
    names = start(script, pd, folder)
    for line in script.lines:
        exec(line, names)
    return {n: names[n] for n in ("x", "y", "seen") if n in names}


def start(script: Script, pd: Any, folder: Path | None) -> dict[str, Any]:
    """The namespace in which the statements run, with the frames ``x`` and ``other``."""
    names = {"pd": pd, "seen": [], **NAMES}
    for line in script.frames:
        exec(line, names)
    if script.file and folder is not None:
        for name in ("x", "other"):
            names[name] = _through_file(script, pd, name, folder)
    return names


def _through_file(script: Script, pd: Any, name: str, folder: Path) -> Any:
    path = folder / f"{name}.{script.file}"
    if not path.exists():
        names = {"pd": plain, **NAMES}
        for line in script.frames:
            exec(line, names)
        if script.file == "parquet":
            names[name].to_parquet(path, row_group_size=6)
        else:
            names[name].to_csv(path, index=False)
    return pd.read_parquet(path) if script.file == "parquet" else pd.read_csv(path)


HOW_ALL = "how='all'"


def words(text: str) -> list[str]:
    """Phrases between semicolons; ``-`` for an empty one."""
    return ["" if w.strip() == "-" else w.strip() for w in " ".join(text.split()).split(";")]


TEXT_VALUES = words(
    """
    upper(); len(); contains("a"); strip(); startswith("a"); slice(0, 1); replace("a", "q")
    """
)
DATE_VALUES = words(
    """
    year; month; dayofweek; date; normalize(); day_name(); hour
    """
)
NUMBER_VALUES = words(
    """
    abs(); round(0); round(1); fillna(0); astype("float64"); clip(0, 2); rank(); cumsum();
    shift(1); diff(); astype(str); between(0, 2); isin([1, 2.5])
    """
)
FRAME_VALUES = words(
    """
    round(0); isna(); notna(); convert_dtypes(); shift(2); ffill(); bfill()
    """
)
NUMBER_FRAMES = words(
    """
    abs(); cumsum(); diff(); rank(); clip(0, 3); quantile(0.3); describe(); sum(); mean(); corr()
    """
)
NUMBERS = words(
    """
     + 1;  * 2;  / 3;  // 2;  % 2;  ** 2; .abs(); .round(1); .clip(0, 2); .cumsum(); .diff();
    .rank(); .astype("float64"); .astype("int64");  + x;  - x.mean(); .quantile([0.1, 0.5]);
    .nlargest(3); .nsmallest(2); .between(0, 2); .isin([1, 2]); .describe(); .fillna(0);
    .replace(1, 9); .map({1: "one"}); .std(); .var(); .median(); .idxmax(); .sum(); .mean();
    .prod()
    """
)
TEXTS = words(
    """
    str.upper(); str.len(); str.contains("a"); str.strip(); str[0]; fillna("f"); map({"a": 1});
    isin(["a", "b"]); replace("a", "c"); str.startswith("a"); astype("category"); str.replace("a",
    "qq"); str.cat(sep=",")
    """
)
TIMES = words(
    """
    dt.year; dt.month; dt.day_name(); dt.date; dt.floor("D"); dt.strftime("%Y"); diff();
    dt.to_period("M")
    """
)
BOOLS = words(
    """
    ~x; x.sum(); x.any(); x.all(); x.mean(); x.astype(int); x & x; x.cumsum()
    """
)
SORTS = words(
    """
    -; ascending=False; na_position="first"; ignore_index=True; kind="stable"
    """
)
SUMMARIES = words(
    """
    unique(); nunique(); count(); min(); max(); mode(); describe(); tolist()
    """
)
SAME_ROWS = words(
    """
    shift(1); isna(); dropna(); notna(); ffill(); duplicated(); copy()
    """
)
SHAPES = words(
    """
    to_frame(); reset_index(); to_frame("q"); rename("q"); reset_index(drop=True); rename(None)
    """
)
LOOKS = words(
    """
    len(x); repr(x); x.shape; x.index; list(x); x.dtype; x.name; x.is_unique; x.hasnans
    """
)
TYPES = words(
    """
    float64; int64; object; float32; str
    """
)


# -- data ----------------------------------------------------------------------------------


def _list(draw: Any, values: Any, size: int) -> list[Any]:
    return draw(st.lists(values, min_size=size, max_size=size))


def _few(draw: Any, values: list[Any]) -> Any:
    """A strategy over some of the values, so that duplicates are frequent."""
    return st.sampled_from(draw(st.lists(st.sampled_from(values), min_size=1, max_size=4)))


def _array(values: list[Any], dtype: str) -> str:
    return f"np.array({values!r}, dtype={dtype!r})"


def column(draw: Any, size: int, simple: bool = False) -> str:
    """Source of one column's values."""
    kinds = ["int", "int", "float", "float", "text", "text", "bool", "date"]
    rare = ["int8", "uint8", "float32", "object", "span", "category", "Int64", "boolean", "string"]
    kind = draw(st.sampled_from(kinds if simple else kinds + rare))
    if kind in ("int", "int8", "uint8"):
        low, high = (0, 255) if kind == "uint8" else (-128, 127) if kind == "int8" else (-3, 9)
        values = _list(draw, st.integers(low, high), size)
        return _array(values, {"int": "int64"}.get(kind, kind))
    if kind in ("float", "float32"):
        pool = FINITE + [float("nan")] * 2 + [float("inf")] * draw(st.booleans())
        return _array(_list(draw, _few(draw, pool), size), kind.replace("float", "float64")[:7])
    if kind == "bool":
        return _array(_list(draw, st.booleans(), size), "bool")
    if kind == "text":
        missing = draw(st.sampled_from([[], [None], [float("nan")]]))
        return repr(_list(draw, _few(draw, WORDS + missing * 3), size))
    if kind in ("date", "span"):
        pool = [*(DATES if kind == "date" else SPANS), "NaT"]
        values = _list(draw, _few(draw, pool), size)
        maker = "to_datetime" if kind == "date" else "to_timedelta"
        if kind == "date" and not values:
            return "np.array([], dtype='datetime64[ns]')"
        return f"pd.{maker}({values!r}{', format=`ISO8601`' if kind == 'date' else ''})".replace(
            "`", "'"
        )
    if kind == "object":
        pool = [1, 2.5, "a", None, True, "b"]
        return _array(_list(draw, st.sampled_from(pool), size), "object")
    if kind == "category":
        ordered = draw(st.booleans())
        values = _list(draw, st.sampled_from(["u", "v", None]), size)
        return f"pd.Categorical({values!r}, categories=['v', 'u', 'w'], ordered={ordered})"
    pool = {"Int64": [1, 2, None], "boolean": [True, False, None], "string": ["a", "b", None]}
    return f"pd.array({_list(draw, st.sampled_from(pool[kind]), size)!r}, dtype={kind!r})"


def labels(draw: Any, size: int) -> str:
    """Source of an index, or an empty text for the default one."""
    kind = draw(st.sampled_from(["", "", "", "", "range", "int", "text", "date", "multi", "float"]))
    name = draw(st.sampled_from(["", ", name='n'", ", name='a'"]))
    if kind == "range":
        first, step = draw(st.integers(-3, 5)), draw(st.sampled_from([1, 2, -1, 3]))
        return f"pd.RangeIndex({first}, {first + step * size}, {step}{name})"
    if kind == "int":
        values = _list(draw, st.integers(0, 6), size)
        return f"pd.Index({values!r}, dtype='int64'{name})"
    if kind == "text":
        return f"pd.Index({_list(draw, st.sampled_from('pqr'), size)!r}, dtype=object{name})"
    if kind == "float":
        values = _list(draw, st.sampled_from([0.0, 1.5, 2.0]), size)
        return f"pd.Index({values!r}, dtype='float64'{name})"
    if kind == "date":
        return f"pd.date_range('2020-01-30', periods={size}{name})"
    if kind == "multi" and size:
        a, b = _list(draw, st.integers(0, 2), size), _list(draw, st.sampled_from("pq"), size)
        names = ", names=['k', 'l']" if name else ""
        return f"pd.MultiIndex.from_arrays([{a!r}, {b!r}]{names})"
    return ""


def frame(draw: Any, name: str, simple: bool = False, plain_index: bool = False) -> str:
    """Source of a statement that makes a frame."""
    size = draw(st.sampled_from([0, 1, 2, 5, 13, 25, 40]))
    width = draw(st.integers(1, 5))
    letters = draw(st.permutations("abcde"))[:width]
    columns = ", ".join(f"{c!r}: {column(draw, size, simple)}" for c in letters)
    index = "" if plain_index else labels(draw, size)
    return f"{name} = pd.DataFrame({{{columns}}}{', index=' + index if index else ''})"


# -- statements ----------------------------------------------------------------------------


class Draw:
    """Choices that fit the current object."""

    def __init__(self, draw: Any, x: Any, other: Any) -> None:
        self.draw, self.x, self.other = draw, x, other

    def of(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def int(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def labels(self, kinds: str = "") -> list[Any]:
        """Column labels, of NumPy kinds ``kinds`` (E: extension) if given."""
        if not kinds:
            return list(self.x.columns)
        return [c for n, c in enumerate(self.x.columns) if kind_of(self.x.dtypes.iloc[n]) in kinds]

    def one(self, kinds: str = "") -> str:
        """Source of a column label; of a missing one now and then, or where none fits."""
        found = self.labels(kinds)
        if not found or self.int(0, 60) == 0:
            return "'missing'"
        return repr(self.of(*found))

    def some(self, kinds: str = "", least: int = 1) -> list[Any]:
        found = self.labels(kinds)
        if len(found) < least:
            return []
        most = min(3, len(found))
        picks = st.lists(
            st.integers(0, len(found) - 1), min_size=least, max_size=max(most, least), unique=True
        )
        return [found[n] for n in self.draw(picks)]

    def constant(self, values: Any) -> str:
        """Source of a value like those of a column, often one of them."""
        kind = kind_of(values.dtype)
        if kind in "iu":
            return repr(self.of(0, 1, 3, 2.5, -1))
        if kind == "f":
            return repr(self.of(0, 1, 2.5, -1.5, 0.5))
        if kind == "b":
            return repr(self.of(True, False))
        if kind == "M":
            return f"pd.Timestamp({self.of(*DATES)!r})"
        if kind == "m":
            return f"pd.Timedelta({self.of(*SPANS)!r})"
        return repr(self.of("a", "b", "u", "zz"))


def kind_of(dtype: Any) -> str:
    """NumPy's kind letter; O for text of any storage, E for other extension dtypes."""
    if isinstance(dtype, np.dtype):
        return dtype.kind
    return "O" if isinstance(dtype, plain.StringDtype) else "E"


Maker = Callable[[Draw], str]
FRAME: list[Maker] = []
SERIES: list[Maker] = []


def on_frame(*makers: Maker) -> None:
    FRAME.extend(makers)


def on_series(*makers: Maker) -> None:
    SERIES.extend(makers)


COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def mask(d: Draw) -> str:
    """Source of a boolean column of ``x``."""
    kind = d.int(0, 5)
    if kind == 0:
        c = d.one()
        return f"x[{c}].{d.of('isna', 'notna', 'duplicated')}()"
    if kind == 1 and d.labels("b"):
        return f"{d.of('', '~')}x[{d.one('b')}]"
    if kind == 2:
        c, e = d.one("if"), d.one("if")
        return f"x[{c}] {d.of(*COMPARE)} x[{e}]"
    if kind == 3 and d.labels():
        return f"({simple_mask(d)}) {d.of('&', '|', '^')} ({simple_mask(d)})"
    if kind == 4:
        return f"~({simple_mask(d)})"
    return simple_mask(d)


def simple_mask(d: Draw) -> str:
    found = d.labels("iufbMmO")
    if not found:
        return f"x[{d.one()}].isna()"
    c = d.of(*found)
    values = d.x[c]
    if isinstance(values, plain.DataFrame):
        return f"x[{c!r}].isna()"
    op = d.of("==", "!=") if kind_of(values.dtype) == "O" else d.of(*COMPARE)
    return f"x[{c!r}] {op} {d.constant(values)}"


def window(d: Draw) -> str:
    parts = [d.of("", "0", "1", "3", "-2", "12", "-1"), d.of("", "2", "5", "-1", "20", "0")]
    step = d.of("", "", "", ":1", ":2", ":3", ":-1", ":-2")
    return f"{parts[0]}:{parts[1]}{step}"


def values_of(d: Draw, c: str) -> Any:
    """The column that source text ``c`` names, or an empty one."""
    if c == "'missing'":
        return plain.Series([], dtype="float64")
    found = d.x[eval(c, {**NAMES, "pd": plain})]
    return found if isinstance(found, plain.Series) else found.iloc[:, 0]


def expression(d: Draw) -> str:
    """Source of a series with the rows of ``x``."""
    kind = d.int(0, 7)
    c = d.one("iuf")
    if kind == 0:
        op = d.of("+", "-", "*", "/", "//", "%", "**")
        return f"x[{c}] {op} {d.of('2', '3', '0', '1.5', '-1', '0.5')}"
    if kind == 1:
        return f"x[{c}] {d.of('+', '-', '*', '/', '//', '%')} x[{d.one('iufb')}]"
    if kind == 2:
        return f"{d.of('2', '0.5', '-3')} {d.of('+', '-', '*', '/', '//')} x[{c}]"
    if kind == 3:
        return f"x[{d.one('O')}].str.{d.of(*TEXT_VALUES)}"
    if kind == 4:
        return f"x[{d.one('M')}].dt.{d.of(*DATE_VALUES)}"
    if kind == 5:
        return mask(d)
    if kind == 6:
        return f"np.{d.of('sqrt', 'abs', 'floor', 'sign', 'exp')}(x[{c}])"
    return f"x[{c}].{d.of(*NUMBER_VALUES)}"


def assign(d: Draw) -> str:
    target = d.of("'z'", d.one(), d.one())
    value = d.of(expression(d), d.of("1", "2.5", "'k'", "None", "True", "nan"))
    if d.flag():
        return f"y = x; x = x.copy(); x[{target}] = {value}"
    return f"x = x.assign(w={value})"


def masked_write(d: Draw) -> str:
    c = d.one()
    value = d.of(d.constant(values_of(d, c)), "nan", "None")
    return f"y = x; x = x.copy(); x.loc[{mask(d)}, {c}] = {value}"


def merge(d: Draw) -> str:
    how = d.of("inner", "inner", "left", "left", "right", "outer", "cross")
    right = d.of("other", "other", "x", "x.head(3)", "other.drop_duplicates()")
    extra = d.of("", "", "", ", suffixes=('_l', ''), ", ", sort=True", ", indicator=True")
    if how == "cross":
        return f"x = x.head(9).merge({right}.head(4), how='cross')"
    theirs = d.x if right.startswith("x") else d.other
    common = [c for c in theirs.columns if c in d.x.columns]
    kind = d.int(0, 6)
    if kind == 0:
        return f"x = x.merge({right}, left_index=True, right_index=True, how={how!r}{extra})"
    if kind == 1:
        return f"x = pd.merge(x, {right}, how={how!r}{extra})"
    if kind == 2 or not common:
        a, b = d.one(), repr(d.of(*theirs.columns)) if len(theirs.columns) else "'missing'"
        return f"x = x.merge({right}, left_on={a}, right_on={b}, how={how!r}{extra})"
    if kind == 3 and len(common) > 1:
        return f"x = x.merge({right}, on={common[:2]!r}, how={how!r}{extra})"
    if kind == 4:
        return f"x = x.join({right}, how={how!r}, rsuffix='_r')"
    return f"x = x.merge({right}, on={d.of(*common)!r}, how={how!r}{extra})"


def concat(d: Draw) -> str:
    parts = d.of(
        "[x, other]", "[x, x]", "[x.head(3), x.tail(2)]", "[x, other, x]", "[x.iloc[:0], x]"
    )
    extra = d.of(
        "",
        ", ignore_index=True",
        ", ignore_index=True",
        ", join='inner'",
        ", axis=1",
        ", sort=True",
    )
    return f"x = pd.concat({parts}{extra})"


AGGS = (
    "sum",
    "mean",
    "min",
    "max",
    "count",
    "size",
    "first",
    "last",
    "std",
    "nunique",
    "median",
    "var",
    "any",
)


def groupby(d: Draw) -> str:
    keys = d.some() or ["missing"]
    by = repr(keys[0]) if len(keys) == 1 else repr(keys[:2])
    options = [f"sort={d.flag()}"] * d.flag() + [f"as_index={d.flag()}"] * d.flag()
    options += [f"dropna={d.flag()}"] * d.flag() + [f"observed={d.flag()}"]
    grouped = f"x.groupby({', '.join([by, *options])})"
    kind = d.int(0, 8)
    c = d.one("iufb")
    if kind == 0:
        return f"x = {grouped}.size()"
    if kind == 1:
        return f"x = {grouped}[{c}].{d.of(*AGGS)}()"
    if kind == 2:
        return f"x = {grouped}[[{c}, {d.one('iufb')}]].{d.of(*AGGS)}()"
    if kind == 3:
        return f"x = {grouped}.agg(n=({c}, {d.of(*AGGS)!r}), m=({d.one('iufb')}, {d.of(*AGGS)!r}))"
    if kind == 4:
        return f"x = {grouped}[{c}].agg([{d.of(*AGGS)!r}, 'count'])"
    if kind == 5:
        return f"x = {grouped}[{c}].transform({d.of('sum', 'mean', 'count', 'first', 'max')!r})"
    if kind == 6:
        return f"x = {grouped}.{d.of('cumcount()', 'ngroup()', 'head(2)', 'tail(1)', 'nth(0)')}"
    if kind == 7:
        return f"x = {grouped}[{c}].{d.of('cumsum()', 'shift()', 'rank()', 'diff()', 'cummax()')}"
    return f"x = {grouped}.{d.of('first', 'last', 'count', 'nunique', 'max', 'min')}()"


def sort_values(d: Draw) -> str:
    keys = d.some("iufbMmO") or d.some()
    extra = d.of(
        "",
        "",
        ", kind='stable'",
        ", na_position='first'",
        ", ignore_index=True",
        ", kind='mergesort'",
    )
    if len(keys) == 1:
        return f"x = x.sort_values({keys[0]!r}, ascending={d.flag()}{extra})"
    return f"x = x.sort_values({keys!r}, ascending={[d.flag() for _ in keys]}{extra})"


def drop_duplicates(d: Draw) -> str:
    subset = d.some() if d.flag() else []
    args = [f"subset={subset!r}"] * bool(subset) + [f"keep={d.of('first', 'last', False)!r}"]
    args += ["ignore_index=True"] * d.flag()
    method = d.of("drop_duplicates", "drop_duplicates", "duplicated")
    return f"x = x.{method}({', '.join(args)})"


def look(d: Draw) -> str:
    """Looking at the object must not change what follows."""
    what = d.of(
        "len(x)",
        "x.shape",
        "repr(x)",
        "x.head(2)",
        "x.index",
        "list(x.index)",
        "x.empty",
        "x.size",
        "x.dtypes",
    )
    return f"seen.append({what})"


def reduce_frame(d: Draw) -> str:
    what = d.of(
        "sum", "mean", "min", "max", "count", "std", "nunique", "median", "any", "all", "prod"
    )
    only = ", numeric_only=True" if what not in ("count", "nunique", "any", "all") else ""
    return f"x = x.{what}({only[2:]})"


on_frame(
    lambda d: f"x = x[{d.one()}]",
    lambda d: f"x = x[{d.one('iuf')}]",
    lambda d: f"x = x[{d.some() or d.labels()!r}]",
    *[lambda d: f"x = x[{mask(d)}]"] * 4,
    lambda d: f"x = x.loc[{mask(d)}, {d.of(d.one(), repr(d.some()))}]",
    lambda d: f"x = x.loc[{mask(d)}]",
    lambda d: f"x = x[({mask(d)}).to_numpy()]",
    *[lambda d: f"x = x.iloc[{window(d)}]"] * 2,
    lambda d: f"x = x[{window(d)}]",
    lambda d: f"x = x.loc[{d.of('2:7', '0:3', ':4', '3:', '5:2', '::2')}]",
    lambda d: f"x = x.iloc[{d.of('[0, 2, 1]', '[1, 1]', '0', '-1', '[]')}]",
    lambda d: f"x = x.{d.of('head', 'tail')}({d.of(0, 1, 3, 10, 50, -2)})",
    *[assign] * 4,
    *[masked_write] * 2,
    lambda d: f"x = x.drop(columns={d.one()})",
    lambda d: f"x = x.rename(columns={{{d.one()}: 'r'}})",
    lambda d: f"x = x.astype({{{d.one('iufb')}: {d.of(*TYPES)!r}}})",
    lambda d: f"x = x.fillna({1.5 if d.labels('E') == [] and d.flag() else 0})",
    lambda d: f"x = x.dropna({d.of('', f'subset=[{d.one()}]', HOW_ALL)})",
    lambda d: f"x = x.{d.of('where', 'mask')}({mask(d)})",
    lambda d: f"x = x.{d.of(*FRAME_VALUES)}",
    lambda d: f"x = x[{d.some('iuf') or ['missing']!r}].{d.of(*NUMBER_FRAMES)}",
    lambda d: f"x = x[{d.some('iuf') or ['missing']!r}] {d.of('+', '*', '-', '/', '>', '==')} 1.5",
    lambda d: f"x = x.replace({d.of('1, 5', '{1: 7}', repr('a') + ', ' + repr('b'))})",
    *[sort_values] * 4,
    lambda d: (
        f"x = x.sort_index({d.of('', 'ascending=False', 'kind=`stable`').replace('`', chr(39))})"
    ),
    *[drop_duplicates] * 2,
    *[groupby] * 4,
    *[merge] * 4,
    *[concat] * 2,
    lambda d: f"x = x.set_index({d.one()}{d.of('', '', ', drop=False', ', append=True')})",
    lambda d: f"x = x.set_index({d.some(least=2) or ['missing']!r})",
    *[lambda d: f"x = x.reset_index({d.of('', 'drop=True', 'drop=True')})"] * 2,
    lambda d: f"x = x.{d.of('nlargest', 'nsmallest')}({d.of(2, 5)}, {d.one('iuf')})",
    lambda d: "x = x.describe()",
    lambda d: "x = x.value_counts()",
    reduce_frame,
    *[look] * 3,
    lambda d: "seen.append([tuple(r) for r in x.itertuples()])",
    lambda d: f"x = x.query({f'{d.of(*(d.labels() or [0]))} == 1'!r})",
    lambda d: f"x = x.loc[x.index{d.of('', '[::-1]', '[:3]')}]" if d.x.index.is_unique else look(d),
    lambda d: f"x.insert(0, 'i', {expression(d)})",
    lambda d: "x = x.rename_axis('ax')",
    lambda d: f"x = x.select_dtypes({d.of('number', 'object', 'bool')!r})",
)


def series_mask(d: Draw) -> str:
    kind = d.int(0, 3)
    if kind == 0:
        return d.of("x.isna()", "x.notna()", "x.duplicated()")
    op = d.of("==", "!=") if kind_of(d.x.dtype) in "OE" else d.of(*COMPARE)
    return f"x {op} {d.constant(d.x)}"


def by_kind(d: Draw) -> str:
    """A statement for the values' kind."""
    kind = kind_of(d.x.dtype)
    if kind in "iuf":
        return f"x = x{d.of(*NUMBERS)}"
    if kind == "O":
        return f"x = x.{d.of(*TEXTS)}"
    if kind == "M":
        return f"x = x.{d.of(*TIMES)}"
    if kind == "b":
        return f"x = {d.of(*BOOLS)}"
    return f"x = x.{d.of('isna()', 'fillna(x.iloc[0])', 'astype(object)', 'astype(str)')}"


on_series(
    *[by_kind] * 5,
    *[lambda d: f"x = x[{series_mask(d)}]"] * 3,
    lambda d: f"x = x.loc[{series_mask(d)}]",
    *[lambda d: f"x = x.iloc[{window(d)}]"] * 2,
    lambda d: f"x = x[{window(d)}]",
    lambda d: f"x = x.{d.of('head', 'tail')}({d.of(0, 1, 3, 50, -2)})",
    *[lambda d: f"x = x.sort_values({d.of(*SORTS)})"] * 3,
    lambda d: f"x = x.sort_index({d.of('', 'ascending=False')})",
    lambda d: f"x = x.drop_duplicates({d.of('', 'keep=`last`').replace('`', chr(39))})",
    lambda d: f"x = x.value_counts({d.of('', 'normalize=True', 'dropna=False', 'sort=False')})",
    lambda d: f"x = x.{d.of(*SUMMARIES)}",
    lambda d: f"x = x.{d.of(*SAME_ROWS)}",
    lambda d: f"x = x.{d.of(*SHAPES)}",
    lambda d: f"x = x.{d.of('where', 'mask')}({series_mask(d)}{d.of('', ', 0', ', None')})",
    lambda d: f"y = x; x = x.copy(); x[{series_mask(d)}] = {d.constant(d.x)}",
    lambda d: (
        f"x = pd.concat([x, x{d.of('', '.head(2)')}]{d.of('', ', ignore_index=True', ', axis=1')})"
    ),
    lambda d: f"x = x.groupby(x).{d.of('size()', 'count()', 'cumcount()')}",
    lambda d: f"x = x.iloc[{d.of('0', '-1', '[0, 1]', '[]')}]",
    lambda d: f"seen.append({d.of(*LOOKS)})",
    lambda d: f"x = {d.of('x == x', 'x != x', 'x.eq(x.shift())')}",
)


@st.composite
def scripts(draw: Any, longest: int = 8, kind: str = "") -> Script:
    """Random scripts.  ``kind``: a file format that frames go through."""
    simple = bool(kind)
    frames = tuple(frame(draw, n, simple, plain_index=simple) for n in ("x", "other"))
    lines: list[str] = []
    names: dict[str, Any] = {"pd": plain, "seen": [], **NAMES}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for line in frames:
            exec(line, names)
        for _ in range(draw(st.integers(1, longest))):
            x = names["x"]
            if isinstance(x, plain.DataFrame):
                pool = FRAME
            elif isinstance(x, plain.Series):
                pool = SERIES
            else:
                break
            if len(x) > 1500:
                lines.append("x = x.head(200)")
            else:
                lines.append(draw(st.sampled_from(pool))(Draw(draw, x, names["other"])))
            try:
                exec(lines[-1], names)
            except Exception:  # noqa: BLE001 - the exception is the script's result
                break
    return Script(frames, tuple(lines), kind)
