"""Whose training a release is compared with: its champion's reference, from the artefact."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from shared.contracts.models import ModelRef, Release
from shared.evaluation.drift import ModelReference
from shared.runtime.logs import get_logger
from shared.stores.artefacts import ArtefactStore, Verifies
from shared.stores.manifest import REFERENCE_FILE, ArtefactRefused

log = get_logger("monitor.champions")


@dataclass(slots=True)
class Champions:
    """The champion of every release, and its reference. `reference` blocks."""

    artefacts: ArtefactStore
    trusted: Verifies
    by_seq: dict[int, ModelRef | None] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    """Models that have no drift, and why: the sentence for a person."""
    _known: dict[str, ModelReference | None] = field(default_factory=dict)

    async def on_release(self, release: Release) -> None:
        """Remember who decides under it."""
        self.by_seq[release.seq] = release.content.champion

    def reference(self, model: ModelRef) -> ModelReference | None:
        """How the model's inputs lay in training; None, said once in ``without``, if that is not known."""
        if model.artefact not in self._known:
            self._known[model.artefact] = self._read(model)
        return self._known[model.artefact]

    def _read(self, model: ModelRef) -> ModelReference | None:
        try:
            raw = self.artefacts.file(model.artefact, REFERENCE_FILE, self.trusted)
            return msgspec.json.decode(raw, type=ModelReference)
        except ArtefactRefused as error:
            why = f"no drift: {name_of(model)} has no reference of its training ({error})"
        except msgspec.DecodeError:
            why = f"no drift: the reference of {name_of(model)} cannot be read"
        self.without[name_of(model)] = why
        log.warning("no_reference", detail=why)
        return None


def name_of(model: ModelRef) -> str:
    """``name@version``, as decisions have it."""
    return f"{model.name}@{model.version}"
