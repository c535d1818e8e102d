"""The fold of a micro-batch: absorb what is new, then answer for each payment in order."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arena import NONE, USED
from .forgetting import advance, cell_of, first_of, payment_time, room_for
from .idtable import probe, put, remove
from .kernels_answer import answer
from .kernels_compile import kernel
from .kernels_evaluate import evaluate_entity
from .kernels_plan import Plan
from .kernels_rows import (
    AMOUNT,
    EXTRA,
    INDEX_LIMIT,
    KIND_TRANSACTION,
    LABELS,
    MARK,
    TIME,
    TRANSACTIONS,
    W_AMOUNT,
    W_ID,
    W_PACKED,
    W_TIME,
    body_in,
    body_of,
    kind_of,
)
from .kernels_state import CURSOR, FLOOR, KEEP, LAST, LAST_ID, LINKED, SEEN, SEGMENT, State, evict_oldest
from .layout import BEFORE_ALL
from .segments import insert_event, locate
from .segments_labels import insert_label, unpark

FULL: Final = -1
GAP: Final = -2

KEPT: Final = 1
CONFLICT: Final = 2
RESTATED: Final = 4

SLOT: Final = 0
START: Final = 1
COUNT: Final = 2


class Batch(NamedTuple):
    """One call. ``came`` (n, W) are its rows; in ``rows`` (n, W) repeats have their first copy's time, amount
    and fields.

    ``slots`` (n, e), -1 none. ``logs`` (u, 3): each slot, the index of the first row appended to its log,
    and how many of ``unseen`` (m, W) end there. ``bases`` (u, 4), or none, as `AppendReply` has them: where
    a log was trimmed beyond what is known here, the index of its first record, the newest event time that
    two payments before it reached, and time and id of the last of those. ``flags`` (n,): ``KEPT`` in, where a
    row is appended; ``CONFLICT`` and ``RESTATED`` out. Out: ``matrix`` (n, d); ``versions`` (n, e), for a
    payment that is no part of what it sees -2 - (records it saw); ``repeats`` (n e + 1, 3) of (row, entity,
    index) from line 1 on, where ``repeats[0, 0]`` is the next free line. ``edges``, ``held``, ``past`` and
    ``scratch`` are room to work in.
    """

    came: NDArray[np.int64]
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    logs: NDArray[np.int64]
    unseen: NDArray[np.int64]
    bases: NDArray[np.int64]
    flags: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    repeats: NDArray[np.int64]
    edges: NDArray[np.int64]
    held: NDArray[np.int64]
    past: NDArray[np.int64]
    scratch: NDArray[np.int64]


@kernel
def absorb(state: State, plan: Plan, slot: int, rows: NDArray[np.int64], i: int) -> int:
    """Take row i as the next record of a log: the index of its first copy, or FULL with nothing taken.

    A record that comes when it is forgotten already is its own first copy, and stands nowhere.
    """
    index = int(state.slots[slot, SEEN])
    if index >= INDEX_LIMIT:
        return FULL
    advance(state.slots, slot, rows, i)
    first = put(state.table, slot, rows[i, W_ID], index)
    if first != index:
        if cell_of(state, plan, slot, rows, i, first) != NONE:
            state.slots[slot, SEEN] = index + 1
            return first
        remove(state.table, slot, rows[i, W_ID])
        put(state.table, slot, rows[i, W_ID], index)
    stream = plan.stream_of[kind_of(rows[i, W_PACKED])]
    payment_ms = payment_time(state, slot, rows, i) if stream == LABELS else BEFORE_ALL
    if payment_ms == BEFORE_ALL and rows[i, W_TIME] <= state.slots[slot, FLOOR]:
        remove(state.table, slot, rows[i, W_ID])
        state.slots[slot, SEEN] = index + 1
        return index
    if not room_for(state, plan, slot, stream):
        remove(state.table, slot, rows[i, W_ID])
        return FULL
    state.slots[slot, SEEN] = index + 1
    if stream == LABELS:
        insert_label(state, slot, rows, i, index, payment_ms)
        return index
    insert_event(state, plan, slot, stream, rows, i, index)
    if stream == TRANSACTIONS:
        unpark(state, slot, rows[i, W_ID], rows[i, W_TIME])
    return index


@kernel
def _begin(slots: NDArray[np.int64], slot: int, bases: NDArray[np.int64], u: int) -> None:
    """Go on at the first record of a trimmed log: what is not here of those before it, is forgotten."""
    slots[slot, SEEN] = bases[u, 0]
    slots[slot, FLOOR] = bases[u, 1] - slots[slot, KEEP]
    slots[slot, LAST] = bases[u, 2]
    slots[slot, LAST_ID] = bases[u, 3]


@kernel
def _version_of(state: State, plan: Plan, batch: Batch, i: int, entity: int, first: int) -> int:
    """The version of row i whose first copy is at ``first``: that, while all that it saw is still here."""
    if kind_of(batch.rows[i, W_PACKED]) != KIND_TRANSACTION:
        return first
    slot = batch.slots[i, entity]
    at = cell_of(state, plan, slot, batch.rows, i, first)
    if state.arena.cells[at, TIME] - plan.reach[entity] >= state.slots[slot, FLOOR]:
        return first
    if body_in(state.arena.cells[at, MARK]) != body_of(batch.rows[i, W_PACKED]):
        batch.flags[i] |= CONFLICT
    return int(-2 - state.slots[slot, SEEN])


@kernel
def _absorb_unseen(state: State, plan: Plan, batch: Batch) -> int:
    slots, logs = state.slots, batch.logs
    for u in range(len(logs)):
        first = logs[u, START] - logs[u, COUNT]
        if first > slots[logs[u, SLOT], SEEN] and (len(batch.bases) == 0 or batch.bases[u, 0] != first):
            return GAP
    k = 0
    for u in range(len(logs)):
        slot, start = logs[u, SLOT], logs[u, START]
        slots[slot, CURSOR] = start
        if start - logs[u, COUNT] > slots[slot, SEEN]:
            _begin(slots, slot, batch.bases, u)
        for index in range(start - logs[u, COUNT], start):
            if index >= slots[slot, SEEN] and absorb(state, plan, slot, batch.unseen, k) == FULL:
                return FULL
            k += 1
    return 0


@kernel
def _place(state: State, plan: Plan, batch: Batch, i: int, entity: int) -> int:
    """Append row i to one timeline and note its version; FULL if there is no room, else 0."""
    slots, slot = state.slots, batch.slots[i, entity]
    if batch.flags[i] & KEPT == 0:
        first = first_of(state, plan, slot, batch.rows, i)
        seen = -2 - slots[slot, SEEN]
        batch.versions[i, entity] = _version_of(state, plan, batch, i, entity, first) if first >= 0 else seen
        return 0
    index = slots[slot, CURSOR]
    slots[slot, CURSOR] = index + 1
    if index < slots[slot, SEEN]:
        first = first_of(state, plan, slot, batch.rows, i)
        if first < 0 or first > index:
            first = index
    else:
        first = absorb(state, plan, slot, batch.rows, i)
        if first == FULL:
            return FULL
    batch.versions[i, entity] = first
    if first != index:
        batch.versions[i, entity] = _version_of(state, plan, batch, i, entity, first)
        at = batch.repeats[0, 0]
        batch.repeats[at, 0] = i
        batch.repeats[at, 1] = entity
        batch.repeats[at, 2] = index
        batch.repeats[0, 0] = at + 1
    return 0


@kernel
def _restate(state: State, plan: Plan, batch: Batch, i: int, entity: int) -> None:
    """Make a repeat's row what its first copy was; note whether that changed it or its body differs."""
    rows, cells = batch.rows, state.arena.cells
    slot, first = batch.slots[i, entity], batch.versions[i, entity]
    kind = kind_of(rows[i, W_PACKED])
    at = locate(cells, state.slots, slot, plan.stream_of[kind], rows[i, W_TIME], first)
    if at == NONE and rows[i, W_TIME] <= state.slots[slot, FLOOR]:
        return
    if at == NONE or body_in(cells[at, MARK]) != body_of(rows[i, W_PACKED]):
        batch.flags[i] |= CONFLICT
    if at == NONE or kind != KIND_TRANSACTION:
        return
    if cells[at, TIME] != rows[i, W_TIME] or cells[at, AMOUNT] != rows[i, W_AMOUNT]:
        batch.flags[i] |= RESTATED
    rows[i, W_TIME] = cells[at, TIME]
    rows[i, W_AMOUNT] = cells[at, AMOUNT]
    for k in range(len(plan.extras)):
        rows[i, plan.extras[k]] = cells[at, EXTRA + k]


