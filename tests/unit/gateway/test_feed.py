"""Decisions back from Kafka, where the broker does not give them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from services.gateway.edge.feed import Arrivals, DecisionFeed
from shared.bus import tail as room
from shared.bus.ports import Place
from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress
from shared.runtime.health import Health
from tests.support.front_door import until


class BadFeed(DecisionFeed):
    """A feed whose consumer fails with ``error`` as often as it is made."""

    error: KafkaError
    tries = 0

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[None]:
        self.tries += 1
        if self.tries:
            raise self.error
        yield


def bad_feed(error: KafkaError, health: Health) -> BadFeed:
    feed = BadFeed(KafkaAddress("nowhere:1", "gateway"), [Place("bank.decisions", 0)], Arrivals(), health)
    feed.error = error
    return feed


async def test_a_broker_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AGAIN_S", 0.01)
    health = Health(30.0)
    feed = bad_feed(KafkaConnectionError("away"), health)
    await feed.start()
    await until(lambda: feed.tries > 2)
    assert not feed.crashed
    assert "decisions: kafka_away" in health.ready().faults
    await feed.stop()


async def test_a_right_that_is_missing_ends_the_service_by_its_name() -> None:
    feed = bad_feed(TopicAuthorizationFailedError("bank.decisions"), Health(30.0))
    await feed.start()
    await until(lambda: feed.crashed)
    assert isinstance(feed.crash_reason, AccessRefused)
    assert "bank.decisions" in str(feed.crash_reason)
    assert not feed.is_ready
    await feed.stop()
