"""What the wrappers cost: building one LAZY operation, LOCAL frames, the import, a function.

    python benchmarks/overhead.py [lazy] [local] [import] [udf]

Prints medians beside those of pandas; all four parts by default.
"""

from __future__ import annotations

import functools
import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as plain

import pandas_dist as pd
from pandas_dist.config import options

Action = Callable[..., Any]
TARGET = 200.0  # microseconds for one LAZY operation


def raw(rows: int = 1000) -> dict[str, Any]:
    """Eight columns of five dtypes."""
    n = np.arange(rows)
    return {
        "a": n % 11,
        "b": n / 2,
        "k": n % 7,
        "v": n * 0.25,
        "x": n.astype("int64"),
        "s": [f"s{i % 13}" for i in range(rows)],
        "t": plain.Timestamp("2024-01-01") + plain.to_timedelta(n, unit="s"),
        "flag": n % 2 == 0,
    }


def beside(df: Any) -> Any:
    """A second table with the key ``k``."""
    return pd.DataFrame({"k": np.arange(7), "w": np.arange(7) * 1.5, "name": list("abcdefg")})


LAZY: dict[str, Action] = {
    'df["a"]': lambda df, o: df["a"],
    'df["a"] + 1': lambda df, o: df["a"] + 1,
    'df["a"] * df["b"]': lambda df, o: df["a"] * df["b"],
    'df[df["a"] > 1]': lambda df, o: df[df["a"] > 1],
    'df[["a", "b"]]': lambda df, o: df[["a", "b"]],
    'df.loc[m, "x"]': lambda df, o: df.loc[o["m"], "x"],
    "df.head()": lambda df, o: df.head(),
    "df.columns": lambda df, o: df.columns,
    "df.dtypes": lambda df, o: df.dtypes,
    'df["z"] = s': lambda df, o: df.__setitem__("z", o["s"]),
    'df["z"] = 1': lambda df, o: df.__setitem__("z", 1),
    "df.assign(z=s)": lambda df, o: df.assign(z=o["s"]),
    "df.assign(z=lambda)": lambda df, o: df.assign(z=lambda d: d["a"] + d["b"]),
    "df.rename(columns=)": lambda df, o: df.rename(columns={"a": "A"}),
    "df.drop(columns=)": lambda df, o: df.drop(columns=["a", "b"]),
    "df.astype({})": lambda df, o: df.astype({"a": "float64"}),
    "df.fillna(0)": lambda df, o: o["numbers"].fillna(0),
    "df.dropna()": lambda df, o: df.dropna(subset=["b"]),
    "s.isin([...])": lambda df, o: o["a"].isin([1, 2, 3]),
    "s.str.upper()": lambda df, o: o["text"].str.upper(),
    's.str.contains("1")': lambda df, o: o["text"].str.contains("1"),
    "s.dt.year": lambda df, o: o["t"].dt.year,
    "s.map({...})": lambda df, o: o["k"].map(o["mapping"]),
    "df.sort_values": lambda df, o: df.sort_values("a"),
    "df.sort_values 2": lambda df, o: df.sort_values(["a", "b"], ascending=[True, False]),
    "df.drop_duplicates": lambda df, o: df.drop_duplicates(["a"]),
    "df.set_index": lambda df, o: df.set_index("k"),
    "df.reset_index": lambda df, o: df.reset_index(),
    "reset_index (drop)": lambda df, o: df.reset_index(drop=True),
    "grouped.reset_index": lambda df, o: o["grouped"].reset_index(),
    "groupby sum": lambda df, o: df.groupby("k")["v"].sum(),
    "groupby agg named": lambda df, o: df.groupby(["a", "k"]).agg(x=("v", "sum")),
    "groupby agg dict": lambda df, o: df.groupby("k").agg({"v": "sum", "b": "mean"}),
    "groupby as_index": lambda df, o: df.groupby("k", as_index=False)["v"].sum(),
    "df.merge(on=)": lambda df, o: df.merge(o["other"], on="k"),
    "df.merge(left_on=)": lambda df, o: df.merge(
        o["other"], left_on="a", right_on="k", how="left", suffixes=("", "_r")
    ),
    "pd.concat([a, b])": lambda df, o: pd.concat([df, o["more"]], ignore_index=True),
    "df.query": lambda df, o: df.query("a > 1 and b < 5"),
}


def operands(df: Any) -> dict[str, Any]:
    return {
        "m": df["a"] > 1,
        "s": df["a"] + 1,
        "a": df["a"],
        "k": df["k"],
        "t": df["t"],
        "text": df["s"],
        "numbers": df[["a", "b", "k", "v", "x"]],
        "mapping": {i: i * 1.5 for i in range(7)},
        "grouped": df.groupby("k")[["v"]].sum(),
        "other": beside(df),
        "more": pd.DataFrame(raw()),
    }


