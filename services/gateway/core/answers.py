"""What a payment's caller is told: made once from the decision or the policy, then only repeated."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from shared.contracts.decisions import Action, Answer, Decision

HASH_BYTES: Final = 16


class Given(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of an answer to a payment: the decision, or the interim action at the deadline."""

    tx_id: str
    kind: Literal["final", "interim"]
    action: Action
    answered_at_ms: int
    decision_id: str | None = None
    score: float | None = None
    reasons: list[str] | None = None
    flags: list[str] | None = None
    model: str | None = None
    release_seq: int | None = None
    state_quality: str | None = None

    @property
    def status(self) -> int:
        """200 for a final answer, 202 for an interim one."""
        return 200 if self.kind == "final" else 202


_given: Final = msgspec.json.Decoder(Given)


def final(decision: Decision, now_ms: int) -> Given:
    """The answer that a decision gives."""
    return Given(
        tx_id=decision.tx_id,
        kind="final",
        action=decision.action,
        answered_at_ms=now_ms,
        decision_id=decision.decision_id,
        score=decision.score,
        reasons=decision.reasons,
        flags=decision.flags,
        model=decision.model,
        release_seq=decision.release_seq,
        state_quality=decision.state_quality,
    )


def interim(tx_id: str, action: Action, now_ms: int) -> Given:
    """The answer at the deadline."""
    return Given(tx_id=tx_id, kind="interim", action=action, answered_at_ms=now_ms)


def read_given(raw: bytes) -> Given:
    """An answer as it is kept. Raises msgspec.DecodeError."""
    return _given.decode(raw)


def written(given: Given) -> bytes:
    """An answer as it is kept and told."""
    return msgspec.json.encode(given)


def seen_by(given: Given, details: bool) -> Given:
    """The answer as a key may see it: without ``details``, what is done and no more."""
    if details:
        return given
    return Given(
        tx_id=given.tx_id,
        kind=given.kind,
        action=given.action,
        answered_at_ms=given.answered_at_ms,
        decision_id=given.decision_id,
    )


def record(given: Given, account_id: str, body_hash: bytes, gateway: str, request_id: str) -> Answer:
    """The record for the topic ``answers``."""
    return Answer(
        v=1,
        tx_id=given.tx_id,
        account_id=account_id,
        kind=given.kind,
        action=given.action,
        answered_at_ms=given.answered_at_ms,
        body_hash=body_hash.hex(),
        gateway=gateway,
        decision_id=given.decision_id,
        request_id=request_id,
    )
