"""The live view: rates from differences, mix, lag, silence."""

from __future__ import annotations

from typing import Any

from services.cli.core.live_view import Watched, line, shares
from services.cli.core.numbers import moment, plain, size
from shared.contracts.operations import PartitionStatus, Status


def _status(at_ms: int, approve: int, instance: str = "1") -> Status:
    return Status(
        v=1,
        service="scorer",
        instance=instance,
        at_ms=at_ms,
        state="ready",
        portfolio="bank",
        release_seq=2,
        partitions=[PartitionStatus(topic="t", partition=0, committed=5, end=12)],
        handled=approve,
        actions={"approve": approve, "review": approve // 4},
        refused={"not_json": 1},
        latency_ms={"p50": 3.0, "p99": 9.0},
    )


T = 1_700_000_000_000


def test_rates_are_differences_over_both_workers() -> None:
    watched = Watched()
    watched.take([_status(T, 100), _status(T, 100, "2")])
    assert watched.view(T).per_second == 0
    watched.take([_status(T + 1000, 140), _status(T + 1000, 180, "2")])
    view = watched.view(T + 1200)
    assert view.per_second == 150
    assert view.actions == {"approve": 320, "review": 80}
    assert (view.lag, view.release_seq, view.refused, view.p99_ms) == (14, 2, {"not_json": 2}, 9.0)
    assert "150 decisions/s" in line(view)
    assert "approve 80.0%" in line(view)


def test_the_silent_are_shown_as_silent() -> None:
    watched = Watched()
    watched.take([_status(T, 100)])
    view = watched.view(T + 10_000)
    assert view.states == {"scorer-1": "silent"}
    assert view.decided == 0
    assert "no decisions yet" in line(view)


def test_a_restarted_worker_gives_no_negative_rate() -> None:
    watched = Watched()
    watched.take([_status(T, 100)])
    watched.view(T)
    watched.take([_status(T + 1000, 3)])
    assert watched.view(T + 1000).per_second == 0


def _door(at_ms: int, answered: int, **more: Any) -> Status:
    return Status(
        v=1,
        service="gateway",
        instance="1",
        at_ms=at_ms,
        state="ready",
        portfolio="bank",
        actions={"approve": answered},
        **more,
    )


def test_the_front_door_is_shown_when_it_answered() -> None:
    watched = Watched()
    watched.take([_status(T, 100), _door(T, 10)])
    quiet = watched.view(T)
    assert (quiet.http_per_second, quiet.http_p99_ms, quiet.decided) == (None, None, 125)
    assert "http" not in line(quiet)

    watched.take([_status(T + 1000, 140), _door(T + 1000, 60, latency_ms={"p99": 7.4})])
    busy = watched.view(T + 1000)
    assert (busy.per_second, busy.http_per_second, busy.http_p99_ms) == (50, 50, 7.4)
    assert "http 50/s  p99 7 ms" in line(busy)


def test_what_an_instance_adds_to_its_state_is_shown_while_it_speaks() -> None:
    watched = Watched()
    watched.take([_door(T, 0, detail="scenario drift")])
    assert watched.view(T).says == {"gateway-1": "scenario drift"}
    assert watched.view(T + 10_000).says == {}


def test_numbers_for_people() -> None:
    assert shares({}) == {}
    assert [plain(v) for v in (None, True, 12345, 0.12345, float("nan"), 1234.5, "x")] == [
        "-",
        "yes",
        "12,345",
        "0.1235",
        "-",
        "1,234.5",
        "x",
    ]
    assert size(999) == "999 B"
    assert size(2_500_000) == "2.5 MB"
    assert moment(0) == "1970-01-01 00:00:00"
