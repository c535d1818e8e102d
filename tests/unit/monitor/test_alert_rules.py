"""Alert rules: the table is whole, and a step per look equals a look over the whole history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.core.hysteresis import CALM, step
from shared.contracts.alert_rules import RULES, AlertRule, rule


def slowly_firing(one: AlertRule, values: list[float]) -> bool:
    """Over all of ``values``: what was met last, so many in a row for firing or so many for clearing."""

    def last_met(needed: int, speaks: list[bool]) -> int:
        ends = [i for i in range(needed, len(speaks) + 1) if all(speaks[i - needed : i])]
        return max(ends, default=-1)

    fired = last_met(one.fires_after, [value >= one.on for value in values])
    return fired > last_met(one.clears_after, [value <= one.off for value in values])


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0]), max_size=40),
)
def test_steps_equal_a_look_over_the_history(fires: int, clears: int, values: list[float]) -> None:
    one = AlertRule(
        name="x",
        meaning="",
        action="",
        owner="operator",
        unit="",
        on=2.0,
        off=1.0,
        fires_after=fires,
        clears_after=clears,
    )
    standing = CALM
    for end, value in enumerate(values, 1):
        standing = step(one, standing, value)
        assert standing.firing == slowly_firing(one, values[:end])


def test_between_the_limits_nothing_changes() -> None:
    one = rule("drift_score")
    standing = step(one, step(one, CALM, 0.3), 0.3)
    assert standing.firing
    assert step(one, standing, 0.2).firing


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.name)
def test_a_rule_says_everything(one: AlertRule) -> None:
    assert one.meaning.endswith(".")
    assert one.action.endswith(".")
    assert one.unit
    assert one.off < one.on
    assert min(one.fires_after, one.clears_after) >= 1
    assert rule(one.name) is one


def test_names_are_ordered_once() -> None:
    assert len({one.name for one in RULES}) == len(RULES)
    with pytest.raises(KeyError):
        rule("nothing")
