"""The review queue: flagged payments by value at risk, and the label that a person's verdict becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import Final, Literal, cast

from msgspec import Struct

from shared.contracts.decisions import Decision
from shared.contracts.payments import Label, Transaction

from .refusal import Refused
from .views import CaseView, tail_row

SOURCE: Final = "analyst"
LABEL_ID_BYTES: Final = 12
CASES_MOST: Final = 100
CLOCKS_DIFFER_MS: Final = 86_400_000
"""So far may the scorer's clock be ahead of the console's."""
LOOKED_AT: Final = frozenset({"review", "challenge", "decline"})

VerdictWord = Literal["fraud", "genuine"]


class Claim(Struct, frozen=True, kw_only=True):
    """Who works on a case; ``verdict`` once it is decided."""

    tx_id: str
    claimed_by: str
    claimed_at_ms: int
    verdict: str | None = None
    decided_by: str | None = None
    decided_at_ms: int | None = None


def at_risk_minor(decision: Decision) -> int:
    """Amount times score; a payment without a score risks all of it."""
    score = 1.0 if decision.score is None else decision.score
    return round(decision.amount_minor * score)


def claimed_from_ms(flagged: Sequence[Decision]) -> int:
    """No claim on one of ``flagged`` was made before this moment: none is older than its decision."""
    oldest_ms = min((decision.decided_at_ms for decision in flagged), default=0)
    return oldest_ms - CLOCKS_DIFFER_MS


def queue(flagged: Sequence[Decision], claims: Mapping[str, Claim]) -> tuple[list[CaseView], int]:
    """The `CASES_MOST` open cases with most money at risk, greatest first, and how many are open."""
    closed = {tx_id for tx_id, claim in claims.items() if claim.verdict is not None}
    waiting = [d for d in flagged if d.action in LOOKED_AT and d.tx_id not in closed]
    worst = nsmallest(CASES_MOST, waiting, key=lambda decision: (-at_risk_minor(decision), decision.tx_id))
    return [_case(decision, claims.get(decision.tx_id)) for decision in worst], len(waiting)


def _case(decision: Decision, claim: Claim | None) -> CaseView:
    return CaseView(
        row=tail_row(decision),
        at_risk_minor=at_risk_minor(decision),
        claimed_by=claim.claimed_by if claim else "",
        claimed_at_ms=claim.claimed_at_ms if claim else None,
    )


def verdict_word(given: str) -> VerdictWord:
    """The verdict that a key or a word stands for. Raises Refused."""
    word = {"f": "fraud", "g": "genuine"}.get(given, given)
    if word not in ("fraud", "genuine"):
        raise Refused("field_range", "verdict")
    return cast(VerdictWord, word)


def label(decision: Decision, payment: Transaction | None, verdict: VerdictWord, known_at_ms: int) -> Label:
    """The label of a verdict. One verdict on one payment has one id, however often it is sent.

    ``payment`` gives the entities whose risk the label tells; without it the account alone is known.
    """
    drawn = blake2b(f"{decision.tx_id}\x1f{SOURCE}\x1f{verdict}".encode(), digest_size=LABEL_ID_BYTES)
    named = {
        name: getattr(payment, name) if payment else None
        for name in ("card_id", "device_id", "merchant_id", "terminal_id", "payee_id")
    }
    return Label(
        v=1,
        label_id=f"verdict-{drawn.hexdigest()}",
        tx_id=decision.tx_id,
        account_id=decision.account_id,
        event_time_ms=decision.event_time_ms,
        known_at_ms=known_at_ms,
        verdict=verdict,
        source=SOURCE,
        amount_minor=decision.amount_minor,
        **named,
    )
