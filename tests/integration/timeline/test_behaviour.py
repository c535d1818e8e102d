"""What every timeline store promises, over both adapters."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count

import pytest

from shared.stores.timeline_keys import bucket_in
from shared.stores.timeline_port import (
    AppendCall,
    CapturedEnd,
    EpochChanged,
    StateLost,
    StoreAway,
    StoreRefused,
    TimelineStore,
)
from tests.integration.timeline.rig import (
    PORTFOLIO,
    Cache,
    Rig,
    call,
    ends,
    ids,
    key,
    key_in,
    reply,
    row,
    rows,
    starts,
    state_of,
)

CARD = key("c1")


@pytest.fixture
async def worker(rig: Rig) -> AsyncIterator[TimelineStore]:
    """A worker on a new epoch 1."""
    store = rig.worker()
    assert await store.start() is False
    assert await store.ensure_epoch() == state_of(rig, 1)
    yield store
    await store.stop()


async def test_reply_names_first_index_and_what_the_caller_had_not_seen(
    rig: Rig, worker: TimelineStore
) -> None:
    first = await worker.append(
        call(1, (key_in(rig, "c1"), 0, rows(1, 2)), (key_in(rig, "t1", entity="terminal"), 0, row(1)))
    )
    second = await worker.append(
        call(1, (key_in(rig, "c1"), 1, row(3)), (key_in(rig, "t1", entity="terminal"), 0, row(4)))
    )
    assert first == reply((0, b""), (0, b""))
    assert second == reply((2, row(2)), (1, row(1)))


async def test_two_writers_see_each_other_in_one_order(rig: Rig, worker: TimelineStore) -> None:
    other = rig.worker()
    await other.start()
    await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))
    seen_by_other = await other.append(call(1, (key_in(rig, "c1"), 0, row(2))))
    seen_by_first = await worker.append(call(1, (key_in(rig, "c1"), 1, row(3))))
    assert seen_by_other == reply((1, row(1)))
    assert seen_by_first == reply((2, row(2)))
    assert ids(rig.log(key_in(rig, "c1"))) == [1, 2, 3]
    await other.stop()


async def test_calls_go_out_at_once_and_answers_come_in_order(rig: Rig, worker: TimelineStore) -> None:
    waiting = [worker.append(call(1, (key_in(rig, "c1"), 0, row(i)))) for i in range(20)]
    replies = await asyncio.gather(*waiting)
    assert [starts(answer) for answer in replies] == [[i] for i in range(20)]
    assert replies[19].unseen == rows(*range(19))


@pytest.mark.parametrize("logs", [1, 199, 200, 201, 400, 1_001])
async def test_any_number_of_logs_fits_in_one_call(rig: Rig, worker: TimelineStore, logs: int) -> None:
    keys = [key_in(rig, f"c{i}") for i in range(logs)]
    await worker.append(call(1, *[(k, 0, row(i)) for i, k in enumerate(keys)]))
    answer = await worker.append(call(1, *[(k, i % 2, rows(1, 2)) for i, k in enumerate(keys)]))
    assert answer == reply(*[(1, b"" if i % 2 else row(i)) for i in range(logs)])
    assert ids(rig.log(keys[-1])) == [logs - 1, 1, 2]


async def test_empty_call_is_answered(worker: TimelineStore) -> None:
    assert await worker.append(call(1)) == reply()


async def test_count_zero_reads_and_leaves_no_trace(rig: Rig, worker: TimelineStore) -> None:
    await worker.append(call(1, (key_in(rig, "c1"), 0, rows(1, 2))))
    answer = await worker.append(
        call(1, (key_in(rig, "c1"), 1, b""), (key_in(rig, "t1", entity="terminal"), 0, b""))
    )
    assert answer == reply((2, row(2)), (0, b""))
    assert rig.log(key_in(rig, "t1", entity="terminal")) == b""


@pytest.mark.parametrize(
    "entity_id", ["Zoë 💳 مرحبا", "a:b:{c}*?[d]\\", "line\r\n$3\r\nend", "\x01\x7f", "x" * 10_000, ""]
)
async def test_ids_of_any_characters_are_logs_of_their_own(
    rig: Rig, worker: TimelineStore, entity_id: str
) -> None:
    await worker.append(
        call(1, (key_in(rig, entity_id), 0, row(1)), (key_in(rig, entity_id + "2"), 0, row(2)))
    )
    assert ids(rig.log(key_in(rig, entity_id))) == [1]


async def test_other_epoch_is_refused_and_nothing_appended(rig: Rig, worker: TimelineStore) -> None:
    with pytest.raises(EpochChanged) as caught:
        await worker.append(call(2, (key_in(rig, "c1"), 0, row(1))))
    assert (caught.value.current, caught.value.frozen) == (1, False)
    assert rig.log(key_in(rig, "c1")) == b""


async def test_frozen_epoch_is_refused_until_it_thaws(rig: Rig, worker: TimelineStore) -> None:
    rig.freeze(True)
    with pytest.raises(EpochChanged) as caught:
        await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))
    assert (caught.value.current, caught.value.frozen) == (1, True)
    rig.freeze(False)
    assert await worker.start() is False
    assert starts(await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))) == [0]


async def test_log_shorter_than_known_is_a_loss_and_nothing_appended(rig: Rig, worker: TimelineStore) -> None:
    card = key_in(rig, "c1")
    beside = next(
        k
        for k in (key_in(rig, f"d{i}") for i in count())
        if bucket_in(PORTFOLIO, k) == bucket_in(PORTFOLIO, card)
    )
    await worker.append(call(1, (card, 0, row(1))))
    with pytest.raises(StateLost) as caught:
        await worker.append(call(1, (beside, 0, row(2)), (card, 2, row(2))))
    assert caught.value.key == card
    assert (ids(rig.log(card)), rig.log(beside)) == ([1], b"")


async def test_store_without_epoch_is_a_loss(rig: Rig, worker: TimelineStore) -> None:
    rig.flush()
    with pytest.raises(StateLost) as caught:
        await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))
    assert caught.value.key == b""
    await worker.start()
    with pytest.raises(StateLost):
        await worker.epoch()


async def test_after_an_error_the_store_is_away_until_started_again(rig: Rig, worker: TimelineStore) -> None:
    with pytest.raises(EpochChanged):
        await worker.append(call(9, (key_in(rig, "c1"), 0, row(1))))
    with pytest.raises(StoreAway) as caught:
        await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))
    assert caught.value.maybe_applied is False
    await worker.start()
    assert starts(await worker.append(call(1, (key_in(rig, "c1"), 0, row(1))))) == [0]


@pytest.mark.parametrize(
    "bad", [AppendCall(1, [CARD], [0], [2], row(1)), AppendCall(1, [CARD], [], [1], row(1))]
)
async def test_call_that_does_not_fit_together_is_refused(worker: TimelineStore, bad: AppendCall) -> None:
    with pytest.raises(ValueError, match=r"records of|differ in length"):
        worker.append(bad)


async def test_first_epoch_is_made_once(rig: Rig, worker: TimelineStore) -> None:
    other = rig.worker()
    await other.start()
    assert await other.ensure_epoch() == await worker.epoch() == state_of(rig, 1)
    await other.stop()


async def test_other_layout_is_refused_at_start(rig: Rig, worker: TimelineStore) -> None:
    with pytest.raises(StoreRefused, match="layout"):
        await rig.worker("layout-b").start()


async def test_other_number_of_buckets_is_refused_at_start(rig: Rig, worker: TimelineStore) -> None:
    with pytest.raises(StoreRefused, match="buckets"):
        await rig.worker(buckets=rig.buckets + 1).start()
    with pytest.raises(StoreRefused, match=f"lie in {rig.buckets} buckets, state_buckets says 3"):
        await rig.worker(buckets=3).start()


async def test_restart_without_loss_goes_on_in_the_same_epoch(rig: Rig, worker: TimelineStore) -> None:
    await worker.append(call(1, (key_in(rig, "c1"), 0, rows(1, 2))))
    rig.restart()
    with pytest.raises(StoreAway):
        await worker.append(call(1, (key_in(rig, "c1"), 2, row(3))))
    newcomer = rig.worker()
    assert await newcomer.start() is True
    assert await worker.start() is True
    captured = ends(CapturedEnd("card", "c1", 1, 1))
    state = await newcomer.recover(captured, at_least=1, held=0, lost=False)
    assert state == state_of(rig, 1)
    assert await newcomer.start() is False
    assert starts(await worker.append(call(1, (key_in(rig, "c1"), 2, row(3))))) == [2]
    await newcomer.stop()


async def test_log_shorter_than_captured_ends_the_epoch(rig: Rig, worker: TimelineStore) -> None:
    await worker.append(call(1, (key_in(rig, "c1"), 0, rows(1, 2))))
    captured = ends(CapturedEnd("card", "c1", 1, 0), CapturedEnd("card", "c1", 1, 2))
    state = await worker.recover(captured, at_least=1, held=1, lost=False)
    assert state == await worker.epoch() == state_of(rig, 2, rebuilding=True)
    with pytest.raises(EpochChanged):
        await worker.append(call(1, (key_in(rig, "c1"), 0, row(3))))


async def test_lost_store_gets_an_epoch_above_every_one_seen(rig: Rig, worker: TimelineStore) -> None:
    rig.flush()
    captured = ends(CapturedEnd("card", "c1", 4, 7), CapturedEnd("card", "c1", 6, 7))
    state = await worker.recover(captured, at_least=5, held=1, lost=True)
    assert state == state_of(rig, 7, rebuilding=True)


async def test_store_behind_the_captures_is_not_trusted(rig: Rig, worker: TimelineStore) -> None:
    state = await worker.recover(ends(), at_least=3, held=0, lost=False)
    assert state == state_of(rig, 4, rebuilding=True)


async def test_store_without_any_history_starts_exact(rig: Rig) -> None:
    store = rig.worker()
    await store.start()
    assert await store.recover(ends(), at_least=0, held=0, lost=False) == state_of(rig, 1)
    assert await store.start() is False
    await store.stop()


async def test_workers_that_recover_together_agree(rig: Rig, worker: TimelineStore) -> None:
    workers = [rig.worker() for _ in range(4)]
    for one in workers:
        await one.start()
    rig.flush()
    states = await asyncio.gather(*[one.recover(ends(), at_least=1, held=1, lost=True) for one in workers])
    assert states == [state_of(rig, 2, rebuilding=True)] * 4
    for one in workers:
        await one.stop()


@pytest.mark.parametrize("seed", range(5))
async def test_random_traffic_of_two_workers_equals_plain_lists(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    workers = [(rig.worker(), Cache()) for _ in range(2)]
    for store, _ in workers:
        await store.start()
        await store.ensure_epoch()
    expected: dict[bytes, list[int]] = {}
    for step in range(150):
        store, cache = chance.choice(workers)
        asked = []
        for log_key in chance.sample([key_in(rig, f"c{i}") for i in range(8)], chance.randint(1, 5)):
            fresh = [step * 10 + i for i in range(chance.randint(0, 3))]
            expected.setdefault(log_key, []).extend(fresh)
            asked.append((log_key, chance.randint(0, cache.known(log_key)), rows(*fresh)))
        request = call(1, *asked)
        cache.absorb(request, await store.append(request))
    for store, cache in workers:
        request = call(1, *[(k, cache.known(k), b"") for k in expected])
        cache.absorb(request, await store.append(request))
        assert {k: ids(bytes(cache.logs[k])) for k in expected} == expected
        await store.stop()
