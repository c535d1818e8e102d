"""What is let in at once follows how slow answers are, between its bounds, and comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.pace import CUT, WINDOW_ANSWERS, WINDOW_MS, Pace
from services.gateway.core.refusal import Refused
from services.gateway.core.slots import PacedSlots, Slots

SLOW_MS = 100.0


def test_quick_answers_leave_the_limit_where_it_is() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for now_ms in range(1_000):
        pace.answered(now_ms, SLOW_MS)
    assert pace.limit == 64


def test_a_queue_cuts_it_once_a_window_and_not_below_the_least() -> None:
    pace = Pace(16, 64, SLOW_MS)
    queue(pace, windows=1)
    assert pace.limit == int(64 * CUT)
    queue(pace, windows=1)
    assert pace.limit == int(64 * CUT * CUT)
    queue(pace, windows=100)
    assert pace.limit == 16


def test_one_quick_answer_of_a_window_tells_a_stall_from_a_queue() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for number in range(WINDOW_MS):
        pace.answered(number, 500)
    pace.answered(WINDOW_MS, SLOW_MS)
    assert pace.limit == 64


def test_few_slow_answers_are_no_queue() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for number in range(WINDOW_ANSWERS - 1):
        pace.answered(number * 10_000, 500)
    assert pace.limit == 64
    pace.answered(1e6, 500)
    assert pace.limit < 64


def test_it_is_back_from_the_least_after_little_more_than_a_second() -> None:
    pace = Pace(16, 64, SLOW_MS)
    queue(pace, windows=100)
    limits = []
    for now_ms in range(1_200):
        pace.answered(1e6 + now_ms, 1)
        limits.append(pace.limit)
    assert limits[0] == 16
    assert 16 < limits[400] < 64
    assert limits[-1] == 64


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e5))), st.integers(1, 100), st.integers(1, 100))
def test_it_stays_between_its_bounds(ends: list[tuple[float, float]], least: int, most: int) -> None:
    pace = Pace(least, most, SLOW_MS)
    for now_ms, took_ms in sorted(ends):
        pace.answered(now_ms, took_ms)
        assert min(least, most) <= pace.limit <= most


def test_slots_follow_it() -> None:
    pace = Pace(2, 8, SLOW_MS)
    slots = PacedSlots(pace)
    assert held_by_three(slots) == 8
    queue(pace, windows=100)
    assert (slots.limit, held_by_three(slots)) == (2, 2)


def queue(pace: Pace, windows: int) -> None:
    """Answers that are all slow, for ``windows`` windows of just `WINDOW_ANSWERS` + 1 answers."""
    for window in range(windows):
        for number in range(WINDOW_ANSWERS):
            pace.answered(2 * WINDOW_MS * window + number, SLOW_MS + 1)
        pace.answered(2 * WINDOW_MS * window + WINDOW_MS, SLOW_MS + 1)


def held_by_three(slots: Slots) -> int:
    """How many of a hundred tries of three keys are let in at once."""
    kept = []
    for number in range(100):
        turn = slots.held(f"key {number % 3}")
        try:
            turn.__enter__()
        except Refused:
            continue
        kept.append(turn)
    for turn in kept:
        turn.__exit__(None, None, None)
    return len(kept)
