"""The view that every kind of feature reads: one window of one timeline, as seen by one payment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_rows import AMOUNT, SUM


class Window(NamedTuple):
    """Records ``lo <= j < hi`` of ``cells``, sorted by (event time, index), prefix sums included.

    ``first <= j < last`` are the labels of the same window (their payment's event time), sorted by
    (event time, payment, known at, index), empty for kinds that read none. ``now`` is the payment's event
    time in ms, ``amount`` its minor units, ``value`` its own entry in the feature's column, ``column``
    that column's place in a cell. ``own`` is the payment's record id where the window leaves the payment
    itself out, else 0. ``squares`` is the place of the high limb of the running sum of squares.
    ``scratch`` (2**k,) has room for two entries per record of the window.
    """

    cells: NDArray[np.int64]
    lo: int
    hi: int
    first: int
    last: int
    now: int
    amount: int
    value: int
    own: int
    column: int
    squares: int
    p0: float
    p1: float
    scratch: NDArray[np.int64]


@kernel
def size(w: Window) -> int:
    """Records in the window."""
    return w.hi - w.lo


@kernel
def total(w: Window) -> int:
    """The exact sum of the window's amounts; the segment's cells hold running sums from ``SUM``.

    ``hi > lo`` must hold. The sum before ``lo`` is read from the record at ``lo`` itself, so that a window
    that starts with the segment needs no special case.
    """
    return int(w.cells[w.hi - 1, SUM] - w.cells[w.lo, SUM] + w.cells[w.lo, AMOUNT])
