"""Topics followed without a group: every reader sees every record from the end on, and none is committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress

from .leaving import leave
from .ports import Message, Place

FETCH_WAIT_MS: Final = 500
TAKE_MS: Final = 500
REQUEST_MS: Final = 5_000
AGAIN_S: Final = 0.5
QUIET_S: Final = 2.0
"""Without a record for so long, the broker is asked whether it is there, and for what it has."""
ASKED_S: Final = 3.0


class Stuck(Exception):
    """The consumer did not bring what the broker has."""


class Tail(Service):
    """Reads ``places`` from ``back`` records before their end on; tries a broker that is away for ever.

    What came while the broker was away is read when it is back. Subclasses say what becomes of records.
    With ``gather_bytes`` the broker waits for so many, half a second at most: a fetch for each record of a
    busy topic costs reader and broker more than the record.
    A consumer whose broker is gone raises nothing and gives nothing, as one whose topics are quiet. So where
    nothing comes the broker is asked, and a consumer that does not bring what stands there is made anew.
    """

    def __init__(
        self,
        kafka: KafkaAddress,
        places: Sequence[Place],
        back: int = 0,
        gather_bytes: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kafka = kafka
        self._places = [TopicPartition(*place) for place in places]
        self._back = back
        self._gather_bytes = gather_bytes
        self._positions: dict[TopicPartition, int] = {}
        self.is_ready = False

    def take(self, messages: Sequence[Message]) -> None:
        """Records of one partition in their order."""
        raise NotImplementedError

    def moved(self) -> None:
        """The broker answered, with or without records."""

    def found(self) -> None:
        """The broker answers from now on."""

    def lost(self, error: Exception) -> None:
        """The broker went away, or still is."""

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                async with self._consumer() as consumer:
                    await self._read(consumer)
            except (KafkaError, OSError, TimeoutError, Stuck) as error:
                if refused := refusal(error, self._kafka, "read", self._places[0].topic):
                    raise refused from error
                self.is_ready = False
                self.lost(error)
                await self.sleep(AGAIN_S)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer where we were."""
        consumer = self._made()
        try:
            await consumer.start()
            await self._stand(consumer)
            yield consumer
        finally:
            await leave(consumer)

    def _made(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._kafka.options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=self._gather_bytes,
            request_timeout_ms=REQUEST_MS,
        )

    async def _stand(self, consumer: AIOKafkaConsumer) -> None:
        ends = await consumer.end_offsets(self._places)
        starts = await consumer.beginning_offsets(self._places) if self._back else {}
        consumer.assign(self._places)
        for place in self._places:
            first = max(ends[place] - self._back, starts.get(place, 0))
            consumer.seek(place, self._positions.setdefault(place, first))

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        self.is_ready = True
        self.found()
        now_s = asyncio.get_running_loop().time
        heard_s, seen = now_s(), dict[TopicPartition, int]()
        while not self.should_stop:
            found = await consumer.getmany(timeout_ms=TAKE_MS)
            if not found and now_s() - heard_s >= QUIET_S:
                seen = await _asked(consumer, self._places, seen)
                heard_s = now_s()
            self.moved()
            for place, messages in found.items():
                self.take(messages)
                self._positions[place] = messages[-1].offset + 1
                heard_s = now_s()


async def _asked(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], seen: dict[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Where ``places`` end; ``seen`` is what was said the last time, and has come since.

    Raises KafkaError or TimeoutError of a broker that is away, Stuck.
    """
    async with asyncio.timeout(ASKED_S):
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        for place, end in seen.items():
            if await consumer.position(place) < end:
                raise Stuck(f"{place.topic}/{place.partition}")
    return ends
