"""Records to Kafka: confirmed or told, taken back in time, bounded, and alive again after a bad time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from services.gateway.edge import publisher as room
from services.gateway.edge.publisher import PIECE, Publisher
from shared.bus.ports import Batch, LogAway, Outgoing, Place
from shared.contracts.access import AccessRefused
from tests.support.front_door import Broker, BrokerProducer, Scorer, until

PLACE = Place("bank.transactions", 0)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest_asyncio.fixture
async def publisher(broker: Broker) -> AsyncIterator[Publisher]:
    made = Publisher(lambda: BrokerProducer(broker, Scorer("nobody")))
    await made.start()
    yield made
    broker.recover()
    await made.stop()


def values(broker: Broker, place: Place = PLACE) -> list[bytes]:
    return [taken.value or b"" for taken in broker.log.partitions[place]]


def sending(publisher: Publisher, value: bytes) -> asyncio.Future[None]:
    return asyncio.ensure_future(publisher.publish(PLACE, [Outgoing(b"k", value)]))


async def test_what_comes_while_a_batch_is_on_its_way_goes_together_in_order(
    broker: Broker, publisher: Publisher
) -> None:
    broker.is_slow = True
    calls = [sending(publisher, b"%d" % n) for n in range(5)]
    await until(lambda: broker.held)
    assert values(broker) == [b"0", b"1", b"2", b"3", b"4"][: len(values(broker))]
    broker.recover()
    await asyncio.gather(*calls)
    assert values(broker) == [b"0", b"1", b"2", b"3", b"4"]


async def test_who_gives_up_before_the_batch_went_takes_the_records_back(
    broker: Broker, publisher: Publisher
) -> None:
    broker.is_slow = True
    first = sending(publisher, b"first")
    await until(lambda: broker.held)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(publisher.publish(PLACE, [Outgoing(b"k", b"given up")]), 0.05)
    kept = sending(publisher, b"kept")
    await asyncio.sleep(0)
    broker.recover()
    await asyncio.gather(first, kept)
    assert values(broker) == [b"first", b"kept"]


async def test_a_producer_that_failed_is_replaced_and_all_who_waited_on_it_are_told(
    broker: Broker, publisher: Publisher
) -> None:
    broker.is_slow = True
    call = sending(publisher, b"lost")
    await until(lambda: broker.held)
    broker.fail_held()
    with pytest.raises(LogAway):
        await call
    assert publisher.is_away
    broker.recover()
    await until(lambda: not publisher.is_away)
    await publisher.publish(PLACE, [Outgoing(b"k", b"later")])
    assert broker.producers == 2


async def test_nothing_is_queued_while_kafka_leaves_us_waiting(
    broker: Broker, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SLOW_S", 0.05)
    broker.is_slow = True
    stuck = sending(publisher, b"stuck")
    await until(lambda: publisher.is_away)
    for _ in range(1_000):
        with pytest.raises(LogAway):
            await publisher.publish(PLACE, [Outgoing(b"k", b"more")])
    assert sum(map(len, publisher._waiting.values())) == 0
    broker.recover()
    await stuck
    assert not publisher.is_away
    assert values(broker) == [b"stuck"]


async def test_a_slow_partition_does_not_hold_up_another(broker: Broker, publisher: Publisher) -> None:
    broker.is_slow = True
    stuck = sending(publisher, b"stuck")
    await until(lambda: broker.held)
    broker.is_slow = False
    await publisher.publish(Place(PLACE.topic, 1), [Outgoing(b"k", b"other")])
    assert not stuck.done()
    broker.recover()
    await stuck


async def test_one_record_does_not_wait_for_all_of_a_large_load(broker: Broker, publisher: Publisher) -> None:
    broker.is_slow = True
    load = [Outgoing(b"k", b"%d" % n) for n in range(3 * PIECE)]
    loading = asyncio.ensure_future(publisher.publish_each({PLACE: load}))
    await until(lambda: broker.held)
    one = sending(publisher, b"one")
    await asyncio.sleep(0)
    broker.recover()
    await asyncio.gather(loading, one)
    found = values(broker)
    assert found.index(b"one") == PIECE
    assert [value for value in found if value != b"one"] == [record.value for record in load]


class BrokenProducer:
    """A producer with a defect of our own."""

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to disconnect."""

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        """Fail as no port may."""
        await asyncio.sleep(0.01)
        raise ValueError(place)


async def _all_told(make: Callable[[], BrokenProducer]) -> list[BaseException | None]:
    publisher = Publisher(make)
    await publisher.start()
    first = sending(publisher, b"1")
    await asyncio.sleep(0)
    second = sending(publisher, b"2")
    await asyncio.sleep(0.001)
    third = sending(publisher, b"3")
    async with asyncio.timeout(2):
        found = await asyncio.gather(first, second, third, return_exceptions=True)
    await publisher.stop()
    return list(found)


async def test_a_defect_leaves_nobody_waiting() -> None:
    assert all(isinstance(outcome, LogAway) for outcome in await _all_told(BrokenProducer))


class RefusedProducer(BrokenProducer):
    """A producer whose principal may not write."""

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        """Refused."""
        raise AccessRefused(f"access_refused: {place.topic}")


async def test_a_right_that_was_taken_away_ends_the_service_by_its_name() -> None:
    publisher = Publisher(RefusedProducer)
    await publisher.start()
    with pytest.raises(LogAway):
        await sending(publisher, b"1")
    await until(lambda: publisher.crashed)
    assert isinstance(publisher.crash_reason, AccessRefused)
    await publisher.stop()


class StuckProducer(BrokenProducer):
    """A producer that would wait for its broker until the end of time."""

    async def stop(self) -> None:
        """Wait."""
        await asyncio.Event().wait()


async def test_a_broker_that_is_away_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "STOP_S", 0.01)
    publisher = Publisher(StuckProducer)
    await publisher.start()
    async with asyncio.timeout(5):
        await publisher.stop()
