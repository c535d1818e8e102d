"""A record that could not be handled, as it goes to dead letters: bytes, reason, coordinates."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from shared.contracts import headers
from shared.contracts.codec import encode
from shared.contracts.operations import DeadLetter
from shared.contracts.outcome import Dead

from .ports import Message, Outgoing

BODY_LIMIT_BYTES: Final = 262_144
"""Of a larger body only hash and size are kept, so that a dead letter always fits its topic."""


def dead_letter(
    message: Message, dead: Dead, service: str, attempt: int, at_ms: int, detail: str = ""
) -> Outgoing:
    """The dead letter of ``message``, keyed by its origin topic."""
    body = message.value or b""
    keep = len(body) <= BODY_LIMIT_BYTES and len(message.key or b"") <= BODY_LIMIT_BYTES
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
        body_hash=blake2b(body, digest_size=32).hexdigest(),
        body_bytes=len(body),
        key=message.key if keep else None,
        body=body if keep else None,
        detail=detail[:256],
    )
    return Outgoing(message.topic.encode(), encode(record), ((headers.REASON, dead.reason.encode()),))
