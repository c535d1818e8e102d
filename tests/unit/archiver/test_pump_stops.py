"""A pump that is stopped in the middle of a write: one write at a time, every message once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.archiver.core.gather import Gathered, Limits, Place
from services.archiver.core.shapes import Message
from services.archiver.edge.pump import Pump, PumpParts
from services.archiver.edge.writer import LakeWriter
from shared.bus.assigned_log import AssignedLog
from shared.runtime.clock import SystemClock
from tests.support.lake_messages import FakeMessage

PLACE = Place("t", 0)


class EndlessLog(AssignedLog):
    """Brings a message at each call."""

    def __init__(self) -> None:
        self.lost = 0
        self.taken = 0

    async def start(self) -> list[Place]:
        return [PLACE]

    async def begin(self, positions: Mapping[Place, int | None]) -> dict[Place, int]:
        """Everything from the beginning."""
        return dict.fromkeys(positions, 0)

    async def take(self, limit: int, wait_ms: int) -> dict[Place, Sequence[Any]]:
        await asyncio.sleep(0.001)
        self.taken += 1
        return {PLACE: [FakeMessage(PLACE.topic, PLACE.partition, self.taken - 1, b"{}")]}

    async def show(self, ends: Mapping[Place, int]) -> bool:
        return True

    async def stop(self) -> None:
        """Nothing to close."""


@dataclass(slots=True)
class SlowWriter(LakeWriter):
    """Writes for a while, in the thread that calls, and remembers what."""

    offsets: list[int] = field(default_factory=list)
    under_way: int = 0
    most_at_once: int = 0

    def positions(self, places: Any) -> dict[Place, int | None]:
        return dict.fromkeys(places)

    def write(self, gathered: Gathered[Message], at_ms: int) -> int:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        time.sleep(0.03)
        found = [message.offset for messages in gathered.messages.values() for message in messages]
        self.offsets += found
        self.under_way -= 1
        return len(found)


async def test_stopped_while_it_writes_it_writes_each_message_once() -> None:
    writer = SlowWriter("p", {})
    limits = Limits(rows=1, size_bytes=1 << 20, age_ms=0)
    parts = PumpParts(
        log=EndlessLog(),
        open_writer=lambda: writer,
        limits=limits,
        clock=SystemClock(),
        beat=lambda: None,
        reach=lambda _: None,
        retry_max_ms=100,
    )
    async with Pump(parts):
        while len(writer.offsets) < 3:  # noqa: ASYNC110 - it writes in a thread and tells nobody
            await asyncio.sleep(0.005)
    written = list(writer.offsets)
    await asyncio.sleep(0.1)

    assert writer.offsets == written == list(range(len(written))), "none twice, none left out, none later"
    assert writer.most_at_once == 1
