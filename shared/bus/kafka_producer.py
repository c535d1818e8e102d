"""Confirmed batches to Kafka: idempotent, acks from all replicas, one explicit batch per partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.addresses import KafkaAddress

from .leaving import let_go
from .ports import Batch, Outgoing, Place, RecordColumns
from .refused import told, why_no_start

BATCH_BYTES = 1 << 20
REQUEST_TIMEOUT_MS = 30_000


class KafkaProducer:
    """Producer port on aiokafka. ``linger`` is zero: the caller already sends whole batches."""

    def __init__(self, kafka: KafkaAddress, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises LogAway, AccessRefused."""
        self._producer = AIOKafkaProducer(
            **self._kafka.options(),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=16 * BATCH_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            await self._producer.start()
        except asyncio.CancelledError:
            await self._producer.stop()
            raise
        except KafkaError as error:
            await self._producer.stop()  # one that never connected holds its client all the same
            raise await why_no_start(error, self._kafka) from error

    async def stop(self) -> None:
        """Flush and disconnect; who is cancelled meanwhile gives up what is unsent."""
        if self._producer is None:
            return
        try:
            await self._producer.stop()
        except asyncio.CancelledError:
            await let_go(self._producer)
            raise

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
        """Queue ``records``; awaiting the result waits for the broker. Raises LogAway, AccessRefused."""
        if isinstance(records, RecordColumns):
            # It brings compiled kernels, which only those who send columns need.
            from .record_batch import batches

            built: Iterable[object] = batches(records, BATCH_BYTES, time.time_ns() // 1_000_000)
        else:
            built = self._built(records)
        return self._confirmed([await self._submit(batch, place) for batch in built], place)

    def _built(self, records: Sequence[Outgoing]) -> Iterator[object]:
        assert self._producer is not None, "start() comes first"
        batch = self._producer.create_batch()
        for record in records:
            if not _append(batch, record):
                yield batch
                batch = self._producer.create_batch()
                _append(batch, record)
        if batch.record_count():
            yield batch

    async def _submit(self, batch: object, place: Place) -> asyncio.Future[object]:
        assert self._producer is not None
        try:
            future: asyncio.Future[object] = await self._producer.send_batch(
                batch, place.topic, partition=place.partition
            )
        except (KafkaError, TimeoutError) as error:
            raise told(error, self._kafka, "write", place.topic) from error
        return future

    async def _confirmed(self, futures: Sequence[asyncio.Future[object]], place: Place) -> None:
        """Wait for every broker confirmation. Raises LogAway, AccessRefused.

        Who stops waiting leaves the batch as it is: aiokafka's sender dies of one that was cancelled while it
        is on its way again, and with it everything that the producer was to send.
        """
        try:
            for future in futures:
                await asyncio.shield(future)
        except KafkaError as error:
            raise told(error, self._kafka, "write", place.topic) from error


def _append(batch: Any, record: Outgoing) -> bool:
    """Whether there was room; aiokafka takes nothing but a list of headers."""
    key, value, headers = record
    return batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is not None
