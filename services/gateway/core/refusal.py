"""What a request is refused with: a reason code, its HTTP status, and what mends it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from shared.contracts.reasons import describe

UNREADABLE: Final = 422
"""The status of a reason code that stands in no row below: the body's content is at fault."""

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


class Refused(Exception):
    """The request ends here. ``retry_after_s`` is when it may succeed, None where it never will as it is."""

    def __init__(self, code: str, field: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status."""
        return status_of(self.code)


class Fault(Struct, frozen=True, kw_only=True):
    """The inside of an error's body."""

    code: str
    field: str
    message: str
    request_id: str


class FaultBody(Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: Fault


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


def status_of(code: str) -> int:
    """The HTTP status that goes with a reason code."""
    return STATUSES.get(code, UNREADABLE)


def fault_body(refused: Refused, request_id: str) -> bytes:
    """JSON bytes of the answer to a refused request."""
    said = Fault(
        code=refused.code, field=refused.field, message=describe(refused.code), request_id=request_id
    )
    return msgspec.json.encode(FaultBody(error=said))


def item_refusal(index: int, own_id: str, code: str, field: str) -> ItemRefusal:
    """The refusal of one item of many."""
    return ItemRefusal(index=index, id=own_id, code=code, field=field, message=describe(code))
