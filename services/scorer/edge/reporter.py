"""The worker's word about itself, once a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.bus.status_reports import say_last
from shared.contracts.codec import encode
from shared.contracts.operations import READ_BACK, PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.memory import rss_bytes

from .engine import Engine
from .pump import Pump
from .state import StateCalls

EVERY_S = 1.0
STATUS = Place("status", 0)


class Reporter(Service):
    """Publishes `Status` and keeps health's notes."""

    def __init__(
        self,
        pump: Pump,
        engine: Engine,
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
        self._engine = engine
        self._handled, self._read_back = 0, 0
        self._states = states
        self._producer = producer
        self._health = health
        self._clock = clock
        self._instance = instance
        self._portfolio = portfolio

    @Service.task
    async def _report(self) -> None:
        while not self.should_stop:
            if self._pump.running:
                await self._tell(await self._status())
            await self.sleep(EVERY_S)

    async def _tell(self, status: Status) -> None:
        self._health.tell(status)
        try:
            await self._send(status)
        except LogAway:
            self._health.hold("kafka", "kafka_away")
        else:
            self._health.clear("kafka")

    async def on_stop(self) -> None:
        """A last word, while the pump's producer still stands."""
        if self._pump.running:
            await say_last(self, self._send, await self._status())

    async def _send(self, status: Status) -> None:
        key = f"scorer-{self._instance}".encode()
        await (await self._producer.send(STATUS, [Outgoing(key, encode(status))]))

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
            numbers={
                "waiting": float(pump.waiting),
                "epoch": float(pump.epoch),
                "evicted": float(self._engine.evicted),
                READ_BACK: self._read_back_each(),
            },
        )

    def _read_back_each(self) -> float:
        """Records read back for each one handled since the last word; 0 while the cache holds everything."""
        handled, read_back = self._pump.counts.handled, self._engine.read_back
        each = (read_back - self._read_back) / max(handled - self._handled, 1)
        self._handled, self._read_back = handled, read_back
        return each
