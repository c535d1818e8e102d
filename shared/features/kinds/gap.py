"""Seconds since the newest record before this payment."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window, seconds_since, size


@kernel
def gap(w: Window) -> float:
    """Seconds from the window's newest record to the payment, NaN when the window is empty."""
    return seconds_since(w, w.hi - 1) if size(w) > 0 else np.nan
