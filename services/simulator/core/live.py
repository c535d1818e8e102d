"""The same world in real time, at a rate that is set, not its natural one."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from .chance import STREAM_LIVE, Integers, generator
from .columns import Activities, Events, Payments, join
from .draw import Drawer
from .labels import NEVER, draw_labels
from .pace import natural_rate_per_s
from .scenarios import Scenario
from .shops import to_minor
from .span import HOUR_MS, Span
from .world import World

DRAWN_AT_ONCE_MS: Final = 1_000
"""Drawing costs the same for a second as for a millisecond; a scenario is felt so much later."""

UNDER_WAY_MS: Final = 2 * HOUR_MS
SESSIONS_MS: Final = HOUR_MS // 4
"""How far before the start campaigns, and sessions, may have begun whose later steps are still to come."""

UNDER_WAY_MOST: Final = 50_000
"""Payments of the time before the start that are drawn for that."""


class NumberedPayments(NamedTuple):
    """Payments in event-time order; ``number`` counts them from the start of the run."""

    number: Integers
    payments: Payments


class NumberedActivities(NamedTuple):
    """Activities in event-time order; ``number`` counts them from the start of the run."""

    number: Integers
    activities: Activities


class DueLabel(NamedTuple):
    """A label whose time has come: the payment's number and row, and what is said of it."""

    known_ms: int
    number: int
    verdict: str
    payment: Payments


class Step(NamedTuple):
    """What comes between two looks at the clock."""

    payments: NumberedPayments
    activities: NumberedActivities
    labels: list[DueLabel]


class LiveWorld:
    """What happens as time passes. Equal worlds, starts, steps and scenarios give equal traffic.

    ``rate_per_s`` is the wanted number of payments per second, 0 for as many as the world makes when it runs
    ``speed`` times faster. The clock of hours is ours; the life clock (`Span`) runs as much faster as the
    rate wants. Label delays are divided by ``speed``.
    """

    def __init__(self, world: World, start_ms: int, rate_per_s: float, speed: float) -> None:
        self._drawer = Drawer(world)
        self._rng = generator(world.seed, STREAM_LIVE, start_ms)
        self._now_ms = self._drawn_ms = start_ms
        self._life_ms = float(start_ms)
        natural_per_s = natural_rate_per_s(world)
        self._pace = rate_per_s / natural_per_s if rate_per_s else speed
        self._rate_per_s = self._pace * natural_per_s
        self._speed = speed
        self._labels: list[tuple[int, int, str, Payments]] = []
        self._counts = [0, 0]
        self.scenario: Scenario | None = None
        self._coming = self._under_way(start_ms)

    @property
    def pace(self) -> float:
        """How many times faster than ours the life clock runs."""
        return self._pace

    @property
    def waiting_labels(self) -> int:
        """Labels whose time has not come."""
        return len(self._labels)

    def step(self, to_ms: int) -> Step:
        """What happens from the last step up to ``to_ms`` (excluded), and the labels due by then."""
        self._now_ms = max(self._now_ms, to_ms)
        drawn = [self._coming]
        while self._drawn_ms < self._now_ms:
            drawn.append(self._next())
        coming = join(drawn) if len(drawn) > 1 else self._coming
        due = coming.between(0, self._now_ms).sorted()
        self._coming = coming.between(self._now_ms, 1 << 62)
        payments = NumberedPayments(self._numbers(0, len(due.payments.time_ms)), due.payments)
        activities = NumberedActivities(self._numbers(1, len(due.activities.time_ms)), due.activities)
        self._plan_labels(payments)
        return Step(payments, activities, self._due_labels())

    def playing(self, at_ms: int) -> Scenario | None:
        """The scenario that is in force at a time."""
        play = self.scenario
        return play if play is not None and at_ms < play.until_ms else None

    def skip(self, to_ms: int) -> None:
        """Let time pass without traffic; campaigns that were under way have happened unseen."""
        self._now_ms, self._drawn_ms = max(self._now_ms, to_ms), max(self._drawn_ms, to_ms)
        self._coming = self._coming.between(self._now_ms, 1 << 62)

    def _next(self) -> Events:
        """Draw what begins up to now and at least in the next second, within the hour; life moves on."""
        from_ms = self._drawn_ms
        to_ms = min(max(from_ms + DRAWN_AT_ONCE_MS, self._now_ms), (from_ms // HOUR_MS + 1) * HOUR_MS)
        play = self.playing(from_ms)
        span = Span(from_ms, to_ms, self._life_ms, self._pace * (play.volume if play else 1.0))
        factors = play.campaigns if play else {}
        events = join(
            [
                self._drawer.genuine(self._rng, span, factors.get("compromised_terminal", 1.0)),
                self._drawer.campaigns(self._rng, span, factors),
            ]
        )
        self._drawn_ms, self._life_ms = to_ms, self._life_ms + self._pace * (to_ms - from_ms)
        return _dearer(events, play.dearer) if play else events

    def _under_way(self, start_ms: int) -> Events:
        """What is still to come of what began before the start: campaigns of hours, sessions of minutes."""
        sessions_ms = round(min(SESSIONS_MS, UNDER_WAY_MOST * 1000 / self._rate_per_s))
        parts = [
            *(self._drawer.campaigns(self._rng, span) for span in self._spans(start_ms, UNDER_WAY_MS)),
            *(self._drawer.genuine(self._rng, span) for span in self._spans(start_ms, sessions_ms)),
        ]
        return join(parts).between(start_ms, 1 << 62)

    def _spans(self, start_ms: int, before_ms: int) -> Iterator[Span]:
        """The time before the start, cut at full hours."""
        from_ms = start_ms - before_ms
        while from_ms < start_ms:
            to_ms = min((from_ms // HOUR_MS + 1) * HOUR_MS, start_ms)
            yield Span(from_ms, to_ms, self._life_ms - self._pace * (start_ms - from_ms), self._pace)
            from_ms = to_ms

    def _numbers(self, which: int, n: int) -> Integers:
        first = self._counts[which]
        self._counts[which] += n
        return np.arange(first, first + n)

    def _plan_labels(self, due: NumberedPayments) -> None:
        labels = draw_labels(self._rng, due.payments, self._speed)
        for i in np.flatnonzero(labels.verdict >= 0).tolist():
            row, number = due.payments.at(np.array([i])), int(due.number[i])
            verdict = "fraud" if labels.verdict[i] else "genuine"
            heapq.heappush(self._labels, (int(labels.known_ms[i]), number, verdict, row))
            if labels.reversed_ms[i] != NEVER:
                heapq.heappush(self._labels, (int(labels.reversed_ms[i]), number, "reversed", row))

    def _due_labels(self) -> list[DueLabel]:
        due = []
        while self._labels and self._labels[0][0] <= self._now_ms:
            due.append(DueLabel(*heapq.heappop(self._labels)))
        return due


def _dearer(events: Events, factor: float) -> Events:
    amount = to_minor(np.multiply(events.payments.amount_minor, factor, dtype=np.float64))
    return events._replace(payments=events.payments._replace(amount_minor=amount))
