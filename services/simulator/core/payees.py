"""Who receives transfers: landlords, utilities, friends, traders, strangers, and mules among them."""

from __future__ import annotations

from typing import Final

import numpy as np

from .chance import Integers
from .world import World

FRIENDS: Final = 6
UTILITIES: Final = 12
LANDLORDS_FROM: Final = 1 << 32
UTILITIES_FROM: Final = 2 << 32
TRADERS_FROM: Final = 3 << 32
PERSONS_FROM: Final = 4 << 32
STRANGERS_FROM: Final = 1 << 40
STRANGERS: Final = 1 << 40
MULES_FROM: Final = 1 << 48

ACCOUNTS_PER_MULE: Final = 1_500
"""One mule works for so many customers of the bank at a time."""
MULE_DAYS: Final = 9
"""How long a mule collects before it is closed, in days of the life clock."""


def landlords(world: World, account: Integers, flat: Integers) -> Integers:
    """The payee of each account's rent in its flat."""
    return LANDLORDS_FROM + _mixed(account, flat) % (world.accounts // 15 + 4)


def rents_minor(account: Integers, flat: Integers) -> Integers:
    """Each flat's rent: 450 to 1,400 in whole fifties."""
    return (9 + _mixed(account, flat + 7) % 20) * 5_000


def utilities(account: Integers, flat: Integers, which: int) -> Integers:
    """The payee of each account's first or second utility."""
    return UTILITIES_FROM + _mixed(account, 3 * flat + 11 + which) % UTILITIES


def friends(world: World, rng: np.random.Generator, account: Integers) -> Integers:
    """One of each account's friends, the first of them most often."""
    which = np.minimum(rng.exponential(1.6, len(account)).astype(np.int64), FRIENDS - 1)
    return PERSONS_FROM + _mixed(account, which + 101) % (2 * world.accounts)


def traders(world: World, rng: np.random.Generator, n: int) -> Integers:
    """n who send invoices; some of them to many customers."""
    count = max(12, world.accounts // 12)
    return TRADERS_FROM + np.minimum((rng.pareto(0.9, n) * 3).astype(np.int64), count - 1)


def strangers(rng: np.random.Generator, n: int) -> Integers:
    """n persons nobody paid before."""
    return STRANGERS_FROM + rng.integers(0, STRANGERS, n)


def mules(world: World, rng: np.random.Generator, life_day: int, n: int) -> Integers:
    """n times one of those who collect for thieves on a day of the life clock."""
    at_work = max(1, world.accounts // ACCOUNTS_PER_MULE)
    which = rng.integers(0, at_work, n)
    term = (life_day + which * 5) // MULE_DAYS
    return MULES_FROM + term * 1_000_000 + which


def _mixed(a: Integers, b: Integers) -> Integers:
    """A number that follows from two others and looks like neither."""
    mixed = a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + b.astype(np.uint64) * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(32)).astype(np.int64)
