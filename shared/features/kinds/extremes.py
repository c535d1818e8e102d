"""The largest and the smallest amount of the window, by one pass over it."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT
from ..kernels_window import Window, size


@kernel
def largest(w: Window) -> float:
    """The largest amount in minor units, NaN when empty."""
    if size(w) <= 0:
        return np.nan
    found = w.cells[w.lo, AMOUNT]
    for j in range(w.lo + 1, w.hi):
        found = max(found, w.cells[j, AMOUNT])
    return float(found)


@kernel
def smallest(w: Window) -> float:
    """The smallest amount in minor units, NaN when empty."""
    if size(w) <= 0:
        return np.nan
    found = w.cells[w.lo, AMOUNT]
    for j in range(w.lo + 1, w.hi):
        found = min(found, w.cells[j, AMOUNT])
    return float(found)
