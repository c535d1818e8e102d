"""a / (M + p0): the amount against the largest of the window."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window
from .extremes import largest


@kernel
def max_ratio(w: Window) -> float:
    """The ratio, NaN when the window is empty or the divisor is 0; p0 in minor units."""
    divisor = largest(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan
