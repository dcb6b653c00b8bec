"""Reading and writing files."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops.common import arguments, gather
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.parquet import open_parquet

NO_DEFAULT = pd.api.extensions.no_default


@rule("pandas", "read_parquet", strategy="rows", note="files, lists and directories on local disk")
def read_parquet(p: Any) -> Any:
    extra = {k: v for k, v in vars(p).items() if k not in ("path", "engine", "columns", "kwargs", "_variadic")}
    unusual = [k for k, v in extra.items() if v not in (None, NO_DEFAULT)] + list(p.kwargs)
    if unusual:
        raise NotNative(f"the option {unusual[0]!r} has no native form")
    if p.engine is not NO_DEFAULT and p.engine not in ("auto", "pyarrow"):
        raise NotNative(f"engine {p.engine!r} is pandas' own")
    path = [os.fspath(x) for x in p.path] if isinstance(p.path, list) else p.path
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    plan = open_parquet(path, p.columns) if isinstance(path, (str, list)) else None
    if plan is None:
        return pd.read_parquet(p.path, p.engine, p.columns)
    return plan


def _register_writers() -> None:
    for cls, owner, names in (
        (pd.DataFrame, "DataFrame", ("to_csv", "to_parquet")),
        (pd.Series, "Series", ("to_csv",)),
    ):
        for name in names:

            @rule(owner, name, strategy="gathered")
            def run(plan: Any, p: Any, name: str = name, cls: Any = cls) -> Any:
                return gather(plan, getattr(cls, name), **arguments(p))


_register_writers()
