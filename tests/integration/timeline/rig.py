"""What the timeline tests share: rows, a store of either kind with its faults, a worker's cache."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, Protocol

import redis

from infra.local.redis import RedisServer
from shared.stores import timeline_keys as names
from shared.stores.timeline_admin import TimelineAdmin
from shared.stores.timeline_client import TimelineClient
from shared.stores.timeline_memory import MemoryServer, MemoryTimelines
from shared.stores.timeline_port import (
    AppendCall,
    AppendReply,
    CapturedEnd,
    EpochChanged,
    EpochState,
    StoreAway,
    TimelineStore,
)
from shared.stores.timeline_redis import RedisTimelines
from tests.support.redis_cluster import RedisCluster

PORTFOLIO: Final = "test.bank"
RECORD_BYTES: Final = 40
LAYOUT: Final = "layout-a"
CLUSTER_BUCKETS: Final = 7


def row(record_id: int, note: int = 0) -> bytes:
    """A record whose hash is ``record_id``."""
    return struct.pack("<qqQQQ", 1_000 + record_id, 5, record_id, 0, note)


def rows(*record_ids: int) -> bytes:
    """Records one after another."""
    return b"".join(row(i) for i in record_ids)


def ids(log: bytes) -> list[int]:
    """The records' hashes in a log."""
    return [struct.unpack_from("<Q", log, at + 16)[0] for at in range(0, len(log), RECORD_BYTES)]


def key(entity_id: str, epoch: int = 1, entity: str = "card") -> bytes:
    """A log's key."""
    return names.entity_key(PORTFOLIO, epoch, entity, entity_id)


