"""What a request is refused with: a reason code, its HTTP status, and what mends it."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from shared.contracts.reasons import describe

STATUSES: Final[dict[str, int]] = {
    "not_json": 400,
    "not_http": 400,
    "session_missing": 401,
    "sign_in_failed": 401,
    "role_forbidden": 403,
    "form_stale": 403,
    "not_found": 404,
    "decision_unknown": 404,
    "user_unknown": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "user_exists": 409,
    "user_last_admin": 409,
    "case_claimed": 409,
    "case_unclaimed": 409,
    "case_decided": 409,
    "oversize": 413,
    "sign_in_wait": 429,
    "header_length": 431,
    "bug": 500,
    "overloaded": 503,
    "kafka_away": 503,
    "database_away": 503,
    "lake_away": 503,
}
"""Statuses by code; 422 where none is named: the body's content is at fault."""


class Refused(Exception):
    """The request ends here. ``retry_after_s`` is when it may succeed, None where waiting is no help."""

    def __init__(self, code: str, field: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(f"{code}: {field}" if field else code)
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES.get(self.code, 422)


class Fault(Struct, frozen=True, kw_only=True):
    """The inside of an error's body."""

    code: str
    field: str
    message: str
    request_id: str


class FaultBody(Struct, frozen=True, kw_only=True):
    """The body of every answer of the API that is an error."""

    error: Fault


def fault(refused: Refused, request_id: str) -> Fault:
    """What is told of a refusal."""
    return Fault(
        code=refused.code, field=refused.field, message=describe(refused.code), request_id=request_id
    )


def fault_bytes(refused: Refused, request_id: str) -> bytes:
    """The same as the JSON body of an answer."""
    return msgspec.json.encode(FaultBody(error=fault(refused, request_id)))
