"""A log in memory with the ports of the real one, for seeded simulation and fast tests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence

from .ports import Batch, Committed, Outgoing, Place, Rebalance, Run, Taken


class MemoryLog:
    """Topics as lists. ``now_ms`` is the broker's append time and moves only by hand."""

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self.partitions: dict[Place, list[Taken]] = defaultdict(list)
        self.commits: dict[tuple[str, Place], Committed] = {}

    def append(self, place: Place, record: Outgoing) -> int:
        """Append one record; its offset."""
        entries = self.partitions[place]
        message = Taken(
            place.topic,
            place.partition,
            len(entries),
            self.now_ms,
            record.key,
            record.value,
            tuple(record.headers),
        )
        entries.append(message)
        return message.offset


class MemoryProducer:
    """Producer port; ``hold`` keeps confirmations back until `release`."""

    def __init__(self, log: MemoryLog, *, hold: bool = False) -> None:
        self._log = log
        self._hold = hold
        self._waiting: list[asyncio.Future[None]] = []

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to disconnect."""

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        """Append at once; the confirmation waits for `release` when held."""
        for record in records:
            self._log.append(place, record)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._hold:
            self._waiting.append(future)
        else:
            future.set_result(None)
        return future

    def release(self) -> None:
        """Confirm everything that was held."""
        for future in self._waiting:
            future.set_result(None)
        self._waiting.clear()


class MemoryConsumer:
    """Consumer port over all partitions of its topics; a single member of its group."""

    def __init__(self, log: MemoryLog, group: str, places: Sequence[Place], rebalance: Rebalance) -> None:
        self._log = log
        self._group = group
        self._places = list(places)
        self._rebalance = rebalance
        self._positions: dict[Place, int] = {}
        self._paused: set[Place] = set()

    async def start(self) -> None:
        """Take every partition, from the group's committed offset on."""
        for place in self._places:
            committed = self._log.commits.get((self._group, place))
            self._positions[place] = committed.offset if committed else 0
        await self._rebalance.assigned(set(self._places))

    async def stop(self) -> None:
        """Give every partition back."""
        await self._rebalance.revoked(set(self._places))

    async def take(self, limit: int, wait_ms: int) -> Sequence[Run]:
        """What stands beyond the position, at most ``limit``; yields to the loop once."""
        await asyncio.sleep(0)
        runs: list[Run] = []
        for place in self._places:
            start = self._positions[place]
            found = self._log.partitions[place][start : start + limit]
            if not found or place in self._paused:
                continue
            self._positions[place] = start + len(found)
            runs.append((place, found))
            limit -= len(found)
        if not runs and wait_ms:
            await asyncio.sleep(min(wait_ms, 5) / 1000)
        return runs

    async def commit(self, offsets: Mapping[Place, Committed]) -> None:
        """Remember next offsets with notes."""
        for place, committed in offsets.items():
            self._log.commits[(self._group, place)] = committed

    async def committed(self, place: Place) -> Committed | None:
        """What the group has committed."""
        return self._log.commits.get((self._group, place))

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where each partition ends."""
        return {place: len(self._log.partitions[place]) for place in places}

    async def behind(self) -> set[Place]:
        """Partitions with more than was taken, paused ones aside."""
        ends = {place: len(self._log.partitions[place]) for place in self._places}
        return {p for p, end in ends.items() if self._positions[p] < end} - self._paused

    def highwater(self, place: Place) -> int | None:
        """Where the partition ends."""
        return len(self._log.partitions[place])

    def assignment(self) -> set[Place]:
        """Every partition of its topics."""
        return set(self._places)

    def pause(self, places: set[Place]) -> None:
        """Take nothing of ``places``."""
        self._paused |= places

    def resume(self, places: set[Place]) -> None:
        """Take ``places`` again."""
        self._paused -= places
