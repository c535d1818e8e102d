"""A compromised terminal: for weeks a share of what is paid there is fraud, and nothing else shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from ..chance import STREAM_TERMINALS, Integers, generator
from ..columns import COMPROMISED_TERMINAL, Payments
from ..world import World


@dataclass(frozen=True, slots=True)
class CompromisedTerminal:
    """How terminals are compromised, in days of the life clock.

    ``per_terminal_day``: chance of a quieter terminal to be next; quieter are those of the ``quiet_share``
    of merchants with the fewest visits. ``least_days`` to ``most_days``: how long it lasts. ``share``: of
    its payments that are fraud, dearer by a lognormal of ``dearer_log`` and ``dearer_spread``.
    """

    per_terminal_day: float = 0.00024
    quiet_share: float = 0.85
    least_days: int = 20
    most_days: int = 70
    share: float = 0.6
    dearer_log: float = 0.15
    dearer_spread: float = 0.3


HOW: Final = CompromisedTerminal()


def compromised_terminals(world: World, life_day: int, how: CompromisedTerminal = HOW) -> Integers:
    """Terminals at which a share of the payments of a day is fraud, ascending."""
    found = [np.empty(0, np.int64)]
    for start in range(life_day - how.most_days, life_day + 1):
        chosen, days = _begun(world, start, how)
        found.append(chosen[start + days > life_day])
    return np.unique(np.concatenate(found))


@lru_cache(maxsize=256)
def _begun(world: World, day: int, how: CompromisedTerminal) -> tuple[Integers, Integers]:
    """Terminals that are compromised on a day, and for how many days."""
    quiet, rng = _quiet_terminals(world, how), generator(world.seed, STREAM_TERMINALS, day)
    n = rng.poisson(len(quiet) * how.per_terminal_day)
    return rng.choice(quiet, n), rng.integers(how.least_days, how.most_days, n)


@lru_cache(maxsize=4)
def _quiet_terminals(world: World, how: CompromisedTerminal) -> Integers:
    quiet_merchants = world.weight <= np.quantile(world.weight, how.quiet_share)
    return np.flatnonzero(quiet_merchants[world.merchant_of])


def attacked_terminals(world: World, life_day: int, factor: float) -> Integers:
    """``factor`` times as many as on a usual day, the usual ones among them, ascending."""
    usual = compromised_terminals(world, life_day)
    rng = generator(world.seed, STREAM_TERMINALS, life_day)
    more = rng.integers(0, len(world.merchant_of), round(max(len(usual), 1) * (factor - 1)))
    return np.unique(np.concatenate([usual, more]))


def turn_fraudulent(
    payments: Payments, rng: np.random.Generator, terminals: Integers, how: CompromisedTerminal = HOW
) -> Payments:
    """The payments with a share of the genuine ones at ``terminals`` turned into frauds, a little dearer."""
    at_risk = np.isin(payments.terminal, terminals) & (payments.pattern == 0)
    turned = at_risk & (rng.random(len(at_risk)) < how.share)
    factor = rng.lognormal(how.dearer_log, how.dearer_spread, len(turned))
    dearer = np.rint(payments.amount_minor * factor).astype(np.int64)
    return payments._replace(
        amount_minor=np.where(turned, dearer, payments.amount_minor),
        pattern=np.where(turned, COMPROMISED_TERMINAL, payments.pattern),
    )
