"""A timeline as it stood when an earlier record arrived: the slow road of a redelivery."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, order_for, take
from .idtable import find
from .kernels_compile import kernel
from .kernels_plan import Plan
from .kernels_rows import ID, LABELS, MARK, PARKED, REF, TIME, index_of
from .kernels_state import SEGMENT, State, evict_oldest
from .segments import sum_up


@kernel
def _is_visible(state: State, slot: int, stream: int, j: int, version: int, without: int) -> bool:
    cells = state.arena.cells
    if index_of(cells[j, MARK]) > version:
        return False
    if without != 0 and cells[j, REF if stream == LABELS else ID] == without:
        return False
    if stream != LABELS:
        return True
    return cells[j, TIME] < PARKED and find(state.table, slot, cells[j, REF]) <= version


@kernel
def as_of(state: State, plan: Plan, slot: int, version: int, without: int, view: NDArray[np.int64]) -> int:
    """Copy the records of an index up to ``version`` to a piece of the arena; its order, -1 without room.

    The payment of the id ``without``, if it is not 0, is left out with its labels.

    Line 0 of ``view`` (1, ...) becomes this slot's with the copy's segments. The caller
    gives the piece, which starts at the first segment, back.
    """
    cells, slots = state.arena.cells, state.slots
    room = 1
    for at in range(SEGMENT, SEGMENT + 3 * plan.streams, 3):
        room += slots[slot, at + 1]
    order = order_for(room)
    end = take(state.arena, order)
    while end == NONE:
        if not evict_oldest(state, plan.streams):
            return NONE
        end = take(state.arena, order)
    for at in range(SEGMENT, SEGMENT + 3 * plan.streams, 3):
        stream, start = (at - SEGMENT) // 3, end
        for j in range(slots[slot, at], slots[slot, at] + slots[slot, at + 1]):
            if _is_visible(state, slot, stream, j, version, without):
                for c in range(cells.shape[1]):
                    cells[end, c] = cells[j, c]
                end += 1
        view[0, at] = start
        view[0, at + 1] = end - start
        if stream != LABELS:
            sum_up(cells, start, start, end, plan.squares, plan.peaks)
    return order
