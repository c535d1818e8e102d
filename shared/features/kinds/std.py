"""The sample standard deviation of the window's amounts."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window, size, squares, total
from ..wide import deviation


@kernel
def spread(w: Window, freedom: float) -> float:
    """sqrt((n Q - S^2) / (n (n - freedom))) in minor units, NaN if n < 2 or n <= freedom."""
    n = size(w)
    if n < 2:
        return np.nan
    high, low = squares(w)
    return deviation(n, total(w), high, low, freedom)


@kernel
def std(w: Window) -> float:
    """The deviation with n - 1 degrees of freedom, NaN if n < 2."""
    return spread(w, 1.0)
