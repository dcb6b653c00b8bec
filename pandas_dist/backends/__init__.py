"""Engines: one folder each, found by entry point, imported at the first execution."""

from __future__ import annotations

from pandas_dist import config
from pandas_dist.backends.base import Backend
from pandas_dist.interrupts import held_back, imported

_loaded: dict[str, Backend] = {}


def current() -> Backend:
    """The engine that this execution goes to."""
    return load(config.engine_name())


def load(name: str) -> Backend:
    """An engine by name, imported when first used."""
    if name not in _loaded:
        if name in config.BUILT_IN:
            _loaded[name] = imported(config.BUILT_IN[name]).Backend()
        elif name in (found := config.registered_backends()):
            with held_back():
                made = found[name].load()
            _loaded[name] = made()
        else:
            raise ValueError(f"no backend named {name!r} is installed")
    return _loaded[name]
