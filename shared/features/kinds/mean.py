"""S / n: the mean amount of the window."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window, size, total


@kernel
def mean(w: Window) -> float:
    """The mean in minor units, NaN when empty: exact sum, rounded once, over the count."""
    n = size(w)
    return float(total(w)) / float(n) if n > 0 else np.nan
