"""a / (S / n + p0): the amount against the mean of the window."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window
from .mean import mean


@kernel
def ratio(w: Window) -> float:
    """The ratio, NaN when the window is empty or the divisor is 0; p0 in minor units."""
    divisor = mean(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan
