"""The fraud manager's metrics, from counts at one threshold or at all of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from .payments import Numbers, Payments, Reals
from .sweep import Counts, Totals

PPM: Final = 1_000_000


class Costs(Struct, frozen=True, kw_only=True):
    """What a contact costs (minor units), and the margin on genuine money that is declined (millionths)."""

    contact_minor: int = 0
    margin_ppm: int = 0


class Sampling(Struct, frozen=True, kw_only=True):
    """The shares of fraud and of other accounts that are among the rows; 1 where none were left out."""

    fraud_ratio: float = 1.0
    genuine_ratio: float = 1.0

    def weights(self, payments: Payments) -> Reals | None:
        """(A,) how many accounts each one stands for; None where each stands for itself.

        So `AFPR_true = AFPR * rF / rG`, and shares of fraud accounts or of fraud money stay as they are.
        Raises ValueError for a rate outside (0, 1].
        """
        if not (0.0 < self.fraud_ratio <= 1.0 and 0.0 < self.genuine_ratio <= 1.0):
            raise ValueError("a sampling rate lies above 0 and is at most 1")
        if self.fraud_ratio == self.genuine_ratio == 1.0:
            return None
        rates: Reals = np.where(payments.fraud_account, self.fraud_ratio, self.genuine_ratio)
        return 1.0 / rates


def metrics_of(counts: Counts, totals: Totals, costs: Costs) -> dict[str, Numbers]:
    """Every metric of `shared.evaluation.metric_table` that a threshold has, by name, of the counts' shape.

    NaN where a metric divides by nothing: AFPR where no fraud account is detected, ADR without one.
    """
    adr = share(counts.detected, totals.fraud_accounts)
    afpr = share(counts.contacts, counts.detected)
    missed = totals.frauds - counts.caught
    wrong_minor = np.rint(counts.alarmed_minor * (costs.margin_ppm / PPM)).astype(np.int64)
    delayed = {
        f"vdr_after_{delay_ms}_ms_ratio": share(saved, totals.fraud_minor)
        for delay_ms, saved in counts.saved_after_minor.items()
    }
    return {
        "adr_ratio": adr,
        "afpr_ratio": afpr,
        "vdr_ratio": share(counts.saved_minor, totals.fraud_minor),
        "vdr_next_ratio": share(counts.saved_next_minor, totals.fraud_minor),
        **delayed,
        "contacts": counts.contacts,
        "review_ratio": share(counts.reviewed, totals.accounts),
        "case_multiplier": (afpr + 1) * adr,
        "tdr_ratio": share(counts.caught, totals.frauds),
        "false_positive_rate_ratio": share(counts.alarmed, totals.genuine),
        "false_positives_per_fraud_ratio": share(counts.alarmed, counts.caught),
        "precision_ratio": share(counts.caught, counts.caught + counts.alarmed),
        "f1_ratio": share(2 * counts.caught, 2 * counts.caught + counts.alarmed + missed),
        "net_saving_minor": counts.saved_minor - counts.contacts * costs.contact_minor - wrong_minor,
    }


def share(part: Numbers, whole: Numbers) -> Reals:
    """``part / whole``, NaN where the whole is 0."""
    one, other = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    ratio: Reals = np.divide(one, other, out=np.full(one.shape, np.nan), where=other != 0)
    return ratio
