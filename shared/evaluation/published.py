"""The reference function of Microsoft's fraud template, with its four defects, to compare figures with it.

1. The last account, by name, is never counted. 2. What marks an account as detected overwrites the sum of
savings in the bin of each of its frauds. 3. Any event of a fraud account notices it, also a genuine one, also
before the first fraud. 4. Sampling rates divide shares, so a detection rate can be 2.

Source: microsoft/r-server-fraud-detection, function scr2stat; definitions here, code our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .contacts import contacts
from .fraud_metrics import Sampling
from .payments import Integers, Payments, Reals
from .steps import Levels, curve, steps_of
from .sweep import CONTACT_MS

BINS: Final = 1000
_LIFT: Final = 1e-5
"""What it adds to a score of 0, so that it has a bin."""
_NOT_ZERO: Final = 1e-4
"""What it adds to the detected accounts that AFPR divides by."""


@dataclass(frozen=True, slots=True)
class Published:
    """Figures at ``thresholds`` (1000,), 1 down to 0.001; a score s stands in the bin that ends at the first
    of them at or above it."""

    thresholds: Reals
    adr_ratio: Reals
    vdr_ratio: Reals
    afpr_ratio: Reals
    tdr_ratio: Reals
    false_positive_rate_ratio: Reals

    def at(self, threshold: float) -> dict[str, float]:
        """The figures in the bin of ``threshold``, a number above 0 and at most 1."""
        place = BINS - int(np.clip(np.ceil(threshold * BINS), 1, BINS))
        return {name: float(getattr(self, name)[place]) for name in FIGURES}


FIGURES: Final = ("adr_ratio", "vdr_ratio", "afpr_ratio", "tdr_ratio", "false_positive_rate_ratio")


def published(
    payments: Payments,
    scores: Reals,
    *,
    contact_ms: int = CONTACT_MS,
    sampling: Sampling | None = None,
    unit_minor: int = 100,
) -> Published:
    """Its figures for probabilities (n,) in the order of ``payments``.

    ``unit_minor``: minor units of one unit of the currency, which the marker of defect 2 adds. Raises
    ValueError for a score outside [0, 1].
    """
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("the published function takes scores between 0 and 1")
    rates = sampling or Sampling()
    bins = np.ceil(np.where(scores == 0, _LIFT, scores) * BINS).astype(np.int64)
    levels = Levels(np.arange(BINS, 0, -1) / BINS, BINS - bins)
    counted = _without_last(payments)
    detected = _detected(counted, bins)
    disturbed = curve(contacts(counted, levels, contact_ms), BINS)
    frauds, genuine = (np.cumsum(np.bincount(levels.place[y], minlength=BINS)) for y in _rows(payments))
    with np.errstate(invalid="ignore", divide="ignore"):
        return Published(
            thresholds=levels.thresholds,
            adr_ratio=detected / detected[-1] / rates.fraud_ratio,
            vdr_ratio=_share_saved(counted, bins, unit_minor) / rates.fraud_ratio,
            afpr_ratio=disturbed / (detected + _NOT_ZERO) / rates.genuine_ratio * rates.fraud_ratio,
            tdr_ratio=frauds / frauds[-1] / rates.fraud_ratio,
            false_positive_rate_ratio=genuine / genuine[-1] / rates.genuine_ratio,
        )


def _without_last(payments: Payments) -> Payments:
    last = np.arange(payments.accounts) == payments.accounts - 1
    return replace(
        payments,
        fraud_account=payments.fraud_account & ~last,
        genuine_account=payments.genuine_account & ~last,
    )


def _rows(payments: Payments) -> tuple[Integers, Integers]:
    return np.flatnonzero(payments.fraud), np.flatnonzero(~payments.fraud)


def _detected(payments: Payments, bins: Integers) -> Integers:
    """Fraud accounts whose highest score lies in a bin or above it, highest bin first."""
    highest = np.maximum.reduceat(bins, payments.starts) if len(bins) else bins
    return np.cumsum(np.bincount(BINS - highest[payments.fraud_account], minlength=BINS))


def _share_saved(payments: Payments, bins: Integers, unit_minor: int) -> Reals:
    """Savings by bin, highest first, over those of the lowest bin."""
    base = payments.account * (BINS + 1)
    reached = np.maximum.accumulate(base + bins) if len(bins) else bins
    rows = np.flatnonzero(payments.fraud & payments.fraud_account[payments.account])
    account, amount = payments.account[rows], payments.amount_minor[rows]
    sums = curve(steps_of(BINS - (reached - base)[rows], account, amount), BINS)
    # The last fraud of an account in a bin wipes out what the bin had gathered before it.
    last = rows[len(rows) - 1 - np.unique((base + bins)[rows][::-1], return_index=True)[1]]
    since = np.searchsorted(reached, (base + bins)[last], side="left")
    before = payments.fraud_before_minor
    lost = unit_minor - (before[last] - before[since])
    np.add.at(sums, BINS - bins[last], lost)
    shares: Reals = sums / sums[-1]
    return shares
