"""Strict comparison of everything a script can get from pandas.

`assert_same(got, expected)` accepts two results only if no script could tell them apart:
classes, dtypes, order, index class, names, frequencies, categories, attrs, and the kind of each
missing value.  Floating-point numbers may differ by `RTOL`; nothing else may.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

RTOL = 1e-9


@dataclass(frozen=True)
class Outcome:
    """What a call gave: a value, or the exception it raised."""

    value: Any = None
    error: BaseException | None = None


def outcome(fn: Callable[[], Any]) -> Outcome:
    """Call `fn`; return its result or the exception (never raises an `Exception`)."""
    try:
        return Outcome(value=fn())
    except Exception as error:  # noqa: BLE001 - the exception is the result
        return Outcome(error=error)


def assert_as_pandas(run: Callable[[Any], Any]) -> None:
    """Raise AssertionError unless ``run`` of our module gives what it gives of pandas."""
    import pandas_dist

    with np.errstate(all="ignore"):
        expected = outcome(lambda: run(pd))
        got = outcome(lambda: run(pandas_dist))
        assert_same(got, expected)


def assert_same(got: Any, expected: Any, where: str = "result") -> None:
    """Raise AssertionError, naming the place, unless `got` is what pandas gave (`expected`)."""
    if isinstance(expected, Outcome):
        _outcome(got, expected, where)
    elif isinstance(expected, BaseException):
        _error(got, expected, where)
    elif isinstance(expected, pd.DataFrame):
        _frame(got, expected, where)
    elif isinstance(expected, pd.Series):
        _series(got, expected, where)
    elif isinstance(expected, pd.Index):
        _index(got, expected, where)
    elif isinstance(expected, (np.dtype, pd.api.extensions.ExtensionDtype)):
        _dtype(got, expected, where)
    elif isinstance(expected, (np.ndarray, pd.api.extensions.ExtensionArray)):
        _array(got, expected, where)
    elif isinstance(expected, dict):
        _dict(got, expected, where)
    elif isinstance(expected, (list, tuple)):
        _sequence(got, expected, where)
    elif isinstance(expected, (set, frozenset)):
        _set(got, expected, where)
    else:
        _scalar(got, expected, where)


def _fail(where: str, what: str, got: Any, expected: Any) -> None:
    raise AssertionError(f"{where}: {what}: got {_show(got)}, expected {_show(expected)}")


def _show(value: Any) -> str:
    text = value if isinstance(value, str) and "\n" in value else repr(value)
    return text if len(text) <= 1500 else text[:1500] + "..."


def _check(same: bool, where: str, what: str, got: Any, expected: Any) -> None:
    if not same:
        _fail(where, what, got, expected)


# -- outcomes ---------------------------------------------------------------------------------


def _outcome(got: Any, expected: Outcome, where: str) -> None:
    _check(isinstance(got, Outcome), where, "class", got, expected)
    if expected.error is not None:
        if got.error is None:
            raise AssertionError(
                f"{where}: no exception: got {_show(got.value)}, "
                f"expected {type(expected.error).__name__}: {expected.error}"
            )
        _error(got.error, expected.error, where)
    elif got.error is not None:
        raise AssertionError(
            f"{where}: raised {type(got.error).__name__}: {got.error}"
        ) from got.error
    else:
        assert_same(got.value, expected.value, where)


def _error(got: Any, expected: BaseException, where: str) -> None:
    if type(got) is not type(expected) or str(got) != str(expected):
        message = (
            f"{where}: exception: got {type(got).__name__}: {got}, "
            f"expected {type(expected).__name__}: {expected}"
        )
        raise AssertionError(message) from (got if isinstance(got, BaseException) else None)


# -- pandas containers ------------------------------------------------------------------------


def _frame(got: Any, expected: pd.DataFrame, where: str) -> None:
    _check(type(got) == type(expected), where, "class", type(got), type(expected))  # noqa: E721
    # The schema as the object shows it, before anything makes it load its data.
    _index(got.columns, expected.columns, f"{where}.columns")
    _dtypes(list(got.dtypes), expected, where)
    plain = pd.DataFrame(got)
    _check(plain.shape == expected.shape, where, "shape", plain.shape, expected.shape)
    _index(plain.columns, expected.columns, f"{where}.columns (loaded)")
    _dtypes(list(plain.dtypes), expected, f"{where} (loaded)")
    _index(plain.index, expected.index, f"{where}.index")
    _index(got.index, expected.index, f"{where}.index (shown)")
    for position, label in enumerate(expected.columns):
        here = f"{where}[{label!r}]"
        _values(_data(plain.iloc[:, position]), _data(expected.iloc[:, position]), here)
    _attrs(got, expected, where)


def _dtypes(got: list[Any], expected: pd.DataFrame, where: str) -> None:
    for mine, theirs, label in zip(got, expected.dtypes, expected.columns, strict=True):
        _dtype(mine, theirs, f"{where}[{label!r}].dtype")


def _series(got: Any, expected: pd.Series, where: str) -> None:
    _check(type(got) == type(expected), where, "class", type(got), type(expected))  # noqa: E721
    assert_same(got.name, expected.name, f"{where}.name")
    _dtype(got.dtype, expected.dtype, f"{where}.dtype")
    plain = pd.Series(got)
    assert_same(plain.name, expected.name, f"{where}.name (loaded)")
    _dtype(plain.dtype, expected.dtype, f"{where}.dtype (loaded)")
    _check(len(plain) == len(expected), where, "length", len(plain), len(expected))
    _index(plain.index, expected.index, f"{where}.index")
    _index(got.index, expected.index, f"{where}.index (shown)")
    _values(_data(plain), _data(expected), where)
    _attrs(got, expected, where)


def _attrs(got: Any, expected: Any, where: str) -> None:
    assert_same(dict(got.attrs), dict(expected.attrs), f"{where}.attrs")
    mine, theirs = got.flags.allows_duplicate_labels, expected.flags.allows_duplicate_labels
    _check(mine == theirs, where, "allows_duplicate_labels", mine, theirs)


def _index(got: Any, expected: pd.Index, where: str) -> None:
    _check(type(got) is type(expected), where, "class", type(got), type(expected))
    assert_same(list(got.names), list(expected.names), f"{where}.names")
    _check(len(got) == len(expected), where, "length", len(got), len(expected))
    if isinstance(expected, pd.MultiIndex):
        _multi_index(got, expected, where)
        return
    _dtype(got.dtype, expected.dtype, f"{where}.dtype")
    if isinstance(expected, pd.RangeIndex):
        _check(
            (got.start, got.stop, got.step) == (expected.start, expected.stop, expected.step),
            *(where, "range", got, expected),
        )
        return
    mine, theirs = getattr(got, "freq", None), getattr(expected, "freq", None)
    _check(mine == theirs, where, "freq", mine, theirs)
    _values(_data(got), _data(expected), where)


def _multi_index(got: pd.MultiIndex, expected: pd.MultiIndex, where: str) -> None:
    _check(got.nlevels == expected.nlevels, where, "levels", got.nlevels, expected.nlevels)
    for i in range(expected.nlevels):
        mine, theirs = got.get_level_values(i), expected.get_level_values(i)
        _dtype(mine.dtype, theirs.dtype, f"{where} level {i}.dtype")
        _values(_data(mine), _data(theirs), f"{where} level {i}")
        # Levels can be read, and their order decides that of unstack.
        _index(got.levels[i], expected.levels[i], f"{where}.levels[{i}]")


# -- dtypes and arrays ------------------------------------------------------------------------


def _dtype(got: Any, expected: Any, where: str) -> None:
    _check(type(got) is type(expected), where, "dtype", got, expected)
    if isinstance(expected, pd.CategoricalDtype):
        _check(got.ordered == expected.ordered, where, "ordered", got.ordered, expected.ordered)
        _index(got.categories, expected.categories, f"{where}.categories")
    elif isinstance(expected, pd.StringDtype):
        mine, theirs = (got.storage, got.na_value), (expected.storage, expected.na_value)
        _check(repr(mine) == repr(theirs), where, "dtype", mine, theirs)
    else:
        same = got == expected and str(got) == str(expected)
        _check(same, where, "dtype", got, expected)


def _array(got: Any, expected: Any, where: str) -> None:
    _check(type(got) is type(expected), where, "class", type(got), type(expected))
    _dtype(got.dtype, expected.dtype, f"{where}.dtype")
    _check(got.shape == expected.shape, where, "shape", got.shape, expected.shape)
    if isinstance(expected, np.ndarray):
        got, expected = got.ravel(), expected.ravel()
    _values(got, expected, where)


def _data(container: pd.Series | pd.Index) -> Any:
    """The array inside: an ndarray where the dtype is NumPy's, else an extension array."""
    array = container.array
    return array.to_numpy() if isinstance(array, pd.arrays.NumpyExtensionArray) else array


