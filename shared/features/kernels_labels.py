"""The labels of a window as they are in force for the payment that asks.

In force is the label with the greatest known_at not after now, at equal known_at the one appended last.
Labels of one payment stand together in that order (`segments_labels`), so the last that is known decides.
"""

from __future__ import annotations

from .kernels_compile import kernel
from .kernels_rows import AMOUNT, FRAUD, ID, MARK, REF, TIME, verdict_of
from .kernels_window import Window
from .segments import records_until

NONE = -1


@kernel
def next_fraud(w: Window, end: int) -> int:
    """The next payment before label ``end`` that is a known fraud: its first label's cell, -1 if none is.

    The payment that asks is left out where its window leaves it out.
    """
    cells, k = w.cells, end
    while k > w.first:
        k -= 1
        ref, time_ms = cells[k, REF], cells[k, TIME]
        is_decided = False
        is_fraud = False
        while True:
            if not is_decided and cells[k, AMOUNT] <= w.now:
                is_decided = True
                is_fraud = verdict_of(cells[k, MARK]) == FRAUD
            if k == w.first or cells[k - 1, REF] != ref or cells[k - 1, TIME] != time_ms:
                break
            k -= 1
        if is_fraud and (w.own == 0 or ref != w.own):
            return k
    return NONE


@kernel
def labels_until(w: Window, end: int, time_ms: int) -> int:
    """Where the labels before ``end`` of payments up to ``time_ms`` end."""
    while end > w.first and w.cells[end - 1, TIME] > time_ms:
        end -= 1
    return end


@kernel
def is_fraud(w: Window, j: int, end: int) -> bool:
    """Whether the payment in cell ``j`` is a known fraud; ``end`` from `labels_until` of its time."""
    cells, k = w.cells, end - 1
    while k >= w.first and cells[k, TIME] == cells[j, TIME]:
        if cells[k, REF] == cells[j, ID] and cells[k, AMOUNT] <= w.now:
            return bool(verdict_of(cells[k, MARK]) == FRAUD)
        k -= 1
    return False


@kernel
def payment_of(w: Window, k: int) -> int:
    """The cell of the window's payment that label ``k`` is of."""
    cells = w.cells
    j = w.lo + records_until(cells, w.lo, w.hi - w.lo, cells[k, TIME], w.hi - w.lo) - 1
    while j > w.lo and cells[j, ID] != cells[k, REF]:
        j -= 1
    return j
