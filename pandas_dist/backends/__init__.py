"""Engines: one folder each, found by entry point, imported at the first execution."""

from __future__ import annotations

from importlib.metadata import entry_points

from pandas_dist import config
from pandas_dist.backends.base import Backend

_loaded: dict[str, Backend] = {}


def current() -> Backend:
    """The engine that this execution goes to."""
    return load(config.engine_name())


def load(name: str) -> Backend:
    """An engine by name, imported when first used."""
    if name not in _loaded:
        for point in entry_points(group="pandas_dist.backends"):
            if point.name == name:
                _loaded[name] = point.load()()
                break
        else:
            raise ValueError(f"no backend named {name!r} is installed")
    return _loaded[name]
