"""The history of a pair: earlier records of the entity that carry this payment's value of a column."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window

_MISSING = 0


@kernel
def pair_count(w: Window) -> float:
    """How many records of the window carry the payment's value, NaN if the payment lacks the field."""
    if w.value == _MISSING:
        return np.nan
    found = 0
    for j in range(w.lo, w.hi):
        found += 1 if w.cells[j, w.column] == w.value else 0
    return float(found)


@kernel
def first_pair(w: Window) -> float:
    """1 if no record of the window carries the payment's value, else 0; NaN if the payment lacks it."""
    if w.value == _MISSING:
        return np.nan
    for j in range(w.hi - 1, w.lo - 1, -1):
        if w.cells[j, w.column] == w.value:
            return 0.0
    return 1.0
