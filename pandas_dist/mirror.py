"""The pandas namespace under our name: which names are ours, which functions are wrapped.

Names resolve at first use, so that importing pandas_dist costs little more than importing pandas.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

import pandas

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = "pandas_dist"
ADDITIONS = ("dist", "install", "uninstall")

# Where each of our own classes lives.
CLASSES = {"DataFrame": "pandas_dist.frame", "Series": "pandas_dist.series"}

# Functions that neither take nor return a frame or a series; every other one is wrapped.
PLAIN_FUNCTIONS = frozenset(
    {
        "array",
        "bdate_range",
        "col",
        "date_range",
        "describe_option",
        "get_option",
        "interval_range",
        "option_context",
        "period_range",
        "reset_option",
        "set_eng_float_format",
        "set_option",
        "show_versions",
        "test",
        "timedelta_range",
    }
)


def resolve(name: str) -> Any:
    """What ``pandas_dist.<name>`` is: our class, a wrapped function, or pandas' own object.

    Raises pandas' own AttributeError for a name that pandas does not have.
    """
    real = getattr(pandas, name)
    if name in CLASSES:
        return getattr(importlib.import_module(CLASSES[name]), name)
    if name in _function_names():
        return _functions().wrapped(real)
    return real


def names() -> list[str]:
    """dir() of the mirror: everything of pandas', and our few additions."""
    return sorted({*dir(pandas), *ADDITIONS})


def substitute(real: Any) -> Any:
    """The mirror's object for a class, function or the top module of pandas; else `real`."""
    if real is pandas:
        return sys.modules[PACKAGE]
    name = _replaced_names().get(id(real))
    return real if name is None else getattr(sys.modules[PACKAGE], name)


def original(ours: Any) -> Any:
    """The inverse of `substitute`."""
    if ours is sys.modules[PACKAGE]:
        return pandas
    if isinstance(ours, FunctionType):
        return _functions().unwrapped(ours)
    for name, module in CLASSES.items():
        if ours is getattr(sys.modules.get(module), name, None):
            return getattr(pandas, name)
    return ours


def _functions() -> Any:
    """Imported when first needed."""
    return importlib.import_module("pandas_dist.functions")


_replaced: dict[int, str] = {}


def _replaced_names() -> dict[int, str]:
    if not _replaced:
        _replaced.update({id(getattr(pandas, n)): n for n in (*_function_names(), *CLASSES)})
    return _replaced


@functools.cache
def _function_names() -> frozenset[str]:
    public = {name: vars(pandas).get(name) for name in pandas.__all__}  # type: ignore[attr-defined]
    functions = {name for name, value in public.items() if isinstance(value, FunctionType)}
    return frozenset(functions - PLAIN_FUNCTIONS)


def count_as_pandas(function: F) -> F:
    """Make warnings skip `function` as they skip pandas' own frames.

    pandas attributes a warning to the first caller whose file is not under pandas' directory.
    Our file gets a second name under it, which still opens the right source in a traceback.
    """
    directory = os.path.dirname(pandas.__file__)
    assert isinstance(function, FunctionType)
    own = os.path.realpath(function.__code__.co_filename)
    path = os.path.join(directory, os.path.relpath(own, os.path.realpath(directory)))
    function.__code__ = _renamed(function.__code__, path)
    return function


def _renamed(code: CodeType, path: str) -> CodeType:
    inner = tuple(_renamed(c, path) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=path, co_consts=inner)


# ---------------------------------------------------------------------------------------------
# Submodules


class _RealModule:
    """Loads ``pandas_dist.x`` as the module ``pandas.x`` that everybody has."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has just put its own there


class MirrorFinder:
    """Finds ``pandas_dist.x.y`` as ``pandas.x.y`` unless pandas_dist has a module x itself.

    It must stand before the path finder, which would load pandas' files a second time.
    """

    def __init__(self, path: Sequence[str]) -> None:
        self.path = path

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        if package != PACKAGE or not rest:
            return None
        if "." not in rest:
            own = PathFinder.find_spec(fullname, self.path)
            if own is not None:
                return own
        elif self._is_own(rest.partition(".")[0]):
            return None
        real = importlib.util.find_spec(f"pandas.{rest}")
        if real is None:
            return None
        is_package = real.submodule_search_locations is not None
        loader: Any = _RealModule(real.name)
        return ModuleSpec(fullname, loader, is_package=is_package)

    def _is_own(self, name: str) -> bool:
        return PathFinder.find_spec(f"{PACKAGE}.{name}", self.path) is not None


def add_finder(path: Sequence[str]) -> None:
    """Make the modules of pandas importable under our name; `path` is where our own live."""
    sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != MirrorFinder.__name__]
    sys.meta_path.insert(0, MirrorFinder(path))
