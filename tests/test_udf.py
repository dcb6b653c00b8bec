"""Python functions: which are pure, and that running those elsewhere cannot be told from pandas."""

from __future__ import annotations

import datetime as dt
import functools
import json
import logging
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import types
import warnings

import numpy as np
import pandas as pd
import pytest

import pandas_dist
from pandas_dist.config import options
from pandas_dist.udf import apply, pool, rows, worker
from pandas_dist.udf.purity import judge

RATES = {"a": 1.5, "b": 2.0}
LISTS = {"a": [1]}
WORDS = {"x", "y"}
SEEN: list[object] = []
FRAME = pd.DataFrame({"k": [1, 2]})
PATTERN = re.compile(r"\d+")
COUNTER = 0


class Custom:
    rate = 2

    def method(self, x):
        return x


CUSTOM = Custom()


class OwnError(ValueError):
    pass


class NoisyError(ValueError):
    def __init__(self, text):
        SEEN.append(text)


def double(x):
    return x * 2


def noisy(x):
    SEEN.append(x)
    return x


def calls_noisy(x):
    return noisy(x) + 1


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def total(row):
    result = 0
    for value in row:
        try:
            result += value
        except (TypeError, ValueError) as error:
            raise OwnError(f"{value!r}") from error
    return result


def counts(text):
    found = {}
    for ch in text:
        found[ch] = found.get(ch, 0) + 1
    return found


def unpacks(x):
    first, *rest = x.split(",")
    return first, len(rest)


def grows(x, acc=None):
    acc = [] if acc is None else acc
    acc.append(x)
    return acc


def imports(x):
    import math

    return math.floor(x)


def bumps(x):
    global COUNTER
    COUNTER += 1
    return x


def collects(x, seen=[]):  # noqa: B006
    seen.append(x)
    return len(seen)


def generator(x):
    yield x


def writes_row(row):
    row["a"] = 1
    return row


def adds_to_argument(x):
    x += [1]
    return x


def while_loop(n):
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
        if steps > 100:
            break
    return steps


def closure_counter():
    n = 0

    def count(x):
        nonlocal n
        n += 1
        return n

    return count


def closure(k):
    return lambda x: x + k


PURE = {
    "arithmetic": lambda x: (x + 1) * 2 - x / 3,
    "row": lambda r: r["a"] * 2 + len(r["s"]) if r["b"] > 0 else -1.0,
    "row attribute": lambda r: r.a * r.b,
    "helper": double,
    "nested helper": lambda x: double(double(x)),
    "recursion": factorial,
    "loop, try, raise": total,
    "own dict": counts,
    "own list": grows,
    "unpack": unpacks,
    "while": while_loop,
    "import": imports,
    "closure": closure(3),
    "builtin": len,
    "builtin type": int,
    "method of str": str.upper,
    "method of a dict": RATES.get,
    "math": math.sqrt,
    "partial": functools.partial(pow, 2),
    "ufunc": np.sqrt,
    "dict": lambda x: RATES[x],
    "list element": lambda x: LISTS[x][0],
    "member of a set": lambda x: x in WORDS,
    "frame read": lambda x: FRAME.loc[x, "k"],
    "regex": lambda s: re.sub(r"\d", "", s),
    "pattern": lambda s: PATTERN.findall(s),
    "comprehension": lambda s: [w.title() for w in s.split() if w],
    "dict comprehension": lambda s: {c: s.count(c) for c in s},
    "generator expression": lambda s: sum(len(w) for w in s.split()),
    "next of own": lambda s: next((c for c in s if c == "x"), None),
    "set, sorted": lambda s: sorted(set(s)),
    "set, len": lambda s: len({c for c in s}),
    "set algebra": lambda s: len(set(s) & WORDS),
    "lambda inside": lambda xs: sorted(xs, key=lambda v: -v),
    "map": lambda s: list(map(str.strip, s.split(","))),
    "map helper": lambda xs: list(map(double, xs)),
    "closure comprehension": lambda xs: [[y + x for y in xs] for x in xs],
    "strptime": lambda s: dt.datetime.strptime(s, "%Y"),
    "isna": lambda x: 0 if pd.isna(x) else x,
    "mirror isna": lambda x: 0 if pandas_dist.isna(x) else x,
    "np.log": lambda x: np.log(x),
    "f-string": lambda x: f"{x:>10}" + f"{x!r}",
    "slice": lambda s: s[1:3] + s[:-1],
    "and or": lambda x: (x and x > 1) or None,
    "isinstance": lambda x: isinstance(x, (int, float)),
    "Series": lambda r: pd.Series({"x": r["a"], "y": 1}),
    "raise": lambda x: (_ for _ in ()) and x,
    "own exception": total,
    "json": lambda s: json.loads(s)["k"],
    "class constant": lambda x: x * Custom.rate,
    "getattr": lambda x: getattr(x, "real", 0),
    "star call": lambda xs: double(*xs),
}

