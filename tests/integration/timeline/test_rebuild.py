"""Rebuild, check and usage against a real server, also with a writer that does not stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from shared.stores.timeline_admin import Finding, LogEntry, TimelineAdmin
from shared.stores.timeline_port import EpochChanged, EpochState
from shared.stores.timeline_rebuild import RebuildFailed, rebuild
from shared.stores.timeline_usage import look
from tests.integration.timeline.rig import (
    LAYOUT,
    PORTFOLIO,
    RECORD_BYTES,
    RedisRig,
    call,
    ends,
    ids,
    key,
    row,
    rows,
    starts,
    write_on,
)


@pytest.fixture
def admin(redis_rig: RedisRig) -> Iterator[TimelineAdmin]:
    found = TimelineAdmin(redis_rig.server.address, PORTFOLIO, RECORD_BYTES, LAYOUT)
    yield found
    found.close()


def entries(entity_id: str, epoch: int, *record_ids: int, first: int = 0) -> list[LogEntry]:
    """A log as captured."""
    return [LogEntry("card", entity_id, epoch, first + i, row(one)) for i, one in enumerate(record_ids)]


async def fill(rig: RedisRig, epoch: int, logs: dict[str, tuple[int, ...]]) -> None:
    store = rig.worker()
    await store.start()
    await store.ensure_epoch()
    await store.append(call(epoch, *[(key(name, epoch), 0, rows(*own)) for name, own in logs.items()]))
    await store.stop()


def test_rebuild_of_an_empty_store_lays_the_captured_logs_down(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    captured = [
        *entries("c1", 3, 1, 2, 1, 3),
        *entries("c1", 4, 2, 4),
        *entries("Zoë:*", 4, 9, first=5),
    ]
    report = rebuild(admin, captured, at_least=4)
    assert (report.epoch, report.logs, report.records, report.repeats, report.copied_over) == (5, 2, 5, 2, 0)
    assert ids(redis_rig.log(key("c1", 5))) == [1, 2, 3, 4]
    assert ids(redis_rig.log(key("Zoë:*", 5))) == [9]
    assert admin.epoch() == EpochState(5, False, LAYOUT)


async def test_rebuild_over_a_rebuilding_epoch_keeps_both_histories_in_order(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {"c1": (1, 2)})
    redis_rig.flush()
    store = redis_rig.worker()
    await store.start()
    state = await store.recover(ends(), at_least=1, held=0, lost=False)
    assert (state.number, state.rebuilding) == (2, True)
    await store.append(call(2, (key("c1", 2), 0, rows(2, 3, 4, 3)), (key("c2", 2), 0, row(7))))
    captured = [*entries("c1", 1, 1, 2), *entries("c1", 2, 2, 3)]
    report = await asyncio.to_thread(rebuild, admin, captured, 2)
    assert ids(redis_rig.log(key("c1", 3))) == [1, 2, 3, 4]
    assert ids(redis_rig.log(key("c2", 3))) == [7]
    assert (report.records, report.copied_over, report.deleted_keys) == (3, 2, 2)
    with pytest.raises(EpochChanged) as caught:
        await store.append(call(2, (key("c1", 2), 4, row(5))))
    assert (caught.value.current, caught.value.frozen) == (3, False)
    await store.start()
    assert await store.epoch() == EpochState(3, False, LAYOUT)
    assert starts(await store.append(call(3, (key("c1", 3), 0, row(5))))) == [4]
    await store.stop()


async def test_rebuild_equals_the_logs_it_came_from(redis_rig: RedisRig, admin: TimelineAdmin) -> None:
    logs = {f"c{i}": tuple(range(i * 1_000, i * 1_000 + i % 40 + 1)) for i in range(1_500)}
    await fill(redis_rig, 1, logs)
    captured = [one for name, own in logs.items() for one in entries(name, 1, *own)]
    report = await asyncio.to_thread(rebuild, admin, captured, 1)
    assert report.copied_over == 0
    assert report.deleted_keys == 1_500
    for name, own in logs.items():
        assert redis_rig.log(key(name, 2)) == rows(*own)


async def test_rebuild_while_a_writer_goes_on_loses_and_reorders_nothing(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    stop, written = asyncio.Event(), list[int]()
    writer = asyncio.create_task(write_on(redis_rig, stop, written))
    number = 1
    for _ in range(5):
        await asyncio.sleep(0.1)
        captured = [
            one
            for i in range(7)
            for one in entries(f"c{i}", number, *ids(redis_rig.log(key(f"c{i}", number)))[:-3])
        ]
        number = (await asyncio.to_thread(rebuild, admin, captured, number)).epoch
    await asyncio.sleep(0.1)
    stop.set()
    await writer
    assert number == 6
    for i in range(7):
        found = ids(redis_rig.log(key(f"c{i}", number)))
        assert list(dict.fromkeys(found)) == [one for one in written if one % 7 == i]
    assert not list(redis_rig.redis.scan_iter("{test.bank:0}:5:*"))


@pytest.mark.parametrize("stage", ["lay", "copy", "freeze", "switch", "delete"])
async def test_rebuild_that_dies_can_be_run_again(
    redis_rig: RedisRig, admin: TimelineAdmin, stage: str
) -> None:
    await fill(redis_rig, 1, {"c1": (1, 2, 3), "c2": (4,)})
    captured = entries("c1", 1, 1, 2)

    def die(at: str, done: int) -> None:
        if at == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(admin, captured, 1, die)
    assert (admin.epoch() == EpochState(1, False, LAYOUT)) == (stage != "switch")
    report = await asyncio.to_thread(rebuild, admin, captured, 1)
    assert ids(redis_rig.log(key("c1", report.epoch))) == [1, 2, 3]
    assert ids(redis_rig.log(key("c2", report.epoch))) == [4]
    kept = {bytes(k) for k in redis_rig.redis.scan_iter()}
    tag = b"{test.bank:0}:"
    assert kept == {key("c1", report.epoch), key("c2", report.epoch)} | {
        tag + name for name in (b"epoch", b"run", b"allotted")
    }


_CHILD = """
import sys, time
from shared.contracts.addresses import RedisAddress
from shared.stores import timeline_rebuild
from shared.stores.timeline_admin import LogEntry, TimelineAdmin
timeline_rebuild.FREEZE_MS = 1_500
def stay(stage, done):
    if stage == "freeze":
        print("frozen", flush=True)
        time.sleep(60)
