"""What decides now: a release with its verified models, as one value that is swapped between two batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.decisions import STATE_QUALITIES, StateQuality
from shared.contracts.models import ModelRef, Policy, Release
from shared.features.compiled import FeatureSet
from shared.scoring.calibration import Calibrator
from shared.scoring.decide import Verdict, decide
from shared.scoring.trees import FlatTrees, predict_raw

from .intake import Item

CHAMPION = "champion"


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

    choices: list[tuple[Verdict, tuple[str, ...]]]
    codes: list[int]

    @property
    def actions(self) -> list[str]:
        """Each payment's action."""
        names = [verdict.action for verdict, _ in self.choices]
        return [names[code] for code in self.codes]


def verdicts(deciding: Deciding, items: list[Item], scores: Scores, quality: StateQuality) -> Answers:
    """The policy's answer for each payment; pure in the release, the score and the state's quality.

    The policy looks at a score only to see which thresholds it reaches, and at an amount only to see
    whether it is above the degraded limit, so it is asked once for all payments that agree in both.
    """
    policy = deciding.release.content.policy
    champion: list[float] | list[None]
    if deciding.champion:
        champion, bands = scores.score[0].tolist(), _bands(policy, scores.score[0])
    else:
        champion, bands = [None] * len(items), [0] * len(items)
    limit = policy.degraded_limit_minor
    known: dict[tuple[int, bool, tuple[str, ...]], int] = {}
    choices: list[tuple[Verdict, tuple[str, ...]]] = []
    codes = []
    for item, score, band in zip(items, champion, bands, strict=True):
        key = (band, item.amount_base_minor > limit, item.flags)
        code = known.get(key)
        if code is None:
            code = known[key] = len(choices)
            choices.append((decide(policy, score, quality, item.amount_base_minor, item.flags), item.flags))
        codes.append(code)
    return Answers(choices, codes)


def _bands(policy: Policy, scores: NDArray[np.float64]) -> list[int]:
    """How many of the policy's thresholds each score reaches; -1 where it is no number."""
    found = (policy.challenge_at, policy.review_at, policy.decline_at)
    thresholds = sorted(threshold for threshold in found if threshold is not None)
    bands = np.searchsorted(np.array(thresholds), scores, side="right")
    listed: list[int] = np.where(np.isnan(scores), -1, bands).tolist()
    return listed


def quality_code(quality: StateQuality) -> int:
    """The quality's place in `STATE_QUALITIES`, as captures keep it."""
    return STATE_QUALITIES.index(quality)
