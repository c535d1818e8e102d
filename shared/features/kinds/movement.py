"""How far and how fast the entity moved since its last payment with a place."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_place import kilometres_between
from ..kernels_rows import TIME
from ..kernels_window import Window

_MISSING = 0
_NONE = -1
_HOUR_MS = 3_600_000.0
_SHORTEST_MS = 1_000


@kernel
def _last_placed(w: Window) -> int:
    """The newest cell of the window that has a place; -1 if none has, or the payment has none."""
    if w.value == _MISSING:
        return _NONE
    for j in range(w.hi - 1, w.lo - 1, -1):
        if w.cells[j, w.column] != _MISSING:
            return j
    return _NONE


@kernel
def moved(w: Window) -> float:
    """Kilometres from the last place to the payment's, NaN without one of them."""
    j = _last_placed(w)
    return kilometres_between(w.cells[j, w.column], w.value) if j != _NONE else np.nan


@kernel
def speed(w: Window) -> float:
    """Those kilometres over the hours since then, of which there is at least a second; NaN as above."""
    j = _last_placed(w)
    if j == _NONE:
        return np.nan
    passed_ms = max(w.now - w.cells[j, TIME], _SHORTEST_MS)
    return kilometres_between(w.cells[j, w.column], w.value) / (float(passed_ms) / _HOUR_MS)
