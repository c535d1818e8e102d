"""From a release on the topic to what decides: models verified and parsed before anything changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.contracts.models import Release
from shared.features.compiled import FeatureSet
from shared.runtime.logs import get_logger
from shared.scoring.deciding import Deciding
from shared.stores.artefacts import ArtefactStore, Verifies
from shared.stores.manifest import ArtefactRefused
from shared.stores.release_models import deciding_of

log = get_logger("scorer.releases")


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
            deciding = await asyncio.to_thread(
                deciding_of, release, self._feature_set, self._artefacts, self.trusted
            )
        except ArtefactRefused as refusal:
            self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1
            log.error("release_refused", release_seq=release.seq, reason=refusal.code, detail=str(refusal))
            return
        self._take(deciding)
        log.info("release_taken", release_seq=release.seq, count=len(deciding.lanes))
