"""Back-off of restarts, and when a service counts as failed."""

from __future__ import annotations

from infra.local.backoff import ExitHistory


def test_delays_double_and_the_fifth_exit_in_a_minute_fails() -> None:
    history = ExitHistory()
    delays = [history.exited(started_s=now, now_s=now) for now in (0.0, 1.0, 3.0, 7.0)]
    assert delays == [1, 2, 4, 8]
    assert not history.failed()
    assert history.exited(15.0, 15.0) == 30
    assert history.failed()


def test_five_exits_over_a_longer_time_do_not_fail() -> None:
    history = ExitHistory()
    delays = [history.exited(started_s=now - 1, now_s=now) for now in (0.0, 20.0, 40.0, 60.0, 80.0, 110.0)]
    assert delays == [1, 2, 4, 8, 16, 30]
    assert not history.failed()


def test_a_long_run_forgives_what_was_before() -> None:
    history = ExitHistory()
    for now in (0.0, 1.0, 3.0):
        history.exited(now, now)
    assert history.exited(started_s=3.0, now_s=70.0) == 1
