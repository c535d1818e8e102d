"""Counts and offsets in one transaction, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from sqlalchemy import URL

from services.monitor.core.counting import Counts
from services.monitor.edge.tables import MonitorTables
from shared.contracts.codec import encode
from shared.contracts.places import Place
from shared.stores.database import Database
from shared.stores.monitor_tables import CALLERS, METADATA
from tests.support.lake_messages import T0_MS, FakeMessage, decision, label
from tests.support.monitor_records import (
    messages_of,
    slow_count,
    some_decisions,
    some_labels,
    some_predictions,
    stored,
)

PLACE = Place("bank.decisions", 0)
NUMBER = 300


class Crash(Exception):
    """The power goes."""


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    found = Database.open(database_url, METADATA)
    yield found
    found.close()


def share(topic: str, messages: list[FakeMessage]) -> Counts:
    counts = Counts()
    counts.add(Place(f"bank.{topic}", 0), topic, messages, messages[-1].offset + 1, T0_MS)
    return counts


def tables_of(database: Database, crash_at: str = "") -> MonitorTables:
    def reach(place: str) -> None:
        if place == crash_at:
            raise Crash(place)

    return MonitorTables(database, reach)


def test_shares_add_up_in_the_tables(database: Database) -> None:
    tables = tables_of(database)
    decisions, predictions, labels = some_decisions(NUMBER), some_predictions(NUMBER), some_labels(NUMBER)
    logs = {
        "decisions": messages_of("d", map(encode, decisions)),
        "predictions": messages_of("p", map(encode, predictions)),
        "labels": messages_of("l", map(encode, labels)),
    }
    for topic, messages in logs.items():
        for start in range(0, NUMBER, 70):
            tables.write(share(topic, messages[start : start + 70]))
    came = [m.timestamp for m in logs["predictions"]]
    assert stored(database) == slow_count(
        [*((r, 0) for r in decisions), *zip(predictions, came, strict=True), *((r, 0) for r in labels)]
    )
    places = [Place(f"bank.{topic}", 0) for topic in logs]
    assert tables.positions([*places, Place("bank.labels", 1)]) == {
        **dict.fromkeys(places, NUMBER),
        Place("bank.labels", 1): None,
    }


@pytest.mark.parametrize("place", ["before_write", "before_offsets", "before_commit"])
def test_before_the_commit_nothing_stands(database: Database, place: str) -> None:
    some = share("decisions", messages_of("d", [encode(decision(1))]))
    with pytest.raises(Crash):
        tables_of(database, f"monitor.{place}").write(some)
    assert stored(database) == slow_count([])
    assert tables_of(database).positions([PLACE]) == {PLACE: None}


def test_after_the_commit_both_stand(database: Database) -> None:
    some = share("decisions", messages_of("d", [encode(decision(1))]))
    with pytest.raises(Crash):
        tables_of(database, "monitor.after_commit").write(some)
    assert stored(database) == slow_count([(decision(1), 0)])
    assert tables_of(database).positions([PLACE]) == {PLACE: 1}


def test_a_commit_whose_answer_was_lost_counts_once(database: Database) -> None:
    some = share("decisions", messages_of("d", map(encode, some_decisions(40))))
    with pytest.raises(Crash):
        tables_of(database, "monitor.after_commit").write(some)
    tables_of(database).write(some)
    assert stored(database) == slow_count([(one, 0) for one in some_decisions(40)])
    assert tables_of(database).positions([PLACE]) == {PLACE: 40}


def test_what_others_wrote_fits_the_columns(database: Database) -> None:
    records = [replace(label(i), source="s" * 63 + chr(97 + i), fraud_type="a\0b") for i in range(2)]
    tables_of(database).write(share("labels", messages_of("l", map(encode, records))))
    found = stored(database)["labels"]
    assert {(key[2], key[3]) for key in found} == {("s" * 32, "a\ufffdb")}
    assert sorted(found.values()) == [0, 2]


def test_callers_keep_first_and_last_in_any_order(database: Database) -> None:
    tables = tables_of(database)
    for number, at in enumerate((50, 10, 90)):
        record = replace(decision(1), decided_at_ms=T0_MS + at)
        tables.write(share("decisions", messages_of("d", [encode(record)], number)))
    with database.reading() as sql:
        row = sql.execute(CALLERS.select()).one()
    assert (row.caller, row.first_ms, row.last_ms) == ("pos", T0_MS + 10, T0_MS + 90)


def test_who_is_counted_by_name_is_known_to_the_next_monitor_until_long_silent(database: Database) -> None:
    tables = tables_of(database)
    for number, name in enumerate(("checkout", "mobile")):
        record = replace(decision(1), caller=name, decided_at_ms=T0_MS + number * 120_000)
        tables.write(share("decisions", messages_of("d", [encode(record)], number)))
    assert tables_of(database).callers() == {"checkout", "mobile"}
    tables.forget(T0_MS + 120_000)
    assert tables_of(database).callers() == {"mobile"}


def test_old_minutes_are_forgotten_and_offsets_are_not(database: Database) -> None:
    tables = tables_of(database)
    records = [replace(decision(i), decided_at_ms=T0_MS + i * 60_000) for i in range(4)]
    tables.write(share("decisions", messages_of("d", map(encode, records))))
    assert tables.forget(T0_MS + 120_000) > 0
    kept = [record for record in records if record.decided_at_ms // 60_000 * 60_000 >= T0_MS + 120_000]
    assert stored(database) == slow_count([(record, 0) for record in kept])
    assert tables.positions([PLACE]) == {PLACE: 4}
