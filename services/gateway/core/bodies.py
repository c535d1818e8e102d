"""Bodies of requests: bytes to the fields of a record, one or many, by the contract's own codec.

A body has the fields of the topic's record, without those that only the gateway may set, and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from shared.contracts.card_numbers import has_card_number
from shared.contracts.codec import Codec, DecodeError, refuse
from shared.contracts.payments import Activity, Label, Transaction

from .refusal import Refused

R = TypeVar("R", bound=Struct)

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
OWN_ID_LENGTH: Final = 64

_MEANT: Final[dict[str, Any]] = {"v": 1}
"""What a field that is left out means, where the record itself demands it."""


def _body(name: str, record: type[Struct], without: Sequence[str] = (), free: Sequence[str] = ()) -> Any:
    """The body's type: ``record`` without some fields, those of ``free`` not demanded, nothing unknown."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(record):
        if field.name in _MEANT:
            fields.append((field.name, field.type, _MEANT[field.name]))
        elif field.name in free:
            fields.append((field.name, field.type | None, None))
        elif field.name not in without:
            fields.append((field.name, field.type, field.default))
    return msgspec.defstruct(
        name, fields, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False
    )


TransactionBody: Final = _body("TransactionBody", Transaction, without=("gateway",), free=("tx_id", "caller"))
ActivityBody: Final = _body("ActivityBody", Activity)
LabelBody: Final = _body("LabelBody", Label, free=("label_id", "account_id", "event_time_ms", "known_at_ms"))

_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])


def reader(body: type[R]) -> Codec[R]:
    """Reads bodies of a type by the contract's rules for what others send us."""
    return Codec(body, from_outside=True)


TRANSACTIONS: Final = reader(TransactionBody)
ACTIVITIES: Final = reader(ActivityBody)
LABELS: Final = reader(LabelBody)


def read_one(codec: Codec[R], raw: bytes) -> R:
    """The one object in ``raw``. Raises Refused."""
    if not raw.strip():
        raise Refused("empty_body")
    try:
        return codec.decode(raw)
    except DecodeError as error:
        code, field = error.code, error.field
    if code == "field_unknown":
        # A card's secret under a name of its own is refused as what it is.
        try:
            refuse(raw)
        except DecodeError as worse:
            code, field = worse.code, worse.field
    raise Refused(code, field)


def split(raw: bytes, media_type: str, limit: int) -> list[bytes]:
    """The items of a body: lines of NDJSON that are not blank, an array's entries, or one object.

    Raises Refused where they cannot be told apart, and for more than ``limit``.
    """
    items = _lines(raw, limit) if media_type == NDJSON else _entries(raw, limit)
    if len(items) > limit:
        raise Refused("too_many_items")
    if not items:
        raise Refused("empty_body")
    return items


def own_id(raw: bytes, field: str) -> str:
    """The ``field`` of an item that was refused, "" where it has none that can be shown."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    value = found.get(field) if isinstance(found, dict) else None
    if not isinstance(value, str) or len(value) > OWN_ID_LENGTH or not value.isprintable():
        return ""
    return "" if has_card_number(value) else value


def _lines(raw: bytes, limit: int) -> list[bytes]:
    # One more than may be: a body of line feeds alone is not cut into a million pieces.
    return [line for line in raw.split(b"\n", maxsplit=2 * limit) if line.strip()]


def _entries(raw: bytes, limit: int) -> list[bytes]:
    text = raw.strip()
    if not text.startswith(b"["):
        return [text] if text else []
    try:
        items = _raws.decode(text)
    except RecursionError:
        raise Refused("too_deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("not_json") from None
    # Looked at before anything is done with each: a million of them would hold everybody up.
    return [bytes(item) for item in items[: limit + 1]]
