"""What the house answers, as frozen records. Fields that a later house adds are passed over."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shared.contracts.decisions import Action, StateQuality

KeyAction = Literal["decide", "read", "ingest", "label", "keys"]


class Answer(Struct, frozen=True, kw_only=True):
    """The one answer to a payment; asked again, it is the same.

    ``kind`` "interim": nothing was decided within the deadline, and the policy's interim action binds. From
    ``score`` on, a field is None where the answer is interim or the key may not see it; ``score``, a
    probability, is also None where no model decided.
    """

    tx_id: str
    kind: Literal["final", "interim"]
    action: Action
    answered_at_ms: int
    decision_id: str | None = None
    score: float | None = None
    reasons: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    model: str | None = None
    release_seq: int | None = None
    state_quality: StateQuality | None = None


class Decided(Struct, frozen=True, kw_only=True):
    """The decision itself, which may come after an interim answer.

    None: not for this key to see; ``score`` and ``threshold`` also where no model decided.
    """

    tx_id: str
    decision_id: str
    action: Action
    account_id: str | None = None
    event_time_ms: int | None = None
    decided_at_ms: int | None = None
    score: float | None = None
    threshold: float | None = None
    reasons: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    model: str | None = None
    release_seq: int | None = None
    state_quality: StateQuality | None = None


class Known(Struct, frozen=True, kw_only=True):
    """What is known of a payment: the answer that was given over HTTP and binds, and the decision."""

    answer: Answer | None = None
    decision: Decided | None = None

    @property
    def is_pending(self) -> bool:
        """Accepted, and neither answered nor decided yet."""
        return self.answer is None and self.decision is None


class ItemRefusal(Struct, frozen=True, kw_only=True):
    """One of many that was not taken. ``index`` counts from 0 over everything that one call was given."""

    index: int
    id: str
    code: str
    field: str
    message: str


class Sent(Struct, frozen=True, kw_only=True):
    """What became of the first ``items`` of a bulk call: confirmed by Kafka, or refused.

    ``parked`` counts labels whose payment is not known yet; None for what is no label.
    """

    items: int = 0
    accepted: int = 0
    refused: tuple[ItemRefusal, ...] = ()
    parked: int | None = None


class NewKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key to be made, good for ``days``. What is left out, the house fills in."""

    name: str
    actions: tuple[KeyAction, ...]
    caller: str | None = None
    details: bool | None = None
    rate_per_s: float | None = None
    burst: int | None = None
    days: float | None = None


class Key(Struct, frozen=True, kw_only=True):
    """A key as the house shows it, without its secret. Times are UTC ms."""

    key_id: str
    name: str
    portfolio: str
    actions: tuple[KeyAction, ...]
    caller: str
    details: bool
    rate_per_s: float
    burst: int
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None


class MadeKey(Key, frozen=True, kw_only=True):
    """A new key with the text that its owner keeps; nobody can ask for that again."""

    key: str
