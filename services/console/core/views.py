"""What the API says, and so what each screen shows."""

from __future__ import annotations

from msgspec import Struct

from shared.contracts.decisions import Answer, Decision
from shared.contracts.operations import Alert
from shared.contracts.payments import Label

from .counted import History
from .house import ServiceView, Trouble


class TailRow(Struct, frozen=True, kw_only=True):
    """A decision in one line; ``took_ms`` is broker append to decision."""

    tx_id: str
    account_id: str
    decided_at_ms: int
    amount_minor: int
    currency: str
    action: str
    score: float | None
    reasons: list[str]
    caller: str
    took_ms: int


class TailView(Struct, frozen=True, kw_only=True):
    """The newest decisions that were asked for; ``kept`` are looked through, newest first."""

    at_ms: int
    rows: list[TailRow]
    kept: int
    callers: list[str]


class Pulse(Struct, frozen=True, kw_only=True):
    """The live numbers, once a second to everybody alike. Times are of the last ten seconds' decisions."""

    seq: int
    at_ms: int
    heard_at_ms: int | None
    per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    lag: int | None
    release_seq: int
    services: list[ServiceView]
    troubles: list[Trouble]
    alerts_firing: int
    cases_open: int
    rows: list[TailRow]


class OverviewView(Struct, frozen=True, kw_only=True):
    """What happens now, and what the monitor counted in a range; None where it has counted nothing yet."""

    portfolio: str
    range: str
    pulse: Pulse
    history: History | None
    alerts: list[Alert]


class FeatureValue(Struct, frozen=True, kw_only=True):
    """One input of the model: its value, None where it is missing, and what the catalogue says of it."""

    name: str
    value: float | None
    unit: str
    meaning: str
    entity: str
    window: str
    missing: str


class EntityVersion(Struct, frozen=True, kw_only=True):
    """Which record of an entity's timeline the payment is; None where it has none."""

    entity: str
    version: int | None


class DecisionView(Struct, frozen=True, kw_only=True):
    """The lineage of one decision. ``source``: "memory", or "lake" for an older one.

    ``input`` is the payment as received, ids of instruments masked; None while the lake has not got it.
    ``features`` are empty for one that was not flagged and that the lake has not got yet.
    """

    source: str
    decision: Decision
    input: dict[str, object] | None
    features: list[FeatureValue]
    entities: list[EntityVersion]
    attempts: int
    answer: Answer | None
    label: Label | None


class CaseView(Struct, frozen=True, kw_only=True):
    """A flagged payment that waits for a person. ``at_risk_minor`` is amount times score."""

    row: TailRow
    at_risk_minor: int
    claimed_by: str
    claimed_at_ms: int | None


class QueueView(Struct, frozen=True, kw_only=True):
    """Cases by value at risk, greatest first, amounts of one currency after those of another."""

    at_ms: int
    cases: list[CaseView]
    open: int
    decided: int


class AlertsView(Struct, frozen=True, kw_only=True):
    """Each rule and subject that ever fired, those that fire first; None where there is no monitor yet."""

    alerts: list[Alert] | None


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person found."""

    verdict: str
    note: str = ""


class RowRefusal(Struct, frozen=True, kw_only=True):
    """Why a row of a file was not taken: the line that it ends on, the column, "" for the whole row."""

    line: int
    code: str
    field: str


class UploadView(Struct, frozen=True, kw_only=True):
    """What became of a file: rows that are labels now, and those that are not, by line."""

    accepted: int
    refused: list[RowRefusal]


class Found(Struct, frozen=True, kw_only=True):
    """What an id names: one payment, or the newest payments of an account."""

    tx_id: str | None
    rows: list[TailRow]


class HealthView(Struct, frozen=True, kw_only=True):
    """Every service and what is wrong."""

    at_ms: int
    services: list[ServiceView]
    troubles: list[Trouble]


def tail_row(decision: Decision) -> TailRow:
    """``decision`` in one line."""
    return TailRow(
        tx_id=decision.tx_id,
        account_id=decision.account_id,
        decided_at_ms=decision.decided_at_ms,
        amount_minor=decision.amount_minor,
        currency=decision.currency,
        action=decision.action,
        score=decision.score,
        reasons=[*decision.reasons, *decision.flags],
        caller=decision.caller,
        took_ms=decision.decided_at_ms - decision.ingest_time_ms,
    )
