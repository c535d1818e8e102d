"""The load protocol of timelines.md rule 10: records in event order, ticks on every partition, an `end`.

A reader of a load lets nothing at T leave before every partition has shown T. So the loader tells each
partition of the three input topics, for every hour of event time, that all before it has been sent there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, NamedTuple

from aiokafka.partitioner import murmur2

from shared.contracts import headers
from shared.contracts.topics import topic_name

from .ports import Outgoing, Place, Producer

LANES: Final = ("labels", "activities", "transactions")
"""The input topics, in the order in which a call sends them: labels may run ahead and never fall behind."""

TICK_EVERY_MS: Final = 3_600_000
IN_FLIGHT_SENDS: Final = 48
CACHED_KEYS: Final = 1_000_000


class Rows(NamedTuple):
    """Records of one lane in the order of their merge time (a label's is when it was known).

    All four have one entry per record; ``keys`` are account ids.
    """

    lane: str
    times_ms: Sequence[int]
    keys: Sequence[bytes]
    values: Sequence[bytes]


class Partitions(dict[bytes, int]):
    """Kafka's own choice of a partition for a key, remembered per key."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, key: bytes) -> int:
        if len(self) >= CACHED_KEYS:
            self.clear()
        chosen: int = (murmur2(key) & 0x7FFFFFFF) % self._count
        self[key] = chosen
        return chosen


class Loader:
    """Sends one load. Whatever happens after the first `send`, `end` must be called, or readers wait."""

    def __init__(self, producer: Producer, portfolio: str, load_id: str, counts: Mapping[str, int]) -> None:
        """``counts``: partitions of each lane on the broker. Raises ValueError where they differ."""
        if len({counts[lane] for lane in LANES}) != 1:
            raise ValueError("transactions, activities and labels have different partition counts")
        self._producer = producer
        self._partitions = Partitions(counts[LANES[0]])
        self._places = {
            lane: [Place(topic_name(portfolio, lane), p) for p in range(counts[lane])] for lane in LANES
        }
        self._load = ((headers.LOAD, load_id.encode()),)
        self._reached = dict.fromkeys(LANES, 0)
        self._in_flight: deque[Awaitable[None]] = deque()
        self.sent = dict.fromkeys(LANES, 0)
        self.ticks = 0

    async def send(self, parts: Sequence[Rows], until_ms: int) -> None:
        """Queue ``parts`` (at most one per lane), promising that nothing before ``until_ms`` follows.

        Waits while too much is unconfirmed. Raises LogAway; what was sent then is not known.
        """
        by_lane = {rows.lane: rows for rows in parts}
        for lane in LANES:
            queues: list[list[Outgoing]] = [[] for _ in self._places[lane]]
            if rows := by_lane.get(lane):
                self._fill(queues, rows)
                self.sent[lane] += len(rows.values)
            self._tick(lane, queues, until_ms)
            await self._send(lane, queues)

    async def settle(self) -> None:
        """Wait until the broker has confirmed everything. Raises LogAway."""
        while self._in_flight:
            await self._in_flight.popleft()

    async def end(self) -> None:
        """The last tick on every partition, confirmed, after everything sent so far. Raises LogAway."""
        last = Outgoing(None, b"", (*self._load, (headers.TICK, headers.TICK_END)))
        for lane in LANES:
            await self._send(lane, [[last] for _ in self._places[lane]])
        await self.settle()

    def _fill(self, queues: list[list[Outgoing]], rows: Rows) -> None:
        """Each record to its partition's queue, a tick before the first record of a new hour."""
        due_ms = self._next_tick(rows.lane)
        load, partitions = self._load, self._partitions
        for time_ms, key, value in zip(rows.times_ms, rows.keys, rows.values, strict=True):
            if time_ms >= due_ms:
                self._tick(rows.lane, queues, time_ms)
                due_ms = self._next_tick(rows.lane)
            queues[partitions[key]].append(Outgoing(key, value, load))

    def _next_tick(self, lane: str) -> int:
        return self._reached[lane] + TICK_EVERY_MS

    def _tick(self, lane: str, queues: list[list[Outgoing]], time_ms: int) -> None:
        """One tick at the last full hour; hours without records in between need none of their own."""
        hour_ms = time_ms - time_ms % TICK_EVERY_MS
        if hour_ms <= self._reached[lane]:
            return
        self._reached[lane] = hour_ms
        tick = Outgoing(None, b"", (*self._load, (headers.TICK, b"%d" % hour_ms)))
        for queue in queues:
            queue.append(tick)
        self.ticks += len(queues)

    async def _send(self, lane: str, queues: list[list[Outgoing]]) -> None:
        for place, queue in zip(self._places[lane], queues, strict=True):
            if queue:
                self._in_flight.append(await self._producer.send(place, queue))
        while len(self._in_flight) > IN_FLIGHT_SENDS:
            await self._in_flight.popleft()
