"""Grouping a batch's records by timeline, as the store's one call wants them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_state import CURSOR, PINS, touch

SLOT = 0
ROWS = 1


@kernel
def claim(
    slots: NDArray[np.int64],
    ends: NDArray[np.int64],
    wanted: NDArray[np.int64],
    kept: NDArray[np.bool_],
    logs: NDArray[np.int64],
    order: NDArray[np.int64],
) -> tuple[int, int]:
    """Pin the slots of ``wanted`` (n, e), -1 none; how many there are (u), how many rows to append (m).

    ``logs[:u]`` become (slot, rows of it), in the order of their first row; ``order[:m]`` the row numbers
    of the first slot, then of the second, and so on. Rows that are not ``kept`` (n,) pin but do not count.
    ``logs`` (n e, 2) and ``order`` (n e,) must have room for all.
    """
    n, entities = wanted.shape
    for i in range(n):
        for e in range(entities):
            if wanted[i, e] >= 0:
                slots[wanted[i, e], CURSOR] = -1
    u = 0
    for i in range(n):
        for e in range(entities):
            slot = wanted[i, e]
            if slot < 0:
                continue
            if slots[slot, CURSOR] < 0:
                slots[slot, CURSOR] = u
                slots[slot, PINS] += 1
                touch(slots, ends, slot)
                logs[u, SLOT] = slot
                logs[u, ROWS] = 0
                u += 1
            logs[slots[slot, CURSOR], ROWS] += 1 if kept[i] else 0
    return u, _lay_out(slots, wanted, kept, logs, order, u)


@kernel
def _lay_out(
    slots: NDArray[np.int64],
    wanted: NDArray[np.int64],
    kept: NDArray[np.bool_],
    logs: NDArray[np.int64],
    order: NDArray[np.int64],
    u: int,
) -> int:
    end = 0
    for k in range(u):
        slots[logs[k, SLOT], CURSOR] = end
        end += logs[k, ROWS]
    for i in range(len(wanted)):
        for e in range(wanted.shape[1]):
            slot = wanted[i, e]
            if slot >= 0 and kept[i]:
                order[slots[slot, CURSOR]] = i
                slots[slot, CURSOR] += 1
    return end


@kernel
def release(slots: NDArray[np.int64], unique: NDArray[np.int64]) -> None:
    """Let go of a claim's slots."""
    for k in range(len(unique)):
        slots[unique[k], PINS] -= 1