def _assign(df: Any) -> None:
    df["z"] = 1  # as a statement: pandas 3 counts references


LOCAL: dict[str, Callable[[Any], Any]] = {
    'df["a"]': lambda df: df["a"],
    "df.a": lambda df: df.a,
    "len(df)": len,
    "df.index": lambda df: df.index,
    "df.columns": lambda df: df.columns,
    "df.shape": lambda df: df.shape,
    "df.head()": lambda df: df.head(),
    'df.loc[3, "a"]': lambda df: df.loc[3, "a"],
    "df.iloc[3:9]": lambda df: df.iloc[3:9],
    'df["a"] + 1': lambda df: df["a"] + 1,
    'df["a"].sum()': lambda df: df["a"].sum(),
    'df[df["a"] > 5]': lambda df: df[df["a"] > 5],
    'df["z"] = 1': _assign,
}


def once(action: Callable[[], Any], number: int) -> float:
    """Microseconds of one of ``number`` calls."""
    clock = time.perf_counter
    start = clock()
    for _ in range(number):
        action()
    return (clock() - start) / number * 1e6


def lazy() -> None:
    print(f"building one LAZY operation on dask (pandas {plain.__version__}), microseconds")
    slow = []
    with options.context(backend="dask", min_bytes=0, fallback="error"):
        for name, action in LAZY.items():
            df = pd.DataFrame(raw())
            given = operands(df)
            # A fresh handle each time: nothing is remembered on the object itself.
            handles = iter([df.copy() for _ in range(410)])
            result = action(next(handles), given)
            for _ in range(9):
                action(next(handles), given)
            gc.collect()
            times = []
            for _ in range(400):
                handle = next(handles)
                start = time.perf_counter()
                action(handle, given)
                times.append((time.perf_counter() - start) * 1e6)
            median = statistics.median(times)
            note = "" if "_plan" in getattr(result, "__dict__", {}) else "  (not a plan)"
            mark = "  <-- over" if median > TARGET else ""
            slow += [name] if mark else []
            print(f"  {name:22s} {median:9.1f}{note}{mark}")
    print(f"over {TARGET:.0f}: {', '.join(slow) or 'none'}")


def local() -> None:
    print("LOCAL frames, microseconds (pandas, ours, ratio; medians of interleaved rounds)")
    with options.context(backend="pandas"):
        for name, action in LOCAL.items():
            ours = functools.partial(action, pd.DataFrame(raw()))
            theirs = functools.partial(action, plain.DataFrame(raw()))
            rounds = [(once(theirs, 300), once(ours, 300)) for _ in range(31)]
            a, b = (statistics.median(column) for column in zip(*rounds))
            print(f"  {name:16s} {a:9.2f} {b:9.2f}  x{b / a:.2f}")


def cpu_seconds(module: str) -> float:
    """User and system time of a fresh process that imports a module."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "PANDAS_DIST_BACKEND": "auto"}
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def imports(rounds: int = 21) -> None:
    pairs = [(cpu_seconds("pandas"), cpu_seconds("pandas_dist")) for _ in range(rounds)]
    a, b = (statistics.median(column) for column in zip(*pairs))
    print(f"import, CPU seconds: pandas {a:.3f}, pandas_dist {b:.3f}  x{b / a:.3f}")


FUNCTION = """
import time
import numpy as np
import {module} as pd

n = {rows}
df = pd.DataFrame({{"a": np.arange(n) % 97, "b": np.arange(n) / 3}})


def f(row):
    return row["a"] * 2 + row["b"] if row["a"] > 40 else row["b"] - 1


if __name__ == "__main__":
    for _ in range({runs}):
        start = time.perf_counter()
        total = df.apply(f, axis=1).sum()
        print(time.perf_counter() - start)
"""


def udf(rows: int = 1_000_000, rounds: int = 3) -> None:
    def run(module: str, backend: str, runs: int) -> list[float]:
        env = {**os.environ, "PANDAS_DIST_BACKEND": backend}
        script = FUNCTION.format(module=module, rows=rows, runs=runs)
        out = subprocess.run(
            [sys.executable, "-c", script], check=True, env=env, text=True, capture_output=True
        )
        return [float(line) for line in out.stdout.split()]

    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(run("pandas", "pandas", 1))
        ours.append(run("pandas_dist", "dask", 2))
    a = statistics.median(t[0] for t in theirs)
    cold, warm = (statistics.median(column) for column in zip(*ours))
    print(
        f"apply(f, axis=1) of {rows:,} rows: pandas {a:.2f} s; "
        f"ours cold {cold:.2f} s ({a / cold:.2f} times as fast), "
        f"warm {warm:.2f} s ({a / warm:.2f} times)"
    )


def main() -> None:
    parts = {"lazy": lazy, "local": local, "import": imports, "udf": udf}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
