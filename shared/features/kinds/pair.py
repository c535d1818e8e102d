"""The history of a pair: earlier records of the entity that carry this payment's value of a column."""

from __future__ import annotations

import numpy as np

from ..kernels_compile import kernel
from ..kernels_window import Window, seconds_since

_MISSING = 0
_NONE = -1


@kernel
def _newest(w: Window) -> int:
    """The last cell of the window that carries the payment's value, which is not missing; -1 if none does."""
    for j in range(w.hi - 1, w.lo - 1, -1):
        if w.cells[j, w.column] == w.value:
            return j
    return _NONE


@kernel
def _oldest(w: Window) -> int:
    """The first such cell; -1 if there is none."""
    for j in range(w.lo, w.hi):
        if w.cells[j, w.column] == w.value:
            return j
    return _NONE


@kernel
def _age(w: Window, j: int) -> float:
    """Seconds since the record in cell j, NaN for no cell."""
    return seconds_since(w, j) if j != _NONE else np.nan


@kernel
def pair_count(w: Window) -> float:
    """How many records of the window carry the payment's value, NaN if the payment lacks the field."""
    if w.value == _MISSING:
        return np.nan
    found = 0
    for j in range(w.lo, w.hi):
        found += 1 if w.cells[j, w.column] == w.value else 0
    return float(found)


@kernel
def first_pair(w: Window) -> float:
    """1 if no record of the window carries the payment's value, else 0; NaN if the payment lacks it."""
    if w.value == _MISSING:
        return np.nan
    return 1.0 if _newest(w) == _NONE else 0.0


@kernel
def pair_age(w: Window) -> float:
    """Seconds since the oldest record that carries the payment's value, NaN if none does or it lacks one."""
    return _age(w, _oldest(w)) if w.value != _MISSING else np.nan


@kernel
def pair_gap(w: Window) -> float:
    """Seconds since the newest such record, NaN as for the oldest."""
    return _age(w, _newest(w)) if w.value != _MISSING else np.nan
