"""Records of a group's partitions from Kafka, committed by hand only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress

from .leaving import leave
from .ports import Committed, Fenced, LogAway, Message, Place, Rebalance, Run
from .refused import told, why_no_start

SESSION_TIMEOUT_MS = 10_000
FETCH_BYTES = 512 << 10
FETCH_WAIT_MS = 100
"""A fetch of nothing stands this long at the broker; what else goes over its connection waits behind it."""
LEAVE_S = 5.0
POSITION_S = 2.0


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, rebalance: Rebalance, interrupt: Callable[[], None]) -> None:
        self._rebalance = rebalance
        self._interrupt = interrupt

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._interrupt()
        await self._rebalance.revoked({Place(*tp) for tp in revoked})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._rebalance.assigned({Place(*tp) for tp in assigned})


class KafkaConsumer:
    """Consumer port on aiokafka: range assignment, so that equal partition numbers stay together."""

    def __init__(
        self,
        kafka: KafkaAddress,
        group: str,
        topics: Sequence[str],
        client_id: str,
        rebalance: Rebalance,
        session_timeout_ms: int = SESSION_TIMEOUT_MS,
    ) -> None:
        self._kafka = kafka
        self._topics = list(topics)
        self._reading = f"{', '.join(topics)} as group {group}"
        self._listener = _Listener(rebalance, self._interrupt)
        self._idle: asyncio.Task[Any] | None = None
        self._options = {
            **kafka.options(),
            "group_id": group,
            "client_id": client_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "fetch_max_wait_ms": FETCH_WAIT_MS,
            "fetch_min_bytes": 1,
            "max_partition_fetch_bytes": FETCH_BYTES,
            "session_timeout_ms": session_timeout_ms,
            "heartbeat_interval_ms": session_timeout_ms // 4,
            "rebalance_timeout_ms": 30_000,
            "max_poll_interval_ms": 300_000,
            "partition_assignment_strategy": (RangePartitionAssignor,),
            "isolation_level": "read_uncommitted",
        }
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect and join the group. Raises LogAway, AccessRefused."""
        self._consumer = AIOKafkaConsumer(**self._options)
        self._consumer.subscribe(self._topics, listener=self._listener)
        try:
            await self._consumer.start()
        except KafkaError as error:
            raise await why_no_start(error, self._kafka, "read", self._reading) from error

    def _told(self, error: BaseException) -> LogAway | AccessRefused:
        return told(error, self._kafka, "read", self._reading)

    async def stop(self) -> None:
        """Leave the group and disconnect; a group that hangs is left without a word after `LEAVE_S`."""
        if self._consumer is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(leave(self._consumer), LEAVE_S)

    async def take(self, limit: int, wait_ms: int) -> Sequence[Run]:
        """At most ``limit`` records. Raises LogAway, AccessRefused."""
        assert self._consumer is not None, "start() comes first"
        try:
            if wait_ms:
                found = await self._wait(limit, wait_ms)
            else:
                found = await self._consumer.getmany(timeout_ms=0, max_records=limit)
        except KafkaError as error:
            raise self._told(error) from error
        return [(Place(*place), messages) for place, messages in found.items()]

    async def _wait(self, limit: int, wait_ms: int) -> Mapping[TopicPartition, Sequence[Message]]:
        """Records, or nothing as soon as a rebalance begins.

        The client waits for the rebalance's end when it begins meanwhile, and the rebalance waits for
        whoever takes: unless the wait ends here, neither goes on.
        """
        assert self._consumer is not None
        self._idle = asyncio.create_task(self._consumer.getmany(timeout_ms=wait_ms, max_records=limit))
        try:
            await asyncio.wait({self._idle})
            return {} if self._idle.cancelled() else self._idle.result()
        finally:
            self._interrupt()
            self._idle = None

    def _interrupt(self) -> None:
        if self._idle is not None:
            self._idle.cancel()

    async def commit(self, offsets: Mapping[Place, Committed]) -> None:
        """Commit next offsets with notes. Raises LogAway, Fenced."""
        assert self._consumer is not None
        request = {TopicPartition(*p): OffsetAndMetadata(c.offset, c.note) for p, c in offsets.items()}
        try:
            await self._consumer.commit(request)
        except (
            CommitFailedError,
            IllegalStateError,
            UnknownMemberIdError,
            RebalanceInProgressError,
        ) as error:
            raise Fenced(str(error)) from error
        except KafkaError as error:
            raise self._told(error) from error

    async def committed(self, place: Place) -> Committed | None:
        """What the group has committed for ``place``, or None. Raises LogAway."""
        assert self._consumer is not None
        tp = TopicPartition(*place)
        try:
            # The public committed() drops the note that was committed beside the offset.
            found = await self._consumer._coordinator.fetch_committed_offsets([tp])
        except KafkaError as error:
            raise self._told(error) from error
        entry = found.get(tp)
        return None if entry is None or entry.offset < 0 else Committed(entry.offset, entry.metadata)

    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where each partition's log ends. Raises LogAway."""
        assert self._consumer is not None
        try:
            found = await self._consumer.end_offsets([TopicPartition(*p) for p in places])
        except KafkaError as error:
            raise self._told(error) from error
        return {Place(*tp): offset for tp, offset in found.items()}

    async def behind(self) -> set[Place]:
        """Partitions of ours with records that `take` has not given, paused ones aside. Raises LogAway.

        The broker is asked: a client that hangs fetches nothing, and its `highwater` stands still with it.
        """
        assert self._consumer is not None
        places = [Place(*tp) for tp in self._consumer.assignment() - self._consumer.paused()]
        ends = await self.end_offsets(places)
        return {place for place, end in ends.items() if await self._position(place, end) < end}

    async def _position(self, place: Place, lost: int) -> int:
        """The offset that `take` gives next; -1 if the client never learns it, ``lost`` if not ours."""
        assert self._consumer is not None
        try:
            async with asyncio.timeout(POSITION_S):
                found: int = await self._consumer.position(TopicPartition(*place))
        except TimeoutError:
            return -1
        except IllegalStateError:
            return lost
        except KafkaError as error:
            raise self._told(error) from error
        return found

    def highwater(self, place: Place) -> int | None:
        """The end of ``place`` as the last fetch saw it; None before the first."""
        assert self._consumer is not None
        found: int | None = self._consumer.highwater(TopicPartition(*place))
        return found

    def assignment(self) -> set[Place]:
        """The partitions this member owns now."""
        assert self._consumer is not None
        return {Place(*tp) for tp in self._consumer.assignment()}

    def pause(self, places: set[Place]) -> None:
        """Fetch nothing of ``places`` until resumed."""
        assert self._consumer is not None
        self._consumer.pause(*(TopicPartition(*p) for p in places))

    def resume(self, places: set[Place]) -> None:
        """Fetch ``places`` again."""
        assert self._consumer is not None
        self._consumer.resume(*(TopicPartition(*p) for p in places))
