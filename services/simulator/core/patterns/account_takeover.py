"""Account takeover: a swapped SIM or guessed password, the thief's device, a new payee, then the drain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Flags, Integers, first_of, steps
from ..columns import (
    ACCOUNT_TAKEOVER,
    DEVICE_REGISTERED,
    LIMIT_RAISED,
    LOGIN,
    LOGIN_FAILED,
    NONE,
    PASSWORD_CHANGED,
    PAYEE_ADDED,
    SIM_CHANGED,
    Activities,
    Events,
    activities,
    join_activities,
)
from ..life import strange_devices
from ..payees import mules
from ..stage import Stage
from ..transfers import Order, transfers
from .victims import victims


@dataclass(frozen=True, slots=True)
class AccountTakeover:
    """How accounts are taken over, ``per_account_day`` of them.

    ``sim_share``: by a swapped SIM, else by ``tries`` failed logins on average (one at least). Then always a
    registered device and a login from it; ``password_share`` and ``limit_share`` change the password and
    raise the limit; a mule is added as payee. ``least`` transfers and ``more`` on average, ``wait_ms``
    apart, each ``growth`` times the one before; ``amount_log_minor`` and ``amount_spread``: the first.
    """

    per_account_day: float = 0.00028
    sim_share: float = 0.45
    tries: float = 2.0
    password_share: float = 0.75
    limit_share: float = 0.6
    least: int = 2
    more: float = 1.6
    wait_ms: float = 7 * 60e3
    growth: float = 1.35
    amount_log_minor: float = 10.6
    amount_spread: float = 0.9


HOW: Final = AccountTakeover()
_TRIES: Final = 6
_DRAINS: Final = 6
_KINDS: Final = (
    SIM_CHANGED,
    *[LOGIN_FAILED] * _TRIES,
    DEVICE_REGISTERED,
    LOGIN,
    PASSWORD_CHANGED,
    PAYEE_ADDED,
    LIMIT_RAISED,
)
_WAITS: Final = (1e3, *[15e3] * _TRIES, 5 * 60e3, 25e3, 90e3, 3 * 60e3, 60e3)


def account_takeover(
    stage: Stage, rng: np.random.Generator, starts_ms: Integers, how: AccountTakeover = HOW
) -> Events:
    """One campaign per start."""
    n = len(starts_ms)
    victim, thief = victims(stage.world, rng, n), strange_devices(rng, n)
    payee = mules(stage.world, rng, stage.span.life_day, n)
    count = np.minimum(how.least + rng.poisson(how.more, n), _DRAINS)
    prelude = _prelude(rng, n, how)
    happens = np.concatenate([prelude, first_of(count, _DRAINS)], axis=1)
    times = steps(rng, starts_ms, [*_WAITS, *[how.wait_ms] * _DRAINS], happens, stage.span.pace)
    said = [_said(i, times, prelude, victim, thief, payee) for i in range(len(_KINDS))]
    drains = happens[:, len(_KINDS) :]
    first = rng.lognormal(how.amount_log_minor, how.amount_spread, n)
    amount = (first[:, None] * how.growth ** np.arange(_DRAINS) * rng.lognormal(0.0, 0.2, drains.shape))[
        drains
    ]
    account, to, device = (np.repeat(values, count) for values in (victim, payee, thief))
    order = Order(account, to, amount, device, account < 0, np.full(len(account), ACCOUNT_TAKEOVER))
    return Events(transfers(stage, rng, times[:, len(_KINDS) :][drains], order), join_activities(said))


def _prelude(rng: np.random.Generator, n: int, how: AccountTakeover) -> Flags:
    """Which steps before the first transfer happen, (n, steps)."""
    swapped = rng.random(n) < how.sim_share
    tries = np.where(swapped, 0, 1 + np.minimum(rng.poisson(how.tries, n), _TRIES - 1))
    always = np.ones(n, bool)
    return np.column_stack(
        [
            swapped,
            first_of(tries, _TRIES),
            always,
            always,
            rng.random(n) < how.password_share,
            always,
            rng.random(n) < how.limit_share,
        ]
    )


def _said(
    i: int, times: Integers, happens: Flags, account: Integers, device: Integers, payee: Integers
) -> Activities:
    which = happens[:, i]
    named = payee[which] if _KINDS[i] == PAYEE_ADDED else np.full(int(which.sum()), NONE, np.int64)
    return activities(_KINDS[i], times[which, i], account[which], device[which], named)
