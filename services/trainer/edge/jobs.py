"""The trainer's jobs in SQL: one row per request id, its state, and how long each stage took."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shared.contracts.codec import decode, encode
from shared.contracts.models import ModelCard
from shared.contracts.operations import TrainingRequest
from shared.stores.database import Database

METADATA: Final = sa.MetaData()
JOBS: Final = sa.Table(
    "jobs",
    METADATA,
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False, unique=True),
    sa.Column("state", sa.String(8), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("received_at_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger),
    sa.Column("finished_at_ms", sa.BigInteger),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("stages_ms", sa.LargeBinary),
    sa.Column("card", sa.LargeBinary),
)


class JobState(StrEnum):
    """Where a job is. ``failed``: it was announced that there is no model."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(NamedTuple):
    """One job as it stands in the table."""

    request: TrainingRequest
    state: JobState
    attempts: int
    stages_ms: dict[str, int]
    card: ModelCard | None


class JobTable:
    """The only writer of the table. Blocking; each call is one transaction.

    Every method raises DatabaseAway when the file cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, request: TrainingRequest, now_ms: int) -> bool:
        """Queue a request; False if its id is known, whatever became of it."""
        with self._database.writing() as sql:
            if sql.execute(sa.select(JOBS.c.place).where(_is(request.request_id))).first():
                return False
            last = sql.execute(sa.select(sa.func.max(JOBS.c.place))).scalar()
            sql.execute(
                JOBS.insert().values(
                    request_id=request.request_id,
                    place=(last or 0) + 1,
                    state=JobState.QUEUED,
                    attempts=0,
                    received_at_ms=now_ms,
                    request=encode(request),
                )
            )
        return True

    def unfinished(self) -> Job | None:
        """The oldest job that is queued, or that was running when a trainer ended."""
        open_states = (JobState.QUEUED, JobState.RUNNING)
        query = sa.select(JOBS).where(JOBS.c.state.in_(open_states)).order_by(JOBS.c.place).limit(1)
        with self._database.reading() as sql:
            return _job(sql.execute(query).mappings().first())

    def get(self, request_id: str) -> Job | None:
        """The job of a request."""
        with self._database.reading() as sql:
            return _job(sql.execute(sa.select(JOBS).where(_is(request_id))).mappings().first())

    def start(self, request_id: str, now_ms: int) -> None:
        """Another attempt begins."""
        change = {"state": JobState.RUNNING, "attempts": JOBS.c.attempts + 1, "started_at_ms": now_ms}
        with self._database.writing() as sql:
            _update(sql, request_id, change)

    def finish(self, card: ModelCard, stages_ms: dict[str, int], now_ms: int) -> None:
        """The card was announced."""
        change = {
            "state": JobState.DONE if card.outcome == "candidate" else JobState.FAILED,
            "finished_at_ms": now_ms,
            "stages_ms": msgspec.json.encode(stages_ms),
            "card": encode(card),
        }
        with self._database.writing() as sql:
            _update(sql, card.request_id, change)

    def count(self, state: JobState) -> int:
        """How many jobs are in a state."""
        query = sa.select(sa.func.count()).select_from(JOBS).where(JOBS.c.state == state)
        with self._database.reading() as sql:
            return int(sql.execute(query).scalar_one())

    def close(self) -> None:
        """Give back the file."""
        self._database.close()


def _is(request_id: str) -> sa.ColumnElement[bool]:
    return JOBS.c.request_id == request_id


def _update(sql: Connection, request_id: str, change: dict[str, Any]) -> None:
    sql.execute(JOBS.update().where(_is(request_id)).values(**change))


def _job(row: sa.RowMapping | None) -> Job | None:
    if row is None:
        return None
    return Job(
        request=decode(TrainingRequest, row["request"]),
        state=JobState(row["state"]),
        attempts=row["attempts"],
        stages_ms=msgspec.json.decode(row["stages_ms"] or b"{}", type=dict[str, int]),
        card=decode(ModelCard, row["card"]) if row["card"] else None,
    )
