"""What a model is worth on payments it has not seen, and the table that makes its score a probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.contracts.models import CalibrationTable
from shared.evaluation.assessment import Assessment, Point
from shared.evaluation.cards import card_precision_at_k
from shared.evaluation.payments import payments_of
from shared.evaluation.ranking import auc_roc, average_precision
from shared.scoring.calibration import fit_calibration
from shared.scoring.model_text import ModelRefused
from shared.scoring.trees import FlatTrees, check_features, parse_model, predict_raw

from .dataset import Floats, TrainingSet
from .window import DAY_MS, TrainingImpossible

GOLDEN_ROWS = 60
AFPR_LIMIT = 0.25
AT_LIMIT = ("adr_ratio", "vdr_ratio", "afpr_ratio", "tdr_ratio", "precision_ratio")
EDGE_VALUES = (math.nan, 0.0, 1e15, -1e15)


@dataclass(frozen=True, slots=True)
class Measured:
    """Calibration and metrics of a later slice."""

    calibration: CalibrationTable
    metrics: dict[str, float]


def walkable(text: str, names: tuple[str, ...]) -> FlatTrees:
    """The trees as the scorer will run them on inputs ``names`` (d,).

    Raises TrainingImpossible for a form that the scorer does not take, and for names that LightGBM
    changed (it does not keep spaces).
    """
    try:
        trees = parse_model(text)
        check_features(trees, names)
        return trees
    except ModelRefused as error:
        raise TrainingImpossible(f"The trained model cannot be run by the scorer: {error}") from error


def measure(trees: FlatTrees, later: TrainingSet) -> Measured:
    """Calibrate and measure on payments after those trained on. Raises TrainingImpossible.

    All of them depend on the order of scores alone, so they may share the slice that calibrates: AUC ROC,
    average precision, card precision at 100 (days in UTC), and what is caught where good accounts disturbed
    per fraud account caught stay within `AFPR_LIMIT` (`shared.evaluation.metric_table` defines each).
    """
    if not later.fraud.any() or later.fraud.all():
        raise TrainingImpossible("The days kept back for calibration need frauds and genuine payments.")
    raw = predict_raw(trees, later.matrix)
    cards = np.array(later.accounts.to_pylist(), dtype=object)
    metrics = {
        "auc_roc": auc_roc(later.fraud, raw),
        "average_precision": average_precision(later.fraud, raw),
        "card_precision_100": card_precision_at_k(cards, later.event_ms // DAY_MS, later.fraud, raw),
        "later_rows": float(len(raw)),
        "later_frauds": float(later.fraud.sum()),
        **_at_limit(later, cards, raw),
    }
    table = fit_calibration(raw, later.fraud, np.ones(len(raw)))
    return Measured(table, {name: value for name, value in metrics.items() if math.isfinite(value)})


def _at_limit(later: TrainingSet, cards: NDArray[Any], raw: Floats) -> dict[str, float]:
    """The metrics at the best threshold within `AFPR_LIMIT`; those of the looser trigger by its name."""
    payments = payments_of(cards, later.event_ms, later.amount_minor, later.fraud)
    found = Assessment(payments, payments.scores(raw), None)
    point = Point(afpr_limit=AFPR_LIMIT)
    strict, every = (found.at(t, found.place(t, point)) for t in ("strict", "every_event"))
    return {
        "afpr_limit_ratio": AFPR_LIMIT,
        **{name: strict[name] for name in AT_LIMIT},
        **{
            f"{name.removesuffix('_ratio')}_every_event_ratio": every[name]
            for name in ("adr_ratio", "vdr_ratio")
        },
    }


def golden_inputs(trees: FlatTrees, data: TrainingSet) -> Floats:
    """Rows (k, d) that a loaded model must score to the bit: spread over the scores, and extremes."""
    order = np.argsort(predict_raw(trees, data.matrix), kind="stable")
    spread = order[np.linspace(0, len(order) - 1, GOLDEN_ROWS).astype(np.int64)]
    edges = np.array([[value] * data.matrix.shape[1] for value in EDGE_VALUES])
    return np.ascontiguousarray(np.vstack([data.matrix[spread], edges]))
