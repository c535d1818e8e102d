"""Both consumers on what `behind` tells: records that stand, were not taken and are not paused."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from infra.local.kafka import KafkaServer
from shared.bus.kafka_consumer import KafkaConsumer
from shared.bus.memory import MemoryConsumer, MemoryLog
from shared.bus.ports import Consumer, Outgoing, Place, Rebalance
from shared.bus.sync import produce_confirmed
from shared.contracts.addresses import KafkaAddress
from tests.support.topics import create_topics

WAIT_S: Final = 20.0


@dataclass
class Rig:
    """A consumer that owns ``places``, and how to put one record on a partition."""

    consumer: Consumer
    places: list[Place]
    put: Callable[[Place], object]


@asynccontextmanager
async def in_memory(_: str) -> AsyncIterator[Rig]:
    """The log of the simulation."""
    log, places = MemoryLog(), [Place("transactions", p) for p in range(2)]
    consumer = MemoryConsumer(log, "group", places, Rebalance(_nothing, _nothing))
    await consumer.start()
    yield Rig(consumer, places, lambda place: log.append(place, Outgoing(b"k", b"v")))
    await consumer.stop()


@asynccontextmanager
async def on_kafka(bootstrap: str) -> AsyncIterator[Rig]:
    """A topic of two partitions on the broker, all of it the one member's."""
    portfolio = f"b{uuid.uuid4().hex[:10]}"
    await asyncio.to_thread(create_topics, bootstrap, portfolio, "transactions")
    places = [Place(f"{portfolio}.transactions", p) for p in range(2)]
    consumer = KafkaConsumer(
        KafkaAddress(bootstrap),
        f"{portfolio}.group",
        [places[0].topic],
        portfolio,
        Rebalance(_nothing, _nothing),
    )
    await consumer.start()
    try:
        yield Rig(
            consumer, places, lambda place: produce_confirmed(KafkaAddress(bootstrap), place, b"k", b"v")
        )
    finally:
        await consumer.stop()


async def _nothing(_: set[Place]) -> None:
    """Whatever comes or goes."""


async def _take_one(consumer: Consumer) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await consumer.take(1, 100):
            pass


@pytest.mark.parametrize("kind", [in_memory, on_kafka])
async def test_behind_are_partitions_with_records_that_were_not_taken(
    kind: Callable[[str], AbstractAsyncContextManager[Rig]], kafka_server: KafkaServer
) -> None:
    async with kind(kafka_server.bootstrap) as rig:
        consumer, (first, second) = rig.consumer, rig.places
        assert await consumer.behind() == set()
        for _ in range(2):
            await asyncio.to_thread(rig.put, second)
        assert await consumer.behind() == {second}
        await _take_one(consumer)
        assert await consumer.behind() == {second}
        await _take_one(consumer)
        assert await consumer.behind() == set()

        consumer.pause({second})
        for place in (first, second):
            await asyncio.to_thread(rig.put, place)
        assert await consumer.behind() == {first}
        consumer.resume({second})
        assert await consumer.behind() == {first, second}
