"""The scorer's settings: ``ASSAY_SCORER_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class ScorerSettings(ServiceSettings, service="scorer"):
    """What one scorer worker needs to know."""

    batch_records: int = Field(512, ge=1, le=4096, description="most records of one micro-batch")
    cache_bytes: int = Field(256 * 2**20, ge=2**20, description="budget of the timeline cache")
    commit_every_ms: int = Field(100, ge=1, description="pause between commits of confirmed offsets")
    state_wait_ms: int = Field(2_000, ge=1, description="how long to wait for Redis before degrading")
    session_timeout_ms: int = Field(
        10_000, ge=1_000, description="silence after which the group gives a worker's partitions to others"
    )
    stuck_after_ms: int = Field(
        30_000, ge=1_000, description="exit when without partitions or without progress for this long"
    )
    crash_at: str = Field("", description="fault tests only: the place to be killed at, name[:nth]")
    fail_on_id: str = Field("", description="fault tests only: a record id on which our code raises")
