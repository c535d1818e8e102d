"""The largest amount of the window, by steps from peak to peak, and the smallest, by one pass."""

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
    j = w.hi - 1
    step = w.cells[j, w.peaks]
    while step > 0 and j - step >= w.lo:
        j -= step
        step = w.cells[j, w.peaks]
    return float(w.cells[j, AMOUNT])


@kernel
def smallest(w: Window) -> float:
    """The smallest amount in minor units, NaN when empty."""
    if size(w) <= 0:
        return np.nan
    found = w.cells[w.lo, AMOUNT]
    for j in range(w.lo + 1, w.hi):
        found = min(found, w.cells[j, AMOUNT])
    return float(found)


@kernel
def max_ratio(w: Window) -> float:
    """a / (M + p0), NaN when the window is empty or the divisor is 0; p0 in minor units."""
    divisor = largest(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan
