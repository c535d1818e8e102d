"""The releases that decided in a period, each with its models, verified and parsed once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.contracts.models import ModelRef, Release
from shared.features.compiled import FeatureSet
from shared.scoring.deciding import Deciding, Lane
from shared.stores.artefacts import ArtefactStore, Verifies
from shared.stores.guarded_load import admit
from shared.stores.manifest import ArtefactRefused
from shared.stores.release_models import Admit, deciding_of


@dataclass(slots=True)
class Releases:
    """``deciding`` by number; ``refusals`` say why a release cannot decide again."""

    deciding: dict[int, Deciding] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        """Every model asked, as name@version."""
        lanes = [lane for deciding in self.deciding.values() for lane in deciding.lanes]
        return sorted({f"{lane.model.name}@{lane.model.version}" for lane in lanes})


def load_releases(
    named: Iterable[Release],
    feature_set: FeatureSet,
    artefacts: ArtefactStore,
    trusted: Verifies,
    admitted: Admit = admit,
) -> Releases:
    """Those of ``named`` that can be loaded, and why the others cannot; a model is loaded once."""
    found = Releases()
    known: dict[tuple[str, str, ModelRef | None], tuple[Lane, ...]] = {}
    for release in named:
        content = release.content
        key = (content.feature_set, content.layout, content.champion)
        try:
            if key not in known:
                known[key] = deciding_of(release, feature_set, artefacts, trusted, admitted).lanes
        except ArtefactRefused as refusal:
            found.refusals[release.seq] = f"{refusal.code}: {refusal}"
            continue
        found.deciding[release.seq] = Deciding(release, feature_set, known[key])
    return found
