"""(a - S / n) / (sd + p1): how many deviations the amount lies above the mean of the window."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window
from .mean import mean
from .std import spread


@kernel
def z(w: Window) -> float:
    """The score with n - p0 degrees of freedom, NaN if n < 2 or the divisor is 0; p1 in minor units."""
    divisor = spread(w, w.p0) + w.p1
    return (float(w.amount) - mean(w)) / divisor if divisor != 0.0 else np.nan
