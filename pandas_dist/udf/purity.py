"""Is a Python function free of effects that anyone could see?  Read from its bytecode, never run.

`judge` interprets the bytecode over kinds of values instead of values: what is known (globals,
closures, constants), what was made by the function itself, what is only lent to it.  Whatever it
does not understand is impure: an opcode, a callable, a class that is not plain data.
"""

from __future__ import annotations

import builtins
import collections
import dis
import functools
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any, NoReturn

import numpy as np
import pandas as pd

MAX_STEPS = 50_000  # instructions interpreted per judgement; more is "too large to judge"
MAX_DEPTH = 30


@dataclass(frozen=True)
class Verdict:
    """What `judge` found.  Truthy when the function is pure.

    reason: "" for a pure function, else what was seen first.  shares: the function reads captured
    mutable objects, so that a mutable result may be one of them.  modules: the user's modules
    whose functions or attributes it uses, with the names it reads there.
    """

    pure: bool
    reason: str = ""
    shares: bool = False
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.pure


class _Impure(Exception):
    pass


def judge(
    func: Callable[..., Any],
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    element: str = "any",
    labels: Iterable[Any] = (),
) -> Verdict:
    """Judge ``func(x, *args, **kwargs)``, where x is the argument that varies.

    element says what x is: "any" plain object, a "scalar" that cannot change, or a "row", a Series
    of such scalars with the unique `labels`.  Never calls func, never raises for a callable.
    """
    first = Val({"scalar": Kind.SCALAR, "row": Kind.ROW}.get(element, Kind.VALUE))
    analysis = Analysis(frozenset(labels))
    try:
        rest = [known(a) for a in args]
        named = {k: known(v) for k, v in (kwargs or {}).items()}
        for value in (*rest, *named.values()):
            analysis.use(value)
        analysis.call(known(func), [first, *rest], named)
    except _Impure as reason:
        return Verdict(False, str(reason))
    except RecursionError:
        return Verdict(False, "too deeply nested to judge")
    modules = {name: frozenset(used) for name, used in analysis.modules.items()}
    return Verdict(True, "", analysis.shares, modules)


# ---------------------------------------------------------------------------------------------
# Plain data: objects whose methods and operators are known to have no effect

NOT_PLAIN, MUTABLE, ATOM = 0, 1, 2

_ATOMS = {
    *(int, float, complex, bool, str, bytes, type(None), type(...), type(NotImplemented)),
    *(range, slice, type(pd.NA), type(pd.NaT), pd.Timestamp, pd.Timedelta, pd.Period, pd.Interval),
}
_ATOM_NAMES = {
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "zoneinfo": {"ZoneInfo"},
    "uuid": {"UUID"},
    "re": {"Pattern", "Match"},
}
_CONTAINERS = {list, dict, tuple, collections.OrderedDict, collections.Counter, collections.deque}


def is_atom(kind: type) -> bool:
    """Instances of the class cannot change and are plain data (tuples are not counted here)."""
    if kind in _ATOMS or kind.__name__ in _ATOM_NAMES.get(kind.__module__, ()):
        return True
    return issubclass(kind, (np.generic, np.dtype)) and not issubclass(kind, np.void)


def plainness(obj: Any, depth: int = 0) -> int:
    """ATOM: plain and nothing in it can change; MUTABLE: plain; NOT_PLAIN: anything else.

    Sets are not plain: their order differs between processes.
    """
    kind = type(obj)
    if is_atom(kind):
        return ATOM
    if depth > 10:
        return NOT_PLAIN
    if kind in _CONTAINERS:
        parts = (*obj.keys(), *obj.values()) if isinstance(obj, dict) else obj
        worst = plainness_of_all(parts, depth + 1)
        return min(worst, ATOM if kind is tuple else MUTABLE)
    if kind is np.ndarray:
        return (
            min(plainness_of_all(obj.ravel().tolist(), depth + 1), MUTABLE)
            if (obj.dtype == object)
            else (NOT_PLAIN if obj.dtype.hasobject else MUTABLE)
        )
    if isinstance(obj, (pd.DataFrame, pd.Series, pd.Index)):
        return _frame_plainness(obj, kind, depth)
    return NOT_PLAIN


def plainness_of_all(values: Iterable[Any], depth: int = 1) -> int:
    """The least plainness among values (ATOM when there are none)."""
    values = list(values)
    compound = [t for t in set(map(type, values)) if not is_atom(t)]
    if not compound:
        return ATOM
    trusted = ("pandas", "pandas_dist", "numpy")
    if not all(t in _CONTAINERS or _root(t.__module__) in trusted for t in compound):
        return NOT_PLAIN
    return min(plainness(v, depth) for v in values if not is_atom(type(v)))


def _frame_plainness(obj: Any, kind: type, depth: int) -> int:
    if kind.__module__.partition(".")[0] == "pandas_dist":
        return MUTABLE  # ours; reading its values would execute its plan
    if kind.__module__.partition(".")[0] != "pandas":
        return NOT_PLAIN
    columns = [c for _, c in obj.items()] if isinstance(obj, pd.DataFrame) else [obj]
    objects = [c for c in columns if c.dtype == object and not isinstance(c, pd.MultiIndex)]
    return min([MUTABLE, *(plainness_of_all(c.tolist(), depth + 1) for c in objects)])


