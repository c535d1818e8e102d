"""Kafka for those who wait: ends, commits, lag and ranges of topics, read by kafka-python without a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.contracts.addresses import KafkaAddress

from .ports import LogAway, Outgoing, Place, Taken
from .refused import told

WAIT_MS: Final = 10_000
POLL_MS: Final = 200


class KafkaLook:
    """Looks at a broker. ``group`` names whose commits `committed` tells; it is never joined.

    Every call raises LogAway when the broker does not answer or a topic does not exist,
    AccessRefused when it says no.
    """

    def __init__(self, kafka: KafkaAddress, group: str | None = None) -> None:
        self._kafka = kafka
        with _translated(kafka):
            self._consumer: Any = KafkaConsumer(
                **kafka.options(),
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=4 << 20,
                request_timeout_ms=WAIT_MS,
                bootstrap_timeout_ms=WAIT_MS,
            )

    def __enter__(self) -> KafkaLook:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def places(self, topics: Iterable[str]) -> list[Place]:
        """Every partition of ``topics``."""
        found = []
        for topic in topics:
            with _translated(self._kafka, "see", topic):
                partitions = self._consumer.partitions_for_topic(topic)
                if not partitions and self._is_hidden(topic):
                    raise TopicAuthorizationFailedError(topic)
            if not partitions:
                raise LogAway(f"there is no topic {topic}; run: assay topics apply")
            found += [Place(topic, p) for p in sorted(partitions)]
        return found

    def _is_hidden(self, topic: str) -> bool:
        """Whether the broker refuses to show ``topic``: the client only logs it, once it asks by name."""
        self._consumer.assign([TopicPartition(topic, 0)])
        self._consumer.poll(timeout_ms=POLL_MS)
        return topic in self._consumer._client.cluster.unauthorized_topics

    def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        """The offset that the next record of each partition gets."""
        with _translated(self._kafka):
            found = self._consumer.end_offsets([TopicPartition(*p) for p in places])
        return {Place(*tp): offset for tp, offset in found.items()}

    def starts(self, places: Sequence[Place]) -> dict[Place, int]:
        """The first offset that each partition still keeps."""
        with _translated(self._kafka):
            found = self._consumer.beginning_offsets([TopicPartition(*p) for p in places])
        return {Place(*tp): offset for tp, offset in found.items()}

    def committed(self, places: Sequence[Place]) -> dict[Place, int]:
        """The group's next offset of each partition; 0 where nothing was committed."""
        with _translated(self._kafka):
            return {p: self._consumer.committed(TopicPartition(*p)) or 0 for p in places}

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Taken]:
        """Records from the first offset (included) to the second (excluded) of each partition."""
        left = {TopicPartition(*p): end for p, (start, end) in spans.items() if start < end}
        if not left:
            return
        with _translated(self._kafka):
            self._consumer.assign(list(left))
            self._consumer.resume(*left)  # an earlier read paused what it had finished
            for tp in left:
                self._consumer.seek(tp, spans[Place(*tp)][0])
        idle_ms = 0
        while left:
            with _translated(self._kafka):
                found = self._consumer.poll(timeout_ms=POLL_MS)
            idle_ms = 0 if found else idle_ms + POLL_MS
            if idle_ms >= WAIT_MS:
                raise LogAway(f"{next(iter(left)).topic}: no record for {WAIT_MS} ms before its end")
            for tp, records in found.items():
                yield from (_taken(record) for record in records if record.offset < left.get(tp, 0))
            self._finish(left)

    def read_all(self, topics: Iterable[str]) -> Iterator[Taken]:
        """Every record that stands on ``topics`` now."""
        places = self.places(topics)
        starts, ends = self.starts(places), self.ends(places)
        return self.read({p: (starts[p], ends[p]) for p in places})

    def _finish(self, left: dict[Any, int]) -> None:
        with _translated(self._kafka):
            done = [tp for tp, end in left.items() if self._consumer.position(tp) >= end]
        for tp in done:
            del left[tp]
            self._consumer.pause(tp)


def produce_confirmed(kafka: KafkaAddress, place: Place, key: bytes | None, value: bytes) -> int:
    """Append one record; its offset once the broker has confirmed it. Raises LogAway, AccessRefused."""
    return produce_each_confirmed(kafka, [(place, Outgoing(key, value))])[0]


def produce_each_confirmed(kafka: KafkaAddress, records: Sequence[tuple[Place, Outgoing]]) -> list[int]:
    """Append ``records`` in their order; their offsets once the broker has confirmed every one.

    Raises LogAway: which of them it has is not known then. Raises AccessRefused.
    """
    with _translated(kafka, "write", records[0][0].topic):
        producer: Any = KafkaProducer(
            **kafka.options(),
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_block_ms=WAIT_MS,
            delivery_timeout_ms=WAIT_MS,
            request_timeout_ms=WAIT_MS // 2,
            bootstrap_timeout_ms=WAIT_MS,
        )
        try:
            sent = [
                producer.send(
                    place.topic,
                    value=record.value,
                    key=record.key,
                    partition=place.partition,
                    headers=list(record.headers),
                )
                for place, record in records
            ]
            return [int(future.get(timeout=WAIT_MS / 1000).offset) for future in sent]
        finally:
            producer.close(timeout=WAIT_MS / 1000)


def _taken(record: Any) -> Taken:
    return Taken(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers or ()),
    )


@contextmanager
def _translated(kafka: KafkaAddress, operation: str = "read", what: str = "") -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise told(error, kafka, operation, what) from error
