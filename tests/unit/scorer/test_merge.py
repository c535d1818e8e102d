"""Event-time order and the load barrier (timelines.md, rule 10)."""

from __future__ import annotations

import pytest

from services.scorer.core.intake import TICK_END_MS, Item
from services.scorer.core.merge import Barrier, Shown, live_order

from .records import HOUR, T0, item

PLACES = [("p.transactions", 0), ("p.transactions", 1), ("p.labels", 0)]


@pytest.fixture
def barrier() -> Barrier:
    """A barrier over three partitions that have shown nothing."""
    fresh = Barrier()
    fresh.assign(dict.fromkeys(PLACES))
    return fresh


def times(items: list[Item]) -> list[int]:
    return [item.merge_ms for item in items]


def test_live_records_go_in_event_time_order_with_labels_first_at_equal_times() -> None:
    late, early = item(T0 + 2, offset=0), item(T0, offset=1)
    verdict = item(T0 + 2, is_label=True)
    assert live_order([late, early, verdict]) == [early, verdict, late]


def test_a_load_waits_until_every_partition_has_shown_the_time(barrier: Barrier) -> None:
    barrier.hold(PLACES[0], item(T0, load="a"))
    barrier.hold(PLACES[1], item(T0 + HOUR, partition=1, load="a"))
    assert barrier.release(10) == []
    barrier.tick(PLACES[2], "a", T0 + 2 * HOUR)
    assert times(barrier.release(10)) == []  # the slowest stands at T0, where another record may come
    barrier.tick(PLACES[0], "a", T0 + HOUR)
    assert times(barrier.release(10)) == [T0]
    assert barrier.held() == 1


def test_the_last_tick_frees_everything_and_ends_the_load(barrier: Barrier) -> None:
    barrier.hold(PLACES[0], item(T0 + 1, load="a"))
    barrier.hold(PLACES[1], item(T0, partition=1, load="a"))
    for place in PLACES:
        assert barrier.loading
        barrier.tick(place, "a", TICK_END_MS)
    assert times(barrier.release(10)) == [T0, T0 + 1]
    assert not barrier.loading


def test_a_release_is_bounded_and_keeps_order(barrier: Barrier) -> None:
    for offset in range(6):
        barrier.hold(PLACES[offset % 2], item(T0 + offset, partition=offset % 2, offset=offset, load="a"))
    for place in PLACES:
        barrier.tick(place, "a", TICK_END_MS)
    assert times(barrier.release(4)) == [T0, T0 + 1, T0 + 2, T0 + 3]
    assert times(barrier.release(4)) == [T0 + 4, T0 + 5]


def test_a_restart_knows_from_commit_notes_how_far_the_load_was() -> None:
    barrier = Barrier()
    barrier.assign(
        {
            PLACES[0]: Shown("a", T0),
            PLACES[1]: Shown("a", TICK_END_MS),
            PLACES[2]: Shown("a", TICK_END_MS),
        }
    )
    assert barrier.loading
    barrier.hold(PLACES[0], item(T0 + 1, load="a"))
    barrier.tick(PLACES[0], "a", TICK_END_MS)
    assert times(barrier.release(10)) == [T0 + 1]


def test_a_load_that_ended_everywhere_is_over_after_a_restart() -> None:
    barrier = Barrier()
    barrier.assign({place: Shown("a", TICK_END_MS) for place in PLACES})
    assert not barrier.loading


def test_an_abandoned_load_is_freed_by_the_next_one(barrier: Barrier) -> None:
    barrier.hold(PLACES[0], item(T0, load="dead"))
    assert barrier.release(10) == []
    for place in PLACES:
        barrier.tick(place, "next", T0 + HOUR)
    assert times(barrier.release(10)) == [T0]


def test_only_partitions_ahead_of_the_slowest_are_paused(barrier: Barrier) -> None:
    for offset in range(5):
        barrier.hold(PLACES[1], item(T0 + offset, partition=1, offset=offset, load="a"))
    assert barrier.overfull(4) == {PLACES[1]}
    barrier.tick(PLACES[0], "a", T0 + 10)
    barrier.tick(PLACES[2], "a", T0 + 10)
    assert barrier.overfull(4) == set()  # it is the slowest now: pausing it would stop the load
