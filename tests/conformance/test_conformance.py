"""Every case on every backend against plain pandas."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as plain
import pytest
from strict import Outcome, assert_same, outcome

from .data import Data, write_files
from .registry import Case, all_cases


@dataclass(frozen=True)
class Setting:
    """A backend, and whether the data is cut into small partitions."""

    backend: str
    small_partitions: bool = False
    min_bytes: int = 0

    @property
    def name(self) -> str:
        return f"{self.backend}-small" if self.small_partitions else self.backend


# Another backend is another line.
SETTINGS = (
    Setting("pandas"),
    Setting("auto", min_bytes=2000),
    Setting("polars"),
    Setting("dask", small_partitions=True),
    Setting("dask"),
    Setting("spark"),
    *([Setting("modin")] if plain.__version__ < "3" else []),
)
CASES = all_cases()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return write_files(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def expected() -> dict[str, Outcome]:
    """The outcome of each case under plain pandas, filled in as cases need it."""
    return {}


@pytest.fixture(scope="module", autouse=True)
def interpreted() -> Iterator[None]:
    """On pandas 3, Spark interprets its expressions; on pandas 2 it compiles them, as it usually
    does: each way gives all answers, and compiling a small query takes longer than running it."""
    if plain.__version__ < "3":
        yield
        return
    from pandas_dist.backends.spark import session

    settings = {"wholeStage": "false", "factoryMode": "NO_CODEGEN"}
    with pytest.MonkeyPatch.context() as patch:
        codegen = {f"spark.sql.codegen.{k}": v for k, v in settings.items()}
        patch.setattr(session, "MEANING", {**session.MEANING, **codegen})
        yield
        session.stop()


@dataclass
class Share:
    """Cases by backend: those that ran, and those with a step that the engine has no form for."""

    run: set[tuple[str, str]] = field(default_factory=set)
    gathered: set[tuple[str, str]] = field(default_factory=set)
    steps: int = 0


@pytest.fixture(scope="session")
def share() -> Iterator[Share]:
    """Filled in as cases run: which plans are native to the last step."""
    from pandas_dist.backends import lowering

    found = Share()
    by_kernel = lowering.Lowering.by_kernel

    def counted(self: Any, node: Any, need: Any) -> Any:
        found.steps += self.how.get(id(node)) == lowering.GATHERED
        return by_kernel(self, node, need)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lowering.Lowering, "by_kernel", counted)
        yield found


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def run(case: Case, pd: Any, data: Data, tmp: Path) -> Outcome:
    """Run a case in a new directory; names of that directory are taken out of messages."""
    tmp.mkdir(parents=True)
    result = outcome(lambda: case.run(pd, np, data, tmp))
    error = result.error
    if error is not None and str(tmp) in str(error):
        parts = [a.replace(str(tmp), "<tmp>") if isinstance(a, str) else a for a in error.args]
        error.args = tuple(parts)
        if getattr(error, "filename", None):
            error.filename = str(error.filename).replace(str(tmp), "<tmp>")
    return result


def reference(case: Case, data: Data, tmp: Path, expected: dict[str, Outcome]) -> Outcome:
    if case.name not in expected:
        result = run(case, plain, data, tmp / "plain")
        if result.error is not None and not case.may_raise:
            raise AssertionError(f"{case.name} fails under plain pandas") from result.error
        expected[case.name] = result
    return expected[case.name]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case_is_sound(
    case: Case, data: Data, tmp_path: Path, expected: dict[str, Outcome]
) -> None:
    """A case gives the same twice under plain pandas."""
    assert_same(
        run(case, plain, data, tmp_path / "again"),
        reference(case, data, tmp_path, expected),
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(
    case: Case,
    setting: Setting,
    data: Data,
    tmp_path: Path,
    expected: dict[str, Outcome],
    share: Share,
) -> None:
    """A case gives on the backend what it gives under plain pandas."""
    import pandas_dist

    want = reference(case, data, tmp_path, expected)
    with _options(case, setting):
        before, steps = _executions(), share.steps
        got = run(case, pandas_dist, data, tmp_path / setting.name)
        assert_same(got, want)
        spent = _executions() - before
    share.run.add((setting.name, case.name))
    if share.steps > steps:
        share.gathered.add((setting.name, case.name))
    # Under auto each operation on a frame in memory is a plan of its own.
    if case.max_executions is not None and setting.backend != "auto":
        assert spent <= case.max_executions, f"executions: {spent} > {case.max_executions}"


@pytest.mark.parametrize(("backend", "most"), [("polars", 0.05), ("spark", 0.1)])
def test_native_share(backend: str, most: float, share: Share) -> None:
    """Of the cases that must run without falling back, few take all rows for a step of a plan."""
    native = {(backend, c.name) for c in CASES if c.native}
    if not native <= share.run:
        pytest.skip("only some of the cases have run")
    assert len(native & share.gathered) < most * len(native), sorted(native & share.gathered)


def _options(case: Case, setting: Setting) -> contextlib.AbstractContextManager[Any]:
    from pandas_dist.config import options

    wanted: dict[str, Any] = {
        "backend": setting.backend,
        "fallback": "error" if case.native and setting.backend != "pandas" else "silent",
    }
    if setting.min_bytes:
        wanted["min_bytes"] = setting.min_bytes
    if setting.small_partitions:
        wanted["partition_bytes"] = case.partition_bytes
    return options.context(**wanted)


def _executions() -> int:
    """How many times an engine has executed so far in this process."""
    try:
        from pandas_dist.report import counters
    except ImportError:
        return 0
    return counters.executions
