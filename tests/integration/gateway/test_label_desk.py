"""Labels that name a payment by its id alone: completed when it is known, else told why not; none is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest_asyncio
from sqlalchemy import URL, update

from services.gateway.core import bodies
from services.gateway.core.parked import FIRST_TRIES_MS, GIVEN_UP_MS, QUICK_MS, SLOW_MS, Parked, park
from services.gateway.edge.database import METADATA, PARKED_LABELS
from services.gateway.edge.label_desk import LabelDesk
from services.gateway.edge.parked_labels import ParkedLabels
from services.gateway.edge.publisher import Publisher
from shared.bus.loader import Partitions
from shared.contracts.card_numbers import CardKey
from shared.contracts.codec import decode
from shared.contracts.operations import DeadLetter
from shared.contracts.payments import Label
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.stores.database import Database
from tests.support.front_door import NOW_MS, PARTITIONS, Broker, BrokerProducer, Scorer

ROW = {
    "tx_id": "t-1",
    "account_id": "a-1",
    "event_time_ms": NOW_MS - 5_000,
    "amount_minor": 700,
    "card_id": None,
    "merchant_id": "m-1",
    "terminal_id": None,
    "device_id": None,
    "payee_id": None,
}


class KnownPayments:
    """A lake that knows some payments."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def transactions_by_tx(self, portfolio: str, tx_ids: Sequence[str]) -> list[dict[str, Any]]:
        return [self.rows[tx_id] for tx_id in tx_ids if tx_id in self.rows]


class Desk:
    """A label desk on a broker, a database and a lake of its own."""

    def __init__(self, url: URL) -> None:
        self.clock, self.broker, self.lake = FixedClock(NOW_MS), Broker(), KnownPayments()
        self.database = Database.open(url, METADATA)
        self.parked = ParkedLabels(self.database)
        self.publisher = Publisher(lambda: BrokerProducer(self.broker, Scorer("nobody")))
        self.labels = LabelDesk(
            self.parked,
            self.lake,
            self.publisher,
            Partitions(PARTITIONS),
            "bank",
            ("bank.labels", "bank.dead-letters"),
            CardKey(b"k" * 32),
            self.clock,
            Health(30.0),
        )

    async def park(self, label_id: str = "l-1", tx_id: str = "t-1", **fields: Any) -> None:
        told = {"label_id": label_id, "tx_id": tx_id, "verdict": "fraud", "source": "analyst", **fields}
        body = bodies.read_one(bodies.LABELS, json.dumps({"known_at_ms": NOW_MS, **told}).encode())
        await self.labels.park([park(body, self.clock.now_ms())])

    def records(self, topic: str) -> list[bytes]:
        logs = self.broker.log.partitions
        return [
            taken.value or b"" for place, log in sorted(logs.items()) if place.topic == topic for taken in log
        ]

    def sent(self) -> list[Label]:
        return [decode(Label, raw) for raw in self.records("bank.labels")]

    def letters(self) -> list[DeadLetter]:
        return [decode(DeadLetter, raw) for raw in self.records("bank.dead-letters")]


@pytest_asyncio.fixture
async def desk(database_url: URL) -> AsyncIterator[Desk]:
    made = Desk(database_url)
    await made.publisher.start()
    yield made
    await made.publisher.stop()
    made.database.close()


async def test_a_label_takes_account_time_amount_and_entities_from_its_payment(desk: Desk) -> None:
    desk.lake.rows["t-1"] = ROW
    await desk.park()
    await desk.labels.look()
    (label,) = desk.sent()
    assert (label.label_id, label.tx_id, label.verdict, label.known_at_ms) == ("l-1", "t-1", "fraud", NOW_MS)
    assert (label.account_id, label.event_time_ms, label.amount_minor) == ("a-1", NOW_MS - 5_000, 700)
    assert (label.merchant_id, label.card_id) == ("m-1", None)
    assert desk.parked.count() == 0


async def test_its_own_amount_goes_before_the_payments(desk: Desk) -> None:
    desk.lake.rows["t-1"] = ROW
    await desk.park(amount_minor=300)
    await desk.labels.look()
    assert [label.amount_minor for label in desk.sent()] == [300]


async def test_a_payment_that_is_unknown_yet_is_looked_for_again_soon_then_seldom(desk: Desk) -> None:
    await desk.park()
    await desk.labels.look()
    assert (desk.sent(), desk.letters(), desk.parked.count()) == ([], [], 1)
    assert await due_after(desk, QUICK_MS)
    desk.clock.advance(FIRST_TRIES_MS)
    assert await due_after(desk, 0)
    assert not await due_after(desk, QUICK_MS)
    assert await due_after(desk, SLOW_MS - QUICK_MS)
    desk.lake.rows["t-1"] = ROW
    desk.clock.advance(SLOW_MS)
    await desk.labels.look()
    assert len(desk.sent()) == 1


async def due_after(desk: Desk, wait_ms: int) -> bool:
    desk.clock.advance(wait_ms)
    return bool(desk.parked.take(desk.clock.now_ms(), 10))


async def test_after_a_day_it_is_given_up_with_its_bytes(desk: Desk) -> None:
    await desk.park(tx_id="never")
    desk.clock.advance(GIVEN_UP_MS)
    await desk.labels.look()
    (letter,) = desk.letters()
    assert (letter.reason, letter.field, letter.service) == ("label_unknown_tx", "tx_id", "gateway")
    assert msgspec.json.decode(letter.body or b"")["tx_id"] == "never"
    assert (desk.sent(), desk.parked.count()) == ([], 0)


async def test_one_that_cannot_be_read_any_more_does_not_stop_the_others(desk: Desk) -> None:
    desk.lake.rows |= {"t-1": ROW, "t-2": ROW | {"tx_id": "t-2"}}
    await desk.park()
    await desk.park("l-2", "t-2")
    with desk.database.writing() as sql:
        sql.execute(
            update(PARKED_LABELS).where(PARKED_LABELS.c.label_id == "l-1").values(body=b'{"of": "old"}')
        )
    await desk.labels.look()
    assert [label.label_id for label in desk.sent()] == ["l-2"]
    assert [(letter.reason, letter.body) for letter in desk.letters()] == [("not_json", b'{"of": "old"}')]
    assert desk.parked.count() == 0


async def test_a_label_parked_twice_is_one(desk: Desk) -> None:
    await desk.park()
    await desk.park()
    assert desk.parked.count() == 1
    same = Parked(label_id="l-1", tx_id="t-1", body=b"{}", parked_at_ms=NOW_MS)
    await desk.labels.park([same, same])
    assert desk.parked.count() == 1
