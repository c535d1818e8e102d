"""How the payments of a window that are old enough for labels end: in frauds, or in a genuine one."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_labels import NONE, is_fraud, labels_until, next_fraud
from ..kernels_rows import TIME
from ..kernels_window import Window, seconds_since

_RUN = 0


@kernel
def known(w: Window) -> None:
    """Hold how many known frauds in a row end the window."""
    run, labels = 0, w.last
    for j in range(w.hi - 1, w.lo - 1, -1):
        labels = labels_until(w, labels, w.cells[j, TIME])
        if not is_fraud(w, j, labels):
            break
        run += 1
    w.held[w.at + _RUN] = run


@kernel
def fraud_run(w: Window) -> float:
    """How many known frauds in a row end the window, 0 when empty."""
    return float(w.held[w.at + _RUN])


@kernel
def fraud_run_age(w: Window) -> float:
    """Seconds since the first of that run, NaN without one."""
    run = w.held[w.at + _RUN]
    return seconds_since(w, w.hi - run) if run > 0 else np.nan


@kernel
def since_genuine(w: Window) -> float:
    """Seconds since the newest payment of the window that is no known fraud, NaN when there is none."""
    j = w.hi - 1 - w.held[w.at + _RUN]
    return seconds_since(w, j) if j >= w.lo else np.nan


@kernel
def since_fraud(w: Window) -> float:
    """Seconds since the newest payment of the window that is a known fraud, NaN when there is none."""
    k = next_fraud(w, w.last)
    return seconds_since(w, k) if k != NONE else np.nan
