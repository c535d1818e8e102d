"""Count, sum and sum of squares of some of a window's amounts, held for the kinds that compare with them."""

from __future__ import annotations

import numpy as np

from .kernels_compile import kernel
from .kernels_window import Window
from .wide import deviation

_COUNT = 0
_SUM = 1
_HIGH = 2
_LOW = 3


@kernel
def hold(w: Window, n: int, sum_minor: int, high: np.uint64, low: np.uint64) -> None:
    """Hold n amounts of a sum and a sum of squares in two limbs."""
    w.held[w.at + _COUNT] = n
    w.held[w.at + _SUM] = sum_minor
    w.held[w.at + _HIGH] = np.int64(high)
    w.held[w.at + _LOW] = np.int64(low)


@kernel
def held_count(w: Window) -> int:
    """n."""
    return int(w.held[w.at + _COUNT])


@kernel
def held_sum(w: Window) -> float:
    """S in minor units, rounded once."""
    return float(w.held[w.at + _SUM])


@kernel
def held_mean(w: Window) -> float:
    """S / n in minor units, NaN if n is 0."""
    n = held_count(w)
    return held_sum(w) / float(n) if n > 0 else np.nan


@kernel
def held_ratio(w: Window) -> float:
    """a / (S / n + p0), NaN if n or the divisor is 0; p0 in minor units."""
    divisor = held_mean(w) + w.p0
    return float(w.amount) / divisor if divisor != 0.0 else np.nan


@kernel
def held_z(w: Window) -> float:
    """(a - S / n) / (sd + p1) with n - p0 degrees of freedom, NaN if n < 2 or the divisor is 0."""
    n = held_count(w)
    if n < 2:
        return np.nan
    high, low = np.uint64(w.held[w.at + _HIGH]), np.uint64(w.held[w.at + _LOW])
    divisor = deviation(n, w.held[w.at + _SUM], high, low, w.p0) + w.p1
    return (float(w.amount) - held_mean(w)) / divisor if divisor != 0.0 else np.nan
