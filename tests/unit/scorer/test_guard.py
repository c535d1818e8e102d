"""How many bugs of ours are too many, and when a commit waits for the verdict."""

from __future__ import annotations

import pytest

from services.scorer.edge.guard import DOUBT_NS, BugRate, TooManyBugs


def test_a_rare_bug_is_borne_and_does_not_hold_commits() -> None:
    rate = BugRate()
    for _ in range(200):
        rate.handled(100)
        rate.failed(0)
        assert not rate.doubtful(0)


def test_more_than_five_in_a_hundred_of_the_last_thousand_stop_the_worker() -> None:
    rate = BugRate()
    rate.handled(1_000)
    for _ in range(50):
        rate.failed(0)
    with pytest.raises(TooManyBugs, match="51 of the last"):
        rate.failed(0)


def test_commits_wait_while_a_large_share_failed_a_moment_ago() -> None:
    rate = BugRate()
    assert not rate.doubtful(0)
    rate.failed(10)
    assert rate.doubtful(10)
    assert not rate.doubtful(10 + DOUBT_NS)
    rate.handled(30)
    assert not rate.doubtful(10)
