"""The replayer's settings: ``ASSAY_REPLAYER_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

import os

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class ReplayerSettings(ServiceSettings, service="replayer"):
    """What one verification needs to know."""

    from_ms: int | None = Field(None, description="first event time to verify, UTC ms; empty: from the first")
    to_ms: int | None = Field(None, description="event time after the last, UTC ms; empty: to the last")
    processes: int = Field(0, ge=0, le=256, description="processes that work; 0: one per processor")
    settle_ms: int = Field(
        15_000, ge=0, description="decisions younger than this are left out: their captures may be on the way"
    )
    part_rows: int = Field(
        50_000, ge=1, description="rows of captures that are read at once, about; a day at least"
    )
    bucket_places: int = Field(
        1_000_000, ge=1_000, description="places of logs that one process holds at a time, about"
    )

    @property
    def workers(self) -> int:
        """Processes that work, at least 1."""
        return self.processes or os.cpu_count() or 1
