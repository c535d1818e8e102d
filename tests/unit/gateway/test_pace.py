"""What is let in at once follows how slow answers are, between its bounds, and comes back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.pace import CUT, Pace
from services.gateway.core.refusal import Refused
from services.gateway.core.slots import PacedSlots, Slots

SLOW_MS = 100.0


def test_quick_answers_leave_the_limit_where_it_is() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for now_ms in range(1_000):
        pace.answered(now_ms, SLOW_MS)
    assert pace.limit == 64


def test_slow_answers_cut_it_once_in_a_while_and_not_below_the_least() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for took_ms in (101, 500, 1_000):  # of one stall
        pace.answered(5_000, took_ms)
    assert pace.limit == int(64 * CUT)
    pace.answered(5_000 + SLOW_MS, 101)
    assert pace.limit == int(64 * CUT * CUT)
    for now_ms in range(6_000, 20_000, 100):
        pace.answered(now_ms, 101)
    assert pace.limit == 16


def test_it_comes_back_by_one_for_as_many_answers_as_it_lets_in() -> None:
    pace = Pace(16, 64, SLOW_MS)
    for now_ms in range(0, 10_000, 100):
        pace.answered(now_ms, 101)
    answers = 0
    while pace.limit < 17:
        pace.answered(20_000, 1)
        answers += 1
    assert 16 <= answers <= 17
    for _ in range(64 * 64):
        pace.answered(20_000, 1)
    assert pace.limit == 64


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
    for now_ms in range(0, 5_000, 100):
        pace.answered(now_ms, 101)
    assert (slots.limit, held_by_three(slots)) == (2, 2)


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
