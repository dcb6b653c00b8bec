"""install(), uninstall(), the notebook extension and ``python -m pandas_dist``."""

from __future__ import annotations

import builtins
import importlib
import pickle
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas
import pytest

import pandas_dist
from pandas_dist import monkeypatch as patching


@pytest.fixture
def installed() -> Iterator[None]:
    pandas_dist.install()
    yield
    pandas_dist.uninstall()


def user(code: str, name: str = "users_module") -> dict[str, Any]:
    """Run `code` as the module `name` and return its namespace."""
    space: dict[str, Any] = {"__name__": name}
    exec(code, space)
    return space


# ---------------------------------------------------------------------------------------------
# User code


@pytest.mark.parametrize(
    "code",
    [
        "import pandas as x",
        "import pandas; x = pandas",
        "import pandas.api.types; x = pandas",
        "import importlib; x = importlib.import_module('pandas')",
        "x = __import__('pandas')",
        "x = __import__(name='pandas')",
        "def f():\n    import pandas\n    return pandas\nx = f()",
    ],
)
def test_user_code_gets_the_mirror(installed: None, code: str) -> None:
    assert user(code)["x"] is pandas_dist
    assert user(code, "__main__")["x"] is pandas_dist
    assert user(code, "pandas.core.frame")["x"] is pandas
    pandas_dist.uninstall()
    assert user(code)["x"] is pandas


def test_names_of_pandas(installed: None) -> None:
    space = user("from pandas import Timestamp, read_csv, api, isna as missing")
    assert space["Timestamp"] is pandas.Timestamp and space["api"] is pandas.api
    assert space["read_csv"] is pandas_dist.read_csv
    assert space["missing"] is pandas_dist.isna


@pytest.mark.parametrize(
    "code",
    [
        "from pandas import DataFrame, Series",
        "from pandas import *",
        "from pandas.core.api import DataFrame, Series",
        "from pandas.core.api import *",
        "from pandas.core.frame import DataFrame; from pandas.core.series import Series",
    ],
)
def test_classes(installed: None, code: str) -> None:
    space = user(code)
    assert space["DataFrame"] is pandas_dist.DataFrame
    assert space["Series"] is pandas_dist.Series
    assert user(code, "dask.dataframe.core")["DataFrame"] is pandas.DataFrame


def test_functions_of_submodules(installed: None) -> None:
    space = user("from pandas.core.reshape.merge import merge, _MergeOperation")
    assert space["merge"] is pandas_dist.merge
    assert space["_MergeOperation"] is sys.modules["pandas.core.reshape.merge"]._MergeOperation


@pytest.mark.parametrize(
    ("code", "module"),
    [
        ("import pandas.api.types as x", "pandas.api.types"),
        ("from pandas.api import types as x", "pandas.api.types"),
        ("from pandas import testing as x", "pandas.testing"),
        ("import importlib; x = importlib.import_module('pandas.plotting')", "pandas.plotting"),
    ],
)
def test_submodules_stay_pandas_own(installed: None, code: str, module: str) -> None:
    assert user(code)["x"] is importlib.import_module(module)


@pytest.mark.parametrize(
    "code",
    [
        "import pandas.nothing",
        "from pandas import nothing",
        "from pandas.core.frame import nothing",
    ],
)
def test_errors_are_pandas_own(code: str) -> None:
    with pytest.raises(ImportError) as expected:
        user(code)
    pandas_dist.install()
    try:
        with pytest.raises(ImportError) as got:
            user(code)
    finally:
        pandas_dist.uninstall()
    assert (type(got.value), str(got.value)) == (type(expected.value), str(expected.value))


# ---------------------------------------------------------------------------------------------
# Everybody else


@pytest.mark.parametrize("name", ["pandas", "dask.dataframe", "distributed.worker", "pyarrow.x"])
def test_engines_see_the_real_pandas(installed: None, name: str) -> None:
    space = user("import pandas, importlib; again = importlib.import_module('pandas')", name)
    assert space["pandas"] is pandas and space["again"] is pandas


