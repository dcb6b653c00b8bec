"""The documentation is true: the support page is up to date, code runs, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pandas_dist.config import _SETTINGS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the README's scripts find their file."""
    path = tmp_path_factory.mktemp("readme")
    n = np.arange(200_000)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(n % 366, unit="D")
    columns = {"shop": n % 11, "day": days, "price": (n % 997) / 8, "amount": n % 5, "x": n / 7}
    pd.DataFrame(columns).to_parquet(path / "sales.parquet")
    return path


def run(code: str, directory: Path, **settings: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PANDAS_DIST_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env={**clean, "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_support_page_is_up_to_date() -> None:
    command = [sys.executable, "docs/generate_support.py", "--check"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"}
    )
    hint = "run .venv/bin/python docs/generate_support.py"
    assert done.returncode == 0, f"{hint}\n{done.stdout}{done.stderr}"


def test_before_and_after(directory: Path) -> None:
    before = BLOCKS[0]
    after = before.replace("import pandas as pd", "import pandas_dist as pd")
    assert after != before
    strict = {"PANDAS_DIST_BACKEND": "dask", "PANDAS_DIST_FALLBACK": "error"}
    assert run(after, directory, **strict) == run(before, directory)


def test_explain_and_report_block(directory: Path) -> None:
    shown = run(BLOCKS[1], directory, PANDAS_DIST_BACKEND="dask")
    assert len(BLOCKS) == 2
    assert "Plan as run on dask" in shown
    assert "True dask" in shown
    assert "engine executions, no fallbacks" in shown


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`(PANDAS_DIST_[A-Z_]+)` \|", README))
    assert {s.variable for s in _SETTINGS.values()} <= documented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    local = [t for t in targets if "://" not in t]
    assert [t for t in local if not (page.parent / t).exists()] == []


def test_files_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "pandas_dist"
    engines = [package / "backends" / name for name in ("dask", "modin", "polars", "spark")]
    places = [package, package / "backends", *engines, package / "ops", package / "plan"]
    names = re.findall(r"`([a-z_/]+\.py)`", text)
    assert [n for n in names if not any((place / n).exists() for place in places)] == []
