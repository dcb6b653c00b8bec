"""Whole scripts on small data: ``python -m benchmarks.scripts``.

Each script of ``examples/`` and a handful of small ones run many times in fresh processes, in
turn on plain pandas, as ``python script.py``, and with ``auto``: unchanged through
``python -m pandas_dist``, and with ``import pandas_dist as pd``.  Medians of the seconds of the
whole process, startup included; in brackets those of its processor time, which other processes
disturb less.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pandas

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
LIMIT = 1.05

SMALL = {
    "import": "pd.DataFrame({'a': [1, 2]})['a'].sum()",
    "groupby and merge": """
        import numpy as np
        df = pd.DataFrame({"k": np.arange(20_000) % 97, "x": np.arange(20_000) / 7})
        names = pd.DataFrame({"k": range(97), "name": [f"n{i % 9}" for i in range(97)]})
        done = df[df["x"] > 10].merge(names, on="k")
        print(done.groupby("name")["x"].agg(["sum", "mean", "max"]).sort_values("sum"))
        print(done.pivot_table("x", "name", aggfunc="median"))
    """,
    "text and dates": """
        s = pd.Series([f"  Item {i % 50:02}, day {i % 28 + 1} " for i in range(5_000)])
        df = pd.DataFrame({"text": s.str.strip().str.lower()})
        df["day"] = df["text"].str.extract(r"day (\\d+)").astype(int)
        df["when"] = pd.to_datetime("2024-03-01") + pd.to_timedelta(df["day"], unit="D")
        print(df["text"].str.contains("item 1").sum(), df["when"].dt.dayofweek.value_counts())
        print(df.groupby(df["when"].dt.month)["day"].describe())
    """,
    "csv": """
        import io
        df = pd.DataFrame({"a": range(3_000), "b": [i * 0.25 for i in range(3_000)]})
        text = df.to_csv(index=False)
        again = pd.read_csv(io.StringIO(text))
        again["c"] = again["a"] * again["b"]
        print(again.describe(), again.tail(), again.sort_values("c", ascending=False).head())
    """,
    "many small calls": """
        df = pd.DataFrame({"a": range(200), "b": range(200)})
        total = 0
        for i in range(300):
            df.loc[i % 200, "a"] = i
            total += df["a"].sum() + df.iloc[i % 200]["b"] + len(df[df["b"] > i])
        print(total)
    """,
    "rows one by one": """
        df = pd.DataFrame({"a": range(2_000), "b": 0.5, "name": "x"})
        total = sum(row["a"] * row["b"] for _, row in df.iterrows())
        total += sum(row.a for row in df.itertuples())
        for i in range(1_000):
            df.at[i, "b"] = df.at[i, "a"] + df.iat[i, 1]
            total += df["a"].iloc[i] + df.loc[i, "b"]
        print(total, [v for v in df["a"].tolist() if v % 7 == 0][-1])
    """,
    "small frames": """
        found = []
        for i in range(60):
            df = pd.DataFrame({"k": ["a", "b", "c"] * 5, "x": range(i, i + 15)})
            df["y"] = df["x"] ** 2
            part = df[df["x"] % 2 == 0].groupby("k", as_index=False)["y"].mean()
            found.append(part.assign(i=i).rename(columns={"y": "mean"}))
        print(pd.concat(found).pivot(index="i", columns="k", values="mean").describe())
    """,
    "groups and text": """
        df = pd.DataFrame({"k": [f"g{i % 40}" for i in range(8_000)], "v": range(8_000)})
        for key, part in df.groupby("k"):
            part["v"].mean(), part["v"].max() - part["v"].min()
        df["text"] = df["k"].str.upper().str.replace("G", "group ") + df["v"].astype(str)
        print(df["text"].str.split(" ").str[0].value_counts(), df["k"].value_counts().head())
        print(df.groupby("k")["v"].apply(lambda v: v.iloc[-1] - v.iloc[0]).describe())
    """,
    "concat and rolling": """
        import numpy as np
        parts = [pd.DataFrame({"n": i, "v": np.arange(500.0)}) for i in range(40)]
        df = pd.concat(parts, ignore_index=True).set_index("n")
        print(df["v"].rolling(7).mean().dropna().tail(), df.groupby(level=0)["v"].cumsum().sum())
        print(df.reset_index().drop_duplicates("n").melt(id_vars="n").head())
    """,
}


def main(argv: list[str] | None = None) -> int:
    """Measure, write the table; 0 if ``auto`` was never beyond the limit, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scripts", description=__doc__)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--output", type=Path, default=RESULTS / "scripts.md")
    parser.add_argument("--only", default="", help="scripts whose name contains this")
    given = parser.parse_args(argv)
    compileall.compile_dir(ROOT / "pandas_dist", quiet=1)  # as pip does at installation
    lines = [
        "# Whole scripts on small data",
        "",
        f"`{' '.join(['python -m benchmarks.scripts', *sys.argv[1:]])}`: medians of "
        f"{given.repeat} fresh processes each, in turn; pandas {pandas.__version__}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores.",
        "",
        "| script | pandas, s | unchanged, auto / pandas | import pandas_dist, auto / pandas |",
        "| --- | --: | --: | --: |",
    ]
    beyond = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, commands in scripts(Path(directory)).items():
            if given.only in name:
                medians = measure(commands, given.repeat, Path(directory))
                plain, *ours = medians
                beyond += sum(m[0] / plain[0] > LIMIT for m in ours)
                cells = [name, f"{plain[0]:.3f} ({plain[1]:.3f})"]
                cells += [f"{m[0] / plain[0]:.3f} ({m[1] / plain[1]:.3f})" for m in ours]
                lines.append("| " + " | ".join(cells) + " |")
                print(lines[-1], file=sys.stderr, flush=True)
    lines += ["", f"Cells beyond {LIMIT}: {beyond}"]
    given.output.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(beyond > 0)


def scripts(directory: Path) -> dict[str, list[list[str]]]:
    """For each script its commands: plain, unchanged under ``auto``, and importing us."""
    found = {}
    files = sorted((ROOT / "examples").glob("*.py"))
    texts = {f"examples/{f.name}": f.read_text() for f in files if f.name != "run_both.py"}
    texts |= {name: "import pandas as pd\n" + textwrap.dedent(t) for name, t in SMALL.items()}
    for n, (name, text) in enumerate(texts.items()):
        plain, ours = directory / f"plain_{n}.py", directory / f"ours_{n}.py"
        plain.write_text(text)
        ours.write_text(text.replace("import pandas as pd", "import pandas_dist as pd"))
        drop_in = [sys.executable, "-m", "pandas_dist", "--backend", "auto", str(plain)]
        found[name] = [[sys.executable, str(plain)], drop_in, [sys.executable, str(ours)]]
    return found


def measure(
    commands: Sequence[list[str]], repeat: int, directory: Path
) -> list[tuple[float, float]]:
    """Medians of seconds and of processor seconds of each command.

    They take turns, and the first round warms up.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds: list[list[tuple[float, float]]] = [[] for _ in commands]
    for _ in range(repeat + 1):
        for command, found in zip(commands, seconds):
            start, before = time.perf_counter(), processor_seconds()
            subprocess.run(
                [*command, str(directory / "out")], check=True, capture_output=True, env=kept
            )
            found.append((time.perf_counter() - start, processor_seconds() - before))
    return [
        (statistics.median(w for w, _ in found[1:]), statistics.median(c for _, c in found[1:]))
        for found in seconds
    ]


def processor_seconds() -> float:
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
