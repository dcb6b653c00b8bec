"""Column labels of a merge: pandas' own, computed here where no suffix and no index is involved."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pandas_dist.fallback import NotNative
from pandas_dist.ops.memo import key_of, labels_key, names_key, remembered
from pandas_dist.ops.reshape import marked
from pandas_dist.plan.frames import FramePlan

NAMES = ("how", "on", "left_on", "right_on", "left_index", "right_index", "suffixes")


def result_labels(p: Any, left: FramePlan, right: FramePlan) -> tuple[pd.Index, Any]:
    """Column labels as pandas' merge of two empty frames gives them, or its error.

    With them the dtype of the indicator, None without one.
    """
    given = {k: getattr(p, k) for k in (*NAMES, "indicator")}
    labels, mark = remembered(
        "merge",
        lambda: (
            labels_key(left.columns),
            labels_key(right.columns),
            names_key([*left.index.names, *right.index.names]),
            len(left.index.names),
            key_of(given),
        ),
        lambda: _asked(left, right, given),
    )
    added = len(labels) - len(left.columns) - (mark is not None)
    if not added and not _alike(left.columns, right.columns):
        raise NotNative("the kind of the labels depends on whether there are rows")
    return labels, mark


def _alike(left: pd.Index, right: pd.Index) -> bool:
    """Whether labels stay as they are beside those of a side without other columns."""
    both = left.append(right.delete(range(len(right))))
    return both.identical(left) and type(both) is type(left)


def _asked(left: FramePlan, right: FramePlan, given: dict[str, Any]) -> tuple[pd.Index, Any]:
    usual = not (given["left_index"] or given["right_index"] or given["indicator"])
    if usual and all(x.index.names == [None] for x in (left, right)):
        plain = side_by_side(left.columns, right.columns, given)
        if plain is not None:
            return plain, None
    empty = pd.merge(marked(left).iloc[:0], marked(right).iloc[:0], **given)
    return empty.columns, empty.dtypes.iloc[-1] if given["indicator"] else None


def side_by_side(left: pd.Index, right: pd.Index, given: dict[str, Any]) -> pd.Index | None:
    """Labels of both sides, keys of one name once; None where pandas has more to say."""
    labels = [*left, *right]
    one_kind = type(left) is type(right) is pd.Index and left.dtype == right.dtype
    text = all(type(label) is str for label in labels)
    if not (one_kind and text and left.name is right.name is None):
        return None
    if given["how"] not in ("inner", "left", "right", "outer") or given["suffixes"] != ("_x", "_y"):
        return None
    named = given["on"] is not None
    lefts = keys_of(given["on"] if named else given["left_on"])
    rights = keys_of(given["on"] if named else given["right_on"])
    if named and not (given["left_on"] is None and given["right_on"] is None):
        return None
    held, also = set(left), set(right)
    usual = lefts and len(lefts) == len(rights) and held >= set(lefts) and also >= set(rights)
    once = len(held) + len(also) == len(labels) and len(set(lefts)) == len(lefts)
    if not (usual and once and len(set(rights)) == len(rights)):
        return None
    shared = {a for a, b in zip(lefts, rights) if a == b}
    if held & also != shared:
        return None  # suffixes
    return left.append(right[[label not in shared for label in right]] if shared else right)


def keys_of(given: Any) -> list[str]:
    """Keys that are labels, as a list; empty for anything else."""
    keys = given if type(given) is list else [given]
    return keys if all(type(k) is str for k in keys) else []
