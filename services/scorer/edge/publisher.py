"""What goes out: decisions at once, their trail with that of others; offsets count once all is confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.scorer.core.offsets import OffsetTrack
from shared.bus.ports import Place, Producer
from shared.runtime.crash_points import CrashPoints

from .outputs import Outputs
from .trail import Trail, trail_outputs

UNCONFIRMED_LIMIT = 64
"""Groups of micro-batches that may wait for the broker at once."""

GATHER_NS = 100_000_000
"""A trail waits at most this long for others to go with."""

Tracks = dict[Place, OffsetTrack]
Settles = dict[Place, list[int]]


@dataclass(slots=True)
class _Group:
    """Micro-batches whose decisions were sent: they settle together, when their trails stand too."""

    confirmations: list[Awaitable[None]] = field(default_factory=list)
    settles: list[tuple[Settles, Tracks]] = field(default_factory=list)
    trails: list[Trail] = field(default_factory=list)
    rows: int = 0
    since_ns: int = 0


class Publisher:
    """Sends outputs in order and confirms offsets when every one of a group's records stands.

    A group ends after ``rows`` records or `GATHER_NS`.
    """

    def __init__(
        self,
        producer: Producer,
        crash: CrashPoints,
        failed: Callable[[BaseException], None],
        clock_ns: Callable[[], int],
        rows: int,
    ) -> None:
        self._producer = producer
        self._crash = crash
        self._failed = failed
        self._clock_ns = clock_ns
        self._rows = rows
        self._group = _Group()
        self._room = asyncio.Semaphore(UNCONFIRMED_LIMIT)
        self._waiting: set[asyncio.Task[None]] = set()

    async def publish(self, outputs: Outputs, tracks: Tracks, trail: Trail | None = None) -> None:
        """Send ``outputs``, and ``trail`` within `GATHER_NS`; returns when queued. Raises LogAway."""
        if trail is None or self._is_other(trail):
            await self.flush()  # captures stay in the order of their offsets, and of one release together
        group = self._group
        if not group.settles:
            group.since_ns = self._clock_ns()
        self._crash.reach("before_send")
        await self._send(outputs)
        self._crash.reach("after_send")
        group.settles.append((outputs.settles, tracks))
        if trail is not None:
            group.trails.append(trail)
            group.rows += len(trail)
        if trail is None or group.rows >= self._rows:
            await self.flush()

    def _is_other(self, trail: Trail) -> bool:
        return bool(self._group.trails) and self._group.trails[0].deciding is not trail.deciding

    async def _send(self, outputs: Outputs) -> None:
        for place, batches in outputs.records.items():
            for batch in batches:
                self._group.confirmations.append(await self._producer.send(place, batch))

    def wait_ms(self, at_most: int) -> int:
        """Until what was gathered is due; ``at_most`` where nothing was."""
        if not self._group.settles:
            return at_most
        due_ns = self._group.since_ns + GATHER_NS - self._clock_ns()
        return min(max(0, due_ns // 1_000_000), at_most)

    async def flush_due(self) -> None:
        """Send what was gathered, if it has waited long enough. Raises LogAway."""
        if self._group.settles and self._clock_ns() >= self._group.since_ns + GATHER_NS:
            await self.flush()

    async def flush(self) -> None:
        """Send what was gathered; returns when queued. Raises LogAway."""
        if not self._group.settles:
            return
        await self._room.acquire()
        if self._group.trails:
            self._crash.reach("before_trail")
            await self._send(trail_outputs(self._group.trails))
        group, self._group = self._group, _Group()
        task = asyncio.create_task(self._settle(group))
        self._waiting.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def _settle(self, group: _Group) -> None:
        for confirmation in group.confirmations:
            await confirmation
        self._crash.reach("after_ack")
        for settles, tracks in group.settles:
            confirm(settles, tracks)

    async def drain(self) -> None:
        """Send what was gathered and wait until all that was sent is confirmed. Raises LogAway."""
        await self.flush()
        while self._waiting:
            await asyncio.gather(*self._waiting)


def confirm(settles: Settles, tracks: Tracks) -> None:
    """Mark input offsets as settled on the tracks they were taken under."""
    for place, offsets in settles.items():
        track = tracks.get(place)
        if track is not None:
            track.confirm(offsets)
