"""S: the sum of the window's amounts."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_window import Window, size, total


@kernel
def sum_minor(w: Window) -> float:
    """The sum in minor units, 0 when empty; exact as an integer, rounded once."""
    return float(total(w)) if size(w) > 0 else 0.0
