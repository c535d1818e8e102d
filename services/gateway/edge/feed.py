"""Decisions back from Kafka: one reader of the whole topic, without a group, wakes who waits for one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from msgspec import Struct

from shared.bus.leaving import leave
from shared.bus.ports import Place
from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Decision
from shared.runtime.health import Health
from shared.runtime.logs import get_logger

log = get_logger("gateway.feed")

FETCH_WAIT_MS: Final = 500
TAKE_MS: Final = 500
REQUEST_MS: Final = 5_000
AGAIN_S: Final = 0.5
KEPT_LATE: Final = 10_000


class _Named(Struct):
    """As much of a decision as tells whose it is."""

    tx_id: str


class _Waiting(NamedTuple):
    """Who waits, and the hash of the record whose decision it is."""

    future: asyncio.Future[Decision]
    input_hash: str


class Arrivals:
    """Futures by tx_id; several requests may wait for one payment."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiting]] = {}
        self._late: OrderedDict[str, Decision | None] = OrderedDict()
        self._named = msgspec.json.Decoder(_Named)

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def waiting(self, tx_id: str, input_hash: str) -> Iterator[asyncio.Future[Decision]]:
        """A future of the payment's decision, awaited from before its record is sent.

        ``input_hash`` (hex) is the record's: under one id another body may be on its way to the scorer by
        bulk or past the gateway, and the decision on its amount is no answer to this one.
        """
        waiting = _Waiting(asyncio.get_running_loop().create_future(), input_hash)
        self._waiting.setdefault(tx_id, []).append(waiting)
        try:
            yield waiting.future
        finally:
            found = self._waiting[tx_id]
            found.remove(waiting)
            if not found:
                del self._waiting[tx_id]

    def keep_late(self, tx_id: str) -> None:
        """Remember the decision of ``tx_id`` when it comes: its caller was told something interim."""
        self._late[tx_id] = None
        if len(self._late) > KEPT_LATE:
            self._late.popitem(last=False)

    def late(self, tx_id: str) -> Decision | None:
        """The decision that came after its deadline, if it was one of the newest."""
        return self._late.get(tx_id)

    def take(self, raw: bytes) -> None:
        """A record of the topic. Whoever waits for another payment is not disturbed by a broken one."""
        try:
            tx_id = self._named.decode(raw).tx_id
            if tx_id not in self._waiting and tx_id not in self._late:
                return
            decision = decode(Decision, raw)
        except (msgspec.DecodeError, DecodeError) as error:
            log.error("decision_unreadable", error=type(error).__name__)
            return
        if tx_id in self._late:
            self._late[tx_id] = self._late[tx_id] or decision
        for waiting in self._waiting.get(tx_id, ()):
            if waiting.input_hash == decision.input_hash and not waiting.future.done():
                waiting.future.set_result(decision)


class DecisionFeed(Service):
    """Reads ``places``, partitions of one topic, from their end on; tries a broker that is away for ever."""

    def __init__(
        self, kafka: KafkaAddress, places: Sequence[Place], arrivals: Arrivals, health: Health, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._kafka = kafka
        self._places = [TopicPartition(*place) for place in places]
        self._arrivals = arrivals
        self._health = health
        self._positions: dict[TopicPartition, int] = {}
        self.is_ready = False

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                async with self._consumer() as consumer:
                    await self._read(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                if refused := refusal(error, self._kafka, "read", self._places[0].topic):
                    raise refused from error
                self.is_ready = False
                self._health.hold("decisions", "kafka_away")
                log.warning("feed_lost", reason="kafka_away", error=type(error).__name__)
                await self.sleep(AGAIN_S)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer where we were; what came while the broker was away may be waited for."""
        consumer = AIOKafkaConsumer(
            **self._kafka.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=1,
            request_timeout_ms=REQUEST_MS,
        )
        try:
            await consumer.start()
            ends = await consumer.end_offsets(self._places)
            consumer.assign(self._places)
            for place in self._places:
                consumer.seek(place, self._positions.setdefault(place, ends[place]))
            yield consumer
        finally:
            await leave(consumer)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        self.is_ready = True
        self._health.clear("decisions")
        while not self.should_stop:
            found = await consumer.getmany(timeout_ms=TAKE_MS)
            self._health.beat("feed")
            for place, messages in found.items():
                for message in messages:
                    self._arrivals.take(message.value or b"")
                self._positions[place] = messages[-1].offset + 1