IMPURE = {
    "captured append": lambda x: SEEN.append(x),
    "captured through a call": calls_noisy,
    "captured append, walrus": lambda x: (y := SEEN) and y.append(x),
    "captured element": lambda x: LISTS["a"].append(x),
    "captured dict": lambda x: RATES.update(a=x),
    "setdefault": lambda x: RATES.setdefault(x, 1),
    "captured item": lambda x: RATES.__setitem__(x, 1),
    "hidden in a list": lambda x: [SEEN][0].append(x),
    "hidden in a comprehension": lambda xs: [SEEN.append(x) for x in xs],
    "hidden in map": lambda xs: list(map(SEEN.append, xs)),
    "hidden in sorted": lambda xs: sorted(xs, key=noisy),
    "hidden in a lambda": lambda x: (lambda y: SEEN.append(y))(x),
    "hidden in getattr": lambda xs: list(map(getattr(SEEN, "append"), xs)),  # noqa: B009
    "no copy": lambda x: np.array(x, copy=False),
    "bound append": SEEN.append,
    "partial": functools.partial(noisy),
    "global": bumps,
    "nonlocal": closure_counter(),
    "default argument": collects,
    "generator": generator,
    "argument item": writes_row,
    "argument in place": adds_to_argument,
    "argument method": lambda x: x.append(1),
    "print": lambda x: print(x),
    "open": lambda x: open(x),  # noqa: SIM115
    "input": lambda x: input(x),
    "logging": lambda x: logging.info(x),
    "random": lambda x: random.random(),
    "np.random": lambda x: np.random.rand(),
    "generator of numbers": functools.partial(lambda rng, x: rng.random(), np.random.default_rng()),
    "now": lambda x: dt.datetime.now(),
    "Timestamp.now": lambda x: pd.Timestamp.now(),
    "time": lambda x: time.time(),
    "os": lambda x: os.environ.get(x),
    "sys": lambda x: sys.argv,
    "eval": lambda x: eval(x),
    "setattr": lambda x: setattr(x, "a", 1),
    "hash": lambda x: hash(x),
    "id": lambda x: id(x),
    "order of a set": lambda s: list(set(s)),
    "order of a captured set": lambda s: [w for w in WORDS],
    "order of a set in a loop": lambda s: ",".join({c for c in s}),
    "order of keys": lambda s: list(RATES.keys() & LISTS.keys()),
    "object": lambda x: CUSTOM.method(x),
    "bound method of an object": CUSTOM.method,
    "class": lambda x: Custom(),
    "exception with a constructor": lambda x: NoisyError(x),
    "inplace": lambda r: r.fillna(0, inplace=True),
    "out": lambda x: np.sqrt(x, out=x),
    "global alias": lambda x: globals(),
    "unknown argument call": lambda f: f(),
    "captured iterator": functools.partial(lambda it, x: next(it), iter([1, 2])),
    "warnings": lambda x: warnings.warn(x),  # noqa: B028
    "type of three": lambda x: type(x, (), {}),
    "undefined": lambda x: undefined_name,  # noqa: F821
}


@pytest.mark.parametrize("name", PURE)
def test_pure(name):
    verdict = judge(PURE[name])
    assert verdict.pure, verdict.reason


@pytest.mark.parametrize("name", IMPURE)
def test_impure(name):
    verdict = judge(IMPURE[name])
    assert not verdict.pure
    assert verdict.reason
    assert not SEEN, "judging runs nothing"


def test_reasons_name_what_was_seen():
    assert judge(noisy).reason == "calls .append() on captured 'SEEN'"
    assert "print" in judge(IMPURE["print"]).reason


def test_arguments_are_judged_too():
    func = lambda x, log: log.append(x)  # noqa: E731
    assert not judge(func, ([],))
    assert not judge(lambda x, f: f(x), (noisy,))
    assert judge(lambda x, f: f(x), (double,))
    assert judge(lambda x, k: x + k, (), {"k": 1})
    assert not judge(lambda x, k: x, (CUSTOM,))


def test_in_place_operators_need_elements_that_cannot_change():
    def add(x):
        x += 1
        return x

    def add_item(row):
        value = row["a"]
        value += 1
        return value

    assert not judge(add)
    assert judge(add, element="scalar")
    assert not judge(add_item)
    assert judge(add_item, element="row", labels=["a"])


