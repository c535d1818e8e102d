"""Card testing: stolen numbers are tried with small amounts at one online shop; some are then used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Flags, Integers, first_of, steps
from ..columns import CARD_TESTING, Events, Payments, join_payments, no_activities
from ..life import strange_devices
from ..shops import card_payments, prices, wanted_merchants
from ..stage import Stage
from .victims import victims


@dataclass(frozen=True, slots=True)
class CardTesting:
    """How numbers are tried: ``per_account_day`` campaigns, each from one device at one shop.

    ``least`` numbers and ``more`` on average, one after the other, each tried one to three times,
    ``wait_ms`` apart, for ``cheaper`` than the shop's usual price. The last one or two are used ``rest_ms``
    later on average for a purchase ``dearer`` than usual, ``step_ms`` apart.
    """

    per_account_day: float = 0.00018
    least: int = 2
    more: float = 1.5
    wait_ms: float = 55e3
    cheaper: float = 0.25
    rest_ms: float = 40 * 60e3
    step_ms: float = 15 * 60e3
    dearer: float = 2.4
    tried_at: tuple[str, ...] = ("digital",)
    used_at: tuple[str, ...] = ("electronics", "jewellery", "travel", "clothing")


HOW: Final = CardTesting()
NUMBERS_MOST: Final = 8
TRIES_MOST: Final = 3
USES_MOST: Final = 2


def card_testing(
    stage: Stage, rng: np.random.Generator, starts_ms: Integers, how: CardTesting = HOW
) -> Events:
    """One campaign per start."""
    world, n = stage.world, len(starts_ms)
    thief = strange_devices(rng, n)
    victim = victims(world, rng, n * NUMBERS_MOST).reshape(n, NUMBERS_MOST)
    numbers = np.minimum(how.least + rng.poisson(how.more, n), NUMBERS_MOST)
    tried = _tries(rng, numbers)
    used = first_of(rng.integers(1, USES_MOST + 1, n), USES_MOST)
    waits = [1e3, *[how.wait_ms] * (tried.shape[1] - 1), how.rest_ms, how.step_ms]
    times = steps(rng, starts_ms, waits, np.concatenate([tried, used], axis=1), stage.span.pace)
    whom = np.concatenate([np.repeat(victim, TRIES_MOST, axis=1), _last(victim, numbers)], axis=1)
    country = rng.choice(world.country, n) if n else np.empty(0, np.int64)
    shop = wanted_merchants(world, rng, country, how.tried_at)
    trying, using = slice(0, tried.shape[1]), slice(tried.shape[1], None)
    devices = np.repeat(thief, tried.sum(axis=1)), np.repeat(thief, used.sum(axis=1))
    there = np.repeat(shop, tried.sum(axis=1))
    first = _paid(stage, rng, times[:, trying][tried], whom[:, trying][tried], there, devices[0], how.cheaper)
    who = whom[:, using][used]
    dear = wanted_merchants(world, rng, world.home[who], how.used_at)
    then = _paid(stage, rng, times[:, using][used], who, dear, devices[1], how.dearer)
    return Events(join_payments([first, then]), no_activities())


def _tries(rng: np.random.Generator, numbers: Integers) -> Flags:
    """(n, numbers x tries): which tries of which number happen."""
    count = rng.integers(1, TRIES_MOST + 1, (len(numbers), NUMBERS_MOST))
    count = np.where(first_of(numbers, NUMBERS_MOST), count, 0)
    return first_of(count.ravel(), TRIES_MOST).reshape(len(numbers), NUMBERS_MOST * TRIES_MOST)


def _last(victim: Integers, numbers: Integers) -> Integers:
    """(n, uses): the last numbers of each list, the very last first."""
    which = np.maximum(numbers[:, None] - 1 - np.arange(USES_MOST), 0)
    return np.take_along_axis(victim, which, axis=1)


def _paid(
    stage: Stage,
    rng: np.random.Generator,
    time_ms: Integers,
    account: Integers,
    merchant: Integers,
    device: Integers,
    factor: float,
) -> Payments:
    price = factor * prices(stage.world, rng, account, merchant)
    made = card_payments(stage, rng, time_ms, account, merchant, price, CARD_TESTING, device)
    return made._replace(card=np.zeros(len(account), np.int64))
