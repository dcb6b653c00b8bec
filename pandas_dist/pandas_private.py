"""Every private surface of pandas that we rely on; tested on each supported line."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas
from pandas import errors
from pandas._config import config
from pandas._libs.internals import BlockPlacement, BlockValuesRefs
from pandas.compat import _constants
from pandas.core.base import PandasObject
from pandas.core.generic import NDFrame
from pandas.core.indexes.accessors import DatetimeProperties
from pandas.core.indexing import _AtIndexer, _iAtIndexer, _iLocIndexer, _LocIndexer
from pandas.core.internals.blocks import new_block_2d
from pandas.core.strings.accessor import StringMethods
from pandas.io.parsers import TextFileReader
from pandas.util._validators import validate_bool_kwarg

if TYPE_CHECKING:
    from concurrent.futures import Executor

LOCAL_TAG = "__pd_eval_local_"  # what ``@`` becomes in a prepared expression
_config: Any = config
PANDAS_3 = int(pandas.__version__.split(".")[0]) >= 3

# ``frame[label]`` for a label that occurs once, after pandas' checks.
_frame: Any = pandas.DataFrame
COLUMN_OF = _frame._get_item if PANDAS_3 else _frame._get_item_cache

__all__ = [
    "COLUMN_OF",
    "INPLACE_RETURNS_SELF",
    "INPLACE_WARNS",
    "LOCAL_TAG",
    "PANDAS_3",
    "REFERENCES_INDEXER",
    "REFERENCES_METHOD",
    "REFERENCES_SETITEM",
    "ChainedTexts",
    "DatetimeProperties",
    "NDFrame",
    "PandasObject",
    "TextFileReader",
    "TextMethods",
    "_AtIndexer",
    "_LocIndexer",
    "_iAtIndexer",
    "_iLocIndexer",
    "arrow_to_pandas",
    "attribute_labels",
    "check_copy",
    "copy_on_write",
    "has_reference",
    "in_blocks",
    "inferred_categories",
    "infinite_is_missing",
    "init_lazy",
    "is_cached",
    "is_mixed",
    "is_view",
    "manager_of",
    "mgr_bytes",
    "private_copy",
    "refill",
    "selection_of",
    "settle",
    "shallow_frame",
    "shallow_series",
    "text_options",
    "validate_bool_kwarg",
]

# pandas 3.1 warns of ``inplace``, given as True or as False.
_rename: Any = pandas.DataFrame.rename
INPLACE_WARNS = _rename.__kwdefaults__["inplace"] is pandas.api.extensions.no_default

# Methods that pandas 3 lets return the object itself when they work in place.
INPLACE_RETURNS_SELF = frozenset(
    ["fillna", "replace", "ffill", "bfill", "clip", "mask", "where", "interpolate"]
    if PANDAS_3
    else ()
)


def attribute_labels(columns: Any) -> set[str]:
    """The labels of columns that ``dir`` lists."""
    found: set[str] = columns._dir_additions_for_owner
    return found


def clean_expression(source: str) -> str:
    """The text of a ``query`` as Python, prepared as pandas' own parser does."""
    from pandas.core.computation import expr as module

    expr: Any = module
    prepare = expr._compose(
        expr._replace_locals, expr._replace_booleans, expr.clean_backtick_quoted_toks
    )
    return expr._preparse(source, f=prepare)


def clean_column_name(label: str) -> str:
    """The identifier that stands for a column in a prepared expression."""
    from pandas.core.computation.parsing import clean_column_name as clean

    return clean(label)


def copy_on_write() -> bool:
    """Whether pandas protects shared memory itself."""
    return PANDAS_3 or _config._global_config["mode"]["copy_on_write"] is True


def infinite_is_missing() -> bool:
    """Whether ``mode.use_inf_as_na``, an option of pandas 2, is set."""
    return not PANDAS_3 and _config._global_config["mode"]["use_inf_as_na"] is True


def text_options() -> tuple[Any, Any]:
    """The options by which pandas chooses a dtype for text."""
    options: Any = _config._global_config
    return options["future"]["infer_string"], options["mode"]["string_storage"]


def init_lazy(obj: Any, attrs: dict[Any, Any]) -> None:
    """Give an object without a manager what ``NDFrame.__init__`` would set."""
    init: Any = NDFrame.__init__
    init(obj, None)
    state = obj.__dict__
    del state["_mgr"]
    state["_attrs"] = attrs


def manager_of(obj: Any) -> Any:
    """The block manager of a plain object."""
    return obj._mgr


def refill(mgr: Any, values: Any) -> None:
    """Put other values of the same dtype into a Series' manager, as pandas does row by row."""
    mgr.set_values(values)
    mgr.blocks[0].refs = BlockValuesRefs(mgr.blocks[0])


# What begins, with other threads, to decode a column's values; the result writes the objects.
Decoder = Callable[[Any, "Executor"], Callable[[np.ndarray], Any]]


