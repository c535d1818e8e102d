"""The trimmer: what a worker found overgrown while it folded leaves the store, and no answer changes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from services.scorer.edge.engine import Overgrown
from services.scorer.edge.trimmer import Trimmer
from shared.features.folding import FoldResult
from shared.features.timelines import Timelines
from shared.features.trimming import Base, split_log
from shared.stores.timeline_memory import MemoryServer, MemoryTimelines
from shared.stores.timeline_port import AppendCall, StoreAway, StoreError, StoreFull, StoreRefused
from shared.stores.timeline_trim import Choose
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, assert_same_bits, encode, program_of

MINUTE_MS: Final = 60_000
FEATURES: Final = Features(
    program_of(
        [
            {"kind": "count", "entity": 0, "window_ms": 60 * MINUTE_MS},
            {"kind": "sum", "entity": 1, "window_ms": 60 * MINUTE_MS, "self": 1},
        ]
    ),
    lateness_ms=MINUTE_MS,
)
LAYOUT: Final = FEATURES.layout
IDS: Final = [("c", "t")]


class Store(MemoryTimelines):
    """In memory; cannot be reached while ``is_away``, and cuts nothing while it has an ``error``."""

    is_away = False
    error: StoreError | None = None

    async def start(self) -> bool:
        if self.is_away:
            raise StoreAway("away", maybe_applied=False)
        return await super().start()

    async def trim(self, epoch: int, key: bytes, choose: Choose) -> int:
        if self.error is not None:
            raise self.error
        return await super().trim(epoch, key, choose)


class Found:
    """One log that could be cut to nothing."""

    def overgrown(self) -> list[Overgrown]:
        return [All(1, b"0:c", LAYOUT.dtype, 0)]


class All(Overgrown):
    """Of it everything may leave."""

    def choose(self, base: Base, rows: bytes) -> Base:
        return Base(base.index + len(rows) // LAYOUT.record_bytes)


class Worker:
    """A worker's cache over a store in memory, and what the trimmer asks of it."""

    def __init__(self, store: MemoryTimelines) -> None:
        self._store = store
        self._timelines = Timelines(FEATURES, 1_000_000, self._key)

    def overgrown(self) -> list[Overgrown]:
        return [
            Overgrown(1, self._key(entity, own_id), LAYOUT.dtype, self._timelines.keep_ms(entity))
            for entity, own_id in self._timelines.overgrown()
        ]

    async def fold(self, record: Record, *, is_kept: bool = True) -> FoldResult:
        rows = encode([record], LAYOUT)
        claim = self._timelines.claim(IDS, np.array([is_kept]))
        call = AppendCall(1, claim.keys, claim.known, claim.counts, rows[claim.order].tobytes())
        reply = await self._store.append(call)
        starts: NDArray[np.int64] = np.frombuffer(reply.starts, np.int64)
        return self._timelines.fold(claim, rows, starts, reply.unseen, bases=reply.bases)

    def _key(self, entity: int, own_id: str) -> bytes:
        return f"{entity}:{own_id}".encode()


def payment(minute: int) -> Record:
    return Record(minute * MINUTE_MS, 100 + minute, minute + 1, body=minute)


async def test_a_log_is_cut_while_it_grows_and_a_cold_worker_answers_as_the_warm_one() -> None:
    server = MemoryServer()
    store, own = (MemoryTimelines(server, "p", LAYOUT.record_bytes, "layout") for _ in range(2))
    await store.start()
    await store.ensure_epoch()
    warm, left = Worker(store), 0
    trimmer = Trimmer(warm, own, rest=0)
    for minute in range(300):
        await warm.fold(payment(minute))
        left += await trimmer.trim_all()
    base, rows = split_log(bytes(server.logs[b"0:c"]), LAYOUT.record_bytes)
    assert base.index + len(rows) // LAYOUT.record_bytes == 300
    assert len(rows) // LAYOUT.record_bytes < 200
    assert left == base.index + split_log(bytes(server.logs[b"1:t"]), LAYOUT.record_bytes)[0].index
    asked = payment(300)
    told = await warm.fold(asked, is_kept=False)
    again = await Worker(store).fold(asked, is_kept=False)
    assert told.versions.tolist() == again.versions.tolist() == [[-302, -302]]
    assert told.matrix[0, 0] == 59
    assert_same_bits(told.matrix[0], again.matrix[0])


async def test_redis_away_or_full_is_waited_out() -> None:
    server = MemoryServer()
    store = Store(server, "p", LAYOUT.record_bytes, "layout")
    trimmer = Trimmer(Found(), store, rest=0)
    store.is_away = True
    assert await trimmer.trim_all() == 0
    store.is_away = False
    await store.start()
    await store.ensure_epoch()
    server.logs[b"0:c"] = bytearray(2 * LAYOUT.record_bytes)
    store.error = StoreFull("OOM")
    assert await trimmer.trim_all() == 0
    store.error = StoreRefused("no right")
    with pytest.raises(StoreRefused):
        await trimmer.trim_all()
    store.error = None
    assert await trimmer.trim_all() == 2
    await trimmer.stop()
