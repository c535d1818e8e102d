"""Honest bursts by card: a large purchase, a night out, top-ups of a game; they look like a stolen card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Integers, first_of, steps
from ..columns import GENUINE, Events, Payments, no_activities
from ..rhythm import any_starts, evening_starts
from ..shops import card_payments, prices, wanted_merchants
from ..stage import Stage

_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class LargePurchase:
    """A holiday, a ring, a computer: 1 to 3 payments within hours, ``dearer`` times the usual price."""

    per_account_day: float = 0.0016
    more: float = 0.5
    wait_ms: float = 90 * 60e3
    dearer: float = 2.6
    shops: tuple[str, ...] = ("electronics", "jewellery", "travel", "home")


@dataclass(frozen=True, slots=True)
class NightOut:
    """An evening of ``least`` and more payments at bars and for the way home, ``wait_ms`` apart."""

    per_account_day: float = 0.0025
    least: int = 3
    more: float = 1.8
    wait_ms: float = 35 * 60e3
    shops: tuple[str, ...] = ("restaurant", "leisure", "transport")


@dataclass(frozen=True, slots=True)
class TopUps:
    """A game is topped up ``least`` times and more at one online shop, minutes apart, for small amounts."""

    per_account_day: float = 0.0008
    least: int = 3
    more: float = 2.2
    wait_ms: float = 100e3
    cheaper: float = 0.45


LARGE_PURCHASE: Final = LargePurchase()
NIGHT_OUT: Final = NightOut()
TOP_UPS: Final = TopUps()


def large_purchase(stage: Stage, rng: np.random.Generator, how: LargePurchase = LARGE_PURCHASE) -> Events:
    """Large purchases that begin in the span."""
    n = rng.poisson(stage.world.accounts * how.per_account_day * stage.span.days)
    count = 1 + np.minimum(rng.poisson(how.more, n), 2)
    account, times = _bursts(stage, rng, any_starts(rng, stage.span, n), count, how.wait_ms)
    shop = wanted_merchants(stage.world, rng, stage.world.home[account], how.shops)
    return _paid(stage, rng, account, times, shop, how.dearer)


def night_out(stage: Stage, rng: np.random.Generator, how: NightOut = NIGHT_OUT) -> Events:
    """Evenings that begin in the span; a share of the payers is on a trip and abroad."""
    starts = evening_starts(rng, stage.span, stage.world.accounts * how.per_account_day)
    count = how.least + rng.poisson(how.more, len(starts))
    account, times = _bursts(stage, rng, starts, count, how.wait_ms)
    abroad = stage.lives.where[account]
    country = np.where(abroad < 0, stage.world.home[account], abroad)
    return _paid(stage, rng, account, times, wanted_merchants(stage.world, rng, country, how.shops), 1.0)


def top_ups(stage: Stage, rng: np.random.Generator, how: TopUps = TOP_UPS) -> Events:
    """Series of top-ups that begin in the span."""
    n = rng.poisson(stage.world.accounts * how.per_account_day * stage.span.days)
    count = how.least + rng.poisson(how.more, n)
    starts = any_starts(rng, stage.span, n)
    account, times = _bursts(stage, rng, starts, count, how.wait_ms)
    shops = wanted_merchants(stage.world, rng, merchant_countries(stage, rng, n), ("digital",))
    return _paid(stage, rng, account, times, np.repeat(shops, np.minimum(count, _MOST)), how.cheaper)


def merchant_countries(stage: Stage, rng: np.random.Generator, n: int) -> Integers:
    """n countries as merchants are spread over them."""
    world = stage.world
    return rng.choice(world.country, n) if n else np.empty(0, np.int64)


def _bursts(
    stage: Stage, rng: np.random.Generator, starts_ms: Integers, count: Integers, wait_ms: float
) -> tuple[Integers, Integers]:
    """Accounts and times of ``count`` payments from each start."""
    count = np.minimum(count, _MOST)
    happens = first_of(count, _MOST)
    who = rng.integers(0, stage.world.accounts, len(starts_ms))
    times = steps(rng, starts_ms, [1e3, *[wait_ms] * (_MOST - 1)], happens, stage.span.pace)
    return np.repeat(who, count), times[happens]


def _paid(
    stage: Stage, rng: np.random.Generator, account: Integers, times: Integers, shop: Integers, dearer: float
) -> Events:
    price = dearer * prices(stage.world, rng, account, shop)
    made: Payments = card_payments(stage, rng, times, account, shop, price, GENUINE)
    return Events(made, no_activities())
