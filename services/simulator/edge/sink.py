"""Where live traffic goes: a sink takes records of a kind and returns once they are safe."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name

Kind = Literal["transactions", "activities", "labels"]


class Sent(NamedTuple):
    """A record as it leaves: whose it is, and its bytes."""

    account_id: str
    value: bytes


class SinkAway(Exception):
    """The other side does not take records; the text is a reason code."""


class Sink(Protocol):
    """Takes records in order."""

    async def send(self, kind: Kind, records: Sequence[Sent]) -> int:
        """Hand over ``records``; how many of them the other side refused. Raises SinkAway."""
        ...


class TopicSink:
    """Straight to the topics of a portfolio, keyed by account; the producer belongs to the caller."""

    def __init__(self, producer: AIOKafkaProducer, kafka: KafkaAddress, portfolio: str) -> None:
        self._producer = producer
        self._kafka = kafka
        self._portfolio = portfolio

    async def send(self, kind: Kind, records: Sequence[Sent]) -> int:
        """Returns once the broker has confirmed all; it refuses none. Raises SinkAway, AccessRefused."""
        topic = topic_name(self._portfolio, kind)
        try:
            confirmations = [
                await self._producer.send(topic, record.value, key=record.account_id.encode())
                for record in records
            ]
            await asyncio.gather(*confirmations)
        except KafkaError as error:
            raise refusal(error, self._kafka, "write", topic) or SinkAway("kafka_away") from error
        return 0


class MemorySink:
    """Keeps what it is given; ``is_away`` makes it take nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[Kind, Sent]] = []
        self.is_away = False

    async def send(self, kind: Kind, records: Sequence[Sent]) -> int:
        """Keep them. Raises SinkAway."""
        if self.is_away:
            raise SinkAway("gateway_away")
        self.taken += [(kind, record) for record in records]
        return 0