# ---------------------------------------------------------------------------------------------
# Running


@pytest.fixture(autouse=True)
def _clean():
    SEEN.clear()
    yield
    options.reset()
    SEEN.clear()


@pytest.fixture(scope="module", autouse=True)
def _two_workers():
    patch = pytest.MonkeyPatch()
    patch.setattr(pool, "cores", lambda: 2)
    pool.shutdown()
    yield
    pool.shutdown()
    patch.undo()


def sample(n=57, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "a": rng.integers(0, 5, n),
            "b": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "s": rng.choice(np.array(["x", "yy", "zzz"], dtype=object), n),
            "t": pd.date_range("2024-01-01", periods=n, freq="7h"),
        },
        index=pd.Index(rng.integers(0, 9, n), name="ix"),
    )
    frame.attrs["source"] = "test"
    return frame


def outcome(call):
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return error


def check(expected_call, our_call, distributed=True):
    expected, ours = outcome(expected_call), outcome(our_call)
    if isinstance(expected, Exception):
        assert type(ours) is type(expected)
        assert str(ours) == str(expected)
        assert type(ours.__cause__) is type(expected.__cause__)
        return
    assert not isinstance(ours, Exception), repr(ours)
    assert ours.distributed is distributed, ours.reason
    kind = type(expected)
    assert type(ours.result) is kind
    if kind is pd.DataFrame:
        pd.testing.assert_frame_equal(ours.result, expected, check_exact=True)
    else:
        same_series(ours.result, expected)
    assert ours.result.attrs == expected.attrs


def same_series(ours, expected):
    """assert_series_equal, and exact for nested values, where pandas' own finds NaN != NaN."""
    if expected.dtype != object:
        pd.testing.assert_series_equal(ours, expected, check_exact=True)
        return
    assert ours.dtype == object
    places = range(len(expected))
    pd.testing.assert_series_equal(
        pd.Series(places, ours.index, name=ours.name),
        pd.Series(places, expected.index, name=expected.name),
    )
    for a, b in zip(ours, expected, strict=True):
        same_value(a, b)
        assert (a is np.nan) == (b is np.nan)


def same_value(a, b):
    assert type(a) is type(b)
    if isinstance(a, pd.Series):
        same_series(a, b)
    elif isinstance(a, (list, tuple)):
        for x, y in zip(a, b, strict=True):
            same_value(x, y)
    elif isinstance(a, dict):
        same_value(list(a.items()), list(b.items()))
    else:
        assert pd.isna(a) == pd.isna(b)
        assert pd.isna(a) or a == b


ROWS = {
    "int": lambda r: r["a"] * 2,
    "float": lambda r: r["b"] * 2,
    "int and float": lambda r: r["a"] if r["b"] > 0 else r["b"],
    "int, then None": lambda r: r["a"] if r["a"] < 4 else None,
    "int, then str": lambda r: r["a"] if r["a"] < 4 else "four",
    "big int": lambda r: 2**62 + r["a"] if r["a"] < 3 else 2**70,
    "uint": lambda r: 2**63 + r["a"],
    "precise int and float": lambda r: 2**53 + r["a"] if r["a"] < 3 else 0.5,
    "bool": lambda r: r["a"] > 2,
    "bool and int": lambda r: True if r["a"] > 3 else r["a"],
    "bool and None": lambda r: True if r["a"] > 3 else None,
    "str": lambda r: r["s"].upper(),
    "str and nan": lambda r: r["s"] if r["a"] > 2 else np.nan,
    "str and row's nan": lambda r: r["s"] if r["a"] > 2 else r["b"],
    "datetime": lambda r: r["t"].normalize(),
    "datetime and NaT": lambda r: r["t"] if r["a"] > 2 else pd.NaT,
    "date": lambda r: r["t"].date(),
    "timedelta": lambda r: r["t"] - pd.Timestamp("2024-01-01"),
    "NA": lambda r: pd.NA if r["a"] > 2 else 1,
    "None": lambda r: None,
    "tuple": lambda r: (r["a"], r["s"]),
    "list": lambda r: [r["a"], r["s"]],
    "ragged list": lambda r: [r["a"]] * r["a"],
    "dict": lambda r: {"k": r["a"]},
    "Series": lambda r: pd.Series({"x": r["a"], "y": r["s"]}),
    "float Series": lambda r: pd.Series([r["a"], r["b"]], index=["p", "q"]),
    "Series of changing dtype": lambda r: pd.Series({"x": r["a"] if r["a"] < 4 else 0.5}),
    "Series of changing labels": lambda r: pd.Series({r["s"]: 1}),
    "Series, then scalar": lambda r: pd.Series([1]) if r["a"] < 4 else 1,
    "scalar, then list": lambda r: 1 if r["a"] < 4 else [1],
    "the row": lambda r: r,
    "name": lambda r: r.name,
    "complex": lambda r: complex(r["a"], 1),
    "KeyError": lambda r: r["zz"],
    "ValueError": lambda r: int(r["s"]) if r["a"] == 3 else 1,
    "ZeroDivisionError": lambda r: 1 // (int(r["a"]) - 3),
}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("name", ROWS)
def test_rows(name, size):
    frame, func = sample(), ROWS[name]
    check(
        lambda: frame.apply(func, axis=1),
        lambda: apply.apply_rows(frame, func, min_seconds=0, chunk_rows=size),
    )