def test_dask_imported_after_install_has_the_real_pandas() -> None:
    code = """
import sys, pandas_dist
pandas_dist.install()
import dask.dataframe, distributed, pyarrow.parquet, pandas
assert pandas is pandas_dist
real = sys.modules["pandas"]
holders = [(n, v) for n, m in list(sys.modules.items()) for v in list(vars(m).values())
           if n.split(".")[0] in ("dask", "distributed", "pyarrow", "pandas", "numpy")]
print(sum(v is real for _, v in holders) > 10, [n for n, v in holders if v is pandas_dist])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "True []", done.stderr


def test_libraries_by_time_of_import(installed: None, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "late_library.py").write_text("import pandas\n")
    (tmp_path / "early_library.py").write_text("import pandas\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pandas_dist.uninstall()
    early = importlib.import_module("early_library")
    pandas_dist.install()
    late = importlib.import_module("late_library")
    assert early.pandas is pandas and late.pandas is pandas_dist
    for name in ("early_library", "late_library"):
        del sys.modules[name]


def test_sys_modules_and_pickles_are_untouched(installed: None) -> None:
    assert sys.modules["pandas"] is pandas
    frame = pandas.DataFrame({"a": [1]})
    data = pickle.dumps(frame)
    assert b"pandas_dist" not in data
    assert type(pickle.loads(data)) is pandas.DataFrame


def test_real_pandas_in_this_thread_only(installed: None) -> None:
    seen: list[Any] = []
    with patching.real_pandas():
        assert user("import pandas")["pandas"] is pandas
        thread = threading.Thread(target=lambda: seen.append(user("import pandas")["pandas"]))
        thread.start()
        thread.join()
    assert seen == [pandas_dist]
    assert user("import pandas")["pandas"] is pandas_dist


def test_install_does_nothing_in_an_engine_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = SimpleNamespace(name="Dask Worker process (from Nanny)")
    monkeypatch.setattr("multiprocessing.process.current_process", lambda: worker)
    pandas_dist.install()
    assert not patching.is_installed()


# ---------------------------------------------------------------------------------------------
# Reversible


def test_idempotent_and_reversible() -> None:
    before = builtins.__import__, importlib.import_module
    pandas_dist.install()
    once = builtins.__import__, importlib.import_module
    pandas_dist.install()
    assert (builtins.__import__, importlib.import_module) == once
    assert patching.is_installed()
    pandas_dist.uninstall()
    pandas_dist.uninstall()
    assert builtins.__import__ is before[0] and importlib.import_module is before[1]
    assert not patching.is_installed()


def test_somebody_wraps_import_after_us() -> None:
    before = builtins.__import__
    pandas_dist.install()
    ours = builtins.__import__

    def theirs(*args: Any, **kwargs: Any) -> Any:
        return ours(*args, **kwargs)

    try:
        builtins.__import__ = theirs
        assert user("import pandas")["pandas"] is pandas_dist
        pandas_dist.uninstall()
        assert builtins.__import__ is theirs
        assert user("import pandas")["pandas"] is pandas
        pandas_dist.install()
        assert user("import pandas")["pandas"] is pandas_dist
    finally:
        builtins.__import__ = ours
        pandas_dist.uninstall()
    assert builtins.__import__ is before


def test_warnings_of_imports_keep_their_place(
    installed: None, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "old_library.py").write_text(
        "import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(DeprecationWarning, match="old") as caught:
        import old_library  # noqa: F401
    assert caught[0].filename == __file__
    del sys.modules["old_library"]


# ---------------------------------------------------------------------------------------------
# Notebooks


def test_notebook_names_are_replaced() -> None:
    names = {
        "pd": pandas,
        "DataFrame": pandas.DataFrame,
        "read_csv": pandas.read_csv,
        "n": 3,
        "Timestamp": pandas.Timestamp,
    }
    shell = SimpleNamespace(user_ns=dict(names))
    pandas_dist.load_ipython_extension(shell)
    try:
        assert shell.user_ns["pd"] is pandas_dist
        assert shell.user_ns["DataFrame"] is pandas_dist.DataFrame
        assert shell.user_ns["read_csv"] is pandas_dist.read_csv
        assert user("import pandas", "__main__")["pandas"] is pandas_dist
        # A cell run again changes nothing.
        pandas_dist.load_ipython_extension(shell)
        assert shell.user_ns["pd"] is pandas_dist
    finally:
        pandas_dist.unload_ipython_extension(shell)
    assert all(shell.user_ns[name] is value for name, value in names.items())
    assert user("import pandas", "__main__")["pandas"] is pandas


def test_ipython(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    script = tmp_path / "cells.ipy"
    script.write_text(
        "import pandas as pd\n%load_ext pandas_dist\nprint(pd.__name__)\nimport pandas\n"
        "print(pandas.__name__)\n%unload_ext pandas_dist\nprint(pd.__name__)\n"
    )
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", str(script)]
    environment = {"IPYTHONDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.stdout.split() == ["pandas_dist", "pandas_dist", "pandas"], done.stderr


# ---------------------------------------------------------------------------------------------
# python -m pandas_dist

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ours(tmp_path: Path) -> Run:
    return lambda *words: _python(tmp_path, "-m", "pandas_dist", *words)


@pytest.fixture
def plain(tmp_path: Path) -> Run:
    return lambda *words: _python(tmp_path, *words)


def _python(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=120, cwd=directory
    )


def _same(ours: Any, plain: Any) -> None:
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        plain.returncode,
        plain.stdout,
        plain.stderr,
    )


def test_script_sees_the_mirror(ours: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import pandas as pd, helper\nprint(pd.__name__, helper.pandas.__name__, __name__)\n"
    )
    (tmp_path / "helper.py").write_text("import pandas\n")
    done = ours("script.py")
    assert (done.stdout.split(), done.stderr) == (["pandas_dist", "pandas_dist", "__main__"], "")
    assert ours("-m", "script").stdout == done.stdout


ENVIRONMENT = """
import os, pickle, sys
from os.path import basename
class C:
    pass
