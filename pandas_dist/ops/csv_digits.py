"""Numbers of the form ``-0.123456789``, converted many at a time as pandas converts one.

The converter of pandas 2 does not give the nearest number: it takes at most 17 digits, the zero
before the point among them, adds them up as floats and divides by a power of ten.  The same steps
are taken here with arrays, eight digits at once within a word of 64 bits, so that every rounding
is the same.  `trusted` compares the two on this machine before any use.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pandas as pd
import polars as pl

_U = np.uint64
_ROWS = 1 << 14  # whose words stay in the cache
_DECIMALS = 15  # that make, with the digit before the point, an integer in two words
_LONGEST = _DECIMALS + 3  # one more counts, and two more only have to be digits
_ZEROS, _HIGH = _U(0x3030303030303030), _U(0x8080808080808080)
_ABOVE_NINE = _U(0x7676767676767676)  # carries a byte above 9 into its highest bit
_WHOLE = np.array([10**n for n in range(_DECIMALS + 1)], dtype="uint64")
# By decimals: what to divide by, for positive numbers and then for negative ones.
_POWERS = np.array([sign * 10.0**n for sign in (1, -1) for n in range(_DECIMALS + 2)])


def _kept(last: int) -> np.ndarray:
    """By the number of decimals: which bytes count of a word with ``last`` digits behind it."""
    full = (1 << 64) - 1
    used = [min(max(n - last, 0), 8) for n in range(_DECIMALS + 1)]
    return np.array([full >> 8 * (8 - n) << 8 * (8 - n) if n else 0 for n in used], dtype="uint64")


_LOW, _UPPER = _kept(0), _kept(8)


def convert(values: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Floats, and for which of them the text has the form; the others hold anything."""
    rows = len(values)
    found, known = np.empty(rows), np.zeros(rows, dtype=bool)
    text = values.to_arrow()
    start = text.offset
    offsets = np.frombuffer(text.buffers()[1], dtype="int64")[start : start + rows + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    # Words may begin before a text and end after it.
    data = np.zeros(last - first + 48, dtype="uint8")
    if last > first:
        data[24 : 24 + last - first] = np.frombuffer(text.buffers()[2], dtype="uint8")[first:last]
    words = np.lib.stride_tricks.as_strided(
        data[:8].view("uint64"), shape=(len(data) - 7,), strides=(1,), writeable=False
    )
    places = offsets - (first - 24)
    for low in range(0, rows, _ROWS):
        part = slice(low, low + _ROWS)
        bounds = places[low : low + _ROWS + 1]
        found[part], known[part] = _some(data, words, bounds[:-1], bounds[1:])
    return found, known


def _some(
    data: np.ndarray, words: np.ndarray, begin: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    negative = data[begin] == ord("-")
    point = begin + negative + 1
    decimals = end - point - 1
    before = data[point - 1] ^ np.uint8(ord("0"))
    known = (before <= 9) & (data[point] == ord(".")) & (decimals >= 1) & (decimals <= _LONGEST)
    used = np.minimum(np.maximum(decimals, 0), _DECIMALS)
    stop = point + used
    low = (words[stop - 7] ^ _ZEROS) & _LOW[used]
    high = (words[stop - 15] ^ _ZEROS) & _UPPER[used]
    known &= ((low + _ABOVE_NINE) | low | (high + _ABOVE_NINE) | high) & _HIGH == 0
    number = (_eight(high) * _U(100_000_000) + _eight(low) + before * _WHOLE[used]).astype("f8")
    rest = np.flatnonzero(decimals > _DECIMALS)
    if len(rest):
        last, stop = end[rest], stop[rest] + 1
        digit = data[stop] ^ np.uint8(ord("0"))
        number[rest] = number[rest] * 10.0 + digit
        used[rest] += 1
        final = np.maximum(data[last - 1] ^ np.uint8(48), data[last - 2] ^ np.uint8(48))
        known[rest] &= (digit <= 9) & (final <= 9)
    return number / _POWERS[used + negative * (_DECIMALS + 2)], known


def _eight(word: np.ndarray) -> np.ndarray:
    """The number that the eight digits of each word make, the first in the lowest byte."""
    word = word * _U(10) + (word >> _U(8))
    pairs = _U(0x000000FF000000FF)
    left = (word & pairs) * _U(0x000F424000000064)
    right = (word >> _U(16) & pairs) * _U(0x0000271000000001)
    return (left + right) >> _U(32)


@cache
def trusted() -> bool:
    """Whether pandas, as compiled for this machine, takes the same steps."""
    random = np.random.default_rng(0)
    sample = [repr(one) for one in random.uniform(-10, 10, 2000).tolist()]
    sample += [f"{one:.{n}f}" for n in range(1, 19) for one in random.uniform(-1, 1, 100).tolist()]
    found, known = convert(pl.Series(sample))
    file = io.StringIO("\n".join(sample))
    right = pd.read_csv(file, header=None, dtype="float64")[0].to_numpy()
    return bool((found[known].view("int64") == right[known].view("int64")).all())
