"""The view that every kind of feature reads: one window of one timeline, as seen by one payment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_rows import AMOUNT, SUM, TIME
from .wide import add, square, subtract


class Window(NamedTuple):
    """Records ``lo <= j < hi`` of ``cells``, sorted by (event time, index), prefix sums included.

    The timeline's first record of the stream that is not forgotten stands at ``base``, or before it where
    nothing forgotten is in reach. ``first <= j < last`` are the labels of the
    window (their payment's event time), sorted by (event time, payment, known at, index), empty for kinds
    that read none. ``now`` is the payment's event time in ms, ``amount`` its minor units, ``value`` its own
    entry in the feature's column, ``column`` that column's place in a cell. ``own`` is the payment's record
    id where the window leaves the payment itself out, else 0. ``squares`` is the place of the high limb of
    the running sum of squares, ``peaks`` that of the steps back to the nearest larger amount. ``p0``, ``p1``
    and ``span`` (ms) are what the feature declares. ``held`` has ``HELD`` entries from ``at`` on for what
    the kind's fold found. ``scratch`` (2**k,) has room for two entries per record of the window.
    """

    cells: NDArray[np.int64]
    base: int
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
    peaks: int
    p0: float
    p1: float
    span: int
    held: NDArray[np.int64]
    at: int
    scratch: NDArray[np.int64]


HELD = 4


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


@kernel
def squares(w: Window) -> tuple[np.uint64, np.uint64]:
    """(high, low) of the exact sum of the squared amounts; ``hi > lo`` must hold."""
    cells, at = w.cells, w.squares
    last, first = w.hi - 1, w.lo
    high, low = subtract(
        np.uint64(cells[last, at]),
        np.uint64(cells[last, at + 1]),
        np.uint64(cells[first, at]),
        np.uint64(cells[first, at + 1]),
    )
    own_high, own_low = square(cells[first, AMOUNT])
    return add(high, low, own_high, own_low)


@kernel
def seconds_since(w: Window, j: int) -> float:
    """Seconds from the record in cell ``j`` to the payment."""
    return float(w.now - w.cells[j, TIME]) / 1000.0
