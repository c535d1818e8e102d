"""The largest and the smallest amount of the window, by one pass over it."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT
from ..kernels_window import Window, size

_LARGEST = 0
_SMALLEST = 1


@kernel
def extremes(w: Window) -> None:
    """Hold the largest and the smallest amount of a window that is not empty."""
    if size(w) <= 0:
        return
    most = w.cells[w.lo, AMOUNT]
    least = most
    for j in range(w.lo + 1, w.hi):
        most = max(most, w.cells[j, AMOUNT])
        least = min(least, w.cells[j, AMOUNT])
    w.held[w.at + _LARGEST] = most
    w.held[w.at + _SMALLEST] = least


@kernel
def largest(w: Window) -> float:
    """The largest amount in minor units, NaN when empty."""
    return float(w.held[w.at + _LARGEST]) if size(w) > 0 else np.nan


@kernel
def smallest(w: Window) -> float:
    """The smallest amount in minor units, NaN when empty."""
    return float(w.held[w.at + _SMALLEST]) if size(w) > 0 else np.nan


@kernel
def max_ratio(w: Window) -> float:
    """a / (M + p0), NaN when the window is empty or the divisor is 0; p0 in minor units."""
    divisor = largest(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan
