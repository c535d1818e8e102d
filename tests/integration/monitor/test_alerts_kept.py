"""Alerts on the topic and in the table: told before they are kept, and the kept state decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from msgspec.structs import replace
from sqlalchemy import URL

from services.monitor.core.counting import Counts
from services.monitor.core.readings import Caller, Reading
from services.monitor.edge.alerts import AlertBook
from services.monitor.edge.history import History
from services.monitor.edge.tables import MonitorTables
from shared.bus.memory import MemoryLog, MemoryProducer
from shared.contracts.codec import decode, encode
from shared.contracts.operations import Alert
from shared.contracts.places import Place
from shared.evaluation.time_bins import bins_of
from shared.stores.database import Database
from shared.stores.monitor_tables import ALERTS, METADATA
from tests.support.lake_messages import T0_MS, decision
from tests.support.monitor_records import dead_letter, messages_of

PLACE = Place("bank.alerts", 0)
DOWN = Reading("service_down", "scorer-1", 12.0, "silent for 12 s")
UP = Reading("service_down", "scorer-1", 0.0, "silent for 0 s")
MINUTE_MS = 60_000


class Crash(Exception):
    """The power goes."""


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    found = Database.open(database_url, METADATA)
    yield found
    found.close()


def book_of(database: Database, log: MemoryLog, crash: bool = False) -> AlertBook:
    def reach(_: str) -> None:
        if crash:
            raise Crash

    return AlertBook.open(database, MemoryProducer(log), PLACE, reach)


async def look(book: AlertBook, reading: Reading, now_ms: int) -> None:
    told, rows = book.judge([reading], now_ms)
    await book.tell(told)
    book.keep(rows)


def told(log: MemoryLog) -> list[tuple[str, float, float]]:
    alerts = [decode(Alert, taken.value or b"") for taken in log.partitions[PLACE]]
    return [(alert.state, alert.value, alert.limit) for alert in alerts]


async def test_it_fires_once_and_clears_once(database: Database) -> None:
    log = MemoryLog()
    book = book_of(database, log)
    for at, reading in enumerate([UP, DOWN, DOWN, UP, UP]):
        await look(book, reading, T0_MS + at)
    assert told(log) == [("firing", 12.0, 10.0), ("cleared", 0.0, 5.0)]
    with database.reading() as sql:
        row = sql.execute(ALERTS.select()).one()
    assert (row.state, row.since_ms, row.at_ms, row.value) == ("cleared", T0_MS + 3, T0_MS + 3, 0.0)


async def test_a_restart_goes_on_from_the_kept_state(database: Database) -> None:
    log = MemoryLog()
    await look(book_of(database, log), DOWN, T0_MS)
    again = book_of(database, log)
    assert again.firing() == [("service_down", "scorer-1")]
    await look(again, DOWN, T0_MS + 1)
    with database.reading() as sql:
        row = sql.execute(ALERTS.select()).one()
    assert (row.state, row.since_ms, row.at_ms) == ("firing", T0_MS, T0_MS + 1)
    await look(again, UP, T0_MS + 2)
    assert [state for state, *_ in told(log)] == ["firing", "cleared"]


async def test_killed_after_telling_it_is_told_again(database: Database) -> None:
    log = MemoryLog()
    with pytest.raises(Crash):
        await look(book_of(database, log, crash=True), DOWN, T0_MS)
    await look(book_of(database, log), DOWN, T0_MS + 1)
    assert [state for state, *_ in told(log)] == ["firing", "firing"]


def test_what_was_counted_is_read_by_windows(database: Database) -> None:
    now_ms = T0_MS - T0_MS % MINUTE_MS + 30_000
    ages = {"now": 0, "four minutes": 4, "five minutes": 5, "an hour": 64, "longer": 65, "a day": 1_444}
    tables = MonitorTables(database, lambda _: None)
    for number, (reason, minutes) in enumerate(ages.items()):
        at_ms = now_ms - minutes * MINUTE_MS
        counts = Counts()
        one = replace(
            decision(number), decided_at_ms=at_ms, ingest_time_ms=at_ms - 8, action=_ACTIONS[number]
        )
        counts.count_decisions(messages_of("d", [encode(one)]))
        counts.count_dead_letters(messages_of("x", [encode(dead_letter(number, reason, at_ms))]))
        counts.ends[PLACE] = number
        tables.write(counts)
    counts = Counts()
    before = {"decided_at_ms": now_ms - 10 * MINUTE_MS, "ingest_time_ms": now_ms - 10 * MINUTE_MS}
    counts.count_decisions(messages_of("d", [encode(replace(decision(9), model=None, **before))]))
    counts.ends[PLACE] = len(ages)
    tables.write(counts)
    history = History(database)
    history.keep_usual(now_ms)
    lately = history.lately(now_ms)
    assert lately.actions == {"approve": 1, "challenge": 1}
    assert lately.actions_before == {"review": 1, "decline": 1}
    topic = dead_letter(0).topic
    assert set(lately.dead_letters) == {(topic, "now"), (topic, "four minutes")}
    assert {reason for _, reason in lately.refused_before} == set(ages) - {"now", "four minutes"}
    assert lately.times == {int(bins_of([8])[0]): 1}
    assert lately.callers == [Caller("pos", now_ms - 1_444 * MINUTE_MS, now_ms, 4 / 60)]


_ACTIONS: Final = ("approve", "challenge", "review", "decline", "approve", "approve")