# A block that is not copied yet, and where its values would be copied to.
Lent = tuple[Any, np.ndarray]


def private_copy(
    obj: Any, text: Mapping[int, Decoder] | None = None, lent: list[Lent] | None = None
) -> Any:
    """A manager that may be changed without changing ``obj``.

    ``text``: the places of columns that are to become objects, and how.  ``lent``: gets blocks
    that only `settle` makes private, once ``obj`` and what it was made of are forgotten.
    """
    mgr = obj._mgr
    if text or lent is not None:
        return _consolidated(mgr, text or {}, lent)
    if copy_on_write():
        return mgr.copy(deep=False)
    return mgr.copy(deep=True) if mgr.is_consolidated() else _consolidated(mgr, {})


def in_blocks(obj: Any) -> Any:
    """A plain object with its columns of one dtype together, as in results of pandas.

    pandas aligns a frame that is assigned by its number of blocks.
    """
    apart = isinstance(obj, pandas.DataFrame) and not obj._mgr.is_consolidated()
    return obj.copy(deep=True) if apart else obj


def settle(lent: list[Lent]) -> None:
    """Copy the values that others refer to as well."""
    for block, copied in lent:
        if not _alone(block.values):
            np.copyto(copied, block.values)
            block.values = copied


def _alone(values: np.ndarray) -> bool:
    """Whether nothing but one block refers to an array: every view of its memory does."""
    other = np.empty(0)
    _block = [other]
    return sys.getrefcount(values) == sys.getrefcount(other)


def _consolidated(mgr: Any, text: Mapping[int, Decoder], lent: list[Lent] | None = None) -> Any:
    """What ``mgr.copy(deep=True)`` gives, with one copy of the values instead of three."""
    from pandas_dist import pages, threads  # a millisecond that an import should not pay

    groups: dict[Any, list[Any]] = {}
    for block in mgr.blocks:
        plain = isinstance(block.values, np.ndarray)
        objects = block.dtype == object or block.mgr_locs.as_array[0] in text
        groups.setdefault(_OBJECT if objects else block.dtype if plain else block, []).append(block)
    blocks = []
    # Other threads copy numbers while this one has objects to count.
    with pages.small_pages(), threads.pool(os.cpu_count()) as pool:
        for dtype, group in sorted(groups.items(), key=lambda item: item[0] is _OBJECT):
            if lent is not None and (whole := _whole(dtype, group)) is not None:
                lent.append((whole, np.empty_like(whole.values)))
                blocks.append(whole)
            elif len(group) > 1 or text:
                blocks.append(_stacked(dtype, group, text, pool))
            else:
                blocks.append(group[0].copy())
    blocks.sort(key=lambda block: block._consolidate_key)
    axes = [axis.view() for axis in mgr.axes]
    copied = type(mgr)(tuple(blocks), axes, verify_integrity=False)
    copied._consolidate_inplace()  # the others: several columns of dates
    return copied


_OBJECT = np.dtype(object)
# Rows whose copy is worth a task of another thread; columns that are decoded at the same time.
_TASK = 1 << 18
_AHEAD = 3


def _whole(dtype: Any, group: list[Any]) -> Any:
    """A block around the array of numbers whose rows the blocks are, in order; None if none is."""
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iufb":
        return None
    group = sorted(group, key=lambda block: block.mgr_locs.as_array[0])
    base = group[0].values.base
    if type(base) is not np.ndarray or base.ndim != 2:
        return None
    own = base.flags.owndata and base.flags.writeable and len(base) == len(group)
    rows = zip(base[:, None], (block.values for block in group))
    if not own or any(a.__array_interface__ != b.__array_interface__ for a, b in rows):
        return None
    return new_block_2d(base, BlockPlacement([block.mgr_locs.as_array[0] for block in group]))


def _stacked(dtype: Any, group: list[Any], text: Mapping[int, Decoder], pool: Executor) -> Any:
    """Blocks of one dtype as one block, its rows in the order of their places."""
    if not isinstance(dtype, np.dtype):
        return group[0].copy()
    found: list[tuple[int, Any]] = []
    for block in group:
        rows = block.values if block.values.ndim == 2 else [block.values]
        found += zip(block.mgr_locs, rows)
    found.sort(key=itemgetter(0))
    decoded = (text[place](row, pool) for place, row in found if place in text)
    begun = deque(islice(decoded, _AHEAD))
    values = np.empty((len(found), group[0].shape[1]), dtype=dtype)
    for number, (place, row) in enumerate(found):
        if place in text:
            begun.popleft()(values[number])
            begun.extend(islice(decoded, 1))
        elif dtype is not _OBJECT and len(row) >= _TASK:
            pool.submit(np.copyto, values[number], row)
        else:
            values[number] = row
    return new_block_2d(values, BlockPlacement([place for place, _ in found]))


