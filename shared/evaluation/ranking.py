"""Metrics of a ranking of payments: area under the ROC curve, average precision, a threshold by its cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .payments import Numbers

Labels = NDArray[np.bool_]
Reals = NDArray[np.float64]


def auc_roc(labels: Labels, scores: Reals) -> float:
    """Probability that a random fraud scores above a random genuine row, ties counting one half.

    Fraud labels (n,), scores (n,). NaN without a fraud or without a genuine row. The Mann-Whitney
    statistic in integers, so exact up to the last division. Raises ValueError for a NaN score.
    """
    return auc_of_levels(*_by_score(labels, scores)[1:])


def average_precision(labels: Labels, scores: Reals) -> float:
    """Sum over distinct scores, descending, of precision times the step in recall; no interpolation.

    Fraud labels (n,), scores (n,). Rows of equal score enter together, as in scikit-learn. NaN without
    a fraud. Raises ValueError for a NaN score.
    """
    return average_precision_of_levels(*_by_score(labels, scores)[1:])


def threshold_at_false_positives(labels: Labels, scores: Reals, rate: float) -> float:
    """The lowest score at which at most a share ``rate`` of the genuine rows scores as high or higher.

    Fraud labels (n,), scores (n,). A score of these rows; inf where even the highest lets in too many.
    Raises ValueError for a NaN score.
    """
    levels, _, genuine = _by_score(labels, scores)
    allowed = np.cumsum(genuine) <= rate * genuine.sum().item()
    return float(levels[allowed][-1]) if allowed.any() else float("inf")


def auc_of_levels(frauds: Numbers, genuine: Numbers) -> float:
    """`auc_roc` of the numbers of frauds and genuine rows (k,) at each distinct score, scores descending."""
    pairs = frauds.sum().item() * genuine.sum().item()
    if pairs == 0:
        return float("nan")
    # Groups descend by score: each genuine row is beaten by the frauds of the groups before its own.
    above = np.cumsum(frauds) - frauds
    return float((genuine * (2 * above + frauds)).sum().item() / (2 * pairs))


def average_precision_of_levels(frauds: Numbers, genuine: Numbers) -> float:
    """`average_precision` from the numbers of frauds and genuine rows (k,), as `auc_of_levels`."""
    total = frauds.sum().item()
    if total == 0:
        return float("nan")
    found = np.cumsum(frauds)
    held = frauds > 0
    precision = found[held] / (found + np.cumsum(genuine))[held]
    return float((precision * frauds[held]).sum() / total)


def _by_score(labels: Labels, scores: Reals) -> tuple[Reals, NDArray[np.int64], NDArray[np.int64]]:
    """The distinct scores (k,), descending, and the numbers of frauds and of genuine rows at each."""
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and scores {scores.shape}, wanted (n,) both")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    if len(scores) == 0:
        return scores, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = np.argsort(scores, kind="stable")[::-1]
    ranked, fraud = scores[order], labels[order].astype(np.int64)
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    frauds = np.add.reduceat(fraud, starts)
    return ranked[starts], frauds, np.diff(np.append(starts, len(ranked))) - frauds
