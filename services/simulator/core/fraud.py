"""Three ways to steal: a stolen card, a compromised terminal, card testing.

Campaigns start on a day and follow from the seed and that day alone, so any stretch of the world's time shows
the same ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .payments import (
    CARD_TESTING,
    COMPROMISED_TERMINAL,
    STOLEN_CARD,
    Payments,
    join,
    popular_merchants,
    purchases,
    terminals_of,
    to_minor,
)
from .world import CATEGORIES, DAY_MS, STREAM_CARDS, STREAM_TERMINALS, Integers, World, generator

STOLEN_PER_PAYMENT: Final = 0.00055
TESTED_PER_PAYMENT: Final = 0.00022
TERMINALS_PER_DAY: Final = 0.00024  # of the quieter terminals

CARD_CAMPAIGN_DAYS: Final = 4  # no campaign with a card outlives this
TERMINAL_CAMPAIGN_LEAST_DAYS: Final = 20
TERMINAL_CAMPAIGN_DAYS: Final = 70
FRAUD_SHARE_AT_TERMINAL: Final = 0.5
QUIET_SHARE: Final = 0.8  # of merchants: thieves keep away from the busiest

_COVETED: Final = ("electronics", "jewellery", "travel", "clothing", "digital")
_TRIES: Final = 24  # merchants looked at for one of a wanted kind


def card_frauds(world: World, day: int) -> Payments:
    """Payments of the card campaigns that start on ``day``; some of them fall on later days."""
    rng = generator(world.seed, STREAM_CARDS, day)
    volume = world.payments_per_day
    start, end = day * DAY_MS, (day + 1) * DAY_MS
    stolen = rng.integers(start, end, rng.poisson(volume * STOLEN_PER_PAYMENT))
    tested = rng.integers(start, end, rng.poisson(volume * TESTED_PER_PAYMENT))
    return join([steal_cards(world, rng, stolen), test_cards(world, rng, tested)])


def steal_cards(world: World, rng: np.random.Generator, starts_ms: Integers) -> Payments:
    """One campaign per start: a few dear purchases at unusual shops within hours or days."""
    victims = _victims(world, rng, len(starts_ms))
    count = 2 + rng.poisson(3.0, len(starts_ms))
    account = np.repeat(victims, count)
    time_ms = _steps(rng, starts_ms, count, 2.0 * 3_600_000)
    terminal = terminals_of(world, rng, _wanted(world, rng, len(account), _COVETED))
    frauds = purchases(world, rng, time_ms, account, terminal, STOLEN_CARD, shift_log=0.9)
    return _while_it_lasts(frauds, np.repeat(starts_ms, count))


def test_cards(world: World, rng: np.random.Generator, starts_ms: Integers) -> Payments:
    """One campaign per start: tiny amounts at one online shop within minutes, then one or two large ones."""
    n = len(starts_ms)
    victims = _victims(world, rng, n)
    shop = terminals_of(world, rng, _wanted(world, rng, n, ("digital", "travel")))
    tries = 4 + rng.poisson(4.0, n)
    tiny = _tiny(rng, starts_ms, tries, victims, shop)
    large = rng.integers(1, 3, n)
    account = np.repeat(victims, large)
    begin = starts_ms + rng.integers(15 * 60_000, 90 * 60_000, n)
    time_ms = _steps(rng, begin, large, 10 * 60_000)
    terminal = terminals_of(world, rng, _wanted(world, rng, len(account), _COVETED))
    cashed = purchases(world, rng, time_ms, account, terminal, CARD_TESTING, shift_log=1.0)
    return join([tiny, _while_it_lasts(cashed, np.repeat(starts_ms, large))])


def compromised_terminals(world: World, day: int) -> Integers:
    """Terminals at which a share of the payments of ``day`` is fraud, ascending."""
    found = [_compromised_on(world, start, day) for start in range(day - TERMINAL_CAMPAIGN_DAYS - 2, day + 1)]
    return np.unique(np.concatenate(found))


def turn_fraudulent(payments: Payments, rng: np.random.Generator, terminals: Integers) -> Payments:
    """The payments with a share of those at ``terminals`` turned into frauds, a little dearer."""
    at_risk = np.isin(payments.terminal, terminals) & (payments.pattern == 0)
    turned = at_risk & (rng.random(len(at_risk)) < FRAUD_SHARE_AT_TERMINAL)
    dearer = to_minor(payments.amount_minor * rng.lognormal(0.15, 0.3, len(turned)))
    return payments._replace(
        amount_minor=np.where(turned, dearer, payments.amount_minor),
        pattern=np.where(turned, COMPROMISED_TERMINAL, payments.pattern),
    )


def _compromised_on(world: World, start: int, day: int) -> Integers:
    rng = generator(world.seed, STREAM_TERMINALS, start)
    visits = np.diff(world.popularity, prepend=0.0)
    quiet = np.flatnonzero((visits <= np.quantile(visits, QUIET_SHARE))[world.merchant_of])
    count = rng.poisson(len(quiet) * TERMINALS_PER_DAY)
    chosen = rng.choice(quiet, count)
    first = start + rng.integers(0, 3, count)
    last = first + rng.integers(TERMINAL_CAMPAIGN_LEAST_DAYS, TERMINAL_CAMPAIGN_DAYS, count)
    live: Integers = chosen[(first <= day) & (day < last)]
    return live


def _victims(world: World, rng: np.random.Generator, n: int) -> Integers:
    """Accounts that pay often are robbed a little more often."""
    chance = np.sqrt(world.activity)
    return rng.choice(world.accounts, n, p=chance / chance.sum()).astype(np.int64)


def _steps(rng: np.random.Generator, starts_ms: Integers, count: Integers, mean_ms: float) -> Integers:
    """Times of ``count`` steps from each start, exponential waits between."""
    waits = rng.exponential(mean_ms, int(count.sum())).astype(np.int64) + 20_000
    total = np.cumsum(waits)
    first = np.cumsum(count) - count
    since = total - np.repeat(total[first] if len(first) else total, count)
    times: Integers = np.repeat(starts_ms, count) + since
    return times


def _tiny(
    rng: np.random.Generator, starts_ms: Integers, tries: Integers, victims: Integers, shop: Integers
) -> Payments:
    n = int(tries.sum())
    return Payments(
        time_ms=_steps(rng, starts_ms, tries, 45_000.0),
        account=np.repeat(victims, tries),
        terminal=np.repeat(shop, tries),
        amount_minor=rng.integers(50, 400, n),
        pattern=np.full(n, CARD_TESTING, np.int64),
    )


def _wanted(world: World, rng: np.random.Generator, n: int, names: tuple[str, ...]) -> Integers:
    """Merchants of the named categories where a few looks find one, else any."""
    codes = [i for i, category in enumerate(CATEGORIES) if category.name in names]
    seen = popular_merchants(world, rng, n * _TRIES).reshape(n, _TRIES)
    fits = np.isin(world.category[seen], codes)
    chosen: Integers = seen[np.arange(n), np.argmax(fits, axis=1)]
    return chosen


def _while_it_lasts(payments: Payments, starts_ms: Integers) -> Payments:
    """Without what a campaign would do after its card is blocked."""
    return payments.at(payments.time_ms - starts_ms < (CARD_CAMPAIGN_DAYS - 1) * DAY_MS)
