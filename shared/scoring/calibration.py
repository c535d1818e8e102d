"""From raw score to probability: a small monotone table, applied by straight lines between its points."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.contracts.models import CalibrationTable

Reals = NDArray[np.float64]

DEFAULT_BINS: Final = 64


class Calibrator:
    """Applies a table: linear between points, its end values outside, the upper value at a step.

    Only correctly rounded operations in a fixed order, so equal raw scores give equal bits anywhere;
    the result never falls as the raw score rises. Raises ValueError for a table that is empty, not
    ascending, not finite or outside [0, 1].
    """

    def __init__(self, table: CalibrationTable) -> None:
        self._raw = np.array(table.raw, dtype=np.float64)
        self._probability = np.array(table.probability, dtype=np.float64)
        _check_table(self._raw, self._probability)

    def apply(self, raw: Reals) -> Reals:
        """Probabilities (n,) of finite raw scores (n,)."""
        x, y = self._raw, self._probability
        inside = np.minimum(np.maximum(raw, x[0]), x[-1])
        # The last point at or below the score; a score at the last point starts no segment.
        start = np.searchsorted(x, inside, side="right") - 1
        end = np.minimum(start + 1, len(x) - 1)
        width = x[end] - x[start]
        share = np.divide(inside - x[start], width, out=np.zeros_like(inside), where=width > 0)
        low, high = y[start], y[end]
        line = np.minimum(low + (high - low) * share, high)
        result: Reals = np.where(raw < x[0], y[0], line)
        return result


def fit_calibration(
    raw: Reals, labels: NDArray[np.bool_], weights: Reals, bins: int = DEFAULT_BINS
) -> CalibrationTable:
    """A table of at most ``bins`` points from scores (n,), fraud labels (n,) and positive weights (n,).

    Rows in order of score are cut into bins of equal mass, where frauds and genuine rows weigh one half
    each in total, so that the few frauds get as many points as the many genuine rows; equal scores stay
    together. A bin's point is its weighted mean score and its fraud rate, drawn to the base rate by one
    row's weight (no sample proves 0 or 1). Pooling adjacent violators (Ayer et al., 1955) then makes
    the rates ascend. Raises ValueError without a fraud or without a genuine row.
    """
    order = np.argsort(raw, kind="stable")
    raw, labels, weights = raw[order], labels[order].astype(np.bool_), weights[order]
    if not (np.isfinite(raw).all() and np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("scores and weights must be finite, weights above zero")
    frauds, total = float(weights[labels].sum()), float(weights.sum())
    if not (labels.any() and not labels.all()):
        raise ValueError("calibration needs frauds and genuine rows")
    starts = _bin_starts(raw, labels, weights, bins)
    mass = np.add.reduceat(weights, starts)
    positive = np.add.reduceat(np.where(labels, weights, 0.0), starts)
    centre = np.add.reduceat(weights * raw, starts) / mass
    # Rounding must not carry a mean out of its bin, or the points would not ascend.
    centre = np.clip(centre, raw[starts], raw[np.append(starts[1:], len(raw)) - 1])
    prior = total / len(raw)
    rates = (positive + prior * frauds / total) / (mass + prior)
    return _pool(centre.tolist(), rates.tolist(), (mass + prior).tolist())


def _bin_starts(raw: Reals, labels: NDArray[np.bool_], weights: Reals, bins: int) -> NDArray[np.int64]:
    """First rows of the bins; a bin starts only where the score changes."""
    halves = np.where(labels, weights / weights[labels].sum(), weights / weights[~labels].sum()) / 2
    bin_of = np.minimum((np.cumsum(halves) - halves) * bins, bins - 1).astype(np.int64)
    changes = np.flatnonzero(np.concatenate(([True], raw[1:] != raw[:-1])))
    first_of_bin = np.concatenate(([True], bin_of[changes][1:] != bin_of[changes][:-1]))
    starts: NDArray[np.int64] = changes[first_of_bin]
    return starts


def _pool(centres: list[float], rates: list[float], masses: list[float]) -> CalibrationTable:
    """Merges neighbours until rates rise strictly; a merged block keeps its first and last point."""
    blocks: list[tuple[float, float, float, float]] = []  # first centre, last centre, rate, mass
    for centre, rate, mass in zip(centres, rates, masses, strict=True):
        block = (centre, centre, rate, mass)
        while blocks and blocks[-1][2] >= block[2]:
            first, _, before, weight = blocks.pop()
            both = weight + block[3]
            block = (first, block[1], (before * weight + block[2] * block[3]) / both, both)
        blocks.append(block)
    points: list[tuple[float, float]] = []
    for first, last, rate, _ in blocks:
        points += [(first, rate)] if first == last else [(first, rate), (last, rate)]
    return CalibrationTable(
        raw=[p[0] for p in points], probability=[min(max(p[1], 0.0), 1.0) for p in points]
    )


def _check_table(raw: Reals, probability: Reals) -> None:
    if len(raw) == 0 or len(raw) != len(probability):
        raise ValueError("a calibration table has two lists of one length, not empty")
    if not (np.isfinite(raw).all() and np.isfinite(probability).all() and abs(raw).max() < 1e300):
        raise ValueError("a calibration table holds finite numbers only")
    if (np.diff(raw) < 0).any() or (np.diff(probability) < 0).any():
        raise ValueError("a calibration table ascends")
    if probability[0] < 0 or probability[-1] > 1:
        raise ValueError("a calibration table gives probabilities")
