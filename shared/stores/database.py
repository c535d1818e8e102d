"""A service's own tables, in SQLite or PostgreSQL by URL: one that writes, any number that read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import URL, Connection, Engine, MetaData, Table, create_engine, event, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError

BUSY_MS: Final = 5_000
CONNECT_S: Final = 5
POSTGRES: Final = "postgresql"
DRIVER: Final = "postgresql+psycopg"
WRITER: Final = 0x4153_5341
"""The number of PostgreSQL's advisory lock that stands for SQLite's one writer; it is each database's own."""


class DatabaseAway(Exception):
    """The database does not answer, or stays locked."""


class Database:
    """Transactions on the tables of ``metadata``. Safe to use from several threads; every call blocks.

    One transaction writes at a time, whichever process it is of, so what it read stays true until it ends. A
    database that was away is connected to anew by the next call.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reads = _READS | (_ONE_VIEW if engine.dialect.name == POSTGRES else {})

    @classmethod
    def open(cls, url: str | URL, metadata: MetaData | None = None) -> Self:
        """A database with the tables of ``metadata``, None to make none. Raises DatabaseAway, OSError."""
        with _asking():
            engine = _engine(make_url(url))
        database = cls(engine)
        if metadata is not None:
            try:
                # As a writer: two services that start at once would both make what is missing.
                with database.writing() as connection:
                    metadata.create_all(connection)
            except DatabaseAway:
                database.close()
                raise
        return database

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, kept when the block ends. Raises DatabaseAway.

        It may have been kept all the same if it was the end that raised: what is then written again must add
        up to the same.
        """
        with _asking(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of everything, which waits for no writer. Raises DatabaseAway."""
        with _asking(), self.engine.connect() as connection:
            yield connection.execution_options(**self._reads)

    def holds(self, table: Table) -> bool:
        """Whether ``table`` has been made. Raises DatabaseAway."""
        with self.reading() as connection:
            return inspect(connection).has_table(table.name)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


_READS: Final[dict[str, Any]] = {"reads_only": True}
_ONE_VIEW: Final[dict[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseAway(type(error).__name__) from error


def sqlite_url(path: Path) -> URL:
    """The URL of a file."""
    return URL.create("sqlite", database=str(path))


def _engine(url: URL) -> Engine:
    if url.drivername in (POSTGRES, "postgres"):
        url = url.set(drivername=DRIVER)
    if url.get_backend_name() == POSTGRES:
        return _postgres(url)
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not open transactions by itself: it would take the write lock late and fail busy.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _only_reads(connection) else "BEGIN IMMEDIATE")


def _postgres(url: URL) -> Engine:
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_S)})
    # Connections of before a restart of the server are found dead here, not in the middle of a transaction.
    engine = create_engine(url, pool_pre_ping=True)
    event.listen(engine, "connect", _prepare_postgres)
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _prepare_postgres(connection: Any, _: Any) -> None:
    connection.execute(f"SET lock_timeout = {BUSY_MS}")
    connection.commit()


def _begin_postgres(connection: Connection) -> None:
    if not _only_reads(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER})")


def _only_reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("reads_only"))
