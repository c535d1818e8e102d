"""What is asked, as bytes that stay the same however often they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from shared.contracts.payments import Transaction

from .answers import NewKey

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
GRACE_S: Final = 0.5
"""How long past its deadline the house may stay silent before the connection counts as dead."""

LEAST_DEADLINE_MS: Final = 5
"""The shortest deadline that the house takes; below it, it would refuse the request instead of being late."""


class Request(NamedTuple):
    """One request. ``deadline_ms`` is what the house is given; ``repeatable``: twice is as good as once."""

    method: str
    path: str
    body: bytes = b""
    media_type: str = ""
    deadline_ms: int | None = None
    repeatable: bool = True


class Attempt(NamedTuple):
    """A request to be sent now: where to, and within how many seconds its answer must be there."""

    target: str
    within_s: float


def attempt(request: Request, left_s: float) -> Attempt:
    """``request`` where ``left_s`` seconds are left of the whole call: the house gets no longer deadline."""
    if request.deadline_ms is None:
        return Attempt(request.path, left_s)
    deadline_ms = min(request.deadline_ms, max(LEAST_DEADLINE_MS, int(left_s * 1000)))
    return Attempt(f"{request.path}?deadline_ms={deadline_ms}", min(left_s, deadline_ms / 1000 + GRACE_S))


def decide(transaction: Transaction | Mapping[str, object], deadline_ms: int | None) -> Request:
    """Asks for the answer to a payment. Raises TypeError for a value that JSON has no word for."""
    return Request("POST", "/v1/decisions", msgspec.json.encode(transaction), JSON, deadline_ms)


def decision(tx_id: str) -> Request:
    """Asks what is known of a payment."""
    return Request("GET", f"/v1/decisions/{quote(tx_id, safe='')}")


def bulk(path: str, body: bytes) -> Request:
    """Sends lines of JSON; every record has an id of its own, so the house knows a second copy."""
    return Request("POST", path, body, NDJSON)


def keys() -> Request:
    """Asks for all keys."""
    return Request("GET", "/v1/keys")


def add_key(new: NewKey) -> Request:
    """Makes a key. Twice would be two keys, so a broken connection is not followed by another try."""
    return Request("POST", "/v1/keys", msgspec.json.encode(new), JSON, repeatable=False)


def revoke_key(key_id: str) -> Request:
    """Ends a key."""
    return Request("DELETE", f"/v1/keys/{quote(key_id, safe='')}")


def address(url: str) -> str:
    """``url`` without a slash at its end. Raises ValueError for what is no HTTP address."""
    if not url.startswith(("http://", "https://")) or len(url.split("//", 1)[1]) == 0:
        raise ValueError(f"{url!r} is no address of a house; write http://HOST:PORT")
    return url.rstrip("/")


def headers(key: str) -> dict[str, str]:
    """What every request of a key carries. Raises ValueError for a key that no header can hold."""
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError("a key is printable ASCII: assay_..._...")
    return {"authorization": f"Bearer {key}", "accept": JSON, "accept-encoding": "identity"}