def call(epoch: int, *parts: tuple[bytes, int, bytes]) -> AppendCall:
    """A call from (key, known, rows) per log."""
    return AppendCall(
        epoch,
        [k for k, _, _ in parts],
        [known for _, known, _ in parts],
        [len(body) // RECORD_BYTES for _, _, body in parts],
        b"".join(body for _, _, body in parts),
    )


def reply(*logs: tuple[int, bytes]) -> AppendReply:
    """An answer from (start, unseen) per log."""
    starts = struct.pack(f"<{len(logs)}Q", *[start for start, _ in logs])
    return AppendReply(starts, b"".join(unseen for _, unseen in logs))


def starts(answer: AppendReply) -> list[int]:
    """The index of the first row appended to each log."""
    return list(struct.unpack(f"<{len(answer.starts) // 8}Q", answer.starts))


async def ends(*known: CapturedEnd) -> AsyncIterator[CapturedEnd]:
    """Captured ends as a stream."""
    for end in known:
        yield end


class Rig(Protocol):
    """One store and what can happen to it. ``buckets``: in how many parts its logs lie."""

    buckets: int

    def worker(
        self, layout: str = LAYOUT, record_bytes: int = RECORD_BYTES, buckets: int = 0
    ) -> TimelineStore: ...
    def log(self, log_key: bytes) -> bytes: ...
    def flush(self) -> None: ...
    def freeze(self, on: bool) -> None: ...
    def restart(self) -> None: ...


def key_in(rig: Rig, entity_id: str, epoch: int = 1, entity: str = "card") -> bytes:
    """A log's key in this store."""
    return names.entity_key(PORTFOLIO, epoch, entity, entity_id, rig.buckets)


def state_of(rig: Rig, number: int, rebuilding: bool = False) -> EpochState:
    """An epoch of this store."""
    return EpochState(number, rebuilding, LAYOUT, rig.buckets)


class MemoryRig:
    """The in-process store."""

    buckets = 1

    def __init__(self) -> None:
        self.server = MemoryServer()

    def worker(
        self, layout: str = LAYOUT, record_bytes: int = RECORD_BYTES, buckets: int = 0
    ) -> TimelineStore:
        return MemoryTimelines(self.server, PORTFOLIO, record_bytes, layout, buckets or self.buckets)

    def log(self, log_key: bytes) -> bytes:
        return bytes(self.server.logs.get(log_key, b""))

    def flush(self) -> None:
        self.server.flush()

    def freeze(self, on: bool) -> None:
        self.server.frozen = on

    def restart(self) -> None:
        self.server.restart()


class RedisRig:
    """A real server."""

    def __init__(self, server: RedisServer, buckets: int = 1) -> None:
        self.server = server
        self.buckets = buckets
        self.redis = redis.Redis.from_url(server.url)

    def worker(
        self, layout: str = LAYOUT, record_bytes: int = RECORD_BYTES, buckets: int = 0
    ) -> RedisTimelines:
        return RedisTimelines(self.server.address, PORTFOLIO, record_bytes, layout, buckets or self.buckets)

    def admin(self, buckets: int = 0) -> TimelineAdmin:
        return TimelineAdmin(self.server.address, PORTFOLIO, RECORD_BYTES, LAYOUT, buckets or self.buckets)

    def log(self, log_key: bytes) -> bytes:
        value = self.redis.get(log_key) or b""
        assert isinstance(value, bytes)
        return value

    def flush(self) -> None:
        self.redis.flushall()

    def freeze(self, on: bool) -> None:
        for bucket in range(self.buckets):
            if on:
                self.redis.set(names.freeze_key(PORTFOLIO, bucket), b"x")
            else:
                self.redis.delete(names.freeze_key(PORTFOLIO, bucket))

    def restart(self) -> None:
        self.server.restart()

    def close(self) -> None:
        self.redis.close()


class ClusterRig:
    """A real cluster; its buckets lie on all nodes."""

    buckets = CLUSTER_BUCKETS

    def __init__(self, cluster: RedisCluster) -> None:
        self.cluster = cluster
        self.redis = TimelineClient(cluster.address)

    def worker(
        self, layout: str = LAYOUT, record_bytes: int = RECORD_BYTES, buckets: int = 0
    ) -> RedisTimelines:
        return RedisTimelines(self.cluster.address, PORTFOLIO, record_bytes, layout, buckets or self.buckets)

    def admin(self, buckets: int = 0) -> TimelineAdmin:
        return TimelineAdmin(self.cluster.address, PORTFOLIO, RECORD_BYTES, LAYOUT, buckets or self.buckets)

    def log(self, log_key: bytes) -> bytes:
        value = self.redis.command("GET", log_key) or b""
        assert isinstance(value, bytes)
        return value

    def flush(self) -> None:
        self.cluster.flush()

    def freeze(self, on: bool) -> None:
        for bucket in range(self.buckets):
            mark = names.freeze_key(PORTFOLIO, bucket)
            self.redis.command(*(("SET", mark, b"x") if on else ("DEL", mark)))

    def restart(self) -> None:
        self.cluster.restart()

    def close(self) -> None:
        self.redis.close()


async def write_on(rig: Rig, stop: asyncio.Event, written: list[int]) -> None:
    """A worker that goes on through freeze and switch: asks for the epoch, sends the same batch again."""
    store = rig.worker()
    await store.start()
    state, batch = await store.ensure_epoch(), 0
    while not stop.is_set():
        fresh = [batch * 7 + i for i in range(7)]
        parts = [(key_in(rig, f"c{one % 7}", state.number), 0, row(one)) for one in fresh]
        try:
            await store.append(call(state.number, *parts))
        except (EpochChanged, StoreAway):
            await asyncio.sleep(0.005)
            with suppress(StoreAway):
                if await store.start():
                    await store.recover(ends(), at_least=state.number, held=state.number, lost=False)
                state = await store.epoch()
            continue
        written += fresh
        batch += 1
        await asyncio.sleep(0)
    await store.stop()


class Cache:
    """What a worker knows of each log, built from replies alone; proves that no byte is missed or moved."""

    def __init__(self) -> None:
        self.logs: dict[bytes, bytearray] = {}

    def known(self, log_key: bytes) -> int:
        return len(self.logs.get(log_key, b"")) // RECORD_BYTES

    def absorb(self, asked: AppendCall, reply: AppendReply) -> None:
        at, behind = 0, 0
        for i, (log_key, start) in enumerate(zip(asked.keys, starts(reply), strict=True)):
            own = asked.rows[at : at + asked.counts[i] * RECORD_BYTES]
            at += len(own)
            have = self.logs.setdefault(log_key, bytearray())
            first = asked.known[i] * RECORD_BYTES
            unseen = reply.unseen[behind : behind + start * RECORD_BYTES - first]
            behind += len(unseen)
            assert first + len(unseen) == start * RECORD_BYTES
            fresh = unseen + own
            overlap = bytes(have[first:])
            assert fresh[: len(overlap)] == overlap[: len(fresh)]
            have += fresh[len(overlap) :]
        assert behind == len(reply.unseen)