# ---------------------------------------------------------------------------------------------
# Abstract values


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
_DATA = {Kind.SCALAR: 0, Kind.FRESH: 1, Kind.VALUE: 2, Kind.ROW: 2, Kind.VIEW: 2}


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
    if a.kind in _DATA and b.kind in _DATA:
        return max(a, b, key=lambda v: _DATA[v.kind]) if Kind.ROW not in (a.kind, b.kind) else VALUE
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
            raise _Impure("bytecode that is not understood (stack depth)")
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
            raise _Impure("bytecode that is not understood (stack depth)")
        taken = self.stack[-n:]
        del self.stack[-n:]
        return taken


# ---------------------------------------------------------------------------------------------
# What may be called


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Methods that change nothing on any plain object.
SAFE_METHODS = _words("""
    capitalize casefold center count encode endswith expandtabs find format format_map index isalnum
    isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle
    isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust
    rpartition rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill
    maketrans decode hex fromhex bit_length bit_count conjugate as_integer_ratio is_integer to_bytes
    from_bytes get keys values items copy most_common total fromkeys
    group groups groupdict start end span expand match search fullmatch findall finditer sub subn
    strftime strptime isoformat fromisoformat weekday isoweekday isocalendar date time timetz
    timestamp toordinal fromordinal combine timetuple utctimetuple total_seconds utcoffset tzname
    dst tz_localize tz_convert normalize floor ceil round to_pydatetime to_datetime64 to_numpy
    day_name month_name to_period to_timestamp to_julian_date asfreq as_unit to_pytimedelta
    quantize to_integral_value sqrt ln log10 exp is_nan is_finite is_infinite is_zero compare
    adjusted normalize limit_denominator hexdigest digest
    sum mean min max std var sem median mode any all prod product idxmin idxmax argmin argmax isna
    notna isnull notnull fillna ffill bfill dropna abs astype to_dict tolist to_list nunique unique
    value_counts isin between clip cumsum cumprod cummax cummin diff head tail sort_values
    sort_index reset_index rename item dot quantile describe where mask map apply agg aggregate
    transform eq ne lt le gt ge add mul div truediv floordiv mod pow radd rsub rmul rdiv pct_change
    shift rank skew kurt nlargest nsmallest drop reindex filter combine_first corr cov squeeze
    to_frame xs set_index contains len cat extract slice
    argsort flatten ravel reshape transpose nonzero searchsorted trace cumsum repeat
    overlaps
    """)
_FRESH_METHODS = _words(
    "split rsplit splitlines tolist to_list to_dict findall groupdict most_common flatten"
)
_SCALAR_METHODS = _words("""
    capitalize casefold center encode endswith expandtabs find isalnum isalpha isdecimal isdigit
    islower isnumeric isspace istitle isupper join ljust lower lstrip rfind rjust rstrip startswith
    strip swapcase title translate upper zfill removeprefix removesuffix decode strftime isoformat
    weekday isoweekday total_seconds bit_length is_integer hexdigest digest day_name month_name
    """)
_MUTATORS = _words("""
    append extend insert pop remove clear sort reverse update setdefault add discard popitem
    appendleft popleft extendleft rotate subtract move_to_end
    """)
_SET_METHODS = _words("union intersection difference symmetric_difference copy")
_SET_TESTS = _words("issubset issuperset isdisjoint add discard update remove clear")
_SAFE_DUNDERS = _words("__name__ __len__ __contains__ __getitem__ __class__ __doc__")
_PLAIN_CLASSES = (str, int, float, bool, bytes, list, dict, tuple, complex)
_CLASS_METHODS = _words("""
    strptime fromisoformat fromordinal combine fromkeys maketrans fromhex from_bytes from_float
    from_decimal fromisocalendar from_iterable
    """)

