"""Decisions back from Kafka: one reader of the whole topic, without a group, wakes who waits for one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from shared.bus.ports import Message, Place
from shared.bus.tail import Tail
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Decision
from shared.runtime.health import Health
from shared.runtime.logs import get_logger

log = get_logger("gateway.feed")

KEPT_LATE: Final = 10_000


class _Named(Struct):
    """As much of a decision as tells whose it is."""

    tx_id: str


class _Waiting(NamedTuple):
    """Who waits, and the hash of the record whose decision it is."""

    future: asyncio.Future[Decision]
    input_hash: str


class Arrivals:
    """Futures by tx_id; several requests may wait for one payment."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiting]] = {}
        self._late: OrderedDict[str, Decision | None] = OrderedDict()
        self._named = msgspec.json.Decoder(_Named)

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def waiting(self, tx_id: str, input_hash: str) -> Iterator[asyncio.Future[Decision]]:
        """A future of the payment's decision, awaited from before its record is sent.

        ``input_hash`` (hex) is the record's: under one id another body may be on its way to the scorer by
        bulk or past the gateway, and the decision on its amount is no answer to this one.
        """
        waiting = _Waiting(asyncio.get_running_loop().create_future(), input_hash)
        self._waiting.setdefault(tx_id, []).append(waiting)
        try:
            yield waiting.future
        finally:
            found = self._waiting[tx_id]
            found.remove(waiting)
            if not found:
                del self._waiting[tx_id]

    def keep_late(self, tx_id: str) -> None:
        """Remember the decision of ``tx_id`` when it comes: its caller was told something interim."""
        self._late[tx_id] = None
        if len(self._late) > KEPT_LATE:
            self._late.popitem(last=False)

    def late(self, tx_id: str) -> Decision | None:
        """The decision that came after its deadline, if it was one of the newest."""
        return self._late.get(tx_id)

    def take(self, raw: bytes) -> None:
        """A record of the topic. Whoever waits for another payment is not disturbed by a broken one."""
        try:
            tx_id = self._named.decode(raw).tx_id
            if tx_id not in self._waiting and tx_id not in self._late:
                return
            decision = decode(Decision, raw)
        except (msgspec.DecodeError, DecodeError) as error:
            log.error("decision_unreadable", error=type(error).__name__)
            return
        if tx_id in self._late:
            self._late[tx_id] = self._late[tx_id] or decision
        for waiting in self._waiting.get(tx_id, ()):
            if waiting.input_hash == decision.input_hash and not waiting.future.done():
                waiting.future.set_result(decision)


class DecisionFeed(Tail):
    """Reads ``places``, partitions of one topic, from their end on.

    What came while the broker was away may be waited for.
    """

    def __init__(
        self, kafka: KafkaAddress, places: Sequence[Place], arrivals: Arrivals, health: Health, **kwargs: Any
    ) -> None:
        super().__init__(kafka, places, **kwargs)
        self._arrivals = arrivals
        self._health = health

    def take(self, messages: Sequence[Message]) -> None:
        """Wake who waits for these."""
        for message in messages:
            self._arrivals.take(message.value or b"")

    def moved(self) -> None:
        """The feed lives."""
        self._health.beat("feed")

    def found(self) -> None:
        """Decisions come."""
        self._health.clear("decisions")

    def lost(self, error: Exception) -> None:
        """Nobody's decision comes back now."""
        self._health.hold("decisions", "kafka_away")
        log.warning("feed_lost", reason="kafka_away", error=type(error).__name__)
