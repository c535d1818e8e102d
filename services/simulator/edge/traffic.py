"""Plays the live world: each step's payments and due labels go to their topics and are confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import Service

from services.simulator.core.live import LiveWorld
from services.simulator.core.records import Records
from shared.bus.refused import told
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.payments import Label, Transaction
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock
from shared.runtime.health import Health

BEHIND_MOST_MS = 2_000
"""A longer gap (a machine that slept, a broker that was away) stays without payments."""


class Traffic(Service):
    """One step after the other; the next begins when the broker has confirmed the last."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        kafka: KafkaAddress,
        live: LiveWorld,
        records: Records,
        clock: Clock,
        health: Health,
        portfolio: str,
        step_ms: int,
    ) -> None:
        super().__init__()
        self._producer = producer
        self._kafka = kafka
        self._live = live
        self._records = records
        self._clock = clock
        self._health = health
        self._transactions = topic_name(portfolio, "transactions")
        self._labels = topic_name(portfolio, "labels")
        self._step_s = step_ms / 1000
        self._last_ms = clock.now_ms()
        self.sent = 0
        self.labels_sent = 0
        self.skipped_ms = 0

    def numbers(self) -> dict[str, float]:
        """What the status shows beside the payments sent."""
        return {
            "labels": float(self.labels_sent),
            "labels_waiting": float(self._live.waiting_labels),
            "skipped_ms": float(self.skipped_ms),
        }

    @Service.task
    async def play(self) -> None:
        """Step until stopped. Raises LogAway when the broker does not confirm."""
        self._last_ms = self._clock.now_ms()
        while not self.should_stop:
            await self.step()
            self._health.beat("traffic")
            await self.sleep(self._step_s)

    async def step(self) -> None:
        """Send what is due by now. Raises LogAway."""
        now_ms = self._clock.now_ms()
        if now_ms - self._last_ms > BEHIND_MOST_MS:
            self.skipped_ms += now_ms - self._last_ms
            self._live.skip(now_ms)
        self._last_ms = max(self._last_ms, now_ms)
        payments, labels = self._live.step(self._last_ms)
        self.sent += await self._send(self._transactions, list(self._records.transactions(payments)))
        self.labels_sent += await self._send(self._labels, [self._records.label(due) for due in labels])

    async def _send(self, topic: str, records: Sequence[Transaction | Label]) -> int:
        try:
            confirmations = [
                await self._producer.send(topic, encode(record), key=record.account_id.encode())
                for record in records
            ]
            await asyncio.gather(*confirmations)
        except KafkaError as error:
            raise told(error, self._kafka, "write", topic) from error
        return len(records)
