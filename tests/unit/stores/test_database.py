"""Who reads waits for no writer, who writes waits for another, and what fails changes nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

from shared.stores import database as module
from shared.stores.database import Database, DatabaseAway, sqlite_url

METADATA = MetaData()
NUMBERS = Table("numbers", METADATA, Column("number", Integer, primary_key=True))


def numbers(database: Database) -> list[int]:
    with database.reading() as sql:
        return list(sql.scalars(select(NUMBERS.c.number).order_by(NUMBERS.c.number)))


def add(database: Database, number: int) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=number))


def test_a_file_is_made_with_its_folder_and_its_tables(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "sql" / "x.db"), METADATA)
    add(database, 1)
    database.close()
    again = Database.open(sqlite_url(tmp_path / "sql" / "x.db"), METADATA)
    assert numbers(again) == [1]
    with again.reading() as sql:
        assert sql.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    again.close()


def test_a_reader_sees_what_stood_before_and_waits_for_nobody(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    add(database, 1)
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=2))
        assert numbers(database) == [1]
    assert numbers(database) == [1, 2]
    database.close()


def test_a_view_does_not_change_while_it_is_looked_at(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    with database.reading() as sql:
        assert sql.scalars(select(NUMBERS.c.number)).all() == []
        add(database, 1)
        assert sql.scalars(select(NUMBERS.c.number)).all() == []
    database.close()


def test_a_writer_waits_for_another(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    second = threading.Thread(target=add, args=(database, 2))
    with database.writing() as sql:
        second.start()
        sql.execute(insert(NUMBERS).values(number=1))
        second.join(0.1)
        assert second.is_alive()
    second.join(10)
    assert numbers(database) == [1, 2]
    database.close()


def test_what_fails_changes_nothing(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    add(database, 1)
    with pytest.raises(DatabaseAway, match="IntegrityError"):
        add_both(database, 2, 1)
    assert numbers(database) == [1]
    add_both(database, 2, 3)
    assert numbers(database) == [1, 2, 3]
    database.close()


def add_both(database: Database, first: int, second: int) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=first))
        sql.execute(insert(NUMBERS).values(number=second))


def test_an_error_of_ours_changes_nothing_either(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    with pytest.raises(KeyError):
        add_and_fail(database)
    assert numbers(database) == []
    database.close()


def add_and_fail(database: Database) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=3))
        raise KeyError


def test_a_lock_that_stays_means_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    database = Database.open(sqlite_url(tmp_path / "x.db"), METADATA)
    with database.writing(), pytest.raises(DatabaseAway, match="OperationalError"):
        add(database, 1)
    database.close()
