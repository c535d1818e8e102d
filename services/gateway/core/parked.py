"""Labels that name their payment by its id alone: what is kept of one, and what completes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.contracts.payments import ENTITY_FIELDS, Label

from .bodies import LabelBody
from .refusal import Refused

FIRST_TRIES_MS: Final = 60_000
QUICK_MS: Final = 3_000
SLOW_MS: Final = 60_000
GIVEN_UP_MS: Final = 86_400_000

_bodies: Final = msgspec.json.Decoder(LabelBody)


class Parked(Struct, frozen=True, kw_only=True):
    """A label that waits for its payment to be known. ``body`` is its JSON as it will be told again."""

    label_id: str
    tx_id: str
    body: bytes
    parked_at_ms: int


def park(body: Any, now_ms: int) -> Parked:
    """What is kept of a bare label that has its id."""
    raw = msgspec.json.encode(body)
    return Parked(label_id=body.label_id, tx_id=body.tx_id, body=raw, parked_at_ms=now_ms)


def next_try_ms(parked: Parked, now_ms: int) -> int:
    """A payment of a moment ago is soon in the lake; an older one is looked for once a minute."""
    return now_ms + (QUICK_MS if now_ms - parked.parked_at_ms < FIRST_TRIES_MS else SLOW_MS)


def is_given_up(parked: Parked, now_ms: int) -> bool:
    """Whether the payment has stayed unknown for a day."""
    return now_ms - parked.parked_at_ms >= GIVEN_UP_MS


def completed(parked: Parked, payment: Mapping[str, Any]) -> Label:
    """The label with account, time, amount and entities of its ``payment``, a row of the lake.

    Raises Refused (`not_json`) for what another version of ours has parked in a form that is none today.
    """
    try:
        body = _bodies.decode(parked.body)
    except msgspec.DecodeError:
        raise Refused("not_json") from None
    fields = msgspec.structs.asdict(body)
    known = {name: payment[name] for name in ("event_time_ms", *ENTITY_FIELDS)}
    amount = body.amount_minor if body.amount_minor is not None else payment["amount_minor"]
    return Label(**fields | known | {"amount_minor": amount})