@pytest.fixture
def light(monkeypatch):
    """Every pure function that only reads items goes on over light rows after two calls."""
    monkeypatch.setattr(apply, "LIGHT_SECONDS", -1)
    monkeypatch.setattr(apply, "LIGHT_WATCH_SECONDS", -1)


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("name", ROWS)
def test_rows_here(light, name, numbers):
    frame, func = sample(), ROWS[name]
    frame = frame[["a", "b"]] if numbers else frame
    check(
        lambda: frame.apply(func, axis=1),
        lambda: apply.apply_rows(frame, func),
        distributed=False,
    )


def test_rows_here_are_light(light):
    assert apply.apply_rows(sample()[["a", "b"]], USES["types by item"]).reason == HERE
    assert apply.apply_rows(sample().drop(columns="t"), ROWS["name"]).reason == HERE
    assert apply.apply_rows(sample(), lambda r: str(type(r))).reason != HERE
    assert apply.apply_rows(sample(), lambda r: r.__class__.__name__).reason != HERE
    assert apply.apply_rows(sample(), lambda r: len(list(map(type, [r])))).reason != HERE


HERE = "local: on light rows"


def helper(row):
    return row["a"] + len(row)


def nested(row):
    def inner(x):
        return x * 2

    return inner(row["a"])


def first_or(row, other=0):
    try:
        return row["a"] / row["c"]
    except ZeroDivisionError:
        return other


def running(row):
    result = 0
    for value in row:
        result += value
    return result


USES = {
    "helper": lambda r: helper(r) * 2,
    "nested": nested,
    "try": first_or,
    "loop": running,
    "sum": lambda r: r.sum(),
    "mean": lambda r: r.mean(),
    "min, max": lambda r: (r.min(), r.max(), min(r), max(r)),
    "sum of a part": lambda r: r["a":"c"].sum(),
    "mean of some": lambda r: r[["c", "a"]].mean(),
    "part of a part": lambda r: r["a":"c"]["b":"c"].tolist(),
    "labels of a part": lambda r: (list(r[["c", "a"]].index), r[["c", "a"]].name),
    "a part": lambda r: r["a":"b"],
    "some": lambda r: r[["c", "a"]],
    "backwards": lambda r: r[::-1],
    "by place": lambda r: r.iloc[1],
    "places": lambda r: r[0:2].sum(),
    "place": lambda r: r[1],
    "where": lambda r: r[r.notna()].count(),
    "types by item": lambda r: [r["a"], r.b, r.get("c"), r.get("zz", 1)],
    "types by iteration": lambda r: (repr(list(r)), repr(r.tolist()), repr(tuple(r.items()))),
    "in": lambda r: ("a" in r, "zz" in r, 1 in r, len(r)),
    "dict": lambda r: r.to_dict(),
    "labels": lambda r: list(r.index) + list(r.keys()),
    "text": lambda r: str(r) + repr(r["a":"b"]),
    "shape": lambda r: (r.size, r.shape, r.ndim, r.empty, str(r.dtype)),
    "twice": lambda r: r * 2,
    "compared": lambda r: (r == r).all(),
    "numpy": lambda r: (np.sum(r), np.mean(r), np.sqrt(r["a"])),
    "numpy where": lambda r: np.where(r["a"] > 2, 1, 0),
    "is a Series": lambda r: isinstance(r, pd.Series),
    "missing": lambda r: pd.isna(r).sum(),
    "copy": lambda r: r.copy(),
    "Series of items": lambda r: pd.Series({"x": r["a"], "y": r["b"]}),
    "Series of text": lambda r: pd.Series({"x": str(r["a"]), "y": "u"}),
    "list": lambda r: [r["a"], r["b"]],
    "texts": lambda r: (str(r["a"]), r["b"]),
    "only texts": lambda r: (str(r["a"]), "u"),
    "bools": lambda r: [r["a"] > 1, True],
    "of changing types": lambda r: (1, 2) if r["a"] > 2 else (0.5, 1),
    "of changing lengths": lambda r: [1, 2] if r["a"] > 2 else [1],
    "aggregated": lambda r: r.agg(["min", "max"]),
    "dropped": lambda r: r.drop("a").sum(),
    "concatenated": lambda r: pd.concat([r, r]).sum(),
}


