"""A world drawn from a seed: who pays, where, how much, when and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from .chance import STREAM_WORLD, Flags, Floats, Integers, generator

REGIONS: Final = 20
HOMES: Final = 8
FAR_HOMES: Final = 2
TERMINALS_MOST: Final = 6
CARDS_PER_DAY_MOST: Final = 20.0
TRANSFERS_PER_DAY_MOST: Final = 3.0


class Category(NamedTuple):
    """A kind of shop: ``share`` of merchants, median price in minor units, spread of its logarithm.

    ``online`` is the share of its merchants that sell online.
    """

    name: str
    share: float
    median_minor: float
    spread: float
    online: float


CATEGORIES: Final = (
    Category("grocery", 0.18, 2_400, 0.7, 0.05),
    Category("fuel", 0.07, 5_000, 0.4, 0.0),
    Category("restaurant", 0.15, 2_600, 0.6, 0.1),
    Category("transport", 0.08, 900, 0.8, 0.3),
    Category("clothing", 0.12, 4_800, 0.7, 0.4),
    Category("electronics", 0.07, 11_000, 0.9, 0.5),
    Category("health", 0.08, 2_700, 0.7, 0.1),
    Category("home", 0.08, 5_500, 0.8, 0.3),
    Category("leisure", 0.07, 3_000, 0.7, 0.2),
    Category("travel", 0.03, 19_000, 0.8, 0.9),
    Category("jewellery", 0.02, 15_000, 0.8, 0.2),
    Category("digital", 0.05, 1_000, 0.9, 1.0),
)


class Country(NamedTuple):
    """Its code, and its share of the customers and of the merchants."""

    code: str
    customers: float
    merchants: float


COUNTRIES: Final = (
    Country("FR", 0.66, 0.46),
    Country("BE", 0.14, 0.12),
    Country("DE", 0.12, 0.12),
    Country("ES", 0.08, 0.10),
    Country("IT", 0.0, 0.06),
    Country("GB", 0.0, 0.06),
    Country("NL", 0.0, 0.04),
    Country("US", 0.0, 0.04),
)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Habits, one entry per account (a,), merchant (m,) or terminal (t,).

    Of accounts: ``card_rate``, ``transfer_rate`` and ``login_rate`` per day, ``spending`` the shift of the
    logarithm of a price, ``peak_h`` and ``spread_h`` the rhythm of the day, ``pay_day`` of the month,
    ``home`` country, ``cards``, ``has_laptop``, ``homes`` (a, HOMES) the merchants an account goes to,
    dearest first; ``phone_days`` and ``flat_days`` how long a phone and a flat are kept, and ``phone_phase``
    and ``flat_phase`` days since the first. Merchant i owns terminals ``first_terminal[i]`` up to
    ``first_terminal[i + 1]``; ``weight`` is how much it is visited, ``price_log`` the logarithm of its price.
    """

    seed: int
    card_rate: Floats
    transfer_rate: Floats
    login_rate: Floats
    spending: Floats
    peak_h: Floats
    spread_h: Floats
    pay_day: Integers
    home: Integers
    cards: Integers
    has_laptop: Flags
    homes: Integers
    phone_days: Integers
    phone_phase: Floats
    flat_days: Integers
    flat_phase: Floats
    category: Integers
    country: Integers
    online: Flags
    price_log: Floats
    weight: Floats
    first_terminal: Integers
    merchant_of: Integers

    @property
    def accounts(self) -> int:
        """How many accounts pay."""
        return len(self.card_rate)

    @property
    def merchants(self) -> int:
        """How many merchants they pay at."""
        return len(self.category)


def make_world(seed: int, accounts: int, merchants: int) -> World:
    """The world of ``seed`` with so many accounts and merchants; each merchant has 1 to 6 terminals."""
    rng = generator(seed, STREAM_WORLD, accounts)
    category = rng.choice(len(CATEGORIES), merchants, p=_shares([c.share for c in CATEGORIES]))
    country = rng.choice(len(COUNTRIES), merchants, p=_shares([c.merchants for c in COUNTRIES]))
    country[: len(COUNTRIES)] = np.arange(len(COUNTRIES))
    weight = rng.pareto(1.2, merchants) + 0.05
    terminals = 1 + np.minimum(weight.astype(np.int64), TERMINALS_MOST - 1)
    home = rng.choice(len(COUNTRIES), accounts, p=_shares([c.customers for c in COUNTRIES]))
    is_late = rng.random(accounts) < 0.12
    phone_days, flat_days = rng.integers(450, 1_100, accounts), rng.integers(700, 2_400, accounts)
    return World(
        seed=seed,
        card_rate=np.minimum(rng.lognormal(-0.75, 0.8, accounts), CARDS_PER_DAY_MOST),
        transfer_rate=np.minimum(rng.lognormal(-2.6, 0.7, accounts), TRANSFERS_PER_DAY_MOST),
        login_rate=np.minimum(rng.lognormal(-1.9, 0.7, accounts), TRANSFERS_PER_DAY_MOST),
        spending=rng.normal(0.0, 0.4, accounts),
        peak_h=np.where(is_late, rng.normal(23.0, 1.5, accounts), rng.normal(14.5, 2.0, accounts)),
        spread_h=rng.uniform(2.0, 4.5, accounts),
        pay_day=rng.choice([1, 5, 25, 26, 27, 28], accounts).astype(np.int64),
        home=home.astype(np.int64),
        cards=1 + (rng.random(accounts) < 0.25).astype(np.int64),
        has_laptop=rng.random(accounts) < 0.45,
        homes=_homes(rng, home, country, weight),
        phone_days=phone_days,
        phone_phase=_phases(rng, phone_days),
        flat_days=flat_days,
        flat_phase=_phases(rng, flat_days),
        category=category.astype(np.int64),
        country=country.astype(np.int64),
        online=rng.random(merchants) < np.array([c.online for c in CATEGORIES])[category],
        price_log=_price_log(category) + rng.normal(0.0, 0.35, merchants),
        weight=weight,
        first_terminal=np.concatenate([[0], np.cumsum(terminals)]),
        merchant_of=np.repeat(np.arange(merchants), terminals),
    )


def _shares(shares: list[float]) -> Floats:
    normed: Floats = np.array(shares) / sum(shares)
    return normed


def _phases(rng: np.random.Generator, kept_days: Integers) -> Floats:
    """Days since the first of something; it is replaced between nine and nine, at the same hour each time."""
    hour = rng.uniform(9.0, 21.0, len(kept_days))
    phases: Floats = np.floor(rng.random(len(kept_days)) * kept_days) + 1.0 - hour / 24.0
    return phases


def _price_log(category: Integers) -> Floats:
    log: Floats = np.log([CATEGORIES[c].median_minor for c in category.tolist()])
    return log


def _homes(rng: np.random.Generator, home: Integers, country: Integers, weight: Floats) -> Integers:
    """Each account's merchants: most from its own region of its own country, two from anywhere."""
    merchants = len(weight)
    region = rng.integers(0, REGIONS, merchants)
    own = rng.integers(0, REGIONS, len(home))
    homes = rng.choice(merchants, (len(home), HOMES), p=weight / weight.sum())
    near = HOMES - FAR_HOMES
    for c in np.unique(home).tolist():
        inland = np.flatnonzero(country == c)
        for r in range(REGIONS):
            residents = np.flatnonzero((home == c) & (own == r))
            here = inland[region[inland] == r]
            here = here if len(here) >= near else inland
            chance = weight[here] / weight[here].sum()
            homes[residents, :near] = rng.choice(here, (len(residents), near), p=chance)
    return homes.astype(np.int64)
