"""The calls that bring many: payments, activities, labels; each item is taken or refused on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import Response
from msgspec import Struct

from services.gateway.core import bodies, records
from services.gateway.core.keys import ApiKey
from services.gateway.core.parked import Parked
from services.gateway.core.rates import MICROS, rate
from services.gateway.core.refusal import ItemRefusal, Receipt, Refused, item_refusal
from services.gateway.core.slots import Slots
from services.gateway.core.trace import Trace
from shared.bus.loader import Partitions
from shared.bus.ports import LogAway, Outgoing
from shared.contracts.codec import Codec, encode
from shared.contracts.payments import Activity, Label, Transaction
from shared.runtime.clock import Clock

from .counts import Counts
from .door import JSON, Call, Handler
from .once import Once
from .publisher import Publisher
from .reading import media_type, read_body
from .spread import Spread

CONFIRMED_WITHIN_S: Final = 10.0
YIELD_EVERY: Final = 50
"""Items read or sent between two looks at other requests: a large body holds nobody else up."""


class Kind(NamedTuple):
    """What a call takes: its topic on the broker, what reads a body, the field of its own id."""

    topic: str
    codec: Codec[Any]
    own_id: str
    record: Callable[[Any, ApiKey, int], Transaction | Activity | Label | Parked]


def kinds(transactions: str, activities: str, labels: str) -> tuple[Kind, Kind, Kind]:
    """The three calls; names are those on the broker."""
    return (
        Kind(transactions, bodies.TRANSACTIONS, "tx_id", lambda body, key, _: records.transaction(body, key)),
        Kind(activities, bodies.ACTIVITIES, "activity_id", lambda body, _, __: records.activity(body)),
        Kind(labels, bodies.LABELS, "tx_id", lambda body, _, now: records.label(body, now)),
    )


class Sorted(NamedTuple):
    """Records to send, labels to park, and items that were refused."""

    records: list[Transaction | Activity | Label]
    parked: list[Parked]
    refused: list[ItemRefusal]


Park = Callable[[Sequence[Parked]], Awaitable[None]]
"""Keeps labels until their payments are known. Raises DatabaseAway."""


@dataclass(frozen=True, slots=True)
class TakingParts:
    """What the calls work with."""

    publisher: Publisher
    once: Once
    park: Park
    slots: Slots
    partitions: Partitions
    clock: Clock
    counts: Counts
    bulk_bytes: int
    bulk_items: int


class Taking:
    """Makes the handler of each kind."""

    def __init__(self, parts: TakingParts) -> None:
        self._parts = parts

    def handler(self, kind: Kind) -> Handler:
        """The call that takes ``kind``."""

        async def take(call: Call) -> Response:
            return await self._take(kind, call)

        return take

    async def _take(self, kind: Kind, call: Call) -> Response:
        parts = self._parts
        if parts.publisher.is_away:
            raise LogAway("Kafka does not confirm")
        name = media_type(call.request, (bodies.JSON, bodies.NDJSON))
        length = call.request.headers.get("content-length", "")
        expected = int(length) if length.isdigit() else parts.bulk_bytes
        with parts.slots.held(call.key.key_id, min(expected, parts.bulk_bytes)):
            raw = await read_body(call.request, parts.bulk_bytes)
            items = bodies.split(raw, name, parts.bulk_items)
            await self._within_rate(call.key, len(items))
            found = await self._read(kind, items, call.key)
            await self._send(kind.topic, found.records, call.trace)
            await parts.park(found.parked)
        parts.counts.items[kind.topic] += len(found.records) + len(found.parked)
        for refused in found.refused:
            parts.counts.refused(refused.code)
        parked = len(found.parked) or None
        return receipt(Receipt(accepted=len(found.records), refused=found.refused, parked=parked))

    async def _within_rate(self, key: ApiKey, items: int) -> None:
        wait_us = await self._parts.once.take(key.key_id, items, rate(key.rate_per_s, key.burst))
        if wait_us:
            raise Refused("rate_limited", retry_after_s=wait_us / MICROS)

    async def _read(self, kind: Kind, items: Sequence[bytes], key: ApiKey) -> Sorted:
        now_ms = self._parts.clock.now_ms()
        found = Sorted([], [], [])
        for index, raw in enumerate(items):
            await _give_way(index)
            try:
                made = kind.record(bodies.read_one(kind.codec, raw), key, now_ms)
            except Refused as refused:
                own_id = bodies.own_id(raw, kind.own_id)
                found.refused.append(item_refusal(index, own_id, refused.code, refused.field))
                continue
            if isinstance(made, Parked):
                found.parked.append(made)
            else:
                found.records.append(made)
        return found

    async def _send(self, topic: str, found: Sequence[Any], trace: Trace) -> None:
        """Send and wait for Kafka. Raises LogAway: what was confirmed of them then is not known."""
        parts = self._parts
        beside = trace.kafka_headers()
        spread = Spread(parts.partitions)
        for index, record in enumerate(found):
            await _give_way(index)
            account = record.account_id.encode()
            spread.add(topic, account, Outgoing(account, encode(record), beside))
        try:
            async with asyncio.timeout(CONFIRMED_WITHIN_S):
                await parts.publisher.publish_each(spread.places)
        except TimeoutError:
            raise LogAway("not confirmed in time") from None


async def _give_way(index: int) -> None:
    if index % YIELD_EVERY == YIELD_EVERY - 1:
        await asyncio.sleep(0)


def receipt(told: Struct) -> Response:
    """202, or 422 where nothing of a request was taken."""
    nothing = isinstance(told, Receipt) and not told.accepted and not told.parked
    return Response(msgspec.json.encode(told), 422 if nothing else 202, media_type=JSON)
