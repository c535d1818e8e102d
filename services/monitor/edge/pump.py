"""The monitor's loop: take, count, keep counts and offsets in one transaction, then show the offsets.

One write is under way while the next share is counted; a share that is full waits for it, so memory holds two
shares at most and Kafka keeps the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mode import Service

from services.monitor.core.counting import COUNTED, Callers, Counts
from shared.bus.assigned_log import AssignedLog
from shared.bus.ports import Message, Place
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock
from shared.runtime.logs import get_logger
from shared.runtime.patience import Patience
from shared.stores.database import DatabaseAway

from .drifting import Drifting
from .statuses import STATUS, Statuses
from .tables import MonitorTables

log = get_logger("monitor.pump")

CAPTURES: Final = "captures"
TAKE: Final = 2_000
IDLE_WAIT_MS: Final = 100
CAPTURES_BACK_MS: Final = 3_600_000
STATUS_BACK_MS: Final = 120_000
"""How far back `status` is read at the start: who fell silent while we were away is seen all the same."""


@dataclass(frozen=True, slots=True)
class PumpParts:
    """What the pump is made of; wiring builds it. A write is due after ``records`` or ``every_ms``."""

    log: AssignedLog
    open_tables: Callable[[], MonitorTables]
    statuses: Statuses
    drifting: Drifting
    portfolio: str
    clock: Clock
    beat: Callable[[], None]
    records: int
    every_ms: int
    retry_max_ms: int


class Pump(Service):
    """Counts everything its topics bring."""

    def __init__(self, parts: PumpParts, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self._cards = {topic_name(parts.portfolio, name): name for name in (*COUNTED, CAPTURES, STATUS)}
        self._patience = Patience(DatabaseAway, parts.beat, parts.retry_max_ms, log, "database_away")
        self._known = Callers()
        self._counts = Counts(self._known)
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self.tables: MonitorTables | None = None
        self.places: list[Place] = []
        self.written: dict[Place, int] = {}
        self.handled = 0
        self.refused: dict[str, int] = {}
        self.unshown = 0

    @property
    def waiting_for(self) -> str:
        """Why the database takes nothing, "" while it does."""
        return self._patience.waiting_for

    @property
    def lost(self) -> int:
        """Records that Kafka had dropped before they were counted."""
        return self._parts.log.lost

    def end(self, place: Place) -> int | None:
        """Where ``place`` ends, as last seen."""
        return self._parts.log.end(place)

    @property
    def behind(self) -> int | None:
        """Records that the topics have and the tables have not; None while it is not known.

        Those of captures wait for their window to close, which is no lag.
        """
        counted = [place for place in self.places if self._cards[place.topic] != CAPTURES]
        ends = [self.end(place) for place in counted]
        if not ends or None in ends:
            return None
        return sum(max((end or 0) - self.written[p], 0) for p, end in zip(counted, ends, strict=True))

    @Service.task
    async def _run(self) -> None:
        self.tables = await self._patience.until_done(self, self._parts.open_tables)
        tables = self.tables
        if tables is None:
            return
        places = await self._parts.log.start()
        positions = await self._patience.until_done(self, lambda: tables.positions(places))
        names = await self._patience.until_done(self, tables.callers)
        if positions is None or names is None:
            return
        self._known.names.update(names)
        back_ms = self._parts.clock.now_ms() - STATUS_BACK_MS
        positions.update(await self._parts.log.first_after(STATUS, back_ms))
        positions.update(await self._captures_from(positions))
        begins = await self._parts.log.begin(positions)
        self.written = {place: at for place, at in begins.items() if place.topic != STATUS}
        self.places = sorted(self.written)
        log.info("reading", partitions=len(places), count=self.lost)
        while not self.should_stop:
            async with self._turn:
                await self._step()

    async def _captures_from(self, positions: Mapping[Place, int | None]) -> dict[Place, int | None]:
        """Where sampling goes on: windows of more than an hour ago would fill memory and help nobody."""
        topic = next(name for name, card in self._cards.items() if card == CAPTURES)
        since = await self._parts.log.first_after(topic, self._parts.clock.now_ms() - CAPTURES_BACK_MS)
        return {place: max(positions[place] or 0, at or 0) for place, at in since.items()}

    async def _step(self) -> None:
        if self.should_stop:
            return
        parts = self._parts
        self._count(await parts.log.take(TAKE, IDLE_WAIT_MS))
        parts.beat()
        if self._writing is not None and self._writing.done():
            await self._written()
        for window_ms in parts.drifting.due(parts.clock.now_ms(), self._captures_behind()):
            await self._written()
            await self._close_window(window_ms)
        if self._is_due(parts.clock.now_ms()):
            await self._written()
            share, self._counts = self._counts, Counts(self._known)
            self._writing = asyncio.create_task(self._write(share))

    def _count(self, taken: Mapping[Place, Sequence[Message]]) -> None:
        now_ms = self._parts.clock.now_ms()
        for place, messages in taken.items():
            if not messages:
                continue
            card = self._cards[place.topic]
            if card == STATUS:
                self._parts.statuses.see(messages)
            elif card == CAPTURES:
                self._refuse(self._parts.drifting.see(place, messages))
            else:
                self._counts.add(place, card, messages, messages[-1].offset + 1, now_ms)

    def _is_due(self, now_ms: int) -> bool:
        counts = self._counts
        if counts.since_ms is None:
            return False
        return counts.records >= self._parts.records or now_ms - counts.since_ms >= self._parts.every_ms

    async def _written(self) -> None:
        """The write under way has ended; its fault, if our own code failed, ends the pump."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            await writing

    async def _write(self, share: Counts) -> None:
        tables = self.tables
        assert tables is not None

        def write() -> bool:
            tables.write(share)
            return True

        if await self._patience.until_done(self, write) is None:
            return
        self.written.update(share.ends)
        self.handled += share.records
        self._refuse(share.refused)
        if not await self._parts.log.show(share.ends):
            self.unshown += 1

    def _refuse(self, refused: Mapping[str, int]) -> None:
        for code, count in refused.items():
            self.refused[code] = self.refused.get(code, 0) + count

    def _captures_behind(self) -> dict[Place, bool]:
        """Of each partition of captures, whether it has records that were not taken, as last seen."""
        ends = self._parts.drifting.sampler.ends
        places = [place for place in self.places if self._cards[place.topic] == CAPTURES]
        return {p: (self.end(p) or 0) > ends.get(p, self.written[p]) for p in places}

    async def _close_window(self, window_ms: int) -> None:
        tables = self.tables
        assert tables is not None
        drifting = self._parts.drifting
        ends = await self._patience.until_done(self, lambda: drifting.close(window_ms, tables))
        if ends is not None:
            self.written.update(ends)
            if not await self._parts.log.show(ends):
                self.unshown += 1

    async def on_stop(self) -> None:
        """Keep what was counted, unless something is wrong; Kafka still has it then."""
        if self.crash_reason is None:
            async with self._turn:  # a step that is under way may be waiting for a write, or begin one
                await self._written()
                if self._counts.ends and self.tables is not None:
                    await self._write(self._counts)
        await self._parts.log.stop()
