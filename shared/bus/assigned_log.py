"""Every partition of some topics by one reader, from offsets that it keeps beside what it made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.contracts.access import AccessRefused
from shared.contracts.addresses import KafkaAddress

from .leaving import leave
from .ports import LogAway, Message, Place
from .refused import told, why_no_start

COMMIT_WAIT_S: Final = 5.0
FETCH_BYTES: Final = 1 << 20
FETCH_AT_LEAST: Final = 256 << 10
"""Bytes the broker gathers before it answers: an answer per record would cost more than its use."""


class TopicMissing(Exception):
    """A topic of the table is not on the broker."""


class TopicRecreated(Exception):
    """A partition ends before the offset that was read: it is another log under the same name."""


@dataclass(slots=True)
class AssignedLog:
    """All partitions of ``topics``, by one reader; ``group`` only shows how far it is.

    ``keeper`` holds the offsets and what was made of the records ("the lake"), ``remedy`` is what a person
    does when a topic was made anew under it.
    """

    kafka: KafkaAddress
    group: str
    client_id: str
    topics: Sequence[str]
    keeper: str
    remedy: str
    gather_ms: int
    """The broker waits at most this long for `FETCH_AT_LEAST`."""
    lost: int = 0
    """Records that Kafka had dropped before they were read."""
    _consumer: AIOKafkaConsumer | None = None
    _places: list[Place] = field(default_factory=list)

    async def start(self) -> list[Place]:
        """Connect and find the partitions. Raises LogAway, AccessRefused, TopicMissing."""
        self._consumer = AIOKafkaConsumer(
            **self.kafka.options(),
            group_id=self.group,
            client_id=self.client_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=self.gather_ms,
            fetch_min_bytes=FETCH_AT_LEAST,
            max_partition_fetch_bytes=FETCH_BYTES,
        )
        try:
            await self._consumer.start()
            self._places = await self._find()
        except KafkaError as error:
            raise await why_no_start(error, self.kafka, "read", self._reading) from error
        return self._places

    async def _find(self) -> list[Place]:
        admin = AIOKafkaAdminClient(**self.kafka.options(), client_id=f"{self.client_id}-look")
        await admin.start()
        try:
            found = await admin.describe_topics(list(self.topics))
        finally:
            await admin.close()
        refused = [c["topic"] for c in found if c["error_code"] == TopicAuthorizationFailedError.errno]
        if refused:
            raise told(TopicAuthorizationFailedError(), self.kafka, "read", ", ".join(sorted(refused)))
        missing = sorted(card["topic"] for card in found if card["error_code"])
        if missing:
            raise TopicMissing(f"{', '.join(missing)}: not on the broker; make it with: assay topics apply")
        return sorted(Place(card["topic"], p["partition"]) for card in found for p in card["partitions"])

    def _told(self, error: BaseException) -> LogAway | AccessRefused:
        return told(error, self.kafka, "read", self._reading)

    @property
    def _reading(self) -> str:
        return f"{', '.join(self.topics)} as group {self.group}"

    async def begin(self, positions: Mapping[Place, int | None]) -> dict[Place, int]:
        """Take every partition from its position on; None is its start. Where each begins.

        Raises LogAway, TopicRecreated.
        """
        assert self._consumer is not None
        tps = {TopicPartition(*place): place for place in self._places}
        try:
            first = await self._consumer.beginning_offsets(list(tps))
            last = await self._consumer.end_offsets(list(tps))
        except KafkaError as error:
            raise self._told(error) from error
        self._consumer.assign(list(tps))
        begins: dict[Place, int] = {}
        for tp, place in tps.items():
            position = positions.get(place)
            if position is not None and position > last[tp]:
                raise TopicRecreated(
                    f"{place.topic}/{place.partition} ends at {last[tp]}, but {self.keeper} has read to "
                    f"{position}: the topic was made anew. {self.remedy}, then start again"
                )
            if position is not None:
                self.lost += max(first[tp] - position, 0)
            begins[place] = max(position or 0, first[tp])
            self._consumer.seek(tp, begins[place])
        return begins

    async def first_after(self, topic: str, at_ms: int) -> dict[Place, int | None]:
        """The offset of the first record of each partition of ``topic`` appended at or after ``at_ms``.

        Where there is none, that of the end. Only after `start`. Raises LogAway.
        """
        assert self._consumer is not None
        tps = [TopicPartition(*place) for place in self._places if place.topic == topic]
        try:
            found = await self._consumer.offsets_for_times(dict.fromkeys(tps, at_ms))
            ends = await self._consumer.end_offsets(tps)
        except KafkaError as error:
            raise self._told(error) from error
        return {Place(*tp): found[tp].offset if found.get(tp) else ends[tp] for tp in tps}

    async def take(self, limit: int, wait_ms: int) -> dict[Place, Sequence[Message]]:
        """At most ``limit`` messages, waiting at most ``wait_ms`` for the first. Raises LogAway."""
        assert self._consumer is not None
        try:
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=limit)
        except KafkaError as error:
            raise self._told(error) from error
        return {Place(tp.topic, tp.partition): messages for tp, messages in found.items()}

    async def show(self, ends: Mapping[Place, int]) -> bool:
        """Commit ``ends`` to the group, where lag is looked up; False if Kafka did not take it in time."""
        assert self._consumer is not None
        request = {TopicPartition(*place): end for place, end in ends.items()}
        try:
            await asyncio.wait_for(self._consumer.commit(request), COMMIT_WAIT_S)
        except (KafkaError, TimeoutError):
            return False
        return True

    def end(self, place: Place) -> int | None:
        """Where ``place`` ends, as the last fetch saw it. Only after `begin`."""
        found: Any = self._consumer.highwater(TopicPartition(*place)) if self._consumer else None
        return None if found is None else int(found)

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await leave(self._consumer)
            self._consumer = None
