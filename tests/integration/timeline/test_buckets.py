"""Logs in several buckets: one epoch over all of them, whoever dies in between, and other numbers of them."""

from __future__ import annotations

import asyncio

import pytest

from shared.stores import epochs
from shared.stores import timeline_keys as names
from shared.stores.timeline_admin import LogEntry
from shared.stores.timeline_port import CapturedEnd, EpochChanged, EpochState, StoreAway, StoreRefused
from shared.stores.timeline_rebuild import rebuild
from tests.integration.timeline.rig import (
    LAYOUT,
    PORTFOLIO,
    RedisRig,
    call,
    ends,
    ids,
    key_in,
    row,
    rows,
    starts,
    state_of,
    write_on,
)

NAMES = [f"c{number}" for number in range(30)]


def in_bucket(rig: RedisRig, bucket: int, epoch: int = 1) -> bytes:
    """A log of the bucket."""
    keys = (key_in(rig, f"b{number}", epoch) for number in range(1_000))
    return next(key for key in keys if names.bucket_in(PORTFOLIO, key) == bucket)


async def test_refusal_of_one_bucket_voids_the_calls_behind_it(bucket_rig: RedisRig) -> None:
    store = bucket_rig.worker()
    await store.start()
    await store.ensure_epoch()
    bucket_rig.redis.set(names.freeze_key(PORTFOLIO, 4), b"x")
    one, four = in_bucket(bucket_rig, 1), in_bucket(bucket_rig, 4)
    before = store.append(call(1, (one, 0, row(1))))
    refused = store.append(call(1, (one, 0, row(2)), (four, 0, row(2))))
    behind = store.append(call(1, (one, 0, row(3))))
    assert starts(await before) == [0]
    with pytest.raises(EpochChanged) as caught:
        await refused
    assert caught.value.frozen is True
    with pytest.raises(StoreAway):
        await behind
    bucket_rig.freeze(False)
    assert await store.start() is False
    answer = await store.append(call(1, (one, 1, row(2)), (four, 0, row(2))))
    assert starts(answer)[1] == 0
    assert list(dict.fromkeys(ids(bucket_rig.log(one)))) == [1, 2, 3]
    await store.stop()


@pytest.mark.parametrize("behind", [0, 3, 6])
async def test_buckets_that_differ_are_brought_to_what_bucket_0_says(
    bucket_rig: RedisRig, behind: int
) -> None:
    """A settling worker or a rebuild died between two buckets."""
    store = bucket_rig.worker()
    await store.start()
    await store.ensure_epoch()
    await store.append(call(1, (key_in(bucket_rig, "c1"), 0, rows(1, 2))))
    other = epochs.encode(state_of(bucket_rig, 2))
    bucket_rig.redis.set(names.epoch_key(PORTFOLIO, behind), other)
    assert await store.start() is True
    captured = ends(CapturedEnd("card", "c1", 1, 1)) if behind else ends()
    state = await store.recover(captured, at_least=1, held=0 if behind == 0 else 1, lost=False)
    assert state == state_of(bucket_rig, 2 if behind == 0 else 1)
    keys = [names.epoch_key(PORTFOLIO, bucket) for bucket in range(bucket_rig.buckets)]
    assert {bucket_rig.redis.get(key) for key in keys} == {epochs.encode(state)}
    assert await store.start() is False
    await store.stop()


async def test_a_rebuild_about_to_switch_is_not_taken_back(bucket_rig: RedisRig) -> None:
    store = bucket_rig.worker()
    await store.start()
    await store.ensure_epoch()
    bucket_rig.freeze(True)
    bucket_rig.redis.set(names.epoch_key(PORTFOLIO, 5), epochs.encode(state_of(bucket_rig, 2)))
    with pytest.raises(StoreAway, match="switching"):
        await store.start()
    bucket_rig.redis.delete(names.freeze_key(PORTFOLIO))
    assert await store.start() is True
    with pytest.raises(StoreAway, match="switching"):
        await store.recover(ends(), at_least=1, held=1, lost=False)
    await store.stop()


async def test_lost_bucket_ends_the_epoch(bucket_rig: RedisRig) -> None:
    store = bucket_rig.worker()
    await store.start()
    await store.ensure_epoch()
    bucket_rig.redis.delete(names.epoch_key(PORTFOLIO, 2))
    assert await store.start() is True
    assert await store.recover(ends(), at_least=1, held=1, lost=False) == state_of(bucket_rig, 2, True)
    await store.stop()


async def test_lost_bucket_0_gets_an_epoch_above_those_of_the_others(bucket_rig: RedisRig) -> None:
    store = bucket_rig.worker()
    await store.start()
    await store.ensure_epoch()
    for bucket in range(1, bucket_rig.buckets):
        bucket_rig.redis.set(names.epoch_key(PORTFOLIO, bucket), epochs.encode(state_of(bucket_rig, 9)))
    bucket_rig.redis.delete(names.epoch_key(PORTFOLIO))
    await store.start()
    assert await store.recover(ends(), at_least=0, held=0, lost=False) == state_of(bucket_rig, 10, True)
    await store.stop()


@pytest.mark.parametrize(("before", "after"), [(1, 7), (7, 1), (7, 16)])
async def test_rebuild_lays_logs_down_in_another_number_of_buckets(
    redis_rig: RedisRig, before: int, after: int
) -> None:
    old, new = RedisRig(redis_rig.server, before), RedisRig(redis_rig.server, after)
    worker = old.worker()
    await worker.start()
    await worker.ensure_epoch()
    await worker.append(call(1, *[(key_in(old, name), 0, rows(1, 2, 3)) for name in NAMES]))
    with pytest.raises(StoreRefused, match=f"lie in {before} buckets, state_buckets says {after}"):
        await new.worker().start()
    admin = new.admin()
    captured = [LogEntry("card", name, 1, i, row(i + 1)) for name in sorted(NAMES) for i in range(2)]
    report = await asyncio.to_thread(rebuild, admin, captured, 1)
    assert (report.records, report.copied_over, report.deleted_keys) == (60, 30, 30)
    with pytest.raises(EpochChanged):
        await worker.append(call(1, *[(key_in(old, name), 3, row(4)) for name in NAMES]))
    with pytest.raises(StoreRefused, match=f"lie in {after} buckets"):
        await worker.start()
    newcomer = new.worker()
    await newcomer.start()
    state = await newcomer.recover(ends(), at_least=2, held=0, lost=False)
    assert state == EpochState(2, False, LAYOUT, after)
    answer = await newcomer.append(call(2, *[(key_in(new, name, 2), 0, row(4)) for name in NAMES]))
    assert set(starts(answer)) == {3}
    assert answer.unseen == rows(1, 2, 3) * len(NAMES)
    await newcomer.stop()
    admin.close()
    old.close()
    new.close()


async def test_rebuild_over_buckets_while_a_writer_goes_on_loses_nothing(bucket_rig: RedisRig) -> None:
    admin, stop, written = bucket_rig.admin(), asyncio.Event(), list[int]()
    writer = asyncio.create_task(write_on(bucket_rig, stop, written))
    number = 1
    for _ in range(3):
        await asyncio.sleep(0.1)
        number = (await asyncio.to_thread(rebuild, admin, [], number)).epoch
    await asyncio.sleep(0.1)
    stop.set()
    await writer
    for i in range(7):
        found = ids(bucket_rig.log(key_in(bucket_rig, f"c{i}", number)))
        assert list(dict.fromkeys(found)) == [one for one in written if one % 7 == i]
    admin.close()
