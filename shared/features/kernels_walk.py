"""Whole logs walked from their first record on: absorb, and answer each time somebody asks.

The kernels are those of the online fold. A payment that is asked about at an index is answered right after
the record there was absorbed, which is what its worker saw: nothing is folded twice, and no view of the past
has to be made.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_compile import kernel
from .kernels_evaluate import evaluate_entity
from .kernels_fold import FULL, absorb
from .kernels_plan import Plan
from .kernels_state import LEFT, PINS, SEEN, State, evict_oldest, touch

ABSENT: Final = -1
"""In a walk: the record at this index is known nowhere."""


class Walk(NamedTuple):
    """Logs of one entity, and who asks what of them.

    ``rows`` (r, W) in layout words. ``steps`` (s,), log after log: the row at each index, or `ABSENT`, which
    takes its index and counts nowhere; ``logs`` (u + 1,) where each log starts in them. ``after`` (q,): an
    ask is answered when its log has so many records, rising within a log; ``is_kept`` (q,): the last of them
    is the payment itself; ``own`` (q, W) its row; ``asks`` (u + 1,) where each log's asks start. Out:
    ``matrix`` (q, d). ``edges``, ``held`` and ``scratch`` are room to work in.
    """

    rows: NDArray[np.int64]
    steps: NDArray[np.int64]
    logs: NDArray[np.int64]
    after: NDArray[np.int64]
    is_kept: NDArray[np.bool_]
    own: NDArray[np.int64]
    asks: NDArray[np.int64]
    matrix: NDArray[np.float64]
    edges: NDArray[np.int64]
    held: NDArray[np.int64]
    scratch: NDArray[np.int64]


@kernel
def _answer(state: State, plan: Plan, walk: Walk, entity: int, ask: int, end: int, seen: int) -> int:
    """Answer the asks from ``ask`` to before ``end`` whose moment ``seen`` is; the first that is not."""
    while ask < end and walk.after[ask] == seen:
        evaluate_entity(
            plan,
            entity,
            state.arena.cells,
            state.slots,
            0,
            walk.own,
            ask,
            walk.is_kept[ask],
            walk.edges,
            walk.held,
            walk.scratch,
            walk.matrix,
        )
        ask += 1
    return ask


@kernel
def _walk_log(state: State, plan: Plan, walk: Walk, entity: int, log: int) -> int:
    start = walk.logs[log]
    end = walk.asks[log + 1]
    ask = _answer(state, plan, walk, entity, walk.asks[log], end, 0)
    for index in range(walk.logs[log + 1] - start):
        if ask == end:
            return 0
        row = walk.steps[start + index]
        if row == ABSENT:
            state.slots[0, SEEN] = index + 1
        elif absorb(state, plan, 0, walk.rows, row) == FULL:
            return FULL
        ask = _answer(state, plan, walk, entity, ask, end, index + 1)
    return 0


@kernel
def walk_logs(state: State, plan: Plan, walk: Walk, entity: int) -> int:
    """Walk every log in the empty slot 0 of ``state``, one after the other: 0, or FULL."""
    for log in range(len(walk.logs) - 1):
        touch(state.slots, state.ends, 0)
        state.slots[0, PINS] = 1
        status = _walk_log(state, plan, walk, entity, log)
        state.slots[0, PINS] = 0
        evict_oldest(state, plan.streams)
        state.ends[LEFT] = 0
        if status == FULL:
            return FULL
    return 0
