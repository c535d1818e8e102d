"""The archiver's loop: take, gather, write to the lake, then show the offsets to Kafka.

One write is under way while the next share is taken; a share that is full waits for it, so memory holds two
shares at most and Kafka keeps the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mode import Service

from services.archiver.core.gather import Gathered, Limits, Place
from services.archiver.core.shapes import Message
from shared.bus.assigned_log import AssignedLog
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.runtime.patience import Patience
from shared.stores.lake_away import LakeAway

from .writer import LakeWriter

log = get_logger("archiver.pump")

T = TypeVar("T")

TAKE: Final = 5_000
IDLE_WAIT_MS: Final = 200

AT_BEFORE_SHOW: Final = "archiver.before_kafka_commit"


@dataclass(frozen=True, slots=True)
class PumpParts:
    """What the pump is made of; wiring builds it."""

    log: AssignedLog
    open_writer: Callable[[], LakeWriter]
    limits: Limits
    clock: Clock
    beat: Callable[[], None]
    reach: Callable[[str], None]
    retry_max_ms: int


class Pump(Service):
    """Writes everything its topics bring."""

    def __init__(self, parts: PumpParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._gathered: Gathered[Message] = Gathered()
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.writer: LakeWriter | None = None
        self.places: list[Place] = []
        self.written: dict[Place, int] = {}
        self._patience = Patience(LakeAway, parts.beat, parts.retry_max_ms, log, "lake_away")
        self.unshown = 0
        self.is_behind = False

    @property
    def lost(self) -> int:
        """Records that Kafka had dropped before they were read."""
        return self._parts.log.lost

    @property
    def waiting_for(self) -> str:
        """Why the lake takes nothing, "" while it does."""
        return self._patience.waiting_for

    def end(self, place: Place) -> int | None:
        """Where ``place`` ends, as last seen."""
        return self._parts.log.end(place)

    @Service.task
    async def _run(self) -> None:
        self.writer = await self._patiently(self._parts.open_writer)
        if self.writer is None:
            return
        places = await self._parts.log.start()
        positions = self.writer.positions(places)
        await self._parts.log.begin(positions)
        self.places = places
        self.written = {place: at for place, at in positions.items() if at is not None}
        log.info("reading", partitions=len(self.places), count=self.lost)
        while not self.should_stop:
            async with self._turn:
                await self._step()

    async def _step(self) -> None:
        if self.should_stop:
            return
        parts = self._parts
        taken = await parts.log.take(TAKE, IDLE_WAIT_MS)
        self._gathered.add(taken, parts.clock.now_ms())
        self.is_behind = self.is_behind and bool(taken)
        parts.beat()
        if self._writing is not None and self._writing.done():
            await self._written()
        if self._gathered.is_due(parts.limits, parts.clock.now_ms()):
            self.is_behind = self._gathered.size_bytes >= parts.limits.size_bytes
            await self._written()
            share, self._gathered = self._gathered, Gathered()
            self._writing = asyncio.create_task(self._write(share))

    async def _written(self) -> None:
        """The write under way has ended; its fault, if our own code failed, ends the pump."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _write(self, share: Gathered[Message]) -> None:
        writer = self.writer
        assert writer is not None
        at_ms = self._parts.clock.now_ms()
        if await self._patiently(lambda: writer.write(share, at_ms)) is None:
            return
        self.written.update(share.ends)
        self._parts.reach(AT_BEFORE_SHOW)
        if not await self._parts.log.show(share.ends):
            self.unshown += 1

    async def _patiently(self, call: Callable[[], T]) -> T | None:
        """``call`` until the lake takes it; None: we are stopping."""
        return await self._patience.until_done(self, call)

    async def on_stop(self) -> None:
        """Write what was gathered, unless something is wrong; Kafka still has it then."""
        if self.crash_reason is None:
            async with self._turn:  # a step that is under way may be waiting for a write, or begin one
                await self._written()
                if self._gathered.ends and self.writer is not None:
                    await self._write(self._gathered)
        await self._parts.log.stop()
