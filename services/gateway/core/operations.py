"""The calls of the API as they are described: a row each, with examples that the tests send."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from shared.contracts.reasons import REASONS

PAYMENT: Final[dict[str, Any]] = {
    "tx_id": "order-2071",
    "account_id": "acc-19",
    "event_time_ms": 1_790_000_000_000,
    "amount_minor": 4250,
    "currency": "EUR",
    "merchant_id": "mer-7",
    "terminal_id": "ter-7-1",
    "category": "grocery",
    "channel": "pos",
    "country": "FR",
}
ACTIVITY: Final[dict[str, Any]] = {
    "activity_id": "login-881",
    "account_id": "acc-19",
    "event_time_ms": 1_790_000_000_000,
    "kind": "login",
    "device_id": "dev-3",
}
LABEL: Final[dict[str, Any]] = {"tx_id": "order-2071", "verdict": "fraud", "source": "chargeback"}
KEY: Final[dict[str, Any]] = {"name": "checkout", "actions": ["decide", "read"], "rate_per_s": 500}
ANSWER: Final[dict[str, Any]] = {
    "tx_id": "order-2071",
    "kind": "final",
    "action": "approve",
    "answered_at_ms": 1_790_000_000_004,
    "decision_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "score": 0.0031,
    "reasons": ["score_low"],
    "flags": [],
    "model": "bank-9745b0a54aeb",
    "release_seq": 2,
    "state_quality": "exact",
}
INTERIM: Final[dict[str, Any]] = {
    "tx_id": "order-2071",
    "kind": "interim",
    "action": "approve",
    "answered_at_ms": 1_790_000_000_500,
}
RECEIPT: Final[dict[str, Any]] = {
    "accepted": 1,
    "refused": [
        {
            "index": 1,
            "id": "order-2072",
            "code": "field_missing",
            "field": "currency",
            "message": REASONS["field_missing"],
        }
    ],
}

COMMON: Final = tuple(
    "key_missing key_unknown key_expired key_action key_portfolio bug not_http header_length request_timeout "
    "rate_limited overloaded".split()
)
"""Reason codes of every call."""

BODY: Final = tuple(
    "media_type oversize not_json not_utf8 too_deep duplicate_key empty_body field_missing field_type "
    "field_range field_length field_charset field_unknown amount_negative currency_unknown "
    "version_unknown card_number id_numeric field_forbidden".split()
)
"""Those of every call with a body."""

AWAY: Final = ("kafka_away", "redis_away")


class Operation(NamedTuple):
    """A call as it is described."""

    method: str
    path: str
    summary: str
    action: str
    answers: dict[int, tuple[str, str, Any]]
    """By status: in words, the name of its schema ("" for none), an example."""
    refusals: tuple[str, ...]
    body: str = ""
    example: Any = None
    many: bool = False
    parameters: tuple[dict[str, Any], ...] = ()


def _parameter(name: str, place: str, meaning: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": meaning, "schema": schema}


_TX_ID: Final = {"type": "string", "minLength": 1, "maxLength": 64}
_KEY_ID: Final = {"type": "string", "pattern": "^[0-9a-f]{12}$"}
_DEADLINE: Final = {"type": "integer", "minimum": 5, "maximum": 10_000, "default": 500}
_TAKEN: Final = "Kafka has confirmed what was accepted; the rest was refused, each with its reason."
_NONE: Final = "Nothing was taken; each item with its reason."


def _bulk(path: str, what: str, action: str, body: str, example: Any, *more: str) -> Operation:
    return Operation(
        "POST",
        path,
        f"Hand in {what}, one or many.",
        action,
        {202: (_TAKEN, "Receipt", RECEIPT), 422: (_NONE, "Receipt", RECEIPT | {"accepted": 0})},
        (*BODY, "too_many_items", *AWAY, *more),
        body,
        example,
        many=True,
    )


_DECIDE: Final = Operation(
    "POST",
    "/v1/decisions",
    "Decide a payment within a deadline; the first answer stands.",
    "decide",
    {
        200: ("The decision.", "Given", ANSWER),
        202: ("Accepted, not decided by the deadline: the interim action, which stands.", "Given", INTERIM),
    },
    (*BODY, "idempotency_key", "caller_forbidden", "query_value", "tx_conflict", "no_release", *AWAY),
    "TransactionBody",
    PAYMENT,
    parameters=(
        _parameter("deadline_ms", "query", "Answer within so many milliseconds.", _DEADLINE),
        _parameter("Idempotency-Key", "header", "The payment's id, where the body has none.", _TX_ID),
    ),
)
_LOOK_UP: Final = Operation(
    "GET",
    "/v1/decisions/{tx_id}",
    "What was answered for a payment, and what was decided.",
    "read",
    {
        200: (
            "The answer that binds, the decision, or both.",
            "Looked",
            {"answer": ANSWER, "decision": None},
        ),
        202: ("Accepted and not yet decided.", "Looked", {"answer": None, "decision": None}),
    },
    ("decision_unknown", "redis_away", "lake_away"),
    parameters=(_parameter("tx_id", "path", "The payment's id.", _TX_ID),),
)
_ADD_KEY: Final = Operation(
    "POST",
    "/v1/keys",
    "Make a key.",
    "keys",
    {201: ("The key; its secret is told this once.", "ShownKey", None)},
    (*BODY, "kafka_away", "database_away"),
    "NewKey",
    KEY,
)
_END_KEY: Final = Operation(
    "DELETE",
    "/v1/keys/{key_id}",
    "End a key now.",
    "keys",
    {204: ("Ended.", "", None)},
    ("key_absent", "kafka_away", "database_away"),
    parameters=(_parameter("key_id", "path", "The key's id.", _KEY_ID),),
)

OPERATIONS: Final = (
    _DECIDE,
    _LOOK_UP,
    _bulk("/v1/transactions", "payments", "ingest", "TransactionBody", PAYMENT),
    _bulk("/v1/activities", "activities of accounts", "ingest", "ActivityBody", ACTIVITY),
    _bulk("/v1/labels", "labels: fraud, genuine or reversed", "label", "LabelBody", LABEL, "database_away"),
    Operation(
        "GET", "/v1/keys", "List the keys.", "keys", {200: ("No secrets in it.", "KeyList", {"keys": []})}, ()
    ),
    _ADD_KEY,
    _END_KEY,
    Operation("GET", "/v1/openapi.json", "This description.", "any", {200: ("OpenAPI 3.1.", "", None)}, ()),
)
"""Every call. A route that is not here, or a row without a route, fails a test."""
