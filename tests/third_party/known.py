"""Tests of pandas that are known to fail through pandas_dist, and why.

Each entry is a pattern of the failure's message (`re.search`), a pattern of the test's name,
and the reason.  The first entry that matches both counts.
"""

from __future__ import annotations

import re

MEMORY = "asserts which arrays share memory; objects of an engine have no arrays in common"
BLOCKS = "asserts the layout of pandas' blocks or its caches"
SAME = "asserts that two results are one object"
VIEWS = "writes through a view of rows, a row or a whole frame (pandas 2 without copy-on-write)"
LEVEL = "a warning that pandas attributes to its direct caller names our file"
CLASS = "pandas' test helper compares classes with `is`"
FRAGMENTED = "PerformanceWarning for many blocks, which an engine's frames do not have"

KNOWN: tuple[tuple[str, str, str], ...] = (
    (r"shares_memory|F_CONTIGUOUS|is_view|flags.*C_CONTIGUOUS", "", MEMORY),
    (r"NumpyBlock|\.blocks|BlockManager|_item_cache|ExtensionBlock", "", BLOCKS),
    (r"^(AssertionError: )?assert (not )?array\(.* is (not )?array\(", "", MEMORY),
    (r"^(AssertionError: )?assert (\w*Index|<\w+Array>)\(.* is (not )?\w*Index", "", SAME),
    (r"Warning not set with correct stacklevel", "", LEVEL),
    (r"'PerformanceWarning'", "", FRAGMENTED),
    (r"Expected type <class|Too many indexers|keyword argument 'axis'", r"\[DataFrame\]", CLASS),
    (r"", r"copy_view/|_view\b|_views\b|_copy\b|_nocopy|no_copy|modify_view|inplace_.*view", VIEWS),
)


def reason_of(test: str, why: str) -> str | None:
    """Why a test is known to fail; None if it is not."""
    for message, name, reason in KNOWN:
        if re.search(message, why) and re.search(name, test):
            return reason
    return None
