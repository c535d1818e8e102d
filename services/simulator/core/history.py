"""A stretch of the world's past, day by day."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .chance import STREAM_EPISODES, STREAM_HABITS, STREAM_LABELS, Integers, generator
from .columns import Activities, Events, Payments, join
from .draw import CAMPAIGN_DAYS, Drawer
from .labels import Labels, draw_labels
from .span import DAY_MS, whole_day
from .world import World


class Past(NamedTuple):
    """What happened on one day, in event-time order, with the labels of its payments.

    ``number`` and ``activity_number`` count payments and activities within the day.
    """

    day: int
    number: Integers
    payments: Payments
    labels: Labels
    activity_number: Integers
    activities: Activities


def past_days(world: World, from_ms: int, to_ms: int) -> Iterator[Past]:
    """What happens at from_ms <= time < to_ms, one piece per UTC day it lies in."""
    first, last = from_ms // DAY_MS, (to_ms - 1) // DAY_MS
    drawer = Drawer(world)
    recent: deque[Events] = deque(maxlen=CAMPAIGN_DAYS)
    for day in range(first - CAMPAIGN_DAYS + 1, last + 1):
        recent.append(_begun(drawer, day))
        if day >= first:
            yield _cut(_whole_day(world, day, join(list(recent))), from_ms, to_ms)


def _begun(drawer: Drawer, day: int) -> Events:
    """Everything that begins on a day, to its end."""
    span, seed = whole_day(day), drawer.world.seed
    return join(
        [
            drawer.genuine(generator(seed, STREAM_HABITS, day), span),
            drawer.campaigns(generator(seed, STREAM_EPISODES, day), span),
        ]
    )


def _whole_day(world: World, day: int, events: Events) -> Past:
    """A day as it always is, whatever stretch it is part of."""
    payments, activities = events.between(day * DAY_MS, (day + 1) * DAY_MS).sorted()
    labels = draw_labels(generator(world.seed, STREAM_LABELS, day), payments)
    numbers = np.arange(len(payments.time_ms)), np.arange(len(activities.time_ms))
    return Past(day, numbers[0], payments, labels, numbers[1], activities)


def _cut(past: Past, from_ms: int, to_ms: int) -> Past:
    inside = (past.payments.time_ms >= from_ms) & (past.payments.time_ms < to_ms)
    acted = (past.activities.time_ms >= from_ms) & (past.activities.time_ms < to_ms)
    return Past(
        past.day,
        past.number[inside],
        past.payments.at(inside),
        Labels(*(column[inside] for column in past.labels)),
        past.activity_number[acted],
        past.activities.at(acted),
    )
