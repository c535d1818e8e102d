"""Frauds among the payments of a window that ended a label delay ago, by the labels in force now."""

from __future__ import annotations

from ..kernels_compile import kernel
from ..kernels_labels import next_fraud
from ..kernels_window import Window, size

_FRAUDS = 0


@kernel
def frauds(w: Window) -> None:
    """Hold the number of payments of the window whose label in force says fraud."""
    found = 0
    k = next_fraud(w, w.last)
    while k >= 0:
        found += 1
        k = next_fraud(w, k)
    w.held[w.at + _FRAUDS] = found


@kernel
def delayed_frauds(w: Window) -> float:
    """Payments of the window whose label in force says fraud."""
    return float(w.held[w.at + _FRAUDS])


@kernel
def delayed_risk(w: Window) -> float:
    """(frauds + p0) / (payments + p1), 0 when the divisor is 0."""
    divisor = float(size(w)) + w.p1
    return (delayed_frauds(w) + w.p0) / divisor if divisor != 0.0 else 0.0
