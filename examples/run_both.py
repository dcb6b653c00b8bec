"""Run a pandas script twice, unchanged: on plain pandas and on an engine; then compare.

    python examples/run_both.py examples/flights.py --backend dask

Standard output and every file that the script writes into the directory it is given must be the
same, byte for byte.  The exit code is 0 if they are, else 1.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build" / "demo"


@dataclass(frozen=True)
class Run:
    """What one run left behind; `files` maps a relative path to the content."""

    label: str
    seconds: float
    code: int
    stdout: bytes
    stderr: str
    files: dict[str, bytes]


def run(label: str, command: list[str], output: Path) -> Run:
    """Run the script in a process of its own, with an empty output directory as its argument."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    start = time.perf_counter()
    done = subprocess.run([*command, str(output)], capture_output=True, env=clean)
    seconds = time.perf_counter() - start
    paths = sorted(path for path in output.rglob("*") if path.is_file())
    files = {str(path.relative_to(output)): path.read_bytes() for path in paths}
    stderr = done.stderr.decode(errors="replace")
    return Run(label, seconds, done.returncode, done.stdout, stderr, files)


def differences(plain: Run, other: Run) -> list[str]:
    """What differs between two runs, as lines to print; empty if nothing does."""
    found = [f"{r.label}: exit code {r.code}\n{r.stderr}" for r in (plain, other) if r.code]
    if plain.stdout != other.stdout:
        before, after = (r.stdout.decode(errors="replace").splitlines() for r in (plain, other))
        found += difflib.unified_diff(before, after, plain.label, other.label, n=1, lineterm="")
    for name in sorted(plain.files.keys() | other.files.keys()):
        if plain.files.get(name) != other.files.get(name):
            found.append(f"{name}: differs, or only one run wrote it")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("script", type=Path, nargs="?", default=Path("examples/flights.py"))
    parser.add_argument("--backend", default="dask")
    options = parser.parse_args()

    script, backend = str(options.script), options.backend
    drop_in = [sys.executable, "-m", "pandas_dist", "--backend", backend, "--report", script]
    output = BUILD / options.script.stem
    plain = run("pandas", [sys.executable, script], output / "pandas")
    other = run(f"pandas_dist on {backend}", drop_in, output / backend)

    print(plain.stdout.decode(errors="replace"))
    print(f"=== {script}: what ran where on {backend}")
    print(other.stderr)
    for done in (plain, other):
        print(f"{done.label}: {done.seconds:.1f} s, {len(done.files)} files")
    found = differences(plain, other)
    if found:
        print("DIFFERENT", *found, sep="\n")
        return 1
    compared = ", ".join(["standard output", *plain.files])
    print(f"IDENTICAL, byte for byte: {compared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
