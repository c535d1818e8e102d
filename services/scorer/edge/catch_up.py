"""Appends what was scored without state: a side reader, once Redis is back (timelines.md, rule 12).

The commit note of a partition names the first such offset, so the debt survives a restart. Everything from
there to where the partition stood is appended again and captured, without deciding again; records that
were appended in their time are recognised and change nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from services.scorer.core.intake import Item
from services.scorer.core.reading import read_each
from shared.bus.leaving import leave
from shared.bus.ports import LogAway, Place
from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress
from shared.features.lateness import Limits
from shared.runtime.logs import get_logger

from .pump import Pump

log = get_logger("scorer.catch_up")

LOOK_S = 0.5
TAKE = 256


class CatchUp(Service):
    """Settles each partition's debt to the timelines."""

    def __init__(
        self, pump: Pump, kafka: KafkaAddress, kinds: Mapping[str, int], limits: Limits, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._pump = pump
        self._kafka = kafka
        self._kinds = kinds
        self._limits = limits

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_S)
            owed = self._pump.owed()
            if not owed:
                continue
            try:
                for place, (start, stop) in owed.items():
                    await self._settle(place, start, stop)
            except (LogAway, KafkaError) as error:
                if refused := refusal(error, self._kafka, "read", ", ".join(self._kinds)):
                    raise refused from error
                log.warning("catch_up_waits", reason="kafka_away")

    async def _settle(self, place: Place, start: int, stop: int) -> None:
        """Append ``place``'s records in [start, stop)."""
        consumer = AIOKafkaConsumer(
            **self._kafka.options(), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=10
        )
        await consumer.start()
        try:
            target = TopicPartition(*place)
            consumer.assign([target])
            consumer.seek(target, start)
            position = start
            while position < stop and not self.should_stop:
                found = await consumer.getmany(target, timeout_ms=200, max_records=TAKE)
                messages = [m for m in found.get(target, ()) if m.offset < stop]
                if messages:
                    await self._pump.append_only(self._items(place, messages))
                    position = messages[-1].offset + 1
                elif await consumer.position(target) >= stop:
                    break
                await asyncio.sleep(0)
        finally:
            await leave(consumer)
        self._pump.settled(place, stop)
        log.info("caught_up", topic=place.topic, partition=place.partition, count=stop - start)

    def _items(self, place: Place, messages: list[Any]) -> list[Item]:
        # Each with no mark before it: which records come in one take must not change what becomes of them.
        kind = self._kinds[place.topic]
        found = [read_each(kind, [message], 0, self._limits).values[0] for message in messages]
        return [value for value in found if isinstance(value, Item)]
