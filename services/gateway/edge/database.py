"""The gateway's own tables, in SQLite or PostgreSQL by URL. Several gateways may share them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)
from sqlalchemy.exc import SQLAlchemyError

BUSY_MS: Final = 5_000


class DatabaseAway(Exception):
    """The database does not answer, or stays locked."""


@contextmanager
def asking() -> Iterator[None]:
    """What fails inside is named for what it is. Raises DatabaseAway."""
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseAway(type(error).__name__) from error


METADATA: Final = MetaData()

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("key_id", String(12), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("portfolio", String(64), nullable=False),
    Column("actions", String(128), nullable=False),
    Column("caller", String(64), nullable=False),
    Column("details", Boolean, nullable=False),
    Column("rate_per_s", Float, nullable=False),
    Column("burst", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger, nullable=True),
)

PARKED_LABELS: Final = Table(
    "parked_labels",
    METADATA,
    Column("label_id", String(64), primary_key=True),
    Column("tx_id", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("parked_at_ms", BigInteger, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False, index=True),
)


def open_database(url: str) -> Engine:
    """An engine for ``url`` with our tables in it. Raises SQLAlchemyError."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    METADATA.create_all(engine)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: it would take the write lock late and fail busy.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
