"""Kinds of values: what the interpreter knows of a value without running anything."""

from __future__ import annotations

import types
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

import pandas as pd

from pandas_dist.udf.plain import ATOM, plainness, plainness_of_all, root_package


class Impure(Exception):
    """The function may have an effect; the message says what was seen."""


def fail(reason: str) -> NoReturn:
    raise Impure(reason)


class Kind(Enum):
    KNOWN = "a known object"
    SCALAR = "immutable plain data"
    FRESH = "made by the function, which may change it"
    VALUE = "plain data lent to the function"
    ROW = "the row given to the function"
    METHOD = "a method, not yet called"
    FUNC = "a function made inside, already judged"
    SET = "a set made inside"
    VIEW = "dict keys or items, which set operators turn into a set"
    NULL = "no value"
    BAD = "different things on different paths"


@dataclass(frozen=True, eq=False)
class Val:
    kind: Kind
    value: Any = None
    name: str = ""

    def same(self, other: Val) -> bool:
        if self.kind is not other.kind or (self.kind is Kind.METHOD and self.name != other.name):
            return False
        if isinstance(self.value, Val) and isinstance(other.value, Val):
            return self.value.same(other.value)
        return self.value is other.value


SCALAR, FRESH, VALUE, SET = Val(Kind.SCALAR), Val(Kind.FRESH), Val(Kind.VALUE), Val(Kind.SET)
VIEW, NULL, BAD = Val(Kind.VIEW), Val(Kind.NULL), Val(Kind.BAD)
DATA = {Kind.SCALAR: 0, Kind.FRESH: 1, Kind.VALUE: 2, Kind.ROW: 2, Kind.VIEW: 2}


def known(obj: Any, name: str = "") -> Val:
    """An object that exists now; `name` is what the function calls it."""
    return Val(Kind.KNOWN, original(obj), name)


def _generalised(val: Val) -> Val:
    """A known object as the kind of data that it is."""
    if val.kind is not Kind.KNOWN:
        return val
    return (BAD, VALUE, SCALAR)[plainness(val.value)]


def join(a: Val, b: Val) -> Val:
    """What a place holds that holds `a` on one path and `b` on another."""
    if a.same(b):
        return a
    a, b = _generalised(a), _generalised(b)
    if a.kind is b.kind is Kind.SET:
        return SET
    if a.kind in DATA and b.kind in DATA:
        return max(a, b, key=lambda v: DATA[v.kind]) if Kind.ROW not in (a.kind, b.kind) else VALUE
    return BAD


@dataclass
class State:
    """The stack and the local variables before one instruction."""

    stack: list[Val]
    names: dict[str, Val]

    def copy(self) -> State:
        return State(list(self.stack), dict(self.names))

    def merged(self, other: State) -> State:
        if len(self.stack) != len(other.stack):
            raise Impure("bytecode that is not understood (stack depth)")
        names = {
            k: join(self.names[k], other.names[k]) if k in self.names and k in other.names else v
            for k, v in {**other.names, **self.names}.items()
        }
        return State([join(a, b) for a, b in zip(self.stack, other.stack)], names)

    def same(self, other: State) -> bool:
        return (
            self.names.keys() == other.names.keys()
            and all(a.same(b) for a, b in zip(self.stack, other.stack))
            and all(v.same(other.names[k]) for k, v in self.names.items())
        )

    def pop(self, n: int) -> list[Val]:
        if n == 0:
            return []
        if n < 0 or n > len(self.stack):
            raise Impure("bytecode that is not understood (stack depth)")
        taken = self.stack[-n:]
        del self.stack[-n:]
        return taken


def original(obj: Any) -> Any:
    """pandas' own object for one of our mirror's, else the object."""
    if isinstance(obj, types.ModuleType):
        return pd if obj.__name__ == "pandas_dist" else obj
    owner = obj if isinstance(obj, type) else type(obj)
    if root_package(owner.__module__) != "pandas_dist":
        return obj
    from pandas_dist import mirror

    return mirror.original(obj)


def is_set(val: Val) -> bool:
    if val.kind is Kind.KNOWN and type(val.value) in (set, frozenset):
        return plainness_of_all(val.value) == ATOM
    return val.kind is Kind.SET


def is_scalar(val: Val) -> bool:
    return val.kind is Kind.SCALAR or (val.kind is Kind.KNOWN and plainness(val.value) == ATOM)


def describe(val: Val) -> str:
    if val.kind is Kind.KNOWN:
        return f"captured {val.name!r}" if val.name else "a captured object"
    return "its argument" if val.kind is Kind.ROW else "a value that it did not make"


def title(obj: Any) -> str:
    return getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or repr(type(obj))