def numbers(n=57, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.integers(0, 5, n), "b": rng.normal(size=n)}, sample(n).index)
    frame["c"] = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    frame.attrs["source"] = "test"
    return frame


LIGHT_FRAMES = {
    "floats": numbers,
    "ints": lambda: numbers()[["a"]].assign(b=lambda d: d["a"] + 1, c=7),
    "objects": lambda: numbers().assign(c=lambda d: d["c"].astype(object), s="text"),
    "infinite": lambda: numbers().replace({"a": {3: np.inf, 2: -np.inf}}),
    "small": lambda: numbers().astype("float32"),
}


@pytest.mark.parametrize("result_type", [None, "expand"])
@pytest.mark.parametrize("frame", LIGHT_FRAMES)
@pytest.mark.parametrize("name", USES)
@pytest.mark.filterwarnings("ignore")
def test_light_rows_are_rows(light, name, frame, result_type):
    data, func = LIGHT_FRAMES[frame](), USES[name]
    check(
        lambda: data.apply(func, axis=1, result_type=result_type),
        lambda: apply.apply_rows(data, func, result_type=result_type),
        distributed=False,
    )


@pytest.mark.parametrize("frame", ["floats", "objects"])
@pytest.mark.parametrize("name", USES)
@pytest.mark.filterwarnings("ignore")
def test_light_rows_elsewhere(monkeypatch, name, frame):
    monkeypatch.setattr(worker, "BATCH", 4)
    data, func = LIGHT_FRAMES[frame](), USES[name]
    task = apply.Task("rows", func, light=True)
    chunk = apply.run_chunk(data, len(data), task, False, apply.Environment.captured())
    expected = outcome(lambda: data.apply(func, axis=1))
    if chunk.raw is not None and not chunk.stopped:
        ours = apply._joined(data, task, pool.loads(chunk.raw), set(), "")
        check(lambda: expected, lambda: ours, distributed=False)


def test_rows_that_results_hold_are_real(light):
    frame = numbers()
    ours = apply.apply_rows(frame, lambda r: [r]).result
    assert {type(values[0]) for values in ours} == {pd.Series}
    ours = apply.apply_rows(frame, lambda r: (r["a":"b"],)).result
    assert {type(values[0]) for values in ours} == {pd.Series}


@pytest.mark.parametrize("name", ["place", "by place", "types by item"])
def test_warnings_of_light_rows_name_the_caller(light, name):
    frame, func = numbers(), USES[name]

    def seen(run):
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            outcome(run)
        return [(str(w.message), w.filename, w.lineno) for w in log]

    assert seen(lambda: apply.apply_rows(frame, func)) == seen(lambda: frame.apply(func, axis=1))


def test_which_labels_light_rows_may_have():
    assert rows.lightable(pd.Index(["a", 0]))
    assert not rows.lightable(pd.Index([0, 0]))
    assert not rows.lightable(pd.MultiIndex.from_tuples([("a", 1)]))
    assert not rows.lightable(pd.date_range("2024", periods=2))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        pd.DataFrame({"a": [True, False], "b": [1, 2]}),
        pd.DataFrame({"a": pd.date_range("2024", periods=2, tz="UTC"), "b": [1, 2]}),
        pd.DataFrame({"a": pd.Categorical(["u", None]), "b": pd.array([1, None], "Int64")}),
    ],
)
def test_items_of_light_rows_are_those_of_the_series(frame):
    given = []
    frame.apply(lambda r: given.append((r["a"], r.b)), axis=1)
    found = rows.light_rows(frame)
    for series, row in zip(given, found, strict=True):
        for real, ours in zip(series, (row["a"], row.b)):
            assert type(ours) is type(real)
            assert (pd.isna(ours) and pd.isna(real)) or ours == real


