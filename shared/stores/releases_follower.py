"""Following the release chain: every worker reads the whole topic, without a group, and keeps reading."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress
from shared.contracts.models import Release
from shared.contracts.topics import topic_name
from shared.scoring.release import Chain

from .artefacts import Verifies

RETRY_SECONDS: Final = 1.0
POLL_MS: Final = 200
CONTACT_SECONDS: Final = 5.0
REQUEST_MS: Final = 5_000


class _BrokerAway(Exception):
    """The broker did not answer; never what ``on_release`` raised."""


@contextmanager
def _asking(kafka: KafkaAddress, topic: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise refusal(error, kafka, "read", topic) or _BrokerAway(str(error)) from error


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop ``consumer``, whatever its broker does: `shared/bus/leaving.py`, which a store must not see."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stopping})
    if stopping.cancelled():
        await consumer._client.close()  # the other half, which a second stop() would not do
    else:
        stopping.result()


OnRelease = Callable[[Release], Awaitable[None]]


class ReleaseFollower(Service):
    """Calls ``on_release`` for each new head, in order, one at a time.

    At start the topic is read to its end, ``on_release`` gets the head (with ``history`` every release
    up to it), and then ``caught_up`` is set, also when the chain is empty. A broker that is away is tried
    again for ever; a refusal (AccessRefused) and what ``on_release`` raises stop this service.
    """

    def __init__(
        self,
        kafka: KafkaAddress,
        portfolio: str,
        trusted: Verifies,
        on_release: OnRelease,
        history: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kafka = kafka
        self._place = TopicPartition(topic_name(portfolio, "releases"), 0)
        self._trusted = trusted
        self._on_release = on_release
        self._history = history
        self._next_offset = 0
        self._delivered = 0
        self._contact: float | None = None
        self.chain = Chain()
        self.caught_up = asyncio.Event()

    @property
    def silent_seconds(self) -> float | None:
        """Seconds since the broker last answered; None before its first answer."""
        return None if self._contact is None else asyncio.get_running_loop().time() - self._contact

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                await self._read()
            except _BrokerAway:
                await self.sleep(RETRY_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._kafka.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=POLL_MS,
            request_timeout_ms=REQUEST_MS,
        )
        try:
            with _asking(self._kafka, self._place.topic):
                await consumer.start()
            consumer.assign([self._place])
            consumer.seek(self._place, self._next_offset)
            await self._catch_up(consumer)
            while not self.should_stop:
                await self._take(consumer)
                await self._deliver()
        finally:
            await _stop(consumer)

    async def _catch_up(self, consumer: AIOKafkaConsumer) -> None:
        end = await self._end(consumer)
        while self._next_offset < end and not self.should_stop:
            await self._take(consumer)
        await self._deliver(newest_only=not self._history and not self.caught_up.is_set())
        if not self.should_stop:
            self.caught_up.set()

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        with _asking(self._kafka, self._place.topic):
            found = await consumer.getmany(self._place, timeout_ms=POLL_MS)
        records = found.get(self._place, ())
        self.chain = self.chain.extend([record.value or b"" for record in records], self._trusted.verify)
        if records:
            self._next_offset = records[-1].offset + 1
        if found:
            self._contact = asyncio.get_running_loop().time()
        elif (self.silent_seconds or 0.0) > CONTACT_SECONDS:
            await self._end(consumer)

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        with _asking(self._kafka, self._place.topic):
            ends: dict[TopicPartition, int] = await consumer.end_offsets([self._place])
        self._contact = asyncio.get_running_loop().time()
        return ends[self._place]

    async def _deliver(self, newest_only: bool = False) -> None:
        fresh = self.chain.history[self._delivered :]
        for release in fresh[-1:] if newest_only else fresh:
            await self._on_release(release)
        self._delivered = len(self.chain.history)
