"""A stretch of the world's past, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .fraud import CARD_CAMPAIGN_DAYS, card_frauds, compromised_terminals, turn_fraudulent
from .labels import Labels, draw_labels
from .payments import Payments, genuine_day, join
from .world import DAY_MS, STREAM_DAY, Integers, World, generator


class Past(NamedTuple):
    """Payments of one day in event-time order with their labels; ``number`` counts them within the day."""

    day: int
    number: Integers
    payments: Payments
    labels: Labels


def past_days(world: World, from_ms: int, to_ms: int) -> Iterator[Past]:
    """The payments with from_ms <= time < to_ms, one piece per UTC day they lie in."""
    first, last = from_ms // DAY_MS, (to_ms - 1) // DAY_MS
    frauds = {day: card_frauds(world, day) for day in range(first - CARD_CAMPAIGN_DAYS, last + 1)}
    for day in range(first, last + 1):
        recent = join([frauds[start] for start in range(day - CARD_CAMPAIGN_DAYS, day + 1)])
        yield _cut(_whole_day(world, day, recent), from_ms, to_ms)


def _whole_day(world: World, day: int, card_campaigns: Payments) -> Past:
    """A day as it always is, whatever stretch it is part of. Sprees past midnight end at midnight."""
    rng = generator(world.seed, STREAM_DAY, day)
    genuine = genuine_day(world, rng, day)
    genuine = turn_fraudulent(genuine, rng, compromised_terminals(world, day))
    begin, end = day * DAY_MS, (day + 1) * DAY_MS
    payments = join([genuine, card_campaigns]).between(begin, end).sorted()
    labels = draw_labels(rng, payments)
    return Past(day, np.arange(len(payments.time_ms)), payments, labels)


def _cut(past: Past, from_ms: int, to_ms: int) -> Past:
    inside = (past.payments.time_ms >= from_ms) & (past.payments.time_ms < to_ms)
    labels = Labels(*(column[inside] for column in past.labels))
    return Past(past.day, past.number[inside], past.payments.at(inside), labels)
