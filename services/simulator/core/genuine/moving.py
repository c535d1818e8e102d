"""A move to another flat: a new landlord, a deposit, new utilities, furniture; new payees and much money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Integers, first_of, steps
from ..columns import GENUINE, LIMIT_RAISED, Events, Payments, activities, join, no_activities, no_payments
from ..life import flats, new_flats
from ..payees import landlords, rents_minor, traders, utilities
from ..shops import card_payments, own_devices, prices, wanted_merchants
from ..stage import Stage
from ..transfers import Order, sessions


@dataclass(frozen=True, slots=True)
class Moving:
    """How accounts move. How often follows from `World.flat_days`: 700 to 2,400.

    ``deposit_rents``: the deposit in rents. ``raised_share``: the limit is raised before it.
    ``carrier_log_minor``: the removal firm's price. ``furniture``: mean purchases for the new flat,
    ``dearer`` times as dear as usual.
    """

    deposit_rents: float = 2.0
    raised_share: float = 0.5
    carrier_log_minor: float = 11.0
    furniture: float = 3.0
    dearer: float = 2.5


MOVING: Final = Moving()
_FURNITURE_MOST: Final = 10


def moving(stage: Stage, rng: np.random.Generator, how: Moving = MOVING) -> Events:
    """The days after each move that falls into the span."""
    world = stage.world
    account, starts_ms = new_flats(world, stage.span)
    n = len(account)
    flat = flats(world, stage.span.life_days_at(starts_ms + 1), account)
    raised = rng.random(n) < how.raised_share
    device = own_devices(stage, rng, account, starts_ms)
    payees = [landlords(world, account, flat), traders(world, rng, n), utilities(account, flat, 1)]
    amounts = [
        np.multiply(rents_minor(account, flat), how.deposit_rents, dtype=np.float64),
        rng.lognormal(how.carrier_log_minor, 0.4, n),
        rng.lognormal(np.log(7_500), 0.35, n),
    ]
    times = steps(
        rng, starts_ms, [10 * 60e3, 5 * 3600e3, 20 * 3600e3], np.ones((n, 3), bool), stage.span.pace
    )
    yes, genuine = np.ones(n, bool), np.zeros(n, np.int64)
    paid = [
        sessions(stage, rng, times[:, i], Order(account, payees[i], amounts[i], device, yes, genuine))
        for i in range(3)
    ]
    limit = activities(LIMIT_RAISED, starts_ms[raised], account[raised], device[raised])
    furniture = Events(_furniture(stage, rng, account, starts_ms, how), no_activities())
    return join([*paid, Events(no_payments(), limit), furniture])


def _furniture(
    stage: Stage, rng: np.random.Generator, account: Integers, starts_ms: Integers, how: Moving
) -> Payments:
    bought = np.minimum(rng.poisson(how.furniture, len(account)), _FURNITURE_MOST)
    happens = first_of(bought, _FURNITURE_MOST)
    times = steps(rng, starts_ms, [9 * 3600e3] * _FURNITURE_MOST, happens, stage.span.pace)[happens]
    who = np.repeat(account, bought)
    shop = wanted_merchants(stage.world, rng, stage.world.home[who], ("home", "electronics"))
    price = how.dearer * prices(stage.world, rng, who, shop)
    return card_payments(stage, rng, times, who, shop, price, GENUINE)
