"""How many different values of a column the window holds."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_window import Window, size

_MISSING = 0
_FEW = 16


@kernel
def _distinct_few(w: Window) -> int:
    found = 0
    for j in range(w.lo, w.hi):
        value = w.cells[j, w.column]
        is_new = value != _MISSING
        for k in range(w.lo, j):
            if w.cells[k, w.column] == value:
                is_new = False
                break
        found += 1 if is_new else 0
    return found


@kernel
def _distinct_many(w: Window) -> int:
    room = 32
    while room < 2 * size(w):
        room *= 2
    # Values are keyed hashes already: their low bits spread well, and 0 marks a free place.
    places = w.scratch
    for k in range(room):
        places[k] = _MISSING
    found = 0
    for j in range(w.lo, w.hi):
        value = w.cells[j, w.column]
        if value == _MISSING:
            continue
        k = value & (room - 1)
        while places[k] != _MISSING and places[k] != value:
            k = (k + 1) & (room - 1)
        if places[k] == _MISSING:
            places[k] = value
            found += 1
    return found


@kernel
def distinct(w: Window) -> float:
    """The number of different values, records without the field left out; 0 when empty."""
    return float(_distinct_few(w) if size(w) <= _FEW else _distinct_many(w))
