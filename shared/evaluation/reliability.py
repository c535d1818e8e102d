"""How far calibrated scores are from the frauds that come: Brier score, calibration error, and its curve."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from .payments import Labels, Numbers, Reals

EQUAL_WIDTH: Final = np.linspace(0.0, 1.0, 11)
"""Ten bins of equal width, as usual."""
RARE: Final = np.array([0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
"""Bins for frauds, which are rare: nearly all scores lie in the first bin of equal width."""


class Reliability(NamedTuple):
    """Bins that hold a row, in ascending order: rows, mean probability and share of frauds, (b,) each."""

    rows: Numbers
    predicted: Reals
    observed: Reals


def brier(labels: Labels, probabilities: Reals, weights: Numbers | None = None) -> float:
    """Mean squared distance of probability and label, (n,) both; ``weights`` (n,). NaN without rows.

    Raises ValueError for a probability outside [0, 1]. Source: Brier, "Verification of Forecasts Expressed in
    Terms of Probability", Monthly Weather Review 1950.
    """
    _check(labels, probabilities)
    each = np.ones(len(labels)) if weights is None else weights
    total = float(each.sum())
    return float((each * (probabilities - labels) ** 2).sum() / total) if total else float("nan")


def reliability(
    labels: Labels, probabilities: Reals, edges: Reals = EQUAL_WIDTH, weights: Numbers | None = None
) -> Reliability:
    """Probabilities (n,) against labels (n,) in bins between ``edges``, upper edges included.

    Raises ValueError for a probability outside [0, 1].
    """
    _check(labels, probabilities)
    each = np.ones(len(labels), np.int64) if weights is None else weights
    places = np.clip(np.searchsorted(edges, probabilities, side="left") - 1, 0, len(edges) - 2)
    rows, predicted, observed = (
        np.bincount(places, weights=values, minlength=len(edges) - 1)
        for values in (each, each * probabilities, each * labels)
    )
    held = rows > 0
    return Reliability(rows[held], predicted[held] / rows[held], observed[held] / rows[held])


def calibration_error(
    labels: Labels, probabilities: Reals, edges: Reals = EQUAL_WIDTH, weights: Numbers | None = None
) -> float:
    """Mean over rows of the distance of mean probability and share of frauds in the row's bin.

    NaN without rows. Raises ValueError as `reliability`. Source: Naeini, Cooper and Hauskrecht, "Obtaining
    Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    found = reliability(labels, probabilities, edges, weights)
    total = float(found.rows.sum())
    return (
        float((found.rows * abs(found.predicted - found.observed)).sum() / total) if total else float("nan")
    )


def _check(labels: Labels, probabilities: Reals) -> None:
    if labels.shape != probabilities.shape or not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability between 0 and 1 is needed for every label")
