"""The amount against the payments of the window that are no known frauds.

A stolen card's frauds would else become its habit. A payment is known as a fraud if it is at least the label
delay old and its label in force says so.
"""

from __future__ import annotations

import numpy as np

from ..kernels_amounts import held_count, held_ratio, held_z, hold
from ..kernels_compile import kernel
from ..kernels_labels import NONE, next_fraud, payment_of
from ..kernels_rows import AMOUNT
from ..kernels_window import Window, size, squares, total
from ..wide import square, subtract

_ZERO = np.uint64(0)


@kernel
def clean(w: Window) -> None:
    """Hold the amounts that are no known frauds'."""
    n = size(w)
    if n <= 0:
        hold(w, 0, 0, _ZERO, _ZERO)
        return
    sum_minor = total(w)
    high, low = squares(w)
    k = next_fraud(w, w.last)
    while k != NONE:
        amount = w.cells[payment_of(w, k), AMOUNT]
        own_high, own_low = square(amount)
        high, low = subtract(high, low, own_high, own_low)
        sum_minor -= amount
        n -= 1
        k = next_fraud(w, k)
    hold(w, n, sum_minor, high, low)


@kernel
def clean_ratio(w: Window) -> float:
    """a / (S / n + p0), NaN if n < 2 or the divisor is 0; p0 in minor units."""
    return held_ratio(w) if held_count(w) >= 2 else np.nan


@kernel
def clean_z(w: Window) -> float:
    """(a - S / n) / (sd + p1) with n - p0 degrees of freedom, NaN if n < 2 or the divisor is 0."""
    return held_z(w)
