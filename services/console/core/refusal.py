"""What a request is refused with: a reason code, its HTTP status, and what mends it."""

from __future__ import annotations

from typing import Final

from shared.contracts.faults import RequestRefused

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
    "labels_unconfirmed": 503,
}


class Refused(RequestRefused):
    """The request ends here."""

    statuses = STATUSES
