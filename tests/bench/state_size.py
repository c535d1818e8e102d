"""``python -m tests.bench.state_size``: what timelines cost when they are large, on a real Redis.

*hot*: one entity stands in every payment and its log grows to a million records; microseconds of a payment
beside those of payments whose entities have a hundred records each, batch by batch in turn. *cold*: a worker
that has seen nothing meets entity after entity, then the same ones again. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import redis
from numpy.typing import NDArray

from infra.local.redis import RedisServer
from shared.features.compiled import FeatureSet
from shared.features.kernels_rows import KIND_TRANSACTION
from shared.features.timelines import Timelines, warm_up
from shared.stores import timeline_keys as names
from shared.stores.portfolio_files import read_feature_set
from shared.stores.timeline_port import AppendCall
from shared.stores.timeline_redis import RedisTimelines

PORTFOLIO: Final = "bench"
BUDGET_BYTES: Final = 4 << 30
BATCH: Final = 64
BATCHES: Final = 40
DAYS: Final = 90
DAY_MS: Final = 86_400_000
T0_MS: Final = 1_790_000_000_000
USUAL: Final = 100
PIECE_BYTES: Final = 4 << 20

Rows = NDArray[Any]


@dataclass(slots=True)
class Worker:
    """One worker's cache over the store, as the scorer has it."""

    feature_set: FeatureSet
    store: RedisTimelines
    timelines: Timelines

    async def take(self, ids: Sequence[Sequence[str | None]], rows: Rows) -> None:
        """Append a micro-batch and fold it."""
        claim = self.timelines.claim(ids)
        call = AppendCall(1, claim.keys, claim.known, claim.counts, rows[claim.order].tobytes())
        reply = await self.store.append(call, 60_000)
        self.timelines.fold(claim, rows, np.frombuffer(reply.starts, "<u8").astype(np.int64), reply.unseen)


