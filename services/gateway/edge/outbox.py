"""Answers to Kafka: each as soon as it is given, and what a killed gateway left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from mode import Service

from shared.bus.loader import Partitions
from shared.bus.ports import LogAway, Outgoing
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Answer
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.logs import get_logger

from .once import Once, RedisAway
from .publisher import Publisher
from .spread import Spread

log = get_logger("gateway.outbox")

GATHER_S: Final = 0.02
SWEEP_S: Final = 5.0
LEFT_BEHIND_MS: Final = 10_000


class Outbox(Service):
    """Sends records of answers in batches, and takes them out of the shared outbox once Kafka has them."""

    def __init__(
        self,
        once: Once,
        publisher: Publisher,
        topic: str,
        partitions: Partitions,
        clock: Clock,
        health: Health,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._once = once
        self._publisher = publisher
        self._topic = topic
        self._partitions = partitions
        self._clock = clock
        self._health = health
        self._given: list[tuple[str, bytes, bytes]] = []
        self._some = asyncio.Event()
        self.sent = 0

    def give(self, tx_id: str, account_id: str, record: bytes) -> None:
        """An answer was given; its record stands in the shared outbox."""
        self._given.append((tx_id, account_id.encode(), record))
        self._some.set()

    @Service.task
    async def _send_given(self) -> None:
        while not self.should_stop:
            await self.wait(self._some.wait())
            await asyncio.sleep(GATHER_S)
            self._some.clear()
            given, self._given = self._given, []
            if given:
                await self._sent_or_left(given)

    @Service.task
    async def _sweep(self) -> None:
        while not self.should_stop:
            await self.sleep(SWEEP_S)
            try:
                found = await self._once.outbox()
            except RedisAway:
                continue  # the next look finds the same
            left = self._left(found)
            if left:
                log.info("answers_left_behind", count=len(left))
                await self._sent_or_left(left)

    def _left(self, found: Mapping[str, bytes]) -> list[tuple[str, bytes, bytes]]:
        """Those that their own gateway should have sent long ago."""
        left, unreadable = [], 0
        before_ms = self._clock.now_ms() - LEFT_BEHIND_MS
        for tx_id, record in found.items():
            try:
                answer = decode(Answer, record)
            except DecodeError:
                # Another version's, perhaps: it stays for a gateway that can, and must not end this one.
                unreadable += 1
                continue
            if answer.answered_at_ms < before_ms:
                left.append((tx_id, answer.account_id.encode(), record))
        self._health.note("answers_unreadable", unreadable)
        return left

    async def _sent_or_left(self, given: list[tuple[str, bytes, bytes]]) -> None:
        """Send; what Kafka or Redis does not take stays in the shared outbox, where the sweep finds it."""
        spread = Spread(self._partitions)
        for _, account, record in given:
            spread.add(self._topic, account, Outgoing(account, record))
        try:
            await self._publisher.publish_each(spread.places)
            await self._once.sent({tx_id: record for tx_id, _, record in given})
        except (LogAway, RedisAway) as error:
            self._health.note("answers_waiting", type(error).__name__)
        else:
            self.sent += len(given)
