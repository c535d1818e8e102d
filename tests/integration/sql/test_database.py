"""On either kind: readers wait for no writer, a writer waits for another, what fails changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import URL, Column, Integer, MetaData, Table, func, insert, select

from shared.stores import database as module
from shared.stores.database import Database, DatabaseAway

METADATA = MetaData()
NUMBERS = Table("numbers", METADATA, Column("number", Integer, primary_key=True))


@pytest.fixture
def database(database_url: URL) -> Iterator[Database]:
    made = Database.open(database_url, METADATA)
    yield made
    made.close()


def numbers(database: Database) -> list[int]:
    with database.reading() as sql:
        return list(sql.scalars(select(NUMBERS.c.number).order_by(NUMBERS.c.number)))


def add(database: Database, number: int) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=number))


def add_both(database: Database, first: int, second: int) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=first))
        sql.execute(insert(NUMBERS).values(number=second))


def add_next(database: Database) -> None:
    with database.writing() as sql:
        last = sql.scalar(select(func.max(NUMBERS.c.number))) or 0
        sql.execute(insert(NUMBERS).values(number=last + 1))


def add_and_fail(database: Database) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=3))
        raise KeyError


def test_another_that_opens_it_finds_what_was_written(database: Database, database_url: URL) -> None:
    add(database, 1)
    again = Database.open(database_url, METADATA)
    assert numbers(again) == [1]
    again.close()


def test_whether_a_table_was_made_is_told(database_url: URL) -> None:
    bare = Database.open(database_url)
    assert not bare.holds(NUMBERS)
    Database.open(database_url, METADATA).close()
    assert bare.holds(NUMBERS)
    bare.close()


def test_many_that_start_at_once_all_find_the_tables(database_url: URL) -> None:
    def start(_: int) -> list[int]:
        opened = Database.open(database_url, METADATA)
        try:
            return numbers(opened)
        finally:
            opened.close()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(start, range(6))) == [[]] * 6


def test_a_reader_sees_what_stood_before_and_waits_for_nobody(database: Database) -> None:
    add(database, 1)
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=2))
        assert numbers(database) == [1]
    assert numbers(database) == [1, 2]


def test_a_view_does_not_change_while_it_is_looked_at(database: Database) -> None:
    with database.reading() as sql:
        assert sql.scalars(select(NUMBERS.c.number)).all() == []
        add(database, 1)
        assert sql.scalars(select(NUMBERS.c.number)).all() == []
    assert numbers(database) == [1]


def test_a_writer_waits_for_another(database: Database) -> None:
    second = threading.Thread(target=add, args=(database, 2))
    with database.writing() as sql:
        second.start()
        sql.execute(insert(NUMBERS).values(number=1))
        second.join(0.1)
        assert second.is_alive()
    second.join(10)
    assert numbers(database) == [1, 2]


def test_what_a_writer_read_stays_true_until_it_has_written(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: add_next(database), range(40)))
    assert numbers(database) == list(range(1, 41))


def test_what_fails_changes_nothing(database: Database) -> None:
    add(database, 1)
    with pytest.raises(DatabaseAway, match="IntegrityError"):
        add_both(database, 2, 1)
    assert numbers(database) == [1]
    add_both(database, 2, 3)
    assert numbers(database) == [1, 2, 3]


def test_an_error_of_ours_changes_nothing_either(database: Database) -> None:
    with pytest.raises(KeyError):
        add_and_fail(database)
    assert numbers(database) == []


def test_a_lock_that_stays_means_away(database_url: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    database = Database.open(database_url, METADATA)
    with database.writing(), pytest.raises(DatabaseAway, match="OperationalError"):
        add(database, 1)
    add(database, 1)
    assert numbers(database) == [1]
    database.close()
