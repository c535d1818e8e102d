"""The job table: one row per request, in order, through restarts and beside other readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.trainer.core.failure import failed_card
from services.trainer.edge.intake import judge
from services.trainer.edge.jobs import METADATA, JobState, JobTable
from shared.contracts.codec import encode
from shared.contracts.operations import ReplayRequest, TrainingRequest
from shared.contracts.outcome import Dead, Forward
from shared.stores.database import Database, sqlite_url

AT_MS = 1_700_000_000_000


def request(request_id: str = "r1") -> TrainingRequest:
    return TrainingRequest(
        v=1,
        request_id=request_id,
        portfolio="bank",
        as_of_ms=AT_MS,
        days=7,
        at_ms=AT_MS,
        by="ann",
        reason="cadence",
    )


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    made = JobTable(Database.open(sqlite_url(tmp_path / "sql" / "trainer.db"), METADATA))
    yield made
    made.close()


def test_a_request_is_recorded_once(table: JobTable) -> None:
    assert table.record(request(), AT_MS)
    assert not table.record(request(), AT_MS + 1)
    assert not table.record(replace(request(), days=9), AT_MS + 1)
    assert table.count(JobState.QUEUED) == 1


def test_jobs_come_in_order_and_leave_when_finished(table: JobTable) -> None:
    for name in ("b", "a"):
        table.record(request(name), AT_MS)
    first = table.unfinished()
    assert first is not None
    assert (first.request, first.state, first.attempts) == (request("b"), JobState.QUEUED, 0)
    table.start("b", AT_MS)
    running = table.unfinished()
    assert running is not None
    assert (running.state, running.attempts) == (JobState.RUNNING, 1)
    card = failed_card(request("b"), "too few rows")
    table.finish(card, {"read": 12}, AT_MS)
    done = table.get("b")
    assert done is not None
    assert (done.state, done.stages_ms, done.card) == (JobState.FAILED, {"read": 12}, card)
    following = table.unfinished()
    assert following is not None
    assert following.request.request_id == "a"


def test_the_table_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "trainer.db"
    first = JobTable(Database.open(sqlite_url(path), METADATA))
    first.record(request(), AT_MS)
    second = JobTable(Database.open(sqlite_url(path), METADATA))  # the first was killed: nobody closed it
    assert second.count(JobState.QUEUED) == 1
    first.close()
    second.close()


REPLAY = ReplayRequest(
    v=1, request_id="x", portfolio="bank", from_ms=AT_MS, to_ms=AT_MS, at_ms=AT_MS, by="ann"
)


@pytest.mark.parametrize(
    ("key", "value", "outcome"),
    [
        (b"training", encode(request()), Forward(request())),
        (None, encode(request()), Forward(request())),
        (b"replay", b"anything", None),
        (b"", encode(REPLAY), None),
        (b"training", b"{", Dead("not_json")),
        (b"training", None, Dead("not_json")),
        (b"training", b"{}", Dead("field_missing", "v")),
        (b"training", encode(replace(request(), portfolio="other")), Dead("field_range", "portfolio")),
    ],
)
def test_what_a_record_of_requests_asks(key: bytes | None, value: bytes | None, outcome: object) -> None:
    assert judge(key, value, "bank") == outcome
