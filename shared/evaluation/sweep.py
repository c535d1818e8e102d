"""What happens at every threshold: accounts caught, money saved, people disturbed, counted in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from .contacts import contacts
from .payments import Integers, Labels, Numbers, Payments, Reals
from .steps import Steps, curve, levels_of, steps_of, until
from .triggers import Trigger, detected, records_of, saved, stopped_at

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
CONTACT_MS: Final = 30 * DAY_MS
UNCAUGHT: Final = -1
"""The place of a threshold above every score."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What shares are taken of: accounts, payments, fraud money in minor units."""

    accounts: Numbers
    fraud_accounts: Numbers
    genuine_accounts: Numbers
    frauds: Numbers
    genuine: Numbers
    fraud_minor: Numbers


@dataclass(frozen=True, slots=True)
class Counts:
    """At one threshold (), or at each of k (k,): fraud accounts detected, contacts, accounts reviewed.

    ``caught`` frauds and ``alarmed`` genuine payments score at or above the threshold; ``alarmed_minor`` is
    the money of the latter. ``saved_minor`` is fraud money at and after the trigger, ``saved_next_minor``
    strictly after it, ``saved_after_minor`` from each delay (ms) after it on.
    """

    detected: Numbers
    contacts: Numbers
    reviewed: Numbers
    caught: Numbers
    alarmed: Numbers
    alarmed_minor: Numbers
    saved_minor: Numbers
    saved_next_minor: Numbers
    saved_after_minor: Mapping[int, Numbers]


class Sweep:
    """Scores of `Payments` at all their thresholds: ``thresholds`` (k,) are the distinct scores, descending.

    ``contact_ms`` and ``delays_ms`` in ms; scores (n,) in the order of ``payments``. Weights (A,) everywhere:
    how often each account counts, such as how often a sample drew it. Raises ValueError for a NaN score.
    """

    def __init__(
        self,
        payments: Payments,
        scores: Reals,
        trigger: Trigger = "strict",
        contact_ms: int = CONTACT_MS,
        delays_ms: tuple[int, ...] = (),
    ) -> None:
        if np.isnan(scores).any() or scores.shape != payments.order.shape:
            raise ValueError("a score is needed for every payment")
        self.payments = payments
        self.levels = levels_of(scores)
        self.thresholds = self.levels.thresholds
        records = records_of(payments, self.levels, trigger)
        at = {0: stopped_at(payments, records, 0), **{d: stopped_at(payments, records, d) for d in delays_ms}}
        after = np.minimum(records.rows + 1, payments.ends[payments.account[records.rows]])
        self._detected = detected(payments, self.levels, records)
        self._saved = saved(payments, self.levels, records, at[0])
        self._saved_next = saved(payments, self.levels, records, after)
        self._saved_after = {d: saved(payments, self.levels, records, at[d]) for d in delays_ms}
        self._contacts = contacts(payments, self.levels, contact_ms)
        self._reviewed = self._first_reached()
        ones = np.ones(len(scores), np.int64)
        self._caught = self._of_rows(payments.fraud, ones)
        self._alarmed = self._of_rows(~payments.fraud, ones)
        self._alarmed_minor = self._of_rows(~payments.fraud, payments.amount_minor)

    def totals(self, weights: Numbers | None = None) -> Totals:
        """Accounts, payments and fraud money, each account times its weight."""
        own = self.payments
        each = np.ones(own.accounts, np.int64) if weights is None else weights
        rows = each[own.account]
        return Totals(
            accounts=each.sum(),
            fraud_accounts=each[own.fraud_account].sum(),
            genuine_accounts=each[own.genuine_account].sum(),
            frauds=rows[own.fraud].sum(),
            genuine=rows[~own.fraud].sum(),
            fraud_minor=(rows * own.amount_minor)[own.fraud].sum(),
        )

    def curves(self, weights: Numbers | None = None) -> Counts:
        """Counts at every threshold, (k,) each."""
        return self._counts(lambda steps: curve(steps, len(self.thresholds), weights))

    def at(self, place: int, weights: Numbers | None = None) -> Counts:
        """Counts at ``thresholds[place]``, or at none for `UNCAUGHT`."""
        return self._counts(lambda steps: until(steps, place, weights))

    def place_of(self, threshold: float) -> int:
        """The number of the lowest score at or above ``threshold``; `UNCAUGHT` where there is none."""
        return int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1

    def within(self, afpr_limit: float, weights: Numbers | None = None) -> int:
        """The place of the operating point: AFPR at most ``afpr_limit``, and no more ADR or VDR to be had.

        Both only rise as the threshold falls, so the lowest threshold within the limit has the most of them;
        of those that have as much the highest is taken. `UNCAUGHT` where no threshold is within.
        """
        length = len(self.thresholds)
        found, disturbed = (curve(s, length, weights) for s in (self._detected, self._contacts))
        fitting = np.flatnonzero((found > 0) & (disturbed <= afpr_limit * found))
        if not len(fitting):
            return UNCAUGHT
        last = int(fitting[-1])
        money = curve(self._saved, length, weights)
        as_good = (found[fitting] == found[last]) & (money[fitting] == money[last])
        return int(fitting[as_good][0])

    def rows_by_level(self, weights: Numbers | None = None) -> tuple[Numbers, Numbers]:
        """(k,) frauds and genuine payments at each threshold alone, as rankings count them."""
        length = len(self.thresholds)
        frauds, genuine = (curve(s, length, weights) for s in (self._caught, self._alarmed))
        return np.diff(frauds, prepend=0), np.diff(genuine, prepend=0)

    def _counts(self, sum_of: Callable[[Steps], Numbers]) -> Counts:
        return Counts(
            detected=sum_of(self._detected),
            contacts=sum_of(self._contacts),
            reviewed=sum_of(self._reviewed),
            caught=sum_of(self._caught),
            alarmed=sum_of(self._alarmed),
            alarmed_minor=sum_of(self._alarmed_minor),
            saved_minor=sum_of(self._saved),
            saved_next_minor=sum_of(self._saved_next),
            saved_after_minor={d: sum_of(steps) for d, steps in self._saved_after.items()},
        )

    def _first_reached(self) -> Steps:
        """One for each account, from its highest score on."""
        places, starts = self.levels.place, self.payments.starts
        highest = np.minimum.reduceat(places, starts) if len(starts) else places
        return steps_of(highest, np.arange(len(starts), dtype=np.int64), np.ones(len(starts), np.int64))

    def _of_rows(self, rows: Labels, value: Integers) -> Steps:
        """The ``value`` (n,) of each row of a mask, from its score on."""
        return steps_of(self.levels.place[rows], self.payments.account[rows], value[rows])
