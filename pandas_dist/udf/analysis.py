"""Calls and attributes: which ones have no effect, and what kind of value they give."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pandas_dist.udf.allowed import (
    CLASS_METHODS,
    FRESH_METHODS,
    MUTATORS,
    ON_SETS,
    PLAIN_CLASSES,
    SAFE_DUNDERS,
    SAFE_METHODS,
    SCALAR_METHODS,
    SET_METHODS,
    SET_TESTS,
    SHARING,
    TRUSTED,
    allowed_calls,
    effects,
)
from pandas_dist.udf.interpreter import Interpreter
from pandas_dist.udf.plain import ATOM, MUTABLE, plainness, plainness_of_all, root_package
from pandas_dist.udf.values import (
    FRESH,
    SCALAR,
    SET,
    VALUE,
    VIEW,
    Kind,
    Val,
    describe,
    fail,
    is_scalar,
    is_set,
    join,
    known,
    title,
)

MAX_DEPTH = 30  # calls within calls


class Analysis:
    """One judgement: the functions seen so far and what they use."""

    def __init__(self, labels: frozenset[Any]) -> None:
        self.labels = labels
        self.modules: dict[str, set[str]] = {}
        self.shares = False
        self.classes = False
        self.steps = 0
        self.depth = 0
        self.results: dict[tuple[Any, ...], Val] = {}
        self.keep: list[Any] = []  # what `results` names by id must stay alive
        self._plain: dict[int, tuple[Any, int]] = {}

    def plainness(self, obj: Any) -> int:
        """`plainness`, once for each object."""
        if id(obj) not in self._plain:
            self._plain[id(obj)] = (obj, plainness(obj))
        return self._plain[id(obj)][1]

    # -- values handed to something that may iterate, call, print or keep them

    def use(self, val: Val) -> None:
        if val.kind is Kind.KNOWN:
            self.use_known(val)
        elif val.kind is Kind.SET:
            fail("passes on or iterates a set, whose order differs between processes")
        elif val.kind is Kind.METHOD:
            self.call(val, [VALUE], {})
        elif val.kind in (Kind.BAD, Kind.NULL):
            fail("uses a value that cannot be told before it runs")

    def use_known(self, val: Val) -> None:
        obj = val.value
        plain = self.plainness(obj)
        if plain:
            self.shares |= plain == MUTABLE
        elif isinstance(obj, type):
            self.classes |= obj is type
            harmless = root_package(obj.__module__) in ("numpy", "numbers") or obj.__module__ in (
                "collections.abc",
                "typing",
            )
            if not (harmless or id(obj) in allowed_calls() or issubclass(obj, BaseException)):
                fail(f"passes on the class {title(obj)}")
        elif type(obj) is types.FunctionType and id(obj) not in allowed_calls():
            self.function(obj, None, {})
        elif callable(obj):
            self.call(val, [VALUE], {})
        elif isinstance(obj, types.ModuleType):
            fail(f"passes on the module {obj.__name__}")
        else:
            fail(f"uses {describe(val)}, a {type(obj).__name__}")

    # -- calls

    def call(self, fn: Val, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        """The kind of what ``fn(*args, **kwargs)`` gives; fails when the call is not pure."""
        for name in ("inplace", "out"):
            if name in kwargs and not (
                kwargs[name].kind is Kind.KNOWN and kwargs[name].value in (None, False)
            ):
                fail(f"calls something with {name}=")
        copy = kwargs.get("copy")
        if copy is not None and not (copy.kind is Kind.KNOWN and copy.value is True):
            fail("calls something with copy=")  # what comes back may be what was lent
        if fn.kind is Kind.KNOWN:
            return self.call_known(fn, args, kwargs)
        if fn.kind is Kind.METHOD:
            return self.call_method(fn.value, fn.name, args, kwargs)
        if fn.kind is Kind.FUNC:
            self.use_all(args, kwargs)
            return fn.value
        fail("calls something that is not known before it runs")

    def use_all(self, args: Iterable[Val], kwargs: Mapping[str, Val]) -> None:
        for val in (*args, *kwargs.values()):
            self.use(val)

    def call_known(self, fn: Val, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        obj = fn.value
        if id(obj) in allowed_calls():
            return self.call_allowed(obj, args, kwargs)
        if type(obj) is functools.partial:
            named = {k: known(v) for k, v in obj.keywords.items()}
            first = [known(a) for a in obj.args]
            return self.call(known(obj.func), [*first, *args], {**named, **kwargs})
        if type(obj) is types.FunctionType:
            if root_package(obj.__module__) in TRUSTED:
                fail(f"calls {obj.__module__}.{title(obj)}")
            return self.function(obj, args, kwargs)
        if type(obj) is types.MethodType:
            if not (isinstance(obj.__self__, type) or self.plainness(obj.__self__)):
                fail(f"calls a method of a {type(obj.__self__).__name__}")
            return self.call(known(obj.__func__), [known(obj.__self__), *args], kwargs)
        if isinstance(obj, np.ufunc):
            self.use_all(args, kwargs)
            return SCALAR if all(map(is_scalar, args)) else FRESH
        if isinstance(obj, type) and issubclass(obj, BaseException):
            return self.make_exception(obj, args, kwargs)
        descriptor = type(obj) is types.MethodDescriptorType and args
        if descriptor and obj.__objclass__ in PLAIN_CLASSES:
            return self.call_method(args[0], obj.__name__, args[1:], kwargs)
        if type(obj) is types.BuiltinMethodType:
            return self.call_bound(obj, args, kwargs)
        fail(f"calls {title(obj)}, which is not known to be free of effects")

    def call_bound(self, obj: Any, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        owner = obj.__self__
        if isinstance(owner, type):
            if obj.__name__ in CLASS_METHODS and (id(owner) in allowed_calls()):
                self.use_all(args, kwargs)
                return FRESH
        elif owner is not None and not isinstance(owner, types.ModuleType):
            return self.call_method(known(owner), obj.__name__, args, kwargs)
        fail(f"calls {title(obj)}, which is not known to be free of effects")

    def make_exception(self, cls: type, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        self.use_all(args, kwargs)
        for base in cls.__mro__:
            if root_package(base.__module__) not in TRUSTED:
                if {"__init__", "__new__", "__init_subclass__"} & vars(base).keys():
                    fail(f"makes a {cls.__name__}, whose constructor is Python code")
                self.modules.setdefault(base.__module__, set()).add(base.__name__)
        return FRESH

    def call_allowed(self, obj: Any, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        _, kind, name = allowed_calls()[id(obj)]
        on_sets = name in ON_SETS or (name == "sorted" and not kwargs)
        if name in ("isinstance", "issubclass") and len(args) == 2:
            self.check_class(args[1])
            args = args[:1]
        if name == "type" and len(args) != 1:
            fail("makes a class")
        self.classes |= name == "type" and not all(map(is_scalar, args))
        if name == "getattr" and len(args) > 1 and not kwargs:
            self.use_all(args, {})
            if args[1].kind is not Kind.KNOWN or not isinstance(args[1].value, str):
                fail("reads an attribute whose name is not known before it runs")
            return join(self.attribute(args[0], args[1].value), VALUE)
        if name == "next" and not (args and args[0].kind is Kind.FRESH):
            fail("advances an iterator that it did not make")
        for val in (*args, *kwargs.values()):
            if not (on_sets and is_set(val)):
                self.use(val)
        if kind == "set":
            return SET
        if kind == "scalar" or (kind == "value" and all(map(is_scalar, args)) and args):
            return SCALAR
        last = name.rpartition(".")[2]
        lent = any(v.kind not in (Kind.FRESH, Kind.SCALAR) for v in (*args, *kwargs.values()))
        if last in SHARING and not lent:
            return FRESH
        return FRESH if kind == "fresh" else VALUE

    def check_class(self, val: Val) -> None:
        if val.kind is Kind.KNOWN and isinstance(val.value, type):
            if type(val.value).__name__ not in ("type", "ABCMeta"):
                fail(f"tests for the class {title(val.value)}, which may run code")
            if root_package(val.value.__module__) not in TRUSTED:
                self.modules.setdefault(val.value.__module__, set()).add(val.value.__name__)
        elif not (val.kind is Kind.KNOWN and type(val.value) is tuple):
            self.use(val)
        else:
            for cls in val.value:
                self.check_class(known(cls))

    def call_method(self, owner: Val, name: str, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        if is_set(owner):
            return self.call_set_method(owner, name, args, kwargs)
        self.use_all([owner, *args], kwargs)
        if name in MUTATORS:
            if owner.kind is not Kind.FRESH:
                fail(f"calls .{name}() on {describe(owner)}")
            return VALUE
        if name not in SAFE_METHODS:
            fail(f"calls .{name}(), which is not known to be free of effects")
        if name in ("apply", "map", "agg", "aggregate", "transform"):
            texts = [v.value for v in args if v.kind is Kind.KNOWN and isinstance(v.value, str)]
            if not SAFE_METHODS.issuperset(texts):
                fail(f"calls .{name}({texts[0]!r})")
        if name in ("keys", "items"):
            return VIEW
        if name in SCALAR_METHODS or (owner.kind is Kind.SCALAR and name not in FRESH_METHODS):
            return SCALAR
        if owner.kind is Kind.ROW:
            if name in ("sum", "mean", "min", "max", "std", "var", "median", "any", "all"):
                return SCALAR
            if name == "get" and args:
                return self.subscript(owner, args[0])
        made = name in FRESH_METHODS or (name == "copy" and not args and not kwargs)
        return FRESH if made else VALUE

    def call_set_method(
        self, owner: Val, name: str, args: list[Val], kwargs: Mapping[str, Val]
    ) -> Val:
        for val in (*args, *kwargs.values()):
            if not is_set(val):
                self.use(val)
        if name in SET_METHODS:
            return SET
        if name not in SET_TESTS:
            fail(f"calls .{name}() on a set")
        if name in MUTATORS and owner.kind is Kind.KNOWN:
            fail(f"calls .{name}() on {describe(owner)}")
        return SCALAR

    # -- attributes and items

    def attribute(self, owner: Val, name: str) -> Val:
        if owner.kind is Kind.KNOWN and isinstance(owner.value, types.ModuleType):
            return self.module_attribute(owner.value, name)
        if owner.kind is Kind.KNOWN and isinstance(owner.value, type):
            return self.class_attribute(owner.value, name)
        self.use(owner)
        if name.startswith("_") and name not in SAFE_DUNDERS:
            fail(f"reads the private attribute {name}")
        self.classes |= name == "__class__" and not is_scalar(owner)
        if name in effects():
            fail(f"takes .{name} of {describe(owner)}")
        if owner.kind is Kind.KNOWN and not self.plainness(owner.value):
            fail(f"reads an attribute of {describe(owner)}")
        row = owner.kind is Kind.ROW and (name == "name" or name in self.labels)
        return SCALAR if row or is_scalar(owner) else VALUE

    def module_attribute(self, module: types.ModuleType, name: str) -> Val:
        if name not in vars(module):
            fail(f"reads {module.__name__}.{name}, which is not there yet")
        value = vars(module)[name]
        if root_package(module.__name__) not in TRUSTED:
            self.modules.setdefault(module.__name__, set()).add(name)
        elif self.plainness(value) == MUTABLE:
            fail(f"reads {module.__name__}.{name}, which may differ in another process")
        return known(value, f"{module.__name__}.{name}")

    def class_attribute(self, cls: type, name: str) -> Val:
        if id(cls) in allowed_calls() and (not name.startswith("_")):
            return known(getattr(cls, name, None), f"{cls.__name__}.{name}")
        if type(cls) is type and name in vars(cls) and self.plainness(vars(cls)[name]) == ATOM:
            if root_package(cls.__module__) not in TRUSTED:
                self.modules.setdefault(cls.__module__, set()).add(cls.__name__)
            return known(vars(cls)[name])
        fail(f"reads the attribute {name} of the class {title(cls)}")

    def subscript(self, owner: Val, key: Val) -> Val:
        self.use(owner)
        self.use(key)
        if owner.kind is Kind.ROW:
            simple = key.kind is Kind.KNOWN and isinstance(key.value, (str, int, tuple))
            return SCALAR if simple and key.value in self.labels else VALUE
        return SCALAR if self.holds_atoms(owner) else VALUE

    def holds_atoms(self, val: Val) -> bool:
        """Whether every element of val is immutable."""
        if val.kind is not Kind.KNOWN:
            return val.kind in (Kind.SCALAR, Kind.ROW)
        if isinstance(val.value, dict):
            return plainness_of_all(val.value.values()) == ATOM
        if type(val.value) in (list, tuple, range):
            return plainness_of_all(val.value) == ATOM
        return is_scalar(val)

    def binary(self, op: str, a: Val, b: Val) -> Val:
        in_place = op.endswith("=") and op not in ("==", "<=", ">=", "!=")
        sets = is_set(a) or is_set(b) or Kind.VIEW in (a.kind, b.kind)
        if in_place and a.kind is Kind.KNOWN and not is_scalar(a):
            fail(f"changes {describe(a)} in place ({op})")
        if in_place and a.kind in (Kind.VALUE, Kind.ROW):
            fail(f"uses {op} on {describe(a)}")
        for val in (a, b):
            if not (sets and is_set(val)):
                self.use(val)
        if sets and op.rstrip("=") in ("&", "|", "^", "-"):
            return SET
        return SCALAR if is_scalar(a) and is_scalar(b) else FRESH

    # -- Python functions

    def function(self, func: Any, args: list[Val] | None, kwargs: Mapping[str, Val]) -> Val:
        """Judge a Python function for these arguments (None: for any)."""
        code = func.__code__
        if code.co_flags & (0x20 | 0x80 | 0x200):  # generator, coroutine, async generator
            fail(f"{code.co_name} is a generator or a coroutine")
        names = _bind(func, args, kwargs)
        key = (id(func), *((k, v.kind, id(v.value)) for k, v in sorted(names.items())))
        if key in self.results:
            return self.results[key]
        self.keep.append((func, names))
        self.results[key] = VALUE  # a recursive call: pure if the rest is
        if func.__module__ and root_package(func.__module__) not in TRUSTED:
            self.modules.setdefault(func.__module__, set()).add(func.__qualname__)
        free: dict[str, Val] = {}
        for name, cell in zip(code.co_freevars, func.__closure__ or ()):
            try:
                free[name] = known(cell.cell_contents, name)
            except ValueError:  # an empty cell: using it raises, as in pandas
                fail(f"uses the variable {name} before it is set")
        self.results[key] = self.run(code, func.__globals__, free, names)
        return self.results[key]

    def run(
        self,
        code: types.CodeType,
        scope: dict[str, Any],
        free: dict[str, Val],
        names: dict[str, Val],
    ) -> Val:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            fail("calls functions too deeply to judge")
        result = Interpreter(self, code, scope, free).run(names)
        self.depth -= 1
        return result


def _bind(func: Any, args: list[Val] | None, kwargs: Mapping[str, Val]) -> dict[str, Val]:
    """Each parameter's value; a call with wrong arguments raises TypeError, which is pure."""
    code = func.__code__
    positional = code.co_varnames[: code.co_argcount]
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    rest = code.co_varnames[len(named) :][: bool(code.co_flags & 4) + bool(code.co_flags & 8)]
    bound = dict.fromkeys((*named, *rest), VALUE)
    if args is None:
        return bound
    defaults = func.__defaults__ or ()
    for name, default in zip(positional[len(positional) - len(defaults) :], defaults):
        bound[name] = known(default, name)
    for name, default in (func.__kwdefaults__ or {}).items():
        bound[name] = known(default, name)
    bound.update(zip(positional, args))
    bound.update((k, v) for k, v in kwargs.items() if k in named)
    extra = [*args[len(positional) :], *(v for k, v in kwargs.items() if k not in named)]
    if any(not is_scalar(v) and v.kind not in (Kind.VALUE, Kind.FRESH) for v in extra):
        fail("passes arguments through * or ** that are not plain data")
    return bound
