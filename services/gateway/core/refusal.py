"""What a request is refused with: a reason code, its HTTP status, and what mends it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from shared.contracts.faults import RequestRefused
from shared.contracts.reasons import describe

STATUSES: Final[dict[str, int]] = {
    "not_json": 400,
    "not_utf8": 400,
    "too_deep": 400,
    "duplicate_key": 400,
    "empty_body": 400,
    "not_http": 400,
    "key_missing": 401,
    "key_unknown": 401,
    "key_expired": 401,
    "key_action": 403,
    "key_portfolio": 403,
    "not_found": 404,
    "decision_unknown": 404,
    "key_absent": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "tx_conflict": 409,
    "oversize": 413,
    "too_many_items": 413,
    "media_type": 415,
    "rate_limited": 429,
    "header_length": 431,
    "bug": 500,
    "overloaded": 503,
    "kafka_away": 503,
    "redis_away": 503,
    "database_away": 503,
    "lake_away": 503,
    "no_release": 503,
}


class Refused(RequestRefused):
    """The request ends here."""

    statuses = STATUSES


class ItemRefusal(Struct, frozen=True, kw_only=True):
    """One item of many that was not taken: its place in the request, its own id where that can be shown."""

    index: int
    id: str
    code: str
    field: str
    message: str


class Receipt(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of many: how many Kafka has confirmed, which were refused and why.

    ``parked`` counts labels that wait for their payment to be known; None where there are no such.
    """

    accepted: int
    refused: list[ItemRefusal]
    parked: int | None = None


def item_refusal(index: int, own_id: str, code: str, field: str) -> ItemRefusal:
    """The refusal of one item of many."""
    return ItemRefusal(index=index, id=own_id, code=code, field=field, message=describe(code))
