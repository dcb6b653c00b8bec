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

READONLY = "asserts that a read-only array cannot be written through the object; rows are copied"
FLAG = "message for `reset_index(allow_duplicates=True)` where the object forbids duplicates"
PRIVATE = "a private attribute of an accessor, or its result that pandas marks as not writable"
WARNED = "open: a warning about writing to a part of a frame is missing, or one too many"
UNCLEAR = "open: the accessor of interval categories raises ValueError"
OPEN = "open: keys that are functions, lists or tuples are looked at when an aggregation asks"
NAMED = "open: the name of the columns after `agg` with named tuples; `agg([])`"
ATOMIC = "a change in place that raises leaves nothing changed, where pandas has begun"
EXOTIC = "void, not native or out-of-bounds values, of which samples stand for rows"
LATE = "names, sorts or keeps through an alias of the object, not a column taken by its label"
ARRAYS = "an extension array without the methods that pandas' interface asks for"

KNOWN: tuple[tuple[str, str, str], ...] = (
    (r"shares_memory|is_view|C_CONTIGUOUS", "", MEMORY),
    (r"NumpyBlock|ExtensionBlock|\.blocks|BlockManager|_item_cache", "", BLOCKS),
    (r"where \d = len\(\[(array\(|<\w+Array>)", "", BLOCKS),
    (
        r"^(AssertionError: )?assert (array\(|<\w+Array>).* is (not )?(array\(|<\w+Array>)",
        "",
        MEMORY,
    ),
    (r"^(AssertionError: )?assert \w*Index\(.* is (not )?\w*Index", "", SAME),
    (r"^assert False$", r"test_transpose\b|test_frame_astype_no_copy", MEMORY),
    (r"Warning not set with correct stacklevel", "", LEVEL),
    (r"'PerformanceWarning'", "", FRAGMENTED),
    (r"Expected type <class|Too many indexers|keyword argument 'axis'", r"\[DataFrame\]", CLASS),
    (r"'tuple' object has no attribute '__name__'", r"test_frame_setitem\[", WARNED),
    (
        r"unexpected warning.*SettingWith|expected warning of class '(SettingWith|Future)",
        "",
        WARNED,
    ),
    (r"DID NOT RAISE ValueError", r"readonly", READONLY),
    (r"allows_duplicate_labels", r"test_reset_index_duplicate_columns_allow", FLAG),
    (r"DummyArray", r"test_select_dtypes_numeric", ARRAYS),
    (
        r"ufunc 'isnan' not supported|Pandas4Warning|shape mismatch",
        r"dtype\[V1|\[.*V1\]|out_of_bounds|non_native",
        EXOTIC,
    ),
    (r"DID NOT RAISE ValueError", r"gh45593", BLOCKS),
    (r"values are different", r"test_interp_with_non_numeric", ATOMIC),
    (r"DID NOT RAISE ValueError", r"test_sort_values\b", LATE),
    (r"'foobar' == 'foo'|== 0$", r"test_rename_copy_false|preserve_dtype|to_numpy", VIEWS),
    (r"'numpy.float64' object has no attribute 'index'", r"\[DataFrame\]", CLASS),
    (r"is None", r"dt64_copies", MEMORY),
    (r"DID NOT RAISE", r"empty_list_raises|nonsense_func|tuple_as_grouping", OPEN),
    (r"", r"agg_relabel_with_name_match|aggregate_empty_func", NAMED),
    (r"is NaT", r"test_td64_mean", MEMORY),
    (r"need at least one array", r"interval-category", UNCLEAR),
    (r"_inferred_dtype|DID NOT RAISE", r"test_str_attribute|not_writeable", PRIVATE),
    (r"DID NOT RAISE ValueError", r"index_array_inplace_op_raises", READONLY),
    (
        r"are different|assert|expected warning",
        r"^suite/copy_view/|_view\b|_views\b|_copy\b|no_?copy|modify_view|inplace_.*view"
        r"|column_(update_)?inplace|test_slice\b|ellipsis|test_xs\b|_tz_in_place",
        VIEWS,
    ),
)


def reason_of(test: str, why: str) -> str | None:
    """Why a test is known to fail; None if it is not."""
    for message, name, reason in KNOWN:
        if re.search(message, why) and re.search(name, test):
            return reason
    return None
