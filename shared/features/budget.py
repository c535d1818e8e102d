"""What traffic a portfolio expects, and how many bytes of Redis its timelines may take: its ``[budget]``."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

COUNT_LIMIT = 10**10
RATE_LIMIT = 1e7
ID_BYTES = 16


class Budget(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Traffic as a long-run mean, and the bytes granted.

    ``entities`` says how many of each there are. Every payment names each of them, or ``shares`` says which
    part of the payments does; of the activities only what ``activity_shares`` says. ``labels_per_payment``
    counts genuine ones too where they are sent. ``id_bytes`` is the usual length of an entity's id.
    """

    payments_per_second: float
    entities: dict[str, int]
    redis_bytes: int
    activities_per_second: float = 0.0
    labels_per_payment: float = 0.0
    shares: dict[str, float] = {}
    activity_shares: dict[str, float] = {}
    id_bytes: int = ID_BYTES


def refuse_budget(budget: Budget, entities: Sequence[str]) -> tuple[str, str] | None:
    """The key at fault and what is wrong with it, None for a budget that fits ``entities``, by name."""
    for key in ("payments_per_second", "activities_per_second"):
        if not 0 <= getattr(budget, key) <= RATE_LIMIT:
            return key, f"{key} lies from 0 to {RATE_LIMIT:.0f}"
    if not 0 <= budget.labels_per_payment <= 10:
        return "labels_per_payment", "labels_per_payment lies from 0 to 10"
    if not 1 <= budget.id_bytes <= 256:
        return "id_bytes", "id_bytes lies from 1 to 256"
    if budget.redis_bytes <= 0:
        return "redis_bytes", "redis_bytes is a positive number of bytes"
    for name in entities:
        if not 1 <= budget.entities.get(name, 0) <= COUNT_LIMIT:
            return "entities", f"the budget does not say how many there are of the entity '{name}'"
    for key in ("entities", "shares", "activity_shares"):
        if strange := [name for name in getattr(budget, key) if name not in entities]:
            return key, f"the portfolio has no entity '{strange[0]}'"
    for key in ("shares", "activity_shares"):
        if wrong := [name for name, share in getattr(budget, key).items() if not 0 <= share <= 1]:
            return key, f"the share of '{wrong[0]}' lies from 0 to 1"
    return None
