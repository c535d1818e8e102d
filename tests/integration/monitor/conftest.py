"""The monitor's tables on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, text

from shared.stores.database import sqlite_url
from tests.support.postgres import postgres_server, why_not


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[URL]:
    """A server of the session, or a visible skip."""
    if reason := why_not():
        pytest.skip(reason)
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database, once per kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "sql" / "monitor.db")
    server: URL = request.getfixturevalue("postgres_url")
    name = f"m{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as sql:
        sql.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name)
