"""What goes out for each payment: the one decision, and a prediction per model asked."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from .bounds import AmountMinor, Count, Currency, Id, ShortText, Text, TimeMs, Version

Action = Literal["approve", "challenge", "review", "decline"]
ACTIONS: Final[tuple[Action, ...]] = ("approve", "challenge", "review", "decline")
StateQuality = Literal["exact", "rebuilding", "unavailable"]
STATE_QUALITIES: Final[tuple[StateQuality, ...]] = ("exact", "rebuilding", "unavailable")


class DecisionCore(Struct, frozen=True, kw_only=True):
    """The deterministic part of a decision: a pure function of captured inputs and the release.

    Two attempts under one release and one ``state_quality`` give the same core to the bit.
    ``entity_versions`` holds, in the portfolio's entity order, the index of this payment's record in
    each entity's timeline, -1 where it has none; ``epoch`` names the timelines those indices count in.
    """

    v: Version
    decision_id: Id
    portfolio: ShortText
    tx_id: Id
    account_id: Id
    event_time_ms: TimeMs
    amount_minor: AmountMinor
    currency: Currency
    action: Action
    reasons: list[ShortText]
    flags: list[ShortText]
    score: float | None
    raw_score: float | None
    threshold: float | None
    model: Text | None
    release_seq: Count
    release_hash: Text
    feature_set: Text
    layout: Text
    state_quality: StateQuality
    epoch: Count
    entity_versions: list[int]
    input_hash: Text
    vector_hash: Text


class Decision(DecisionCore, frozen=True, kw_only=True):
    """One decision as it stands on the topic: its core, the core's hash, and this attempt's readings."""

    core_hash: Text
    partition: Count
    offset: Count
    ingest_time_ms: Count
    decided_at_ms: Count
    worker: ShortText
    caller: ShortText
    gateway: ShortText


class Prediction(Struct, frozen=True, kw_only=True):
    """Telemetry of one model's answer for one payment.

    Stage times are microseconds of the whole micro-batch of ``batch_size`` records, ``queue_ms`` is
    broker append to scoring of this record, ``cpu_us`` is process CPU per record of the batch.
    """

    v: Version
    prediction_id: Id
    tx_id: Id
    account_id: Id
    event_time_ms: TimeMs
    lane: ShortText
    model: Text
    model_version: ShortText
    feature_set: Text
    raw_score: float
    score: float
    missing_inputs: Count
    caller: ShortText
    gateway: ShortText
    queue_ms: int
    release_seq: Count
    state_quality: StateQuality
    batch_size: Count
    decode_us: Count
    state_us: Count
    features_us: Count
    predict_us: Count
    decide_us: Count
    cpu_us: Count
    worker: ShortText


class Flagged(Struct, frozen=True, kw_only=True):
    """A decision worth a look, with the vector it was made on (missing values are null)."""

    v: Version
    decision: Decision
    features: list[float | None]


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What was really answered over HTTP: final, or the interim action at the deadline."""

    v: Version
    tx_id: Id
    account_id: Id
    kind: Literal["final", "interim"]
    action: Action
    answered_at_ms: TimeMs
    body_hash: Text
    gateway: ShortText
    decision_id: Id | None = None
    request_id: Id | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """Exact additive reasons: ``base`` plus the sum of ``contributions`` is the raw score."""

    v: Version
    decision_id: Id
    tx_id: Id
    account_id: Id
    model: Text
    feature_set: Text
    base: float
    raw_score: float
    contributions: list[float]
