"""A signed-in browser: a random token that is kept as its hash, limits in time, and a token for its forms."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Final

from msgspec import Struct

from .people import Role

TOKEN_BYTES: Final = 32
SEEN_EVERY_MS: Final = 60_000
"""How often a session's use is written down: its idle limit is that much coarser."""


class Session(Struct, frozen=True, kw_only=True):
    """A session as kept: ``token_hash`` is SHA-256 of 256 random bits, ``csrf`` what its forms must bring."""

    token_hash: str
    user: str
    csrf: str
    created_at_ms: int
    seen_at_ms: int


class Limits(Struct, frozen=True, kw_only=True):
    """How long a session lasts unused, and at all."""

    idle_ms: int
    absolute_ms: int


class SignedIn(Struct, frozen=True, kw_only=True):
    """Who makes a request, and what their forms must bring."""

    name: str
    role: Role
    csrf: str


def token_hash(token: str) -> str:
    """What is kept of ``token``. It is random, so a plain hash does: there is nothing to try."""
    return sha256(token.encode()).hexdigest()


def is_over(session: Session, now_ms: int, limits: Limits) -> bool:
    """Whether the session has ended by one of its limits."""
    return (
        now_ms - session.seen_at_ms >= limits.idle_ms or now_ms - session.created_at_ms >= limits.absolute_ms
    )


def is_due(session: Session, now_ms: int) -> bool:
    """Whether its use should be written down again."""
    return now_ms - session.seen_at_ms >= SEEN_EVERY_MS


def brings(expected: str, given: str) -> bool:
    """Whether a form brought what it must; takes as long for a near miss as for a far one."""
    return compare_digest(expected.encode(), given.encode())
