"""When a rule fires and when it clears: a step per look, from the state before."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.contracts.alert_rules import AlertRule


class Standing(NamedTuple):
    """Whether a rule fires for a subject, and at how many looks in a row it spoke for a change."""

    firing: bool = False
    streak: int = 0


CALM: Final = Standing()


def step(rule: AlertRule, before: Standing, value: float) -> Standing:
    """The standing after one more look that saw ``value``; it has changed iff ``firing`` has."""
    speaks = value <= rule.off if before.firing else value >= rule.on
    if not speaks:
        return Standing(before.firing, 0)
    streak = before.streak + 1
    needed = rule.clears_after if before.firing else rule.fires_after
    return Standing(not before.firing, 0) if streak >= needed else Standing(before.firing, streak)
