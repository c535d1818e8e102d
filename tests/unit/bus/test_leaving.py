"""A consumer is let go of also when its own stop is cut short."""

from __future__ import annotations

import asyncio

import pytest

from shared.bus.kafka_producer import KafkaProducer
from shared.bus.leaving import leave
from shared.bus.ports import Place
from shared.contracts.addresses import KafkaAddress


class Client:
    closed = False

    async def close(self) -> None:
        self.closed = True


class Consumer:
    """Stops as it is told: in full, cancelled half-way, or with an error."""

    def __init__(self, outcome: BaseException | None = None) -> None:
        self._client = Client()
        self._outcome = outcome

    async def stop(self) -> None:
        await asyncio.sleep(0)
        if self._outcome is not None:
            raise self._outcome
        await self._client.close()


@pytest.mark.parametrize("outcome", [None, asyncio.CancelledError()])
async def test_the_connection_is_closed_and_the_caller_goes_on(outcome: BaseException | None) -> None:
    consumer = Consumer(outcome)
    await leave(consumer)
    assert consumer._client.closed


async def test_an_error_of_the_stop_is_the_callers() -> None:
    with pytest.raises(OSError, match="gone"):
        await leave(Consumer(OSError("gone")))


async def test_whoever_leaves_can_be_cancelled_and_the_stop_goes_on() -> None:
    consumer = Consumer()
    leaving = asyncio.create_task(leave(consumer))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await asyncio.sleep(0.01)
    assert consumer._client.closed


class Hanging:
    """A producer's own stop waits for a broker that never comes back."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.client, self._sender, self._message_accumulator = self, self, self

    async def stop(self) -> None:
        await asyncio.sleep(60)

    async def close(self) -> None:
        self.ended.append("closed")

    def fail_all(self, error: Exception) -> None:
        self.ended.append("failed")


async def test_a_producer_whose_stop_is_cut_short_is_ended_all_the_same() -> None:
    producer, hanging = KafkaProducer(KafkaAddress("127.0.0.1:1"), "test"), Hanging()
    producer._producer = hanging
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await producer.stop()
    assert hanging.ended == ["closed", "closed", "failed", "closed"]


async def test_who_stops_waiting_for_a_batch_does_not_cancel_it() -> None:
    producer = KafkaProducer(KafkaAddress("127.0.0.1:1"), "test")
    batch: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await producer._confirmed([batch], Place("status", 0))
    assert not batch.done()
