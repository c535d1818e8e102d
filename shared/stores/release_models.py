"""A release with its models: verified, parsed in a child, golden vectors checked, ready to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.contracts.models import CalibrationTable, ModelRef, Release
from shared.features.compiled import FeatureSet
from shared.scoring.calibration import Calibrator
from shared.scoring.deciding import CHAMPION, Deciding, Lane
from shared.scoring.trees import FlatTrees

from .artefacts import ArtefactStore, VerifiedModel, Verifies
from .guarded_load import ExpectedInputs, admit
from .manifest import ArtefactRefused

IDENTITY: Final = CalibrationTable(raw=[0.0, 1.0], probability=[0.0, 1.0])

Admit = Callable[[VerifiedModel, ExpectedInputs], FlatTrees]
"""How a verified model's text becomes trees: `guarded_load.admit`, or `parse_admitted` after it."""


def deciding_of(
    release: Release,
    feature_set: FeatureSet,
    artefacts: ArtefactStore,
    trusted: Verifies,
    admitted: Admit = admit,
) -> Deciding:
    """The release with its models; blocks for about a second per model. Raises ArtefactRefused."""
    content = release.content
    if content.layout != feature_set.layout.hash:
        raise ArtefactRefused("layout_mismatch", f"release {release.seq} names {content.layout[:12]}")
    if content.feature_set != feature_set.hash:
        raise ArtefactRefused("model_features", f"release {release.seq} names {content.feature_set[:12]}")
    if content.champion is None:
        return Deciding(release, feature_set, ())
    verified = artefacts.load(content.champion.artefact, trusted)
    return Deciding(
        release, feature_set, (_lane(CHAMPION, content.champion, feature_set, verified, admitted),)
    )


def _lane(
    name: str, model: ModelRef, feature_set: FeatureSet, verified: VerifiedModel, admitted: Admit
) -> Lane:
    trees = admitted(verified, ExpectedInputs(feature_set.hash, feature_set.names))
    return Lane(name, model, trees, Calibrator(verified.card.calibration or IDENTITY))
