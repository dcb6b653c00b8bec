"""Settings: environment, assignment, context, errors."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pandas_dist import config
from pandas_dist.config import MIB, options

NAMES = ["backend", "address", "min_bytes", "fallback", "memory_limit", "udf", "partition_bytes"]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in NAMES:
        monkeypatch.delenv(f"PANDAS_DIST_{name.upper()}", raising=False)
    options.reset()
    yield
    monkeypatch.undo()
    options.reset()


def test_defaults() -> None:
    assert options.backend == "auto"
    assert config.engine_name() == "auto"
    assert options.address is None
    assert options.min_bytes == 16 * MIB
    assert options.fallback == "warn"
    assert options.udf == "auto"
    assert options.partition_bytes == 64 * MIB
    assert 0 < options.memory_limit <= config.available_memory()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("backend", "dask", "dask"),
        ("backend", " Dask ", "dask"),
        ("backend", "pandas", "pandas"),
        ("backend", "", "auto"),
        ("address", "tcp://10.0.0.1:8786", "tcp://10.0.0.1:8786"),
        ("address", "", None),
        ("min_bytes", "0", 0),
        ("min_bytes", "64MB", 64_000_000),
        ("min_bytes", "64 MiB", 64 * MIB),
        ("min_bytes", "1.5kB", 1500),
        ("fallback", "error", "error"),
        ("memory_limit", "4GB", 4_000_000_000),
        ("memory_limit", "1000", 1000),
        ("udf", "local", "local"),
        ("partition_bytes", "8MiB", 8 * MIB),
    ],
)
def test_environment(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    monkeypatch.setenv(f"PANDAS_DIST_{name.upper()}", text)
    assert getattr(options, name) == value


def test_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDAS_DIST_FALLBACK", "error")
    assert options.fallback == "error"
    monkeypatch.setenv("PANDAS_DIST_FALLBACK", "silent")
    assert options.fallback == "error"
    options.reset()
    assert options.fallback == "silent"


WRONG = [
    ("backend", "dusk", "dask"),
    ("fallback", "explode", "silent"),
    ("udf", "remote", "distributed"),
    ("min_bytes", "-1", "number of bytes"),
    ("min_bytes", "64 parsecs", "number of bytes"),
    ("memory_limit", "0", "fraction"),
    ("memory_limit", "lots", "fraction"),
    ("partition_bytes", "0", "number of bytes"),
]


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG)
def test_wrong_value_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, allowed: str
) -> None:
    variable = f"PANDAS_DIST_{name.upper()}"
    monkeypatch.setenv(variable, text)
    with pytest.raises(ValueError, match=rf"{variable}.*{allowed}.*{text}"):
        getattr(options, name)


@pytest.mark.parametrize(("name", "text", "allowed"), WRONG)
def test_wrong_value_assigned(name: str, text: str, allowed: str) -> None:
    before = getattr(options, name)
    with pytest.raises(ValueError, match=rf"PANDAS_DIST_{name.upper()}.*{allowed}.*{text}"):
        setattr(options, name, text)
    if name != "memory_limit":  # which moves with the free memory
        assert getattr(options, name) == before


@pytest.mark.parametrize("value", [None, 3, True, 1.5, [], float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["backend", "min_bytes", "fallback", "memory_limit", "udf"])
def test_wrong_type(name: str, value: object) -> None:
    if name in ("min_bytes", "memory_limit") and value == 3 and value is not True:
        return
    with pytest.raises(ValueError, match="must be"):
        setattr(options, name, value)


def test_wrong_backend_at_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDAS_DIST_BACKEND", "dusk")
    for _ in range(2):
        allowed = r"PANDAS_DIST_BACKEND .*auto \| pandas \| polars \| dask"
        with pytest.raises(ValueError, match=allowed):
            config.engine_name()


def test_assignment_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDAS_DIST_BACKEND", "pandas")
    assert config.engine_name() == "pandas"
    options.backend = "dask"
    assert config.engine_name() == "dask"
    options.backend = "auto"
    assert config.engine_name() == "auto"


def test_min_bytes_default_depends_on_the_backend() -> None:
    options.backend = "dask"
    assert options.min_bytes == 0
    options.min_bytes = "1MB"
    assert options.min_bytes == 1_000_000
    options.backend = "auto"
    assert options.min_bytes == 1_000_000


def test_memory_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "available_memory", lambda: 1000)
    assert options.memory_limit == 600
    for given, limit in [("0.5", 500), (0.25, 250), ("1.0", 1000), (".1", 100), (1, 1)]:
        options.memory_limit = given
        assert options.memory_limit == limit


def test_unknown_option() -> None:
    with pytest.raises(AttributeError):
        options.backnd = "dask"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="backnd"), options.context(backnd="dask"):
        pass


def test_context_restores() -> None:
    options.fallback = "silent"
    with options.context(backend="dask", fallback="error") as inside:
        assert inside is options
        assert (config.engine_name(), options.fallback, options.min_bytes) == ("dask", "error", 0)
        with options.context(backend="pandas"):
            assert config.engine_name() == "pandas"
        assert config.engine_name() == "dask"
    assert (options.backend, config.engine_name(), options.fallback) == ("auto", "auto", "silent")


def test_context_restores_after_an_exception() -> None:
    with pytest.raises(KeyError), options.context(backend="dask"):
        raise KeyError
    assert config.engine_name() == "auto"


def test_context_with_one_wrong_value_changes_nothing() -> None:
    with pytest.raises(ValueError), options.context(udf="local", backend="dusk"):
        pass
    assert (options.udf, options.backend) == ("auto", "auto")


def test_context_leaves_the_environment_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDAS_DIST_BACKEND", "dask")
    with options.context(backend="pandas"):
        assert config.engine_name() == "pandas"
    assert config.engine_name() == "dask"


def test_other_threads_see_the_option() -> None:
    seen = []
    with options.context(backend="dask"):
        thread = threading.Thread(target=lambda: seen.append(config.engine_name()))
        thread.start()
        thread.join()
    assert seen == ["dask"]


def test_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match=r"pip install 'pandas_dist\[dask\]'"):
        options.backend = "dask"
    assert config.engine_name() == "auto"
    options.reset()
    monkeypatch.setenv("PANDAS_DIST_BACKEND", "dask")
    with pytest.raises(ImportError, match=r"pip install 'pandas_dist\[dask\]'"):
        config.engine_name()


def test_registered_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("other", "other.engine:Backend", config.BACKEND_GROUP)
    monkeypatch.setattr(config, "registered_backends", lambda: {"other": point})
    options.backend = "other"
    assert config.engine_name() == "other"
    with pytest.raises(ValueError, match="other"):
        options.backend = "another"


def test_our_backends_are_registered() -> None:
    assert {"pandas", "dask"} <= set(config.registered_backends())


def test_repr_shows_all() -> None:
    assert all(f"{name}=" in repr(options) for name in NAMES)


def test_config_imports_no_engine() -> None:
    code = (
        "import sys; from pandas_dist import config; config.options.backend = 'dask'\n"
        "config.engine_name(); print([m for m in ('dask', 'distributed') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------------------------------------
# Free memory


def _cgroup(directory: Path, limit: str, used: int, cache: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "memory.max").write_text(f"{limit}\n")
    (directory / "memory.current").write_text(f"{used}\n")
    (directory / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\nactive_file 3\n")


def test_cgroup_limit(tmp_path: Path) -> None:
    _cgroup(tmp_path, "1000", 600, 50)
    assert config._group_left(tmp_path, "memory.max", "memory.current") == [450]
    _cgroup(tmp_path, "max", 600, 50)
    assert config._group_left(tmp_path, "memory.max", "memory.current") == []
    assert config._group_left(tmp_path / "none", "memory.max", "memory.current") == []


def test_the_tightest_cap_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "MEASURED_EVERY", -1)
    monkeypatch.setattr(config, "_free_ram", lambda: 1000)
    monkeypatch.setattr(config, "_cgroup_left", lambda: [700, 900])
    monkeypatch.setattr(config, "_address_space_left", lambda: [800])
    assert config.available_memory() == 700
    monkeypatch.setattr(config, "_cgroup_left", lambda: [-5])
    assert config.available_memory() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is measured through /proc")
def test_address_space_limit() -> None:
    code = (
        "import resource; from pandas_dist import config\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)\n"
        "print(config.available_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 50 << 20 < int(done.stdout) <= 100 << 20


def test_settings_of_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANDAS_DIST_SPARK_CONF", "spark.jars=a,b, spark.executor.memory=4g")
    options.reset()
    assert options.spark_conf == (("spark.jars", "a,b"), ("spark.executor.memory", "4g"))
    with pytest.raises(ValueError, match="PANDAS_DIST_SPARK_CONF"):
        options.spark_conf = "nothing"


@pytest.mark.parametrize("address", ["spark://a:1,b:2", "sc://a", "k8s://a", "yarn", "local[2]"])
def test_addresses_of_spark(address: str) -> None:
    assert config.cluster_engine(address) == "spark"
    assert config.cluster_engine("tcp://" + address) == "dask"