def main() -> None:
    """Lay the logs, take the payments, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.state_size", description=__doc__)
    parser.add_argument("--portfolio", default="bank")
    parser.add_argument("--entity", default="merchant", help="the hot one")
    parser.add_argument("--hot", type=int, nargs="+", default=[1_000, 100_000, 1_000_000], metavar="RECORDS")
    parser.add_argument("--entities", type=int, default=200_000, help="that a cold worker meets")
    parser.add_argument("--records", type=int, default=20, help="of each of them")
    asyncio.run(_run(parser.parse_args()))


async def _run(told: argparse.Namespace) -> None:
    feature_set = read_feature_set(told.portfolio)
    warm_up(feature_set)
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            client = redis.Redis.from_url(server.address.url)
            print(
                f"{told.portfolio}: {len(feature_set.names)} features, "
                f"{feature_set.layout.record_bytes} bytes a record",
                flush=True,
            )
            for records in told.hot:
                await _hot(server, client, feature_set, told.entity, records)
            await _cold(server, client, feature_set, told.entities, told.records)
        finally:
            server.stop()


async def _worker(server: RedisServer, feature_set: FeatureSet) -> Worker:
    store = RedisTimelines(
        server.address, PORTFOLIO, feature_set.layout.record_bytes, feature_set.layout.hash
    )
    await store.start()
    await store.ensure_epoch()
    return Worker(
        feature_set,
        store,
        Timelines(
            feature_set,
            BUDGET_BYTES,
            lambda entity, own_id: names.entity_key(PORTFOLIO, 1, feature_set.entities[entity].name, own_id),
        ),
    )


async def _hot(
    server: RedisServer, client: redis.Redis, feature_set: FeatureSet, entity: str, records: int
) -> None:
    client.flushall()
    worker = await _worker(server, feature_set)
    place = [each.name for each in feature_set.entities].index(entity)
    _lay(client, feature_set, entity, "hot", records)
    for number in range(BATCH):
        _lay(client, feature_set, entity, f"usual{number}", USUAL)
    usual_ids = [_ids(feature_set, place, f"usual{number}", None) for number in range(BATCH)]
    await worker.take(usual_ids, _rows(feature_set, BATCH, 1 << 20))
    began = time.perf_counter()
    await worker.take([_ids(feature_set, place, "hot", 0)], _rows(feature_set, 1, 0))
    cold_ms = (time.perf_counter() - began) * 1e3
    hot: list[float] = []
    usual: list[float] = []
    for batch in range(BATCHES):
        first = 1 + batch * BATCH
        numbers = range(first, first + BATCH)
        for taken in (usual, hot):
            names_of = ["hot" if taken is hot else f"usual{n % BATCH}" for n in numbers]
            ids = [_ids(feature_set, place, own_id, n) for own_id, n in zip(names_of, numbers, strict=True)]
            rows = _rows(feature_set, BATCH, first * 2 + (taken is hot) * BATCH)
            began = time.perf_counter()
            await worker.take(ids, rows)
            taken.append((time.perf_counter() - began) / BATCH * 1e6)
    both = median(hot), median(usual)
    print(
        f"hot {entity} of {records:>9,} records: {both[0]:7.1f} us a payment, usual {both[1]:5.1f}: "
        f"{both[0] / both[1]:.2f} times; its first read {cold_ms:,.0f} ms",
        flush=True,
    )
    await worker.store.stop()


async def _cold(
    server: RedisServer, client: redis.Redis, feature_set: FeatureSet, entities: int, records: int
) -> None:
    client.flushall()
    worker = await _worker(server, feature_set)
    name = feature_set.entities[0].name
    began = time.perf_counter()
    _lay_many(client, feature_set, name, entities, records)
    print(
        f"laid {entities:,} timelines of {records} records in {time.perf_counter() - began:.0f} s; "
        f"Redis holds {int(client.info('memory')['used_memory']) / entities:,.0f} bytes of each",
        flush=True,
    )
    for pass_name in ("cold", "warm"):
        taken = []
        began = time.perf_counter()
        for first in range(0, entities - BATCH + 1, BATCH):
            ids = [_ids(feature_set, 0, f"e{n}", None) for n in range(first, first + BATCH)]
            rows = _rows(feature_set, BATCH, first + (pass_name == "warm") * entities)
            at = time.perf_counter()
            await worker.take(ids, rows)
            taken.append((time.perf_counter() - at) * 1e3)
        p50, p99 = np.percentile(taken, [50, 99])
        print(
            f"{pass_name}: {entities:,} entities in {time.perf_counter() - began:.1f} s; a micro-batch of "
            f"{BATCH} p50 {p50:.2f} ms, p99 {p99:.2f} ms, worst {max(taken):.1f} ms; "
            f"cache {worker.timelines.used_bytes / 2**20:,.0f} MB",
            flush=True,
        )
    await worker.store.stop()


def _ids(feature_set: FeatureSet, place: int, own_id: str, number: int | None) -> tuple[str | None, ...]:
    """The entity in question, and others that are new with each ``number``, if it is one."""
    others = [None if number is None else f"o{number}"] * len(feature_set.entities)
    return (*others[:place], own_id, *others[place + 1 :])


def _rows(feature_set: FeatureSet, count: int, first: int) -> Rows:
    """Payments of the last minute, one a millisecond."""
    return _made(feature_set, count, T0_MS + first + np.arange(count), first)


def _made(feature_set: FeatureSet, count: int, times_ms: NDArray[np.int64], seed: int) -> Rows:
    drawn = np.random.default_rng([seed, count])
    rows = np.zeros(count, feature_set.layout.dtype)
    rows["t"], rows["a"] = times_ms, drawn.integers(100, 50_000, count)
    rows["id"] = drawn.integers(1, 2**63, count)
    rows["kind"] = KIND_TRANSACTION
    for name in rows.dtype.names or ():
        if name.startswith("x"):
            rows[name] = drawn.integers(1, 5_000, count)
    return rows


def _past(feature_set: FeatureSet, count: int, seed: int) -> bytes:
    """``count`` payments spread over the last 90 days, in order."""
    times_ms = T0_MS - DAYS * DAY_MS + np.arange(count) * (DAYS * DAY_MS // max(count, 1))
    return _made(feature_set, count, times_ms, seed).tobytes()


def _lay(client: redis.Redis, feature_set: FeatureSet, entity: str, own_id: str, count: int) -> None:
    key, body = names.entity_key(PORTFOLIO, 1, entity, own_id), _past(feature_set, count, 7)
    for start in range(0, len(body), PIECE_BYTES):
        client.append(key, body[start : start + PIECE_BYTES])


def _lay_many(client: redis.Redis, feature_set: FeatureSet, entity: str, count: int, records: int) -> None:
    for chunk in _chunks(count, 2_000):
        pipeline = client.pipeline(transaction=False)
        for number in chunk:
            pipeline.append(
                names.entity_key(PORTFOLIO, 1, entity, f"e{number}"), _past(feature_set, records, number)
            )
        pipeline.execute()


def _chunks(count: int, size: int) -> Iterator[range]:
    for first in range(0, count, size):
        yield range(first, min(first + size, count))


if __name__ == "__main__":
    main()
