"""The worker's word about itself once a second, and the watchdog that ends a worker without progress."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.contracts.codec import encode
from shared.contracts.operations import PartitionStatus, Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.logs import get_logger
from shared.runtime.memory import rss_bytes

from .pump import Pump
from .state import StateCalls

log = get_logger("scorer.reporter")

EVERY_S = 1.0
LOOK_S = 0.5
STATUS = Place("status", 0)


class Stuck(Exception):
    """The worker has no partitions, or makes no progress, for too long; the supervisor restarts it."""


class Reporter(Service):
    """Publishes `Status`, keeps health's notes, and crashes a worker that is stuck (F15)."""

    def __init__(
        self,
        pump: Pump,
        states: StateCalls,
        producer: Producer,
        health: Health,
        clock: Clock,
        instance: str,
        portfolio: str,
        stuck_after_s: float,
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
        self._stuck_after_s = stuck_after_s

    @Service.task
    async def _report(self) -> None:
        while not self.should_stop:
            await self.sleep(EVERY_S)
            if not self._pump.running:
                continue
            status = await self._status()
            try:
                await (await self._producer.send(STATUS, [Outgoing(self._key(), encode(status))]))
            except LogAway:
                self._health.hold("kafka", "kafka_away")
                continue
            self._health.clear("kafka")

    def _key(self) -> bytes:
        return f"scorer-{self._instance}".encode()

    @Service.task
    async def _watch_assignment(self) -> None:
        """A coordinator error can leave a member without partitions for ever; a spare one has its place."""
        now_s = asyncio.get_running_loop().time
        since_s = now_s()
        while not self.should_stop:
            await self.sleep(LOOK_S)
            if self._pump.assigned or not self._pump.joining:
                since_s = now_s()
                self._health.clear("assignment")
                continue
            self._health.hold("assignment", "no partitions are assigned")
            if self._pump.spare:
                since_s = now_s()
            elif now_s() - since_s >= self._stuck_after_s:
                raise Stuck(f"no partitions for {now_s() - since_s:.0f} s")

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
