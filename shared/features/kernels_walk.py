"""Whole logs walked from their first record on: absorb, and answer each time somebody asks.

The kernels are those of the online fold. A payment that is asked about at an index is answered right after
the record there was absorbed, which is what its worker saw: nothing is folded twice, and no view of the past
has to be made.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_answer import answer
from .kernels_compile import kernel
from .kernels_fold import FULL, absorb
from .kernels_plan import Plan
from .kernels_state import KEEP, LEFT, PINS, SEEN, State, evict_oldest, touch

ABSENT: Final = -1
"""In a walk: the record at this index is known nowhere."""


class Walk(NamedTuple):
    """Logs of one entity, and who asks what of them.

    ``rows`` (r, W) in layout words. ``steps`` (s,), log after log: the row at each index, or `ABSENT`, which
    takes its index and counts nowhere; ``logs`` (u + 1,) where each log starts in them. ``after`` (q,): an
    ask is answered when its log has so many records, rising within a log; ``is_kept`` (q,): the last of them
    is the payment itself; ``own`` (q, W) its row; ``asks`` (u + 1,) where each log's asks start. Out:
    ``matrix`` (q, d). ``past``, ``edges``, ``held`` and ``scratch`` are room to work in.
    """

    rows: NDArray[np.int64]
    steps: NDArray[np.int64]
    logs: NDArray[np.int64]
    after: NDArray[np.int64]
    is_kept: NDArray[np.bool_]
    own: NDArray[np.int64]
    asks: NDArray[np.int64]
    matrix: NDArray[np.float64]
    past: NDArray[np.int64]
    edges: NDArray[np.int64]
    held: NDArray[np.int64]
    scratch: NDArray[np.int64]


@kernel
def _answer(state: State, plan: Plan, walk: Walk, entity: int, ask: int, end: int, seen: int) -> int:
    """Answer the asks from ``ask`` to ``end`` whose moment ``seen`` is; the first that is not; or FULL."""
    while ask < end and walk.after[ask] == seen:
        if not answer(
            state,
            plan,
            entity,
            0,
            seen - 1 if walk.is_kept[ask] else -2 - seen,
            walk.own,
            ask,
            walk.past,
            walk.edges,
            walk.held,
            walk.scratch,
            walk.matrix,
        ):
            return FULL
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
        if ask == FULL:
            return FULL
    return 0


@kernel
def walk_logs(state: State, plan: Plan, walk: Walk, entity: int) -> int:
    """Walk every log in the empty slot 0 of ``state``, one after the other: 0, or FULL."""
    state.slots[0, KEEP] = plan.keep[entity]
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
