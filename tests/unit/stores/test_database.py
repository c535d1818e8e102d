"""What is SQLite's alone: a file with its folder, and a log that readers do not wait for."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table

from shared.stores.database import Database, sqlite_url

METADATA = MetaData()
NUMBERS = Table("numbers", METADATA, Column("number", Integer, primary_key=True))


def test_a_file_is_made_with_its_folder_and_its_tables(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "sql" / "x.db"), METADATA)
    database.close()
    again = Database.open(sqlite_url(tmp_path / "sql" / "x.db"))
    assert again.holds(NUMBERS)
    with again.reading() as sql:
        assert sql.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    again.close()
