"""The archiver's settings: ``ASSAY_ARCHIVER_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class ArchiverSettings(ServiceSettings, service="archiver"):
    """What the archiver of one portfolio needs to know."""

    lake_uri: str = Field("", description="folder or object-store URI of the lake; empty: lake in data_dir")
    write_rows: int = Field(50_000, ge=1, description="messages of one topic that are written at once")
    write_bytes: int = Field(16 * 2**20, ge=2**16, description="bytes of all topics that are written at once")
    write_every_ms: int = Field(3_000, ge=10, description="a message waits at most this long to be written")
    retry_max_ms: int = Field(30_000, ge=10, description="longest pause between tries while the lake is away")
    compact_every_ms: int = Field(20_000, ge=10, description="pause between looks for files to merge")
    quiet_day_ms: int = Field(120_000, ge=0, description="a day without news for this long is merged whole")
    sweep_every_ms: int = Field(3_600_000, ge=1_000, description="pause between sweeps of unnamed files")
    keep_files_hours: int = Field(24, ge=24, description="age at which an unnamed file may be swept")
    stuck_after_ms: int = Field(60_000, ge=1_000, description="not alive after this long without progress")
    crash_at: str = Field("", description="fault tests only: the place to be killed at, name[:nth]")

    @property
    def lake_root(self) -> str:
        """Where the lake is."""
        return self.lake_uri or str(self.data_dir / "lake")
