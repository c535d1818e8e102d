"""The amount against the payments of the window that are no known frauds.

A stolen card's frauds would else become its habit. A payment is known as a fraud if it is at least the label
delay old and its label in force says so.
"""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_labels import NONE, next_fraud, payment_of
from ..kernels_rows import AMOUNT
from ..kernels_window import Window, size, squares, total
from ..wide import deviation, square, subtract

_COUNT = 0
_SUM = 1
_HIGH = 2
_LOW = 3


@kernel
def clean(w: Window) -> None:
    """Hold count, sum and sum of squares (two limbs) of the amounts that are no known frauds'."""
    n = size(w)
    if n <= 0:
        w.held[w.at + _COUNT] = 0
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
    w.held[w.at + _COUNT] = n
    w.held[w.at + _SUM] = sum_minor
    w.held[w.at + _HIGH] = np.int64(high)
    w.held[w.at + _LOW] = np.int64(low)


@kernel
def _mean(w: Window) -> float:
    return float(w.held[w.at + _SUM]) / float(w.held[w.at + _COUNT])


@kernel
def clean_ratio(w: Window) -> float:
    """a / (S / n + p0), NaN if n < 2 or the divisor is 0; p0 in minor units."""
    if w.held[w.at + _COUNT] < 2:
        return np.nan
    divisor = _mean(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan


@kernel
def clean_z(w: Window) -> float:
    """(a - S / n) / (sd + p1) with n - p0 degrees of freedom, NaN if n < 2 or the divisor is 0."""
    n = w.held[w.at + _COUNT]
    if n < 2:
        return np.nan
    high, low = np.uint64(w.held[w.at + _HIGH]), np.uint64(w.held[w.at + _LOW])
    divisor = deviation(n, w.held[w.at + _SUM], high, low, w.p0) + w.p1
    return (float(w.amount) - _mean(w)) / divisor if divisor != 0.0 else np.nan
