"""What a payment's time counts as: as it is, clamped or late, from its bytes and captured marks.

Pure, so that a replay accepts a record as the scorer did: limits count from the partition's mark, which is
captured, and from the broker's append time, never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from .durations import DAY_MS
from .portfolio import Portfolio

AHEAD = ("ahead",)
LATE = ("late",)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a payment's time may stand from the partition's mark, and the currency that others become."""

    ahead_ms: int
    horizon_ms: int
    base_currency: str


def limits_of(portfolio: Portfolio) -> Limits:
    """What the portfolio says of times and currencies."""
    return Limits(
        ahead_ms=portfolio.ahead_ms,
        horizon_ms=portfolio.horizon_days * DAY_MS,
        base_currency=portfolio.currency,
    )


def within(event_ms: int, mark_ms: int, ingest_ms: int, limits: Limits) -> tuple[int, tuple[str, ...]]:
    """Event time clamped to the furthest allowed, and the flag that says so; for records of no load.

    ``mark_ms`` is the partition's running maximum of event time before the record, ``ingest_ms`` the
    broker's append time. A time behind the horizon stays as it is and is flagged.
    """
    furthest = max(mark_ms, ingest_ms) + limits.ahead_ms
    if event_ms > furthest:
        return furthest, AHEAD
    if event_ms < mark_ms - limits.horizon_ms:
        return event_ms, LATE
    return event_ms, ()
