"""A worker's cache of entity timelines, and the fold of a micro-batch over them.

One batch is: `Timelines.claim` (which timelines, how much of each is known here), the store's one append
call, `Timelines.fold` with what came back. Several claims may be open while their calls are in flight, as
long as batches are folded in the order of their calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import arena
from .folding import Claim, Compiled, FoldResult, TimelineGap, TimelinesFull
from .idtable import grown, make_table
from .kernels_claim import claim, release
from .kernels_fold import CONFLICT, COUNT, FULL, GAP, KEPT, RESTATED, SLOT, START, Batch, fold, trim
from .kernels_plan import Plan, arithmetic_of, make_plan
from .kernels_rows import KIND_TRANSACTION
from .kernels_settle import settle
from .kernels_state import (
    DROPPED,
    DROPPED_ANY,
    GONE,
    KEEP,
    LEFT,
    LINKED,
    LONGEST,
    SEEN,
    SEGMENT,
    State,
    grown_slots,
    make_ends,
    make_slots,
)
from .trimming import LEAST

ID_BYTES: Final = 48
"""Most that a record takes of the id table: 16 bytes an entry, at least a third full after growing."""

NAME_BYTES: Final = 400
"""What a timeline costs as Python objects: its id, its key in the store, their places in lists and a dict."""

WARM_UP_BYTES: Final = 100_000
"""Budget of the cache that only compiles."""

Integers = Sequence[int] | NDArray[np.int64]

__all__ = ["Claim", "Compiled", "FoldResult", "TimelineGap", "Timelines", "TimelinesFull", "warm_up"]

_FIRST_SLOTS: Final = 1024
_FIRST_IDS: Final = 4096


def cell_bytes(plan: Plan) -> int:
    """What a record counts for against the budget, in each piece of the arena and in the table of ids."""
    return 8 * plan.columns + ID_BYTES


def slot_bytes(plan: Plan) -> int:
    """What a timeline counts for beside its records: its line of numbers, of which twice as many as are
    used may stand ready, and its names."""
    return 2 * 8 * (SEGMENT + 3 * plan.streams + len(plan.edges)) + NAME_BYTES


def _plain_key(entity: int, entity_id: str) -> bytes:
    return f"{entity}:{entity_id}".encode()


class Timelines:
    """Entity logs as sorted, summed segments within ``budget_bytes``, least recently used leave first.

    A record costs 8 bytes for each of 5 columns, the extra columns that features read, 2 for squares where a
    deviation is asked for and 1 where the largest amount is, times at most 2 (pieces are powers of two), and
    ``ID_BYTES``; a timeline `slot_bytes`. ``key_of(entity, id)`` names a timeline in the store.
    ``evicted`` counts timelines that left for want of room, ``read_back`` records that a store's answers
    brought since the first of them left: many of these a payment say that the budget is too small.
    """

    def __init__(
        self, features: Compiled, budget_bytes: int, key_of: Callable[[int, str], bytes] = _plain_key
    ) -> None:
        self.entities = len(features.entities)
        self.program = features.program
        self._dtype = features.layout.dtype
        self._words = self._dtype.itemsize // 8
        self._arithmetic = arithmetic_of(features.program)
        self._plan = make_plan(features.program, self.entities, features.lateness_ms)
        self._cell_bytes = cell_bytes(self._plan)
        self._slot_bytes = slot_bytes(self._plan)
        self._budget_bytes = budget_bytes
        self._edges = np.empty(len(self._plan.edges) + 1, np.int64)
        self._held = np.empty(self._plan.held, np.int64)
        self._past = make_slots(1, self._plan.streams, len(self._plan.edges))
        self._scratch = np.empty(64, np.int64)
        self._key_of = key_of
        self._generation = 0
        self.evicted = 0
        self.read_back = 0
        self._arena = arena.make_arena(
            max(budget_bytes // self._cell_bytes, arena.SMALLEST), self._plan.columns
        )
        self.clear()

    def clear(self) -> None:
        """Forget everything, claims included: the epoch changed, or the store lost data."""
        self._generation += 1
        arena.clear(self._arena)
        self._state = State(
            self._arena,
            make_slots(_FIRST_SLOTS, self._plan.streams, len(self._plan.edges)),
            make_table(_FIRST_IDS),
            make_ends(),
        )
        self._slot_of: list[dict[str | None, int]] = [{None: -1} for _ in range(self.entities)]
        self._owners: list[tuple[int, str]] = []
        self._keys: list[bytes] = []
        self._free: list[int] = []
        self._overgrown: dict[tuple[int, str], None] = {}

    @property
    def used_bytes(self) -> int:
        """Bytes that count against the budget now."""
        return int(self._arena.heads[arena.USED]) * self._cell_bytes + len(self) * self._slot_bytes

    def __len__(self) -> int:
        """Timelines cached."""
        return int(self._state.ends[LINKED])

    def seen(self, entity: int, entity_id: str) -> int:
        """Records of a timeline that are absorbed here, 0 if it is not cached."""
        slot = self._slot_of[entity].get(entity_id)
        return 0 if slot is None else int(self._state.slots[slot, SEEN])

    def keep_ms(self, entity: int) -> int:
        """How far behind the newest payment of a timeline a record of it is forgotten."""
        return int(self._plan.keep[entity])

    def overgrown(self) -> list[tuple[int, str]]:
        """Timelines, as (entity, id), whose logs hold much that is forgotten; each is told once."""
        found, self._overgrown = self._overgrown, {}
        return list(found)

    def claim(self, ids: Sequence[Sequence[str | None]], kept: NDArray[np.bool_] | None = None) -> Claim:
        """Pin the timelines of a batch; ``ids`` (n, e) as `RowEncoder.entity_ids` gives them, n >= 1.

        A record with False in ``kept`` (n,) is scored on the timelines but not appended to them.
        """
        wanted = self._slots_for(ids)
        if kept is None:
            kept = np.ones(len(wanted), np.bool_)
        slots = self._state.slots
        logs, order = np.empty((wanted.size, 2), np.int64), np.empty(wanted.size, np.int64)
        u, m = claim(slots, self._state.ends, wanted, kept, logs, order)
        unique = logs[:u, 0].copy()
        names: list[int] = unique.tolist()
        return Claim(
            slots=wanted,
            kept=kept,
            unique=unique,
            keys=list(map(self._keys.__getitem__, names)),
            known=slots[unique, SEEN],
            counts=logs[:u, 1].copy(),
            order=order[:m],
            generation=self._generation,
        )

    def release(self, claimed: Claim) -> None:
        """Unpin the timelines of a claim; a second time does nothing."""
        if claimed.generation == self._generation and not claimed.ended:
            release(self._state.slots, claimed.unique)
        claimed.ended = True

    def fold(
        self,
        claimed: Claim,
        rows: NDArray[Any] | bytes,
        starts: Integers,
        unseen: bytes,
        matrix: NDArray[np.float64] | None = None,
        bases: bytes = b"",
    ) -> FoldResult:
        """Fold ``rows`` (n,) of the layout after the store took them.

        ``starts`` (u,) and ``unseen`` are the store's answer: the index of the first row appended to each
        log, and the bytes of all logs from what was known to there; ``bases`` where logs were trimmed beyond
        that (`stores.timeline_port.AppendReply`). ``matrix`` (n, d) is filled in place
        where given, so that features of the payment alone may stand in it already; arithmetic is settled
        over both.
        Ends the claim in any case. Raises TimelineGap with nothing absorbed, and TimelinesFull.
        """
        if claimed.generation != self._generation:
            raise TimelineGap("the timelines were cleared after this claim")
        try:
            batch = self._batch(claimed, rows, starts, unseen, matrix, bases)
            self.read_back += len(batch.unseen) if self.evicted else 0
            table = grown(self._state.table, len(batch.unseen) + claimed.slots.size)
            if table is not self._state.table:
                self._state = self._state._replace(table=table)
            status = fold(self._state, self._plan, batch)
        finally:
            self.release(claimed)
        trim(self._state, self._plan.streams, self._budget_bytes, self._cell_bytes, self._slot_bytes)
        self._drop_evicted()
        self._note_overgrown(claimed)
        if status == GAP:
            raise TimelineGap("the answer starts behind what is known of a timeline")
        if status == FULL:
            raise TimelinesFull(f"{self._budget_bytes} bytes of timelines cannot hold one batch")
        self.settle(batch.matrix)
        count = int(batch.repeats[0, 0])
        return FoldResult(
            matrix=batch.matrix,
            versions=batch.versions,
            repeats=[(i, e, k) for i, e, k in batch.repeats[1:count].tolist()],
            conflicts=(batch.flags & CONFLICT) != 0,
            rows=batch.rows.reshape(-1).view(self._dtype),
            restated=(batch.flags & RESTATED) != 0,
        )

    def settle(self, matrix: NDArray[np.float64]) -> None:
        """Fill the arithmetic features of ``matrix`` (n, d) from its other columns."""
        settle(self.program, self._arithmetic, matrix)

    def _batch(
        self,
        claimed: Claim,
        rows: NDArray[Any] | bytes,
        starts: Integers,
        unseen: bytes,
        matrix: NDArray[np.float64] | None,
        bases: bytes,
    ) -> Batch:
        n, entities = claimed.slots.shape
        raw = rows if isinstance(rows, bytes) else rows.tobytes()
        words = np.frombuffer(raw, np.int64).reshape(n, self._words)
        logs = np.empty((len(claimed.unique), 3), np.int64)
        logs[:, SLOT] = claimed.unique
        logs[:, START] = starts
        begun = np.frombuffer(bases, np.int64).reshape(-1, 4).copy()
        logs[:, COUNT] = logs[:, START] - (np.maximum(claimed.known, begun[:, 0]) if bases else claimed.known)
        size = int(logs[:, COUNT].sum()) * self._dtype.itemsize
        if (logs[:, COUNT] < 0).any() or size != len(unseen):
            raise TimelineGap("the answer's bytes are not those between what was known and its start")
        past = np.frombuffer(unseen, np.int64).reshape(-1, self._words)
        if matrix is None:
            matrix = np.full((n, len(self.program.kind)), np.nan)
        return Batch(
            came=words,
            rows=words.copy(),
            slots=claimed.slots,
            logs=logs,
            unseen=past.copy(),
            bases=begun,
            matrix=matrix,
            versions=np.full((n, entities), -1, np.int64),
            repeats=np.zeros((n * entities + 1, 3), np.int64),
            edges=self._edges,
            held=self._held,
            past=self._past,
            scratch=self._room_for(len(past) + n),
            flags=claimed.kept.astype(np.uint8) * KEPT,
        )

    def _room_for(self, more: int) -> NDArray[np.int64]:
        needed = 2 * (int(self._state.ends[LONGEST]) + more)
        if len(self._scratch) < needed:
            self._scratch = np.empty(1 << (needed - 1).bit_length(), np.int64)
        return self._scratch

    def _slots_for(self, ids: Sequence[Sequence[str | None]]) -> NDArray[np.int64]:
        wanted = np.empty((len(ids), self.entities), np.int64)
        for entity, column in enumerate(zip(*ids, strict=True)):
            known = self._slot_of[entity]
            found = list(map(known.get, column))
            if None in found:
                pairs = zip(found, column, strict=True)
                found = [self._slot(entity, name) if slot is None else slot for slot, name in pairs]
            wanted[:, entity] = found  # type: ignore[assignment]  # there is no None among them
        return wanted

    def _slot(self, entity: int, entity_id: str | None) -> int:
        slot = self._slot_of[entity].get(entity_id)
        return self._new_slot(entity, str(entity_id)) if slot is None else slot

    def _new_slot(self, entity: int, entity_id: str) -> int:
        key = self._key_of(entity, entity_id)
        if self._free:
            slot = self._free.pop()
            self._owners[slot], self._keys[slot] = (entity, entity_id), key
        else:
            slot = len(self._owners)
            self._owners.append((entity, entity_id))
            self._keys.append(key)
            if slot >= len(self._state.slots):
                self._state = self._state._replace(
                    slots=grown_slots(self._state.slots, 2 * slot, self._plan.streams)
                )
        self._slot_of[entity][entity_id] = slot
        self._state.slots[slot, KEEP] = self._plan.keep[entity]
        return slot

    def _note_overgrown(self, claimed: Claim) -> None:
        slots, ends = self._state.slots, self._state.ends
        if not ends[DROPPED_ANY]:
            return
        ends[DROPPED_ANY] = 0
        dropped = slots[claimed.unique, DROPPED]
        for slot in claimed.unique[dropped >= LEAST].tolist():
            slots[slot, DROPPED] = 0
            self._overgrown[self._owners[slot]] = None

    def _drop_evicted(self) -> None:
        state = self._state
        self.evicted += int(state.ends[LEFT])
        for slot in state.slots[: state.ends[LEFT], GONE].tolist():
            entity, entity_id = self._owners[slot]
            del self._slot_of[entity][entity_id]
            self._free.append(slot)
        state.ends[LEFT] = 0


def warm_up(features: Compiled) -> None:
    """Compile every kernel, or load it from numba's cache, before the first payment waits for it."""
    timelines = Timelines(features, WARM_UP_BYTES)
    claimed = timelines.claim([("",) * timelines.entities])
    rows = np.zeros(1, features.layout.dtype)
    rows["kind"] = KIND_TRANSACTION
    empty = [0] * timelines.entities
    timelines.fold(claimed, rows, empty, b"")
    grown(make_table(_FIRST_IDS), _FIRST_IDS)
