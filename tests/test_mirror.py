"""The namespace: everything that pandas has, under our name."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import pydoc
import subprocess
import sys
import traceback
import warnings
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pandas
import pytest

import pandas_dist as pd
from pandas_dist import functions, mirror
from pandas_dist.config import options

NAMES = [n for n in dir(pandas) if not (n.startswith("__") and n.endswith("__"))]
MODULES = ["api", "arrays", "compat", "core", "errors", "io", "plotting", "testing", "tseries"]


def run(code: str) -> str:
    """What `code` prints in a fresh interpreter."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------------------------------------
# Names


@pytest.mark.parametrize("name", [n for n in NAMES if n not in mirror.CLASSES])
def test_every_name_is_pandas_own(name: str) -> None:
    ours, real = getattr(pd, name), getattr(pandas, name)
    assert getattr(ours, "__wrapped__", ours) is real or ours is real


@pytest.mark.parametrize("name", mirror.CLASSES)
def test_classes_are_ours(name: str) -> None:
    ours = getattr(pd, name)
    assert issubclass(ours, getattr(pandas, name))
    assert ours is not getattr(pandas, name)
    assert getattr(pd, name) is ours


def test_dir_and_all() -> None:
    assert set(dir(pandas)) | {"dist", "install", "uninstall"} == set(dir(pd))
    assert pd.__all__ == pandas.__all__
    assert pd.__version__ == pandas.__version__


def test_unknown_name_is_pandas_error() -> None:
    with pytest.raises(AttributeError) as theirs:
        _ = pandas.no_such_name
    with pytest.raises(AttributeError) as ours:
        _ = pd.no_such_name
    assert str(ours.value) == str(theirs.value)
    assert not hasattr(pd, "no_such_name")
    with pytest.raises(ImportError):
        from pandas_dist import no_such_name  # noqa: F401


def test_our_modules_hide_no_pandas_name() -> None:
    ours = {module.name for module in pkgutil.iter_modules(pd.__path__)}
    assert not ours & set(dir(pandas)), "an own module would replace pandas' when it is imported"


def test_star_import() -> None:
    space: dict[str, Any] = {}
    exec("from pandas_dist import *", space)
    assert set(pandas.__all__) <= set(space)
    assert space["DataFrame"] is pd.DataFrame


def test_help() -> None:
    text = pydoc.render_doc(pd)
    assert "import pandas_dist as pd" in text and "read_csv" in text
    assert "filepath_or_buffer" in pydoc.render_doc(pd.read_csv)


def test_dist() -> None:
    assert pd.dist.options is options
    assert sorted(pd.dist.__all__) == ["explain", "options", "report"]
    assert "executions" in pd.dist.report()
    from pandas_dist import dist

    assert dist is pd.dist


# ---------------------------------------------------------------------------------------------
# Modules


@pytest.mark.parametrize("name", [*MODULES, "api.types", "core.reshape.merge", "io.formats.style"])
def test_submodules_are_pandas_own(name: str) -> None:
    real = importlib.import_module(f"pandas.{name}")
    spec = real.__spec__
    assert importlib.import_module(f"pandas_dist.{name}") is real
    assert sys.modules[f"pandas.{name}"] is real
    assert real.__spec__ is spec and real.__name__ == f"pandas.{name}"


def test_submodule_statements_in_a_fresh_interpreter() -> None:
    code = """
import pandas_dist.plotting
from pandas_dist.api.types import is_numeric_dtype
from pandas_dist.testing import assert_frame_equal
from pandas_dist.tseries.offsets import MonthEnd
import pandas_dist.io.formats.style as style
import pandas_dist.api.extensions as extensions
import pandas_dist as pd, pandas, sys
assert is_numeric_dtype is pandas.api.types.is_numeric_dtype
assert assert_frame_equal is pandas.testing.assert_frame_equal
assert MonthEnd is pandas.offsets.MonthEnd
assert style is sys.modules["pandas.io.formats.style"]
assert extensions is pandas.api.extensions
assert pandas_dist.plotting is pandas.plotting
assert all(m.__spec__.name == n for n, m in list(sys.modules.items())
           if n.startswith("pandas.") and m.__spec__)
import pickle
assert pickle.loads(pickle.dumps(MonthEnd(2))) == MonthEnd(2)
print("ok")
"""
    assert run(code) == "ok"