def _values(got: Any, expected: Any, where: str) -> None:
    """Compare one-dimensional arrays whose dtypes and lengths are known to be equal."""
    if isinstance(expected, pd.Categorical):
        got, expected = got.codes, expected.codes
    if isinstance(expected, np.ndarray) and expected.dtype.names:
        for name in expected.dtype.names:
            _values(got[name], expected[name], f"{where}.{name}")
        return
    elif isinstance(expected, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        got, expected = got.asi8, expected.asi8
    if not isinstance(expected, np.ndarray):
        got, expected = (np.asarray(x, dtype=object) for x in (got, expected))
    if expected.dtype.kind in "fc":
        _floats(got, expected, where)
    elif expected.dtype.kind == "O":
        _objects(got, expected, where)
    else:
        if expected.dtype.kind in "mM":
            got, expected = got.view("i8"), expected.view("i8")
        _first_difference(got != expected, got, expected, where)


def _floats(got: np.ndarray, expected: np.ndarray, where: str) -> None:
    if expected.dtype.kind == "c":
        _floats(got.real, expected.real, f"{where}.real")
        _floats(got.imag, expected.imag, f"{where}.imag")
        return
    with np.errstate(all="ignore"):
        close = np.abs(got - expected) <= RTOL * np.abs(expected)
        same = (got == expected) & ((expected != 0) | (np.signbit(got) == np.signbit(expected)))
        nonzero = (got != 0) & (expected != 0) & np.isfinite(got) & np.isfinite(expected)
        good = same | (close & nonzero) | (np.isnan(got) & np.isnan(expected))
    _first_difference(~good, got, expected, where)


def _first_difference(bad: np.ndarray, got: Any, expected: Any, where: str) -> None:
    if bad.any():
        i = int(bad.argmax())
        what = f"{int(bad.sum())} of {len(bad)} values differ, first at position {i}"
        _fail(where, what, got[i], expected[i])


def _objects(got: Iterable[Any], expected: Iterable[Any], where: str) -> None:
    for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        if not (type(mine) is str and type(theirs) is str and mine == theirs):
            assert_same(mine, theirs, f"{where} at position {i}")


# -- plain Python -----------------------------------------------------------------------------


def _dict(got: Any, expected: dict, where: str) -> None:
    _check(type(got) is type(expected), where, "class", type(got), type(expected))
    assert_same(list(got), list(expected), f"{where} keys")
    for (key, mine), theirs in zip(got.items(), expected.values(), strict=True):
        assert_same(mine, theirs, f"{where}[{key!r}]")


def _sequence(got: Any, expected: Any, where: str) -> None:
    # Every itertuples() call makes a new class named "Pandas": its fields are what counts.
    mine, theirs = getattr(got, "_fields", None), getattr(expected, "_fields", None)
    _check(mine == theirs, where, "fields", mine, theirs)
    if theirs is None:
        _check(type(got) is type(expected), where, "class", type(got), type(expected))
    else:
        _check(
            type(got).__name__ == type(expected).__name__,
            *(where, "class", type(got), type(expected)),
        )
    _check(len(got) == len(expected), where, "length", len(got), len(expected))
    for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        assert_same(mine, theirs, f"{where}[{i}]")


def _set(got: Any, expected: Any, where: str) -> None:
    _check(type(got) is type(expected), where, "class", type(got), type(expected))
    mine, theirs = (Counter((type(x), repr(x)) for x in group) for group in (got, expected))
    _check(mine == theirs, where, "set", got, expected)


def _scalar(got: Any, expected: Any, where: str) -> None:
    if expected is None or expected is pd.NA or expected is pd.NaT:
        _check(got is expected, where, "value", got, expected)
        return
    if isinstance(expected, type):
        _check(got == expected, where, "type", got, expected)
        return
    what = f"class {type(got).__name__}, not {type(expected).__name__}"
    _check(type(got) is type(expected), where, what, got, expected)
    if isinstance(expected, (float, np.floating)):
        _check(_same_float(got, expected), where, "value", got, expected)
    elif isinstance(expected, (complex, np.complexfloating)):
        _scalar(got.real, expected.real, f"{where}.real")
        _scalar(got.imag, expected.imag, f"{where}.imag")
    elif isinstance(expected, (pd.Timestamp, pd.Timedelta)):
        mine, theirs = (got.unit, repr(got)), (expected.unit, repr(expected))
        _check(mine == theirs, where, "value", mine, theirs)
    else:
        same = got == expected
        _check(isinstance(same, (bool, np.bool_)) and bool(same), where, "value", got, expected)


def _same_float(got: Any, expected: Any) -> bool:
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    if got == 0 or expected == 0:
        return bool(got == expected) and math.copysign(1, got) == math.copysign(1, expected)
    if math.isinf(got) or math.isinf(expected):
        return bool(got == expected)
    return abs(got - expected) <= RTOL * abs(expected)
