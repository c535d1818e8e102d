"""The console's settings: ``ASSAY_CONSOLE_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from sqlalchemy import URL, make_url

from shared.runtime.settings import ServiceSettings
from shared.stores.database import sqlite_url


class ConsoleSettings(ServiceSettings, service="console"):
    """What the console of one portfolio needs to know."""

    host: str = Field("127.0.0.1", description="address that the screens and their API listen on")
    port: int = Field(8600, ge=0, le=65_535, description="port of the screens; 0 takes a free one")
    database: str = Field(
        "", description="SQLAlchemy URL of users, sessions and claims; empty: sql/console.db in data_dir"
    )
    monitor_database: str = Field(
        "", description="SQLAlchemy URL of the monitor's tables; empty: sql/monitor.db in data_dir"
    )
    operator_key_file: Path | None = Field(
        None, description="file with the key by which the command line manages users; empty: it may not"
    )
    admin_password_file: Path | None = Field(
        None, description="file with the password of the first user, admin; made where there is no user yet"
    )
    https: bool = Field(False, description="whether browsers reach it by https, so that cookies are Secure")
    session_idle_minutes: int = Field(30, ge=1, le=1_440, description="a session unused for so long ends")
    session_hours: int = Field(12, ge=1, le=168, description="a session ends after so long in any case")
    kept_decisions: int = Field(10_000, ge=100, description="newest decisions kept in memory")
    streams: int = Field(300, ge=1, description="open streams of live numbers; further ones are refused")
    connections: int = Field(1_000, ge=1, description="open connections; further ones are closed at once")
    request_timeout_ms: int = Field(10_000, ge=100, description="a request must have come in whole by then")
    stuck_after_ms: int = Field(30_000, ge=1_000, description="not alive after this long without progress")

    @property
    def database_url(self) -> URL:
        """Where the console's own tables are."""
        return _url(self.database, self.data_dir / "sql" / "console.db")

    @property
    def monitor_url(self) -> URL:
        """Where the monitor's tables are."""
        return _url(self.monitor_database, self.data_dir / "sql" / "monitor.db")


def _url(named: str, path: Path) -> URL:
    return make_url(named) if named else sqlite_url(path)
