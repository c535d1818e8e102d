"""A collection for a gift or a trip: one person receives from many within days; it looks like a mule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..chance import first_of, steps
from ..columns import Events
from ..payees import strangers
from ..rhythm import any_starts
from ..shops import own_devices
from ..stage import Stage
from ..transfers import Order, sessions

_MOST: Final = 24


@dataclass(frozen=True, slots=True)
class Collection:
    """How people collect. ``least`` and more send about the same, ``wait_ms`` apart on average."""

    per_account_day: float = 0.00012
    least: int = 4
    more: float = 5.0
    wait_ms: float = 7 * 3600e3
    amount_log_minor: float = 8.9
    amount_spread: float = 0.9


COLLECTION: Final = Collection()


def collection(stage: Stage, rng: np.random.Generator, how: Collection = COLLECTION) -> Events:
    """Collections that begin in the span."""
    n = rng.poisson(stage.world.accounts * how.per_account_day * stage.span.days)
    count = np.minimum(how.least + rng.poisson(how.more, n), _MOST)
    happens = first_of(count, _MOST)
    times = steps(rng, any_starts(rng, stage.span, n), [how.wait_ms] * _MOST, happens, stage.span.pace)[
        happens
    ]
    account = rng.integers(0, stage.world.accounts, len(times))
    payee = np.repeat(strangers(rng, n), count)
    amount = np.repeat(rng.lognormal(how.amount_log_minor, how.amount_spread, n), count)
    device = own_devices(stage, rng, account, times)
    yes, genuine = np.ones(len(times), bool), np.zeros(len(times), np.int64)
    return sessions(stage, rng, times, Order(account, payee, amount, device, yes, genuine))
