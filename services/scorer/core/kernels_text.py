"""Rows of text put together from parts, all rows of a batch in one call."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.features.kernels_compile import kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

CONSTANT: Final = 0
TEXT: Final = 1
INTEGER: Final = 2
HEX: Final = 3

INTEGER_BYTES: Final = 20
"""Sign and digits of the longest int64."""

_ZERO: Final = ord("0")
_BASE: Final = np.uint64(10)
_NOUGHT: Final = np.uint64(_ZERO)
_MINUS: Final = ord("-")
_TEN: Final = ord("a") - 10


@kernel
def _copy(out: Bytes, at: int, source: Bytes, start: int, stop: int) -> int:
    # Unsigned places cannot mean "from the end", so the loop becomes one memory copy.
    to, begin = np.uint64(at), np.uint64(start)
    for k in range(np.uint64(stop - start)):
        out[to + k] = source[begin + k]
    return at + stop - start


@kernel
def _integer(out: Bytes, at: int, value: int) -> int:
    if value < 0:
        out[at] = _MINUS
        return _integer(out, at + 1, -value)
    # Unsigned, or every division would be rounded down with a branch as Python's are.
    end, rest = at + 1, np.uint64(value)
    while rest >= _BASE:
        rest //= _BASE
        end += 1
    rest = np.uint64(value)
    for k in range(end - 1, at - 1, -1):
        out[k] = rest % _BASE + _NOUGHT
        rest //= _BASE
    return end


@kernel
def _hex(out: Bytes, at: int, digest: Bytes) -> int:
    for byte in digest:
        high, low = byte >> 4, byte & 15
        out[at] = high + (_ZERO if high < 10 else _TEN)
        out[at + 1] = low + (_ZERO if low < 10 else _TEN)
        at += 2
    return at


@kernel
def write_rows(
    parts: Integers,
    constants: Bytes,
    texts: Bytes,
    bounds: Integers,
    integers: Integers,
    digests: NDArray[np.uint8],
    out: Bytes,
    ends: Integers,
) -> None:
    """Row i of n is every one of ``parts`` (p, 3) in turn; ``ends[i + 1]`` becomes where it ends in ``out``.

    A part is (`CONSTANT`, start, stop) in ``constants``, or (`TEXT`, column, 0) with ``bounds`` (c, n, 2) in
    ``texts``, (`INTEGER`, column, 0) of ``integers`` (c, n), (`HEX`, column, 0) of ``digests`` (c, n, bytes).
    ``ends`` (n + 1,) starts with 0. The caller gives room for all; the least int64 cannot be written.
    """
    at = 0
    for i in range(len(ends) - 1):
        for p in range(len(parts)):
            kind, column = parts[p, 0], parts[p, 1]
            if kind == CONSTANT:
                at = _copy(out, at, constants, column, parts[p, 2])
            elif kind == TEXT:
                at = _copy(out, at, texts, bounds[column, i, 0], bounds[column, i, 1])
            elif kind == INTEGER:
                at = _integer(out, at, integers[column, i])
            else:
                at = _hex(out, at, digests[column, i])
        ends[i + 1] = at