@pytest.mark.parametrize("name", ["no_such", "api.no_such", "no_such.deeper"])
def test_missing_submodule(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        importlib.import_module(f"pandas_dist.{name}")


def test_reload() -> None:
    before = len(sys.meta_path)
    assert importlib.reload(pd) is pd
    assert len(sys.meta_path) == before
    assert pd.api is pandas.api


# ---------------------------------------------------------------------------------------------
# Import


def test_import_is_light() -> None:
    code = """
import pandas, sys
before = set(sys.modules)
import pandas_dist
new = set(sys.modules) - before
heavy = ("dask", "distributed", "pyarrow", "importlib.metadata", "asyncio", "multiprocessing")
print([m for m in new if m.startswith(heavy)], len(new) < 40)
"""
    assert run(code) == "[] True"


def test_import_warns_of_nothing() -> None:
    assert run("import pandas_dist as pd; dir(pd); print(pd.__version__)") == pandas.__version__


# ---------------------------------------------------------------------------------------------
# Functions

FUNCTIONS = [n for n in pandas.__all__ if isinstance(getattr(pandas, n), FunctionType)]
WRAPPED = [n for n in FUNCTIONS if n not in mirror.PLAIN_FUNCTIONS]


def test_which_functions_are_wrapped() -> None:
    assert {"read_csv", "concat", "merge", "isna", "eval", "cut", "to_datetime"} <= set(WRAPPED)
    assert all(isinstance(getattr(pd, n), functions.PandasFunction) for n in WRAPPED)
    assert pd.date_range is pandas.date_range and pd.array is pandas.array
    assert pd.isnull is pd.isna and pd.notnull is pd.notna


@pytest.mark.parametrize("name", WRAPPED)
def test_functions_look_like_pandas(name: str) -> None:
    ours, real = getattr(pd, name), getattr(pandas, name)
    assert inspect.signature(ours) == inspect.signature(real)
    assert inspect.getsource(ours) == inspect.getsource(real)
    assert inspect.isfunction(ours) and callable(ours)
    for attribute in ("__doc__", "__name__", "__qualname__", "__module__"):
        assert getattr(ours, attribute) == getattr(real, attribute)
    assert repr(ours) == repr(real) and ours == real and hash(ours) == hash(real)


@pytest.mark.parametrize("name", WRAPPED)
def test_functions_pickle_as_pandas_own(name: str) -> None:
    ours, real = getattr(pd, name), getattr(pandas, name)
    assert pickle.loads(pickle.dumps(ours)) is real
    assert copy.copy(ours) is ours and copy.deepcopy({"f": ours})["f"] is ours


def test_cloudpickle_needs_no_pandas_dist() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    data = cloudpickle.dumps(pd.isna)
    code = f"""
import sys
sys.modules["pandas_dist"] = None
import pickle
print(pickle.loads({data!r})(None))
"""
    assert run(code) == "True"


def test_results_are_ours() -> None:
    frame = pd.concat([pandas.DataFrame({"a": [1]}), pandas.DataFrame({"a": [2]})])
    assert type(frame) is pd.DataFrame
    assert type(pd.to_numeric(pandas.Series(["1"]))) is pd.Series
    assert pd.isna(None) is True


class _Calls:
    """Stands in for the dispatcher and remembers what reaches it."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def module(self) -> ModuleType:
        module = ModuleType("pandas_dist.ops.dispatch")
        module.__dict__.update(
            call_function=self.call_function,
            wrap_result=self.wrap_result,
            is_for_engine=lambda *_: False,
        )
        return module

    def call_function(self, name: str, function: Any, args: Any, kwargs: Any) -> Any:
        self.seen.append(("call", name, function, args, kwargs))
        return function(*args, **kwargs)

    def wrap_result(self, result: Any) -> Any:
        self.seen.append(("wrap", result))
        return result


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> _Calls:
    calls = _Calls()
    monkeypatch.setattr(functions, "_dispatch", calls.module())
    return calls


def test_what_the_dispatcher_gets(calls: _Calls) -> None:
    with options.context(backend="pandas"):
        assert pd.isna(3) is False
    with options.context(backend="dask"):
        assert pd.isnull(obj=None) is True
    assert calls.seen == [
        ("wrap", False),
        ("call", "isna", pandas.isna, (), {"obj": None}),
    ]


@pytest.mark.parametrize("backend", ["pandas", "dask"])
def test_eval_sees_the_callers_names(calls: _Calls, backend: str) -> None:
    inner = 3

    def nested() -> Any:
        other = 4
        assert other
        return pd.eval("inner + 1", level=1)

    with options.context(backend=backend):
        assert pd.eval("inner + 1") == 4
        assert nested() == 4
        assert pd.eval("inner + 1", local_dict={"inner": 10}) == 11
        assert [pd.eval("NUMBER * 2"), inner] == [14, 3]
        with pytest.raises(pandas.errors.UndefinedVariableError):
            pd.eval("no_such_name + 1")


NUMBER = 7


def test_warnings_name_the_users_line(calls: _Calls) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        pd.to_datetime(["1/2/2020", "x"], errors="coerce", dayfirst=None)
        pd.to_datetime(["2020-13-01 x", "y"], errors="coerce")
    users = [w for w in caught if issubclass(w.category, UserWarning)]
    assert {(w.filename, w.lineno) for w in users} <= {(__file__, line), (__file__, line + 1)}
    assert users


def test_tracebacks_show_our_source(calls: _Calls, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        pd.read_csv(tmp_path / "missing.csv")
    frames = traceback.extract_tb(error.value.__traceback__)
    ours = [f for f in frames if Path(f.filename).resolve() == Path(functions.__file__).resolve()]
    assert len(ours) == 1 and "wrapped(*args, **kwargs)" in str(ours[0].line)
    assert ours[0].filename.startswith(str(Path(pandas.__file__).parent))


# ---------------------------------------------------------------------------------------------
# pandas_dist.dist


def test_explain_of_local_data() -> None:
    assert pd.dist.explain(pandas.DataFrame({"a": [1]})) == "DataFrame in memory (pandas)"
    with pytest.raises(TypeError, match="not int"):
        pd.dist.explain(3)