def inferred_categories(values: Any, codes: np.ndarray) -> pandas.Categorical:
    """Distinct text and int64 codes as ``read_csv`` makes categories of a chunk."""
    kind: Any = pandas.Categorical
    return kind._from_inferred_categories(pandas.Index(values, dtype=object), codes, "category")


_text_methods: Any = StringMethods


class TextMethods(_text_methods):  # type: ignore[misc]
    """pandas' ``.str``; ``complete``: every value is str, None if nobody has looked."""

    complete: bool | None

    def _validate(self, data: Any) -> Any:
        if isinstance(data.dtype, pandas.StringDtype):
            self.complete = None
            return "string"
        self.complete = pandas.api.types.infer_dtype(data, skipna=False) == "string"
        return "string" if self.complete else _text_methods._validate(data)


def selection_of(groups: Any) -> Any:
    """The columns selected on pandas' groupby object; None for all."""
    return groups._selection


def mgr_bytes(mgr: Any) -> int:
    """The bytes of a manager's arrays (of an object array: its pointers)."""
    return sum(_bytes(block.values) for block in mgr.blocks)


def _bytes(values: Any) -> int:
    """pandas 3.1 warns when it makes an array of categories that are times, to ask for its size."""
    if isinstance(values, pandas.Categorical):
        return int(values.codes.nbytes + 8 * len(values.categories))
    return int(values.nbytes)


def shallow_frame(mgr: Any) -> pandas.DataFrame:
    """A plain frame around a manager."""
    frame: Any = pandas.DataFrame
    return frame._from_mgr(mgr, axes=mgr.axes)


def shallow_series(mgr: Any, name: Any) -> pandas.Series:
    """A plain series around a manager."""
    series: Any = pandas.Series
    result = series._from_mgr(mgr, axes=mgr.axes)
    object.__setattr__(result, "_name", name)
    return result


def arrow_to_pandas(table: Any) -> pandas.DataFrame:
    """An Arrow table as ``pandas.read_parquet`` converts it."""
    if PANDAS_3:
        from pandas.io._util import arrow_table_to_pandas

        return arrow_table_to_pandas(table)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "make_block is deprecated", DeprecationWarning)
        return table.to_pandas()


def holds_attribute(columns: Any, name: str) -> bool:
    """Whether ``frame.<name>`` may mean the column ``name``."""
    return bool(columns._can_hold_identifiers_and_holds_name(name))


def grouper_of(groups: Any) -> Any:
    """The grouping of a pandas groupby, to group another object alike."""
    return groups._grouper


# -- chained assignment ------------------------------------------------------------------------

# References to an object that is the result of an expression, in pandas' own methods.
_counts: Any = _constants
_UNCHECKED = _counts.PYPY or (not PANDAS_3 and _counts.WARNING_CHECK_DISABLED)
REFERENCES_METHOD: int = (
    -1 if _UNCHECKED else getattr(_counts, "REF_COUNT_METHOD", _counts.REF_COUNT)
)
REFERENCES_SETITEM: int = -1 if _UNCHECKED else (_counts.REF_COUNT if PANDAS_3 else 3)
REFERENCES_INDEXER: int = -1 if _UNCHECKED else getattr(_counts, "REF_COUNT_IDX", 2)
_cow: Any = importlib.import_module("pandas.errors.cow") if PANDAS_3 else errors


class ChainedTexts:
    """What pandas says of chained assignments; ``warning_*`` where pandas 2 only warns."""

    item: str = _cow._chained_assignment_msg
    method: str = _cow._chained_assignment_method_msg
    update: str = getattr(_cow, "_chained_assignment_method_update_msg", method)
    warning_item: str = getattr(_cow, "_chained_assignment_warning_msg", "")
    warning_method: str = getattr(_cow, "_chained_assignment_warning_method_msg", "")


def is_cached(obj: Any) -> bool:
    """Whether pandas 2 keeps this column in its frame's cache."""
    return not PANDAS_3 and bool(_cow._check_cacher(obj))


def is_view(obj: Any) -> bool:
    """Whether values are shared, by the rules of copy-on-write."""
    return bool(obj._is_view_after_cow_rules())


def has_reference(obj: Any) -> bool:
    """Whether another object shares the memory of a block."""
    return any(block.refs.has_reference() for block in obj._mgr.blocks)


def is_mixed(frame: Any) -> bool:
    """Whether a LOCAL frame has blocks of several dtypes."""
    return bool(frame._is_mixed_type)


def check_copy(how: str, forced: bool) -> None:
    """pandas 2's warning or error for a change of a part, by ``mode.chained_assignment``."""
    whole, part = pandas.DataFrame({"a": [0, 1]}), pandas.DataFrame({"a": [0]})
    private: Any = part
    private._is_copy = None if forced else weakref.ref(whole)
    private._check_setitem_copy(t=how, force=forced)
