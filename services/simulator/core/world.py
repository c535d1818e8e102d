"""A world drawn from a seed: who pays, where, how much, when and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

REGIONS: Final = 20
HOMES: Final = 8
TERMINALS_MOST: Final = 6
ACTIVITY_MOST_PER_DAY: Final = 20.0

STREAM_WORLD: Final = 0
STREAM_DAY: Final = 1
STREAM_CARDS: Final = 2
STREAM_TERMINALS: Final = 3
STREAM_LIVE: Final = 4


class Category(NamedTuple):
    """A kind of shop: ``share`` of merchants, median price in minor units, spread of its logarithm."""

    name: str
    share: float
    median_minor: float
    spread: float
    online: bool


CATEGORIES: Final = (
    Category("grocery", 0.18, 2_400, 0.7, False),
    Category("fuel", 0.07, 5_000, 0.4, False),
    Category("restaurant", 0.15, 2_600, 0.6, False),
    Category("transport", 0.08, 900, 0.8, False),
    Category("clothing", 0.12, 4_800, 0.7, False),
    Category("electronics", 0.07, 11_000, 0.9, False),
    Category("health", 0.08, 2_700, 0.7, False),
    Category("home", 0.08, 5_500, 0.8, False),
    Category("leisure", 0.07, 3_000, 0.7, False),
    Category("travel", 0.03, 19_000, 0.8, True),
    Category("jewellery", 0.02, 15_000, 0.8, False),
    Category("digital", 0.05, 1_000, 0.9, True),
)


@dataclass(frozen=True, slots=True)
class World:
    """Habits, one entry per account (a,), merchant (m,) or terminal (t,).

    ``activity`` is payments per day, ``spending`` the shift of the logarithm of a price, ``peak_h`` and
    ``spread_h`` the rhythm of the day, ``homes`` (a, HOMES) the merchants an account goes to, dearest first.
    Merchant i owns terminals ``first_terminal[i]`` up to ``first_terminal[i + 1]``. ``popularity`` is the
    running total of the merchants' shares, its last value 1.
    """

    seed: int
    activity: Floats
    spending: Floats
    peak_h: Floats
    spread_h: Floats
    homes: Integers
    category: Integers
    price_log: Floats
    popularity: Floats
    first_terminal: Integers
    merchant_of: Integers

    @property
    def accounts(self) -> int:
        """How many accounts pay."""
        return len(self.activity)

    @property
    def payments_per_day(self) -> float:
        """Genuine payments of an average day, companions of a spree aside."""
        return float(self.activity.sum())


def generator(seed: int, stream: int, number: int) -> np.random.Generator:
    """The source of chance of one part of the world: equal arguments give an equal sequence."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, number])))


def make_world(seed: int, accounts: int, merchants: int) -> World:
    """The world of ``seed`` with so many accounts and merchants; each merchant has 1 to 6 terminals."""
    rng = generator(seed, STREAM_WORLD, accounts)
    category = rng.choice(len(CATEGORIES), merchants, p=_shares())
    weight = rng.pareto(1.2, merchants) + 0.05
    terminals = 1 + np.minimum(weight.astype(np.int64), TERMINALS_MOST - 1)
    night = rng.random(accounts) < 0.12
    return World(
        seed=seed,
        activity=_activity(rng, accounts),
        spending=rng.normal(0.0, 0.45, accounts),
        peak_h=np.where(night, rng.normal(23.0, 1.5, accounts), rng.normal(14.5, 2.0, accounts)),
        spread_h=rng.uniform(2.0, 4.5, accounts),
        homes=_homes(rng, accounts, weight),
        category=category.astype(np.int64),
        price_log=_price_log(category) + rng.normal(0.0, 0.35, merchants),
        popularity=np.cumsum(weight / weight.sum()),
        first_terminal=np.concatenate([[0], np.cumsum(terminals)]),
        merchant_of=np.repeat(np.arange(merchants), terminals),
    )


def _shares() -> Floats:
    shares = np.array([category.share for category in CATEGORIES])
    normed: Floats = shares / shares.sum()
    return normed


def _activity(rng: np.random.Generator, accounts: int) -> Floats:
    """Payments per day: median 0.27, mean about 0.5, a few like shops themselves."""
    return np.minimum(rng.lognormal(-1.3, 1.1, accounts), ACTIVITY_MOST_PER_DAY)


def _price_log(category: Integers) -> Floats:
    log: Floats = np.log([CATEGORIES[c].median_minor for c in category.tolist()])
    return log


def _homes(rng: np.random.Generator, accounts: int, weight: Floats) -> Integers:
    """Each account's merchants: most from its own region, two from anywhere."""
    merchants = len(weight)
    region = rng.integers(0, REGIONS, merchants)
    region[: min(REGIONS, merchants)] = np.arange(min(REGIONS, merchants))
    homes = rng.choice(merchants, (accounts, HOMES), p=weight / weight.sum())
    own = rng.integers(0, min(REGIONS, merchants), accounts)
    for r in range(min(REGIONS, merchants)):
        here = np.flatnonzero(region == r)
        residents = np.flatnonzero(own == r)
        chance = weight[here] / weight[here].sum()
        homes[residents, : HOMES - 2] = rng.choice(here, (len(residents), HOMES - 2), p=chance)
    return homes.astype(np.int64)
