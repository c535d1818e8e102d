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
from services.simulator.core.span import DAY_MS
from services.simulator.core.world import World
from services.simulator.edge.command_line import HistoryRequest, parse_command
from services.simulator.edge.gateway_sink import GatewaySink
from services.simulator.edge.scenario_requests import KEY, ScenarioRequests
from services.simulator.edge.sink import MemorySink, Sent, Sink, SinkAway, TopicSink
from services.simulator.edge.status import StatusReports
from services.simulator.edge.traffic import BEHIND_MOST_MS, Traffic
from shared.client import CallFailed, ItemRefusal, Unavailable
from shared.client import Sent as Receipt
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import decode, decode_activity, decode_transaction, encode
from shared.contracts.operations import ScenarioRequest, Status
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
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def traffic(world: World, clock: FixedClock, sink: MemorySink) -> Traffic:
    live = LiveWorld(world, START, 100.0, 50_000.0)
    return Traffic(sink, live, Records(world, START, "EUR"), clock, Health(30.0), 50)


@pytest.fixture
def requests(traffic: Traffic, clock: FixedClock) -> ScenarioRequests:
    return ScenarioRequests(KAFKA, "shop", traffic, clock)


def request(kind: str = "silent", **kwargs: Any) -> ScenarioRequest:
    given = {"portfolio": "shop", "seconds": 10, **kwargs}
    return ScenarioRequest(v=1, request_id="r", kind=kind, at_ms=START, by="t", **given)  # type: ignore[arg-type]


async def test_a_step_sends_what_is_due(traffic: Traffic, clock: FixedClock, sink: MemorySink) -> None:
    for _ in range(30):
        clock.advance(1000)
        await traffic.step()
    kinds = {kind: [sent for k, sent in sink.taken if k == kind] for kind, _ in sink.taken}
    assert 2_600 < len(kinds["transactions"]) == traffic.sent < 3_300
    numbers = traffic.numbers()
    for kind, records in kinds.items():
        assert numbers[kind] == len(records) > 0
    assert sum(numbers[f"payment.{c}"] for c in ("pos", "online", "transfer")) == traffic.sent
    assert numbers["activity.login"] > 500
    assert all(decode_transaction(x.value).account_id == x.account_id for x in kinds["transactions"])
    assert all(decode_activity(x.value).account_id == x.account_id for x in kinds["activities"])


async def test_activities_of_a_step_go_before_its_payments(
    traffic: Traffic, clock: FixedClock, sink: MemorySink
) -> None:
    clock.advance(1000)
    await traffic.step()
    kinds = [kind for kind, _ in sink.taken]
    assert kinds == sorted(kinds, key=["activities", "transactions", "labels"].index)


async def test_a_gap_stays_without_payments(traffic: Traffic, clock: FixedClock) -> None:
    clock.advance(BEHIND_MOST_MS + 1)
    await traffic.step()
    assert traffic.sent == 0
    assert traffic.numbers()["skipped_ms"] == BEHIND_MOST_MS + 1


async def test_a_sink_away_stops_the_play(traffic: Traffic, clock: FixedClock, sink: MemorySink) -> None:
    sink.is_away = True
    clock.advance(1000)
    with pytest.raises(SinkAway):
        await traffic.step()
    assert traffic.sent == 0


async def test_a_topic_is_keyed_by_account(producer: FakeProducer) -> None:
    sink: Sink = TopicSink(producer, KAFKA, "shop")
    assert await sink.send("activities", [Sent("a-1", b"x"), Sent("a-2", b"y")]) == 0
    assert producer.sent == [("shop.activities", b"a-1", b"x"), ("shop.activities", b"a-2", b"y")]
    producer.away = True
    with pytest.raises(SinkAway):
        await sink.send("labels", [Sent("a-1", b"x")])


