"""A service's own tables, in SQLite or PostgreSQL by URL: one that writes, any number that read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

BUSY_MS: Final = 5_000


class DatabaseAway(Exception):
    """The database does not answer, or stays locked."""


class Database:
    """Transactions on the tables of ``metadata``. Safe to use from several threads; every call blocks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str | URL, metadata: MetaData | None = None) -> Self:
        """A database with the tables of ``metadata``, None to make none. Raises DatabaseAway, OSError."""
        with _asking():
            engine = create_engine(url)
            if engine.dialect.name == "sqlite":
                if engine.url.database:
                    Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
                event.listen(engine, "connect", _prepare)
                event.listen(engine, "begin", _begin)
            if metadata is not None:
                metadata.create_all(engine)
        return cls(engine)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, kept when the block ends. Raises DatabaseAway."""
        with _asking(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of everything, which waits for no writer. Raises DatabaseAway."""
        with _asking(), self.engine.connect() as connection:
            yield connection.execution_options(**_READS)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


_READS: Final = {"reads_only": True}


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseAway(type(error).__name__) from error


def sqlite_url(path: Path) -> URL:
    """The URL of a file."""
    return URL.create("sqlite", database=str(path))


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: it would take the write lock late and fail busy.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _begin(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
