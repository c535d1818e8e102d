"""How fast the monitor counts: its core alone, its whole intake, and its lag: ``python -m
tests.bench.monitor``."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psutil
from msgspec.structs import replace

from infra.local.kafka import KafkaServer
from services.monitor.core.counting import Counts
from shared.bus.kafka_producer import KafkaProducer
from shared.bus.ports import Outgoing, Place
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.topics import TOPICS
from shared.stores.database import DatabaseAway
from shared.stores.monitor_tables import DECISIONS, PROGRESS
from tests.support.lake_messages import T0_MS, FakeMessage
from tests.support.monitor_process import MonitorProcess
from tests.support.monitor_records import some_decisions, some_predictions
from tests.support.topics import create_topics

CORE = 20_000
BACKLOG = 150_000
LIVE_PER_S = 5_000
LIVE_S = 30
STEP_S = 0.02
LOOK_EVERY = 5
SHARE = 2_000


def core() -> None:
    """Decisions and predictions in shares of 500, as many of each."""
    pairs = [
        (encode(d), encode(p)) for d, p in zip(some_decisions(CORE), some_predictions(CORE), strict=True)
    ]
    decisions = [FakeMessage("d", 0, i, d, T0_MS + i) for i, (d, _) in enumerate(pairs)]
    predictions = [FakeMessage("p", 0, i, p, T0_MS + i) for i, (_, p) in enumerate(pairs)]
    counts, started = Counts(), time.process_time()
    for start in range(0, CORE, 500):
        counts.count_decisions(decisions[start : start + 500])
        counts.count_predictions(predictions[start : start + 500])
    taken = time.process_time() - started
    print(f"core: {CORE / taken:,.0f} decisions/s with their predictions ({taken / CORE * 1e6:.1f} us each)")


def backlog(monitor: MonitorProcess, bodies: list[tuple[bytes, bytes]]) -> None:
    """From a cold start to all of it in SQL."""
    asyncio.run(produce(monitor, bodies, BACKLOG))
    monitor.start()
    monitor.wait_reading()
    assert monitor.process is not None
    process = psutil.Process(monitor.process.pid)
    cpu, started = cpu_of(process), time.monotonic()
    while next_offset(monitor) < 2 * BACKLOG:
        time.sleep(0.05)
    wall, used = time.monotonic() - started, cpu_of(process) - cpu
    rate = f"{BACKLOG / wall:,.0f} decisions/s by the clock, {BACKLOG / used:,.0f} per CPU second"
    print(
        f"intake: {BACKLOG:,} decisions and as many predictions: {rate}; {process.memory_info().rss >> 20} MB"
    )


async def live(monitor: MonitorProcess, bodies: list[tuple[bytes, bytes]]) -> None:
    """`LIVE_PER_S` for `LIVE_S` seconds: how much older the newest counted record is than the newest sent."""
    assert monitor.process is not None
    process = psutil.Process(monitor.process.pid)
    producer = await connected(monitor)
    sent: list[tuple[float, int]] = []
    lags: list[float] = []
    total, base = 0, next_offset(monitor)
    cpu, own, started = cpu_of(process), time.process_time(), time.monotonic()
    while (now := time.monotonic() - started) < LIVE_S:
        due = int(now * LIVE_PER_S)
        await send(monitor, producer, bodies, total, due)
        total = due
        sent.append((now, 2 * total))
        if len(sent) % LOOK_EVERY == 0:
            counted = next_offset(monitor) - base
            lags.append(now - next((at for at, upto in sent if upto > counted), now))
        await asyncio.sleep(STEP_S)
    used, own = (cpu_of(process) - cpu) / LIVE_S, (time.process_time() - own) / LIVE_S
    await producer.stop()
    lags.sort()
    print(
        f"live: {total / LIVE_S:,.0f} decisions/s for {LIVE_S} s: lag p50 {lags[len(lags) // 2]:.2f} s, "
        f"max {lags[-1]:.2f} s; {used:.0%} of a core (who sends: {own:.0%})"
    )


async def produce(monitor: MonitorProcess, bodies: list[tuple[bytes, bytes]], number: int) -> None:
    """``number`` of each kind, on two partitions."""
    producer = await connected(monitor)
    for first in range(0, number, SHARE):
        await send(monitor, producer, bodies, first, min(first + SHARE, number))
    await producer.stop()


async def connected(monitor: MonitorProcess) -> KafkaProducer:
    """Our own producer, whole batches at once: a record at a time costs whoever sends a core at this rate."""
    producer = KafkaProducer(KafkaAddress(monitor.bootstrap), "bench")
    await producer.start()
    return producer


async def send(
    monitor: MonitorProcess, producer: KafkaProducer, bodies: list[tuple[bytes, bytes]], first: int, stop: int
) -> None:
    """Decisions ``first`` to ``stop`` and their predictions, a batch for each partition; confirmed."""
    standing = []
    for at, topic in enumerate(("decisions", "predictions")):
        for partition in (0, 1):
            rows = [i for i in range(first, stop) if i % 2 == partition]
            batch = [Outgoing(None, bodies[i % len(bodies)][at], ()) for i in rows]
            if batch:
                place = Place(f"{monitor.portfolio}.{topic}", partition)
                standing.append(await producer.send(place, batch))
    for confirmation in standing:
        await confirmation


def next_offset(monitor: MonitorProcess) -> int:
    """Records that are counted, by the offsets that stand."""
    try:
        with monitor.database() as database, database.reading() as sql:
            return sum(row.next_offset for row in sql.execute(PROGRESS.select()))
    except DatabaseAway:
        return 0


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds that it has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Core, then a monitor of its own on a broker of its own."""
    core()
    now_ms = time.time_ns() // 1_000_000
    decisions = [replace(d, model="trees@1") for d in some_decisions(5_000, 1, now_ms - 300_000)]
    bodies = [(encode(d), encode(p)) for d, p in zip(decisions, some_predictions(5_000, 1), strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer(Path(folder) / "kafka")
        server.start()
        try:
            portfolio = f"bench{uuid4().hex[:6]}"
            create_topics(server.bootstrap, portfolio, *[card.name for card in TOPICS])
            monitor = MonitorProcess(server.bootstrap, portfolio, Path(folder), {"WRITE_EVERY_MS": "500"})
            backlog(monitor, bodies)
            asyncio.run(live(monitor, bodies))
            with monitor.database() as database, database.reading() as sql:
                print(f"rows of decisions: {len(sql.execute(DECISIONS.select()).all()):,}")
            monitor.stop(signal.SIGTERM)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
