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
from services.gateway.core.rates import MICROS, rate
from services.gateway.core.refusal import ItemRefusal, Receipt, Refused, item_refusal
from services.gateway.core.slots import Slots
from services.gateway.core.trace import Trace
from shared.bus.loader import Partitions
from shared.bus.ports import LogAway, Outgoing, Place
from shared.contracts.codec import encode
from shared.contracts.payments import Activity, Label, Transaction
from shared.runtime.clock import Clock

from .counts import Counts
from .desk import AGAIN_S
from .door import JSON, Call, Handler
from .once import Once, RedisAway
from .publisher import Publisher
from .reading import media_type, read_body

YIELD_EVERY: Final = 200
"""Items read between two looks at other requests: a large body holds nobody else up."""


class Kind(NamedTuple):
    """What a call takes: its topic on the broker, the body's type, the field of its own id."""

    topic: str
    body: Any
    own_id: str
    record: Callable[[Any, ApiKey, int], Transaction | Activity | Label]


def kinds(transactions: str, activities: str, labels: str) -> tuple[Kind, Kind, Kind]:
    """The three calls; names are those on the broker."""
    return (
        Kind(
            transactions, bodies.TransactionBody, "tx_id", lambda body, key, _: records.transaction(body, key)
        ),
        Kind(activities, bodies.ActivityBody, "activity_id", lambda body, _, __: records.activity(body)),
        Kind(
            labels,
            bodies.LabelBody,
            "tx_id",
            lambda body, _, now: records.label(records.named_label(body, now)),
        ),
    )


class Taken(NamedTuple):
    """Records to send, and items that were refused."""

    records: list[Transaction | Activity | Label]
    refused: list[ItemRefusal]


@dataclass(frozen=True, slots=True)
class TakingParts:
    """What the calls work with."""

    publisher: Publisher
    once: Once
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
            raise Refused("kafka_away", retry_after_s=AGAIN_S)
        name = media_type(call.request, (bodies.JSON, bodies.NDJSON))
        length = call.request.headers.get("content-length", "")
        expected = int(length) if length.isdigit() else parts.bulk_bytes
        with parts.slots.held(call.key.key_id, min(expected, parts.bulk_bytes)):
            raw = await read_body(call.request, parts.bulk_bytes)
            items = bodies.split(raw, name, parts.bulk_items)
            await self._within_rate(call.key, len(items))
            taken = await self._read(kind, items, call.key)
            await self._send(kind.topic, taken.records, call.trace)
        parts.counts.items[kind.topic] += len(taken.records)
        for refused in taken.refused:
            parts.counts.refused(refused.code)
        return receipt(Receipt(accepted=len(taken.records), refused=taken.refused))

    async def _within_rate(self, key: ApiKey, items: int) -> None:
        try:
            wait_us = await self._parts.once.take(key.key_id, items, rate(key.rate_per_s, key.burst))
        except RedisAway:
            raise Refused("redis_away", retry_after_s=AGAIN_S) from None
        if wait_us:
            raise Refused("rate_limited", retry_after_s=wait_us / MICROS)

    async def _read(self, kind: Kind, items: Sequence[bytes], key: ApiKey) -> Taken:
        now_ms = self._parts.clock.now_ms()
        taken = Taken([], [])
        for index, raw in enumerate(items):
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            try:
                taken.records.append(kind.record(bodies.read_one(kind.body, raw), key, now_ms))
            except Refused as refused:
                own_id = bodies.own_id(raw, kind.own_id)
                taken.refused.append(item_refusal(index, own_id, refused.code, refused.field))
        return taken

    async def _send(self, topic: str, found: Sequence[Any], trace: Trace) -> None:
        """Send and wait for Kafka. Raises Refused: what was confirmed of them then is not known."""
        parts = self._parts
        beside = trace.kafka_headers()
        places: dict[Place, list[Outgoing]] = {}
        for record in found:
            account = record.account_id.encode()
            place = Place(topic, parts.partitions[account])
            places.setdefault(place, []).append(Outgoing(account, encode(record), beside))
        sending: list[Awaitable[None]] = [
            parts.publisher.publish(place, some) for place, some in places.items()
        ]
        for outcome in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(outcome, LogAway):
                raise Refused("kafka_away", retry_after_s=AGAIN_S)
            if outcome is not None:
                raise outcome


def receipt(told: Struct) -> Response:
    """202, or 422 where nothing of a request was taken."""
    nothing = isinstance(told, Receipt) and not told.accepted and not told.parked
    return Response(msgspec.json.encode(told), 422 if nothing else 202, media_type=JSON)
