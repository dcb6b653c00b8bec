"""``import pandas`` gives the mirror in user code, without editing it.

``sys.modules["pandas"]`` stays the real module, so pickles, pandas' own imports and C extensions
are untouched.  Only the two ways by which Python code asks for a module are wrapped, the import
statement and importlib.import_module, and the answer depends on the module that asks.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, ModuleType, TracebackType
from typing import Any

from pandas_dist import mirror

# Packages that always get the real pandas: pandas itself, we, the engines, and what carries
# data and functions between processes.
REAL_PANDAS = frozenset(
    {
        "pandas",
        "pandas_dist",
        "bodo",
        "dask",
        "dask_expr",
        "distributed",
        "duckdb",
        "fireducks",
        "modin",
        "polars",
        "pyspark",
        "ray",
        "fsspec",
        "narwhals",
        "numexpr",
        "numpy",
        "pyarrow",
        "_pickle",
        "cloudpickle",
        "copyreg",
        "joblib",
        "loky",
        "multiprocessing",
        "pickle",
    }
)

_lock = threading.Lock()
_wrapped: dict[str, tuple[Any, Any]] = {}  # attribute -> (original, our wrapper)
_active = False


class _Thread(threading.local):
    real = 0  # depth of real_pandas()


_thread = _Thread()


def install() -> None:
    """Give the mirror to user code and to libraries imported from now on.  Idempotent.

    Does nothing in a worker process of an engine, which may run the user's script again.
    """
    global _active
    with _lock:
        if _is_engine_worker():
            return
        _wrap(builtins, "__import__", _import_statement)
        _wrap(importlib, "import_module", _import_module)
        _active = True


def uninstall() -> None:
    """Undo `install`.  Idempotent.

    Where somebody else has wrapped the import functions since, our wrapper stays below theirs
    and lets everything through.
    """
    global _active
    with _lock:
        _active = False
        for name, (original, wrapper) in list(_wrapped.items()):
            module = builtins if name == "__import__" else importlib
            if getattr(module, name) is wrapper:
                setattr(module, name, original)
                del _wrapped[name]


def is_installed() -> bool:
    """Whether ``import pandas`` gives the mirror."""
    return _active


@contextmanager
def real_pandas() -> Iterator[None]:
    """Inside, ``import pandas`` in this thread gives the real pandas, whoever asks.

    For engines that run the user's functions in threads of this process.
    """
    _thread.real += 1
    try:
        yield
    finally:
        _thread.real -= 1


def _wrap(module: ModuleType, name: str, wrapper: Callable[[Any], Any]) -> None:
    if name in _wrapped:
        return
    original = getattr(module, name)
    replacement = functools.wraps(original)(wrapper(original))
    setattr(module, name, replacement)
    _wrapped[name] = (original, replacement)


def _is_engine_worker() -> bool:
    process = sys.modules.get("multiprocessing.process")  # there in any process it has started
    return process is not None and process.current_process().name.startswith("Dask Worker process")


# ---------------------------------------------------------------------------------------------
# The two wrappers


def _import_statement(original: Callable[..., Any]) -> Callable[..., Any]:
    def _call_with_frames_removed(*args: Any, **kwargs: Any) -> Any:
        module = original(*args, **kwargs)
        name = args[0] if args else kwargs["name"]
        if _active and (name == "pandas" or name.startswith("pandas.")):
            if len(args) < 2 and "globals" not in kwargs:  # no statement, but __import__("pandas")
                kwargs = {**kwargs, "globals": sys._getframe(1).f_globals}
            return _answer(module, *args, **kwargs)
        return module

    # This frame stands in the stack of every import.  Under the import system's own name Python
    # leaves it out of tracebacks, and warnings with a stacklevel reach the module that imports.
    _call_with_frames_removed.__code__ = _call_with_frames_removed.__code__.replace(
        co_filename="<frozen importlib._bootstrap>"
    )
    return _call_with_frames_removed


def _answer(
    real: ModuleType,
    name: str,
    globals: dict[str, Any] | None = None,
    locals: Any = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """What an import statement gets instead of the module `real` that the import system found."""
    if level or not _is_user(globals):
        return real
    top = not fromlist or name == "pandas"
    if not top:
        return _view(real, fromlist or ())
    pandas_dist = sys.modules[mirror.PACKAGE]
    missing = [n for n in fromlist or () if n != "*" and not hasattr(pandas_dist, n)]
    return real if missing else pandas_dist  # real: the ImportError is pandas' own


def _import_module(original: Callable[..., Any]) -> Callable[..., Any]:
    def import_module(*args: Any, **kwargs: Any) -> Any:
        module = original(*args, **kwargs)
        if _active and module is sys.modules["pandas"] and _is_user(sys._getframe(1).f_globals):
            return mirror.substitute(module)
        return module

    return import_module


def _is_user(globals: dict[str, Any] | None) -> bool:
    """Whether the module with these globals is neither pandas, nor an engine, nor ours."""
    if _thread.real:
        return False
    name = (globals or {}).get("__name__")
    return not isinstance(name, str) or name.partition(".")[0] not in REAL_PANDAS


# ---------------------------------------------------------------------------------------------
# from pandas.core.frame import DataFrame


class _View(ModuleType):
    """A module of pandas with the mirror's classes and functions in place of pandas' own."""

    def __init__(self, real: ModuleType, replaced: dict[str, Any]) -> None:
        super().__init__(real.__name__)
        self.__dict__.update({**vars(real), **replaced})
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)


def _view(real: ModuleType, fromlist: Sequence[str]) -> ModuleType:
    replaced = {}
    for name in vars(real) if "*" in fromlist else fromlist:
        value = getattr(real, name, None)
        if isinstance(value, (type, FunctionType)):
            ours = mirror.substitute(value)
            if ours is not value:
                replaced[name] = ours
    return _View(real, replaced) if replaced else real


# ---------------------------------------------------------------------------------------------
# Notebooks


def load_ipython_extension(shell: Any) -> None:
    """`install`, and rebind names of the notebook that already hold pandas' objects."""
    install()
    for name, value in list(shell.user_ns.items()):
        if isinstance(value, (ModuleType, type, FunctionType)):
            ours = mirror.substitute(value)
            if ours is not value:
                shell.user_ns[name] = ours


def unload_ipython_extension(shell: Any) -> None:
    """`uninstall`, and rebind the names that hold the mirror's objects to pandas'."""
    uninstall()
    for name, value in list(shell.user_ns.items()):
        if isinstance(value, (ModuleType, type, FunctionType)):
            real = mirror.original(value)
            if real is not value:
                shell.user_ns[name] = real


# ---------------------------------------------------------------------------------------------
# Tracebacks


def hide_import_frames(error: BaseException) -> None:
    """Take our import wrappers out of the tracebacks of `error` and of what led to it."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        link = chain.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = _without_wrapper(link.__traceback__)
            chain += [link.__cause__, link.__context__]


def _without_wrapper(first: TracebackType | None) -> TracebackType | None:
    wrappers = [wrapper.__code__ for _, wrapper in _wrapped.values()]
    while first is not None and first.tb_frame.f_code in wrappers:
        first = first.tb_next
    entry = first
    while entry is not None:
        following = entry.tb_next
        while following is not None and following.tb_frame.f_code in wrappers:
            following = following.tb_next
        if following is not entry.tb_next:
            entry.tb_next = following
        entry = following
    return first
