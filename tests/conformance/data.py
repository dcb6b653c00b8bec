"""The data of the cases: frames built from plain Python and NumPy values by the pandas under
test, and files written by plain pandas."""

from __future__ import annotations

import datetime
import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain

ROWS = 2000
GRADES = ["low", "mid", "high", "unused"]


@lru_cache(maxsize=1)
def _columns() -> dict[str, Any]:
    """The columns of `sales`.  Amounts are positive, so that sums do not cancel."""
    rng = np.random.default_rng(20240607)

    def holes(values: Any, share: float, hole: Any) -> list[Any]:
        gone = rng.random(ROWS) < share
        return [hole if g else v for g, v in zip(gone, values)]

    def pick(values: list[Any], weights: list[float] | None = None) -> list[Any]:
        return [values[i] for i in rng.choice(len(values), ROWS, p=weights)]

    start = np.datetime64("2023-01-01T00:00:00", "ns")
    seconds = rng.integers(0, 730 * 86400, ROWS)
    when = start + seconds.astype("timedelta64[s]")
    when[rng.random(ROWS) < 0.05] = np.datetime64("NaT")
    notes = ["  Late order ", "gift", "GIFT wrap", "ref-0042", "straße", "a,b", 'say "hi"', ""]
    return {
        "order_id": np.arange(10_000, 10_000 + ROWS),
        "customer": rng.integers(1, 150, ROWS),
        "region": holes(pick(["north", "south", "east", "west"]), 0.06, None),
        "product": pick(["tea", "coffee", "mugs", "Cake", "pie", "jam", "zest"]),
        "city": holes(pick(["Oslo", "Roma", "Kyiv", "Lima", "Bonn"]), 0.08, float("nan")),
        "units": rng.integers(1, 20, ROWS),
        "boxes": rng.integers(0, 255, ROWS).astype("uint8"),
        "price": np.array(holes(np.round(rng.gamma(2.0, 30.0, ROWS) + 0.5, 2), 0.07, np.nan)),
        "weight": (rng.integers(1, 400, ROWS) / 4).astype("float32"),
        "paid": rng.random(ROWS) < 0.7,
        "when": when.astype("datetime64[ns]"),
        "grade": holes(pick(GRADES[:3]), 0.05, None),
        "channel": pick(["web", "shop", "phone"], [0.6, 0.3, 0.1]),
        "note": holes(pick(notes), 0.1, None),
    }


