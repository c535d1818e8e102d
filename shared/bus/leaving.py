"""Letting go of a consumer, whatever its broker does."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError


async def leave(consumer: AIOKafkaConsumer) -> None:
    """Stop ``consumer`` to the end. Raises what its stop raises.

    aiokafka 0.14 cancels a fetch that waits for its next attempt at a broker that is away, and ``stop()``
    then ends as cancelled half-way; the caller's task would end with it, without a word. In a task of its
    own that ends nobody else.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stopping})
    if stopping.cancelled():
        await consumer._client.close()  # the other half, which a second stop() would not do
    else:
        stopping.result()


async def let_go(producer: AIOKafkaProducer) -> None:
    """End ``producer``, whose own stop was cut short while it waited for a broker that is away.

    What it has not sent is given up. Nobody else would end it: it would wait on, and send what is old by then
    when the broker is back.
    """
    await producer.client.close()  # requests under way end, so that the sender can
    await producer._sender.close()
    producer._message_accumulator.fail_all(KafkaConnectionError("let go"))
    await producer.client.close()  # what the sender opened in between
