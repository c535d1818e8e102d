"""What decides: the model card of a candidate, and the release, one numbered object."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .bounds import AmountMinor, Count, Id, LongText, ShortText, Text, TimeMs, Version
from .decisions import Action


class CalibrationTable(Struct, frozen=True, kw_only=True):
    """A monotone step-and-line map from raw score to probability; both lists ascend, equal length."""

    raw: list[float]
    probability: list[float]


class ModelCard(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A trained model, as announced. ``artefact`` is the sha256 of its manifest in the artefact store.

    ``outcome`` "failed" announces a training that gave no model, with ``detail`` saying why.
    """

    v: Version
    request_id: Id
    portfolio: ShortText
    outcome: Literal["candidate", "failed"]
    at_ms: TimeMs
    name: Text = ""
    version: ShortText = ""
    artefact: Text = ""
    feature_set: Text = ""
    feature_names: list[ShortText] = []
    training_set: Text = ""
    as_of_ms: Count = 0
    from_ms: Count = 0
    to_ms: Count = 0
    rows: Count = 0
    frauds: Count = 0
    metrics: dict[ShortText, float] = {}
    parameters: dict[ShortText, float | int | str] = {}
    library: ShortText = ""
    code: Text = ""
    detail: LongText = ""
    calibration: CalibrationTable | None = None


class Policy(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Thresholds on the calibrated score, and what to do without one. ``None`` switches an action off."""

    default_action: Action = "approve"
    challenge_at: float | None = None
    review_at: float | None = None
    decline_at: float | None = None
    interim_action: Action = "approve"
    degraded_limit_minor: AmountMinor = 50_000
    degraded_action: Action = "review"


class ModelRef(Struct, frozen=True, kw_only=True):
    """A model named by a release: ``artefact`` is the sha256 of its manifest."""

    name: Text
    version: ShortText
    artefact: Text


class Challenger(Struct, frozen=True, kw_only=True):
    """A model that decides for ``share`` of accounts."""

    model: ModelRef
    share: float


class ReleaseContent(Struct, frozen=True, kw_only=True):
    """Everything that decides, without its place in the chain."""

    portfolio: ShortText
    feature_set: Text
    layout: Text
    champion: ModelRef | None
    challengers: list[Challenger]
    shadows: list[ModelRef]
    rules: list[LongText]
    lists: list[ShortText]
    policy: Policy
    rates_ppm: dict[ShortText, Count]
    split_salt: ShortText


class Release(Struct, frozen=True, kw_only=True):
    """One entry of the release chain.

    ``hash`` is blake2b-256 over the entry with ``hash`` and ``signature`` empty; ``prev_hash`` is the
    entry before, "" at seq 1; ``signature`` is Ed25519 over ``hash`` (hex), with the signer's key id.
    """

    v: Version
    seq: Count
    at_ms: TimeMs
    by: ShortText
    reason: Text
    content: ReleaseContent
    prev_hash: Text
    hash: Text
    signer: ShortText
    signature: Text
    request_id: Id
