"""The handbook's protocol: train, wait for labels, test without cards known by then."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from shared.evaluation.cards import card_precision_at_k
from shared.evaluation.ranking import auc_roc, average_precision, threshold_at_false_positives
from shared.evaluation.splits import Split, delayed_split

DAY_MS: Final = 86_400_000

PUBLISHED: Final = {
    "logistic regression": (0.871, 0.606, 0.291),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}
"""AUC ROC, AP, CP@100 of the chapter 3 week, 15 inputs: Le Borgne et al., the handbook of 2022."""


FALSE_POSITIVE_RATE: Final = 0.01
"""Recall is told at the threshold that lets in one genuine payment of a hundred."""


class Protocol(Struct, frozen=True):
    """``first_day``: the first training day, as a number of UTC days since 1970."""

    first_day: int
    train_days: int
    delay_days: int
    test_days: int

    @property
    def days(self) -> int:
        """From the first training day to the last test day."""
        return self.train_days + self.delay_days + self.test_days


def split(
    event_ms: NDArray[np.int64], cards: NDArray[Any], fraud: NDArray[np.bool_], protocol: Protocol
) -> Split:
    """Which of the payments (n,) are trained on and which are tested."""
    return delayed_split(
        event_ms // DAY_MS,
        cards,
        fraud,
        first_day=protocol.first_day,
        train_days=protocol.train_days,
        delay_days=protocol.delay_days,
        test_days=protocol.test_days,
    )


class FraudType(Struct, frozen=True):
    """How many of the frauds of one type score high enough; ``recall_ratio`` of ``frauds``."""

    fraud_type: str
    frauds: int
    recall_ratio: float


def metrics(
    event_ms: NDArray[np.int64],
    cards: NDArray[Any],
    fraud: NDArray[np.bool_],
    scores: NDArray[np.float64],
    protocol: Protocol | None,
) -> dict[str, float | int]:
    """Counts and metrics of payments (n,), or of the protocol's test set among them.

    Without a protocol every row counts. AUC, AP and recall are NaN without a fraud.
    """
    days = event_ms // DAY_MS
    counts: dict[str, float | int] = {}
    if protocol is not None:
        train, kept = split(event_ms, cards, fraud, protocol)
        counts = {"train_rows": int(train.sum()), "train_frauds": int((train & fraud).sum())}
        days, cards, fraud, scores = days[kept], cards[kept], fraud[kept], scores[kept]
    found = scores[fraud] >= threshold_at_false_positives(fraud, scores, FALSE_POSITIVE_RATE)
    return {
        **counts,
        "rows": len(fraud),
        "frauds": int(fraud.sum()),
        "auc_roc": auc_roc(fraud, scores),
        "average_precision": average_precision(fraud, scores),
        "card_precision_100": card_precision_at_k(cards, days, fraud, scores),
        "recall_at_1_percent_ratio": float(found.mean()) if len(found) else float("nan"),
    }


def by_fraud_type(
    types: NDArray[Any], fraud: NDArray[np.bool_], scores: NDArray[np.float64]
) -> list[FraudType]:
    """Recall at `FALSE_POSITIVE_RATE` of each type of fraud among payments (n,), the worst first.

    ``types`` (n,) of text, None where a fraud's label names none; empty if no label does.
    """
    limit = threshold_at_false_positives(fraud, scores, FALSE_POSITIVE_RATE)
    named = sorted({str(t) for t in types[fraud] if t is not None})
    told = [(name, fraud & (types == name)) for name in named]
    rows = [FraudType(name, int(of.sum()), float((scores[of] >= limit).mean())) for name, of in told]
    return sorted(rows, key=lambda row: row.recall_ratio)
