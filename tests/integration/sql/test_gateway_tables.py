"""The gateway's tables on either database: keys as they were made, and labels that several work on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import URL

from services.gateway.core.keys import ApiKey
from services.gateway.core.parked import QUICK_MS, Parked
from services.gateway.core.refusal import Refused
from services.gateway.edge.database import METADATA
from services.gateway.edge.key_book import KeyBook
from services.gateway.edge.parked_labels import ParkedLabels
from shared.contracts.bounds import EVENT_TIME_MAX_MS
from shared.runtime.health import Health
from shared.stores.database import Database

NOW_MS = 1_760_000_000_000
KEY = ApiKey(
    key_id="a" * 12,
    name="Schalter Ost",
    secret_hash="b" * 64,
    portfolio="bank",
    actions=("decide", "read"),
    caller="branch",
    details=True,
    rate_per_s=12.5,
    burst=25,
    created_at_ms=NOW_MS,
    expires_at_ms=EVENT_TIME_MAX_MS,
)


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    made = Database.open(database_url, METADATA)
    yield made
    made.close()


def book_of(database: Database) -> KeyBook:
    return KeyBook(database, None, Health(30.0))


def label(number: int, parked_at_ms: int = NOW_MS) -> Parked:
    return Parked(label_id=f"l{number}", tx_id=f"t{number}", body=b'{"\x00\xff', parked_at_ms=parked_at_ms)


async def test_a_key_comes_back_as_it_was_made_and_ended_through_another_gateway(database: Database) -> None:
    here, there = book_of(database), book_of(database)
    plain = replace(KEY, key_id="c" * 12, details=False, actions=("keys",), created_at_ms=NOW_MS + 1)
    await here.add(KEY)
    await here.add(plain)
    await there.on_start()
    assert there.all() == [KEY, plain]
    await there.revoke(KEY.key_id, NOW_MS + 2)
    await here.on_start()
    assert here.all() == [replace(KEY, revoked_at_ms=NOW_MS + 2), plain]
    with pytest.raises(Refused, match="key_absent"):
        await here.revoke("d" * 12, NOW_MS)


def test_a_parked_label_comes_back_as_it_was_when_it_is_due(database: Database) -> None:
    parked = ParkedLabels(database)
    parked.add([label(1), label(2, NOW_MS + 10), label(1)])
    parked.add([label(2)])
    assert parked.count() == 2
    assert parked.take(NOW_MS - 1, 10) == []
    assert parked.take(NOW_MS + 10, 10) == [label(1), label(2, NOW_MS + 10)]
    assert parked.take(NOW_MS + 10 + QUICK_MS - 1, 10) == []
    assert parked.take(NOW_MS + 10 + QUICK_MS, 1) == [label(1)]
    parked.drop(["l1"])
    assert parked.count() == 1


def test_of_several_gateways_one_takes_a_label(database: Database) -> None:
    parked = ParkedLabels(database)
    parked.add([label(number) for number in range(30)])
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: parked.take(NOW_MS, 3), range(16)))
    assert sorted(one.label_id for some in taken for one in some) == sorted(f"l{n}" for n in range(30))


def test_a_label_that_several_bring_at_once_is_parked_once(database: Database) -> None:
    parked = ParkedLabels(database)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: parked.add([label(number % 5), label(7)]), range(20)))
    assert parked.count() == 6
