"""From a release on the topic to what decides: models verified and parsed before anything changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.scorer.core.deciding import CHAMPION, Deciding, Lane
from shared.contracts.models import CalibrationTable, ModelRef, Release
from shared.features.compiled import FeatureSet
from shared.runtime.logs import get_logger
from shared.scoring.calibration import Calibrator
from shared.stores.artefacts import ArtefactStore, Verifies
from shared.stores.guarded_load import ExpectedInputs, admit
from shared.stores.manifest import ArtefactRefused

log = get_logger("scorer.releases")

IDENTITY = CalibrationTable(raw=[0.0, 1.0], probability=[0.0, 1.0])


class ReleaseTaker:
    """Turns each new head into a `Deciding` and hands it on; a refused one leaves the old in charge."""

    def __init__(
        self,
        feature_set: FeatureSet,
        artefacts: ArtefactStore,
        trusted: Verifies,
        take: Callable[[Deciding], None],
    ) -> None:
        self._feature_set = feature_set
        self._artefacts = artefacts
        self.trusted = trusted
        self._take = take
        self.refused: dict[str, int] = {}

    async def on_release(self, release: Release) -> None:
        """Verify, parse in a child, check golden vectors; only then take over."""
        try:
            deciding = await asyncio.to_thread(self.prepare, release)
        except ArtefactRefused as refusal:
            self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1
            log.error("release_refused", release_seq=release.seq, reason=refusal.code, detail=str(refusal))
            return
        self._take(deciding)
        log.info("release_taken", release_seq=release.seq, count=len(deciding.lanes))

    def prepare(self, release: Release) -> Deciding:
        """The release with its models. Raises ArtefactRefused."""
        content = release.content
        if content.layout != self._feature_set.layout.hash:
            raise ArtefactRefused("layout_mismatch", f"release {release.seq} names {content.layout[:12]}")
        if content.feature_set != self._feature_set.hash:
            raise ArtefactRefused("model_features", f"release {release.seq} names {content.feature_set[:12]}")
        lanes = (self._lane(CHAMPION, content.champion),) if content.champion else ()
        return Deciding(release, self._feature_set, lanes)

    def _lane(self, name: str, model: ModelRef) -> Lane:
        verified = self._artefacts.load(model.artefact, self.trusted)
        expected = ExpectedInputs(self._feature_set.hash, self._feature_set.names)
        trees = admit(verified, expected)
        return Lane(name, model, trees, Calibrator(verified.card.calibration or IDENTITY))
