"""The labels of one timeline, each at the event time of its payment, or parked until that payment comes.

A parked label stands behind all others, by the event time that it names itself: so those that are forgotten
before their payment came stand together.

They are sorted by (event time, payment, known at, index), so that the labels of one payment stand together
and the last of them that is known at t is the one in force at t.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_rows import (
    AMOUNT,
    ID,
    LABELS,
    MARK,
    PARKED,
    REF,
    TIME,
    W_AMOUNT,
    W_ID,
    W_PACKED,
    W_REF,
    W_TIME,
    mark_of,
)
from .kernels_state import FLOOR, SEGMENT, State
from .layout import BEFORE_ALL
from .segments import records_until

_BASE = SEGMENT + 3 * LABELS
_LENGTH = _BASE + 1


@kernel
def _is_behind(cells: NDArray[np.int64], j: int, time_ms: int, ref: int, known_ms: int, mark: int) -> bool:
    """Whether the label at ``j`` sorts behind (time, payment, known at, index)."""
    if cells[j, TIME] != time_ms:
        return bool(cells[j, TIME] > time_ms)
    if cells[j, REF] != ref:
        return bool(cells[j, REF] > ref)
    if cells[j, AMOUNT] != known_ms:
        return bool(cells[j, AMOUNT] > known_ms)
    return bool(cells[j, MARK] > mark)


@kernel
def _place_of(
    cells: NDArray[np.int64], base: int, end: int, time_ms: int, ref: int, known_ms: int, mark: int
) -> int:
    lo, hi = base, end
    while lo < hi:
        middle = (lo + hi) >> 1
        if _is_behind(cells, middle, time_ms, ref, known_ms, mark):
            hi = middle
        else:
            lo = middle + 1
    return lo


@kernel
def _insert(cells: NDArray[np.int64], at: int, end: int, label: tuple[int, int, int, int, int]) -> None:
    """Open a gap at ``at`` by moving the cells up to ``end`` one on, and lay the label down in it."""
    for j in range(end, at, -1):
        for c in range(REF + 1):
            cells[j, c] = cells[j - 1, c]
    cells[at, TIME] = label[0]
    cells[at, AMOUNT] = label[1]
    cells[at, ID] = label[2]
    cells[at, MARK] = label[3]
    cells[at, REF] = label[4]


@kernel
def insert_label(
    state: State, slot: int, rows: NDArray[np.int64], i: int, index: int, payment_ms: int
) -> None:
    """Put a label at the event time of its payment, or where that is `BEFORE_ALL` park it at its own."""
    cells = state.arena.cells
    time_ms = payment_ms if payment_ms != BEFORE_ALL else PARKED + rows[i, W_TIME]
    base, length = state.slots[slot, _BASE], state.slots[slot, _LENGTH]
    known_ms, ref, mark = rows[i, W_AMOUNT], rows[i, W_REF], mark_of(rows[i, W_PACKED], index)
    at = _place_of(cells, base, base + length, time_ms, ref, known_ms, mark)
    _insert(cells, at, base + length, (time_ms, known_ms, rows[i, W_ID], mark, ref))
    state.slots[slot, _LENGTH] = length + 1


@kernel
def parked_until(state: State, slot: int, time_ms: int) -> int:
    """The cell behind the labels that have a payment, or wait for one and name a time up to ``time_ms``."""
    base, length = state.slots[slot, _BASE], state.slots[slot, _LENGTH]
    return int(base) + records_until(state.arena.cells, base, length, PARKED + max(time_ms, -1), length)


@kernel
def unpark(state: State, slot: int, payment_id: int, time_ms: int) -> None:
    """Give the labels that waited for this payment its event time, unless they are forgotten."""
    cells = state.arena.cells
    base = state.slots[slot, _BASE]
    end = base + state.slots[slot, _LENGTH]
    if end == base or cells[end - 1, TIME] < PARKED:
        return
    for at in range(parked_until(state, slot, state.slots[slot, FLOOR]), end):
        if cells[at, REF] == payment_id:
            known_ms, mark, own = cells[at, AMOUNT], cells[at, MARK], cells[at, ID]
            to = _place_of(cells, base, end, time_ms, payment_id, known_ms, mark)
            _insert(cells, to, at, (time_ms, known_ms, own, mark, payment_id))