class Data:
    """Builders of frames (each takes the pandas under test) and paths of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- frames -------------------------------------------------------------------------------

    def sales(self, pd: Any, rows: int = ROWS) -> Any:
        """2000 rows: strings with None and NaN, numbers, a bool, datetimes, two categoricals."""
        columns = {k: v[:rows].copy() for k, v in _columns().items()}
        columns["grade"] = pd.Categorical(columns["grade"], categories=GRADES, ordered=True)
        columns["channel"] = pd.Categorical(columns["channel"])
        return pd.DataFrame(columns)

    def targets(self, pd: Any) -> Any:
        """A table to join to `sales`: some customers are absent, some occur twice."""
        rng = np.random.default_rng(5)
        customer = rng.permutation(np.r_[np.arange(20, 180), [25, 25, 60]])
        return pd.DataFrame(
            {
                "customer": customer,
                "target": rng.integers(10, 99, len(customer)),
                "manager": [["Ann", "Bo", "Cy", None][i] for i in customer % 4],
            }
        )

    def small(self, pd: Any) -> Any:
        """10 rows."""
        return pd.DataFrame(
            {
                "group": ["B", "A", "C", "A", "B", "A", None, "C", "B", "A"],
                "key": [2, 1, 2, 1, 3, 3, 2, 1, 2, 3],
                "x": [1.5, np.nan, 3.25, 4.0, 0.5, 7.75, 2.0, np.nan, 9.5, 1.0],
                "n": [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
                "flag": [True, False, True, True, False, False, True, False, True, True],
                "text": ["pear", "Fig", "kiwi", None, "plum", "fig", "lime", "Date", "pear", ""],
            }
        )

    def empty(self, pd: Any) -> Any:
        """No rows; int, float, str, bool and datetime columns."""
        return self.dated(pd).iloc[:0].reset_index(drop=True)

    def one_row(self, pd: Any) -> Any:
        return pd.DataFrame({"k": ["a"], "i": [1], "f": [2.5], "when": [datetime.datetime.max]})

    def dated(self, pd: Any) -> Any:
        """12 rows; int, float, str, bool and datetime columns."""
        days = np.datetime64("2024-01-28", "ns") + np.arange(12) * np.timedelta64(1, "D")
        return pd.DataFrame(
            {
                "when": days.astype("datetime64[ns]"),
                "i": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
                "f": [0.5, 2.5, np.nan, 4.5, 1.25, 0.0, 8.0, 3.5, np.nan, 2.0, 1.0, 6.5],
                "s": list("abcabcabcabc"),
                "b": [True, False, False] * 4,
            }
        )

    def odd_index(self, pd: Any, kind: str) -> Any:
        """8 rows with columns v (int) and w (float), and an index of the kind named:
        multi, dates, duplicated, strings, floats, reversed, category."""
        build = {
            "multi": lambda: pd.MultiIndex.from_tuples(
                [(a, n) for a in ("b", "a") for n in (3, 1, 4, 2)], names=["letter", "number"]
            ),
            "dates": lambda: pd.date_range("2024-02-27", periods=8, freq="D", name="day"),
            "duplicated": lambda: [5, 7, 5, 1, 7, 5, 3, 1],
            "strings": lambda: list("hbdacgfe"),
            "floats": lambda: [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5],
            "reversed": lambda: pd.RangeIndex(16, 0, -2),
            "category": lambda: pd.CategoricalIndex(list("xyxzzyxy"), categories=list("zyxw")),
        }
        values = {"v": [8, 3, 5, 1, 7, 2, 6, 4], "w": [0.5, np.nan, 2.0, 4.25, 1.0, 9.5, 3.0, 0.0]}
        return pd.DataFrame(values, index=build[kind]())

    # -- files --------------------------------------------------------------------------------

    @property
    def sales_parquet(self) -> str:
        """`sales` in row groups of 300."""
        return str(self.folder / "sales.parquet")

    @property
    def sales_csv(self) -> str:
        return str(self.folder / "sales.csv")

    @property
    def parts(self) -> str:
        """A directory with `sales` in four Parquet files."""
        return str(self.folder / "parts")

    def file(self, name: str) -> str:
        """One of the files that `write_files` makes."""
        path = self.folder / name
        if not path.exists():
            raise LookupError(f"no such data file: {name}")
        return str(path)


def types(pd: Any) -> Any:
    """40 rows with a column of every dtype that Parquet can hold, with nulls where they fit."""
    n = 40
    i = np.arange(n)
    third = i % 3 == 0
    frame: dict[str, Any] = {
        f"{k}{b}": i.astype(f"{k}{b}") for k in ("int", "uint") for b in (8, 16, 32, 64)
    }
    frame["float32"] = np.where(third, np.nan, i / 4).astype("float32")
    frame["float64"] = np.where(third, np.nan, i / 8)
    frame["bool"] = third
    frame["bool_null"] = [None if t else bool(v % 2) for t, v in zip(third, i)]
    frame["str"] = [None if t else f"s{v}" for t, v in zip(third, i)]
    frame["bytes"] = [f"s{v}".encode() for v in i]
    frame["ns"] = (np.datetime64("2024-01-01") + i).astype("datetime64[ns]")
    frame["us"] = (np.datetime64("2024-01-01") + i).astype("datetime64[us]")
    frame["tz"] = pd.date_range("2024-03-30", periods=n, freq="h", tz="Europe/Paris")
    frame["delta"] = (i * 1_000_000_007).astype("timedelta64[ns]")
    frame["date"] = [datetime.date(2024, 1, 1) + datetime.timedelta(int(v)) for v in i]
    frame["Int64"] = pd.array([None if t else int(v) for t, v in zip(third, i)], dtype="Int64")
    frame["Int8"] = pd.array([None if t else int(v) for t, v in zip(third, i)], dtype="Int8")
    frame["Float64"] = pd.array([None if t else v / 2 for t, v in zip(third, i)], dtype="Float64")
    frame["boolean"] = pd.array(
        [None if t else bool(v % 2) for t, v in zip(third, i)], dtype="boolean"
    )
    frame["string"] = pd.array([None if t else f"t{v}" for t, v in zip(third, i)], dtype="string")
    frame["category"] = pd.Categorical(
        [None if t else "xyz"[v % 3] for t, v in zip(third, i)], list("zyxw")
    )
    frame["ordered"] = pd.Categorical(["lo", "hi"] * (n // 2), ["lo", "mid", "hi"], ordered=True)
    frame["list"] = [[int(v), int(v) + 1] for v in i]
    return pd.DataFrame(frame)


def write_files(folder: Path) -> Data:
    """Write every data file with plain pandas; return the Data that knows them."""
    data = Data(folder)
    sales = data.sales(plain)
    sales.to_parquet(data.sales_parquet, row_group_size=300)
    Path(data.parts).mkdir()
    for i, at in enumerate(range(0, ROWS, 500)):
        sales.iloc[at : at + 500].reset_index(drop=True).to_parquet(
            f"{data.parts}/part-{i}.parquet"
        )
    named = sales.set_index("order_id").sample(frac=1, random_state=3).head(200)
    named.to_parquet(folder / "indexed.parquet", row_group_size=64)
    data.odd_index(plain, "multi").to_parquet(folder / "multi.parquet")
    data.odd_index(plain, "dates").to_parquet(folder / "dates.parquet")
    data.odd_index(plain, "reversed").to_parquet(folder / "range.parquet")
    data.empty(plain).to_parquet(folder / "empty.parquet")
    types(plain).to_parquet(folder / "types.parquet", row_group_size=16)
    sales.to_csv(data.sales_csv, index=False)
    sales.head(50).to_csv(folder / "sales50.csv", index=False)
    sales.head(50).to_csv(folder / "indexed.csv")
    _write_texts(folder)
    return data


def _write_texts(folder: Path) -> None:
    late = [str(i) for i in range(3000)]
    texts = {
        "late_float.csv": "a,b\n" + "".join(f"{v},{v}\n" for v in [*late, "0.5"]),
        "late_text.csv": "a,b\n" + "".join(f"{v},{v}\n" for v in [*late, "oops"]),
        "late_null.csv": "a,b\n" + "".join(f"{v},x\n" for v in [*late, ""]),
        "codes.csv": "code,name,n\n00007,ann,1\n00012,bo,2\n10000,cy,3\n",
        "semicolon.csv": "name;amount;day\nann;1.234,50;31/12/2023\nbo;0,25;01/02/2024\n;;\n",
        "marks.csv": "a,b,c\n1,n/a,x\n-,2.5,NA\nmissing,?,\n4,null,None\n",
        "quoted.csv": 'id,text\n1,"two\nlines"\n2,"comma, here"\n3,"a ""quote"""\n4,plain\n',
        "headless.csv": "1,a,2.5\n2,b,\n3,,4.5\n4,d,0.25\n",
        "commented.csv": "# made by hand\n# twice\na,b\n1,2\n3,4 # note\n5,6\n",
        "twice.csv": "a,b,a,a\n1,2,3,4\n5,6,7,8\n",
        "bools.csv": "a,b,c\nTrue,yes,True\nFalse,no,\nTrue,yes,False\n",
        "big.csv": "a,b\n18446744073709551615,9007199254740993\n1,2\n",
        "dates.csv": "id,day,t\n1,2024-01-31,2024-01-31 10:00\n2,2024-02-29,\n3,,2023-05-05 23:5\n",
        "thousands.csv": 'a,b\n"1,234",x\n"5,678,901",y\n',
        "header_only.csv": "a,b,c\n",
        "nothing.csv": "",
        "ragged.csv": "a,b\n1,2\n3,4,5\n",
        "spaces.csv": "a   b c\n1 2   3\n4  5 6\n",
        "blank.csv": "a,b\n1,2\n\n3,4\n\n",
        "footer.csv": "a,b\n1,2\n3,4\ntotal,6\n",
        "long.csv": "g,v\n" + "".join(f"{'xyz'[i % 3]},{i / 4}\n" for i in range(500)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "bom.csv").write_bytes("\ufeffa,b\n1,é\n".encode())
    (folder / "latin.csv").write_bytes("a,b\n1,é\n2,ü\n".encode("latin-1"))
    (folder / "packed.csv.gz").write_bytes(gzip.compress(texts["long.csv"].encode()))
    (folder / "tabs.tsv").write_text("a\tb\n1\tx y\n2\tz\n")
    (folder / "lines.json").write_text('{"b": 1, "a": "x"}\n{"b": 2, "a": "y"}\n')
