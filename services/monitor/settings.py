"""The monitor's settings: ``ASSAY_MONITOR_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import URL, make_url

from shared.runtime.settings import ServiceSettings
from shared.stores.database import sqlite_url


class MonitorSettings(ServiceSettings, service="monitor"):
    """What the monitor of one portfolio needs to know."""

    sql_url: str = Field("", description="SQLAlchemy URL of its tables; empty: sql/monitor.db in data_dir")
    write_records: int = Field(5_000, ge=1, description="records that are counted into one transaction")
    write_every_ms: int = Field(500, ge=10, description="a counted record waits at most this long to be kept")
    retry_max_ms: int = Field(10_000, ge=10, description="longest pause between tries of the database")
    keep_days: int = Field(30, ge=1, description="days for which minutes and windows are kept")
    judge_every_ms: int = Field(5_000, ge=100, description="pause between looks at the alert rules")
    usual_after_ms: int = Field(
        300_000,
        ge=0,
        description="a caller has a usual rate once it was seen for so long",
    )
    window_ms: int = Field(300_000, ge=1_000, description="width of a window of drift")
    sample_rows: int = Field(
        5_000, ge=500, description="payments of a window and release that drift looks at"
    )
    stuck_after_ms: int = Field(60_000, ge=1_000, description="not alive after this long without progress")
    crash_at: str = Field("", description="fault tests only: the place to be killed at, name[:nth]")

    @property
    def database_url(self) -> URL:
        """Where the tables are."""
        return make_url(self.sql_url) if self.sql_url else sqlite_url(self.data_dir / "sql" / "monitor.db")
