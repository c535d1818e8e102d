"""What a cut of a log's first records leaves as it was, over both stores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.features.trimming import BASE_BYTES, WHOLE, Base, split_log
from shared.stores.timeline_admin import Finding, LogEntry, TimelineAdmin
from shared.stores.timeline_port import CapturedEnd, StateLost, TimelineStore
from shared.stores.timeline_rebuild import rebuild
from shared.stores.timeline_trim import Choose
from shared.stores.timeline_usage import look
from tests.integration.timeline.rig import (
    RECORD_BYTES,
    RedisRig,
    Rig,
    call,
    ends,
    ids,
    key_in,
    row,
    rows,
    starts,
    state_of,
)

NONE = bytes(BASE_BYTES)


def at(index: int) -> Base:
    """A base like no other."""
    return Base(index, 1_000 + index, -5, 2**62 + index)


def down_to(index: int) -> Choose:
    """Cut to that index."""
    return lambda base, rows: at(index)


@pytest.fixture
async def worker(rig: Rig) -> AsyncIterator[TimelineStore]:
    """A worker on a new epoch 1, with five records of a card."""
    store = rig.worker()
    await store.start()
    await store.ensure_epoch()
    await store.append(call(1, (key_in(rig, "c1"), 0, rows(0, 1, 2, 3, 4))))
    yield store
    await store.stop()


async def test_a_cut_log_keeps_its_indices_and_tells_its_base_to_whom_it_matters(
    rig: Rig, worker: TimelineStore
) -> None:
    assert await worker.trim(1, key_in(rig, "c1"), down_to(3)) == 3
    base, left = split_log(rig.log(key_in(rig, "c1")), RECORD_BYTES)
    assert (base, ids(left)) == (at(3), [3, 4])
    cold = await worker.append(
        call(1, (key_in(rig, "t1", entity="terminal"), 0, row(9)), (key_in(rig, "c1"), 0, row(5)))
    )
    assert (starts(cold), ids(cold.unseen), cold.bases) == ([0, 5], [3, 4], NONE + at(3).encode())
    behind = await worker.append(call(1, (key_in(rig, "c1"), 2, row(6))))
    assert (starts(behind), ids(behind.unseen), behind.bases) == ([6], [3, 4, 5], at(3).encode())
    for known in (3, 4, 7):
        warm = await worker.append(call(1, (key_in(rig, "c1"), known, b"")))
        assert (starts(warm), ids(warm.unseen), warm.bases) == ([7], list(range(known, 7)), b"")


async def test_a_log_may_be_cut_again_and_to_nothing(rig: Rig, worker: TimelineStore) -> None:
    assert await worker.trim(1, key_in(rig, "c1"), down_to(2)) == 2
    assert await worker.trim(1, key_in(rig, "c1"), down_to(5)) == 3
    assert split_log(rig.log(key_in(rig, "c1")), RECORD_BYTES) == (at(5), b"")
    answer = await worker.append(call(1, (key_in(rig, "c1"), 0, rows(5, 6))))
    assert (starts(answer), answer.unseen, answer.bases) == ([5], b"", at(5).encode())
    assert split_log(rig.log(key_in(rig, "c1")), RECORD_BYTES) == (at(5), rows(5, 6))


async def test_who_chooses_sees_base_and_records_and_may_leave_them(rig: Rig, worker: TimelineStore) -> None:
    seen = []

    def leave(base: Base, rows: bytes) -> Base:
        seen.append((base, ids(rows)))
        return base

    assert await worker.trim(1, key_in(rig, "c1"), leave) == 0
    await worker.trim(1, key_in(rig, "c1"), down_to(2))
    assert await worker.trim(1, key_in(rig, "c1"), leave) == 0
    assert await worker.trim(1, key_in(rig, "t1", entity="terminal"), leave) == 0
    assert seen == [(WHOLE, [0, 1, 2, 3, 4]), (at(2), [2, 3, 4]), (WHOLE, [])]
    assert rig.log(key_in(rig, "t1", entity="terminal")) == b""


async def test_a_cut_of_another_epoch_or_a_frozen_one_does_nothing(rig: Rig, worker: TimelineStore) -> None:
    before = rig.log(key_in(rig, "c1"))
    assert await worker.trim(2, key_in(rig, "c1"), down_to(3)) == 0
    rig.freeze(True)
    assert await worker.trim(1, key_in(rig, "c1"), down_to(3)) == 0
    rig.freeze(False)
    assert rig.log(key_in(rig, "c1")) == before


async def test_of_two_cuts_of_one_log_one_is_made(redis_rig: RedisRig) -> None:
    stores = [redis_rig.worker(), redis_rig.worker()]
    for store in stores:
        await store.start()
        await store.ensure_epoch()
    await stores[0].append(call(1, (key_in(redis_rig, "c1"), 0, rows(0, 1, 2, 3))))
    left = await asyncio.gather(
        stores[0].trim(1, key_in(redis_rig, "c1"), down_to(3)),
        stores[1].trim(1, key_in(redis_rig, "c1"), down_to(3)),
    )
    assert sorted(left) == [0, 3]
    assert split_log(redis_rig.log(key_in(redis_rig, "c1")), RECORD_BYTES) == (at(3), row(3))
    for store in stores:
        await store.stop()


async def test_a_cut_log_is_no_loss_and_a_lost_one_still_is(rig: Rig, worker: TimelineStore) -> None:
    await worker.trim(1, key_in(rig, "c1"), down_to(3))
    rig.restart()
    assert await worker.start() is True
    whole = ends(CapturedEnd("card", "c1", 1, 4))
    assert await worker.recover(whole, at_least=1, held=1, lost=False) == state_of(rig, 1)
    with pytest.raises(StateLost) as caught:
        await worker.append(call(1, (key_in(rig, "c1"), 6, row(5))))
    assert caught.value.key == key_in(rig, "c1")
    await worker.start()
    short = ends(CapturedEnd("card", "c1", 1, 5))
    assert await worker.recover(short, at_least=1, held=1, lost=False) == state_of(rig, 2, rebuilding=True)


@pytest.mark.parametrize("logs", [199, 201, 401])
async def test_any_number_of_cut_logs_fits_in_one_call(rig: Rig, worker: TimelineStore, logs: int) -> None:
    keys = [key_in(rig, f"n{i}") for i in range(logs)]
    await worker.append(call(1, *[(k, 0, rows(1, 2, 3)) for k in keys]))
    for one in keys[::2]:
        await worker.trim(1, one, down_to(2))
    answer = await worker.append(call(1, *[(k, 1, row(4)) for k in keys]))
    assert starts(answer) == [3] * logs
    assert answer.bases == b"".join(NONE if i % 2 else at(2).encode() for i in range(logs))
    assert ids(answer.unseen) == [one for i in range(logs) for one in ((2, 3) if i % 2 else (3,))]


@pytest.mark.parametrize("seed", range(4))
async def test_cuts_among_random_traffic_equal_plain_lists(
    rig: Rig, worker: TimelineStore, seed: int
) -> None:
    chance = random.Random(seed)
    logs: dict[bytes, list[int]] = {key_in(rig, f"r{i}"): [] for i in range(4)}
    cut_at = dict.fromkeys(logs, 0)
    for step in range(120):
        one = chance.choice(list(logs))
        known = chance.randint(0, len(logs[one]))
        fresh = [step * 10 + i for i in range(chance.randint(0, 3))]
        answer = await worker.append(call(1, (one, known, rows(*fresh))))
        first = max(known, cut_at[one])
        assert starts(answer) == [len(logs[one])]
        assert ids(answer.unseen) == logs[one][first:]
        assert answer.bases == (at(first).encode() if known < first else b"")
        logs[one] += fresh
        if chance.random() < 0.3:
            cut_at[one] = chance.randint(cut_at[one], len(logs[one]))
            await worker.trim(1, one, down_to(cut_at[one]))


@pytest.fixture
def admin(redis_rig: RedisRig) -> Iterator[TimelineAdmin]:
    found = redis_rig.admin()
    yield found
    found.close()


def captured(epoch: int, *record_ids: int) -> list[LogEntry]:
    """The card's log as captured."""
    return [LogEntry("card", "c1", epoch, i, row(one)) for i, one in enumerate(record_ids)]


