"""One pulse a second to every open stream: made once, encoded once, and nobody slow holds anything up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import msgspec
from mode import Service

from services.console.core.refusal import Refused
from services.console.core.views import Pulse
from shared.runtime.health import Health
from shared.runtime.logs import get_logger
from shared.stores.database import DatabaseAway

from .desk import Desk

log = get_logger("console.stream")

EVERY_S: Final = 1.0
CASES_EVERY: Final = 5
KEPT: Final = 120
QUEUED: Final = 4
CHECKED_EVERY: Final = 30


class Broadcaster(Service):
    """``streams`` is how many may be open at once."""

    def __init__(self, desk: Desk, streams: int, health: Health, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._desk = desk
        self._limit = streams
        self._health = health
        self._open: set[asyncio.Queue[bytes | None]] = set()
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self.pulse: Pulse = desk.pulse()
        self.dropped = 0

    @Service.task
    async def _beat(self) -> None:
        ticks = 0
        while not self.should_stop:
            if ticks % CASES_EVERY == 0:
                await self._count_cases()
            self.send(self._desk.pulse())
            self._health.beat("pulse")
            ticks += 1
            await self.sleep(EVERY_S)

    async def _count_cases(self) -> None:
        try:
            await self._desk.queue()
        except DatabaseAway as error:
            self._health.hold("database", "database_away")
            log.warning("cases_uncounted", reason="database_away", error=type(error).__name__)
        else:
            self._health.clear("database")

    def send(self, pulse: Pulse) -> None:
        """Give ``pulse`` to every stream; one whose queue is full loses its oldest."""
        self.pulse = pulse
        frame = b"id: %d\nevent: pulse\ndata: %b\n\n" % (pulse.at_ms, msgspec.json.encode(pulse))
        self._kept.append((pulse.at_ms, frame))
        for queue in self._open:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(frame)

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._open)

    async def stream(
        self, last_id: int | None, is_still_allowed: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """Frames of server-sent events, those after ``last_id`` first. Raises Refused (`overloaded`)."""
        if len(self._open) >= self._limit:
            raise Refused("overloaded", retry_after_s=5)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED)
        missed = [frame for at_ms, frame in self._kept if last_id is not None and at_ms > last_id]
        self._open.add(queue)
        return self._frames(queue, missed or [frame for _, frame in list(self._kept)[-1:]], is_still_allowed)

    async def _frames(
        self,
        queue: asyncio.Queue[bytes | None],
        first: list[bytes],
        is_still_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncIterator[bytes]:
        sent = 0
        try:
            yield b"retry: 2000\n\n" + b"".join(first)
            while frame := await queue.get():
                sent += 1
                if sent % CHECKED_EVERY == 0 and not await is_still_allowed():
                    return
                yield frame
        finally:
            self._open.discard(queue)

    async def on_stop(self) -> None:
        """Every stream ends; browsers come back by themselves."""
        for queue in self._open:
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)
