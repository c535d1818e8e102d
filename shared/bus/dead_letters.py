"""A record that could not be handled, as it goes to dead letters: bytes, reason, coordinates.

Card numbers in its bytes or its key are masked, whatever it is refused for.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from shared.contracts import headers
from shared.contracts.card_numbers import CardKey, find_in_bytes, masked
from shared.contracts.codec import encode
from shared.contracts.operations import DeadLetter
from shared.contracts.outcome import Dead

from .ports import Message, Outgoing

BODY_LIMIT_BYTES: Final = 262_144
"""Of a larger body only hash and size are kept, so that a dead letter always fits its topic."""


def dead_letter(
    message: Message, dead: Dead, service: str, attempt: int, at_ms: int, cards: CardKey, detail: str = ""
) -> Outgoing:
    """The dead letter of ``message``, keyed by its origin topic; ``cards`` names the card number it held."""
    body, key = message.value or b"", message.key or b""
    keep = len(body) <= BODY_LIMIT_BYTES and len(key) <= BODY_LIMIT_BYTES
    # A body that is not kept is not searched either: ten megabytes would hold the partition up.
    kept_body, kept_key = (masked(body), masked(key)) if keep else (b"", b"")
    is_masked = keep and (kept_body, kept_key) != (body, key)
    record = DeadLetter(
        v=1,
        reason=dead.reason,
        field=dead.field,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        attempt=attempt,
        service=service,
        at_ms=at_ms,
        body_hash=blake2b(kept_body if keep else body, digest_size=32).hexdigest(),
        body_bytes=len(body),
        key=kept_key if keep and message.key is not None else None,
        body=kept_body if keep else None,
        detail=detail[:256],
        masked=is_masked,
        card_hmac=_name(body + b"\n\n\n\n" + key, cards) if is_masked else "",
        card_key_id=cards.id if is_masked else "",
    )
    return Outgoing(message.topic.encode(), encode(record), ((headers.REASON, dead.reason.encode()),))


def _name(raw: bytes, cards: CardKey) -> str:
    """The name of the card number in ``raw``, of the longest where there are more."""
    return cards.name(max([found.digits for found in find_in_bytes(raw)], key=len))
