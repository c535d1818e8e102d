"""Payments of the window that were unusually large when they came."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT, SUM, TIME
from ..kernels_window import Window, size
from ..segments import records_until

_COUNT = 0
_REACHED = 1
_BEFORE = 2
_NONE = -1


@kernel
def begin(w: Window) -> None:
    """Hold that nothing is counted yet: longer windows go on where shorter ones ended."""
    w.held[w.at + _COUNT] = 0
    w.held[w.at + _REACHED] = w.hi
    w.held[w.at + _BEFORE] = _NONE


@kernel
def _is_high(w: Window, j: int, before: int) -> bool:
    """Whether the payment in cell j is high against those from cell ``before`` up to it."""
    n = j - before
    if n <= 0 or n < w.p1:
        return False
    sum_minor = w.cells[j - 1, SUM] - w.cells[before, SUM] + w.cells[before, AMOUNT]
    return bool(float(w.cells[j, AMOUNT]) * float(n) > w.p0 * float(sum_minor))


@kernel
def high_count(w: Window) -> float:
    """Rows j with n_j >= p1 and a_j n_j > p0 S_j, products in float64; 0 when empty.

    n_j and S_j are count and sum of the rows before j in (t_j - span, t_j], in fold order; they may stand
    before the window.
    """
    if size(w) <= 0:
        return 0.0
    if w.held[w.at + _REACHED] < w.lo:
        begin(w)
    cells, j, before = w.cells, w.held[w.at + _REACHED], w.held[w.at + _BEFORE]
    found = w.held[w.at + _COUNT]
    while j > w.lo:
        j -= 1
        since_ms = cells[j, TIME] - w.span
        if before == _NONE:
            before = w.base + records_until(cells, w.base, j - w.base, since_ms, 0)
        while before > w.base and cells[before - 1, TIME] > since_ms:
            before -= 1
        found += 1 if _is_high(w, j, before) else 0
    w.held[w.at + _COUNT] = found
    w.held[w.at + _REACHED] = j
    w.held[w.at + _BEFORE] = before
    return float(found)
