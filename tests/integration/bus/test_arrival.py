"""A service that comes before its log waits, says for what, and goes on."""

from __future__ import annotations

import asyncio
import uuid

from infra.local.kafka import KafkaServer
from infra.local.ports import HOST, free_ports
from shared.bus.arrival import wait_for_log
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name
from tests.support.topics import create_topics

WAIT_S = 20.0


async def test_topics_are_waited_for_by_name(kafka_server: KafkaServer) -> None:
    portfolio = f"a{uuid.uuid4().hex[:10]}"
    names = [topic_name(portfolio, name) for name in ("labels", "transactions")]
    await asyncio.to_thread(create_topics, kafka_server.bootstrap, portfolio, "labels")
    heard: asyncio.Queue[str] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_log(kafka_server.address, names, heard.put_nowait))
    assert await asyncio.wait_for(heard.get(), WAIT_S) == f"waits for topics: {portfolio}.transactions"
    await asyncio.to_thread(create_topics, kafka_server.bootstrap, portfolio, "transactions")
    await asyncio.wait_for(waiting, WAIT_S)


async def test_a_broker_that_is_away_is_waited_for(kafka_server: KafkaServer) -> None:
    (port,) = free_ports(1)
    away = f"{HOST}:{port}"
    heard: asyncio.Queue[str] = asyncio.Queue()
    waiting = asyncio.create_task(wait_for_log(KafkaAddress(away), ["a.topic"], heard.put_nowait))
    assert await asyncio.wait_for(heard.get(), WAIT_S) == f"waits for Kafka at {away}"
    waiting.cancel()
    portfolio = f"a{uuid.uuid4().hex[:10]}"
    await asyncio.to_thread(create_topics, kafka_server.bootstrap, portfolio, "labels")
    # One address of several is enough.
    both = f"{away},{kafka_server.bootstrap}"
    await asyncio.wait_for(
        wait_for_log(KafkaAddress(both), [topic_name(portfolio, "labels")], heard.put_nowait), WAIT_S
    )
