"""A key that is asked for: its bounds, and the key that is kept."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from .keys import ID_HEX, SECRET_HEX, Action, ApiKey, secret_hash, written

DAY_MS: Final = 86_400_000


class NewKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``POST /v1/keys`` takes. Without a ``caller`` it is the key's name."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    actions: Annotated[list[Action], Meta(min_length=1, max_length=5)]
    caller: (
        Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None
    ) = None
    details: bool = True
    rate_per_s: Annotated[float, Meta(gt=0, le=1_000_000)] = 1_000.0
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 200
    days: Annotated[float, Meta(gt=0, le=3_660)] = 365.0


class ShownKey(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A key as it is listed; ``key`` is the whole of it and told once, when it is made."""

    key_id: str
    name: str
    portfolio: str
    actions: list[Action]
    caller: str
    details: bool
    rate_per_s: float
    burst: int
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None
    key: str | None = None


class KeyList(Struct, frozen=True, kw_only=True):
    """What ``GET /v1/keys`` answers."""

    keys: list[ShownKey]


def make(asked: NewKey, portfolio: str, now_ms: int, drawn: bytes) -> tuple[ApiKey, ShownKey]:
    """The key that is kept and the one that is told, from ``drawn``, 38 random bytes."""
    text = drawn.hex()
    key_id, secret = text[:ID_HEX], text[ID_HEX : ID_HEX + SECRET_HEX]
    kept = ApiKey(
        key_id=key_id,
        name=asked.name,
        secret_hash=secret_hash(secret),
        portfolio=portfolio,
        actions=tuple(sorted(set(asked.actions))),
        caller=asked.caller or asked.name,
        details=asked.details,
        rate_per_s=asked.rate_per_s,
        burst=asked.burst,
        created_at_ms=now_ms,
        expires_at_ms=now_ms + round(asked.days * DAY_MS),
    )
    return kept, msgspec.structs.replace(shown(kept), key=written(key_id, secret))


def shown(key: ApiKey) -> ShownKey:
    """The key without what is secret."""
    fields = msgspec.structs.asdict(key)
    del fields["secret_hash"]
    return ShownKey(**fields | {"actions": list(key.actions)})
