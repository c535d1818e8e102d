"""The same world in real time, at a rate that is set, not its natural one."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np

from .fraud import (
    STOLEN_PER_PAYMENT,
    TESTED_PER_PAYMENT,
    compromised_terminals,
    steal_cards,
    test_cards,
    turn_fraudulent,
)
from .labels import NEVER, draw_labels
from .payments import Payments, empty, join, with_sprees
from .world import DAY_MS, HOUR_MS, STREAM_LIVE, Floats, Integers, World, generator


class Numbered(NamedTuple):
    """Payments in event-time order; ``number`` counts them from the start of the run."""

    number: Integers
    payments: Payments


class DueLabel(NamedTuple):
    """A label whose time has come: the payment's number and row, and what is said of it."""

    known_ms: int
    number: int
    verdict: str
    payment: Payments


class LiveWorld:
    """Payments and labels as time passes. Equal worlds, starts and steps give equal traffic.

    ``rate_per_s`` is the wanted number of payments per second. A rate above the world's natural one makes
    every account busier; the rhythm of the day, the share of fraud and the inner timing of campaigns stay.
    Label delays are divided by ``speed``.
    """

    def __init__(self, world: World, start_ms: int, rate_per_s: float, speed: float) -> None:
        self._world = world
        self._rng = generator(world.seed, STREAM_LIVE, start_ms)
        self._now_ms = start_ms
        self._rate_per_ms = rate_per_s / 1000
        self._speed = speed
        self._coming = empty()
        self._labels: list[tuple[int, int, str, Payments]] = []
        self._count = 0
        self._hour = -1
        self._chances: Floats = np.empty(0)
        self._day = -1
        self._terminals: Integers = np.empty(0, np.int64)

    @property
    def waiting_labels(self) -> int:
        """Labels whose time has not come."""
        return len(self._labels)

    def step(self, to_ms: int) -> tuple[Numbered, list[DueLabel]]:
        """The payments from the last step up to ``to_ms`` (excluded), and the labels due by then."""
        from_ms, self._now_ms = self._now_ms, max(self._now_ms, to_ms)
        drawn = self._draw(from_ms, self._now_ms)
        coming = join([self._coming, drawn])
        due = coming.time_ms < self._now_ms
        self._coming = coming.at(~due)
        payments = coming.at(due).sorted()
        number = np.arange(self._count, self._count + len(payments.time_ms))
        self._count += len(number)
        self._plan_labels(number, payments)
        return Numbered(number, payments), self._due_labels()

    def skip(self, to_ms: int) -> None:
        """Let time pass without payments; campaigns that were under way have happened unseen."""
        self._now_ms = max(self._now_ms, to_ms)
        self._coming = self._coming.at(self._coming.time_ms >= self._now_ms)

    def _draw(self, from_ms: int, to_ms: int) -> Payments:
        """What begins between the two times: genuine payments, sprees and campaigns; some of it later."""
        if to_ms <= from_ms:
            return empty()
        wanted = self._rate_per_ms * (to_ms - from_ms)
        time_ms = self._times(wanted * _GENUINE_SHARE, from_ms, to_ms)
        account = self._accounts(from_ms, len(time_ms))
        genuine = with_sprees(self._world, self._rng, time_ms, account)
        genuine = turn_fraudulent(genuine, self._rng, self._compromised(from_ms))
        stolen = self._times(wanted * STOLEN_PER_PAYMENT, from_ms, to_ms)
        tested = self._times(wanted * TESTED_PER_PAYMENT, from_ms, to_ms)
        return join(
            [
                genuine,
                steal_cards(self._world, self._rng, stolen),
                test_cards(self._world, self._rng, tested),
            ]
        )

    def _times(self, expected: float, from_ms: int, to_ms: int) -> Integers:
        return self._rng.integers(from_ms, to_ms, self._rng.poisson(expected))

    def _accounts(self, at_ms: int, n: int) -> Integers:
        """Payers as busy as they usually are at this hour."""
        hour = at_ms // HOUR_MS
        if hour != self._hour:
            self._hour = hour
            self._chances = hourly_chances(self._world, hour % 24)
        found = np.searchsorted(self._chances, self._rng.random(n), side="right")
        return np.minimum(found, self._world.accounts - 1).astype(np.int64)

    def _compromised(self, at_ms: int) -> Integers:
        day = at_ms // DAY_MS
        if day != self._day:
            self._day, self._terminals = day, compromised_terminals(self._world, day)
        return self._terminals

    def _plan_labels(self, number: Integers, payments: Payments) -> None:
        labels = draw_labels(self._rng, payments, self._speed)
        for i in np.flatnonzero(labels.verdict >= 0).tolist():
            row = payments.at(np.array([i]))
            verdict = "fraud" if labels.verdict[i] else "genuine"
            self._plan(int(labels.known_ms[i]), int(number[i]), verdict, row)
            if labels.reversed_ms[i] != NEVER:
                self._plan(int(labels.reversed_ms[i]), int(number[i]), "reversed", row)

    def _plan(self, known_ms: int, number: int, verdict: str, row: Payments) -> None:
        heapq.heappush(self._labels, (known_ms, number, verdict, row))

    def _due_labels(self) -> list[DueLabel]:
        due = []
        while self._labels and self._labels[0][0] <= self._now_ms:
            due.append(DueLabel(*heapq.heappop(self._labels)))
        return due


_GENUINE_SHARE = 1 / (1.075 + 5 * STOLEN_PER_PAYMENT + 9.5 * TESTED_PER_PAYMENT)
"""Genuine starts per payment: sprees add 7.5 %, a stolen card 5 payments, a tested one 9.5."""


def hourly_chances(world: World, hour: int) -> Floats:
    """Running total of the accounts' shares in the payments of an hour of the day; the last is 1."""
    away_h = np.abs((hour + 0.5 - world.peak_h + 12.0) % 24.0 - 12.0)
    weight = world.activity * (np.exp(-0.5 * (away_h / world.spread_h) ** 2) / world.spread_h + 0.005)
    total: Floats = np.cumsum(weight / weight.sum())
    return total
