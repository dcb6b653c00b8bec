"""pandas, executed on a distributed engine: ``import pandas_dist as pd``.

Everything that pandas has is here under the same name.  Added are ``pd.dist`` (options, explain,
report) and ``pd.install()`` / ``pd.uninstall()`` (``import pandas`` gives this module).
"""

import typing as _t

import pandas as _pandas

from pandas_dist import mirror as _mirror

if _t.TYPE_CHECKING:
    from pandas import *  # noqa: F403

    from pandas_dist import dist as dist

__all__ = list(_pandas.__all__)  # type: ignore[attr-defined]
__version__ = _pandas.__version__

_mirror.add_finder(__path__)  # noqa: F405


def install() -> None:
    """From now on ``import pandas`` in user code and in libraries imported later gives this module.

    pandas itself, the engines and their workers keep the real one.  Idempotent.
    """
    from pandas_dist import monkeypatch

    monkeypatch.install()


def uninstall() -> None:
    """Undo `install`; modules that imported the mirror meanwhile keep it.  Idempotent."""
    from pandas_dist import monkeypatch

    monkeypatch.uninstall()


def load_ipython_extension(shell: _t.Any) -> None:
    """``%load_ext pandas_dist``: `install`, and replace the pandas names of the notebook."""
    from pandas_dist import monkeypatch

    monkeypatch.load_ipython_extension(shell)


def unload_ipython_extension(shell: _t.Any) -> None:
    """``%unload_ext pandas_dist``: `uninstall`, and give the notebook pandas' names back."""
    from pandas_dist import monkeypatch

    monkeypatch.unload_ipython_extension(shell)


def __getattr__(name: str) -> _t.Any:
    if name == "dist":
        from importlib import import_module

        return import_module("pandas_dist.dist")
    value = _mirror.resolve(name)
    globals()[name] = value  # the next access is a plain dictionary look-up
    return value


def __dir__() -> list[str]:
    return _mirror.names()
