"""The trainer's settings: ``ASSAY_TRAINER_<NAME>``, or ``ASSAY_<NAME>`` for those all services share."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import URL, make_url

from shared.runtime.settings import ServiceSettings
from shared.stores.database import sqlite_url


class TrainerSettings(ServiceSettings, service="trainer"):
    """What the trainer needs to know."""

    sql_url: str = Field("", description="SQLAlchemy URL of its jobs; empty: sql/trainer.db in data_dir")
    signing_key: str = Field("trainer", description="name of the private key in the folder keys")
    session_timeout_s: float = Field(
        8.0, ge=1.0, description="seconds after which the group gives up a silent trainer"
    )
    training_limit_s: float = Field(
        3_600.0, ge=1.0, description="longest one training may take, in seconds, before it is ended"
    )
    stuck_after_s: float = Field(
        60.0, ge=1.0, description="ends after so many seconds without progress or without a partition"
    )

    @property
    def database_url(self) -> URL:
        """Where the jobs are."""
        return make_url(self.sql_url) if self.sql_url else sqlite_url(self.data_dir / "sql" / "trainer.db")
