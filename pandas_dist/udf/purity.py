"""Is a Python function free of effects that anyone could see?  Read from its bytecode, never run.

`judge` interprets the bytecode over kinds of values instead of values: what is known (globals,
closures, constants), what was made by the function itself, what is only lent to it.  Whatever it
does not understand is impure: an opcode, a callable, a class that is not plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pandas_dist.udf.analysis import Analysis
from pandas_dist.udf.plain import ATOM, MUTABLE, NOT_PLAIN, is_atom, plainness, plainness_of_all
from pandas_dist.udf.values import Impure, Kind, Val, known, original

__all__ = [
    "ATOM",
    "MUTABLE",
    "NOT_PLAIN",
    "Verdict",
    "is_atom",
    "judge",
    "original",
    "plainness",
    "plainness_of_all",
]


@dataclass(frozen=True)
class Verdict:
    """What `judge` found.  Truthy when the function is pure.

    reason: "" for a pure function, else what was seen first.  shares: the function reads captured
    mutable objects, so that a mutable result may be one of them.  modules: the user's modules
    whose functions or attributes it uses, with the names it reads there.  classes: it may ask for
    the class of what it is given.
    """

    pure: bool
    reason: str = ""
    shares: bool = False
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    classes: bool = True

    def __bool__(self) -> bool:
        return self.pure


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
    except Impure as reason:
        return Verdict(False, str(reason))
    except RecursionError:
        return Verdict(False, "too deeply nested to judge")
    modules = {name: frozenset(used) for name, used in analysis.modules.items()}
    return Verdict(True, "", analysis.shares, modules, analysis.classes)
