"""The load protocol: order, ticks on every partition, an end on every partition."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiokafka.partitioner import DefaultPartitioner

from services.scorer.core.intake import TICK_END_MS, load_of, read_tick
from shared.bus.loader import LANES, TICK_EVERY_MS, Loader, Partitions, Rows
from shared.bus.memory import MemoryLog, MemoryProducer
from shared.bus.ports import Place, Taken
from shared.contracts.headers import LOAD, TICK

HOUR = TICK_EVERY_MS
COUNTS = dict.fromkeys(LANES, 4)


def _rows(lane: str, times: Sequence[int]) -> Rows:
    keys = [f"a{i % 7}".encode() for i in range(len(times))]
    return Rows(lane, times, keys, [b"%d" % t for t in times])


def _read(log: MemoryLog, lane: str, partition: int) -> list[Taken]:
    return log.partitions[Place(f"p.{lane}", partition)]


async def _load(steps: list[tuple[list[Rows], int]]) -> tuple[MemoryLog, Loader]:
    log = MemoryLog()
    loader = Loader(MemoryProducer(log), "p", "l1", COUNTS)
    for parts, until_ms in steps:
        await loader.send(parts, until_ms)
    await loader.end()
    return log, loader


async def test_every_partition_of_every_lane_ends() -> None:
    log, _ = await _load([([_rows("transactions", [5])], 5)])
    for lane in LANES:
        for partition in range(4):
            last = _read(log, lane, partition)[-1]
            load, tick = _headers(last)
            assert read_tick(load, tick or b"").reached_ms == TICK_END_MS
            assert not last.value


async def test_ticks_keep_their_promise_and_come_each_hour() -> None:
    times = [10 * HOUR + i * (HOUR // 3) for i in range(40)]
    first = [_rows("transactions", times[:20]), _rows("labels", [10 * HOUR, 12 * HOUR])]
    log, loader = await _load([(first, times[19]), ([_rows("transactions", times[20:])], times[-1])])
    for lane in LANES:
        for partition in range(4):
            reached = 0
            for message in _read(log, lane, partition)[:-1]:
                load, tick = _headers(message)
                assert load == b"l1"
                if tick is not None:
                    reached = read_tick(load, tick).reached_ms
                else:
                    assert int(message.value or b"0") >= reached
            assert reached == times[-1] // HOUR * HOUR
    ticks = [m for m in _read(log, "transactions", 0) if dict(m.headers).get(TICK)]
    assert len(ticks) == 1 + times[-1] // HOUR - times[0] // HOUR + 1
    assert loader.sent == {"transactions": 40, "labels": 2, "activities": 0}


async def test_a_gap_of_days_takes_one_tick() -> None:
    log, _ = await _load([([_rows("transactions", [HOUR, 1000 * HOUR])], 1000 * HOUR)])
    assert len(_read(log, "activities", 0)) == 2  # one tick, one end


async def test_records_of_an_account_stay_in_order_on_kafkas_own_partition() -> None:
    times = list(range(1000, 1200))
    log, _ = await _load([([_rows("transactions", times)], 1200)])
    seen = 0
    for partition in range(4):
        records = [m for m in _read(log, "transactions", partition) if m.value]
        assert [int(m.value or b"") for m in records] == sorted(int(m.value or b"") for m in records)
        assert all(DefaultPartitioner()(m.key, [0, 1, 2, 3], [0, 1, 2, 3]) == partition for m in records)
        assert all(dict(m.headers)[LOAD] == b"l1" for m in records)
        seen += len(records)
    assert seen == 200


async def test_unconfirmed_batches_are_bounded() -> None:
    log = MemoryLog()
    producer = MemoryProducer(log, hold=True)
    loader = Loader(producer, "p", "l1", COUNTS)
    import asyncio

    async def send_all() -> None:
        for i in range(40):
            await loader.send([_rows("transactions", [i * HOUR + j for j in range(8)])], i * HOUR + 8)

    task = asyncio.create_task(send_all())
    for _ in range(200):
        await asyncio.sleep(0)
    assert not task.done()
    while not task.done():
        producer.release()
        await asyncio.sleep(0)


def test_unequal_partition_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="partition counts"):
        Loader(MemoryProducer(MemoryLog()), "p", "l", {**COUNTS, "labels": 2})


def test_the_memory_of_partitions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.loader.CACHED_KEYS", 3)
    partitions = Partitions(4)
    first = [partitions[b"k%d" % i] for i in range(10)]
    assert [partitions[b"k%d" % i] for i in range(10)] == first
    assert len(partitions) <= 4


def _headers(message: Taken) -> tuple[bytes | None, bytes | None]:
    return load_of(message)
