"""One stream of one timeline: a sorted run of cells. The usual record goes to its end, a late one inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, SMALLEST, give_back, order_for, take
from .kernels_compile import kernel
from .kernels_plan import Plan
from .kernels_rows import (
    AMOUNT,
    EXTRA,
    ID,
    MARK,
    SUM,
    TIME,
    W_AMOUNT,
    W_ID,
    W_PACKED,
    W_TIME,
    index_of,
    mark_of,
)
from .kernels_state import LONGEST, SEGMENT, State, evict_oldest
from .wide import add, square


@kernel
def records_until(cells: NDArray[np.int64], base: int, length: int, time_ms: int, hint: int) -> int:
    """How many of a segment's records have an event time of at most ``time_ms``.

    ``hint`` >= 0 is where the answer was last time: windows move on slowly, so the search starts there and
    widens in doubled steps; any hint gives the same answer.
    """
    if length == 0 or cells[base + length - 1, TIME] <= time_ms:
        return length
    lo, step = min(hint, length - 1), 1
    hi = lo
    if cells[base + lo, TIME] <= time_ms:
        while lo + step < length - 1 and cells[base + lo + step, TIME] <= time_ms:
            lo += step
            step *= 2
        hi = min(lo + step, length - 1)
        lo += 1
    else:
        while hi - step >= 0 and cells[base + hi - step, TIME] > time_ms:
            hi -= step
            step *= 2
        lo = max(hi - step + 1, 0)
    while lo < hi:
        middle = (lo + hi) >> 1
        if cells[base + middle, TIME] <= time_ms:
            lo = middle + 1
        else:
            hi = middle
    return lo


@kernel
def make_room(state: State, streams: int, slot: int, stream: int) -> bool:
    """Let the segment take one record more, moving it and evicting others as needed; False if none helps."""
    at = SEGMENT + 3 * stream
    length, order = state.slots[slot, at + 1], state.slots[slot, at + 2]
    if order != NONE and length < SMALLEST << order:
        return True
    larger = order_for(length + 1)
    base = take(state.arena, larger)
    while base == NONE:
        if not evict_oldest(state, streams):
            return False
        base = take(state.arena, larger)
    cells, old = state.arena.cells, state.slots[slot, at]
    for j in range(length):
        for c in range(cells.shape[1]):
            cells[base + j, c] = cells[old + j, c]
    if order != NONE:
        give_back(state.arena, old, order)
    state.slots[slot, at] = base
    state.slots[slot, at + 2] = larger
    return True


@kernel
def _write(
    cells: NDArray[np.int64], at: int, extras: NDArray[np.int64], rows: NDArray[np.int64], i: int, index: int
) -> None:
    """Lay row i down as the cell ``at``, without its running sums."""
    cells[at, TIME] = rows[i, W_TIME]
    cells[at, AMOUNT] = rows[i, W_AMOUNT]
    cells[at, ID] = rows[i, W_ID]
    cells[at, MARK] = mark_of(rows[i, W_PACKED], index)
    for k in range(len(extras)):
        cells[at, EXTRA + k] = rows[i, extras[k]]


@kernel
def _peak(cells: NDArray[np.int64], base: int, j: int, peaks: int) -> int:
    """How far before cell ``j`` the nearest larger amount stands, 0 if none does.

    Whatever lies between is no larger than j, so a window's largest amount is found by such steps back from
    its end: few, where a pass would be long.
    """
    k = j - 1
    while k >= base and cells[k, AMOUNT] <= cells[j, AMOUNT]:
        step = cells[k, peaks]
        if step == 0:
            return 0
        k -= step
    return j - k if k >= base else 0


@kernel
def sum_up(cells: NDArray[np.int64], base: int, at: int, end: int, squares: int, peaks: int) -> None:
    """Repair what the cells of a segment keep of those before them, from the cell ``at`` to ``end``."""
    for j in range(at, end):
        if peaks > 0:
            cells[j, peaks] = _peak(cells, base, j, peaks)
        amount = cells[j, AMOUNT]
        cells[j, SUM] = amount + (cells[j - 1, SUM] if j > base else 0)
        if squares > 0:
            high, low = square(amount)
            if j > base:
                high, low = add(
                    high, low, np.uint64(cells[j - 1, squares]), np.uint64(cells[j - 1, squares + 1])
                )
            cells[j, squares] = np.int64(high)
            cells[j, squares + 1] = np.int64(low)


@kernel
def _shift_right(cells: NDArray[np.int64], at: int, end: int) -> None:
    for j in range(end, at, -1):
        for c in range(cells.shape[1]):
            cells[j, c] = cells[j - 1, c]


@kernel
def insert_event(
    state: State, plan: Plan, slot: int, stream: int, rows: NDArray[np.int64], i: int, index: int
) -> None:
    """Put a transaction or activity at its place by (event time, index); there must be room."""
    cells, segment = state.arena.cells, SEGMENT + 3 * stream
    base, length = state.slots[slot, segment], state.slots[slot, segment + 1]
    at = base + records_until(cells, base, length, rows[i, W_TIME], length)
    _shift_right(cells, at, base + length)
    _write(cells, at, plan.extras, rows, i, index)
    sum_up(cells, base, at, base + length + 1, plan.squares, plan.peaks)
    state.slots[slot, segment + 1] = length + 1
    state.ends[LONGEST] = max(state.ends[LONGEST], length + 1)


@kernel
def locate(
    cells: NDArray[np.int64], slots: NDArray[np.int64], slot: int, stream: int, time_ms: int, index: int
) -> int:
    """The cell of the record with ``index``, tried at ``time_ms`` first; -1 if the segment has none."""
    base, length = slots[slot, SEGMENT + 3 * stream], slots[slot, SEGMENT + 3 * stream + 1]
    j = int(base) + records_until(cells, base, length, time_ms, length) - 1
    while j >= base and cells[j, TIME] == time_ms:
        if index_of(cells[j, MARK]) == index:
            return j
        j -= 1
    for k in range(base, base + length):
        if index_of(cells[k, MARK]) == index:
            return k
    return NONE
