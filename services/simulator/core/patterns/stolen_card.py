"""A stolen card: a few dear purchases at shops where its owner never was, within hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Integers, first_of, steps
from ..columns import STOLEN_CARD, Events, no_activities
from ..life import strange_devices
from ..shops import card_payments, prices, wanted_merchants
from ..stage import Stage
from .victims import victims


@dataclass(frozen=True, slots=True)
class StolenCard:
    """How stolen cards are used, ``per_account_day`` of them.

    ``least`` purchases and ``more`` on average, ``wait_ms`` apart, ``dearer`` times the shop's usual price.
    ``abroad_share``: the whole campaign in some country, perhaps the owner's own. A campaign ends when the
    card is blocked, ``longest_ms`` after its start.
    """

    per_account_day: float = 0.00034
    least: int = 3
    more: float = 2.5
    wait_ms: float = 50 * 60e3
    dearer: float = 2.4
    abroad_share: float = 0.4
    longest_ms: int = 3 * 86_400_000
    shops: tuple[str, ...] = ("electronics", "jewellery", "travel", "clothing")


HOW: Final = StolenCard()
_MOST: Final = 12


def stolen_card(stage: Stage, rng: np.random.Generator, starts_ms: Integers, how: StolenCard = HOW) -> Events:
    """One campaign per start."""
    world, n = stage.world, len(starts_ms)
    victim, thief = victims(world, rng, n), strange_devices(rng, n)
    count = np.minimum(how.least + rng.poisson(how.more, n), _MOST)
    happens = first_of(count, _MOST)
    times = steps(rng, starts_ms, [1e3, *[how.wait_ms] * (_MOST - 1)], happens, stage.span.pace)
    elsewhere = rng.random(n) < how.abroad_share
    country = np.where(elsewhere, rng.choice(world.country, n), world.home[victim])
    account = np.repeat(victim, count)
    shop = wanted_merchants(world, rng, np.repeat(country, count), how.shops)
    price = how.dearer * prices(world, rng, account, shop)
    made = card_payments(
        stage, rng, times[happens], account, shop, price, STOLEN_CARD, np.repeat(thief, count)
    )
    made = made._replace(card=np.repeat(rng.integers(0, world.cards[victim]), count))
    lasts = made.time_ms - np.repeat(starts_ms, count) < how.longest_ms
    return Events(made.at(lasts), no_activities())
