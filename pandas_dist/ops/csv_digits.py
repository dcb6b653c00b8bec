"""Numbers of the form ``-12.3456789012345678``, converted many at a time as pandas converts one.

The converter of pandas 2 does not give the nearest number: it takes at most 17 digits, a zero
before the point among them, adds them up as floats and divides by a power of ten.  The same steps
are taken here with arrays, eight digits at once within a word of 64 bits, so that every rounding
is the same: the first 16 digits make an integer, rounded once, and the next one is added to ten
times that.  Shorter numbers need none of this.  `trusted` compares the two on this machine before
any use.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pandas as pd
import polars as pl

_U = np.uint64
_ROWS = 1 << 17  # looked at together: small arrays would cost more than they hold
_DIGITS = 16  # that make an integer
_LEAST, _MOST = _DIGITS + 1, 24  # characters of a number, without its sign
_LAYOUTS = 12  # places of the point among the numbers looked at together
_ZEROS, _HIGH = _U(0x3030303030303030), _U(0x8080808080808080)
_ABOVE_NINE = _U(0x7676767676767676)  # carries a byte above 9 into its highest bit
_PAIRS = _U(0x000000FF000000FF)
_MINUS, _POINT, _ZERO = np.frombuffer(b"-.0", dtype="uint8")


def convert(values: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Floats (n,), and for which of them the text has the form; the others hold anything."""
    rows = len(values)
    found, known = np.empty(rows), np.zeros(rows, dtype=bool)
    low = 0
    for chunk in values.get_chunks():
        text = chunk.to_arrow()
        bounds = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset :][: len(text) + 1]
        first, last = int(bounds[0]), int(bounds[-1])
        data = np.zeros((last - first + 7 & ~7) + 32, dtype="uint8")  # words may end after a text
        if last > first:
            data[: last - first] = np.frombuffer(text.buffers()[2], dtype="uint8")[first:last]
        for begin in range(0, len(text), _ROWS):
            ends = bounds[begin : begin + _ROWS + 1] - first
            part = slice(low + begin, low + begin + len(ends) - 1)
            _some(data, ends[:-1], ends[1:], found[part], known[part])
        low += len(text)
    return found, known


def _some(
    data: np.ndarray, begin: np.ndarray, end: np.ndarray, found: np.ndarray, known: np.ndarray
) -> None:
    """Write what the texts of ``data`` mean, one layout after the other."""
    negative = data[begin] == _MINUS
    begin = begin + negative
    length = end - begin
    left = np.flatnonzero(length >= _LEAST)
    for _ in range(_LAYOUTS):
        if not len(left):
            break
        one = int(left[0])
        point = data[begin[one] : end[one]].tobytes().find(b".")
        if not 0 < point < _DIGITS:
            left = left[1:]
            continue
        alike = data[begin[left] + point] == _POINT
        rows = left[alike]
        if 4 * len(rows) > 3 * len(begin):  # then to take these rows alone would cost more
            every, good = _long(data, begin, length, negative, point)
            found[rows], known[rows] = every[rows], good[rows]
        else:
            found[rows], known[rows] = _long(data, begin[rows], length[rows], negative[rows], point)
        left = left[~alike]


def _long(
    data: np.ndarray, begin: np.ndarray, length: np.ndarray, negative: np.ndarray, point: int
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with ``point`` digits before the point, and which of them are such."""
    pairs = np.lib.stride_tricks.as_strided(
        data[:16].view("complex128"), (len(data) - 15,), (1,), writeable=False
    )
    words = pairs[begin].view("uint64").reshape(-1, 2)
    one, two = words[:, 0] ^ _ZEROS, words[:, 1] ^ _ZEROS
    if point < 8:
        one, weight = _without(one, point), _U(10**9)
    else:
        two, weight = _without(two, point - 8), _U(10**8)
    good = _digits(one)
    good &= _digits(two)
    more = length > _LEAST
    at = begin + _DIGITS
    last = data[at] ^ _ZERO
    at += 1
    next_ = data[at] ^ _ZERO
    good &= last <= 9
    good &= (next_ <= 9) | ~more
    good &= length <= _MOST
    rest = np.flatnonzero(length > _LEAST + 1)
    for place in range(_LEAST + 1, _MOST):
        if not len(rest):
            break
        good[rest] &= data[begin[rest] + place] ^ _ZERO <= 9
        rest = rest[length[rest] > place + 1]
    whole = _eight(one)
    whole *= weight
    tens = _eight(two)
    tens *= _U(10)
    tens += last
    whole += tens
    number = whole.astype("float64")
    wide = number * 10.0
    wide += next_
    np.copyto(number, wide, where=more)
    decimals = _DIGITS - point
    powers = np.array([sign * 10.0**n for sign in (1, -1) for n in (decimals, decimals + 1)])
    number /= powers[more.view("uint8") + 2 * negative.view("uint8")]
    return number, good


def _without(word: np.ndarray, place: int) -> np.ndarray:
    """The words without the byte at ``place``; those before it move up, zero comes first."""
    below = word & _U((1 << 8 * place) - 1)
    below <<= _U(8)
    word &= _U((1 << 64) - (1 << 8 * (place + 1)))
    word |= below
    return word


def _digits(word: np.ndarray) -> np.ndarray:
    """Whether no byte is above 9."""
    above = word + _ABOVE_NINE
    above |= word
    above &= _HIGH
    return above == 0


def _eight(word: np.ndarray) -> np.ndarray:
    """The number that the eight digits of each word make, the first in the lowest byte; in place.

    Pairs of digits first, then two pairs at once.
    """
    other = word >> _U(8)
    word *= _U(10)
    word += other
    np.right_shift(word, _U(16), out=other)
    other &= _PAIRS
    other *= _U(0x0000271000000001)
    word &= _PAIRS
    word *= _U(0x000F424000000064)
    word += other
    word >>= _U(32)
    return word


@cache
def trusted() -> bool:
    """Whether pandas, as compiled for this machine, takes the same steps."""
    random = np.random.default_rng(0)
    sample = [repr(one) for n in range(12) for one in random.uniform(-(10**n), 10**n, 200).tolist()]
    sample += [f"{one:.{n}f}" for n in range(14, 20) for one in random.uniform(-9, 9, 100).tolist()]
    found, known = convert(pl.Series(sample))
    file = io.StringIO("\n".join(sample))
    right = pd.read_csv(file, header=None, dtype="float64")[0].to_numpy()
    return bool((found[known].view("int64") == right[known].view("int64")).all())
