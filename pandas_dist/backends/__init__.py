"""Engines: one folder each, found by entry point, imported at the first execution."""

from __future__ import annotations

from importlib import import_module

from pandas_dist import config
from pandas_dist.backends.base import Backend

_loaded: dict[str, Backend] = {}


def current() -> Backend:
    """The engine that this execution goes to."""
    return load(config.engine_name())


def load(name: str) -> Backend:
    """An engine by name, imported when first used."""
    if name not in _loaded:
        if name in config.BUILT_IN:
            _loaded[name] = import_module(config.BUILT_IN[name]).Backend()
        elif name in (found := config.registered_backends()):
            _loaded[name] = found[name].load()()
        else:
            raise ValueError(f"no backend named {name!r} is installed")
    return _loaded[name]
