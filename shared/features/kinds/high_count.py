"""Payments of the window that were unusually large when they came."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT, SUM, TIME
from ..kernels_window import Window, size
from ..segments import records_until


@kernel
def high_count(w: Window) -> float:
    """Rows j with n_j >= p1 and a_j n_j > p0 S_j, products in float64; 0 when empty.

    n_j and S_j are count and sum of the rows before j in (t_j - span, t_j], in fold order; they may stand
    before the window.
    """
    if size(w) <= 0:
        return 0.0
    cells, found = w.cells, 0
    before = w.base + records_until(cells, w.base, w.lo - w.base, cells[w.lo, TIME] - w.span, 0)
    for j in range(w.lo, w.hi):
        while cells[before, TIME] <= cells[j, TIME] - w.span:
            before += 1
        n = j - before
        if n > 0 and n >= w.p1:
            sum_minor = cells[j - 1, SUM] - cells[before, SUM] + cells[before, AMOUNT]
            found += 1 if float(cells[j, AMOUNT]) * float(n) > w.p0 * float(sum_minor) else 0
    return float(found)
