"""A real broker, Redis and PostgreSQL for the tests that need them, one of each per test session.

Nothing of the system is used: the jars of lock files, the Java of a package, folders of their own, free ports
of loopback. Tests share the broker, so each uses topic names of its own; and PostgreSQL, so each makes a
database of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from infra.local.errors import StackError
from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from shared.stores.database import sqlite_url
from tests.support.complete import missing
from tests.support.postgres import PostgresServer, why_not


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """The session's broker: ``.bootstrap``, ``.pid``, ``.stop() .start() .restart() .kill()``.

    A test that stops it starts it again before it ends; data survive.
    """
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The session's Redis, append-only file on: ``.socket_path``, ``.url``, ``.pid``, else as above."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), path_first=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's PostgreSQL: ``.url``, ``.new_database()``, ``.stop() .start()``.

    A test that stops it starts it again before it ends; data survive. Skipped where there can be none.
    """
    if reason := why_not():
        pytest.skip(reason)
    server = PostgresServer()
    try:
        server.prepare()
        server.start()
    except StackError as error:
        missing(f"no PostgreSQL: {error}")
    else:
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database, once per kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "sql" / "own.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Makes Redis servers of a test's own: ``start_redis(append_only=False, max_memory_bytes=0)``."""
    servers: list[RedisServer] = []

    def start(*, append_only: bool = True, max_memory_bytes: int = 0) -> RedisServer:
        folder: Path = tmp_path_factory.mktemp("own-redis")
        server = RedisServer(
            folder, append_only=append_only, max_memory_bytes=max_memory_bytes, path_first=False
        )
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
