"""The console's word about itself, once a second, on the topic ``status``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from mode import Service

from shared.bus.ports import LogAway, Outgoing, Place, Producer
from shared.bus.status_reports import say_last
from shared.contracts.codec import encode
from shared.contracts.operations import Status
from shared.runtime.clock import Clock
from shared.runtime.health import Health

from .broadcaster import Broadcaster
from .held import Held

EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class ReporterParts:
    """What the reporter looks at. ``make_producer`` replaces one that failed."""

    make_producer: Callable[[], Producer]
    held: Held
    broadcaster: Broadcaster
    health: Health
    clock: Clock
    rss_bytes: Callable[[], int]
    instance: str
    portfolio: str


class Reporter(Service):
    """Looks and tells; a second that Kafka does not take is not told later."""

    def __init__(self, parts: ReporterParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._producer: Producer | None = None

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            status = self.status()
            self._parts.health.tell(status)
            try:
                async with asyncio.timeout(EVERY_S * 3):
                    await self._send(status)
            except (LogAway, TimeoutError):
                self._parts.health.hold("status", "kafka_away")
                await self._drop()
            else:
                self._parts.health.clear("status")
            await self.sleep(EVERY_S)

    async def on_stop(self) -> None:
        """A last word, and disconnect."""
        if self._producer is not None:
            await say_last(self, self._send, self.status())
        await self._drop()

    async def _send(self, status: Status) -> None:
        if self._producer is None:
            producer = self._parts.make_producer()
            await producer.start()
            self._producer = producer
        record = Outgoing(f"console-{self._parts.instance}".encode(), encode(status))
        await (await self._producer.send(Place("status", 0), [record]))

    async def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(EVERY_S):
                    await producer.stop()
            except (LogAway, TimeoutError):
                return  # what a broker that is away leaves unsent holds nobody up

    def status(self) -> Status:
        """What the console is doing now."""
        parts = self._parts
        return Status(
            v=1,
            service="console",
            instance=parts.instance,
            at_ms=parts.clock.now_ms(),
            state="waiting" if parts.held.is_log_away(parts.clock.now_ms()) else "ready",
            portfolio=parts.portfolio,
            release_seq=parts.held.statuses.release_seq(),
            rss_bytes=parts.rss_bytes(),
            handled=parts.held.taken,
            refused=dict(parts.held.refused),
            numbers={
                "streams": float(parts.broadcaster.streams),
                "frames_dropped": float(parts.broadcaster.dropped),
            },
        )
