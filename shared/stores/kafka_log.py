"""Small one-partition topics as a log, read whole and written record by record (kafka-python)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress

WAIT_MS: Final = 10_000
POLL_MS: Final = 500
ASK_MS: Final = 200


class KafkaAway(Exception):
    """Kafka did not answer, or the topic does not exist: ``code`` is the reason code."""

    code: Final = "kafka_away"


class LogRecord(NamedTuple):
    """A record of the log with its offset; a record without value is given as empty bytes."""

    offset: int
    key: bytes | None
    value: bytes


def read_whole(kafka: KafkaAddress, topic: str, from_offset: int = 0) -> list[LogRecord]:
    """Every record of ``topic``'s partition 0 up to its end as it is now. Raises KafkaAway, AccessRefused."""
    with _translated(kafka, "read", topic), _consumer(kafka) as consumer:
        place = TopicPartition(topic, 0)
        if not consumer.partitions_for_topic(topic):
            consumer.assign([place])
            consumer.poll(timeout_ms=ASK_MS)  # only now is it asked for by name
            if topic in consumer._client.cluster.unauthorized_topics:  # the client only logs it
                raise TopicAuthorizationFailedError(topic)
            raise KafkaAway(f"there is no topic {topic}; run: assay topics apply")
        consumer.assign([place])
        consumer.seek(place, from_offset)
        return list(_until(consumer, place, consumer.end_offsets([place])[place]))


def append(kafka: KafkaAddress, topic: str, key: bytes | None, value: bytes) -> int:
    """Append one confirmed record to partition 0; its offset. Raises KafkaAway, AccessRefused."""
    with _translated(kafka, "write", topic), _producer(kafka) as producer:
        future = producer.send(topic, value=value, key=key, partition=0)
        return int(future.get(timeout=WAIT_MS / 1000).offset)


def _until(consumer: KafkaConsumer, place: TopicPartition, end: int) -> Iterator[LogRecord]:
    idle = 0
    while consumer.position(place) < end:
        found: list[Any] = consumer.poll(timeout_ms=POLL_MS).get(place, [])
        idle = 0 if found else idle + POLL_MS
        if idle >= WAIT_MS:
            raise KafkaAway(f"{place.topic}: no record for {WAIT_MS} ms before offset {end}")
        for record in found:
            if record.offset < end:
                yield LogRecord(record.offset, record.key, record.value or b"")


@contextmanager
def _translated(kafka: KafkaAddress, operation: str, topic: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise refusal(error, kafka, operation, topic) or KafkaAway(f"{topic}: {error}") from error


@contextmanager
def _consumer(kafka: KafkaAddress) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(
        **kafka.options(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        fetch_max_wait_ms=50,
        request_timeout_ms=WAIT_MS,
        bootstrap_timeout_ms=WAIT_MS,
    )
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def _producer(kafka: KafkaAddress) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(
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
        yield producer
    finally:
        producer.close(timeout=WAIT_MS / 1000)
