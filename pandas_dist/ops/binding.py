"""Arguments of a call by the names of pandas' own parameters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


@functools.cache
def signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def bind(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> SimpleNamespace:
    """Arguments by pandas' parameter names, defaults filled in.  TypeError as pandas."""
    try:
        return _binder(function)(*args, **kwargs)
    except TypeError:
        signature(function).bind(*args, **kwargs)
        raise


def bound(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> SimpleNamespace | None:
    """The same; None where pandas' own TypeError has to show."""
    try:
        return bind(function, args, kwargs)
    except TypeError:
        return None


@functools.cache
def _binder(function: Any) -> Callable[..., SimpleNamespace]:
    """A compiled function of the same parameters that gives them by name.

    ``Signature.bind`` takes longer than the rest of building a plan.
    """
    parameters = signature(function).parameters.values()
    names = [p.name for p in parameters]
    given = {"_made": SimpleNamespace, "_variadic_": _variadic(function)}
    given |= {f"_default_{p.name}": p.default for p in parameters}
    bare = [p.replace(annotation=p.empty, default=_default(p)) for p in parameters]
    shown = inspect.Signature(bare)
    fields = ", ".join(f"{name}={name}" for name in names)
    source = f"lambda {str(shown)[1:-1]}: _made({fields}, _variadic=_variadic_)"
    return eval(source, given)  # type: ignore[no-any-return]


class _Name(str):
    """A default that stands in a signature's text as the name of a variable."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _default(parameter: inspect.Parameter) -> Any:
    empty = parameter.default is parameter.empty
    return parameter.empty if empty else _Name(f"_default_{parameter.name}")


@functools.cache
def _variadic(function: Any) -> tuple[str | None, str | None]:
    """Names of a function's ``*args`` and ``**kwargs`` parameters."""
    kinds = {p.kind: p.name for p in signature(function).parameters.values()}
    return kinds.get(inspect.Parameter.VAR_POSITIONAL), kinds.get(inspect.Parameter.VAR_KEYWORD)
