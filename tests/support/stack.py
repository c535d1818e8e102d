"""A real broker and a real Redis for the tests that need them, one of each per test session.

Nothing of the system is used: the jars of the lock file, the Java of a package, folders of their own,
free ports of loopback. Tests share the broker, so each uses topic names of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer


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