_BUILTINS = {
    "scalar": "len int float str bool complex bytes ord chr range isinstance issubclass repr "
    "bin hex oct format callable slice ascii",
    "fresh": "abs round sum divmod pow sorted list dict zip enumerate map filter reversed iter",
    "value": "min max tuple type getattr hasattr any all next",
    "set": "set frozenset",
}
_FROM_MODULES = {
    "math": ("scalar", "*"),
    "cmath": ("scalar", "*"),
    "operator": (
        "value",
        "add and_ concat contains countOf eq floordiv ge getitem gt indexOf inv invert is_ is_not "
        "le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor",
    ),
    "re": ("value", "compile match search fullmatch findall finditer split sub subn escape"),
    "datetime": ("scalar", "date datetime time timedelta timezone"),
    "decimal": ("scalar", "Decimal"),
    "fractions": ("scalar", "Fraction"),
    "statistics": (
        "value",
        "mean fmean median mode stdev pstdev variance pvariance harmonic_mean geometric_mean",
    ),
    "json": ("fresh", "loads dumps"),
    "unicodedata": ("scalar", "normalize category combining name bidirectional decimal digit"),
    "textwrap": ("value", "shorten wrap fill dedent indent"),
    "string": ("scalar", "capwords"),
    "collections": ("fresh", "OrderedDict Counter deque"),
    "itertools": (
        "fresh",
        "chain accumulate combinations permutations product zip_longest takewhile dropwhile islice "
        "groupby starmap repeat pairwise compress filterfalse combinations_with_replacement",
    ),
    "functools": ("value", "reduce"),
    "calendar": ("scalar", "monthrange isleap weekday"),
    "bisect": ("scalar", "bisect bisect_left bisect_right"),
    "hashlib": ("fresh", "md5 sha1 sha256 sha512 blake2b"),
    "html": ("scalar", "escape unescape"),
    "urllib.parse": ("value", "quote unquote quote_plus unquote_plus urlparse urlsplit urlencode"),
    "numpy": (
        "fresh",
        "array zeros ones full arange linspace where select sum mean median std var min max "
        "amin amax prod any all cumsum cumprod diff sort argsort argmin argmax unique isin dot "
        "quantile percentile nanmean nansum nanmax nanmin nanstd nanmedian clip round around "
        "concatenate stack "
        "vstack hstack interp digitize searchsorted isclose allclose count_nonzero "
        "polyval histogram average float64 float32 int64 int32 int16 int8 uint8 bool_ str_ "
        "datetime64 timedelta64 isscalar full_like zeros_like ones_like",
    ),
    "pandas": (
        "value",
        "isna isnull notna notnull Timestamp Timedelta Period Interval Series DataFrame "
        "to_datetime to_numeric to_timedelta concat cut Index date_range",
    ),
}
_SHARING = frozenset({"Series", "DataFrame", "Index"})  # of pandas: new unless over lent data
_ON_SETS = frozenset({"len", "min", "max", "any", "all", "bool", "set", "frozenset"})
_TRUSTED = frozenset({"numpy", "pandas", "pandas_dist", "builtins", *sys.stdlib_module_names})


@functools.cache
def _allowed() -> dict[int, tuple[Any, str, str]]:
    """id → (object, kind of its result, name) of everything that may be called."""
    table: dict[int, tuple[Any, str, str]] = {}
    for kind, names in _BUILTINS.items():
        for name in names.split():
            obj = getattr(builtins, name)
            table[id(obj)] = (obj, kind, name)
    for module_name, (kind, names) in _FROM_MODULES.items():
        module = __import__(module_name, fromlist=["*"])
        every = [n for n in dir(module) if n[0] != "_"] if names == "*" else names.split()
        for name in every:
            obj = getattr(module, name)
            if callable(obj):
                table.setdefault(id(obj), (obj, kind, f"{module_name}.{name}"))
    return table


def original(obj: Any) -> Any:
    """pandas' own object for one of our mirror's, else the object."""
    if isinstance(obj, types.ModuleType):
        return pd if obj.__name__ == "pandas_dist" else obj
    owner = obj if isinstance(obj, type) else type(obj)
    if _root(owner.__module__) not in ("pandas_dist", "wrapt"):
        return obj
    from pandas_dist import mirror

    return mirror.original(obj)


@functools.cache
def _effects() -> frozenset[str]:
    """Names of methods of plain objects that are not known to be safe."""
    classes = (pd.Series, pd.DataFrame, pd.Index, np.ndarray, pd.Timestamp, *_CONTAINERS, *_ATOMS)
    names = {n for cls in classes for n in dir(cls) if callable(getattr(cls, n, None))}
    return frozenset(names - SAFE_METHODS - {"str", "dt", "cat", "dtype"} - _SAFE_DUNDERS)


def _root(module: object) -> str:
    return module.partition(".")[0] if isinstance(module, str) else ""


def _title(obj: Any) -> str:
    return getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or repr(type(obj))


def fail(reason: str) -> NoReturn:
    raise _Impure(reason)


# ---------------------------------------------------------------------------------------------
# Calls and attributes


def is_set(val: Val) -> bool:
    if val.kind is Kind.KNOWN and type(val.value) in (set, frozenset):
        return plainness_of_all(val.value) == ATOM
    return val.kind is Kind.SET


def is_scalar(val: Val) -> bool:
    return val.kind is Kind.SCALAR or (val.kind is Kind.KNOWN and plainness(val.value) == ATOM)


def _describe(val: Val) -> str:
    if val.kind is Kind.KNOWN:
        return f"captured {val.name!r}" if val.name else "a captured object"
    return "its argument" if val.kind is Kind.ROW else "a value that it did not make"


