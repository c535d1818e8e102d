"""One model on one set of payments: the metrics of `metric_table`, as they are and under account weights."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from .cards import DailyLists
from .fraud_metrics import Costs, Sampling, metrics_of
from .payments import Numbers, Payments, Reals
from .ranking import auc_of_levels, average_precision_of_levels
from .reliability import brier, calibration_error
from .sweep import CONTACT_MS, DAY_MS, UNCAUGHT, Sweep
from .triggers import Trigger

DAILY: Final = 100
HEADLINE: Final[Trigger] = "strict"


class Point(Struct, frozen=True, kw_only=True):
    """Where thresholds stand: the best within an AFPR, or, where given, the lowest score at ``score``."""

    afpr_limit: float = 0.25
    score: float | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """What metrics are taken at: contact period and delays (ms), costs, sampling, triggers."""

    contact_ms: int = CONTACT_MS
    delays_ms: tuple[int, ...] = ()
    costs: Costs = Costs()
    sampling: Sampling = Sampling()
    triggers: tuple[Trigger, ...] = ("strict", "every_event")


class Assessment:
    """Scores of `Payments`, ready to be measured under any weights.

    Scores and probabilities (n,) in the order of ``payments``; without probabilities Brier score and
    calibration error are left out. Weights (A,): how often each account counts, beside what it stands for by
    sampling. Raises ValueError for a NaN score, a probability outside [0, 1], or a wrong sampling rate.
    """

    def __init__(
        self, payments: Payments, scores: Reals, probabilities: Reals | None, terms: Terms | None = None
    ) -> None:
        self.payments = payments
        self.terms = terms or Terms()
        self.scores = scores
        self.probabilities = probabilities
        own = self.terms
        self._sampling = own.sampling.weights(payments)
        self.sweeps = {t: Sweep(payments, scores, t, own.contact_ms, own.delays_ms) for t in own.triggers}
        days = payments.event_ms // DAY_MS
        rows = np.arange(len(days), dtype=np.int64)
        self._cards = DailyLists(payments.account, days, payments.fraud, scores, drop_found=True)
        self._rows = DailyLists(rows, days, payments.fraud, scores, drop_found=False)

    def place(self, trigger: Trigger, point: Point, weights: Numbers | None = None) -> int:
        """The threshold's number among the trigger's; `UNCAUGHT` where the limit leaves none."""
        sweep = self.sweeps[trigger]
        if point.score is not None:
            return sweep.place_of(point.score)
        return sweep.within(point.afpr_limit, self._whole(weights))

    def threshold(self, trigger: Trigger, place: int) -> float:
        """The score at a threshold's number; NaN for `UNCAUGHT`."""
        return float(self.sweeps[trigger].thresholds[place]) if place != UNCAUGHT else float("nan")

    def at(self, trigger: Trigger, place: int, weights: Numbers | None = None) -> dict[str, float]:
        """The metrics of a threshold, by name."""
        sweep, whole = self.sweeps[trigger], self._whole(weights)
        found = metrics_of(sweep.at(place, whole), sweep.totals(whole), self.terms.costs)
        return {name: float(value) for name, value in found.items()}

    def curves(self, trigger: Trigger) -> dict[str, Numbers]:
        """The metrics at every threshold, by name, (k,) each."""
        sweep = self.sweeps[trigger]
        return metrics_of(sweep.curves(self._sampling), sweep.totals(self._sampling), self.terms.costs)

    def ranking(self, weights: Numbers | None = None) -> dict[str, float]:
        """The metrics that need no threshold, by name. The daily lists are of the rows as they are."""
        whole = self._whole(weights)
        levels = next(iter(self.sweeps.values())).rows_by_level(whole)
        listed = None if weights is None else weights[self.payments.account]
        return {
            "auc_roc": auc_of_levels(*levels),
            "average_precision": average_precision_of_levels(*levels),
            f"precision_{DAILY}": self._rows.precision(DAILY, listed),
            f"card_precision_{DAILY}": self._cards.precision(DAILY, weights),
            **self._calibration(whole),
        }

    def values(self, point: Point, weights: Numbers | None = None) -> dict[str, float]:
        """All of them: those of `ranking`, and those of each trigger's own threshold as ``trigger.name``."""
        found = self.ranking(weights)
        for trigger in self.terms.triggers:
            metrics = self.at(trigger, self.place(trigger, point, weights), weights)
            found |= {f"{trigger}.{name}": value for name, value in metrics.items()}
        return found

    def _calibration(self, whole: Numbers | None) -> dict[str, float]:
        if self.probabilities is None:
            return {}
        rows = None if whole is None else whole[self.payments.account]
        labels, probabilities = self.payments.fraud, self.probabilities
        return {
            "brier_score": brier(labels, probabilities, rows),
            "calibration_error": calibration_error(labels, probabilities, weights=rows),
        }

    def _whole(self, weights: Numbers | None) -> Numbers | None:
        if self._sampling is None:
            return weights
        return self._sampling if weights is None else self._sampling * weights