async def _cut(rig: RedisRig, epoch: int, index: int) -> None:
    store = rig.worker()
    await store.start()
    assert await store.trim(epoch, key_in(rig, "c1", epoch), down_to(index)) > 0
    await store.stop()


async def _filled(rig: RedisRig) -> None:
    store = rig.worker()
    await store.start()
    await store.ensure_epoch()
    await store.append(call(1, (key_in(rig, "c1"), 0, rows(0, 1, 2, 3, 4))))
    await store.stop()


async def test_check_does_not_look_for_what_was_cut(redis_rig: RedisRig, admin: TimelineAdmin) -> None:
    await _filled(redis_rig)
    await _cut(redis_rig, 1, 3)
    report = await asyncio.to_thread(admin.check, captured(1, 0, 1, 2, 3, 4))
    assert (report.is_whole, report.trimmed, report.records) == (True, 3, 5)
    changed = await asyncio.to_thread(admin.check, captured(1, 0, 1, 2, 3, 9, 10))
    assert changed.findings == (
        Finding("differ", "card", "c1", 1, 4),
        Finding("missing", "card", "c1", 1, 5),
    )
    usage = await asyncio.to_thread(look, admin)
    assert [(u.records, u.bytes) for u in usage.entities] == [(2, 2 * RECORD_BYTES + BASE_BYTES)]


async def test_a_rebuild_lays_all_down_again_and_its_cut_log_is_whole(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await _filled(redis_rig)
    await _cut(redis_rig, 1, 3)
    report = await asyncio.to_thread(rebuild, admin, captured(1, 0, 1, 2, 3), 1)
    assert (report.records, report.copied_over) == (4, 1)
    assert redis_rig.log(key_in(redis_rig, "c1", 2)) == rows(0, 1, 2, 3, 4)
    await _cut(redis_rig, 2, 2)
    whole = await asyncio.to_thread(admin.check, captured(1, 0, 1, 2, 3, 4))
    assert (whole.is_whole, whole.trimmed) == (True, 2)
    lost = await asyncio.to_thread(admin.check, captured(1, 0, 1, 2, 3, 7))
    assert [f.kind for f in lost.findings] == ["missing"]
