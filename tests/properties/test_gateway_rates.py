"""A key's rate over any schedule: exact in the long run, bursts as told, debt paid (S14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.core.rates import MICROS, Rate, rate, take

T0_US = 1_790_000_000_000_000
LIMITS = st.builds(rate, st.floats(0.1, 1_000_000), st.integers(1, 10_000))
PAUSES = st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(1, 5_000)), min_size=1, max_size=60)


@given(limit=LIMITS, schedule=PAUSES)
def test_never_more_than_the_rate_and_one_call_in_debt(limit: Rate, schedule: list[tuple[int, int]]) -> None:
    """What is taken before the last call fits rate times time and burst; the last may go into debt."""
    arrival_us, now_us, taken, last = 0, T0_US, 0, 0
    for pause_us, items in schedule:
        now_us += pause_us
        found = take(arrival_us, now_us, items, limit)
        if not found.wait_us:
            taken, last = taken + items, items
        arrival_us = found.arrival_us
    spent_us = now_us - T0_US + limit.burst_us
    assert (taken - last) * limit.step_us <= spent_us


@given(limit=LIMITS, schedule=PAUSES)
def test_who_waits_as_told_is_admitted_and_not_a_microsecond_before(
    limit: Rate, schedule: list[tuple[int, int]]
) -> None:
    arrival_us, now_us = 0, T0_US
    for pause_us, items in schedule:
        now_us += pause_us
        found = take(arrival_us, now_us, items, limit)
        if found.wait_us:
            assert found.arrival_us == arrival_us, "a refused call costs nothing"
            assert take(arrival_us, now_us + found.wait_us - 1, items, limit).wait_us == 1
            now_us += found.wait_us
            found = take(arrival_us, now_us, items, limit)
            assert not found.wait_us
        arrival_us = found.arrival_us


@given(per_s=st.integers(1, 10_000), burst=st.integers(1, 100), items=st.integers(1, 500))
def test_a_key_that_asks_whenever_it_may_gets_its_rate_exactly(per_s: int, burst: int, items: int) -> None:
    limit = rate(per_s, burst)
    arrival_us, now_us, taken = 0, T0_US, 0
    for _ in range(200):
        found = take(arrival_us, now_us, items, limit)
        while found.wait_us:
            now_us += found.wait_us
            found = take(arrival_us, now_us, items, limit)
        arrival_us, taken = found.arrival_us, taken + items
    owed_us = arrival_us - T0_US
    assert owed_us == taken * limit.step_us
    assert now_us - T0_US >= owed_us - limit.burst_us - items * limit.step_us


@given(per_s=st.floats(0.1, 200_000))
def test_a_step_is_the_rate_within_five_percent(per_s: float) -> None:
    assert MICROS / rate(per_s, 1).step_us == pytest.approx(per_s, rel=0.05) or per_s > 100_000


@given(burst=st.integers(1, 500), per_s=st.floats(0.1, 1_000))
def test_a_burst_is_as_large_as_told(burst: int, per_s: float) -> None:
    limit, arrival_us = rate(per_s, burst), 0
    for _ in range(burst):
        found = take(arrival_us, T0_US, 1, limit)
        assert not found.wait_us
        arrival_us = found.arrival_us
    assert take(arrival_us, T0_US, 1, limit).wait_us == limit.step_us
