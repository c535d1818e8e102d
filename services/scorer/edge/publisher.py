"""What goes out: a batch's records to the input's partitions; offsets count once it is confirmed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.scorer.core.offsets import OffsetTrack
from shared.bus.ports import Batch, Outgoing, Place, Producer
from shared.runtime.crash_points import CrashPoints

UNCONFIRMED_LIMIT = 64
"""Micro-batches that may wait for the broker at once."""


@dataclass(slots=True)
class Outputs:
    """Batches of records per output place, and the input offsets that they settle."""

    records: dict[Place, list[Batch]] = field(default_factory=lambda: defaultdict(list))
    settles: dict[Place, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, place: Place, *records: Outgoing) -> None:
        """``records`` go to ``place``, in one batch with those added there just before."""
        batches = self.records[place]
        if batches and isinstance(batches[-1], list):
            batches[-1] += records
        else:
            batches.append(list(records))


class Publisher:
    """Sends outputs in order and confirms offsets when every one of a batch's records stands."""

    def __init__(
        self, producer: Producer, crash: CrashPoints, failed: Callable[[BaseException], None]
    ) -> None:
        self._producer = producer
        self._crash = crash
        self._failed = failed
        self._room = asyncio.Semaphore(UNCONFIRMED_LIMIT)
        self._waiting: set[asyncio.Task[None]] = set()

    async def publish(self, outputs: Outputs, tracks: dict[Place, OffsetTrack]) -> None:
        """Send; returns when queued. Raises LogAway."""
        await self._room.acquire()
        self._crash.reach("before_send")
        confirmations = [
            await self._producer.send(place, batch)
            for place, batches in outputs.records.items()
            for batch in batches
        ]
        self._crash.reach("after_send")
        task = asyncio.create_task(self._settle(confirmations, outputs.settles, tracks))
        self._waiting.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def _settle(
        self,
        confirmations: Sequence[Awaitable[None]],
        settles: dict[Place, list[int]],
        tracks: dict[Place, OffsetTrack],
    ) -> None:
        for confirmation in confirmations:
            await confirmation
        self._crash.reach("after_ack")
        confirm(settles, tracks)

    async def drain(self) -> None:
        """Wait until everything sent is confirmed. Raises LogAway."""
        while self._waiting:
            await asyncio.gather(*self._waiting)


def confirm(settles: dict[Place, list[int]], tracks: dict[Place, OffsetTrack]) -> None:
    """Mark input offsets as settled on the tracks they were taken under."""
    for place, offsets in settles.items():
        track = tracks.get(place)
        if track is not None:
            track.confirm(offsets)
