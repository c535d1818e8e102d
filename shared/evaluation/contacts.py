"""How often genuine accounts are disturbed, at every threshold at once."""

from __future__ import annotations

import numpy as np

from .payments import Integers, Payments, rows_at_or_before
from .steps import Levels, Steps, steps_of


def contacts(payments: Payments, levels: Levels, contact_ms: int) -> Steps:
    """One step for each contact: the threshold from which on a genuine account has that many.

    A genuine account is contacted at its first event at or above the threshold and at each later one at
    least ``contact_ms`` after the last contact. That is as often as so many events can be chosen that lie so
    far apart, so the j-th contact begins at the best lowest score of j events: found contact by contact, from
    the best of j - 1 events that end early enough. Raises ValueError for a period below 1 ms.
    """
    if contact_ms < 1:
        raise ValueError("the contact period is at least 1 ms")
    count = len(levels.thresholds)
    genuine = payments.genuine_account[payments.account]
    own = np.where(genuine, count - levels.place, 0)
    every = np.arange(len(own), dtype=np.int64)
    earlier = rows_at_or_before(payments, every, contact_ms)
    best, found = own, [_highest(payments, own, count)]
    while len(found[-1].account):
        reached = _best_so_far(payments, best, count)
        before = np.where(earlier >= 0, reached[earlier], 0)
        best = np.minimum(own, before)
        found.append(_highest(payments, best, count))
    return steps_of(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def _best_so_far(payments: Payments, height: Integers, count: int) -> Integers:
    """(n,) the greatest ``height`` of the account up to each row."""
    base = payments.account * (count + 1)
    reached: Integers = np.maximum.accumulate(base + height) - base
    return reached


def _highest(payments: Payments, height: Integers, count: int) -> Steps:
    """One for each account that has a height above 0, at its greatest."""
    if not len(height):
        return Steps(height, height, height)
    top = np.maximum.reduceat(height, payments.starts)
    account = np.flatnonzero(top > 0)
    return Steps(count - top[account], account, np.ones(len(account), np.int64))
