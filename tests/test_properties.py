"""Random scripts give what plain pandas gives, whatever the partitions."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from property_ops import Script, run, scripts
from strict import Outcome, assert_same, outcome

import pandas_dist
from pandas_dist.backends.dask import join
from pandas_dist.config import options
from pandas_dist.ops import parquet

# More examples while looking for bugs: PROPERTY_EXAMPLES=5000.
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
# Backend and bytes of a partition.
PARTITIONS = st.sampled_from([("dask", n) for n in (100, 300, 1000, 10**6)])
ENGINES = st.one_of(st.just(("polars", 10**6)), PARTITIONS)


def profile(examples: int) -> Any:
    return settings(
        max_examples=EXAMPLES or examples,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def compare(script: Script, engine: tuple[str, int], folder: Path | None = None) -> None:
    """Run the script twice and compare everything that it leaves."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = outcome(lambda: run(script, plain, folder))
        backend, partition = engine
        wanted: dict[str, Any] = {"backend": backend, "partition_bytes": partition}
        with options.context(fallback="silent", **wanted):
            got = outcome(lambda: run(script, pandas_dist, folder))
            assert_same(got, expected)


@profile(250)
@given(scripts(), ENGINES)
def test_same_outcome(script: Script, engine: tuple[str, int]) -> None:
    compare(script, engine)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_same_outcome_from_files(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "SMALL_FILE", 0)

    @profile(80)
    @given(scripts(kind=kind), ENGINES)
    def check(script: Script, engine: tuple[str, int]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            written = outcome(lambda: run(Script(script.frames, (), kind), plain, Path(folder)))
            assume(written.error is None)
            compare(script, engine, Path(folder))

    check()


JOINED = [
    "x.merge(other, on='k', how={how})",
    "x.merge(other, on='k', how={how}, indicator=True)",
    "x.merge(other, on=['k', 'm'], how={how})",
    "x.merge(other, left_on='k', right_on='k', how={how})",
    "x.merge(other.set_index('k'), left_on='k', right_index=True, how={how}, suffixes=('', '_o'))",
    "other.set_index('k').merge(x, left_index=True, right_on='k', how={how}, suffixes=('_o', ''))",
    "x.join(other.set_index(['k', 'm']), on=['k', 'm'], how={how})",
    "x[x['m'] == 1].join(other.drop_duplicates('k').set_index('k')['w'], on='k', how={how})",
    "x.set_index('k').join(other.drop_duplicates('k').set_index('k')['w'], how={how})"
    ".reset_index()",
    "x.join(other[['w']], how={how})",
    "x[x['m'] == 1].join(other[['w']].iloc[::-1], how={how})",
]


@st.composite
def joins(draw: Any) -> Script:
    """Frames with keys of one type, joined in every way, and something afterwards."""
    size = st.integers(0, 40)
    key = draw(st.sampled_from(["int64", "float64", "object", "bool", "datetime64[ns]"]))
    pool: dict[str, list[Any]] = {
        "int64": [0, 1, 2, -1, 10**12],
        "float64": [0.0, -0.0, 1.5, float("nan")],
        "object": ["a", "b", "", None],
        "bool": [True, False],
        "datetime64[ns]": [0, 86_400 * 10**9, "NaT"],
    }

    def source(name: str, value: str) -> str:
        n = draw(size)
        keys = draw(st.lists(st.sampled_from(pool[key]), min_size=n, max_size=n))
        more = draw(st.lists(st.sampled_from([0, 1]), min_size=n, max_size=n))
        cells = f"'k': np.array({keys!r}, dtype={key!r}), 'm': np.array({more!r}, dtype='int64')"
        return f"{name} = pd.DataFrame({{{cells}, {value!r}: np.arange({n})}})"

    how = draw(st.sampled_from(["inner", "left", "right", "outer"]))
    joined = draw(st.sampled_from(JOINED)).format(how=repr(how))
    then = [
        "x = x.sum(numeric_only=True)",
        "x = x.sort_values('k')",
        "x = x.groupby('k').size()",
        "x = x[x['v'] > 3]",
        "x = x[x['w'].notna()]",
        "x = x[x['v'].notna()]",
        "x = x['v'].fillna(0).sum()",
        "x = x.drop_duplicates('k')",
        "x = x.head(5)",
        "x = len(x)",
    ]
    lines = (
        f"x = {joined}",
        *draw(st.lists(st.sampled_from(then), max_size=2)),
    )
    return Script((source("x", "v"), source("other", "w")), lines)


@profile(80)
@given(joins(), ENGINES)
def test_same_joins(script: Script, engine: tuple[str, int]) -> None:
    compare(script, engine)


@pytest.mark.parametrize("shuffle", [True, False])
def test_same_joins_of_partitions(shuffle: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "fits", lambda *_: not shuffle)

    @profile(80)
    @given(joins(), PARTITIONS)
    def check(script: Script, engine: tuple[str, int]) -> None:
        assume(not leaves_left_order(script))
        compare(script, engine)

    check()


def leaves_left_order(script: Script) -> bool:
    """Whether pandas' inner join is not in the order of the left rows (a quirk of pandas)."""
    if "how='inner'" not in script.lines[0]:
        return False
    done = outcome(lambda: run(Script(script.frames, script.lines[:1]), plain, None))
    first = done.value["x"] if done.error is None else {}
    if "v" not in first:
        return False
    return not first["v"].is_monotonic_increasing


def test_an_outcome_is_compared_with_its_exception() -> None:
    got, expected = Outcome(value=1), Outcome(error=KeyError("a"))
    with pytest.raises(AssertionError, match="no exception"):
        assert_same(got, expected)
