"""n: how many records stand in the window."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_window import Window, size


@kernel
def count(w: Window) -> float:
    """The number of records, 0 when empty."""
    return float(size(w))