@kernel
def _is_repeat(state: State, batch: Batch, i: int, entity: int) -> bool:
    """Whether row i counts as an earlier record of the entity's log."""
    slot, version = batch.slots[i, entity], batch.versions[i, entity]
    if slot < 0 or version < 0:
        return False
    return bool(batch.flags[i] & KEPT == 0 or version != state.slots[slot, SEEN] - 1)


@kernel
def _restate_repeats(state: State, plan: Plan, batch: Batch, i: int) -> int:
    """Restate row i by every log that knows it already: how many those are."""
    repeats = 0
    for entity in range(batch.slots.shape[1]):
        slot, version = batch.slots[i, entity], batch.versions[i, entity]
        if slot < 0 or version < 0:
            continue
        if batch.flags[i] & KEPT == 0 or version != state.slots[slot, SEEN] - 1:
            _restate(state, plan, batch, i, entity)
            repeats += 1
    return repeats


@kernel
def _evaluate(state: State, plan: Plan, batch: Batch, i: int, entity: int) -> int:
    """Fill row i's features of one entity; FULL if an earlier view of it found no room, else 0."""
    slots, slot, version = state.slots, batch.slots[i, entity], batch.versions[i, entity]
    if version == slots[slot, SEEN] - 1 and batch.rows[i, W_TIME] > slots[slot, FLOOR]:
        # What nearly every payment is: the newest record of a log, which it sees whole.
        evaluate_entity(
            plan,
            entity,
            state.arena.cells,
            slots,
            slot,
            batch.rows,
            i,
            True,
            slots[slot, FLOOR],
            batch.edges,
            batch.held,
            batch.scratch,
            batch.matrix,
        )
        return 0
    is_answered = answer(
        state,
        plan,
        entity,
        slot,
        version,
        batch.rows,
        i,
        batch.past,
        batch.edges,
        batch.held,
        batch.scratch,
        batch.matrix,
    )
    return 0 if is_answered else FULL


