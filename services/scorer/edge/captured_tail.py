"""What the newest captures say of the timelines, read without a group: epochs and highest indices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.scorer.core.assembly import entity_ends
from services.scorer.core.intake import InputRecord
from shared.bus.leaving import leave
from shared.bus.refused import told, why_no_start
from shared.contracts.addresses import KafkaAddress
from shared.contracts.capture import decode_capture
from shared.contracts.codec import DecodeError, decode_activity, decode_label, decode_transaction
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.topics import topic_name
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.stores.timeline_port import CapturedEnd

MESSAGES = 50
"""Capture messages per partition that are looked at: the last minutes of live traffic."""

POLL_MS = 500

_INPUTS: dict[int, tuple[str, Callable[[bytes], InputRecord]]] = {
    KIND_TRANSACTION: ("transactions", decode_transaction),
    KIND_LABEL: ("labels", decode_label),
    KIND_ACTIVITY: ("activities", decode_activity),
}


class CapturedTail:
    """Joins the newest captures with their inputs, which name the entities."""

    def __init__(self, kafka: KafkaAddress, feature_set: FeatureSet, encoder: RowEncoder) -> None:
        self._kafka = kafka
        self._feature_set = feature_set
        self._encoder = encoder
        self._portfolio = feature_set.portfolio_name

    async def at_least(self) -> int:
        """The highest epoch in the newest captures; 0 when there are none. Raises LogAway."""
        rows = [row async for row in self._rows()]
        return max((row["epoch"] for _, row in rows), default=0)

    async def ends(self) -> AsyncIterator[CapturedEnd]:
        """For every timeline named by the newest captures an index that it must hold. Raises LogAway."""
        rows = [row async for row in self._rows()]
        wanted: dict[TopicPartition, dict[int, dict[str, Any]]] = {}
        for partition, row in rows:
            name, _ = _INPUTS[row["kind"]]
            place = TopicPartition(topic_name(self._portfolio, name), partition)
            wanted.setdefault(place, {})[row["offset"]] = row
        for place, by_offset in wanted.items():
            async for row, record in self._inputs(place, by_offset):
                versions, epoch = row["versions"], row["epoch"]
                for end in entity_ends(self._feature_set, self._encoder, record, versions, epoch):
                    yield CapturedEnd(end.entity, end.entity_id, end.epoch, end.index)

    async def _rows(self) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        topic = topic_name(self._portfolio, "captures")
        features, entities = len(self._feature_set.names), len(self._feature_set.entities)
        async for message in self._tail(topic):
            batch = decode_capture(message.value, features, entities)
            columns = batch.select(["kind", "offset", "epoch", "versions"]).to_pylist()
            for row in columns:
                yield message.partition, row

    async def _tail(self, topic: str) -> AsyncIterator[Any]:
        consumer = await self._open()
        try:
            places = [TopicPartition(topic, p) for p in await self._partitions(consumer, topic)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            starts = await consumer.beginning_offsets(places)
            for place in places:
                consumer.seek(place, max(starts[place], ends[place] - MESSAGES))
            async for message in _until(consumer, ends):
                yield message
        except KafkaError as error:
            raise told(error, self._kafka, "read", topic) from error
        finally:
            await leave(consumer)

    async def _inputs(
        self, place: TopicPartition, wanted: dict[int, dict[str, Any]]
    ) -> AsyncIterator[tuple[dict[str, Any], InputRecord]]:
        decoder = next(decode for name, decode in _INPUTS.values() if place.topic.endswith(name))
        consumer = await self._open()
        try:
            consumer.assign([place])
            consumer.seek(place, min(wanted))
            async for message in _until(consumer, {place: max(wanted) + 1}):
                row = wanted.get(message.offset)
                if row is None:
                    continue
                try:
                    yield row, decoder(message.value)
                except DecodeError as error:
                    raise AssertionError(f"a captured record does not decode: {error}") from error
        except KafkaError as error:
            raise told(error, self._kafka, "read", place.topic) from error
        finally:
            await leave(consumer)

    async def _open(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **self._kafka.options(), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=10
        )
        try:
            await consumer.start()
        except KafkaError as error:
            raise await why_no_start(error, self._kafka) from error
        return consumer

    async def _partitions(self, consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        await consumer.topics()
        found: set[int] | None = consumer.partitions_for_topic(topic)
        return found or set()


async def _until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[Any]:
    """Messages of the assigned partitions up to ``ends``."""
    while True:
        left = [place for place, end in ends.items() if await consumer.position(place) < end]
        if not left:
            return
        found = await consumer.getmany(*left, timeout_ms=POLL_MS)
        for place, messages in found.items():
            for message in messages:
                if message.offset < ends[place]:
                    yield message