class FakeHouse:
    """The client's bulk calls: refuses every payment above 100, fails when ``fails``."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[dict[str, Any]]]] = []
        self.fails: CallFailed | None = None

    async def _take(self, call: str, items: list[dict[str, Any]]) -> Receipt:
        if self.fails is not None:
            raise self.fails
        self.calls.append((call, items))
        bad = [i for i, item in enumerate(items) if item.get("amount_minor", 0) > 100]
        refused = tuple(ItemRefusal(index=i, id="x", code="field_range", field="", message="") for i in bad)
        return Receipt(items=len(items), accepted=len(items) - len(bad), refused=refused)

    async def send_transactions(self, items: list[dict[str, Any]]) -> Receipt:
        return await self._take("transactions", items)

    async def send_activities(self, items: list[dict[str, Any]]) -> Receipt:
        return await self._take("activities", items)

    async def send_labels(self, items: list[dict[str, Any]]) -> Receipt:
        return await self._take("labels", items)

    async def close(self) -> None: ...


async def test_the_front_door_gets_the_same_records_and_may_refuse_some() -> None:
    house = FakeHouse()
    sink: Sink = GatewaySink(house)
    payments = [Sent("a-1", b'{"amount_minor":50}'), Sent("a-2", b'{"amount_minor":500}')]
    assert await sink.send("transactions", payments) == 1
    assert await sink.send("activities", [Sent("a-1", b'{"kind":"login"}')]) == 0
    assert house.calls[0] == ("transactions", [{"amount_minor": 50}, {"amount_minor": 500}])
    assert house.calls[1] == ("activities", [{"kind": "login"}])


async def test_a_front_door_that_is_full_ends_the_play_with_its_reason() -> None:
    house = FakeHouse()
    house.fails = Unavailable("over_capacity")
    with pytest.raises(SinkAway, match="over_capacity"):
        await GatewaySink(house).send("labels", [Sent("a-1", b"{}")])


async def test_status_is_said_at_once_and_at_the_end(
    traffic: Traffic, requests: ScenarioRequests, clock: FixedClock, producer: FakeProducer
) -> None:
    requests.take(KEY, encode(request("burst", factor=3.0)))
    reports = StatusReports(producer, KAFKA, traffic, requests, clock, Health(30), "1", "shop")
    async with reports:
        await asyncio.sleep(0.05)
    words = [decode(Status, value) for topic, _, value in producer.sent if topic == "status"]
    assert [word.state for word in words] == ["starting", "stopping"]
    assert words[0].service == "simulator"
    assert words[0].detail == "burst: rate x 3"
    assert words[0].numbers["scenario_left_s"] == 10
    assert words[0].rss_bytes > 0


async def test_a_last_word_to_nobody_is_no_fault(
    traffic: Traffic, requests: ScenarioRequests, clock: FixedClock, producer: FakeProducer
) -> None:
    reports = StatusReports(producer, KAFKA, traffic, requests, clock, Health(30), "1", "shop")
    producer.away = True
    await reports.on_stop()


async def test_a_request_silences_a_caller_until_it_is_over(
    traffic: Traffic, requests: ScenarioRequests, clock: FixedClock, sink: MemorySink
) -> None:
    requests.take(KEY, encode(request("silent", caller="checkout")))
    callers = []
    for _ in range(2):
        sink.taken.clear()
        for _ in range(12):
            clock.advance(1000)
            await traffic.step()
        callers.append(
            {decode_transaction(s.value).caller for k, s in sink.taken[:1000] if k == "transactions"}
        )
    assert "checkout" not in callers[0]
    assert "checkout" in callers[1]
    assert traffic.scenario() == ""


async def test_a_request_is_taken_back(traffic: Traffic, requests: ScenarioRequests) -> None:
    requests.take(KEY, encode(request("attack", pattern="card_testing")))
    assert traffic.scenario() == "attack: card_testing x 10"
    requests.take(KEY, encode(request("stop")))
    assert traffic.scenario() == ""


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        (b"training", b"{}", {}),
        (KEY, None, {"not_json": 1}),
        (KEY, encode(request("attack", pattern="magic")), {"field_range": 1}),
        (KEY, encode(request(portfolio="other")), {"field_range": 1}),
    ],
)
async def test_other_and_bad_requests_change_nothing(
    key: bytes, value: bytes | None, refused: dict[str, int], traffic: Traffic, requests: ScenarioRequests
) -> None:
    requests.take(key, value)
    assert requests.refused == refused
    assert traffic.scenario() == ""


def test_no_command_is_live_traffic() -> None:
    assert parse_command([]) is None


@pytest.mark.parametrize("end", ["1728000000000", "2024-10-04", "2024-10-04T02:00:00+02:00"])
def test_a_history_is_asked_for(end: str) -> None:
    request = parse_command(["history", "--days", "2", "--end", end, "--out", "x"])
    assert request == HistoryRequest(2.0, START, None, None, None, Path("x"), progress=False)
    assert request.from_ms == START - 2 * DAY_MS


@pytest.mark.parametrize("line", ["history", "past", "history --days 0 --end 1 --out x"])
def test_wrong_use_ends_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_command(line.split())
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