@pytest.mark.parametrize("dtype", ["Int64", "datetime64[ns]", "complex128"])
def test_rows_of_other_dtypes_are_made_by_pandas(dtype):
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}).astype(dtype)
    assert rows.light_rows(frame) is None


def test_warnings_and_errors_of_rows_here(light):
    frame = pd.DataFrame({"a": np.arange(9.0), "b": np.zeros(9)})

    def seen(run):
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter("always")
            run()
        return [(str(w.message), w.filename, w.lineno) for w in log]

    def divided(row):
        return row["a"] / row["b"]

    ours = seen(lambda: apply.apply_rows(frame, divided))
    assert ours == seen(lambda: frame.apply(divided, axis=1)) != []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(
            lambda: frame.apply(divided, axis=1),
            lambda: apply.apply_rows(frame, divided),
            distributed=False,
        )


@pytest.mark.parametrize("result_type", ["expand", "reduce", None])
@pytest.mark.parametrize("name", ["int", "list", "ragged list", "tuple", "dict", "Series"])
def test_result_type(name, result_type):
    frame, func = sample(), ROWS[name]
    check(
        lambda: frame.apply(func, axis=1, result_type=result_type),
        lambda: apply.apply_rows(frame, func, min_seconds=0, chunk_rows=9, result_type=result_type),
    )


FRAMES = {
    "one dtype": lambda: sample()[["b"]].assign(c=1.5),
    "ints": lambda: sample()[["a"]].assign(c=1),
    "small ints": lambda: sample()[["a"]].astype("int8").assign(c=np.float32(1.5)),
    "datetimes": lambda: sample()[["t"]],
    "aware": lambda: sample()[["t"]].assign(t=lambda d: d["t"].dt.tz_localize("Europe/Paris")),
    "categories": lambda: sample()[["s", "a"]].assign(s=lambda d: d["s"].astype("category")),
    "string dtype": lambda: sample()[["s", "a"]].astype({"s": "string"}),
    "repeated labels": lambda: sample().set_axis(["x", "x", "y", "z"], axis=1),
    "two levels": lambda: sample().set_index("s", append=True),
    "bools": lambda: sample()[["a"]] > 2,
}


@pytest.mark.parametrize("func", [lambda r: r.iloc[0], lambda r: str(r.iloc[0]), lambda r: r.name])
@pytest.mark.parametrize("name", FRAMES)
def test_frames(name, func):
    frame = FRAMES[name]()
    check(
        lambda: frame.apply(func, axis=1),
        lambda: apply.apply_rows(frame, func, min_seconds=0, chunk_rows=8),
    )


def test_arguments_of_rows():
    frame = sample()
    func = lambda r, k, *, m: r["a"] * k + m  # noqa: E731
    check(
        lambda: frame.apply(func, axis=1, args=(3,), m=1),
        lambda: apply.apply_rows(frame, func, (3,), {"m": 1}, min_seconds=0, chunk_rows=5),
    )


SERIES = {
    "int": lambda: sample()["a"],
    "float": lambda: sample()["b"],
    "str": lambda: sample()["s"],
    "datetime": lambda: sample()["t"],
    "mixed": lambda: pd.Series([1, "a", None, 2.5, np.nan, (1, 2)] * 5, dtype=object, name="m"),
}
ELEMENTS = {
    "str": str,
    "type": lambda x: type(x).__name__,
    "same": lambda x: x,
    "none for some": lambda x: None if str(x) > "3" else 1,
    "float for some": lambda x: 0.5 if str(x) > "3" else 1,
    "list": lambda x: [x],
    "Series": lambda x: pd.Series([x, 1]),
    "raises": lambda x: 1 / (0 if str(x).startswith("2") else 1),
}


@pytest.mark.parametrize("data", SERIES)
@pytest.mark.parametrize("name", ELEMENTS)
def test_series(data, name):
    series, func = SERIES[data](), ELEMENTS[name]
    elsewhere = name != "Series"
    for kwargs in ({}, {"na_action": "ignore"}):
        check(
            lambda kwargs=kwargs: series.map(func, **kwargs),
            lambda kwargs=kwargs: apply.map_series(
                series, func, min_seconds=0, chunk_rows=4, **kwargs
            ),
            elsewhere,
        )
    check(
        lambda: series.apply(func),
        lambda: apply.map_series(series, func, method="apply", min_seconds=0, chunk_rows=4),
        elsewhere,
    )


