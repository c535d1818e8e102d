"""What the house says about itself: status, dead letters, alerts, requests, audit."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from .bounds import (
    Count,
    Id,
    LongText,
    Offset,
    ScenarioFactor,
    ScenarioSeconds,
    ShortText,
    Text,
    TimeMs,
    Version,
)


class PartitionStatus(Struct, frozen=True, kw_only=True):
    """One assigned partition: what is committed, where the log ends, both as offsets."""

    topic: Text
    partition: Count
    committed: Offset
    end: Offset


READ_BACK: Final = "read_back"
"""Of a scorer's ``Status.numbers``: records that its cache read again, for each one handled lately."""


class Status(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A service instance's word about itself, once a second. Counters run since its start."""

    v: Version
    service: ShortText
    instance: ShortText
    at_ms: TimeMs
    state: Literal["starting", "ready", "degraded", "waiting", "stopping"]
    detail: Text = ""
    portfolio: ShortText = ""
    release_seq: Count = 0
    rss_bytes: Count = 0
    partitions: list[PartitionStatus] = []
    handled: Count = 0
    refused: dict[ShortText, Count] = {}
    actions: dict[ShortText, Count] = {}
    latency_ms: dict[ShortText, float] = {}
    numbers: dict[ShortText, float] = {}


class DeadLetter(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A record that could not be handled: its original bytes (base64 in JSON), why, and where it stood.

    Of an oversize record only ``body_hash`` and ``body_bytes`` are kept. ``masked``: card numbers in ``body``
    and ``key`` were masked first, ``body_hash`` is of the masked bytes (with a hash of the true ones the few
    digits that are missing could be tried), and ``card_hmac`` is HMAC-SHA-256 of the number under the key
    ``card_key_id``. Such a letter cannot be sent again.
    """

    v: Version
    reason: ShortText
    field: ShortText
    topic: Text
    partition: Count
    offset: Count
    attempt: Count
    service: ShortText
    at_ms: TimeMs
    body_hash: Text
    body_bytes: Count
    key: bytes | None = None
    body: bytes | None = None
    detail: Text = ""
    masked: bool = False
    card_hmac: Text = ""
    card_key_id: ShortText = ""


class TrainingRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Train a candidate from captures and from labels as known at ``as_of_ms``."""

    v: Version
    request_id: Id
    portfolio: ShortText
    as_of_ms: TimeMs
    days: Count
    at_ms: TimeMs
    by: ShortText
    reason: Text
    seed: Count = 0


class ReplayRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Replay a period in a lane of its own."""

    v: Version
    request_id: Id
    portfolio: ShortText
    from_ms: TimeMs
    to_ms: TimeMs
    at_ms: TimeMs
    by: ShortText
    release_seq: Count | None = None
    model: Text | None = None


class ScenarioRequest(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Disturb the simulator's live traffic for ``seconds``, so that an alarm can be shown; "stop" ends it.

    ``factor``: an attack's campaigns, a drift's amounts or a burst's rate are so many times the usual.
    ``pattern``: the attack's, "" for all of them. ``caller``: who falls silent or changes the schema.
    """

    v: Version
    request_id: Id
    portfolio: ShortText
    kind: Literal["attack", "drift", "schema", "silent", "burst", "stop"]
    seconds: ScenarioSeconds
    at_ms: TimeMs
    by: ShortText
    factor: ScenarioFactor = 10.0
    pattern: ShortText = ""
    caller: ShortText = "checkout"


class Alert(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A rule of the monitor that fired or cleared, with what it saw."""

    v: Version
    rule: ShortText
    state: Literal["firing", "cleared"]
    at_ms: TimeMs
    value: float
    limit: float
    subject: Text = ""
    detail: Text = ""


class AuditEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who did what, when and why; one hash chain per writer: ``prev_hash`` is the entry before, "" at 1."""

    v: Version
    writer: ShortText
    seq: Count
    at_ms: TimeMs
    by: ShortText
    action: ShortText
    subject: Text
    reason: Text
    result: Literal["done", "refused", "intended"]
    prev_hash: Text
    hash: Text
    before: LongText = ""
    after: LongText = ""
    request_id: Id | None = None
