"""Bodies to the records that go to Kafka. Equal bodies of one caller give equal bytes, whoever takes them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import msgspec

from shared.contracts.bounds import ID_LENGTH, is_clean_text
from shared.contracts.card_rules import first_fault
from shared.contracts.json_text import Members
from shared.contracts.payments import Activity, Label, Transaction

from .keys import ApiKey
from .parked import Parked, park
from .refusal import Refused

GATEWAY: Final = "http"
"""What stands in ``gateway`` of every payment that came over HTTP, through whichever instance."""

LABEL_ID_BYTES: Final = 12


def transaction(body: Any, key: ApiKey, idempotency_key: str | None = None) -> Transaction:
    """The payment in a ``TransactionBody``. Raises Refused where id or caller are not what they may be."""
    tx_id = body.tx_id if body.tx_id is not None else _named_by_header(idempotency_key)
    if idempotency_key not in (None, tx_id):
        raise Refused("idempotency_key", "tx_id")
    if body.caller not in (None, key.caller):
        raise Refused("caller_forbidden", "caller")
    fields = msgspec.structs.asdict(body) | {"tx_id": tx_id, "caller": key.caller, "gateway": GATEWAY}
    return Transaction(**fields)


def _named_by_header(tx_id: str | None) -> str:
    """The id that a header gave: it has passed no codec. Raises Refused."""
    if tx_id is None:
        raise Refused("field_missing", "tx_id")
    if not 1 <= len(tx_id) <= ID_LENGTH:
        raise Refused("field_length", "tx_id")
    # Beyond ASCII a header has no encoding, so nobody knows which letters were meant.
    if not (tx_id.isascii() and is_clean_text(tx_id)):
        raise Refused("field_charset", "tx_id")
    fault = first_fault(Members([("tx_id", tx_id)]))
    if fault is not None:
        raise Refused(fault.code, fault.field)
    return tx_id


def activity(body: Any) -> Activity:
    """The activity in an ``ActivityBody``."""
    return Activity(**msgspec.structs.asdict(body))


def named_label(body: Any, now_ms: int) -> Any:
    """A ``LabelBody`` with its id and when it was known; equal labels get equal ids.

    Of labels that do not say when they were known, one verdict of one source counts once for a payment.
    """
    if body.label_id is not None and body.known_at_ms is not None:
        return body
    said = "\x1f".join((body.tx_id, body.verdict, body.source, str(body.known_at_ms or "")))
    own_id = f"lab-{blake2b(said.encode(), digest_size=LABEL_ID_BYTES).hexdigest()}"
    return msgspec.structs.replace(
        body,
        label_id=body.label_id or own_id,
        known_at_ms=now_ms if body.known_at_ms is None else body.known_at_ms,
    )


def label(body: Any, now_ms: int) -> Label | Parked:
    """The label in a ``LabelBody``; parked where it names its payment by the id alone."""
    named = named_label(body, now_ms)
    if named.account_id is None or named.event_time_ms is None:
        return park(named, now_ms)
    return Label(**msgspec.structs.asdict(named))
