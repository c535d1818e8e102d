"""Who asked: the id of a request and its place in a trace, taken from its headers if they are well formed."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from shared.contracts import headers

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CARD_LIKE: Final = re.compile(rb"(?:[0-9][.-]?){13,19}")


class Trace(NamedTuple):
    """The id of a request, and the trace that it belongs to as W3C writes it."""

    request_id: str
    traceparent: bytes

    def kafka_headers(self) -> tuple[tuple[str, bytes], ...]:
        """What goes beside every record of the request."""
        return (headers.REQUEST, self.request_id.encode()), (headers.TRACEPARENT, self.traceparent)


def trace(request_id: bytes | None, traceparent: bytes | None, drawn: bytes) -> Trace:
    """The trace of a request; what it did not bring well-formed comes from ``drawn`` (24 bytes)."""
    own = request_id if request_id and _is_plain(request_id) else drawn[:12].hex().encode()
    parent = traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else _made(drawn)
    return Trace(own.decode(), parent)


def _is_plain(request_id: bytes) -> bool:
    """An id is repeated in logs and headers, so one that may be a card's number is not taken over."""
    return bool(_REQUEST_ID.fullmatch(request_id)) and not _CARD_LIKE.search(request_id)


def _made(drawn: bytes) -> bytes:
    text = drawn.hex()
    return f"00-{text[:32]}-{text[32:48]}-01".encode()
