"""Frauds among the payments of a window that ended a label delay ago, by the labels in force now."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_rows import AMOUNT, FRAUD, MARK, REF, TIME, verdict_of
from ..kernels_window import Window, size


@kernel
def delayed_frauds(w: Window) -> float:
    """Payments of the window whose label in force says fraud.

    In force at ``now`` is the label with the greatest known_at not after now, at equal known_at the one
    appended last. Labels of one payment stand together in that order, so the last that is known decides.
    """
    cells = w.cells
    frauds = 0
    is_fraud = False
    for j in range(w.first, w.last):
        if j > w.first and (cells[j, REF] != cells[j - 1, REF] or cells[j, TIME] != cells[j - 1, TIME]):
            frauds += 1 if is_fraud else 0
            is_fraud = False
        if cells[j, AMOUNT] <= w.now and (w.own == 0 or cells[j, REF] != w.own):
            is_fraud = verdict_of(cells[j, MARK]) == FRAUD
    return float(frauds + (1 if is_fraud else 0))


@kernel
def delayed_risk(w: Window) -> float:
    """(frauds + p0) / (payments + p1), 0 when the divisor is 0."""
    divisor = float(size(w)) + w.p1
    return (delayed_frauds(w) + w.p0) / divisor if divisor != 0.0 else 0.0