print(sys.argv, sys.path[0], __file__, __name__, __package__, __cached__ and basename(__cached__))
print(__spec__ and __spec__.name, type(__loader__).__name__, sorted(globals()))
print(sys.modules["__main__"].C is C, type(pickle.loads(pickle.dumps(C()))) is C)
import atexit
atexit.register(lambda: print(sys.modules["__main__"].C is C))
"""


@pytest.mark.parametrize(
    "words",
    [
        ("pkg/script.py", "a", "-b", "--backend", "x", "-m"),
        ("./pkg/../pkg/script.py",),
        ("link.py", "--help"),
        ("-m", "pkg.script", "--report"),
        ("-mpkg.script",),
        ("-m", "pkg"),
        ("pkg",),
        ("app.zip", "x"),
    ],
)
def test_script_runs_as_python_runs_it(
    ours: Run, plain: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    for name in ("script.py", "__main__.py"):
        (tmp_path / "pkg" / name).write_text(ENVIRONMENT)
    (tmp_path / "link.py").symlink_to(tmp_path / "pkg" / "script.py")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", ENVIRONMENT)
    plain("-m", "pkg.script")  # so that both find compiled files
    _same(ours(*words), plain(*words))


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(7)",
        "raise SystemExit('a message')",
        "def f():\n    raise ValueError('x')\nf()",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['k']",
        "x = (\n",
        "import broken",
        "import no_such_module",
        "import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\n1 / 0",
        "import importlib\nimportlib.import_module('broken')",
        "import warnings\nwarnings.warn('careful', DeprecationWarning)",
        "class E(Exception):\n    pass\nraise E('own') from KeyError('cause')",
    ],
)
def test_failures_look_like_pythons(ours: Run, plain: Run, tmp_path: Path, code: str) -> None:
    (tmp_path / "script.py").write_text(code)
    (tmp_path / "broken.py").write_text("import inner_broken\n")
    (tmp_path / "inner_broken.py").write_text("import json\njson.loads('{')\n")
    _same(ours("script.py"), plain("script.py"))
    _same(ours("-m", "script"), plain("-m", "script"))


@pytest.mark.parametrize(
    "words", [("missing.py",), ("-m", "missing"), ("-m", "missing.deeper"), ("-m", "json"), (".",)]
)
def test_missing_script(ours: Run, plain: Run, words: tuple[str, ...]) -> None:
    got, expected = ours(*words), plain(*words)
    if words == (".",):
        assert got.returncode == expected.returncode == 1
        assert "can't find '__main__' module" in got.stderr
    else:
        _same(got, expected)


def test_interrupt(ours: Run, plain: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(10**8): pass\n"
    )
    got, expected = ours("script.py"), plain("script.py")
    assert got.returncode == expected.returncode == -signal.SIGINT
    assert got.stderr.startswith('Traceback (most recent call last):\n  File "' + str(tmp_path))


def test_settings(ours: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import os, pandas as pd\no = pd.dist.options\n"
        "print(o.backend, o.address, o.fallback, os.environ['PANDAS_DIST_BACKEND'])\n"
    )
    words = ("--backend", "dask", "--address=tcp://h:1", "--fallback", "silent")
    done = ours(*words, "script.py")
    assert done.stdout.split() == ["dask", "tcp://h:1", "silent", "dask"], done.stderr


def test_report(ours: Run, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("print('out')\nraise SystemExit(3)\n")
    done = ours("--report", "script.py")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "fallbacks" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "a script or -m module is required"),
        (("-m",), "a script or -m module is required"),
        (("--backend", "dusk", "x.py"), "PANDAS_DIST_BACKEND"),
        (("--fallback", "dusk", "x.py"), "warn | silent | error"),
        (("--nonsense", "x.py"), "--nonsense"),
        (("--backend",), "expected one argument"),
    ],
)
def test_wrong_usage(ours: Run, words: tuple[str, ...], message: str) -> None:
    done = ours(*words)
    assert done.returncode == 2 and message in done.stderr
    assert "Traceback" not in done.stderr


def test_help(ours: Run) -> None:
    done = ours("--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("--backend", "--address", "--fallback", "-m"))


def test_processes_see_the_real_pandas(ours: Run, tmp_path: Path) -> None:
    """A pool's workers import the script again; what they return unpickles here."""
    (tmp_path / "script.py").write_text(
        "import multiprocessing, pandas as pd\n"
        "def work(n):\n    return pd.__name__, pd.Timestamp(n)\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pd.__name__, pool.map(work, [0]))\n"
    )
    done = ours("script.py")
    expected = "pandas_dist [('pandas', Timestamp('1970-01-01 00:00:00'))]\n"
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr
