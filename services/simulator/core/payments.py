"""Payments as columns, and how habits turn into them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .world import CATEGORIES, DAY_MS, HOMES, HOUR_MS, Floats, Integers, World

AMOUNT_LEAST_MINOR: Final = 30
AMOUNT_MOST_MINOR: Final = 2_000_000

GENUINE: Final = 0
STOLEN_CARD: Final = 1
COMPROMISED_TERMINAL: Final = 2
CARD_TESTING: Final = 3
PATTERNS: Final = ("", "stolen_card", "compromised_terminal", "card_testing")

HOME_SHARE: Final = 0.85
LARGE_SHARE: Final = 0.03
SPREE_SHARE: Final = 0.05
_SPREADS: Final = np.array([category.spread for category in CATEGORIES])

WEEKDAY_FACTORS: Final = (0.9, 0.9, 0.95, 1.0, 1.15, 1.25, 0.85)


class Payments(NamedTuple):
    """n payments as columns (n,): UTC ms, positions in the world, minor units, a pattern's code."""

    time_ms: Integers
    account: Integers
    terminal: Integers
    amount_minor: Integers
    pattern: Integers

    def at(self, index: Integers | np.typing.NDArray[np.bool_]) -> Payments:
        """The rows of ``index``, positions or a mask."""
        return Payments(*(column[index] for column in self))

    def sorted(self) -> Payments:
        """The rows in event-time order; equal times keep their order."""
        return self.at(np.argsort(self.time_ms, kind="stable"))

    def between(self, from_ms: int, to_ms: int) -> Payments:
        """The rows with from_ms <= time < to_ms."""
        return self.at((self.time_ms >= from_ms) & (self.time_ms < to_ms))


def empty() -> Payments:
    """No payments."""
    return Payments(*(np.empty(0, np.int64) for _ in Payments._fields))


def join(parts: list[Payments]) -> Payments:
    """The rows of all parts, one after the other."""
    return Payments(*(np.concatenate(columns) for columns in zip(*parts, strict=True))) if parts else empty()


def genuine_day(world: World, rng: np.random.Generator, day: int) -> Payments:
    """The genuine payments of one UTC day (days since 1970), in no order."""
    factor = WEEKDAY_FACTORS[(day + 3) % 7]
    account = np.repeat(np.arange(world.accounts), rng.poisson(world.activity * factor))
    hour = rng.normal(world.peak_h[account], world.spread_h[account]) % 24.0
    time_ms = day * DAY_MS + np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1)
    return with_sprees(world, rng, time_ms, account)


def with_sprees(world: World, rng: np.random.Generator, time_ms: Integers, account: Integers) -> Payments:
    """Genuine payments at these times, some followed by one or two more within the hour."""
    more = np.where(rng.random(len(account)) < SPREE_SHARE, rng.integers(1, 3, len(account)), 0)
    late_ms = np.repeat(time_ms, more) + rng.integers(60_000, 50 * 60_000, int(more.sum()))
    time_ms = np.concatenate([time_ms, late_ms])
    account = np.concatenate([account, np.repeat(account, more)])
    terminal = usual_terminals(world, rng, account)
    return purchases(world, rng, time_ms, account, terminal, GENUINE)


def purchases(
    world: World,
    rng: np.random.Generator,
    time_ms: Integers,
    account: Integers,
    terminal: Integers,
    pattern: int,
    shift_log: float = 0.0,
) -> Payments:
    """Payments with prices as the shop and the payer have them, a few of them much larger."""
    merchant = world.merchant_of[terminal]
    spread = _SPREADS[world.category[merchant]]
    n = len(account)
    large = np.where(rng.random(n) < LARGE_SHARE, rng.uniform(0.8, 2.2, n), 0.0)
    log = world.price_log[merchant] + world.spending[account] + rng.normal(0.0, spread) + large + shift_log
    return Payments(time_ms, account, terminal, to_minor(np.exp(log)), np.full(n, pattern, np.int64))


def usual_terminals(world: World, rng: np.random.Generator, account: Integers) -> Integers:
    """A terminal for each payment: mostly of the payer's own shops, the first of them most often."""
    n = len(account)
    place = np.minimum(rng.exponential(2.0, n).astype(np.int64), HOMES - 1)
    away = rng.random(n) > HOME_SHARE
    merchant = np.where(away, popular_merchants(world, rng, n), world.homes[account, place])
    return terminals_of(world, rng, merchant)


def popular_merchants(world: World, rng: np.random.Generator, n: int) -> Integers:
    """n merchants of the whole world, the well-visited more often."""
    found = np.searchsorted(world.popularity, rng.random(n), side="right")
    return np.minimum(found, len(world.popularity) - 1).astype(np.int64)


def terminals_of(world: World, rng: np.random.Generator, merchant: Integers) -> Integers:
    """A terminal of each merchant."""
    first = world.first_terminal[merchant]
    count = world.first_terminal[merchant + 1] - first
    terminal: Integers = first + (rng.random(len(merchant)) * count).astype(np.int64)
    return terminal


def to_minor(amount: Floats) -> Integers:
    """Whole minor units within the world's limits."""
    return np.clip(np.rint(amount), AMOUNT_LEAST_MINOR, AMOUNT_MOST_MINOR).astype(np.int64)
