"""Payment scam: a customer is talked into sending money to a mule, who collects from many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import Integers, first_of, steps
from ..columns import LIMIT_RAISED, LOGIN, PAYMENT_SCAM, Events, activities, join_activities
from ..payees import mules
from ..shops import own_devices
from ..stage import Stage
from ..transfers import Order, payees_added, transfers
from .victims import victims


@dataclass(frozen=True, slots=True)
class PaymentScam:
    """How customers are talked into paying, ``per_account_day`` of them.

    The victim logs in from a usual device, adds the mule, raises the limit with ``limit_share`` and sends
    ``least`` transfers and ``more`` on average, ``wait_ms`` apart. ``amount_log_minor`` and
    ``amount_spread``: lognormal amounts. Mules: `payees.mules`.
    """

    per_account_day: float = 0.0006
    limit_share: float = 0.3
    least: int = 1
    more: float = 0.7
    wait_ms: float = 50 * 60e3
    amount_log_minor: float = 10.9
    amount_spread: float = 0.8


HOW: Final = PaymentScam()
_MOST: Final = 5


def payment_scam(
    stage: Stage, rng: np.random.Generator, starts_ms: Integers, how: PaymentScam = HOW
) -> Events:
    """One victim per start."""
    n = len(starts_ms)
    victim = victims(stage.world, rng, n)
    payee = mules(stage.world, rng, stage.span.life_day, n)
    device = own_devices(stage, rng, victim, starts_ms)
    count = np.minimum(how.least + rng.poisson(how.more, n), _MOST)
    raised, always = rng.random(n) < how.limit_share, np.ones(n, bool)
    happens = np.concatenate([np.column_stack([always, always, raised]), first_of(count, _MOST)], axis=1)
    waits = [5e3, 120e3, 60e3, 90e3, *[how.wait_ms] * (_MOST - 1)]
    times = steps(rng, starts_ms, waits, happens, stage.span.pace)
    order = Order(victim, payee, np.zeros(n), device, always, np.full(n, PAYMENT_SCAM))
    said = [
        activities(LOGIN, times[:, 0], victim, device),
        payees_added(times[:, 1], order, always),
        activities(LIMIT_RAISED, times[raised, 2], victim[raised], device[raised]),
    ]
    sent = order.at(np.repeat(np.arange(n), count))
    amount = rng.lognormal(how.amount_log_minor, how.amount_spread, len(sent.account))
    made = transfers(stage, rng, times[:, 3:][happens[:, 3:]], sent._replace(amount=amount))
    return Events(made, join_activities(said))
