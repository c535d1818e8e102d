"""The worker's word about itself, once a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.memory import rss_bytes

from .pump import Pump
from .state import StateCalls

EVERY_S = 1.0
STATUS = Place("status", 0)


class Reporter(Service):
    """Publishes `Status` and keeps health's notes."""

    def __init__(
        self,
        pump: Pump,
        states: StateCalls,
        producer: Producer,
        health: Health,
        clock: Clock,
        instance: str,
        portfolio: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._pump = pump
        self._states = states
        self._producer = producer
        self._health = health
        self._clock = clock
        self._instance = instance
        self._portfolio = portfolio

    @Service.task
    async def _report(self) -> None:
        while not self.should_stop:
            await self.sleep(EVERY_S)
            if not self._pump.running:
                continue
            status = await self._status()
            self._health.tell(status)
            try:
                await (await self._producer.send(STATUS, [Outgoing(self._key(), encode(status))]))
            except LogAway:
                self._health.hold("kafka", "kafka_away")
                continue
            self._health.clear("kafka")

    def _key(self) -> bytes:
        return f"scorer-{self._instance}".encode()

    async def _status(self) -> Status:
        pump = self._pump
        counts, partitions = pump.counts, pump.positions()
        queue = np.array(list(counts.queue_ms) or [0], np.float64)
        counts.queue_ms.clear()
        p50, p99 = np.percentile(queue, [50, 99]).tolist()
        return Status(
            v=1,
            service="scorer",
            instance=self._instance,
            at_ms=self._clock.now_ms(),
            state="degraded" if self._states.away else "ready",
            detail="redis_away" if self._states.away else "",
            portfolio=self._portfolio,
            release_seq=pump.release_seq,
            rss_bytes=rss_bytes(),
            partitions=[
                PartitionStatus(topic=place.topic, partition=place.partition, committed=committed, end=end)
                for place, committed, end in partitions
            ],
            handled=counts.handled,
            refused=dict(counts.refused),
            actions=dict(counts.actions),
            latency_ms={"p50": p50, "p99": p99, "max": float(queue.max())},
            numbers={"waiting": float(pump.waiting), "epoch": float(pump.epoch)},
        )
