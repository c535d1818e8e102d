"""Transfers, and the sessions in which they are made: login, perhaps a new payee, then the money."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .chance import Flags, Floats, Integers, steps
from .columns import (
    LIMIT_RAISED,
    LOGIN,
    LOGIN_FAILED,
    NONE,
    PAYEE_ADDED,
    Activities,
    Events,
    Payments,
    activities,
    join_activities,
)
from .shops import to_minor
from .stage import Stage

FAILED_SHARE: Final = 0.05
"""Of sessions: a first try fails."""
RAISED_SHARE: Final = 0.06
"""Of sessions with a new payee: the limit is raised for it."""
WHOLE_TENS: Final = 0.4
WHOLE_FIFTIES: Final = 0.25


class Order(NamedTuple):
    """What n sessions are for: who pays whom, how much (minor units), from which device, the truth."""

    account: Integers
    payee: Integers
    amount: Floats
    device: Integers
    is_new: Flags
    pattern: Integers

    def at(self, index: Integers | Flags) -> Order:
        """The orders of ``index``, positions or a mask."""
        return Order(
            self.account[index],
            self.payee[index],
            self.amount[index],
            self.device[index],
            self.is_new[index],
            self.pattern[index],
        )


def sessions(stage: Stage, rng: np.random.Generator, starts_ms: Integers, order: Order) -> Events:
    """One session per order: now and then a failed login, login, new payee, raised limit, then the money."""
    n = len(starts_ms)
    failed = rng.random(n) < FAILED_SHARE
    raised = order.is_new & (rng.random(n) < RAISED_SHARE)
    happens = np.column_stack([failed, np.ones(n, bool), order.is_new, raised, np.ones(n, bool)])
    times = steps(rng, starts_ms, [2e3, 15e3, 60e3, 45e3, 50e3], happens, stage.span.pace)
    said = [
        activities(LOGIN_FAILED, times[failed, 0], order.account[failed], order.device[failed]),
        activities(LOGIN, times[:, 1], order.account, order.device),
        payees_added(times[:, 2], order, order.is_new),
        activities(LIMIT_RAISED, times[raised, 3], order.account[raised], order.device[raised]),
    ]
    return Events(transfers(stage, rng, times[:, 4], order), join_activities(said))


def payees_added(time_ms: Integers, order: Order, which: Flags) -> Activities:
    """Activities of new payees, for the orders marked."""
    return activities(
        PAYEE_ADDED, time_ms[which], order.account[which], order.device[which], order.payee[which]
    )


def transfers(stage: Stage, rng: np.random.Generator, time_ms: Integers, order: Order) -> Payments:
    """The money of each order; the country is where the payer is."""
    n = len(time_ms)
    nothing = np.full(n, NONE, np.int64)
    abroad = stage.lives.where[order.account]
    return Payments(
        time_ms=time_ms,
        account=order.account,
        card=nothing,
        terminal=nothing,
        payee=order.payee,
        device=order.device,
        country=np.where(abroad == NONE, stage.world.home[order.account], abroad),
        amount_minor=to_minor(rounded(rng, order.amount)),
        pattern=order.pattern,
    )


def rounded(rng: np.random.Generator, amount: Floats) -> Floats:
    """Amounts (n,) as people type them: many in whole tens or fifties, the rest to the cent."""
    luck = rng.random(len(amount))
    tens = np.maximum(np.rint(amount / 1_000), 1) * 1_000
    fifties = np.maximum(np.rint(amount / 5_000), 1) * 5_000
    return np.where(luck < WHOLE_FIFTIES, fifties, np.where(luck < WHOLE_FIFTIES + WHOLE_TENS, tens, amount))
