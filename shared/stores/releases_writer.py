"""Publishing releases: Kafka has no compare-and-set, so a writer publishes, reads back, and may lose.

The first record with the next sequence number and the head's hash wins; later ones are void in the fold,
and their writers get `ReleaseConflict`. Everything a release names is verified before it is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.models import ModelRef, Release, ReleaseContent
from shared.contracts.topics import topic_name
from shared.scoring.release import Chain, next_release

from .artefacts import ArtefactStore, Signs, Verifies
from .clock import Clock
from .guarded_load import ExpectedInputs, admit
from .kafka_log import append
from .manifest import ArtefactRefused
from .releases_chain import read_chain


class ReleaseRefused(Exception):
    """A release that must not be published: ``code`` is a reason code, ``detail`` says what was found."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class ReleaseConflict(ReleaseRefused):
    """Another release was published first; ``head`` is the one in charge now."""

    def __init__(self, head: Release | None) -> None:
        seq = head.seq if head else 0
        super().__init__("release_conflict", f"release {seq} is in charge; read it and decide again")
        self.head = head


@dataclass(frozen=True, slots=True)
class ReleaseChecks:
    """What a release must agree with here: the compiled portfolio and the artefact store."""

    inputs: ExpectedInputs
    layout: str
    store: ArtefactStore
    trusted: Verifies

    def check(self, content: ReleaseContent) -> None:
        """Verify every model named, to its golden vectors. Raises ReleaseRefused."""
        if content.layout != self.layout:
            raise ReleaseRefused("layout_mismatch", content.layout[:12])
        if content.feature_set != self.inputs.feature_set:
            raise ReleaseRefused("model_features", f"feature set {content.feature_set[:12]}")
        for ref in models_of(content):
            self._check_model(ref)

    def _check_model(self, ref: ModelRef) -> None:
        try:
            model = self.store.load(ref.artefact, self.trusted)
            admit(model, self.inputs)
        except ArtefactRefused as error:
            raise ReleaseRefused(error.code, f"{ref.name} {ref.version}: {error.detail}") from error
        if (model.card.name, model.card.version) != (ref.name, ref.version):
            raise ReleaseRefused("artefact_hash", f"the artefact is {model.card.name} {model.card.version}")


class ReleaseWriter:
    """Publishes to one portfolio's chain. Blocking; for the CLI, the console's worker threads, tests."""

    def __init__(
        self, kafka: KafkaAddress, portfolio: str, signer: Signs, clock: Clock, checks: ReleaseChecks
    ) -> None:
        self._kafka = kafka
        self._portfolio = portfolio
        self._signer = signer
        self._clock = clock
        self._checks = checks

    def publish(
        self,
        content: ReleaseContent,
        by: str,
        reason: str,
        request_id: str,
        expected_seq: int | None = None,
    ) -> Release:
        """Publish ``content`` as the next release and return it once the chain is known to hold it.

        A ``request_id`` that stands in the chain with equal content returns that release again.
        ``expected_seq`` is the head the content was made from. Raises ReleaseConflict, ReleaseRefused,
        KafkaAway.
        """
        self._require_portfolio(content)
        chain = self.chain()
        if earlier := _by_request(chain, request_id):
            return _same_or_conflict(earlier, content, chain.head)
        if expected_seq is not None and expected_seq != (chain.head.seq if chain.head else 0):
            raise ReleaseConflict(chain.head)
        self._checks.check(content)
        now_ms = self._clock.now_ms()
        release = next_release(content, chain.head, now_ms, by, reason, request_id, self._signer)
        append(self._kafka, topic_name(self._portfolio, "releases"), None, encode(release))
        return self._read_back(release)

    def chain(self) -> Chain:
        """The chain as it is now. Raises KafkaAway."""
        return read_chain(self._kafka, self._portfolio, self._checks.trusted)

    def _read_back(self, release: Release) -> Release:
        chain = self.chain()
        if any(entry.hash == release.hash for entry in chain.history):
            return release
        raise ReleaseConflict(chain.head)

    def _require_portfolio(self, content: ReleaseContent) -> None:
        if content.portfolio != self._portfolio:
            raise ReleaseRefused("model_features", f"the content is for portfolio {content.portfolio}")


def models_of(content: ReleaseContent) -> list[ModelRef]:
    """Every model a release names, champion first."""
    champion = [content.champion] if content.champion else []
    return [*champion, *(entry.model for entry in content.challengers), *content.shadows]


def _by_request(chain: Chain, request_id: str) -> Release | None:
    return next((entry for entry in chain.history if entry.request_id == request_id), None)


def _same_or_conflict(earlier: Release, content: ReleaseContent, head: Release | None) -> Release:
    if earlier.content != content:
        raise ReleaseConflict(head)
    return earlier