admin = TimelineAdmin(RedisAddress(sys.argv[1]), "test.bank", 40, "layout-a")
timeline_rebuild.rebuild(admin, [], 1, stay)
"""


async def test_killed_rebuild_holds_workers_up_only_for_a_moment(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {"c1": (1,)})
    root = Path(__file__).parents[3]
    child = subprocess.Popen(  # noqa: ASYNC220 - the test waits for one line of it
        [sys.executable, "-c", _CHILD, redis_rig.server.url], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "frozen\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    store = redis_rig.worker()
    await store.start()
    with pytest.raises(EpochChanged) as caught:
        await store.append(call(1, (key("c1"), 1, row(2))))
    assert caught.value.frozen is True
    await asyncio.sleep(1.6)
    await store.start()
    assert starts(await store.append(call(1, (key("c1"), 1, row(2))))) == [1]
    await store.stop()
    report = await asyncio.to_thread(rebuild, admin, [], 1)
    assert ids(redis_rig.log(key("c1", report.epoch))) == [1, 2]


@pytest.mark.parametrize(
    ("stage", "event"),
    [("freeze", "thaw"), *product(["lay", "copy", "freeze"], ["flush", "another", "epoch"])],
)
def test_rebuild_whose_ground_moved_stops_before_the_switch(
    redis_rig: RedisRig, admin: TimelineAdmin, stage: str, event: str
) -> None:
    redis_rig.redis.set("{test.bank:0}:epoch", f"1 exact {LAYOUT}")
    redis_rig.redis.set(key("c1"), rows(1, 2))
    events: dict[str, Callable[[], object]] = {
        "flush": redis_rig.flush,
        "another": lambda: redis_rig.redis.set("{test.bank:0}:rebuild", b"another"),
        "thaw": lambda: redis_rig.freeze(False),
        "epoch": lambda: redis_rig.redis.set("{test.bank:0}:epoch", f"7 rebuilding {LAYOUT}"),
    }

    def disturb(at: str, done: int) -> None:
        if at == stage:
            events[event]()

    with pytest.raises(RebuildFailed, match="before the switch"):
        rebuild(admin, entries("c1", 1, 1), 1, disturb)
    expected = {"flush": None, "epoch": EpochState(7, True, LAYOUT)}
    assert admin.epoch() == expected.get(event, EpochState(1, False, LAYOUT))


@pytest.mark.parametrize(
    "bad",
    [
        [*entries("c1", 1, 1), *entries("c1", 1, 2)],
        [*entries("c1", 1, 1), *entries("c2", 1, 2), *entries("c1", 1, 3, first=1)],
        [*entries("c1", 2, 1), *entries("c1", 1, 2)],
        entries("c1", 9, 1),
        [LogEntry("card", "c1", 1, 0, b"short")],
    ],
)
def test_entries_out_of_order_are_refused(
    redis_rig: RedisRig, admin: TimelineAdmin, bad: list[LogEntry]
) -> None:
    with pytest.raises(ValueError, match=r"order|together"):
        rebuild(admin, bad, 2)
    assert admin.epoch() is None


async def test_other_layout_is_not_rebuilt_over(redis_rig: RedisRig) -> None:
    await fill(redis_rig, 1, {"c1": (1,)})
    other = TimelineAdmin(redis_rig.server.address, PORTFOLIO, 48, "layout-b")
    with pytest.raises(RebuildFailed, match="layout"):
        rebuild(other, [], 1)
    other.close()


async def test_dead_server_fails_the_rebuild_with_a_reason(own_rig: RedisRig) -> None:
    admin = TimelineAdmin(own_rig.server.address, PORTFOLIO, RECORD_BYTES, LAYOUT)
    with pytest.raises(RebuildFailed, match="before the switch"):
        rebuild(admin, entries("c1", 1, 1), 1, lambda stage, done: own_rig.server.kill())
    admin.close()


async def test_check_names_what_is_missing_unexplained_or_different(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {"c1": (1, 2, 3, 4), "c2": (5,), "c3": (6, 7)})
    changed = LogEntry("card", "c1", 1, 2, row(3, note=1))
    captured = [
        *entries("c1", 1, 1),
        changed,
        *entries("c2", 1, 5, 8),
        *entries("c3", 1, 6),
    ]
    report = admin.check(captured)
    assert set(report.findings) == {
        Finding("gap", "card", "c1", 1, 1),
        Finding("differ", "card", "c1", 1, 2),
        Finding("missing", "card", "c2", 1, 1),
    }
    assert (report.logs, report.records, report.uncaptured_tail) == (3, 5, 2)
    assert not report.is_whole


async def test_check_after_a_rebuild_finds_earlier_epochs_by_id(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {"c1": (1, 2, 1, 3)})
    earlier = entries("c1", 1, 1, 2, 1, 3)
    number = (await asyncio.to_thread(rebuild, admin, earlier, 1)).epoch
    await fill(redis_rig, number, {"c1": (4,)})
    assert admin.check([*earlier, *entries("c1", number, 4, first=3)]).is_whole
    lost = admin.check([*earlier, *entries("c1", 1, 99, first=4), *entries("c1", number, 4, first=3)])
    assert lost.findings == (Finding("missing", "card", "c1", 1, 4),)


async def test_check_of_a_sample_is_the_same_sample_each_time(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {f"c{i}": (i,) for i in range(400)})
    captured = [one for i in range(400) for one in entries(f"c{i}", 1, i)]
    sampled = admin.check(captured, sample_ratio=0.25)
    assert 60 < sampled.logs < 140
    assert sampled == admin.check(captured, sample_ratio=0.25)


async def test_usage_counts_logs_records_and_bytes_per_entity(
    redis_rig: RedisRig, admin: TimelineAdmin
) -> None:
    await fill(redis_rig, 1, {f"c{i}": (1,) * (i + 1) for i in range(50)})
    redis_rig.redis.set(key("t1", 1, "terminal"), rows(1, 2))
    redis_rig.redis.set(key("c1", 9), row(1))
    usage = look(admin)
    card, terminal = usage.entities
    assert (card.entity, card.logs, card.records, card.bytes) == ("card", 50, 1_275, 51_000)
    assert (card.longest_log_id, card.longest_log_records) == ("c49", 50)
    assert (terminal.entity, terminal.records) == ("terminal", 2)
    assert (usage.is_complete, usage.other_epoch_keys, usage.keys) == (True, 1, 55)
    assert usage.used_memory_bytes > 500_000
    assert usage.epoch == EpochState(1, False, LAYOUT)
    assert look(admin, limit_keys=1).is_complete is False
