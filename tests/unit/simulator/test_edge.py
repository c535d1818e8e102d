"""The command line, the settings, and what the services send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from services.simulator.core.live import LiveWorld
from services.simulator.core.records import Records
from services.simulator.core.world import DAY_MS, World
from services.simulator.edge.command_line import HistoryRequest, parse_command
from services.simulator.edge.status import StatusReports
from services.simulator.edge.traffic import BEHIND_MOST_MS, Traffic
from shared.bus.ports import LogAway
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode, decode_transaction
from shared.contracts.operations import Status
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health

START = 20_000 * DAY_MS


class FakeProducer:
    """Keeps what is sent; confirms at once, or never when ``away``."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes]] = []
        self.away = False

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[Any]:
        if self.away:
            raise KafkaTimeoutError
        self.sent.append((topic, key, value))
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed

    async def send_and_wait(self, topic: str, value: bytes, key: bytes) -> None:
        await (await self.send(topic, value, key))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


KAFKA = KafkaAddress("")


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


@pytest.fixture
def traffic(world: World, clock: FixedClock, producer: FakeProducer) -> Traffic:
    live = LiveWorld(world, START, 100.0, 50_000.0)
    return Traffic(producer, KAFKA, live, Records(world, START, "EUR"), clock, Health(30.0), "shop", 50)


async def test_a_step_sends_what_is_due(traffic: Traffic, clock: FixedClock, producer: FakeProducer) -> None:
    for _ in range(30):
        clock.advance(1000)
        await traffic.step()
    payments = [item for item in producer.sent if item[0] == "shop.transactions"]
    labels = [item for item in producer.sent if item[0] == "shop.labels"]
    assert 2_700 < len(payments) == traffic.sent < 3_300
    assert len(labels) == traffic.labels_sent > 0
    for _, key, value in payments:
        assert decode_transaction(value).account_id.encode() == key


async def test_a_gap_stays_without_payments(
    traffic: Traffic, clock: FixedClock, producer: FakeProducer
) -> None:
    clock.advance(BEHIND_MOST_MS + 1)
    await traffic.step()
    assert traffic.sent == 0
    assert traffic.numbers()["skipped_ms"] == BEHIND_MOST_MS + 1


async def test_a_broker_away_stops_the_play(
    traffic: Traffic, clock: FixedClock, producer: FakeProducer
) -> None:
    producer.away = True
    clock.advance(1000)
    with pytest.raises(LogAway):
        await traffic.step()
    assert traffic.sent == 0


async def test_status_is_said_at_once_and_at_the_end(
    traffic: Traffic, clock: FixedClock, producer: FakeProducer
) -> None:
    reports = StatusReports(producer, KAFKA, traffic, clock, "1", "shop")
    async with reports:
        await asyncio.sleep(0.05)
    words = [decode(Status, value) for topic, _, value in producer.sent if topic == "status"]
    assert [word.state for word in words] == ["starting", "stopping"]
    assert words[0].service == "simulator"
    assert words[0].rss_bytes > 0


async def test_a_last_word_to_nobody_is_no_fault(
    traffic: Traffic, clock: FixedClock, producer: FakeProducer
) -> None:
    reports = StatusReports(producer, KAFKA, traffic, clock, "1", "shop")
    producer.away = True
    await reports.on_stop()


def test_no_command_is_live_traffic() -> None:
    assert parse_command([]) is None


@pytest.mark.parametrize("end", ["1728000000000", "2024-10-04", "2024-10-04T02:00:00+02:00"])
def test_a_history_is_asked_for(end: str) -> None:
    request = parse_command(["history", "--days", "2", "--end", end, "--out", "x"])
    assert request == HistoryRequest(2.0, START, None, None, None, Path("x"))
    assert request.from_ms == START - 2 * DAY_MS


@pytest.mark.parametrize("line", ["history", "past", "history --days 0 --end 1 --out x"])
def test_wrong_use_ends_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_command(line.split())
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