def test_random_chunks_of_changing_types():
    makers = [lambda i: i, lambda i: i / 2, lambda i: None, lambda i: str(i), lambda i: i > 3]
    makers += [lambda i: np.int64(i), lambda i: np.float64(i), lambda i: np.nan, lambda i: 2**64]
    rng = random.Random(4)
    for _ in range(25):
        values = [rng.choice(makers[: rng.randint(1, len(makers))])(i) for i in range(30)]
        keys = pd.Series(range(30), name="k")
        func = functools.partial(lambda vs, i: vs[i], values)
        size = rng.randint(1, 12)
        check(
            lambda keys=keys, func=func: keys.map(func),
            lambda keys=keys, func=func, size=size: apply.map_series(
                keys, func, min_seconds=0, chunk_rows=size
            ),
        )
        check(
            lambda keys=keys, func=func: keys.to_frame().apply(lambda r: func(r["k"]), axis=1),
            lambda keys=keys, func=func, size=size: apply.apply_rows(
                keys.to_frame(), lambda r: func(r["k"]), min_seconds=0, chunk_rows=size
            ),
        )


def test_impure_functions_have_pandas_effects():
    series = pd.Series(range(50))
    result = apply.map_series(series, noisy, min_seconds=0)
    assert list(range(50)) == SEEN
    assert not result.distributed
    assert result.reason == "local: calls .append() on captured 'SEEN'"
    SEEN.clear()
    frame = sample()
    ours = apply.apply_rows(frame, lambda r: SEEN.append(r["a"]), min_seconds=0)
    assert frame["a"].tolist() == SEEN
    pd.testing.assert_series_equal(ours.result, frame.apply(lambda r: None, axis=1))


def test_results_that_share_captured_objects_stay_here():
    keys = pd.Series(["a"] * 20)
    ours = apply.map_series(keys, lambda k: LISTS[k], min_seconds=0)
    assert ours.result[0] is LISTS["a"]
    assert ours.result[19] is LISTS["a"]
    assert not ours.distributed
    items = pd.Series([[1], [2]] * 10)
    assert apply.map_series(items, lambda v: v, min_seconds=0).result[5] is items[5]


def test_objects_of_unknown_classes_stay_here():
    ours = apply.map_series(pd.Series([CUSTOM] * 9), lambda x: x.rate, min_seconds=0)
    assert ours.reason == "local: the data hold objects that are not plain data"


def test_little_work_stays_here():
    ours = apply.map_series(pd.Series(range(100)), double)
    assert not ours.distributed
    assert ours.result.tolist() == [2 * i for i in range(100)]


@pytest.mark.parametrize(
    "seconds, rows, cold, sent",
    [
        (0.07, 200_000, False, True),  # seconds for the first 20,000 of 0.7 s of work
        (0.07, 200_000, True, False),
        (0.07, 1_000_000, True, True),
        (0.01, 3_000_000, False, False),  # too short to believe
        (0.06, 4_000_000, True, True),
        (0.006, 20_001, False, False),
    ],
)
def test_the_rest_is_sent_when_that_pays(monkeypatch, seconds, rows, cold, sent):
    monkeypatch.setattr(pool, "is_running", lambda: not cold)
    watch = apply._Watch(range(rows), apply.Task("map", double), None, None)
    watch.raw = [0] * 20_000
    assert watch.worth_sending(seconds) is sent


@pytest.mark.parametrize("udf", ["local", "distributed"])
def test_option(udf):
    options.udf = udf
    series = pd.Series(range(20), name="n")
    ours = apply.map_series(series, double, min_seconds=0)
    assert ours.distributed is (udf == "distributed")
    pd.testing.assert_series_equal(ours.result, series.map(double))
    frame = series.to_frame()
    rows = apply.apply_rows(frame, lambda r: r["n"] + 1, chunk_rows=6)
    pd.testing.assert_series_equal(rows.result, frame.apply(lambda r: r["n"] + 1, axis=1))


def test_warnings_and_errors_are_the_real_ones():
    series = pd.Series([4.0, -1.0, 9.0, 0.0] * 6)
    root = lambda x: np.sqrt(np.float64(x))  # noqa: E731
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        series.map(root)
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        check(
            lambda: series.map(root),
            lambda: apply.map_series(series, root, min_seconds=0, chunk_rows=5),
        )
    assert [str(w.message) for w in ours] == 2 * [str(w.message) for w in expected]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            apply.map_series(series, root, min_seconds=0, chunk_rows=5)


def test_own_exceptions_and_tracebacks():
    frame = sample()[["a", "s"]]
    with pytest.raises(OwnError, match="'") as caught:
        apply.apply_rows(frame, total, min_seconds=0, chunk_rows=5)
    names = [entry.name for entry in caught.traceback]
    assert names[-1] == "total"
    assert isinstance(caught.value.__cause__, TypeError)


