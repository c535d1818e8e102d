"""A PostgreSQL that stops, hangs and comes back: told while it is away, and used again by the next call."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from shared.stores import database as module
from shared.stores.database import Database, DatabaseAway
from tests.integration.sql.test_database import METADATA, NUMBERS, add, numbers
from tests.support.postgres import PostgresServer


def test_a_server_that_stopped_means_away_until_it_is_back(postgres_server: PostgresServer) -> None:
    database = Database.open(postgres_server.new_database(), METADATA)
    add(database, 1)
    postgres_server.stop()
    try:
        for _ in range(2):
            with pytest.raises(DatabaseAway):
                add(database, 2)
            with pytest.raises(DatabaseAway):
                numbers(database)
    finally:
        postgres_server.start()
    add(database, 2)
    assert numbers(database) == [1, 2]
    database.close()


def test_a_restart_between_two_calls_is_not_noticed(postgres_server: PostgresServer) -> None:
    database = Database.open(postgres_server.new_database(), METADATA)
    add(database, 1)
    with database.reading(), database.reading():
        pass  # several connections in the pool, each dead after the restart
    postgres_server.stop()
    postgres_server.start()
    assert numbers(database) == [1]
    add(database, 2)
    assert numbers(database) == [1, 2]
    database.close()


def stop_in_the_middle(database: Database, server: PostgresServer) -> None:
    with database.writing() as sql:
        sql.execute(insert(NUMBERS).values(number=1))
        server.stop()


def test_what_was_under_way_when_it_stopped_is_undone(postgres_server: PostgresServer) -> None:
    database = Database.open(postgres_server.new_database(), METADATA)
    try:
        with pytest.raises(DatabaseAway):
            stop_in_the_middle(database, postgres_server)
    finally:
        postgres_server.start()
    assert numbers(database) == []
    add(database, 1)
    assert numbers(database) == [1]
    database.close()


def test_a_server_that_hangs_means_away(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The driver waits for two seconds at the least.
    monkeypatch.setattr(module, "CONNECT_S", 2)
    url = postgres_server.new_database()
    postgres_server.freeze()
    try:
        with pytest.raises(DatabaseAway):
            Database.open(url, METADATA)
    finally:
        postgres_server.freeze(False)
    database = Database.open(url, METADATA)
    assert numbers(database) == []
    database.close()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_needs_to_name_no_driver(postgres_server: PostgresServer, scheme: str) -> None:
    url = postgres_server.new_database().render_as_string()
    database = Database.open(url.replace("postgresql+psycopg", scheme), METADATA)
    assert numbers(database) == []
    database.close()
