"""Every month: rent and utilities, some days after pay day, by standing order or by hand."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ..chance import Flags, Integers
from ..columns import NONE, Events, join, no_activities
from ..life import flats
from ..payees import landlords, rents_minor, utilities
from ..rhythm import any_starts
from ..shops import own_devices
from ..span import HOUR_MS
from ..stage import Stage
from ..transfers import Order, sessions, transfers

BY_HAND_PERCENT: Final = 40
"""Of accounts: the bills are paid in the app, not by standing order."""


class Bill(NamedTuple):
    """``first`` and ``spread``: days after pay day at which accounts pay it; 0 is the rent."""

    number: int
    first: int
    spread: int


BILLS: Final = (Bill(0, 1, 4), Bill(1, 6, 10), Bill(2, 3, 16))


def standing(stage: Stage, rng: np.random.Generator, bill: Bill) -> Events:
    """The bill of all accounts that are due."""
    world, span = stage.world, stage.span
    account = _due(stage, rng, bill)
    by_hand = account % 100 < BY_HAND_PERCENT
    time_ms = _times(stage, rng, by_hand)
    flat = flats(world, span.life_days_at(time_ms), account)
    if bill.number == 0:
        payee, amount = landlords(world, account, flat), rents_minor(account, flat).astype(np.float64)
    else:
        payee = utilities(account, flat, bill.number)
        amount = rng.lognormal(np.log(7_500), 0.35, len(account))
    device = np.where(by_hand, own_devices(stage, rng, account, time_ms), NONE)
    nothing = np.zeros(len(account), np.int64)
    order = Order(account, payee, amount, device, nothing > 0, nothing)
    return join(
        [
            sessions(stage, rng, time_ms[by_hand], order.at(by_hand)),
            Events(transfers(stage, rng, time_ms[~by_hand], order.at(~by_hand)), no_activities()),
        ]
    )


def _due(stage: Stage, rng: np.random.Generator, bill: Bill) -> Integers:
    """Whose day it is; of them as many as the span's part of the day has."""
    everyone = np.arange(stage.world.accounts)
    own_day = bill.first + (everyone * 7 + bill.number) % bill.spread
    due = np.flatnonzero(stage.lives.since_pay == own_day)
    if not stage.span.is_live or not len(due):
        return due
    return rng.choice(due, rng.poisson(len(due) * stage.span.days))


def _times(stage: Stage, rng: np.random.Generator, by_hand: Flags) -> Integers:
    """By hand at any waking hour; the bank sends standing orders between two and six."""
    span, n = stage.span, len(by_hand)
    if span.is_live:
        return rng.integers(span.from_ms, span.to_ms, n)
    early = span.from_ms + (rng.uniform(2.0, 6.0, n) * HOUR_MS).astype(np.int64)
    return np.where(by_hand, any_starts(rng, span, n), early)
