"""What the trainer says to others, each record confirmed by the broker before it counts as said."""

from __future__ import annotations

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode, encode
from shared.contracts.models import ModelCard
from shared.contracts.operations import Status
from shared.contracts.topics import topic_name
from shared.stores.kafka_log import KafkaAway, read_whole


class Outbox:
    """Cards, dead letters and status of one portfolio's trainer."""

    def __init__(self, producer: Producer, kafka: KafkaAddress, portfolio: str) -> None:
        self._producer = producer
        self._kafka = kafka
        self._portfolio = portfolio

    async def announce(self, card: ModelCard) -> None:
        """Put a card on ``candidates``. Raises LogAway."""
        key = (card.name or card.portfolio).encode()
        await self._say("candidates", Outgoing(key, encode(card)))

    async def bury(self, letter: Outgoing) -> None:
        """Put a dead letter on ``dead-letters``. Raises LogAway."""
        await self._say("dead-letters", letter)

    async def report(self, status: Status) -> None:
        """Put a status record on ``status``. Raises LogAway."""
        await self._say("status", Outgoing(status.instance.encode(), encode(status)))

    def announced(self, request_id: str) -> ModelCard | None:
        """The card that stands on ``candidates`` for a request. Blocking. Raises LogAway."""
        try:
            records = read_whole(self._kafka, topic_name(self._portfolio, "candidates"))
        except KafkaAway as error:
            raise LogAway(str(error)) from error
        cards = (_card(record.value) for record in records)
        return next((card for card in cards if card and card.request_id == request_id), None)

    async def _say(self, topic: str, record: Outgoing) -> None:
        place = Place(topic_name(self._portfolio, topic), 0)
        await (await self._producer.send(place, [record]))


def _card(raw: bytes) -> ModelCard | None:
    try:
        return decode(ModelCard, raw)
    except DecodeError:
        return None
