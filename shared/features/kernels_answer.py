"""A payment's features of one timeline, in the state that its version names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, give_back
from .forgetting import first_of
from .kernels_compile import kernel
from .kernels_evaluate import evaluate_entity
from .kernels_plan import Plan
from .kernels_rows import W_ID, W_TIME
from .kernels_state import FLOOR, SEEN, SEGMENT, State
from .kernels_view import as_of


@kernel
def answer(
    state: State,
    plan: Plan,
    entity: int,
    slot: int,
    version: int,
    rows: NDArray[np.int64],
    i: int,
    past: NDArray[np.int64],
    edges: NDArray[np.int64],
    held: NDArray[np.int64],
    scratch: NDArray[np.int64],
    matrix: NDArray[np.float64],
) -> bool:
    """Fill row i's features of one entity; False if a view that they need found no room.

    ``version`` >= 0 is the payment's own index: it sees the log up to there. Below, it is no part of what it
    sees: all of the log but a copy of itself. ``past`` (1, ...) is a line of slots to work in, and the rest
    is as `evaluate_entity` has it.
    """
    slots, floor_ms, order = state.slots, state.slots[slot, FLOOR], NONE
    last = state.slots[slot, SEEN] - 1
    is_apart = version < 0 and first_of(state, plan, slot, rows, i) >= 0
    if is_apart or 0 <= version < last:
        without = rows[i, W_ID] if is_apart else 0
        order = as_of(state, plan, slot, last if is_apart else version, without, past)
        if order == NONE:
            return False
        slots, slot = past, 0
    is_kept = version >= 0 and rows[i, W_TIME] > floor_ms
    evaluate_entity(
        plan, entity, state.arena.cells, slots, slot, rows, i, is_kept, floor_ms, edges, held, scratch, matrix
    )
    if order != NONE:
        give_back(state.arena, past[0, SEGMENT], order)
    return True
