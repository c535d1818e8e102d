"""Which shop, which terminal, and at what price."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from .chance import Floats, Integers, place
from .columns import NONE, Payments
from .life import laptops, phones, strange_devices
from .stage import Stage
from .world import CATEGORIES, COUNTRIES, HOMES, World

AMOUNT_LEAST_MINOR: Final = 30
AMOUNT_MOST_MINOR: Final = 2_000_000
HOME_SHARE: Final = 0.85
LARGE_SHARE: Final = 0.03
_SPREADS: Final = np.array([category.spread for category in CATEGORIES])

NO_DEVICE_SHARE: Final = 0.2
"""Of online payments: the shop tells no device."""
STRANGE_DEVICE_SHARE: Final = 0.07
"""Of online payments of the account's own: a borrowed device, or one that forgot who it is."""


def usual_merchants(world: World, rng: np.random.Generator, account: Integers) -> Integers:
    """A merchant for each payment: mostly the payer's own shops, the first of them most often."""
    n = len(account)
    favourite = np.minimum(rng.exponential(2.0, n).astype(np.int64), HOMES - 1)
    away = rng.random(n) > HOME_SHARE
    return np.where(away, merchants_in(world, rng, world.home[account]), world.homes[account, favourite])


def merchants_in(world: World, rng: np.random.Generator, country: Integers) -> Integers:
    """A merchant of each country (n,), the well-visited more often."""
    return _drawn(_catalogue(world, ()), rng, country)


def wanted_merchants(
    world: World, rng: np.random.Generator, country: Integers, categories: tuple[str, ...]
) -> Integers:
    """Merchants (n,) of the named categories in each country; where it has none, of any country."""
    return _drawn(_catalogue(world, categories), rng, country)


class _Catalogue(NamedTuple):
    """Merchants by country; ``total`` (k + 1,) runs over their visits, country c from ``first[c]``."""

    merchants: Integers
    total: Floats
    first: Integers


@lru_cache(maxsize=32)
def _catalogue(world: World, categories: tuple[str, ...]) -> _Catalogue:
    """The merchants of the categories, of all where none is named or none exists."""
    codes = [i for i, category in enumerate(CATEGORIES) if category.name in categories]
    fits = np.isin(world.category, codes) if codes else np.ones(world.merchants, bool)
    fits = fits if fits.any() else np.ones(world.merchants, bool)
    merchants = np.flatnonzero(fits)
    merchants = merchants[np.argsort(world.country[merchants], kind="stable")]
    total = np.concatenate([[0.0], np.cumsum(world.weight[merchants])])
    first = np.searchsorted(world.country[merchants], np.arange(len(COUNTRIES) + 1))
    return _Catalogue(merchants, total, first)


def _drawn(catalogue: _Catalogue, rng: np.random.Generator, country: Integers) -> Integers:
    low, high = catalogue.total[catalogue.first[country]], catalogue.total[catalogue.first[country + 1]]
    nobody = low == high
    low, high = np.where(nobody, 0.0, low), np.where(nobody, catalogue.total[-1], high)
    share = (low + rng.random(len(country)) * (high - low)) / catalogue.total[-1]
    found: Integers = catalogue.merchants[place(catalogue.total[1:], share)]
    return found


def terminals_of(world: World, rng: np.random.Generator, merchant: Integers) -> Integers:
    """A terminal of each merchant."""
    first = world.first_terminal[merchant]
    count = world.first_terminal[merchant + 1] - first
    terminal: Integers = first + (rng.random(len(merchant)) * count).astype(np.int64)
    return terminal


def prices(world: World, rng: np.random.Generator, account: Integers, merchant: Integers) -> Floats:
    """Prices (n,) in minor units as the shop and the payer have them, a few of them much larger."""
    n = len(account)
    large = np.where(rng.random(n) < LARGE_SHARE, rng.uniform(0.8, 2.2, n), 0.0)
    spread = _SPREADS[world.category[merchant]]
    log = world.price_log[merchant] + world.spending[account] + rng.normal(0.0, spread) + large
    price: Floats = np.exp(log)
    return price


def to_minor(amount: Floats) -> Integers:
    """Whole minor units within the world's limits."""
    return np.clip(np.rint(amount), AMOUNT_LEAST_MINOR, AMOUNT_MOST_MINOR).astype(np.int64)


def own_devices(stage: Stage, rng: np.random.Generator, account: Integers, time_ms: Integers) -> Integers:
    """The phone, or sometimes the laptop, of each account (n,)."""
    at_desk = stage.world.has_laptop[account] & (rng.random(len(account)) < 0.3)
    return np.where(at_desk, laptops(account), phones(stage.world, stage.span, account, time_ms))


def card_payments(
    stage: Stage,
    rng: np.random.Generator,
    time_ms: Integers,
    account: Integers,
    merchant: Integers,
    amount: Floats,
    pattern: int,
    device: Integers | None = None,
) -> Payments:
    """Payments by card at these merchants; ``device`` (n,) shows itself online, by default a usual one."""
    world, n = stage.world, len(time_ms)
    terminal = terminals_of(world, rng, merchant)
    if device is None:
        own = own_devices(stage, rng, account, time_ms)
        device = np.where(rng.random(n) < STRANGE_DEVICE_SHARE, strange_devices(rng, n), own)
    hidden = ~world.online[merchant] | (rng.random(n) < NO_DEVICE_SHARE)
    return Payments(
        time_ms=time_ms,
        account=account,
        card=np.where(rng.random(n) < 0.7, 0, world.cards[account] - 1),
        terminal=terminal,
        payee=np.full(n, NONE, np.int64),
        device=np.where(hidden, NONE, device),
        country=world.country[merchant],
        amount_minor=to_minor(amount),
        pattern=np.full(n, pattern, np.int64),
    )
