"""A real cluster whose slots move and whose nodes die, while workers write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.crc import key_slot

from infra.local.ports import HOST
from infra.local.redis_access import USERS
from shared.contracts.addresses import RedisAddress
from shared.stores import timeline_keys as names
from shared.stores.timeline_admin import LogEntry, TimelineAdmin
from shared.stores.timeline_port import AppendCall, CapturedEnd, StoreAway
from shared.stores.timeline_rebuild import rebuild
from shared.stores.timeline_redis import RedisTimelines
from shared.stores.timeline_usage import look
from tests.integration.timeline.rig import (
    CLUSTER_BUCKETS,
    LAYOUT,
    PORTFOLIO,
    RECORD_BYTES,
    Cache,
    ClusterRig,
    call,
    ends,
    ids,
    key_in,
    row,
    rows,
    starts,
    state_of,
)
from tests.support.redis_cluster import ClusterServer, RedisCluster

NAMES = [f"c{number}" for number in range(60)]


@pytest.fixture
async def store(cluster_rig: ClusterRig) -> AsyncIterator[RedisTimelines]:
    """A worker on a new epoch 1."""
    found = cluster_rig.worker()
    await found.start()
    await found.ensure_epoch()
    yield found
    await found.stop()


def slot_of(bucket: int) -> int:
    return key_slot(names.epoch_key(PORTFOLIO, bucket))


async def test_every_node_takes_its_buckets(cluster_rig: ClusterRig, store: RedisTimelines) -> None:
    await store.append(call(1, *[(key_in(cluster_rig, name), 0, row(1)) for name in NAMES]))
    assert all(node.ask("DBSIZE") > 3 for node in cluster_rig.cluster.nodes)
    found = {names.bucket_in(PORTFOLIO, key_in(cluster_rig, name)) for name in NAMES}
    assert found == set(range(CLUSTER_BUCKETS))


class Writer:
    """A worker with calls in flight that sends again, in order, what failed; its cache proves each byte."""

    def __init__(self, rig: ClusterRig, store: RedisTimelines) -> None:
        self._rig = rig
        self._store = store
        self._cache = Cache()
        self.failures = 0
        self.batches = 0
        self.stop = asyncio.Event()

    async def run(self) -> None:
        while not self.stop.is_set():
            calls = [self._call(self.batches + k) for k in range(3)]
            self.batches += 3
            waiting = [self._store.append(one) for one in calls]
            for number, one in enumerate(calls):
                while True:
                    try:
                        self._cache.absorb(one, await waiting[number])
                        break
                    except StoreAway:
                        self.failures += 1
                        await self._again()
                        waiting[number:] = [self._store.append(later) for later in calls[number:]]

    def logs(self) -> dict[bytes, list[int]]:
        """What each log holds by the answers, repeats left out."""
        return {k: list(dict.fromkeys(ids(bytes(log)))) for k, log in self._cache.logs.items()}

    def _call(self, batch: int) -> AppendCall:
        chosen = [NAMES[(batch * 7 + k * 3) % len(NAMES)] for k in range(6)]
        parts = [
            (key_in(self._rig, name), row(batch * 10 + k)) for k, name in enumerate(dict.fromkeys(chosen))
        ]
        return call(1, *[(log_key, self._cache.known(log_key), body) for log_key, body in parts])

    async def _again(self) -> None:
        known = [CapturedEnd("card", name, 1, self._known(name) - 1) for name in NAMES if self._known(name)]
        while True:
            try:
                if await self._store.start():
                    state = await self._store.recover(ends(*known), at_least=1, held=1, lost=False)
                    assert state == state_of(self._rig, 1)
                return
            except StoreAway:
                await asyncio.sleep(0.02)

    def _known(self, name: str) -> int:
        return self._cache.known(key_in(self._rig, name))


async def written(writer: Writer, task: asyncio.Task[None], batches: int) -> None:
    """Waits until the writer has written so many more, or has failed."""
    goal = writer.batches + batches
    while writer.batches < goal and not task.done():  # noqa: ASYNC110 - the writer has no word for it
        await asyncio.sleep(0.01)


async def test_slot_that_moves_while_it_is_written_loses_and_reorders_nothing(
    cluster_rig: ClusterRig, store: RedisTimelines
) -> None:
    writer = Writer(cluster_rig, store)
    task = asyncio.create_task(writer.run())
    await written(writer, task, 60)
    target = await asyncio.to_thread(move, cluster_rig.cluster, slot_of(3))
    await written(writer, task, 60)
    writer.stop.set()
    await task
    assert writer.failures > 0
    assert target.ask("CLUSTER", "COUNTKEYSINSLOT", slot_of(3)) > 3
    told = writer.logs()
    assert {key: list(dict.fromkeys(ids(cluster_rig.log(key)))) for key in told} == told
    assert all(found == sorted(found) for found in told.values())
    assert sum(map(len, told.values())) == 6 * writer.batches


def move(cluster: RedisCluster, slot: int) -> ClusterServer:
    """Moves a slot and its keys, a few at a time, to another node; returns that."""
    source = cluster.owner(slot)
    target = next(node for node in cluster.nodes if node is not source)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
    while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 2):
        source.ask("MIGRATE", HOST, target.port, "", 0, 5_000, "KEYS", *keys)
    for node in (target, source, *cluster.nodes):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)
    return target


@pytest.mark.parametrize("bucket", [0, 3])
async def test_node_that_dies_is_away_until_it_is_back_with_all_it_had(
    cluster_rig: ClusterRig, store: RedisTimelines, bucket: int
) -> None:
    keys = [key_in(cluster_rig, name) for name in NAMES]
    await store.append(call(1, *[(key, 0, rows(1, 2)) for key in keys]))
    node = cluster_rig.cluster.owner(slot_of(bucket))
    node.kill()
    try:
        with pytest.raises(StoreAway):
            await store.append(call(1, *[(key, 2, row(3)) for key in keys]))
        with pytest.raises(StoreAway):
            await store.start()
    finally:
        await asyncio.to_thread(node.start)
        await asyncio.to_thread(cluster_rig.cluster.wait_whole)
    assert await store.start() is True
    captured = ends(*[CapturedEnd("card", name, 1, 1) for name in NAMES])
    assert await store.recover(captured, at_least=1, held=1, lost=False) == state_of(cluster_rig, 1)
    answer = await store.append(call(1, *[(key, 2, row(3)) for key in keys]))
    assert set(starts(answer)) <= {2, 3}  # 3 where the node that lived had taken the first call
    afresh = ClusterRig(cluster_rig.cluster)
    assert {tuple(dict.fromkeys(ids(afresh.log(key)))) for key in keys} == {(1, 2, 3)}
    afresh.close()


async def test_node_that_lost_its_data_ends_the_epoch_everywhere(
    cluster_rig: ClusterRig, store: RedisTimelines
) -> None:
    await store.append(call(1, *[(key_in(cluster_rig, name), 0, row(1)) for name in NAMES]))
    cluster_rig.cluster.owner(slot_of(3)).ask("FLUSHALL")
    assert await store.start() is True
    captured = ends(CapturedEnd("card", "c1", 1, 0))
    assert await store.recover(captured, at_least=1, held=1, lost=False) == state_of(cluster_rig, 2, True)
    parts = [(key_in(cluster_rig, name, 2), 0, row(2)) for name in NAMES]
    assert set(starts(await store.append(call(2, *parts)))) == {0}


async def test_rebuild_check_and_usage_go_over_all_nodes(
    cluster_rig: ClusterRig, store: RedisTimelines
) -> None:
    await store.append(call(1, *[(key_in(cluster_rig, name), 0, rows(1, 2)) for name in NAMES]))
    admin = cluster_rig.admin()
    captured = [LogEntry("card", name, 1, i, row(i + 1)) for name in sorted(NAMES) for i in range(2)]
    assert admin.check(captured).is_whole
    report = await asyncio.to_thread(rebuild, admin, captured[:-1], 1)
    assert (report.epoch, report.records, report.copied_over, report.deleted_keys) == (2, 119, 1, 60)
    assert {tuple(ids(cluster_rig.log(key_in(cluster_rig, name, 2)))) for name in NAMES} == {(1, 2)}
    card = look(admin).entities[0]
    assert (card.logs, card.records, card.sampled_logs) == (60, 120, 60)
    assert card.redis_bytes > card.bytes
    assert await store.start() is False
    assert await store.epoch() == state_of(cluster_rig, 2)
    admin.close()


CLUSTER_NEEDS = {"scorer": ("cluster|slots",), "cli": ("cluster|slots", "command")}
"""What docs/state.md says that users of a cluster may do beside those of one server."""


async def test_users_need_no_more_than_the_page_says(cluster_rig: ClusterRig, store: RedisTimelines) -> None:
    for node in cluster_rig.cluster.nodes:
        for user in USERS:
            if more := CLUSTER_NEEDS.get(user.name):
                commands = [f"+{command}" for command in (*user.commands, *more)]
                node.ask("ACL", "SETUSER", user.name, "on", ">pass", "~{test.bank:*}:*", *commands)
    url = cluster_rig.cluster.address.url
    worker = RedisTimelines(
        RedisAddress(url, "scorer", "pass"), PORTFOLIO, RECORD_BYTES, LAYOUT, CLUSTER_BUCKETS
    )
    await worker.start()
    assert await worker.recover(ends(), at_least=0, held=0, lost=False) == state_of(cluster_rig, 1)
    await worker.append(call(1, *[(key_in(cluster_rig, name), 0, row(1)) for name in NAMES]))
    await worker.stop()
    admin = TimelineAdmin(RedisAddress(url, "cli", "pass"), PORTFOLIO, RECORD_BYTES, LAYOUT, CLUSTER_BUCKETS)
    assert look(admin).entities[0].records == 60
    assert (await asyncio.to_thread(rebuild, admin, [], 1)).copied_over == 60
    admin.close()
