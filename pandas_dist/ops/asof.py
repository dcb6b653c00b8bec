"""``merge_asof`` and ``merge_ordered``: pandas' own, on both sides gathered."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops import dispatch
from pandas_dist.ops.dispatch import rule
from pandas_dist.ops.join import gathered_merge


def _register(name: str, function: Any) -> None:
    @rule("pandas", name, strategy="gathered")
    def run(p: Any) -> Any:
        if not (dispatch.is_ours(p.left) or dispatch.is_ours(p.right)):
            raise NotNative("neither side is one of our objects")
        return gathered_merge(p, p.left, p.right, function)


_register("merge_asof", pd.merge_asof)
_register("merge_ordered", pd.merge_ordered)
