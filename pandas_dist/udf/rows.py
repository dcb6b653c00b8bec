"""Rows without pandas, for functions that read nothing of a row but items of known columns.

Most of the time of ``frame.apply(f, axis=1)`` goes into ``row["a"]``.  Where the bytecode shows
that the row is only ever used so, a function gets a light object in its place, whose items are
the very values that the Series would give.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

_LOADS = ("LOAD_FAST", "LOAD_FAST_BORROW")
_LOCAL = ("FAST", "DEREF", "CLOSURE", "CELL")  # in the names of instructions on own variables


@dataclass(frozen=True)
class Reads:
    """The columns whose values a function takes by ``row["label"]`` and by ``row.label``."""

    items: frozenset[str | int]
    attributes: frozenset[str]


def items_read(func: Any, columns: pd.Index) -> Reads | None:
    """What ``func(row)`` reads of a row with these labels; None if it may do anything else."""
    plain = type(func) is types.FunctionType and func.__code__.co_argcount > 0
    if not plain or type(columns) not in (pd.Index, pd.RangeIndex) or not columns.is_unique:
        return None
    code = func.__code__
    name = code.co_varnames[0]
    if name in code.co_cellvars:
        return None
    items: set[str | int] = set()
    attributes: set[str] = set()
    instructions = [*dis.get_instructions(code), None, None]
    for this, second, third in zip(instructions, instructions[1:], instructions[2:]):
        if this is None or not _uses(this, name):
            continue
        if this.opname not in _LOADS or second is None:
            return None
        if second.opname == "LOAD_CONST" and _is_subscript(third):
            items.add(second.argval)
        elif second.opname == "LOAD_ATTR" and not second.argrepr.startswith("NULL"):
            attributes.add(second.argval)
        else:
            return None
    kind = int if columns.dtype.kind == "i" else str
    known = all(type(label) is kind and label in columns for label in (*items, *attributes))
    if not known or not all(map(_by_attribute, attributes)):
        return None
    return Reads(frozenset(items), frozenset(attributes))


def _uses(ins: dis.Instruction, name: str) -> bool:
    names = ins.argval if isinstance(ins.argval, tuple) else (ins.argval,)
    return name in names and any(part in ins.opname for part in _LOCAL)


def _is_subscript(ins: dis.Instruction | None) -> bool:
    if ins is None:
        return False
    return ins.opname == "BINARY_SUBSCR" or (ins.opname == "BINARY_OP" and ins.argrepr == "[]")


def _by_attribute(label: str) -> bool:
    """Whether ``series.<label>`` can only be the item."""
    return not label.startswith("_") and not hasattr(pd.Series, label)


def light_rows(frame: pd.DataFrame, reads: Reads) -> Iterator[Any] | None:
    """An object for each row, valid until the next; None where pandas makes rows another way.

    frame: not empty, of unique labels.
    """
    values, dtype = frame.to_numpy(), frame.iloc[0].dtype
    if not isinstance(dtype, np.dtype) or dtype != values.dtype or dtype.kind not in "iufbO":
        return None
    return _over(values, _row_class(frame.columns, reads)())


def _over(values: np.ndarray, row: Any) -> Iterator[Any]:
    for each in values:
        row._values = each
        yield row


class _Row:
    """Items by label; a new object at each look, as a Series gives."""

    __slots__ = ("_values",)
    _places: dict[str | int, int]
    _values: np.ndarray

    def __getitem__(self, label: str | int) -> Any:
        return self._values[self._places[label]]


def _row_class(columns: pd.Index, reads: Reads) -> type[_Row]:
    def place(label: str | int) -> int:
        found = columns.get_loc(label)
        assert isinstance(found, int)
        return found

    members: dict[str, Any] = {label: _item(place(label)) for label in reads.attributes}
    members["__slots__"] = ()
    members["_places"] = {label: place(label) for label in reads.items}
    return type("Row", (_Row,), members)


def _item(place: int) -> property:
    return property(lambda row: row._values[place])
