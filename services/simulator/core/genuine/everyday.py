"""Every day: shopping, sprees, transfers to friends and traders, bills, a look at the balance."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..columns import (
    GENUINE,
    LOGIN,
    LOGIN_FAILED,
    NONE,
    Activities,
    Events,
    Payments,
    activities,
    join,
    join_activities,
    no_activities,
    no_payments,
)
from ..life import strange_devices
from ..patterns.compromised_terminal import turn_fraudulent
from ..payees import friends, strangers, traders
from ..rhythm import Rhythm
from ..shops import card_payments, merchants_in, own_devices, prices, usual_merchants
from ..stage import Stage
from ..transfers import FAILED_SHARE, Order, sessions
from .standing import BILLS, standing

SPREE_SHARE: Final = 0.05
"""Of purchases: one or two more follow within the hour."""
ABROAD_SHARE: Final = 0.85
"""Of the purchases of a traveller: made where the traveller is."""
TRADER_SHARE: Final = 0.22
NEW_FRIEND_SHARE: Final = 0.06
STRANGE_SHARE: Final = 0.015
"""Of sessions: from a device of somebody else."""


def everyday(stage: Stage, rng: np.random.Generator, rhythm: Rhythm) -> Events:
    """What begins within the span; some of it goes on after its end."""
    return join(
        [
            Events(shopping(stage, rng, rhythm), no_activities()),
            sending(stage, rng, rhythm),
            *(standing(stage, rng, bill) for bill in BILLS),
            Events(no_payments(), looking(stage, rng, rhythm)),
        ]
    )


def shopping(stage: Stage, rng: np.random.Generator, rhythm: Rhythm) -> Payments:
    """Card payments; a share of those at compromised terminals is fraud."""
    world = stage.world
    account, time_ms = rhythm.starts(rng, stage.span, "cards", world.card_rate, stage.lives.mood)
    more = np.where(rng.random(len(account)) < SPREE_SHARE, rng.integers(1, 3, len(account)), 0)
    late_ms = np.repeat(time_ms, more) + rng.integers(60_000, 50 * 60_000, int(more.sum()))
    time_ms, account = np.concatenate([time_ms, late_ms]), np.concatenate([account, np.repeat(account, more)])
    merchant = usual_merchants(world, rng, account)
    abroad = stage.lives.where[account]
    gone = np.flatnonzero((abroad != NONE) & (rng.random(len(account)) < ABROAD_SHARE))
    merchant[gone] = merchants_in(world, rng, abroad[gone])
    amount = prices(world, rng, account, merchant)
    made = card_payments(stage, rng, time_ms, account, merchant, amount, GENUINE)
    return turn_fraudulent(made, rng, stage.lives.terminals)


def sending(stage: Stage, rng: np.random.Generator, rhythm: Rhythm) -> Events:
    """Transfers to friends, now and then a new one, and to traders."""
    world = stage.world
    account, time_ms = rhythm.starts(rng, stage.span, "transfers", world.transfer_rate, stage.lives.mood)
    n = len(account)
    luck = rng.random(n)
    is_trader = luck < TRADER_SHARE
    is_stranger = ~is_trader & (luck < TRADER_SHARE + NEW_FRIEND_SHARE)
    payee = np.where(is_trader, traders(world, rng, n), friends(world, rng, account))
    payee = np.where(is_stranger, strangers(rng, n), payee)
    log = np.where(is_trader, rng.normal(np.log(19_000), 1.0, n), rng.normal(np.log(4_500), 1.05, n))
    strange = rng.random(n) < STRANGE_SHARE
    device = np.where(strange, strange_devices(rng, n), own_devices(stage, rng, account, time_ms))
    is_new = is_stranger | (is_trader & (rng.random(n) < 0.8))
    amount = np.exp(log + world.spending[account])
    return sessions(stage, rng, time_ms, Order(account, payee, amount, device, is_new, np.zeros(n, np.int64)))


def looking(stage: Stage, rng: np.random.Generator, rhythm: Rhythm) -> Activities:
    """Logins to look and go, some after a failed one."""
    world = stage.world
    still = np.ones(world.accounts)
    account, time_ms = rhythm.starts(rng, stage.span, "logins", world.login_rate, still)
    n = len(account)
    strange = rng.random(n) < STRANGE_SHARE
    device = np.where(strange, strange_devices(rng, n), own_devices(stage, rng, account, time_ms))
    tries = np.where(rng.random(n) < FAILED_SHARE, 1 + rng.poisson(0.6, n), 0)
    missed_ms = np.repeat(time_ms, tries) + rng.integers(3_000, 40_000, int(tries.sum()))
    failed = activities(LOGIN_FAILED, missed_ms, np.repeat(account, tries), np.repeat(device, tries))
    entered_ms = time_ms + np.where(tries > 0, rng.integers(45_000, 90_000, n), 0)
    return join_activities([failed, activities(LOGIN, entered_ms, account, device)])
