"""When habits strike: accounts and times by how often each account does something, and at which hours."""

from __future__ import annotations

from typing import Final

import numpy as np

from .chance import Floats, Integers, pick, place
from .span import DAY_MS, HOUR_MS, Span
from .world import World

WEEKDAY_FACTORS: Final = (0.9, 0.9, 0.95, 1.0, 1.15, 1.25, 0.85)
"""Monday first. Live, the rate is set and the week does not move it."""
RESTLESS_SHARE: Final = 0.045
"""Of what people do: at any hour."""


class Rhythm:
    """Draws starts for one world; remembers running totals while hour and day stay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[str, tuple[tuple[int, int], Floats]] = {}

    def starts(
        self, rng: np.random.Generator, span: Span, habit: str, rate: Floats, mood: Floats
    ) -> tuple[Integers, Integers]:
        """Accounts (n,) and times (n,) at which they begin something they do ``rate`` (a,) times a day.

        ``mood`` (a,) shifts who does it; ``habit`` names the rate.
        """
        if span.is_live:
            account = pick(rng, self._total(span, habit, rate, mood), rng.poisson(rate.sum() * span.days))
            return account, rng.integers(span.from_ms, span.to_ms, len(account))
        total = np.cumsum(rate * mood)
        n = rng.poisson(total[-1] * weekday_factor(span))
        account = place(total, np.sort(rng.random(n)))
        return account, span.from_ms + self._of_the_day(rng, account)

    def _of_the_day(self, rng: np.random.Generator, account: Integers) -> Integers:
        world, n = self._world, len(account)
        hour = (world.peak_h[account] + world.spread_h[account] * rng.standard_normal(n)) % 24.0
        hour = np.where(rng.random(n) < RESTLESS_SHARE, rng.random(n) * 24.0, hour)
        return np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1)

    def _total(self, span: Span, habit: str, rate: Floats, mood: Floats) -> Floats:
        key = (span.hour, span.life_day)
        found = self._kept.get(habit)
        if found is None or found[0] != key:
            total = np.cumsum(rate * mood * hourly_share(self._world, span.hour))
            self._kept[habit] = found = (key, total)
        return found[1]


def weekday_factor(span: Span) -> float:
    """How much busier than on average the span's weekday is."""
    return WEEKDAY_FACTORS[(span.from_ms // DAY_MS + 3) % 7]


def hourly_share(world: World, hour: int) -> Floats:
    """The share (a,) of each account's day that falls into an hour, but for a common factor."""
    away_h = np.abs((hour + 0.5 - world.peak_h + 12.0) % 24.0 - 12.0)
    bell = np.exp(-0.5 * (away_h / world.spread_h) ** 2) / (world.spread_h * np.sqrt(2 * np.pi))
    share: Floats = (1 - RESTLESS_SHARE) * bell + RESTLESS_SHARE / 24.0
    return share


def any_starts(rng: np.random.Generator, span: Span, n: int) -> Integers:
    """Times (n,) at which something begins that keeps no account's hours: half by day, half at any hour."""
    if span.is_live:
        return rng.integers(span.from_ms, span.to_ms, n)
    hour = np.where(rng.random(n) < 0.5, rng.normal(14.5, 4.0, n) % 24.0, rng.random(n) * 24.0)
    return span.from_ms + np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1)


def evening_starts(rng: np.random.Generator, span: Span, mean: float) -> Integers:
    """Times between 18 and 23 UTC, ``mean`` of them a day of life on average, more on Friday and Saturday."""
    weekend = 2.2 if (span.from_ms // DAY_MS + 3) % 7 in (4, 5) else 0.52
    if not span.is_live:
        hour = rng.uniform(18.0, 23.0, rng.poisson(mean * weekend))
        return span.from_ms + (hour * HOUR_MS).astype(np.int64)
    here = mean * weekend * 24 / 5 * span.days if 18 <= span.hour < 23 else 0.0
    return rng.integers(span.from_ms, span.to_ms, rng.poisson(here))