def test_functions_of_other_modules_go_by_value():
    module = types.ModuleType("udf_helper_module")
    exec("LIMIT = 2\ndef cap(x):\n    return min(x, LIMIT)\n", vars(module))
    sys.modules[module.__name__] = module
    try:
        module.LIMIT = 3  # what a worker's own import would not see
        series = pd.Series(range(20))
        for func in (module.cap, lambda x: module.cap(x), lambda x: min(x, module.LIMIT)):
            check(
                lambda func=func: series.map(func),
                lambda func=func: apply.map_series(series, func, min_seconds=0, chunk_rows=5),
            )
    finally:
        del sys.modules[module.__name__]


def test_mirror_objects_become_pandas_own():
    func = lambda x: type(pandas_dist.Series([x])).__module__  # noqa: E731
    data = pool.dumps(func, judge(func).modules)
    assert "pandas_dist" not in pool.loads(data)(1)


def test_nested_call_stays_here():
    def inner(x):
        SEEN.append(apply.map_series(pd.Series(range(5)), double, min_seconds=0).distributed)
        return x

    apply.map_series(pd.Series(range(3)), inner, min_seconds=0)
    assert SEEN == [False] * 3


# ---------------------------------------------------------------------------------------------
# The processes


def test_pool_survives_a_death():
    series = pd.Series(range(40), name="n")
    assert apply.map_series(series, double, min_seconds=0).distributed
    before = set(pool.executor()._processes)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(p.is_alive() for p in list((pool.executor()._processes or {}).values())):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    ours = outcome(lambda: apply.map_series(series, double, min_seconds=0))
    assert isinstance(ours, (pool.WorkerDied, apply.Outcome))
    again = apply.map_series(series, double, min_seconds=0)
    pd.testing.assert_series_equal(again.result, series.map(double))
    assert again.distributed
    assert not before & set(pool.executor()._processes)


def test_death_while_working_is_one_clear_error():
    options.udf = "distributed"
    parent = os.getpid()

    def die(x):
        if os.getpid() != parent:
            os._exit(3)
        return x

    with pytest.raises(pool.WorkerDied, match="worker process ended"):
        apply.map_series(pd.Series(range(10)), die, chunk_rows=5)
    assert apply.map_series(pd.Series(range(10)), double, chunk_rows=5).distributed


def test_processes_are_reused():
    series = pd.Series(range(40))
    apply.map_series(series, double, min_seconds=0)
    first = pool.executor()
    apply.map_series(series, double, min_seconds=0)
    assert pool.executor() is first


SCRIPT = """
import os, sys, time
print("top level")
import pandas as pd
from pandas_dist.udf import apply, pool, rows

pool.cores = lambda: 2

class OwnError(ValueError):
    pass

def double(x):
    if x < 0:
        raise OwnError(x)
    return x * 2

out = apply.map_series(pd.Series(range(100)), double, min_seconds=0, chunk_rows=20)
print(out.distributed, int(out.result.sum()))
try:
    apply.map_series(pd.Series(range(50, -2, -1)), double, min_seconds=0, chunk_rows=20)
except OwnError as error:
    print("caught", error)
sys.stdout.flush()
{end}
"""


def _in_session(leader: int) -> list[str]:
    """The processes that a process started with start_new_session=True left behind."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                state, _, _, session = stat.read().rpartition(")")[2].split()[:4]
            with open(f"/proc/{pid}/cmdline") as cmdline:
                command = cmdline.read().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        if int(session) == leader and state != "Z":
            found.append(command)
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks processes up in /proc")
@pytest.mark.parametrize("end", ["", "os._exit(0)", "os.kill(os.getpid(), 9)", "1 / 0"])
def test_unguarded_script_leaves_no_processes(tmp_path, end):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT).replace("{end}", end))
    folder = tempfile.mkdtemp()  # short: it has the names of sockets
    script = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": folder},
    )
    out, err = script.communicate(timeout=120)
    assert out.splitlines() == ["top level", "True 9900", "caught -1"], err
    # Python's resource tracker tells on stderr about the semaphores of a process that was killed
    assert end or err == ""
    deadline = time.monotonic() + 30
    while left := _in_session(script.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert os.listdir(folder) == []
    os.rmdir(folder)


def test_cluster():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        options.address = cluster.scheduler_address
        check(
            lambda: sample().apply(ROWS["int, then str"], axis=1),
            lambda: apply.apply_rows(sample(), ROWS["int, then str"], min_seconds=0, chunk_rows=10),
        )
