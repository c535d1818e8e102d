"""API keys: what they look like, what is kept of them, what they allow."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from .refusal import Refused

Action = Literal["decide", "read", "ingest", "label", "keys"]
ACTIONS: Final[tuple[Action, ...]] = ("decide", "read", "ingest", "label", "keys")

ID_HEX: Final = 12
SECRET_HEX: Final = 64
_PRESENTED: Final = re.compile(rb"Bearer assay_([0-9a-f]{12})_([0-9a-f]{64})", re.IGNORECASE)


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key as it is kept: ``secret_hash`` is the SHA-256 of a secret of 256 random bits.

    ``caller`` is written into every payment that comes with the key; ``details`` lets it see scores and
    reasons. The rate is in requests for decisions, and in items of bulk. Times are UTC ms.
    """

    key_id: str
    name: str
    secret_hash: str
    portfolio: str
    actions: tuple[Action, ...]
    caller: str
    details: bool
    rate_per_s: float
    burst: int
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None


class Presented(NamedTuple):
    """The two parts of a key that a request brought."""

    key_id: str
    secret: str


def presented(header: bytes | None) -> Presented:
    """The key in an ``Authorization`` header. Raises Refused (`key_missing`)."""
    found = _PRESENTED.fullmatch(header or b"")
    if found is None:
        raise Refused("key_missing")
    return Presented(found[1].decode().lower(), found[2].decode().lower())


def secret_hash(secret: str) -> str:
    """What is kept of a secret: its SHA-256, 64 hex digits."""
    return sha256(secret.encode()).hexdigest()


def written(key_id: str, secret: str) -> str:
    """A key as its owner keeps it."""
    return f"assay_{key_id}_{secret}"


def allow(key: ApiKey | None, given: Presented, action: Action | None, portfolio: str, now_ms: int) -> ApiKey:
    """The key, if it is the one that was given and allows ``action`` (None: any) here. Raises Refused."""
    if key is None or not hmac.compare_digest(key.secret_hash, secret_hash(given.secret)):
        raise Refused("key_unknown")
    if key.revoked_at_ms is not None or now_ms >= key.expires_at_ms:
        raise Refused("key_expired")
    if key.portfolio != portfolio:
        raise Refused("key_portfolio")
    if action is not None and action not in key.actions:
        raise Refused("key_action")
    return key
