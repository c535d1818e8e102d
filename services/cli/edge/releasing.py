"""Publishing releases by hand: through the one writer, with an audit entry before and after."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from services.cli.edge.errors import FaultFound
from services.cli.edge.surroundings import CLOCK, House
from shared.contracts.addresses import KafkaAddress
from shared.contracts.models import ModelCard, ModelRef, Release, ReleaseContent
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.portfolio import Portfolio
from shared.scoring.release import Chain, first_content
from shared.stores.artefacts import ArtefactStore
from shared.stores.audit_writer import AuditWriter, Result
from shared.stores.guarded_load import ExpectedInputs
from shared.stores.releases_chain import read_chain
from shared.stores.releases_writer import ReleaseChecks, ReleaseRefused, ReleaseWriter
from shared.stores.signing import TrustedKeys, open_signer, read_trusted

WRITER: Final = "cli"


FIRST_REASON: Final = "the first release: no champion yet"


class Desk:
    """Where releases of one portfolio are made. Blocking."""

    def __init__(self, house: House, kafka: KafkaAddress) -> None:
        self._house = house
        self._kafka = kafka
        self.portfolio: Portfolio = house.read_portfolio()
        self.features: FeatureSet = compile_portfolio(self.portfolio)
        self._signer = open_signer(house.keys, house.around.signing_key)

    def chain(self) -> Chain:
        """The chain as it is now. Raises KafkaAway."""
        return read_chain(self._kafka, self.portfolio.name, self._trusted())

    def first_content(self) -> ReleaseContent:
        """What decides without a model: the portfolio's policy."""
        own = self.portfolio
        return first_content(
            own.name,
            self.features.hash,
            self.features.layout.hash,
            own.policy,
            own.rates_ppm,
            secrets.token_hex(8),
        )

    def content_with(self, card: ModelCard) -> ReleaseContent:
        """The head's content, or the first one, with ``card`` as champion and this portfolio's features."""
        head = self.chain().head
        base = head.content if head else self.first_content()
        champion = ModelRef(name=card.name, version=card.version, artefact=card.artefact)
        own = self.first_content()
        return replace(
            base,
            champion=champion,
            feature_set=own.feature_set,
            layout=own.layout,
            policy=own.policy,
            rates_ppm=own.rates_ppm,
        )

    def begin(self) -> Release | None:
        """Release 1, without a champion; None where there is a release. Raises as `publish`."""
        if self.chain().head is not None:
            return None
        return self.publish(self.first_content(), FIRST_REASON, "release-1", 0)

    def publish(
        self, content: ReleaseContent, reason: str, request_id: str, expected_seq: int | None = None
    ) -> Release:
        """Publish and audit. Raises ReleaseRefused, ReleaseConflict, KafkaAway."""
        by = self._house.around.operator
        subject = f"{self.portfolio.name} release"
        what = content.champion.version if content.champion else "no champion"
        self._audit("intended", by, subject, reason, what, request_id)
        checks = ReleaseChecks(
            ExpectedInputs(self.features.hash, self.features.names),
            self.features.layout.hash,
            ArtefactStore(self._house.artefacts),
            self._trusted(),
        )
        writer = ReleaseWriter(self._kafka, self.portfolio.name, self._signer, CLOCK, checks)
        try:
            release = writer.publish(content, by, reason, request_id, expected_seq)
        except ReleaseRefused as error:
            self._audit("refused", by, subject, reason, str(error), request_id)
            raise
        self._audit("done", by, f"{subject} {release.seq}", reason, what, request_id)
        return release

    def card(self, model: str) -> ModelCard:
        """The stored model that ``model`` names. Raises as `stored_card`."""
        return stored_card(self._house, model)

    def _audit(self, result: Result, by: str, subject: str, reason: str, after: str, request_id: str) -> None:
        writer = AuditWriter(self._kafka, WRITER, CLOCK)
        writer.write(by, "release.publish", subject, reason, result, after=after, request_id=request_id)

    def _trusted(self) -> TrustedKeys:
        return read_trusted(Path(self._house.keys))


def new_request_id() -> str:
    """An id for one wish."""
    return secrets.token_hex(8)


def stored_card(house: House, model: str) -> ModelCard:
    """The stored model that ``model`` names: version, name (the newest), or a beginning of its artefact.

    Raises FaultFound where none or several fit, ArtefactRefused for a damaged one.
    """
    store, trusted = ArtefactStore(house.artefacts), read_trusted(house.keys)
    cards = [store.load(name, trusted).card for name in store.names()]
    mine = [card for card in cards if card.portfolio == house.portfolio]
    found = [c for c in mine if model in {c.name, c.version} or c.artefact.startswith(model)]
    if not found:
        raise FaultFound(f"No model '{model}' is in the store.", "Train one with `assay train`.")
    if len({card.version for card in found}) > 1 and model != found[0].name:
        raise FaultFound(f"'{model}' names {len(found)} models.", "Write more of the artefact's hash.")
    return max(found, key=lambda card: card.at_ms)
