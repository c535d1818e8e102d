"""A new phone: perhaps a SIM, failed logins, a registered device, a password; it looks like a takeover."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import steps
from ..columns import (
    DEVICE_REGISTERED,
    LOGIN,
    LOGIN_FAILED,
    PASSWORD_CHANGED,
    SIM_CHANGED,
    Events,
    activities,
    join,
    join_activities,
    no_payments,
)
from ..life import new_phones, phones
from ..payees import friends, strangers
from ..shops import AMOUNT_LEAST_MINOR
from ..stage import Stage
from ..transfers import Order, sessions


@dataclass(frozen=True, slots=True)
class NewPhone:
    """How accounts take a new phone into use. How often follows from `World.phone_days`: 450 to 1,100.

    ``sim_share``: with a new SIM. ``failed_share``: of each of two logins that fail before one succeeds.
    ``password_share``: the password is changed as well. ``pays_share``: a transfer follows at once, of which
    ``stranger_share`` to somebody new. ``amount_log_minor`` and ``amount_spread``: lognormal amounts.
    """

    sim_share: float = 0.35
    failed_share: float = 0.3
    password_share: float = 0.3
    pays_share: float = 0.5
    stranger_share: float = 0.4
    amount_log_minor: float = 9.6
    amount_spread: float = 1.1


NEW_PHONE: Final = NewPhone()


def new_phone(stage: Stage, rng: np.random.Generator, how: NewPhone = NEW_PHONE) -> Events:
    """The first hour of each phone that is new in the span."""
    account, starts_ms = new_phones(stage.world, stage.span)
    n = len(account)
    shares = [how.sim_share, how.failed_share, how.failed_share, 1.0, 1.0, how.password_share]
    happens = rng.random((n, len(shares))) < shares
    times = steps(rng, starts_ms, [1e3, 25 * 60e3, 20e3, 90e3, 20e3, 120e3], happens, stage.span.pace)
    device = phones(stage.world, stage.span, account, starts_ms + 1)
    kinds = (SIM_CHANGED, LOGIN_FAILED, LOGIN_FAILED, DEVICE_REGISTERED, LOGIN, PASSWORD_CHANGED)
    said = [
        activities(kind, times[happens[:, i], i], account[happens[:, i]], device[happens[:, i]])
        for i, kind in enumerate(kinds)
    ]
    pays = rng.random(n) < how.pays_share
    is_new = rng.random(n) < how.stranger_share
    payee = np.where(is_new, strangers(rng, n), friends(stage.world, rng, account))
    amount = AMOUNT_LEAST_MINOR + rng.lognormal(how.amount_log_minor, how.amount_spread, n)
    begin_ms = times[:, -1] + rng.exponential(40 * 60e3, n).astype(np.int64)
    order = Order(account, payee, amount, device, is_new, np.zeros(n, np.int64))
    return join(
        [
            Events(no_payments(), join_activities(said)),
            sessions(stage, rng, begin_ms[pays], order.at(pays)),
        ]
    )
