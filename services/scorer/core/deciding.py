"""What decides now: a release with its verified models, as one value that is swapped between two batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.decisions import STATE_QUALITIES, StateQuality
from shared.contracts.models import ModelRef, Release
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


def verdicts(deciding: Deciding, items: list[Item], scores: Scores, quality: StateQuality) -> list[Verdict]:
    """The policy's answer for each payment; pure in the release, the score and the state's quality."""
    policy = deciding.release.content.policy
    champion: list[float] | list[None]
    champion = scores.score[0].tolist() if deciding.champion else [None] * len(items)
    return [
        decide(policy, score, quality, item.amount_base_minor, item.flags)
        for item, score in zip(items, champion, strict=True)
    ]


def quality_code(quality: StateQuality) -> int:
    """The quality's place in `STATE_QUALITIES`, as captures keep it."""
    return STATE_QUALITIES.index(quality)
