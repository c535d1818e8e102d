"""The amounts of a pair: earlier payments of the entity that carry this payment's value of a column."""

from __future__ import annotations

import numpy as np

from ..kernels_amounts import held_count, held_mean, held_ratio, held_sum, held_z, hold
from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT
from ..kernels_window import Window
from ..wide import add, square

_MISSING = 0
_ZERO = np.uint64(0)


@kernel
def amounts(w: Window) -> None:
    """Hold the amounts of the payments that carry the payment's value; none where it lacks one."""
    n, sum_minor, high, low = 0, 0, _ZERO, _ZERO
    if w.value != _MISSING:
        for j in range(w.lo, w.hi):
            if w.cells[j, w.column] == w.value:
                n += 1
                sum_minor += w.cells[j, AMOUNT]
                own_high, own_low = square(w.cells[j, AMOUNT])
                high, low = add(high, low, own_high, own_low)
    hold(w, n, sum_minor, high, low)


@kernel
def pair_sum(w: Window) -> float:
    """S in minor units, 0 when there is none; NaN if the payment lacks the field."""
    return held_sum(w) if w.value != _MISSING else np.nan


@kernel
def pair_mean(w: Window) -> float:
    """S / n in minor units, NaN if n is 0."""
    return held_mean(w)


@kernel
def pair_ratio(w: Window) -> float:
    """a / (S / n + p0), NaN if n is 0."""
    return held_ratio(w)


@kernel
def pair_z(w: Window) -> float:
    """(a - S / n) / (sd + p1) with n - p0 degrees of freedom, NaN if n < 2."""
    return held_z(w) if held_count(w) >= 2 else np.nan