class Analysis:
    """One judgement: the functions seen so far and what they use."""

    def __init__(self, labels: frozenset[Any]) -> None:
        self.labels = labels
        self.modules: dict[str, set[str]] = {}
        self.shares = False
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
            harmless = _root(obj.__module__) in ("numpy", "numbers") or obj.__module__ in (
                "collections.abc",
                "typing",
            )
            if not (harmless or id(obj) in _allowed() or issubclass(obj, BaseException)):
                fail(f"passes on the class {_title(obj)}")
        elif type(obj) is types.FunctionType and id(obj) not in _allowed():
            self.function(obj, None, {})
        elif callable(obj):
            self.call(val, [VALUE], {})
        elif isinstance(obj, types.ModuleType):
            fail(f"passes on the module {obj.__name__}")
        else:
            fail(f"uses {_describe(val)}, a {type(obj).__name__}")

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
        if id(obj) in _allowed():
            return self.call_allowed(obj, args, kwargs)
        if type(obj) is functools.partial:
            named = {k: known(v) for k, v in obj.keywords.items()}
            first = [known(a) for a in obj.args]
            return self.call(known(obj.func), [*first, *args], {**named, **kwargs})
        if type(obj) is types.FunctionType:
            if _root(obj.__module__) in _TRUSTED:
                fail(f"calls {obj.__module__}.{_title(obj)}")
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
        if descriptor and obj.__objclass__ in _PLAIN_CLASSES:
            return self.call_method(args[0], obj.__name__, args[1:], kwargs)
        if type(obj) is types.BuiltinMethodType:
            return self.call_bound(obj, args, kwargs)
        fail(f"calls {_title(obj)}, which is not known to be free of effects")

    def call_bound(self, obj: Any, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        owner = obj.__self__
        if isinstance(owner, type):
            if obj.__name__ in _CLASS_METHODS and (id(owner) in _allowed()):
                self.use_all(args, kwargs)
                return FRESH
        elif owner is not None and not isinstance(owner, types.ModuleType):
            return self.call_method(known(owner), obj.__name__, args, kwargs)
        fail(f"calls {_title(obj)}, which is not known to be free of effects")

    def make_exception(self, cls: type, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        self.use_all(args, kwargs)
        for base in cls.__mro__:
            if _root(base.__module__) not in _TRUSTED:
                if {"__init__", "__new__", "__init_subclass__"} & vars(base).keys():
                    fail(f"makes a {cls.__name__}, whose constructor is Python code")
                self.modules.setdefault(base.__module__, set()).add(base.__name__)
        return FRESH

    def call_allowed(self, obj: Any, args: list[Val], kwargs: Mapping[str, Val]) -> Val:
        _, kind, name = _allowed()[id(obj)]
        on_sets = name in _ON_SETS or (name == "sorted" and not kwargs)
        if name in ("isinstance", "issubclass") and len(args) == 2:
            self.check_class(args[1])
            args = args[:1]
        if name == "type" and len(args) != 1:
            fail("makes a class")
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
        if last in _SHARING and not lent:
            return FRESH
        return FRESH if kind == "fresh" else VALUE

    def check_class(self, val: Val) -> None:
        if val.kind is Kind.KNOWN and isinstance(val.value, type):
            if type(val.value).__name__ not in ("type", "ABCMeta"):
                fail(f"tests for the class {_title(val.value)}, which may run code")
            if _root(val.value.__module__) not in _TRUSTED:
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
        if name in _MUTATORS:
            if owner.kind is not Kind.FRESH:
                fail(f"calls .{name}() on {_describe(owner)}")
            return VALUE
        if name not in SAFE_METHODS:
            fail(f"calls .{name}(), which is not known to be free of effects")
        if name in ("apply", "map", "agg", "aggregate", "transform"):
            texts = [v.value for v in args if v.kind is Kind.KNOWN and isinstance(v.value, str)]
            if not SAFE_METHODS.issuperset(texts):
                fail(f"calls .{name}({texts[0]!r})")
        if name in ("keys", "items"):
            return VIEW
        if name in _SCALAR_METHODS or (owner.kind is Kind.SCALAR and name not in _FRESH_METHODS):
            return SCALAR
        if owner.kind is Kind.ROW:
            if name in ("sum", "mean", "min", "max", "std", "var", "median", "any", "all"):
                return SCALAR
            if name == "get" and args:
                return self.subscript(owner, args[0])
        made = name in _FRESH_METHODS or (name == "copy" and not args and not kwargs)
        return FRESH if made else VALUE

    def call_set_method(
        self, owner: Val, name: str, args: list[Val], kwargs: Mapping[str, Val]
    ) -> Val:
        for val in (*args, *kwargs.values()):
            if not is_set(val):
                self.use(val)
        if name in _SET_METHODS:
            return SET
        if name not in _SET_TESTS:
            fail(f"calls .{name}() on a set")
        if name in _MUTATORS and owner.kind is Kind.KNOWN:
            fail(f"calls .{name}() on {_describe(owner)}")
        return SCALAR

    # -- attributes and items

    def attribute(self, owner: Val, name: str) -> Val:
        if owner.kind is Kind.KNOWN and isinstance(owner.value, types.ModuleType):
            return self.module_attribute(owner.value, name)
        if owner.kind is Kind.KNOWN and isinstance(owner.value, type):
            return self.class_attribute(owner.value, name)
        self.use(owner)
        if name.startswith("_") and name not in _SAFE_DUNDERS:
            fail(f"reads the private attribute {name}")
        if name in _effects():
            fail(f"takes .{name} of {_describe(owner)}")
        if owner.kind is Kind.KNOWN and not self.plainness(owner.value):
            fail(f"reads an attribute of {_describe(owner)}")
        row = owner.kind is Kind.ROW and (name == "name" or name in self.labels)
        return SCALAR if row or is_scalar(owner) else VALUE

    def module_attribute(self, module: types.ModuleType, name: str) -> Val:
        if name not in vars(module):
            fail(f"reads {module.__name__}.{name}, which is not there yet")
        value = vars(module)[name]
        if _root(module.__name__) not in _TRUSTED:
            self.modules.setdefault(module.__name__, set()).add(name)
        elif self.plainness(value) == MUTABLE:
            fail(f"reads {module.__name__}.{name}, which may differ in another process")
        return known(value, f"{module.__name__}.{name}")

    def class_attribute(self, cls: type, name: str) -> Val:
        if id(cls) in _allowed() and (not name.startswith("_")):
            return known(getattr(cls, name, None), f"{cls.__name__}.{name}")
        if type(cls) is type and name in vars(cls) and self.plainness(vars(cls)[name]) == ATOM:
            if _root(cls.__module__) not in _TRUSTED:
                self.modules.setdefault(cls.__module__, set()).add(cls.__name__)
            return known(vars(cls)[name])
        fail(f"reads the attribute {name} of the class {_title(cls)}")

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
            fail(f"changes {_describe(a)} in place ({op})")
        if in_place and a.kind in (Kind.VALUE, Kind.ROW):
            fail(f"uses {op} on {_describe(a)}")
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
        if func.__module__ and _root(func.__module__) not in _TRUSTED:
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


# ---------------------------------------------------------------------------------------------
# The interpreter.  One method per opcode of CPython 3.11 to 3.13; a missing one means impure.

_END = object()  # returned by handlers after which the next instruction is not reached
# where dis.stack_effect counts otherwise: 3.11 splits a call, the generator appears on resumption
_UNCHECKED = {"RETURN_GENERATOR", *(("PRECALL", "CALL") if sys.version_info < (3, 12) else ())}


class Interpreter:
    """Runs one code object over kinds of values until nothing changes."""

    def __init__(
        self,
        analysis: Analysis,
        code: types.CodeType,
        scope: dict[str, Any],
        free: dict[str, Val],
    ) -> None:
        self.analysis = analysis
        self.code = code
        self.scope = scope
        self.free = free
        self.captured: dict[str, Val] = {}  # own variables as inner functions saw them
        self.jumps: list[tuple[int, State]] = []
        self.keyword_names: tuple[str, ...] = ()
        self.result: Val | None = None

    def run(self, names: dict[str, Val]) -> Val:
        instructions = list(dis.get_instructions(self.code))
        following = {a.offset: b.offset for a, b in pairwise(instructions)}
        by_offset = {i.offset: i for i in instructions}
        handlers: list[Any] = vars(dis.Bytecode(self.code))["exception_entries"]
        states = {instructions[0].offset: State([], dict(names))}
        todo = [instructions[0].offset]
        while todo:
            offset = todo.pop()
            state = states[offset].copy()
            self.jumps = []
            for entry in handlers:
                if entry.start <= offset < entry.end:
                    raised = [VALUE] * (2 if entry.lasti else 1)
                    self.jumps.append(
                        (entry.target, State([*state.stack[: entry.depth], *raised], state.names))
                    )
            if self.step(by_offset[offset], state) is not _END:
                self.jumps.append((following[offset], state))
            for target, reached in self.jumps:
                merged = states[target].merged(reached) if target in states else reached.copy()
                if target not in states or not merged.same(states[target]):
                    states[target] = merged
                    todo.append(target)
        return self.result or VALUE

    def step(self, ins: dis.Instruction, state: State) -> object:
        self.analysis.steps += 1
        if self.analysis.steps > MAX_STEPS:
            fail("too large to judge")
        handler = getattr(self, f"op_{ins.opname.lower()}", None)
        if handler is None:
            fail(_UNSUPPORTED.get(ins.opname, f"uses the instruction {ins.opname}"))
        before = len(state.stack)
        end = handler(ins, state)
        if end is not _END and ins.opname not in _UNCHECKED:
            arg = ins.arg if ins.opcode >= dis.HAVE_ARGUMENT else None
            if len(state.stack) - before != dis.stack_effect(ins.opcode, arg, jump=False):
                fail(f"uses the instruction {ins.opname} in a way that is not understood")
        return end

    # -- nothing to do, constants, names

    def op_nop(self, ins: Any, st: State) -> None:
        pass

    op_resume = op_make_cell = op_copy_free_vars = op_extended_arg = op_precall = op_nop
    op_cache = op_not_taken = op_nop

    def op_load_const(self, ins: Any, st: State) -> None:
        st.stack.append(Val(Kind.KNOWN, ins.argval))

    def op_return_const(self, ins: Any, st: State) -> object:
        st.stack.append(Val(Kind.KNOWN, ins.argval))
        return self.op_return_value(ins, st)

    def local(self, name: str, st: State) -> Val:
        if name not in st.names:
            fail(f"uses the variable {name} before it is set")
        return st.names[name]

    def op_load_fast(self, ins: Any, st: State) -> None:
        st.stack.append(self.local(ins.argval, st))

    op_load_fast_check = op_load_fast

    def op_load_fast_and_clear(self, ins: Any, st: State) -> None:
        st.stack.append(st.names.pop(ins.argval, NULL))

    def op_load_fast_load_fast(self, ins: Any, st: State) -> None:
        st.stack.extend(self.local(name, st) for name in ins.argval)

    def store(self, name: str, st: State) -> None:
        (val,) = st.pop(1)
        seen = self.captured.get(name)
        if seen is not None and not join(seen, val).same(seen):
            fail(f"rebinds {name}, which an inner function uses")
        if val.kind is Kind.NULL:
            st.names.pop(name, None)
        else:
            st.names[name] = val

    def op_store_fast(self, ins: Any, st: State) -> None:
        self.store(ins.argval, st)

    op_store_fast_maybe_null = op_store_fast

    def op_store_fast_load_fast(self, ins: Any, st: State) -> None:
        self.store(ins.argval[0], st)
        st.stack.append(self.local(ins.argval[1], st))

    def op_store_fast_store_fast(self, ins: Any, st: State) -> None:
        for name in ins.argval:
            self.store(name, st)

    def op_delete_fast(self, ins: Any, st: State) -> None:
        st.names.pop(ins.argval, None)

    def op_load_closure(self, ins: Any, st: State) -> None:
        st.stack.append(VALUE)

    def op_load_deref(self, ins: Any, st: State) -> None:
        free = self.free.get(ins.argval)
        st.stack.append(self.local(ins.argval, st) if free is None else free)

    def op_store_deref(self, ins: Any, st: State) -> None:
        if ins.argval in self.code.co_freevars:
            fail(f"assigns the captured variable {ins.argval}")
        self.store(ins.argval, st)

    def op_delete_deref(self, ins: Any, st: State) -> None:
        if ins.argval in self.code.co_freevars:
            fail(f"deletes the captured variable {ins.argval}")
        st.names.pop(ins.argval, None)

    def op_load_global(self, ins: Any, st: State) -> None:
        name = ins.argval
        missing = object()
        value = self.scope.get(name, missing)
        if value is missing:
            value = vars(builtins).get(name, missing)
        if value is missing:
            fail(f"uses the undefined name {name}")
        if ins.arg & 1:
            st.stack.append(NULL)
        st.stack.append(known(value, name))

    def op_import_name(self, ins: Any, st: State) -> None:
        st.pop(2)
        root = _root(ins.argval)
        if ins.argval not in sys.modules or root not in {_root(m) for m in _FROM_MODULES}:
            fail(f"imports {ins.argval}")
        module = sys.modules[ins.argval if ins.argval in _FROM_MODULES else root]
        st.stack.append(known(module, ins.argval))

    def op_import_from(self, ins: Any, st: State) -> None:
        st.stack.append(self.analysis.attribute(st.stack[-1], ins.argval))

    # -- the stack

    def op_pop_top(self, ins: Any, st: State) -> None:
        st.pop(1)

    op_pop_except = op_pop_top

    def op_push_null(self, ins: Any, st: State) -> None:
        st.stack.append(NULL)

    def op_copy(self, ins: Any, st: State) -> None:
        st.stack.append(st.stack[-ins.arg])

    def op_swap(self, ins: Any, st: State) -> None:
        st.stack[-1], st.stack[-ins.arg] = st.stack[-ins.arg], st.stack[-1]

    # -- operators

    def op_unary_negative(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.append(SCALAR if is_scalar(val) else FRESH)

    op_unary_invert = op_unary_positive = op_unary_negative

    def test(self, val: Val) -> None:
        """A truth test: of anything whose __bool__ is known."""
        if not (is_set(val) or val.kind is Kind.FUNC):
            self.analysis.use(val)

    def op_unary_not(self, ins: Any, st: State) -> None:
        self.test(*st.pop(1))
        st.stack.append(SCALAR)

    op_to_bool = op_unary_not

    def op_binary_op(self, ins: Any, st: State) -> None:
        a, b = st.pop(2)
        if ins.argrepr == "[]":  # from 3.14 on; harmless before
            st.stack.append(self.analysis.subscript(a, b))
        else:
            st.stack.append(self.analysis.binary(ins.argrepr, a, b))

    def op_compare_op(self, ins: Any, st: State) -> None:
        a, b = st.pop(2)
        for val in (a, b):
            if not is_set(val):
                self.analysis.use(val)
        st.stack.append(SCALAR if is_scalar(a) and is_scalar(b) else FRESH)

    def op_contains_op(self, ins: Any, st: State) -> None:
        item, container = st.pop(2)
        self.analysis.use(item)
        if not is_set(container):
            self.analysis.use(container)
        st.stack.append(SCALAR)

    def op_is_op(self, ins: Any, st: State) -> None:
        for val in st.pop(2):
            if val.kind is Kind.KNOWN and not is_scalar(val):
                fail(f"compares identity with {_describe(val)}")
        st.stack.append(SCALAR)

    def op_get_len(self, ins: Any, st: State) -> None:
        self.test(st.stack[-1])
        st.stack.append(SCALAR)

    def op_format_value(self, ins: Any, st: State) -> None:
        for val in st.pop(2 if ins.arg & 4 else 1):
            self.analysis.use(val)
        st.stack.append(SCALAR)

    def op_format_simple(self, ins: Any, st: State) -> None:
        self.analysis.use(*st.pop(1))
        st.stack.append(SCALAR)

    op_convert_value = op_format_simple

    def op_format_with_spec(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(2), {})
        st.stack.append(SCALAR)

    # -- items and attributes

    def op_binary_subscr(self, ins: Any, st: State) -> None:
        st.stack.append(self.analysis.subscript(*st.pop(2)))

    def op_binary_slice(self, ins: Any, st: State) -> None:
        owner, start, stop = st.pop(3)
        self.analysis.use_all([start, stop], {})
        st.stack.append(self.analysis.subscript(owner, SCALAR))

    def op_build_slice(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SCALAR)

    def changes(self, container: Val, *others: Val) -> None:
        if container.kind is not Kind.FRESH:
            fail(f"stores items into {_describe(container)}")
        self.analysis.use_all(others, {})

    def op_store_subscr(self, ins: Any, st: State) -> None:
        value, container, key = st.pop(3)
        self.changes(container, value, key)

    def op_delete_subscr(self, ins: Any, st: State) -> None:
        self.changes(*st.pop(2))

    def op_store_slice(self, ins: Any, st: State) -> None:
        value, container, start, stop = st.pop(4)
        self.changes(container, value, start, stop)

    def op_load_attr(self, ins: Any, st: State) -> None:
        if sys.version_info >= (3, 12) and ins.arg & 1:
            self.op_load_method(ins, st)
        else:
            (owner,) = st.pop(1)
            st.stack.append(self.analysis.attribute(owner, ins.argval))

    def op_load_method(self, ins: Any, st: State) -> None:
        (owner,) = st.pop(1)
        by_name = owner.kind is Kind.KNOWN and isinstance(owner.value, (types.ModuleType, type))
        method = Val(Kind.METHOD, owner, ins.argval)
        if by_name:
            method = self.analysis.attribute(owner, ins.argval)
        st.stack.extend([NULL, method])

    def op_store_attr(self, ins: Any, st: State) -> None:
        fail(f"assigns the attribute {ins.argval}")

    # -- containers

    def op_build_list(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(FRESH)

    op_build_tuple = op_build_list

    def op_build_string(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SCALAR)

    def op_build_set(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SET)

    def op_build_map(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(2 * ins.arg), {})
        st.stack.append(FRESH)

    def op_build_const_key_map(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg + 1), {})
        st.stack.append(FRESH)

    def grow(self, depth: int, added: list[Val], st: State, kind: Kind) -> None:
        self.analysis.use_all(added, {})
        if st.stack[-depth].kind is not kind:
            fail("grows a container that it did not make")

    def op_list_append(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(1), st, Kind.FRESH)

    op_list_extend = op_dict_update = op_dict_merge = op_list_append

    def op_map_add(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(2), st, Kind.FRESH)

    def op_set_add(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(1), st, Kind.SET)

    def op_set_update(self, ins: Any, st: State) -> None:
        added = [v for v in st.pop(1) if not is_set(v)]
        self.grow(ins.arg, added, st, Kind.SET)

    def op_list_to_tuple(self, ins: Any, st: State) -> None:
        pass

    def op_call_intrinsic_1(self, ins: Any, st: State) -> object:
        name = ins.argrepr.removeprefix("INTRINSIC_")
        if name == "UNARY_POSITIVE":
            self.op_unary_negative(ins, st)
        elif name not in ("LIST_TO_TUPLE", "STOPITERATION_ERROR"):
            fail(f"uses the instruction {ins.argrepr}")
        return None

    def element(self, val: Val) -> Val:
        return SCALAR if self.analysis.holds_atoms(val) else VALUE

    def op_unpack_sequence(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.extend([self.element(val)] * ins.arg)

    def op_unpack_ex(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        first, last = ins.arg & 0xFF, ins.arg >> 8
        each = self.element(val)
        st.stack.extend([*[each] * last, FRESH, *[each] * first])

    # -- control flow

    def op_get_iter(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.append(self.element(val))

    def op_for_iter(self, ins: Any, st: State) -> None:
        # at the end 3.11 drops the iterator; later versions leave that to END_FOR
        ended = st.stack[:-1] if sys.version_info < (3, 12) else [*st.stack, VALUE]
        self.jumps.append((ins.argval, State(ended, st.names)))
        st.stack.append(st.stack[-1])

    def op_end_for(self, ins: Any, st: State) -> None:
        st.pop(2 if sys.version_info < (3, 13) else 1)

    def op_jump_forward(self, ins: Any, st: State) -> object:
        self.jumps.append((ins.argval, st))
        return _END

    op_jump_backward = op_jump_backward_no_interrupt = op_jump_forward

    def op_pop_jump_if_true(self, ins: Any, st: State) -> None:
        self.test(*st.pop(1))
        self.jumps.append((ins.argval, st))

    op_pop_jump_if_false = op_pop_jump_forward_if_true = op_pop_jump_if_true
    op_pop_jump_forward_if_false = op_pop_jump_backward_if_true = op_pop_jump_if_true
    op_pop_jump_backward_if_false = op_pop_jump_if_true

    def op_pop_jump_if_none(self, ins: Any, st: State) -> None:
        st.pop(1)
        self.jumps.append((ins.argval, st))

    op_pop_jump_if_not_none = op_pop_jump_forward_if_none = op_pop_jump_if_none
    op_pop_jump_forward_if_not_none = op_pop_jump_backward_if_none = op_pop_jump_if_none
    op_pop_jump_backward_if_not_none = op_pop_jump_if_none

    def op_jump_if_true_or_pop(self, ins: Any, st: State) -> None:
        self.test(st.stack[-1])
        self.jumps.append((ins.argval, st.copy()))
        st.pop(1)

    op_jump_if_false_or_pop = op_jump_if_true_or_pop

    def op_return_value(self, ins: Any, st: State) -> object:
        (val,) = st.pop(1)
        if val.kind is not Kind.SET:  # a caller inside may use a set; `judge` does not look
            self.analysis.use(val)
        self.result = val if self.result is None else join(self.result, val)
        return _END

    def op_return_generator(self, ins: Any, st: State) -> None:
        st.stack.append(VALUE)

    def op_yield_value(self, ins: Any, st: State) -> None:
        self.analysis.use(*st.pop(1))
        st.stack.append(VALUE)

    # -- exceptions

    def op_push_exc_info(self, ins: Any, st: State) -> None:
        st.stack.insert(-1, VALUE)

    def op_check_exc_match(self, ins: Any, st: State) -> None:
        (cls,) = st.pop(1)
        self.analysis.use(cls)
        st.stack.append(SCALAR)

    def op_load_assertion_error(self, ins: Any, st: State) -> None:
        st.stack.append(Val(Kind.KNOWN, AssertionError))

    def op_reraise(self, ins: Any, st: State) -> object:
        return _END

    def op_raise_varargs(self, ins: Any, st: State) -> object:
        self.analysis.use_all(st.pop(ins.arg), {})
        return _END

    # -- functions and calls

    def op_make_function(self, ins: Any, st: State) -> None:
        (code,) = st.pop(1)
        extra = st.pop(int(ins.arg or 0).bit_count() if sys.version_info < (3, 13) else 0)
        self.analysis.use_all(extra, {})
        st.stack.append(self.inner_function(code.value, st))

    def op_set_function_attribute(self, ins: Any, st: State) -> None:
        attribute, func = st.pop(2)
        self.analysis.use(attribute)
        st.stack.append(func)

    def inner_function(self, code: types.CodeType, st: State) -> Val:
        """Judge a function made here at once, for any arguments."""
        generator = code.co_flags & 0x20 and code.co_name == "<genexpr>"
        if code.co_flags & (0x20 | 0x80 | 0x200) and not generator:
            fail(f"{code.co_name} is a generator or a coroutine")
        free = {}
        for name in code.co_freevars:
            if name in self.free:
                free[name] = self.free[name]
                continue
            val = st.names.get(name, VALUE)
            if val.kind in _DATA or is_scalar(val) or self.captured_plain(val):
                val = VALUE
            seen = self.captured.get(name, val)
            free[name] = self.captured[name] = join(seen, val)
        parameters = code.co_argcount + code.co_kwonlyargcount
        parameters += bool(code.co_flags & 4) + bool(code.co_flags & 8)
        names = dict.fromkeys(code.co_varnames[:parameters], VALUE)
        result = self.analysis.run(code, self.scope, free, names)
        return Val(Kind.FUNC, FRESH if generator else result, code.co_name)

    def captured_plain(self, val: Val) -> bool:
        return val.kind is Kind.KNOWN and self.analysis.plainness(val.value) != NOT_PLAIN

    def op_kw_names(self, ins: Any, st: State) -> None:
        self.keyword_names = self.code.co_consts[ins.arg]

    def op_call(self, ins: Any, st: State) -> None:
        names, self.keyword_names = self.keyword_names, ()
        self.called(ins.arg, names, st)

    def op_call_kw(self, ins: Any, st: State) -> None:
        (names,) = st.pop(1)
        self.called(ins.arg, names.value, st)

    def called(self, n: int, names: tuple[str, ...], st: State) -> None:
        args = st.pop(n)
        fn, args = self.callee(args, st)
        split = len(args) - len(names)
        kwargs = dict(zip(names, args[split:]))
        st.stack.append(self.analysis.call(fn, args[:split], kwargs))

    def callee(self, args: list[Val], st: State) -> tuple[Val, list[Val]]:
        """The two places under the arguments: (NULL, f), (f, NULL) or (f, first argument)."""
        a, b = st.pop(2)
        if a.kind is Kind.NULL:
            return b, args
        return (a, args) if b.kind is Kind.NULL else (a, [b, *args])

    def op_call_function_ex(self, ins: Any, st: State) -> None:
        lists = st.pop(2 if ins.arg & 1 else 1)
        self.analysis.use_all(lists, {})
        fn, first = self.callee([], st)
        if first:
            fail("calls with * or ** in a way that is not understood")
        python = fn.kind is Kind.KNOWN and type(fn.value) is types.FunctionType
        if python and _root(fn.value.__module__) not in _TRUSTED:
            st.stack.append(self.analysis.function(fn.value, None, {}))
            return
        if ins.arg & 1:
            fail("calls with ** something that is not known")  # it might hold inplace= or out=
        self.analysis.call(fn, [VALUE], {})
        st.stack.append(VALUE)


_UNSUPPORTED = {
    "STORE_GLOBAL": "assigns a global variable",
    "DELETE_GLOBAL": "deletes a global variable",
    "DELETE_ATTR": "deletes an attribute",
    "BEFORE_WITH": "uses a with statement",
    "LOAD_BUILD_CLASS": "makes a class",
}
