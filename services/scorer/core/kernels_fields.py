"""Where the fields of canonical records stand in their bytes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.features.kernels_compile import kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Place = Any
"""An unsigned place in a pool: one that could be negative would be looked at twice, for every byte."""

ABSENT: Final = -1

_QUOTE: Final = ord('"')
_ESCAPE: Final = ord("\\")
_COMMA: Final = ord(",")
_OPEN: Final = (ord("{"), ord("["))
_CLOSE: Final = (ord("}"), ord("]"))
_ONE, _TWO = np.uint64(1), np.uint64(2)


@kernel
def _string_end(pool: Bytes, at: Place) -> Place:
    """Where the string whose first character stands at ``at`` has its closing quote."""
    while pool[at] != _QUOTE:
        at += _TWO if pool[at] == _ESCAPE else _ONE
    return at


@kernel
def _value_end(pool: Bytes, at: Place) -> Place:
    """Where the number, word, object or list that starts at ``at`` is over."""
    depth = 0
    while True:
        byte = pool[at]
        if byte == _QUOTE:
            at = _string_end(pool, at + _ONE)
        elif byte == _OPEN[0] or byte == _OPEN[1]:
            depth += 1
        elif byte == _CLOSE[0] or byte == _CLOSE[1]:
            if depth == 0:
                return at
            depth -= 1
        elif byte == _COMMA and depth == 0:
            return at
        at += _ONE


@kernel
def _which(pool: Bytes, start: Place, stop: Place, names: Bytes, ends: Integers) -> int:
    """The number of the name that stands between ``start`` and ``stop``, or `ABSENT`."""
    for k in range(len(ends) - 1):
        first = np.uint64(ends[k])
        length = np.uint64(ends[k + 1]) - first
        if length != stop - start:
            continue
        same = True
        for j in range(length):
            if pool[start + np.uint64(j)] != names[first + np.uint64(j)]:
                same = False
                break
        if same:
            return k
    return ABSENT


@kernel
def find_fields(pool: Bytes, records: Integers, names: Bytes, ends: Integers, found: Integers) -> None:
    """``found[k, i]`` becomes where the text of field k stands in record i, from and to, or `ABSENT`.

    ``records`` (n, 2) are compact JSON objects in ``pool``; field k is called ``names[ends[k]:ends[k + 1]]``
    and holds a text: its place is that between its quotes, as JSON writes it.
    """
    for i in range(len(records)):
        for k in range(len(ends) - 1):
            found[k, i, 0] = found[k, i, 1] = ABSENT
        at, stop = np.uint64(records[i, 0]) + _ONE, np.uint64(records[i, 1]) - _ONE
        while at < stop:
            name_end = _string_end(pool, at + _ONE)
            k = _which(pool, at + _ONE, name_end, names, ends)
            at = name_end + _TWO
            if pool[at] == _QUOTE:
                end = _string_end(pool, at + _ONE)
                if k >= 0:
                    found[k, i, 0], found[k, i, 1] = at + _ONE, end
                at = end + _ONE
            else:
                at = _value_end(pool, at)
            at += _ONE
