"""The trainer's job table, on either database: one row per request, in order, through restarts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import URL

from services.trainer.core.failure import failed_card
from services.trainer.edge.jobs import METADATA, JobState, JobTable
from shared.stores.database import Database
from tests.support.training_requests import AT_MS, request


@pytest.fixture
def table(database_url: URL) -> Iterator[JobTable]:
    made = JobTable(Database.open(database_url, METADATA))
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


def test_the_table_survives_a_restart(database_url: URL) -> None:
    first = JobTable(Database.open(database_url, METADATA))
    first.record(request(), AT_MS)
    second = JobTable(Database.open(database_url, METADATA))  # the first was killed: nobody closed it
    assert second.count(JobState.QUEUED) == 1
    first.close()
    second.close()


def test_what_is_asked_at_once_is_recorded_once_and_in_a_row(table: JobTable) -> None:
    names = [f"r{number % 8}" for number in range(32)]
    with ThreadPoolExecutor(4) as pool:
        recorded = list(pool.map(lambda name: table.record(request(name), AT_MS), names))
    assert sum(recorded) == table.count(JobState.QUEUED) == 8
