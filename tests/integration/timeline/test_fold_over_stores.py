"""Every kind of feature, folded by two workers over each store, is the oracle's to the bit."""

from __future__ import annotations

import asyncio

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.features import trimming
from shared.features.timelines import Timelines
from shared.stores import timeline_keys as names
from shared.stores.timeline_port import AppendCall, TimelineStore
from tests.integration.timeline.rig import PORTFOLIO, Rig
from tests.support.arrivals import FORGETFUL, LONG_STEP_MS, STEP_MS, Arrival, arrivals, cut, split
from tests.support.timeline_cases import Logs, encode

LAYOUT = FORGETFUL.layout
WORKERS = 2
BUDGET_BYTES = 2_000_000


# The fixture is made once for all examples: each begins by emptying the store.
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(
    found=st.sampled_from([STEP_MS, LONG_STEP_MS]).flatmap(lambda step_ms: arrivals(50, step_ms)),
    sizes=st.lists(st.integers(1, 8), max_size=12),
    turns=st.lists(st.integers(0, WORKERS - 1), min_size=1, max_size=12),
    trims=st.sets(st.integers(0, 12)),
)
def test_two_workers_fold_what_the_oracle_says(
    rig: Rig, found: list[Arrival], sizes: list[int], turns: list[int], trims: set[int]
) -> None:
    rig.flush()
    asyncio.run(_fold_all(rig, cut(found, sizes), turns, trims))


async def _fold_all(rig: Rig, batches: list[list[Arrival]], turns: list[int], trims: set[int]) -> None:
    stores = [rig.worker(LAYOUT.hash, LAYOUT.record_bytes) for _ in range(WORKERS)]
    for store in stores:
        await store.start()
    epoch = (await stores[0].ensure_epoch()).number
    told = _Told(epoch, rig.buckets)
    workers = [Timelines(FORGETFUL, BUDGET_BYTES, told.key) for _ in stores]
    for number, batch in enumerate(batches):
        turn = turns[number % len(turns)]
        await _fold(stores[turn], workers[turn], told, epoch, batch)
        if number in trims:
            await _trim_all(stores[turn], told, epoch)
            workers[turn].clear()
    for store in stores:
        await store.stop()


class _Told(Logs):
    """What the store was told, under its own keys: the oracle's view."""

    def __init__(self, epoch: int, buckets: int) -> None:
        super().__init__(FORGETFUL)
        self.entity_of: dict[bytes, int] = {}
        self._epoch = epoch
        self._buckets = buckets

    def key(self, entity: int, entity_id: str) -> bytes:
        name = FORGETFUL.entities[entity]
        key = names.entity_key(PORTFOLIO, self._epoch, name, entity_id, self._buckets)
        self.entity_of[key] = entity
        return key


async def _trim_all(store: TimelineStore, told: _Told, epoch: int) -> None:
    for key, entity in told.entity_of.items():
        keep = FORGETFUL.keep(entity)

        def choose(base: trimming.Base, rows: bytes, keep: int = keep) -> trimming.Base:
            return trimming.cut(np.frombuffer(rows, LAYOUT.dtype), base, keep, least=1)

        await store.trim(epoch, key, choose)


async def _fold(
    store: TimelineStore, worker: Timelines, told: _Told, epoch: int, batch: list[Arrival]
) -> None:
    records, ids = split(batch)
    rows = encode(records, LAYOUT)
    claim = worker.claim(ids)
    reply = await store.append(
        AppendCall(epoch, claim.keys, claim.known, claim.counts, rows[claim.order].tobytes())
    )
    told.append(claim, records)
    starts = np.frombuffer(reply.starts, np.int64)
    result = worker.fold(claim, rows, starts, reply.unseen, bases=reply.bases)
    told.check(result, records, ids)