@kernel
def _fold_row(state: State, plan: Plan, batch: Batch, i: int) -> int:
    entities = batch.slots.shape[1]
    for entity in range(entities):
        if batch.slots[i, entity] >= 0 and _place(state, plan, batch, i, entity) == FULL:
            return FULL
    # Restating waits until the row stands in every log as it came.
    repeats = _restate_repeats(state, plan, batch, i)
    if kind_of(batch.rows[i, W_PACKED]) != KIND_TRANSACTION:
        return 0
    for entity in range(entities):
        if repeats > 0:
            # One log may have forgotten the first copy that another still has.
            for c in range(batch.rows.shape[1]):
                batch.rows[i, c] = batch.came[i, c]
            if _is_repeat(state, batch, i, entity):
                _restate(state, plan, batch, i, entity)
        if batch.slots[i, entity] >= 0 and _evaluate(state, plan, batch, i, entity) == FULL:
            return FULL
    if repeats > 0:
        _restate_repeats(state, plan, batch, i)
    return 0


@kernel
def _warm(state: State, batch: Batch) -> int:
    """Look at what each row will need first, so that the memory's answers overlap; the sum means nothing."""
    cells, slots, table = state.arena.cells, state.slots, state.table
    seen = 0
    for i in range(len(batch.rows)):
        for entity in range(batch.slots.shape[1]):
            slot = batch.slots[i, entity]
            if slot >= 0:
                end = slots[slot, SEGMENT] + slots[slot, SEGMENT + 1]
                seen ^= cells[min(end, len(cells) - 1), TIME] ^ probe(table, slot, batch.rows[i, W_ID])
    return seen


@kernel
def fold(state: State, plan: Plan, batch: Batch) -> int:
    """Run the batch: 0, or FULL (the caches keep what they took), or GAP with nothing changed."""
    status = _absorb_unseen(state, plan, batch)
    if status < 0:
        return status
    batch.repeats[0, 0] = 1
    batch.edges[0] = _warm(state, batch)
    for i in range(len(batch.rows)):
        if _fold_row(state, plan, batch, i) == FULL:
            return FULL
    return 0


@kernel
def trim(state: State, streams: int, budget_bytes: int, cell_bytes: int, slot_bytes: int) -> None:
    """Evict the oldest unclaimed slots until the cache is within its budget."""
    while state.arena.heads[USED] * cell_bytes + state.ends[LINKED] * slot_bytes > budget_bytes:
        if not evict_oldest(state, streams):
            return
