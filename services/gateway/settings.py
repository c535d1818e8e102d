"""The gateway's settings: ``ASSAY_GATEWAY_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class GatewaySettings(ServiceSettings, service="gateway"):
    """What one gateway of a portfolio needs to know."""

    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8700, ge=0, le=65_535, description="port of the API; 0 takes a free one")
    sql_url: str = Field(
        "", description="SQLAlchemy URL of the keys' database; empty: gateway.db in data_dir"
    )
    operator_key_file: Path | None = Field(
        None, description="file with the key that may manage keys; empty: none may"
    )
    deadline_ms: int = Field(500, ge=5, le=30_000, description="deadline of a request that names none")
    deadline_most_ms: int = Field(10_000, ge=5, le=60_000, description="latest deadline a request may name")
    in_flight: int = Field(128, ge=1, le=10_000, description="decisions under way at once; more are refused")
    in_flight_least: int = Field(
        32, ge=1, le=10_000, description="as few are let in at once where answers queue"
    )
    slow_ms: int = Field(
        40,
        ge=5,
        le=30_000,
        description="where even the quickest answer takes longer, fewer are let in at once",
    )
    bulk_in_flight_bytes: int = Field(
        32 * 2**20, ge=2**20, description="bytes of bulk bodies under way at once; more are refused"
    )
    bulk_bytes: int = Field(8 * 2**20, ge=2**10, description="largest body of many items")
    bulk_items: int = Field(10_000, ge=1, le=100_000, description="most items in one body")
    request_timeout_ms: int = Field(10_000, ge=100, description="a request must have come in whole by then")
    connections: int = Field(2_000, ge=1, description="open connections; further ones are closed at once")
    answers_kept_hours: int = Field(24, ge=1, le=720, description="how long an answer stands for repeats")
    stuck_after_ms: int = Field(30_000, ge=1_000, description="not alive after this long without progress")
    crash_at: str = Field("", description="fault tests only: the place to be killed at, name[:nth]")

    @property
    def database(self) -> str:
        """Where keys and parked labels are kept."""
        return self.sql_url or f"sqlite:///{self.data_dir / 'gateway.db'}"
