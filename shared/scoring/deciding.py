"""What decides now: a release with its verified models, as one value that is swapped between two batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.decisions import STATE_QUALITIES, StateQuality
from shared.contracts.models import ModelRef, Policy, Release
from shared.features.compiled import FeatureSet

from .calibration import Calibrator
from .decide import Verdict, decide
from .trees import FlatTrees, predict_raw

CHAMPION = "champion"

Flags = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """A model asked on every payment: its name in the release, its trees, its calibration."""

    name: str
    model: ModelRef
    trees: FlatTrees
    calibrator: Calibrator


@dataclass(frozen=True, slots=True)
class Deciding:
    """A release ready to decide. ``lanes`` are in the release's order, the champion first."""

    release: Release
    feature_set: FeatureSet
    lanes: tuple[Lane, ...]

    @property
    def champion(self) -> Lane | None:
        """The lane whose score decides; None in a portfolio's first release."""
        return self.lanes[0] if self.lanes and self.lanes[0].name == CHAMPION else None


@dataclass(slots=True)
class Scores:
    """Raw and calibrated scores, each of shape (lanes, n)."""

    raw: NDArray[np.float64]
    score: NDArray[np.float64]


def predict(deciding: Deciding, matrix: NDArray[np.float64]) -> Scores:
    """Every lane's answer on the same matrix (n, d)."""
    raw = np.empty((len(deciding.lanes), len(matrix)))
    score = np.empty_like(raw)
    for row, lane in enumerate(deciding.lanes):
        raw[row] = predict_raw(lane.trees, matrix)
        score[row] = lane.calibrator.apply(raw[row])
    return Scores(raw, score)


@dataclass(frozen=True, slots=True)
class Answers:
    """The policy's answers to n payments: the distinct ones with their flags, and whose is which (n,)."""

    choices: list[tuple[Verdict, Flags]]
    codes: NDArray[np.intp]

    def flagged(self) -> NDArray[np.intp]:
        """The payments that somebody should look at: those that were not simply approved."""
        is_flagged = np.array([verdict.action != "approve" for verdict, _ in self.choices], np.bool_)
        return np.flatnonzero(is_flagged[self.codes])

    def actions(self) -> dict[str, int]:
        """How many payments got each action."""
        counts = np.bincount(self.codes, minlength=len(self.choices)).tolist()
        told: dict[str, int] = {}
        for (verdict, _), count in zip(self.choices, counts, strict=True):
            told[verdict.action] = told.get(verdict.action, 0) + count
        return told


def verdicts(
    deciding: Deciding,
    amounts: NDArray[np.int64],
    flags: Sequence[Flags],
    scores: Scores,
    quality: StateQuality,
) -> Answers:
    """The policy's answer for each of n payments; ``amounts`` (n,) in base minor units.

    The policy looks at a score only to see which thresholds it reaches, and at an amount only to see
    whether it is above the degraded limit, so it is asked once for all payments that agree in both.
    """
    policy = deciding.release.content.policy
    champion = scores.score[0] if deciding.champion else None
    alike: NDArray[np.intp] = (amounts > policy.degraded_limit_minor) + 2 * _bands(
        policy, champion, len(amounts)
    )
    kinds: list[Flags] = sorted(set(flags)) if any(flags) else [()]
    if len(kinds) > 1 or kinds[0]:
        alike = alike * len(kinds) + np.array([kinds.index(found) for found in flags], np.intp)
    _, first, codes = np.unique(alike, return_index=True, return_inverse=True)
    choices = []
    for i in first.tolist():
        score = None if champion is None else float(champion[i])
        choices.append((decide(policy, score, quality, int(amounts[i]), flags[i]), flags[i]))
    return Answers(choices, codes)


def _bands(policy: Policy, scores: NDArray[np.float64] | None, n: int) -> NDArray[np.intp]:
    """How many of the policy's thresholds each of n scores reaches; one more than all if it is no number."""
    if scores is None:
        return np.zeros(n, np.intp)
    found = (policy.challenge_at, policy.review_at, policy.decline_at)
    thresholds = sorted(threshold for threshold in found if threshold is not None)
    bands = np.searchsorted(np.array(thresholds), scores, side="right")
    return np.where(np.isnan(scores), len(thresholds) + 1, bands)


def quality_code(quality: StateQuality) -> int:
    """The quality's place in `STATE_QUALITIES`, as captures keep it."""
    return STATE_QUALITIES.index(quality)
