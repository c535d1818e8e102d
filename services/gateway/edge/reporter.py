"""The gateway's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from mode import Service

from services.gateway.core.slots import Slots
from shared.bus.ports import LogAway, Outgoing, Place
from shared.bus.status_reports import say_last
from shared.contracts.codec import encode
from shared.contracts.operations import Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .counts import Counts
from .desk import Policies
from .feed import DecisionFeed
from .outbox import Outbox
from .publisher import Publisher

EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class ReporterParts:
    """What the reporter looks at."""

    publisher: Publisher
    feed: DecisionFeed
    outbox: Outbox
    policies: Policies
    slots: Slots
    counts: Counts
    health: Health
    clock: Clock
    rss_bytes: Callable[[], int]
    instance: str
    portfolio: str


class Reporter(Service):
    """Looks and tells; keeps health's conditions."""

    def __init__(self, parts: ReporterParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            self._tell_health()
            await self._report(self.status())
            await self.sleep(EVERY_S)

    async def on_stop(self) -> None:
        """A last word, while the publisher still stands."""
        await say_last(self, self._send, self.status())

    async def _report(self, status: Status) -> None:
        self._parts.health.tell(status)
        try:
            # In time or not at all: health is told here as well, above all while Kafka confirms nothing.
            async with asyncio.timeout(EVERY_S):
                await self._send(status)
        except (LogAway, TimeoutError):
            self._parts.health.hold("kafka", "kafka_away")

    async def _send(self, status: Status) -> None:
        record = Outgoing(f"gateway-{self._parts.instance}".encode(), encode(status))
        await self._parts.publisher.publish(Place("status", 0), [record])

    def status(self) -> Status:
        """What the gateway is doing now."""
        parts, counts = self._parts, self._parts.counts
        return Status(
            v=1,
            service="gateway",
            instance=parts.instance,
            at_ms=parts.clock.now_ms(),
            state=self._state(),
            portfolio=parts.portfolio,
            release_seq=parts.policies.seq,
            rss_bytes=parts.rss_bytes(),
            handled=sum(counts.actions.values()) + sum(counts.items.values()),
            refused=dict(counts.refusals),
            actions=dict(counts.actions),
            latency_ms=counts.latencies_ms(),
            numbers={
                **{name: float(count) for name, count in counts.answers.items()},
                "in_flight": float(parts.slots.taken),
                "in_flight_limit": float(parts.slots.limit),
                "answers_sent": float(parts.outbox.sent),
            },
        )

    def _state(self) -> Literal["starting", "ready", "waiting"]:
        if not self._parts.policies.seq:
            return "starting"
        away = self._parts.publisher.is_away or not self._parts.feed.is_ready
        return "waiting" if away else "ready"

    def _tell_health(self) -> None:
        parts = self._parts
        if parts.publisher.is_away:
            parts.health.hold("kafka", "kafka_away")
        else:
            parts.health.clear("kafka")
        if parts.policies.seq:
            parts.health.clear("release")
        else:
            parts.health.hold("release", "no_release")
