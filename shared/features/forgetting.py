"""What a timeline forgets: a function of its log alone, so that trimmed and whole logs give the same bits.

A log's *floor* is the newest event time that two successive payments of it reach, less how far back its
features read, less how late a payment may come. A record whose event time is not above the floor is in no
window; the first copy of an id counts as one only while it is above the floor; a label waits for its payment
only while the time that it names is. Whether such a record still lies in Redis, or in a worker's cache,
therefore changes nothing: both may drop it whenever it suits them.

Two payments, because one with a wrong year would otherwise take the whole history of its terminal along.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, SMALLEST
from .idtable import find, remove
from .kernels_compile import kernel
from .kernels_plan import Plan
from .kernels_rows import (
    ID,
    KIND_TRANSACTION,
    LABELS,
    MARK,
    PARKED,
    TIME,
    TRANSACTIONS,
    W_ID,
    W_PACKED,
    W_REF,
    W_TIME,
    index_of,
    kind_of,
)
from .kernels_state import DROPPED, DROPPED_ANY, FLOOR, KEEP, LAST, LAST_ID, SEGMENT, State
from .layout import BEFORE_ALL
from .segments import locate, make_room, records_until, sum_up
from .segments_labels import parked_until

SHARE: Final = 4
"""A full segment forgets before it grows where one record of so many can go."""


@kernel
def advance(slots: NDArray[np.int64], slot: int, rows: NDArray[np.int64], i: int) -> None:
    """Move the floor on by row i of a log; a second time, or for a repeat right behind, nothing moves."""
    if kind_of(rows[i, W_PACKED]) != KIND_TRANSACTION or rows[i, W_ID] == slots[slot, LAST_ID]:
        return
    floor = min(rows[i, W_TIME], slots[slot, LAST]) - slots[slot, KEEP]
    slots[slot, FLOOR] = max(slots[slot, FLOOR], floor)
    slots[slot, LAST] = rows[i, W_TIME]
    slots[slot, LAST_ID] = rows[i, W_ID]


@kernel
def cell_of(state: State, plan: Plan, slot: int, rows: NDArray[np.int64], i: int, first: int) -> int:
    """The cell of the first copy of row i, which stands at index ``first``; -1 if it is forgotten."""
    cells, slots = state.arena.cells, state.slots
    own = plan.stream_of[kind_of(rows[i, W_PACKED])]
    at = locate(cells, slots, slot, own, rows[i, W_TIME], first)
    for stream in range(plan.streams):
        if at == NONE and stream != own:
            at = locate(cells, slots, slot, stream, rows[i, W_TIME], first)
    if at == NONE:
        return NONE
    time_ms = cells[at, TIME]
    named_ms = time_ms - PARKED if time_ms >= PARKED else time_ms
    return at if named_ms > slots[slot, FLOOR] else NONE


@kernel
def first_of(state: State, plan: Plan, slot: int, rows: NDArray[np.int64], i: int) -> int:
    """The index of the first copy of row i, -1 if there is none that is not forgotten."""
    first = find(state.table, slot, rows[i, W_ID])
    return first if first >= 0 and cell_of(state, plan, slot, rows, i, first) != NONE else NONE


@kernel
def payment_time(state: State, slot: int, rows: NDArray[np.int64], i: int) -> int:
    """The event time of the payment that label i is of, `BEFORE_ALL` if it is not here or forgotten."""
    first = find(state.table, slot, rows[i, W_REF])
    if first < 0:
        return BEFORE_ALL
    at = locate(state.arena.cells, state.slots, slot, TRANSACTIONS, rows[i, W_TIME], first)
    if at == NONE or state.arena.cells[at, TIME] <= state.slots[slot, FLOOR]:
        return BEFORE_ALL
    return int(state.arena.cells[at, TIME])


@kernel
def room_for(state: State, plan: Plan, slot: int, stream: int) -> bool:
    """Let the segment take one record more: by forgetting where it is full, else by growing it."""
    at = SEGMENT + 3 * stream
    length, order = state.slots[slot, at + 1], state.slots[slot, at + 2]
    if order != NONE and length == SMALLEST << order and _forget(state, plan, slot, stream):
        return True
    return bool(make_room(state, plan.streams, slot, stream))


@kernel
def _forget(state: State, plan: Plan, slot: int, stream: int) -> bool:
    """Drop what is forgotten from a segment where that is a fair share of it; whether it was."""
    cells, segment = state.arena.cells, SEGMENT + 3 * stream
    base, length, floor = state.slots[slot, segment], state.slots[slot, segment + 1], state.slots[slot, FLOOR]
    old = records_until(cells, base, length, floor, 0)
    waiting, behind = 0, 0
    if stream == LABELS:
        waiting, behind = parked_until(state, slot, -1), parked_until(state, slot, floor)
    if SHARE * (old + behind - waiting) < length:
        return False
    _drop(state, slot, stream, waiting, behind)
    _drop(state, slot, stream, base, base + old)
    if stream != LABELS:
        sum_up(cells, base, base, base + length - old, plan.squares, plan.peaks)
    return True


@kernel
def _drop(state: State, slot: int, stream: int, start: int, end: int) -> None:
    """Take the cells from ``start`` to ``end`` out of a segment, and their ids."""
    cells, segment = state.arena.cells, SEGMENT + 3 * stream
    for j in range(start, end):
        if find(state.table, slot, cells[j, ID]) == index_of(cells[j, MARK]):
            remove(state.table, slot, cells[j, ID])
    if end > start:
        for j in range(end, state.slots[slot, segment] + state.slots[slot, segment + 1]):
            for c in range(cells.shape[1]):
                cells[j - (end - start), c] = cells[j, c]
    state.slots[slot, segment + 1] -= end - start
    state.slots[slot, DROPPED] += end - start
    state.ends[DROPPED_ANY] = 1
