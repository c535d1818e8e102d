"""The timeline features of one payment over one entity's timeline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dispatch import evaluate, gather
from .kernels_compile import kernel
from .kernels_plan import (
    STEP_APART,
    STEP_COLUMN,
    STEP_FEATURE,
    STEP_FIRST,
    STEP_FOLD,
    STEP_HELD,
    STEP_HI,
    STEP_KIND,
    STEP_LAST,
    STEP_LO,
    STEP_SPAN,
    STEP_STREAM,
    STEP_WORD,
    Plan,
)
from .kernels_rows import W_AMOUNT, W_ID, W_TIME
from .kernels_state import SEGMENT
from .kernels_window import Window
from .segments import records_until


@kernel
def _find_edges(
    plan: Plan,
    entity: int,
    cells: NDArray[np.int64],
    slots: NDArray[np.int64],
    slot: int,
    now_ms: int,
    floor_ms: int,
    edges: NDArray[np.int64],
) -> None:
    """Fill ``edges`` with the cell behind each window edge; of one bucket, a farther edge never lies
    behind a nearer one.

    No edge reaches below the floor: what is forgotten is in no window.
    """
    stream, grain, base, length = -1, 0, 0, 0
    start = plan.cuts[entity, 0]
    for k in range(start, plan.cuts[entity + 1, 0]):
        if plan.edges[k, 0] != stream or plan.edges[k, 1] != grain:
            stream, grain = plan.edges[k, 0], plan.edges[k, 1]
            base, length = slots[slot, SEGMENT + 3 * stream], slots[slot, SEGMENT + 3 * stream + 1]
        hint = SEGMENT + 3 * plan.streams + k - start
        until_ms = now_ms - plan.edges[k, 2]
        if grain > 0:
            until_ms = until_ms // grain * grain - 1
        length = records_until(cells, base, length, max(until_ms, floor_ms), slots[slot, hint])
        slots[slot, hint] = length
        edges[k - start] = base + length


@kernel
def evaluate_entity(
    plan: Plan,
    entity: int,
    cells: NDArray[np.int64],
    slots: NDArray[np.int64],
    slot: int,
    rows: NDArray[np.int64],
    i: int,
    is_kept: bool,
    floor_ms: int,
    edges: NDArray[np.int64],
    held: NDArray[np.int64],
    scratch: NDArray[np.int64],
    matrix: NDArray[np.float64],
) -> None:
    """Write the entity's features of the payment in row i into the matrix.

    The payment's own record is the last of those up to its event time, because none that was appended
    later is in view; where it is left out, the window ends one record earlier. ``is_kept`` is False for a
    payment that is scored but not in the timeline. ``floor_ms`` is the timeline's floor (`forgetting`).
    ``edges``, ``held`` and ``scratch`` are room to work in.
    """
    now_ms = rows[i, W_TIME]
    _find_edges(plan, entity, cells, slots, slot, now_ms, floor_ms, edges)
    is_cut = now_ms - plan.reach[entity] < floor_ms
    steps = plan.steps
    for k in range(plan.cuts[entity, 1], plan.cuts[entity + 1, 1]):
        is_apart = is_kept and steps[k, STEP_APART] != 0
        has_labels = steps[k, STEP_FIRST] >= 0
        segment = SEGMENT + 3 * steps[k, STEP_STREAM]
        base = slots[slot, segment]
        if is_cut:
            base += records_until(cells, base, slots[slot, segment + 1], floor_ms, 0)
        window = Window(
            cells,
            base,
            edges[steps[k, STEP_LO]],
            edges[steps[k, STEP_HI]] - (1 if is_apart else 0),
            edges[steps[k, STEP_FIRST]] if has_labels else 0,
            edges[steps[k, STEP_LAST]] if has_labels else 0,
            now_ms,
            rows[i, W_AMOUNT],
            rows[i, steps[k, STEP_WORD]] if steps[k, STEP_WORD] >= 0 else 0,
            rows[i, W_ID] if is_apart else 0,
            steps[k, STEP_COLUMN],
            plan.squares,
            plan.peaks,
            plan.parameters[k, 0],
            plan.parameters[k, 1],
            steps[k, STEP_SPAN],
            held,
            steps[k, STEP_HELD],
            scratch,
        )
        if steps[k, STEP_FOLD] >= 0:
            gather(steps[k, STEP_FOLD], window)
        matrix[i, steps[k, STEP_FEATURE]] = evaluate(steps[k, STEP_KIND], window)
