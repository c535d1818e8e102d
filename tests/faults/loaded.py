"""Records sent as a load: in event order, with ticks and an end, to whichever workers hold the partitions."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from typing import Final

from shared.bus.kafka_producer import KafkaProducer
from shared.bus.loader import LANES, Loader, Rows
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.turns import turn_ms
from tests.support.scorer_stand import PARTITIONS, Stand
from tests.support.scorer_traffic import Record

LANE: Final = {Transaction: "transactions", Activity: "activities", Label: "labels"}


def send_load(stand: Stand, records: Iterable[Record]) -> None:
    """Send them as the loader does, by their merge times, and wait until the broker has them all."""
    ordered = sorted(records, key=turn_ms)
    asyncio.run(_send(stand, [_rows(ordered, lane) for lane in LANES], turn_ms(ordered[-1])))


async def _send(stand: Stand, parts: list[Rows], until_ms: int) -> None:
    producer = KafkaProducer(KafkaAddress(stand.bootstrap), "test-loader")
    await producer.start()
    try:
        loader = Loader(producer, stand.name, uuid.uuid4().hex, dict.fromkeys(LANES, PARTITIONS))
        try:
            await loader.send(parts, until_ms)
        finally:
            await loader.end()
    finally:
        await producer.stop()


def _rows(ordered: list[Record], lane: str) -> Rows:
    chosen = [record for record in ordered if LANE[type(record)] == lane]
    keys = [record.account_id.encode() for record in chosen]
    return Rows(lane, [turn_ms(record) for record in chosen], keys, [encode(record) for record in chosen])
