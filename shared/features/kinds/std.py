"""The sample standard deviation of the window's amounts."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT
from ..kernels_window import Window, size, total
from ..wide import add, deviation, square, subtract


@kernel
def spread(w: Window, freedom: float) -> float:
    """sqrt((n Q - S^2) / (n (n - freedom))) in minor units, NaN if n < 2 or n <= freedom."""
    n = size(w)
    if n < 2:
        return np.nan
    cells, at = w.cells, w.squares
    last, first = w.hi - 1, w.lo
    high, low = subtract(
        np.uint64(cells[last, at]),
        np.uint64(cells[last, at + 1]),
        np.uint64(cells[first, at]),
        np.uint64(cells[first, at + 1]),
    )
    own_high, own_low = square(cells[first, AMOUNT])
    high, low = add(high, low, own_high, own_low)
    return deviation(n, total(w), high, low, freedom)


@kernel
def std(w: Window) -> float:
    """The deviation with n - 1 degrees of freedom, NaN if n < 2."""
    return spread(w, 1.0)
